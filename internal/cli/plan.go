package cli

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"nightshift/internal/app"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/schedule"
	"nightshift/internal/text"
)

// schedulesCommand is the family of commands about schedules.
func (a *commandLine) schedulesCommand() *cobra.Command {
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

func (a *commandLine) planCommand() *cobra.Command {
	var (
		only     narrowing
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
  nightshift power plan --tag Team=data
  nightshift power plan --exit-code --quiet || echo "something is to be done"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			selected, err := only.selection(args)
			if err != nil {
				return err
			}
			s, err := a.openConfigured(cmd.Context())
			if err != nil {
				return err
			}
			in := app.PowerInput{DryRun: true, Only: selected}
			if at != "" {
				if in.At, err = schedule.ParseInstant(at, a.Now(), s.Config.Zone); err != nil {
					return err
				}
			}
			result, err := s.Power(cmd.Context(), in)
			if err != nil {
				return errors.Join(a.configErrors(s), err)
			}
			err = a.showRules(s, result, all)
			if err == nil && exitCode && result.Summary.Changes() > 0 {
				return errChanges
			}
			return err
		},
	}
	flags := cmd.Flags()
	only.addTo(cmd, true)
	flags.StringVar(&at, "at", "", "the time to plan for, as 2026-12-24T20:00 or in RFC 3339 (default: now)")
	flags.BoolVar(&exitCode, "exit-code", false, "end with code 6 when something would be done")
	flags.BoolVar(&all, "all", false, "also list the machines of which nothing is wanted")
	return cmd
}

func (a *commandLine) applyCommand() *cobra.Command {
	var (
		only    narrowing
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
  nightshift power apply --region all --timeout 20m --json
  nightshift power apply web-1 db-1
  nightshift power apply --tag Team=data --rule 2`,
		RunE: func(cmd *cobra.Command, args []string) error {
			selected, err := only.selection(args)
			if err != nil {
				return err
			}
			if wait && timeout <= 0 {
				return fleet.Errorf(fleet.ErrInvalid, "--timeout %s: must be more than zero; --wait=false does not wait at all", timeout)
			}
			s, err := a.openConfigured(cmd.Context())
			if err != nil {
				return err
			}
			in := app.PowerInput{DryRun: dryRun, Only: selected}
			if wait {
				in.Wait, in.Settle = timeout, timeout
			}
			a.progress.start("power")
			result, err := s.Power(cmd.Context(), in)
			a.progress.end()
			if err != nil {
				return errors.Join(a.configErrors(s), err)
			}
			return a.showRules(s, result, all)
		},
	}
	flags := cmd.Flags()
	only.addTo(cmd, true)
	flags.BoolVar(&dryRun, "dry-run", false, "show what would be done and why, and do nothing")
	flags.BoolVar(&wait, "wait", true, "wait until each machine is in its wanted state")
	flags.DurationVar(&timeout, "timeout", 10*time.Minute, "how long to wait")
	flags.BoolVar(&all, "all", false, "also list the machines of which nothing is wanted")
	complete(cmd, "timeout", "10m", "30m")
	return cmd
}

// errChanges ends `power plan --exit-code` where something would be done.
var errChanges = errors.New("something is to be done")

// showRules prints the result of a run by schedules and ends the command.
func (a *commandLine) showRules(s *app.Session, r app.PowerResult, all bool) error {
	if !r.Unread {
		err := a.show("power", r.Summary, func() {
			rulesTable(s.Names, r, all).print(a.Stdout)
			printRulesSummary(a.Stdout, r.Summary)
		})
		if err != nil {
			return err
		}
	}
	return a.endedWith(s, r.Status(), r.Err())
}

// rulesTable has a row for each machine that needs attention or, with all, for each.
func rulesTable(names app.Names, r app.PowerResult, all bool) *accountTable {
	t := tableOf(names, 2, "MACHINE", "NAME", "REGION", "SCHEDULE", "OUTCOME", "REASON")
	for _, target := range r.Targets {
		for n, step := range target.Plan.Steps {
			outcome, reason := plannedOutcome(step), step.Reason
			if target.Outcomes != nil {
				outcome = finalOutcome(target.Outcomes[n])
				if done := target.Outcomes[n].Reason; done.Text != "" {
					reason = done
				}
			}
			named := len(r.Input.Only.Machines) > 0
			if !all && !named && !step.Do() && power.Quiet(reason.Code) {
				continue
			}
			m, where := step.Machine, target.Plan.Target
			t.add(where.Account, string(m.ID), m.Name(), string(where.Region), step.Desired.Schedule, outcome, reason.Text)
		}
	}
	return t
}

// printRulesSummary prints warnings and the last line of a run by schedules.
func printRulesSummary(out io.Writer, s power.Summary) {
	for _, w := range s.Warnings {
		fmt.Fprintf(out, "warning: %s (%s, the first is %s)\n", text.Printable(w.Text), text.Count(len(w.Machines), "machine", "machines"), w.Machines[0])
	}
	line := s.Status
	if s.NoChange > 0 {
		line += fmt.Sprintf(", %d as wanted", s.NoChange)
	}
	if s.NoRule > 0 {
		line += fmt.Sprintf(", %d without a rule", s.NoRule)
	}
	if s.DryRun {
		line += " (nothing was done)"
	}
	fmt.Fprintln(out, line)
}
