package web

import (
	"slices"
	"strings"
	"time"

	"nightshift/internal/text"
	"nightshift/internal/watch"
)

// overdueAfter is how long a machine may be out of schedule before that is for a
// person to look at: two runs, and until what they did is read.
func (e *estate) overdueAfter() time.Duration { return 2*e.tick() + e.SweepEvery }

// lateAfter is how long after its time a run of a job that has times of its own is called
// late. The record is there when the run has ended.
const lateAfter = time.Hour

// longText is how much of a message is shown at most.
const longText = 400

// attention is what a person should look at, the worst first.
func (e *estate) attention() []problem {
	return slices.Concat(e.failedMachines(), e.unreachable(), e.badConfig(), e.badJobs(), e.badBackups(), e.overdue(), e.badParts())
}

// failedMachines are those on which an act failed, and those whose tags cannot be
// followed.
func (e *estate) failedMachines() []problem {
	var all []problem
	rest := 0
	for _, m := range e.machines {
		if m.condition != failed {
			continue
		}
		if len(all) == attentionShown {
			rest++
			continue
		}
		one := problem{Severe: true, Title: m.short, Link: m.link, Since: e.ago(m.Desired.Since), Lines: []string{text.Clip(text.Printable(m.Reason.Text), longText)}}
		if !m.Invalid {
			one.Out = e.when(watch.OutSince(*m.Step))
		}
		one.Kind = e.texts.get("problem.tag")
		if watch.FellBack(*m.Step) {
			one.Kind = e.texts.get("problem.start")
		}
		if m.failure != nil {
			one.Kind = e.texts.get("problem." + string(m.failure.Action))
			one.Since, one.Lines = e.ago(m.failure.At), []string{text.Clip(text.Printable(m.failure.Reason.Text), longText)}
		}
		all = append(all, one)
	}
	if rest > 0 {
		all = append(all, problem{Severe: true, Kind: e.texts.get("problem.more"), Title: e.texts.get("problem.more.title", e.texts.count(rest, "machine")), Link: "/machines?state=failed"})
	}
	return all
}

func (e *estate) unreachable() []problem {
	var all []problem
	rest := 0
	for n := range e.Targets {
		t := &e.Targets[n]
		if t.Up || t.Err == "" {
			continue
		}
		if len(all) == unreachableShown {
			rest++
			continue
		}
		all = append(all, problem{
			Severe: true, Kind: e.texts.get("problem.target"), Title: accountName(t) + " " + string(t.Region),
			Since: e.ago(t.At), Lines: []string{text.Clip(text.PrintableLines(t.Err), longText)},
		})
	}
	if rest > 0 {
		all = append(all, problem{Severe: true, Kind: e.texts.get("problem.target"), Title: e.texts.get("problem.more.title", e.texts.count(rest, "target")), Link: "#targets"})
	}
	return all
}

func (e *estate) badConfig() []problem {
	if len(e.Config.Rejected) == 0 {
		return nil
	}
	const shown = 5
	one := problem{Severe: true, Kind: e.texts.get("problem.config"), Title: text.Printable(e.Config.Ref), Since: e.ago(e.Config.RejectedSince), Command: "nightshift check"}
	for _, line := range e.Config.Rejected[:min(len(e.Config.Rejected), shown)] {
		one.Lines = append(one.Lines, text.Clip(text.PrintableLines(line), longText))
	}
	one.More = len(e.Config.Rejected) - len(one.Lines)
	return []problem{one}
}

func (e *estate) badJobs() []problem {
	var all []problem
	for _, j := range e.Jobs {
		one := problem{Kind: e.texts.get("problem.job"), Title: j.Name, Link: "/runs", Since: e.ago(j.LastSuccess)}
		if j.Problem != "" {
			one.Lines = append(one.Lines, text.PrintableLines(j.Problem))
		}
		if last := j.Last; last != nil && len(last.Errors) > 0 {
			one.Severe, one.Link, one.Since = true, e.runRow(*last).Link, e.ago(last.Started)
			for _, line := range last.Errors[:min(len(last.Errors), 3)] {
				one.Lines = append(one.Lines, text.Clip(text.PrintableLines(line), longText))
			}
			one.More = max(len(last.Errors)-3, 0)
		}
		if e.late(j) {
			e.addLate(&one, j)
		}
		if len(one.Lines) > 0 {
			all = append(all, one)
		}
	}
	return all
}

// late reports whether nobody does a job: three of its intervals have passed since the
// last run, or it was not done at its time. While the journal cannot be read, nobody knows.
func (e *estate) late(j watch.Job) bool {
	last, took := e.Config.Loaded, time.Duration(0)
	if j.Last != nil {
		last, took = j.Last.Started, j.Last.Duration
	}
	if last.IsZero() || j.Running || e.journalOld() {
		return false
	}
	if every := j.When.Interval(); every > 0 {
		return e.now.Sub(last) > took+3*every+e.SweepEvery
	}
	due, ok := j.When.Next(last)
	return ok && e.now.Sub(due) > lateAfter
}

// addLate says in what is shown of a job that it is late.
func (e *estate) addLate(one *problem, j watch.Job) {
	key := "problem.late.never"
	one.Severe, one.Kind, one.Since = true, e.texts.get("problem.late"), moment{}
	if j.Last != nil {
		key, one.Since = "problem.late.text", e.ago(j.Last.Started)
	}
	one.Lines = append([]string{e.texts.get(key, j.When.String())}, one.Lines...)
}

// calm reports whether it is known that nothing needs attention.
func (e *estate) calm(attention []problem) bool {
	return len(attention) == 0 && !e.Machines.At.IsZero() && !e.journalOld() && (!e.Config.HasBackups() || !e.Backups.At.IsZero())
}

// journalOld reports whether there is a journal of which the newest is not known.
func (e *estate) journalOld() bool {
	return e.Config.Value != nil && e.Config.Value.Journal != "" && (e.Journal.Err != "" || e.old(e.Journal, e.stale()))
}

// overdue are machines that should have been stopped or started some time ago.
func (e *estate) overdue() []problem {
	n := 0
	var since time.Time
	for _, m := range e.machines {
		out := watch.OutSince(*m.Step)
		if m.condition == outOfSchedule && !out.IsZero() && e.now.Sub(out) > e.overdueAfter() {
			n++
			if since.IsZero() || out.Before(since) {
				since = out
			}
		}
	}
	if n == 0 {
		return nil
	}
	return []problem{{
		Kind: e.texts.get("problem.overdue"), Title: e.texts.count(n, "machine"), Link: "/machines?state=out-of-schedule",
		Since: e.ago(since), Lines: []string{e.texts.get("problem.overdue.text", e.span(e.overdueAfter()))},
	}}
}

// badParts are the parts that could not be read, or were not for a long time. What is said
// of an account is with the account already.
func (e *estate) badParts() []problem {
	said := func(text string) bool {
		return slices.ContainsFunc(e.Targets, func(t watch.Target) bool { return !t.Up && t.Err != "" && strings.Contains(text, t.Err) }) ||
			slices.ContainsFunc(e.Backups.Targets, func(t watch.BackupTarget) bool { return t.Err != "" && strings.Contains(text, t.Err) })
	}
	var all []problem
	for _, s := range e.sources() {
		one := problem{Kind: e.texts.get("problem.source"), Title: s.Name, Since: s.At}
		switch {
		case s.Err != "" && !said(s.Err):
			one.Lines = []string{text.Clip(text.PrintableLines(s.Err), longText)}
		case s.Err == "" && s.Old && s.At.ISO != "":
			one.Lines = []string{e.texts.get("problem.source.old")}
		default:
			continue
		}
		all = append(all, one)
	}
	return all
}
