package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/deploy"
	"nightshift/internal/text"
)

// removed is what `deploy --destroy --json` prints.
type removed struct {
	Plan   deploy.Removal `json:"plan"`
	Result *deploy.Result `json:"result,omitempty"`
}

// destroy removes a stack.
func (a *commandLine) destroy(ctx context.Context, s *app.Session, f deployFlags) error {
	a.progress.start("destroy")
	plan, err := s.PlanRemoval(ctx, f.DeployInput)
	a.progress.end()
	if err != nil {
		return a.detached(ctx, err)
	}
	out := removed{Plan: plan}
	if plan.StackID == "" {
		a.line("there is no stack %s in %s", plan.Stack, plan.Region)
		return a.removal(out, nil)
	}
	if !a.json {
		a.printRemoval(plan)
	}
	if !plan.Protected {
		if err := a.ask(ctx, f.yes, "Remove the stack %s?", plan.Stack); err != nil {
			return a.removal(out, err)
		}
	}
	a.progress.start("destroy")
	result, err := s.RemoveDeployment(ctx, plan)
	a.progress.end()
	out.Result = &result.Result
	if err != nil {
		return a.removal(out, a.detached(ctx, err))
	}
	a.line("stack %s: %s in %s", plan.Stack, result.Status, result.Duration.Round(time.Second))
	return a.removal(out, nil)
}

func (a *commandLine) removal(out removed, err error) error {
	if !a.json {
		return err
	}
	return errors.Join(a.printJSON(envelope{1, "removal", out}), err)
}

func (a *commandLine) printRemoval(plan deploy.Removal) {
	a.line("stack %s in %s, account %s", plan.Stack, plan.Region, plan.Account)
	for _, list := range []struct {
		title     string
		resources []deploy.Resource
	}{{"goes:", plan.Goes}, {"stays:", plan.Stays}} {
		if len(list.resources) == 0 {
			continue
		}
		a.line("%s", list.title)
		t := table{}
		for _, r := range list.resources {
			t.add(r.Logical, r.Type, r.Physical)
		}
		a.printIndented(&t)
	}
	if plan.Bucket != "" {
		a.line("  code and configurations in s3://%s/%s", plan.Bucket, plan.Prefix)
		a.line("  `aws s3 rm --recursive s3://%s/%s` removes them", plan.Bucket, plan.Prefix)
	}
}

// deployStatus prints how a stack is doing.
func (a *commandLine) deployStatus(ctx context.Context, s *app.Session, f deployFlags) error {
	state, err := s.DeploymentStatus(ctx, f.DeployInput)
	if err != nil {
		return err
	}
	return a.show("deployment-status", state, func() {
		a.line("stack %s in %s: %s%s", state.Name, state.Region, state.Status, prefixed(": ", state.StatusReason))
		t := table{}
		t.add("version", cmp.Or(state.Tags[deploy.TagVersion], "unknown"))
		t.add("code", cmp.Or(shortHashes(state.Code), "unknown"))
		t.add("configuration", cmp.Or(shortHashes(state.Config), "none"))
		t.add("schedules", cmp.Or(strings.ToLower(state.Parameters["ScheduleState"]), "unknown"))
		t.add("deployed", state.Updated.Format(time.RFC3339))
		t.add("drift", strings.ToLower(strings.ReplaceAll(cmp.Or(state.Drift, "NOT_CHECKED"), "_", " ")))
		if state.Edited {
			t.add("template", "edited by hand since the last deployment")
		}
		if state.Protected {
			t.add("protection", "termination protection is on")
		}
		if state.LastReport != nil {
			t.add("last report", state.LastReport.Key+" of "+state.LastReport.At.Format(time.RFC3339))
		}
		switch run := state.LastRun; {
		case run != nil:
			t.add("last run", fmt.Sprintf("%s of %s: %d done, %d failed", run.Job, run.Started.Format(time.RFC3339), run.Done, run.Failed))
		case s.Config == nil || s.Config.Journal == "":
			t.add("last run", "unknown: the configuration names no journal")
		default:
			t.add("last run", "none in the journal")
		}
		for _, alarm := range state.Alarms {
			confirmed := "confirmed"
			if !alarm.Confirmed {
				confirmed = "not confirmed yet"
			}
			t.add("alarms to", alarm.Protocol+" "+alarm.Endpoint+" ("+confirmed+")")
		}
		a.printIndented(&t)
		for _, p := range state.Problems {
			fmt.Fprintln(a.Stderr, "warning:", text.Printable(p))
		}
		if words := alarmWords(state.Outputs, state.Alarms); words != "" {
			fmt.Fprintln(a.Stderr, "warning:", text.Printable(words))
		}
	})
}

// prefixed is a text with something before it, or nothing.
func prefixed(before, s string) string {
	if s == "" {
		return ""
	}
	return before + s
}
