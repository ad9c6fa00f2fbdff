package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

func (a *app) overrideCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "override",
		Short: "Override the schedule of a machine for a time",
		Long: `Override the schedule of a machine for a time. An override stands in the machine's
tag ` + fleet.TagOverride + ` and ends without anybody. How long it may last is set by
power.override.max (24 hours where it is not set), and overrides to off have to be
allowed by power.override.off.`,
		Example: `  nightshift power override set web-1 on --until 22:00
  nightshift power override list
  nightshift power override clear web-1`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.overrideSetCommand(), a.overrideClearCommand(), a.overrideListCommand())
	return cmd
}

func (a *app) overrideSetCommand() *cobra.Command {
	var until string
	cmd := &cobra.Command{
		Use:   "set ID on|off",
		Short: "Override a machine to on or off until a time",
		Long: `Override a machine to on or off until a time, whatever its schedule says.

The next run follows it; ` + "`nightshift power apply`" + ` does at once.`,
		Example: `  nightshift power override set i-0123456789abcdef0 on --until 22:00
  nightshift power override set web-1 on --until 3h`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 || args[1] != "on" && args[1] != "off" {
				return fleet.Errorf(fleet.ErrInvalid, "give a machine and on or off; see: %s --help", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.schedules(cmd.Context(), a.regions, nil)
			if err != nil {
				return err
			}
			o, err := a.newOverride(s, args[1], until)
			if err != nil {
				return err
			}
			return a.override(cmd, s, args[0], "overridden: "+args[1], func(fleet.Machine) (fleet.Override, error) { return o, nil })
		},
	}
	cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) == 1 {
			return []cobra.Completion{"on", "off"}, cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	cmd.Flags().StringVar(&until, "until", "", "when it ends: 22:00, 3h, 2026-12-24T20:00 or in RFC 3339")
	complete(cmd, "until", "2h", "22:00")
	return cmd
}

// newOverride is an override from now to a time, within what is allowed.
func (a *app) newOverride(s *schedules, to, until string) (fleet.Override, error) {
	if until == "" {
		return fleet.Override{}, fleet.Errorf(fleet.ErrInvalid, "say until when with --until, for example --until 22:00 or --until 3h")
	}
	end, err := a.instant(until, s.config.Zone)
	if err != nil {
		return fleet.Override{}, err
	}
	now := s.job.now().UTC().Truncate(time.Second)
	o := fleet.Override{State: fleet.Running, Since: now, Until: end.UTC().Truncate(time.Second)}
	limits := s.job.rules.Override
	switch {
	case to == "off" && !limits.Off:
		return o, fleet.Errorf(fleet.ErrInvalid, "an override to off is not allowed; power.override.off: true in the configuration allows it")
	case to == "off":
		o.State = fleet.Stopped
	}
	if !o.Until.After(now) {
		return o, fleet.Errorf(fleet.ErrInvalid, "--until %s is not in the future (%s)", until, end.In(s.config.Zone).Format("Mon 2006-01-02 15:04 MST"))
	}
	clipped, long := limits.Clip(o)
	if long {
		fmt.Fprintf(a.Stderr, "nightshift: that is longer than is allowed (power.override.max is %s); it ends at %s\n",
			inHours(cmp.Or(limits.Max, 24*time.Hour).Hours()), clipped.Until.In(s.config.Zone).Format("Mon 2006-01-02 15:04 MST"))
	}
	return clipped, nil
}

func (a *app) overrideClearCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "clear ID",
		Short: "End an override now: the machine follows its schedule again",
		Example: `  nightshift power override clear i-0123456789abcdef0
  nightshift power override clear web-1`,
		Args: one("the id or the name of a machine"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.schedules(cmd.Context(), a.regions, nil)
			if err != nil {
				return err
			}
			return a.override(cmd, s, args[0], "following its schedule again", func(m fleet.Machine) (fleet.Override, error) {
				value, ok := m.Tags[fleet.TagOverride]
				if !ok {
					return fleet.Override{}, fleet.Errorf(fleet.ErrInvalid, "%s has no override: it has no tag %s", m.ID, fleet.TagOverride)
				}
				o, err := fleet.ParseOverride(value)
				if err != nil { // whatever it was meant to be, it is over
					now := s.job.now().UTC().Truncate(time.Second)
					return fleet.Override{State: fleet.Running, Since: now, Until: now}, nil
				}
				o, _ = s.job.rules.Override.Clip(o)
				if now := s.job.now(); !o.Until.After(now) {
					return o, fleet.Errorf(fleet.ErrInvalid, "%s has no override: the last one ended at %s", m.ID, o.Until.In(s.config.Zone).Format("Mon 2006-01-02 15:04 MST"))
				}
				return o.Cleared(s.job.now()), nil
			})
		},
	}
}

func (a *app) overrideListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the overrides that are in force or still to come",
		Long: `List the overrides that are in force or still to come, on the machines that rules
are for. Ended ones are left out; their tags stay, since they tell when the
desired state last changed.`,
		Example: `  nightshift power override list
  nightshift power override list --json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.schedules(cmd.Context(), a.regions, nil)
			if err != nil {
				return err
			}
			s.job.dryRun = true
			done := s.follow(cmd.Context(), s.job)
			if err := a.showOverrides(s, overridesOf(done.plans)); err != nil {
				return err
			}
			if len(done.errs) > 0 && !done.unread() {
				return errors.Join(append(done.errs, s.mistakes, errPartly)...)
			}
			return errors.Join(s.mistakes, together(done.errs))
		},
	}
}

// setOverride is one override in a list.
type setOverride struct {
	ID      fleet.ResourceID `json:"id"`
	Name    string           `json:"name"`
	Account fleet.Account    `json:"account,omitempty"`
	Region  fleet.Region     `json:"region"`
	Tag     string           `json:"tag"`
	State   fleet.State      `json:"state"`
	Since   time.Time        `json:"since"`
	Until   time.Time        `json:"until"`
}

// overridesOf are the overrides that plans found and that are not over, with
// what the limits leave of them.
func overridesOf(plans []power.Plan) []setOverride {
	list := []setOverride{}
	for _, plan := range plans {
		for _, step := range plan.Steps {
			if o := step.Desired.Override; o.Until.After(plan.At) {
				m := step.Machine
				list = append(list, setOverride{m.ID, m.Name(), plan.Target.Account, plan.Target.Region, m.Tags[fleet.TagOverride], o.State, o.Since, o.Until})
			}
		}
	}
	return list
}

func (a *app) showOverrides(s *schedules, list []setOverride) error {
	switch {
	case a.json:
		return a.printJSON(envelope{1, "overrides", list})
	case a.quiet:
	case len(list) == 0:
		fmt.Fprintln(a.Stdout, "no overrides")
	default:
		t := s.names.table(2, "MACHINE", "NAME", "REGION", "STATE", "SINCE", "UNTIL")
		for _, o := range list {
			when := func(t time.Time) string { return t.In(s.config.Zone).Format("Mon 2006-01-02 15:04 MST") }
			t.add(o.Account, string(o.ID), o.Name, string(o.Region), string(o.State), when(o.Since), when(o.Until))
		}
		t.print(a.Stdout)
	}
	return nil
}

// override writes an override into the tag of the one machine that has the id
// or the name.
func (a *app) override(cmd *cobra.Command, s *schedules, name, what string, change func(fleet.Machine) (fleet.Override, error)) error {
	steps, err := s.find(cmd.Context(), name, s.job.now)
	if err != nil {
		return err
	}
	m := steps[0].Machine
	switch {
	case len(steps) > 1 && hasID(m, name):
		return fleet.Errorf(fleet.ErrInvalid, "%d machines have the id %q; choose one with --region and --account", len(steps), name)
	case len(steps) > 1:
		return fleet.Errorf(fleet.ErrInvalid, "%d machines have the name %q; give the id of one, such as %s", len(steps), name, m.ID)
	case steps[0].Desired.Rule == 0:
		return fleet.Errorf(fleet.ErrInvalid, "no rule is for %s (%s), so that there is nothing to override", m.ID, m.Name())
	case steps[0].Reason.Code == power.Ignored:
		return fleet.Errorf(fleet.ErrInvalid, "%s (%s): %s, so that there is nothing to override", m.ID, m.Name(), steps[0].Reason.Text)
	}
	o, err := change(m)
	if err != nil {
		return err
	}
	port := steps[0].clients(s.job.rules).Machines[m.Kind]
	if err := port.Mark(cmd.Context(), []fleet.Machine{m}, fleet.Tags{fleet.TagOverride: o.String()}); err != nil {
		return err
	}
	if a.json {
		set := map[string]any{"id": m.ID, "name": m.Name(), "region": m.Target.Region, "tag": o.String(), "until": o.Until}
		if account := steps[0].target.Account; account != "" {
			set["account"] = account
		}
		return a.printJSON(envelope{1, "override", set})
	}
	if !a.quiet {
		until := ""
		if o.Until.After(s.job.now()) {
			until = " until " + o.Until.In(s.config.Zone).Format("Mon 2006-01-02 15:04 MST")
		}
		fmt.Fprintf(a.Stdout, "%s (%s) is %s%s\n", m.ID, printable(m.Name()), what, until)
	}
	return s.mistakes
}

func (a *app) importCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE",
		Short: "Turn definitions of Instance Scheduler on AWS into a configuration",
		Long: `Turn definitions of Instance Scheduler on AWS into a configuration, which is
printed. FILE holds items of its DynamoDB table as JSON (the answer of
` + "`aws dynamodb scan`" + `) or a CloudFormation template with resources of the type
Custom::ServiceInstanceSchedule; "-" reads standard input. Schedules keep their
names, so that the tags on the machines stay as they are. What cannot be kept
is told on standard error.`,
		Example: `  aws dynamodb scan --table-name ConfigTable | nightshift power import - > nightshift.yaml
  nightshift power import schedules.template.yaml > nightshift.yaml`,
		Args: one("a file, or - for standard input"),
		RunE: func(_ *cobra.Command, args []string) error {
			data, err := a.input(args[0])
			if err != nil {
				return err
			}
			text, warnings, err := config.Import(data)
			for _, w := range warnings {
				fmt.Fprintln(a.Stderr, "warning:", printable(w))
			}
			if err != nil {
				return err
			}
			_, err = a.Stdout.Write(text)
			return err
		},
	}
}

// importLimit is the largest file that is imported: a DynamoDB table of a
// hundred thousand schedules.
const importLimit = 64 << 20

func (a *app) input(name string) ([]byte, error) {
	from := a.Stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, fleet.Errorf(fleet.ErrInvalid, "the file cannot be read: %w", err)
		}
		defer file.Close()
		from = file
	}
	data, err := io.ReadAll(io.LimitReader(from, importLimit+1))
	if err == nil && len(data) > importLimit {
		err = fleet.Errorf(fleet.ErrInvalid, "%s is larger than %d MiB", name, importLimit>>20)
	}
	return data, err
}
