package cli

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"nightshift/internal/app"
	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
	"nightshift/internal/text"
)

func (a *commandLine) overrideCommand() *cobra.Command {
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

func (a *commandLine) overrideSetCommand() *cobra.Command {
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
			s, err := a.openConfigured(cmd.Context())
			if err != nil {
				return err
			}
			if until == "" {
				return fleet.Errorf(fleet.ErrInvalid, "say until when with --until, for example --until 22:00 or --until 3h")
			}
			in := app.OverrideInput{Name: args[0], State: fleet.Running}
			if args[1] == "off" {
				in.State = fleet.Stopped
			}
			if in.Until, err = schedule.ParseInstant(until, a.Now(), s.Config.Zone); err != nil {
				return err
			}
			made, err := s.SetOverride(cmd.Context(), in)
			if made.Clipped {
				fmt.Fprintf(a.Stderr, "nightshift: that is longer than is allowed (power.override.max is %s); it ends at %s\n",
					inHours(cmp.Or(s.Config.Rules().Override.Max, 24*time.Hour).Hours()), made.Until.In(s.Config.Zone).Format(moment))
			}
			return a.showOverride(s, made, "overridden: "+args[1], err)
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

func (a *commandLine) overrideClearCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "clear ID",
		Short: "End an override now: the machine follows its schedule again",
		Example: `  nightshift power override clear i-0123456789abcdef0
  nightshift power override clear web-1`,
		Args: one("the id or the name of a machine"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.openConfigured(cmd.Context())
			if err != nil {
				return err
			}
			made, err := s.SetOverride(cmd.Context(), app.OverrideInput{Name: args[0]})
			return a.showOverride(s, made, "following its schedule again", err)
		},
	}
}

func (a *commandLine) overrideListCommand() *cobra.Command {
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
			s, err := a.openConfigured(cmd.Context())
			if err != nil {
				return err
			}
			result, err := s.Overrides(cmd.Context())
			if err != nil {
				return errors.Join(a.configErrors(s), err)
			}
			list := result.Overrides
			if err := a.show("overrides", list, func() { a.printOverrides(s, list) }); err != nil {
				return err
			}
			return a.endedWith(s, result.Status, errors.Join(causes(result.Errors)...))
		},
	}
}

func (a *commandLine) printOverrides(s *app.Session, list []app.Override) {
	if len(list) == 0 {
		fmt.Fprintln(a.Stdout, "no overrides")
		return
	}
	when := func(t time.Time) string { return t.In(s.Config.Zone).Format(moment) }
	t := tableOf(s.Names, 2, "MACHINE", "NAME", "REGION", "STATE", "SINCE", "UNTIL")
	for _, o := range list {
		t.add(o.Account, string(o.ID), o.Name, string(o.Region), string(o.State), when(o.Since), when(o.Until))
	}
	t.print(a.Stdout)
}

// showOverride prints an override that was written, and ends the command.
func (a *commandLine) showOverride(s *app.Session, o app.Override, what string, err error) error {
	switch {
	case err != nil:
		return errors.Join(a.configErrors(s), err)
	case a.json:
		set := map[string]any{"id": o.ID, "name": o.Name, "region": o.Region, "tag": o.Tag, "until": o.Until}
		if o.Account != "" {
			set["account"] = o.Account
		}
		err = a.printJSON(envelope{1, "override", set})
	case !a.quiet:
		until := ""
		if o.Until.After(a.Now()) {
			until = " until " + o.Until.In(s.Config.Zone).Format(moment)
		}
		fmt.Fprintf(a.Stdout, "%s (%s) is %s%s\n", o.ID, text.Printable(o.Name), what, until)
	}
	return errors.Join(a.configErrors(s), err)
}
