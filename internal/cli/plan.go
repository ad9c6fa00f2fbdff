package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

// schedulesCommand is the family of commands about schedules.
func (a *app) schedulesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "power",
		Short: "Follow schedules: plan, apply, explain",
		Long: `Stop and start machines as their schedules say. The schedules and the rules that
bind machines to them stand in nightshift.yaml; ` + "`nightshift check`" + ` looks over it.

What has to be done is found out from AWS alone, from states, times and tags:
run it often, late or twice, it comes right.`,
		Example: `  nightshift power plan
  nightshift power apply
  nightshift power explain web-1`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		a.planCommand(), a.applyCommand(), a.explainCommand(), a.nextCommand(), a.weekCommand(), a.forecastCommand(),
		a.overrideCommand(), a.importCommand(),
	)
	return cmd
}

func (a *app) planCommand() *cobra.Command {
	var (
		at       string
		exitCode bool
		all      bool
	)
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what would be stopped and started, and why",
		Long: `Show what would be stopped and started, and why. Nothing is changed.

With --at the schedules are asked about another time; the machines are as they
are now.`,
		Example: `  nightshift power plan
  nightshift power plan --at 2026-12-24T20:00 --all
  nightshift power plan --exit-code --quiet || echo "something is to be done"`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.schedules(cmd.Context(), a.regions, nil)
			if err != nil {
				return err
			}
			if s.job.now, err = a.moment(s, at); err != nil {
				return err
			}
			s.job.dryRun = true
			done := s.follow(cmd.Context(), s.job)
			err = a.showFollowed(done, all, s.mistakes)
			if err == nil && exitCode && done.Changes() > 0 {
				return errChanges
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&at, "at", "", "the time to plan for, as 2026-12-24T20:00 or in RFC 3339 (default: now)")
	flags.BoolVar(&exitCode, "exit-code", false, "end with code 6 when something would be done")
	flags.BoolVar(&all, "all", false, "also list the machines of which nothing is wanted")
	return cmd
}

func (a *app) applyCommand() *cobra.Command {
	var (
		dryRun  bool
		wait    bool
		all     bool
		timeout time.Duration
	)
	cmd := &cobra.Command{
		Use:   "apply",
		Short: "Stop and start what its schedule wants stopped and running",
		Long: `Stop and start what its schedule wants stopped and running, now. What people
did by hand since the schedule last changed its mind is left as it is, unless a
rule enforces the schedule.

Every machine is read and judged again just before it is acted on, so that a
run may take long, come late or meet another one.`,
		Example: `  nightshift power apply
  nightshift power apply --region all --timeout 20m --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if wait && timeout <= 0 {
				return fleet.Errorf(fleet.ErrInvalid, "--timeout %s: must be more than zero; --wait=false does not wait at all", timeout)
			}
			s, err := a.schedules(cmd.Context(), a.regions, nil)
			if err != nil {
				return err
			}
			s.job.dryRun, s.job.Closing = dryRun, cmd.Context().Done()
			if wait {
				s.job.Wait, s.job.Settle = timeout, timeout
			}
			progress := a.progress("power")
			s.job.planned, s.job.Settled = progress.planned, progress.settled
			done := s.follow(cmd.Context(), s.job)
			progress.end()
			return a.showFollowed(done, all, s.mistakes)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&dryRun, "dry-run", false, "show what would be done and why, and do nothing")
	flags.BoolVar(&wait, "wait", true, "wait until each machine is in its wanted state")
	flags.DurationVar(&timeout, "timeout", 10*time.Minute, "how long to wait")
	flags.BoolVar(&all, "all", false, "also list the machines of which nothing is wanted")
	complete(cmd, "timeout", "10m", "30m")
	return cmd
}

// errChanges ends `power plan --exit-code` where something would be done.
var errChanges = errors.New("something is to be done")

// showFollowed prints the result of a run and turns it into the command's error.
func (a *app) showFollowed(f followed, all bool, mistakes error) error {
	err := errors.Join(mistakes, f.err())
	if f.unread() && f.seen() == 0 {
		return err
	}
	if a.json {
		if printed := a.printJSON(envelope{1, "power", f.Summary}); printed != nil {
			return printed
		}
		return err
	}
	if a.quiet {
		return err
	}
	t := f.names.table(2, "MACHINE", "NAME", "REGION", "SCHEDULE", "OUTCOME", "REASON")
	for n, p := range f.plans {
		for k, s := range p.Steps {
			outcome, reason := "leave", s.Reason
			switch {
			case f.outcomes != nil:
				o := f.outcomes[n][k]
				outcome, reason = string(o.Result), o.Reason
				if o.Result == fleet.Done {
					outcome = string(o.State)
				}
				if reason.Text == "" {
					reason = s.Reason
				}
			case s.Mistake:
				outcome = "mistake"
			case s.Settling:
				outcome = "would wait"
			case s.Do():
				outcome = "would " + string(s.Action)
			}
			if !all && !s.Do() && power.Quiet(reason.Code) {
				continue
			}
			t.add(p.Target.Account, string(s.Machine.ID), s.Machine.Name(), string(p.Target.Region), s.Desired.Schedule, outcome, reason.Text)
		}
	}
	t.print(a.Stdout)
	for _, w := range f.Warnings {
		fmt.Fprintf(a.Stdout, "warning: %s (%s, the first is %s)\n", printable(w.Text), counted(len(w.Machines), "machine", "machines"), w.Machines[0])
	}
	line := f.Status
	if f.NoChange > 0 {
		line += fmt.Sprintf(", %d as wanted", f.NoChange)
	}
	if f.NoRule > 0 {
		line += fmt.Sprintf(", %d without a rule", f.NoRule)
	}
	if f.DryRun {
		line += " (nothing was done)"
	}
	fmt.Fprintln(a.Stdout, line)
	return err
}

// moment is the time that a person asks about, or else the clock of AWS.
func (a *app) moment(s *schedules, text string) (func() time.Time, error) {
	if text == "" {
		return s.job.now, nil
	}
	at, err := a.instant(text, s.config.Zone)
	return func() time.Time { return at }, err
}

// instant reads a time that a person writes: RFC 3339, or without an offset,
// which is then in the zone; a time of day is the next one, a duration such as
// 3h counts from now, and nothing is now.
func (a *app) instant(text string, zone *time.Location) (time.Time, error) {
	now := a.Now()
	if text == "" {
		return now, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(d), nil
	}
	for _, layout := range []string{"2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at, nil
		}
	}
	if at, err := time.Parse("15:04", text); err == nil {
		year, month, day := now.In(zone).Date()
		today := time.Date(year, month, day, at.Hour(), at.Minute(), 0, 0, zone)
		if today.After(now) {
			return today, nil
		}
		return time.Date(year, month, day+1, at.Hour(), at.Minute(), 0, 0, zone), nil
	}
	return time.Time{}, fleet.Errorf(fleet.ErrInvalid, "%q is not a time; write 2026-12-24T20:00, 20:00, 3h or 2026-12-24T20:00:00+09:00", text)
}
