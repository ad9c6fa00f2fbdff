package notify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/text"
	"nightshift/internal/watch"
)

// Problem is something that is wrong, and since when.
type Problem struct {
	Key string `json:"key"`
	Job string `json:"job"`
	// Tag is that of the run, where the problem is one of machines and the run was for those
	// with a tag.
	Tag    string           `json:"tag,omitempty"`
	Target fleet.Target     `json:"target,omitzero"`
	ID     fleet.ResourceID `json:"id,omitempty"`
	Name   string           `json:"name,omitempty"`
	Code   string           `json:"code,omitempty"`
	Text   string           `json:"text"`
	// First and Last are when it was first and last found, Runs in how many runs, each
	// without those that tried it again.
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	Runs  int       `json:"runs"`
	// Sent is when it was last told; zero is never.
	Sent time.Time `json:"sent,omitzero"`
	// Once is true of what only waits for a person: it is told once, and pages nobody.
	Once bool `json:"once,omitempty"`

	tags    fleet.Tags // by which it is routed
	machine bool
	// what is what the problem is of, one and many, where it is of something else than
	// a machine.
	what [2]string
}

// keyOf names a problem: by its job and target, and the resource or the class of the
// error.
func keyOf(job string, t fleet.Target, what string) string {
	return strings.Join([]string{job, string(t.Account), string(t.Region), what}, "|")
}

// machineKey names a problem of machines. Runs for different tags know nothing of each
// other's machines.
func (f findings) machineKey(t fleet.Target, what string) string {
	key := keyOf(f.job, t, what)
	if f.tag != "" {
		key += "|" + f.tag
	}
	return key
}

// where is the resource or the target of a problem, for people.
func (p Problem) where() string {
	switch {
	case p.ID != "":
		return clip(describe(p.Name, p.ID, p.Target))
	case p.Target != fleet.Target{}:
		return clip(targetText(p.Target))
	default:
		return "the job " + p.Job
	}
}

func describe(name string, id fleet.ResourceID, t fleet.Target) string {
	where := targetText(t)
	if name == "" || name == string(id) {
		return fmt.Sprintf("%s in %s", id, where)
	}
	return fmt.Sprintf("%s (%s) in %s", name, id, where)
}

func targetText(t fleet.Target) string {
	if t.Account == "" {
		return string(t.Region)
	}
	return strings.TrimSpace(string(t.Region) + " of account " + string(t.Account))
}

// did is something that a run did with a machine.
type did struct {
	action power.Action
	text   string
	tags   fleet.Tags
}

// findings are what a run found out.
type findings struct {
	job string
	// tag is for which machines the run was; empty where the rules say it.
	tag string
	// at is when the run was told of, by the clock of this machine; clock is by that of
	// AWS, which the runs follow.
	at, clock time.Time
	// good is true where all went well.
	good bool
	// ended is true where the run took place, so that what it does not find is gone.
	ended    bool
	problems map[string]Problem
	// read are the targets that were read to the end, opened the accounts that could be
	// opened and have such a target. Of the machines in unknown nothing is said all the
	// same.
	read    map[fleet.Target]bool
	opened  map[fleet.Account]bool
	unknown map[string]bool
	done    []did
	notes   []string // what else happened
	// stops are those to come. They are known where schedules is true.
	stops     []stop
	schedules bool
}

// findingsOf are those of a run.
func findingsOf(s *app.Session, r Result, now time.Time) findings {
	f := findings{
		job: r.Job, at: now.UTC(), clock: now.UTC(), problems: map[string]Problem{},
		read: map[fleet.Target]bool{}, opened: map[fleet.Account]bool{}, unknown: map[string]bool{},
	}
	switch {
	case r.Power != nil:
		f.ended = !r.Power.Unread
		f.power(*r.Power)
		if f.schedules = r.Power.Input.Action == power.None; f.schedules {
			f.stops = stopsOf(s, *r.Power, s.Config.Notify.BeforeStop)
		}
		f.good = r.Power.Status() == fleet.StatusDone
	case r.Report != nil:
		f.ended = true
		f.report(*r.Report)
		f.good = r.Report.Status() == fleet.StatusDone
	case r.Backup != nil:
		f.ended = !r.Backup.Unread
		f.backups(*r.Backup, s.Config.Backup)
		f.good = r.Backup.Status() == fleet.StatusDone
	case r.Err == nil:
		f.ended, f.good = true, true
	}
	if r.Err != nil {
		f.ended, f.good = false, false
		f.problem(Problem{Key: keyOf(r.Job, fleet.Target{}, string(fleet.StatusOf(r.Err))), Code: string(fleet.StatusOf(r.Err)), Text: firstLine(r.Err)})
	}
	return f
}

func (f *findings) problem(p Problem) {
	if p.ID != "" { // so that machines with the same reason stand together
		p.Text = strings.ReplaceAll(p.Text, string(p.ID), "ID")
	}
	p.Job, p.Text = f.job, clip(p.Text)
	f.problems[p.Key] = p
}

func firstLine(err error) string {
	line, _, more := strings.Cut(err.Error(), "\n")
	if more {
		line += " …"
	}
	return line
}

func (f *findings) power(r app.PowerResult) {
	var tags []string
	for _, tag := range r.Input.Tags {
		tags = append(tags, tag.String())
	}
	f.tag = strings.Join(tags, ",")
	var clock time.Time
	for _, t := range r.Targets {
		if t.Plan.At.After(clock) {
			clock = t.Plan.At
		}
		target := t.Plan.Target
		if t.Failure != nil {
			f.target(*t.Failure)
		} else {
			f.read[target], f.opened[target.Account] = true, true
		}
		for n, step := range t.Plan.Steps {
			if n < len(t.Outcomes) {
				f.outcome(target, step, t.Outcomes[n])
			}
		}
	}
	if !clock.IsZero() {
		f.clock = clock.UTC()
	}
	for _, u := range r.Unreachable {
		f.target(u)
		delete(f.opened, u.Account)
	}
	if r.Invalid > 0 {
		f.problem(Problem{
			Key: keyOf(f.job, fleet.Target{}, "configuration"), Code: "configuration",
			Text: fmt.Sprintf("the configuration has %s; what they are about is skipped; `nightshift check` shows them", text.Count(r.Invalid, "error", "errors")),
		})
	}
}

// target is a target that could not be read.
func (f *findings) target(e app.TargetError) {
	code := string(fleet.StatusOf(e.Err))
	f.problem(Problem{Key: keyOf(f.job, e.Target, code), Target: e.Target, Code: code, Text: firstLine(e.Err)})
}

func (f *findings) outcome(target fleet.Target, step power.Step, o fleet.Outcome) {
	m := step.Machine
	key := f.machineKey(target, string(m.ID))
	p := Problem{Key: key, Tag: f.tag, Target: target, ID: m.ID, Name: m.Name(), tags: m.Tags, machine: true}
	switch {
	case step.Invalid:
		p.Code, p.Text = step.Reason.Code, "is skipped: "+step.Reason.Text
	case o.Result == fleet.Failed:
		p.Code, p.Text = o.Reason.Code, fmt.Sprintf("did not %s: %s", cmp.Or(o.Action, string(step.Action)), o.Reason.Text)
	case o.Result == fleet.Deferred && slices.Contains([]string{power.NotTried, power.NoTime}, o.Reason.Code):
		p.Code, p.Text = o.Reason.Code, fmt.Sprintf("was not tried: %s", o.Reason.Text)
	case o.Result == fleet.Deferred:
		f.unknown[key] = true // it waits for another machine
		return
	case watch.FellBack(step): // AWS accepted the start, and will again
		p.Code, p.Text = power.StoppedByAWS, "does not stay started: "+step.Reason.Text
	case o.Result == fleet.Done && o.Action != "" && !o.At.IsZero():
		f.done = append(f.done, did{power.Action(o.Action), clip(describe(m.Name(), m.ID, target)), m.Tags})
		return
	default:
		return
	}
	f.problem(p)
}

func (f *findings) report(r app.ReportResult) {
	for _, t := range r.Targets {
		f.read[t] = true
	}
	if err := r.Err(); err != nil {
		f.problem(Problem{Key: keyOf(f.job, fleet.Target{}, "incomplete"), Code: "incomplete", Text: "the report is not complete: " + firstLine(err)})
	}
	note := "the cost report was made"
	if n := len(r.Totals); n > 0 {
		total := r.Totals[n-1]
		note = fmt.Sprintf("the cost report was made: %s USD this month so far, %s USD forecast", total.TotalToDate, total.Forecast)
	}
	f.notes = append(f.notes, note)
}

// routed says whether what has these tags is for a recipient; machine is false for
// what is about no machine.
func routed(rules config.Notify, recipient string, machine bool, tags fleet.Tags) bool {
	if len(rules.Routes) == 0 {
		return true
	}
	return slices.ContainsFunc(rules.Routes, func(r config.Route) bool {
		return slices.Contains(r.To, recipient) && (r.Tag == fleet.Tag{} || machine && r.Tag.On(tags))
	})
}
