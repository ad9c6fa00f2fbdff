package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightshift/internal/app"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/schedule"
	"nightshift/internal/text"
)

// transitions is what `power next --json` prints: the state of a schedule at a
// time, and its transitions before and after it. Times are in the schedule's
// zone; null where there is none.
type transitions struct {
	Version  int              `json:"version"`
	Kind     string           `json:"kind"`
	Schedule string           `json:"schedule"`
	Zone     string           `json:"timezone"`
	At       time.Time        `json:"at"`
	State    schedule.State   `json:"state"`
	Last     *time.Time       `json:"last"`
	Next     *time.Time       `json:"next"`
	List     []app.Transition `json:"transitions"`
}

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
			now, err := a.instant(at, cfg.Zone)
			if err != nil {
				return err
			}
			chosen, err := chooseSchedules(cfg, names, tags)
			if err != nil {
				return errors.Join(asError(mistakes), err)
			}
			for n, s := range chosen {
				list := transitionsOf(s, now, count)
				if a.json {
					err = a.printJSON(list)
				} else {
					if n > 0 {
						fmt.Fprintln(a.Stdout)
					}
					a.printTransitions(list)
				}
				if err != nil {
					return err
				}
			}
			return asError(mistakes)
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

// chooseSchedules finds the schedules that are named, that the tags of a machine
// lead to, or all of the configuration.
func chooseSchedules(cfg *config.Config, names, tags []string) ([]power.Named, error) {
	var chosen []power.Named
	var errs []error
	add := func(named power.Named, err error) {
		switch {
		case err != nil:
			errs = append(errs, err)
		case named.Ignore:
			errs = append(errs, fleet.Errorf(fleet.ErrInvalid, "%q leaves machines alone and has no times", named.Name))
		default:
			chosen = append(chosen, named)
		}
	}
	for _, name := range names {
		add(cfg.Find(name, nil))
	}
	if len(tags) > 0 {
		all := strings.Join(tags, ", ")
		carried := fleet.Tags{}
		for _, tag := range tags {
			key, value, _ := strings.Cut(tag, "=")
			carried[key] = value
		}
		rules := cfg.Rules().Rules
		n := slices.IndexFunc(rules, func(r power.Rule) bool { return r.Tag.Key == "" || r.Tag.On(carried) })
		switch {
		case n < 0:
			errs = append(errs, fleet.Errorf(fleet.ErrInvalid, "no rule is for the tag %s", all))
		case rules[n].Ignore:
			add(power.Named{Name: all, Ignore: true}, nil)
		default:
			add(rules[n].Read(carried[rules[n].Tag.Key]))
		}
	}
	if len(names)+len(tags) == 0 {
		for _, name := range cfg.Names() {
			add(cfg.Find(name, nil))
		}
		if len(chosen)+len(errs) == 0 {
			errs = append(errs, fleet.Errorf(fleet.ErrInvalid, "the configuration has no schedules; name one with --schedule"))
		}
	}
	return chosen, errors.Join(errs...)
}

func transitionsOf(n power.Named, now time.Time, count int) transitions {
	s := n.Schedule
	now = now.In(s.Zone()).Truncate(time.Second)
	t := transitions{Version: 1, Kind: "next", Schedule: n.Name, Zone: s.Zone().String(), At: now, State: s.At(now), List: []app.Transition{}}
	if last, ok := s.Last(now); ok {
		t.Last = &last.At
	}
	for at := now; len(t.List) < count; {
		next, ok := s.Next(at)
		if !ok {
			break
		}
		t.List = append(t.List, app.Transition{At: next.At, State: next.State})
		at = next.At
	}
	if len(t.List) > 0 {
		t.Next = &t.List[0].At
	}
	return t
}

func (a *commandLine) printTransitions(t transitions) {
	const layout = "Mon 2006-01-02 15:04 MST"
	since := ""
	if t.Last != nil {
		since = " since " + t.Last.Format(layout)
	}
	fmt.Fprintf(a.Stdout, "%s (%s): %s at %s%s\n", text.Printable(t.Schedule), t.Zone, t.State, t.At.Format(layout), since)
	for _, next := range t.List {
		fmt.Fprintf(a.Stdout, "  %s  %s\n", next.At.Format(layout), next.State)
	}
	if len(t.List) == 0 {
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
