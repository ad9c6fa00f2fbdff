package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/power"
	"nightshift/internal/schedule"
	"nightshift/internal/text"
	"nightshift/internal/watch"
)

const (
	// attentionShown is how many machines are named one by one, soonShown how many
	// things that come, and runsShown how many runs.
	attentionShown = 8
	soonShown      = 8
	runsShown      = 6
	// inlineShown is how many schedules that are written in tags are shown.
	inlineShown = 10
	// unreachableShown is how many targets that cannot be reached are named one by one.
	unreachableShown = 25
	// staleCosts is the age from which on costs are called old: three times the time
	// between two calculations.
	staleCosts = 18 * time.Hour
)

// todayView is the first page: what runs, what comes, what failed.
type todayView struct {
	Tiles     []tile
	Attention []problem
	// Calm is true where it is known that nothing needs attention.
	Calm      bool
	Soon      []coming
	Schedules []scheduleNow
	// MoreSchedules is how many have machines and are not among Schedules.
	MoreSchedules int
	Runs          []runRow
	Targets       []targetRow
	Pages         paging // of Targets
	Sources       []source
}

// tile is one number with what it is of.
type tile struct {
	Name, Value, Note, Link string
	Bad                     bool
}

// problem is something for a person to look at.
type problem struct {
	Severe            bool
	Kind, Title, Link string
	Lines             []string
	More              int
	// Since is how long that has been so, Out since when a machine has been out of
	// schedule.
	Since, Out moment
	Command    string
}

// coming is something that is going to happen.
type coming struct {
	At                 moment
	Starts, Stops, Job bool
	What, Why, Link    string
	sort               time.Time
}

// scheduleNow is a schedule with how its machines are doing.
type scheduleNow struct {
	Name, Link, By string
	Desired        schedule.State
	Running        int
	Open, Manual   int
	Skipped        int
	Total          int
	Next           moment
	NextState      schedule.State
}

// targetRow is an account in a region, and how old what is known of it is.
type targetRow struct {
	Account, Region, Err string
	Machines             int
	Up                   bool
	At                   moment
}

// source is how old a part of what is shown is.
type source struct {
	Name, Err string
	At        moment
	Old       bool
}

func (p *pages) today(e *estate, r *http.Request) (view, error) {
	v := todayView{
		Tiles: e.tiles(), Attention: e.attention(), Soon: e.soon(), Sources: e.sources(),
	}
	v.Schedules, v.MoreSchedules = e.schedulesNow()
	v.Calm = e.calm(v.Attention)
	for _, r := range e.Runs[:min(len(e.Runs), runsShown)] {
		v.Runs = append(v.Runs, e.runRow(r))
	}
	targets, pages := page(e.Targets, r.URL.Query(), "/")
	v.Pages = pages
	for n := range targets {
		t := &targets[n]
		v.Targets = append(v.Targets, targetRow{accountName(t), string(t.Region), t.Err, len(t.Steps), t.Up, e.ago(t.At)})
	}
	return view{template: "today", title: p.texts.get("nav.today"), data: v, live: true}, nil
}

func (e *estate) tiles() []tile {
	var running, overridden int
	by := map[condition]int{}
	for _, m := range e.machines {
		if m.runs() {
			running++
		}
		if m.overridden(e.now) {
			overridden++
		}
		by[m.condition]++
	}
	number := func(n int) string { return text.Number(int64(n)) }
	tiles := []tile{
		{e.texts.get("tile.running"), number(running), e.texts.get("tile.running.note", e.texts.count(len(e.machines), "machine")), "/machines?state=running", false},
		{e.texts.get("tile.failed"), number(by[failed]), e.texts.get("tile.failed.note"), "/machines?state=failed", by[failed] > 0},
		{e.texts.get("tile.out"), number(by[outOfSchedule]), e.texts.get("tile.out.note"), "/machines?state=out-of-schedule", false},
		{e.texts.get("tile.manual"), number(by[manual]), e.texts.get("tile.manual.note"), "/machines?state=manual", false},
		{e.texts.get("tile.overrides"), number(overridden), e.texts.get("tile.overrides.note"), "/machines?state=override", false},
	}
	if !e.Cost.At.IsZero() {
		note := e.texts.get("tile.cost.note", usd(e.Cost.Total.Forecast))
		if e.Cost.Savings != nil {
			note = e.texts.get("tile.cost.saved", usd(e.Cost.Savings.Total.Net))
		}
		tiles = append(tiles, tile{e.texts.get("tile.cost"), roughUSD(e.Cost.Total.MonthToDate), note, "/costs", false})
	}
	if e.Config.HasBackups() && !e.Backups.At.IsZero() {
		tiles = append(tiles, e.backupTile())
	}
	return tiles
}

// soon are the transitions and jobs that come next, the first one first.
func (e *estate) soon() []coming {
	type key struct {
		at       time.Time
		schedule string
		state    schedule.State
		override string
	}
	groups := map[key]int{}
	for _, m := range e.machines {
		d := m.Desired
		if d.Until.IsZero() || !d.Until.After(e.now) || m.next == schedule.Unmanaged || !m.managed() || !m.Machine.Eligible() ||
			m.Machine.State == fleet.State(m.next) {
			continue
		}
		groups[key{d.Until, d.Schedule, m.next, overrideAt(d.Override, d.Until)}]++
	}
	var all []coming
	for k, n := range groups {
		c := coming{
			At: e.when(k.at), Starts: k.state == schedule.Running, Stops: k.state == schedule.Stopped, sort: k.at,
			Link: "/machines?" + url.Values{"schedule": {k.schedule}}.Encode(),
		}
		c.What = e.texts.get("soon."+string(k.state), e.texts.count(n, "machine"), text.Clip(text.Printable(k.schedule), longName))
		c.Why = e.why(k.schedule, k.at, k.state, k.override)
		all = append(all, c)
	}
	for _, j := range e.Jobs {
		if j.When.Interval() == 0 && j.Next.After(e.now) {
			all = append(all, coming{At: e.when(j.Next), Job: true, sort: j.Next, What: e.texts.get("soon.job", j.Name), Why: j.When.String(), Link: "/runs"})
		}
	}
	slices.SortFunc(all, func(a, b coming) int { return cmp.Or(a.sort.Compare(b.sort), strings.Compare(a.What, b.What)) })
	return all[:min(len(all), soonShown)]
}

// overrideAt is the key of what an override does at an instant; empty where it is not
// the override that changes something then.
func overrideAt(o fleet.Override, at time.Time) string {
	switch {
	case at.Equal(o.Until):
		return "why.override.ends"
	case at.Equal(o.Since):
		return "why.override.begins"
	}
	return ""
}

// why says what changes the desired state at an instant.
func (e *estate) why(name string, at time.Time, state schedule.State, override string) string {
	s := e.schedules[name]
	switch {
	case s == nil:
		return ""
	case override != "":
		return e.texts.get(override)
	case s.At(at) != state:
		return e.texts.get("why.early")
	case s.OneSided():
		return s.Within(at)
	case state == schedule.Running:
		return e.texts.get("why.begins", s.Within(at))
	case s.At(at.Add(-1)) == schedule.Running && !strings.HasPrefix(s.Within(at), "off "):
		return e.texts.get("why.ends", s.Within(at.Add(-1)))
	}
	return s.Within(at)
}

// schedulesNow are the schedules that machines have, those of the file first, and how many
// more there are.
func (e *estate) schedulesNow() (all []scheduleNow, more int) {
	by := map[string]*scheduleNow{}
	var order []string
	for _, s := range e.configured() {
		by[s.Name] = &scheduleNow{}
		order = append(order, s.Name)
	}
	var inline []string
	for _, m := range e.machines {
		name := m.Desired.Schedule
		if !m.managed() {
			continue
		}
		if by[name] == nil {
			by[name] = &scheduleNow{}
			inline = append(inline, name)
		}
		by[name].add(m)
	}
	slices.SortFunc(inline, func(a, b string) int { return cmp.Or(by[b].Total-by[a].Total, strings.Compare(a, b)) })
	used := func(name string) bool { return e.schedules[name] != nil && by[name].Total > 0 }
	order = slices.DeleteFunc(order, func(name string) bool { return !used(name) })
	inline = slices.DeleteFunc(inline, func(name string) bool { return !used(name) })
	more = max(len(order)-perPage, 0) + max(len(inline)-inlineShown, 0)
	for _, name := range slices.Concat(order[:min(len(order), perPage)], inline[:min(len(inline), inlineShown)]) {
		now, s := by[name], e.schedules[name]
		now.Name, now.Link = text.Clip(text.Printable(name), longName), "/machines?"+url.Values{"schedule": {name}}.Encode()
		now.Desired, now.By = s.At(e.now), s.Within(e.now)
		if next, ok := s.Next(e.now); ok {
			now.Next, now.NextState = e.when(next.At), next.State
		}
		all = append(all, *now)
	}
	return all, more
}

func (s *scheduleNow) add(m *machine) {
	s.Total++
	if m.runs() {
		s.Running++
	}
	switch m.condition {
	case failed, outOfSchedule:
		s.Open++
	case manual:
		s.Manual++
	case skipped:
		s.Skipped++
	case noChange:
	}
}

// sources are the parts of what is shown, with their age.
func (e *estate) sources() []source {
	part := func(name string, p watch.Part, old time.Duration) source {
		return source{e.texts.get(name), p.Err, e.ago(p.At), e.old(p, old)}
	}
	journal := part("source.journal", e.Journal, e.stale())
	journal.Old = journal.Old && e.journalOld()
	all := []source{
		part("source.machines", e.Machines, e.stale()),
		journal,
		part("source.costs", e.Cost.Part, staleCosts),
	}
	if e.Config.HasBackups() {
		all = append(all, e.backupSource())
	}
	return all
}

// old reports whether a part was not read for some time.
func (e *estate) old(p watch.Part, after time.Duration) bool {
	return p.At.IsZero() || e.now.Sub(p.At) > after
}

// runRow is a run in a list.
type runRow struct {
	Name, Link, Job, Duration                   string
	Started                                     moment
	Checked, Changed, Failed, Skipped, Deferred int
	// Others are those that the record does not name one by one.
	Starts, Stops, Others int
	Errors                int
	DryRun                bool
	Narrowed              string
}

func (e *estate) runRow(r journal.Record) runRow {
	row := runRow{
		Name: r.Run, Link: "/runs/" + url.PathEscape(r.Run), Job: r.Job, Duration: e.span(r.Duration), Started: e.when(r.Started),
		Checked: r.Seen, Changed: r.Done, Failed: r.Failed, Skipped: r.Skipped, Deferred: r.Deferred,
		Errors: len(r.Errors), DryRun: r.DryRun, Narrowed: text.Printable(r.Narrowed),
	}
	for _, o := range r.Outcomes {
		switch {
		case o.Result != fleet.Done:
		case o.Action == string(power.Start):
			row.Starts++
		case o.Action == string(power.Stop):
			row.Stops++
		}
	}
	row.Others = r.Done - row.Starts - row.Stops
	return row
}
