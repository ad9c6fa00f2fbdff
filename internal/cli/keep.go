package cli

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/schedule"
)

func (a *app) keepCommand() *cobra.Command {
	var until string
	cmd := &cobra.Command{
		Use:   "keep ID on|off",
		Short: "Keep a machine on or off for a time, whatever its schedule says",
		Long: `Keep a machine on or off for a time, whatever its schedule says. It is written
into the machine's tag ` + power.KeepTag + ` and ends by itself; ` + "`power release`" + ` ends it
at once. How long it may last is set by power.keep.max (24 hours where it is not
set), and keeping off has to be allowed by power.keep.off.

The next run follows it; ` + "`nightshift power apply`" + ` does at once.`,
		Example: `  nightshift power keep i-0123456789abcdef0 on --until 22:00
  nightshift power keep web-1 on --until 3h`,
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
			if until == "" {
				return fleet.Errorf(fleet.ErrInvalid, "say until when with --until, for example --until 22:00 or --until 3h")
			}
			end, err := a.instant(until, s.config.Zone)
			if err != nil {
				return err
			}
			now := s.job.now().UTC().Truncate(time.Second)
			k := power.Keep{State: schedule.Running, Since: now, Until: end.UTC().Truncate(time.Second)}
			limits := s.job.rules.Keep
			switch {
			case args[1] == "off" && !limits.Off:
				return fleet.Errorf(fleet.ErrInvalid, "keeping machines off is not allowed; power.keep.off: true in the configuration allows it")
			case args[1] == "off":
				k.State = schedule.Stopped
			}
			if !k.Until.After(now) {
				return fleet.Errorf(fleet.ErrInvalid, "--until %s is not in the future (%s)", until, end.In(s.config.Zone).Format("Mon 2006-01-02 15:04 MST"))
			}
			clipped, long := limits.Clip(k)
			if long {
				fmt.Fprintf(a.Stderr, "nightshift: that is longer than is allowed (power.keep.max is %s); it ends at %s\n",
					inHours(cmp.Or(limits.Max, 24*time.Hour).Hours()), clipped.Until.In(s.config.Zone).Format("Mon 2006-01-02 15:04 MST"))
			}
			return a.override(cmd, s, args[0], "kept "+args[1], func(fleet.Machine) (power.Keep, error) { return clipped, nil })
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

func (a *app) releaseCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "release ID",
		Short: "End a keep now: the machine follows its schedule again",
		Example: `  nightshift power release i-0123456789abcdef0
  nightshift power release web-1`,
		Args: one("the id or the name of a machine"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.schedules(cmd.Context(), a.regions, nil)
			if err != nil {
				return err
			}
			return a.override(cmd, s, args[0], "released", func(m fleet.Machine) (power.Keep, error) {
				value, ok := m.Tags[power.KeepTag]
				if !ok {
					return power.Keep{}, fleet.Errorf(fleet.ErrInvalid, "%s is not kept: it has no tag %s", m.ID, power.KeepTag)
				}
				k, err := power.ParseKeep(value)
				if err != nil { // whatever it was meant to be, it is over
					now := s.job.now().UTC().Truncate(time.Second)
					return power.Keep{State: schedule.Running, Since: now, Until: now}, nil
				}
				k, _ = s.job.rules.Keep.Clip(k)
				return k.Released(s.job.now()), nil
			})
		},
	}
}

// override writes an override into the tag of the one machine that has the id
// or the name.
func (a *app) override(cmd *cobra.Command, s *schedules, name, what string, keep func(fleet.Machine) (power.Keep, error)) error {
	steps, err := s.find(cmd.Context(), name, s.job.now)
	if err != nil {
		return err
	}
	if len(steps) > 1 {
		return fleet.Errorf(fleet.ErrInvalid, "%d machines have the name %q; give the id of one, such as %s", len(steps), name, steps[0].Machine.ID)
	}
	m := steps[0].Machine
	if steps[0].Desired.Rule == 0 {
		return fleet.Errorf(fleet.ErrInvalid, "no rule is for %s (%s), so that there is nothing to override", m.ID, m.Name())
	}
	k, err := keep(m)
	if err != nil {
		return err
	}
	port := steps[0].clients(s.job.rules).Machines[m.Kind]
	if err := port.Mark(cmd.Context(), []fleet.Machine{m}, fleet.Tags{power.KeepTag: k.String()}); err != nil {
		return err
	}
	if a.json {
		kept := map[string]any{"id": m.ID, "name": m.Name(), "region": m.Target.Region, "tag": k.String(), "until": k.Until}
		if account := steps[0].target.Account; account != "" {
			kept["account"] = account
		}
		return a.printJSON(envelope{1, "keep", kept})
	}
	if !a.quiet {
		until := ""
		if k.Until.After(s.job.now()) {
			until = " until " + k.Until.In(s.config.Zone).Format("Mon 2006-01-02 15:04 MST")
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
