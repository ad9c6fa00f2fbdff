package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
	"nightshift/internal/text"
)

func (a *commandLine) nextCommand() *cobra.Command {
	var (
		names, tags []string
		at          string
		count       int
	)
	cmd := &cobra.Command{
		Use:   "next",
		Short: "List when schedules next stop and start",
		Long: `List when schedules next stop and start. Without --schedule and --tag it tells
of every schedule of the configuration. It needs neither credentials nor network
and, for a schedule that is written out, no configuration.`,
		Example: `  nightshift power next
  nightshift power next --schedule office-hours --at 2026-12-23T12:00 --count 10
  nightshift power next --schedule "Mon-Fri 08:00-19:00 Asia/Seoul" --json
  nightshift power next --tag "maid_offhours=off=(M-F,19);on=(M-F,7);tz=et"`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if count < 1 || count > 10_000 {
				return fleet.Errorf(fleet.ErrInvalid, "--count %d: give a number from 1 to 10000", count)
			}
			cfg, mistakes, err := a.schedulesOf(cmd.Context(), len(names) == 0)
			if err != nil {
				return err
			}
			now, err := schedule.ParseInstant(at, a.Now(), cfg.Zone)
			if err != nil {
				return err
			}
			chosen, err := cfg.Choose(names, tags)
			if err != nil {
				return errors.Join(asError(mistakes), err)
			}
			var list []schedule.Outlook
			for _, s := range chosen {
				list = append(list, s.Schedule.Outlook(s.Name, now, count))
			}
			err = a.show("next", list, func() {
				for n, o := range list {
					if n > 0 {
						fmt.Fprintln(a.Stdout)
					}
					a.printOutlook(o)
				}
			})
			return cmp.Or(err, asError(mistakes))
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&names, "schedule", nil, "a schedule's name, or a schedule written out; repeat for several")
	flags.StringArrayVar(&tags, "tag", nil, "the tag of a machine, as Key=Value: the schedule that it would follow; repeat for a machine with several")
	flags.StringVar(&at, "at", "", "the time to look from, as 2026-12-24T20:00 or in RFC 3339 (default: now)")
	flags.IntVar(&count, "count", 5, "how many transitions to list")
	a.completeSchedules(cmd)
	return cmd
}

// schedulesOf is the configuration for commands about schedules alone, empty where there
// is none and none is needed.
func (a *commandLine) schedulesOf(ctx context.Context, need bool) (*config.Config, config.Errors, error) {
	s, err := a.openConfig(ctx, need || a.configName() != "")
	if err != nil {
		return nil, nil, err
	}
	return cmp.Or(s.Config, &config.Config{Zone: time.UTC}), s.Errors, nil
}

// asError is nil where there are no mistakes.
func asError(m config.Errors) error {
	if len(m) == 0 {
		return nil
	}
	return m
}

func (a *commandLine) printOutlook(o schedule.Outlook) {
	since := ""
	if o.Last != nil {
		since = " since " + o.Last.Format(moment)
	}
	fmt.Fprintf(a.Stdout, "%s (%s): %s at %s%s\n", text.Printable(o.Schedule), o.Zone, o.State, o.At.Format(moment), since)
	for _, next := range o.Transitions {
		fmt.Fprintf(a.Stdout, "  %s  %s\n", next.At.Format(moment), next.State)
	}
	if len(o.Transitions) == 0 {
		fmt.Fprintln(a.Stdout, "  it never changes")
	}
}

// completeSchedules offers the shell the names of the schedules.
func (a *commandLine) completeSchedules(cmd *cobra.Command) {
	// The only error is a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("schedule", func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		a.announced = true                                // nobody reads it between the words of a command
		cfg, _, err := a.schedulesOf(cmd.Context(), true) // without one there is nothing to offer
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return cfg.Names(), cobra.ShellCompDirectiveNoFileComp
	})
}
