package cli

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightshift/internal/app"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/text"
)

// defaultTag is the tag of the first Lambda scripts.
const defaultTag = "AutoStopStart=Yes"

func (a *commandLine) stopCommand() *cobra.Command {
	return a.powerCommand(power.Stop, "Stop the running instances that carry a tag, or all of several",
		`  nightshift stop --dry-run
  nightshift stop --region ap-northeast-2 --region us-east-1
  nightshift stop --tag Environment=dev --tag Team=data --json`)
}

func (a *commandLine) startCommand() *cobra.Command {
	return a.powerCommand(power.Start, "Start the stopped instances that carry a tag, or all of several",
		`  nightshift start
  nightshift start --tag Environment=dev --timeout 20m
  nightshift start --region all --wait=false`)
}

func (a *commandLine) powerCommand(action power.Action, short, example string) *cobra.Command {
	var (
		tags    []string
		only    narrowing
		dryRun  bool
		wait    bool
		timeout time.Duration
	)
	cmd := &cobra.Command{
		Use:   string(action),
		Short: short,
		Long: short + `.

Instances on which the action makes no sense are left out, each with a reason:
those already there, one-time Spot Instances, members of Auto Scaling groups,
instances with an instance-store root volume or with stop protection. Every
instance has an outcome of its own; a refused one never holds up the others.`,
		Example: example,
		RunE: func(cmd *cobra.Command, args []string) error {
			selected, err := only.selection(args)
			if err != nil {
				return err
			}
			chosen, err := fleet.ParseTags(tags)
			if err != nil {
				return err
			}
			if wait && timeout <= 0 {
				return fleet.Errorf(fleet.ErrInvalid, "--timeout %s: must be more than zero; --wait=false does not wait at all", timeout)
			}
			s, err := a.open(cmd.Context())
			if err != nil {
				return err
			}
			in := app.PowerInput{Action: action, Tags: chosen, Only: selected, DryRun: dryRun}
			if wait {
				in.Wait, in.Settle = timeout, timeout
			}
			a.progress.start(string(action))
			result, err := s.Power(cmd.Context(), in)
			a.progress.end()
			if err != nil {
				return err
			}
			return a.showPower(s, result)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&tags, "tag", []string{cmp.Or(a.Env("NIGHTSHIFT_TAG"), defaultTag)}, "the tag that chooses instances, as Key=Value or Key; repeat for those that carry all of several")
	only.addTo(cmd, false)
	flags.BoolVar(&dryRun, "dry-run", false, "show what would be done and why, and do nothing")
	flags.BoolVar(&wait, "wait", true, "wait until each instance has "+action.Past())
	flags.DurationVar(&timeout, "timeout", 10*time.Minute, "how long to wait")
	complete(cmd, "tag", defaultTag)
	complete(cmd, "timeout", "10m", "30m")
	return cmd
}

// showPower prints the result of a stop or start and ends the command.
func (a *commandLine) showPower(s *app.Session, r app.PowerResult) error {
	if r.Unread {
		return ended(r.Status(), r.Err())
	}
	if a.json {
		if err := a.printJSON(r.Answer()); err != nil {
			return err
		}
	} else if !a.quiet {
		powerTable(s.Names, r).print(a.Stdout)
		fmt.Fprintln(a.Stdout, powerSummary(r))
	}
	return ended(r.Status(), r.Err())
}

// powerTable has a row for each instance.
func powerTable(names app.Names, r app.PowerResult) *accountTable {
	t := tableOf(names, 2, "INSTANCE", "NAME", "REGION", "OUTCOME", "REASON")
	for _, target := range r.Targets {
		for n, step := range target.Plan.Steps {
			outcome, reason := plannedOutcome(step), step.Reason
			if target.Outcomes != nil {
				outcome, reason = finalOutcome(target.Outcomes[n]), target.Outcomes[n].Reason
			}
			m := step.Machine
			t.add(target.Plan.Target.Account, string(m.ID), m.Name(), string(target.Plan.Target.Region), outcome, reason.Text)
		}
	}
	return t
}

// plannedOutcome is what a dry run says of a machine.
func plannedOutcome(s power.Step) string {
	switch {
	case s.Invalid:
		return "mistake"
	case s.Settling:
		return "would wait"
	case s.Do():
		return "would " + string(s.Action)
	default:
		return "leave"
	}
}

// finalOutcome is what came of a machine: the state that it reached, or how it ended
// otherwise.
func finalOutcome(o fleet.Outcome) string {
	if o.Result == fleet.Done {
		return string(o.State)
	}
	return string(o.Result)
}

// tagsInWords names tags that are chosen by.
func tagsInWords(tags []fleet.Tag) string {
	var list []string
	for _, t := range tags {
		list = append(list, t.String())
	}
	if len(list) == 1 {
		return "the tag " + list[0]
	}
	return "all of the tags " + strings.Join(list, ", ")
}

// powerSummary is the last line of a stop or start.
func powerSummary(r app.PowerResult) string {
	answer := r.Answer()
	line := []string{answer.Status}
	if answer.Status == power.NoneFound {
		line[0] += " with " + text.Printable(tagsInWords(r.Input.Tags))
	}
	for _, part := range []struct {
		n    int
		what string
	}{{len(answer.Skipped), "skipped"}, {len(answer.Failed), "failed"}, {len(answer.Deferred), "left"}, {answer.NotSelected, "not selected"}} {
		if part.n > 0 {
			line = append(line, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	summary := strings.Join(line, ", ")
	if r.Input.DryRun && answer.Status != power.NoneFound {
		summary += " (dry run: nothing was done)"
	}
	return summary
}
