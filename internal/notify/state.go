package notify

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/text"
)

// state is what one recipient was told, and what waits to be sent.
type state struct {
	Version int                `json:"version"`
	Open    map[string]Problem `json:"open,omitempty"`
	// Stops are the stops that were announced, by schedule and instant.
	Stops   map[string]announced `json:"stops,omitempty"`
	Pending []Message            `json:"pending,omitempty"`
	// Dropped is how many messages were dropped: too many waited, they waited for too
	// long, or the channel will never take them.
	Dropped int `json:"dropped,omitempty"`
	// NotBefore is when the channel takes messages again, Sending until when a process
	// is sending what waits.
	NotBefore time.Time `json:"not_before,omitzero"`
	Sending   time.Time `json:"sending,omitzero"`
	// Tested is when a test was sent last.
	Tested time.Time `json:"tested,omitzero"`
}

const stateVersion = 1

// longestWait is how far in the future a time to wait for may lie: one that is farther
// was written by a clock that was wrong.
const longestWait = 2 * time.Hour

// ready says whether what waits may be sent now, by this process.
func (s *state) ready(now time.Time) bool {
	return len(s.Pending) > 0 && !waits(s.NotBefore, now) && !waits(s.Sending, now)
}

func waits(until, now time.Time) bool { return until.After(now) && until.Sub(now) < longestWait }

func newState() *state {
	return &state{Version: stateVersion, Open: map[string]Problem{}, Stops: map[string]announced{}}
}

// mostPending is how many messages wait for a recipient, the newest ones.
const mostPending = 100

func (s *state) queue(messages []Message) {
	s.Pending = append(s.Pending, messages...)
	if over := len(s.Pending) - mostPending; over > 0 {
		s.Pending = slices.Clone(s.Pending[over:])
		s.Dropped += over
	}
}

// expire drops what is too old to be sent. Of a problem of which a pager was not told
// it is told anew while it exists.
func (s *state) expire(f findings) {
	s.Pending = slices.DeleteFunc(s.Pending, func(m Message) bool {
		late := m.late(f.at, f.clock)
		switch e := m.Event; {
		case !late:
		case e == nil:
			s.Dropped++
		case !e.Resolved:
			if p, open := s.Open[strings.TrimPrefix(e.Key, eventPrefix)]; open {
				p.Sent = time.Time{}
				s.Open[p.Key] = p
			}
		}
		return late
	})
}

// rule is what a recipient wants to hear.
type rule struct {
	recipient config.Recipient
	notify    config.Notify
	longest   time.Duration // of an override
	tick      time.Duration
}

func ruleOf(s *app.Session, r config.Recipient) rule {
	rules := s.Config.Rules()
	return rule{r, s.Config.Notify, cmp.Or(rules.Override.Max, 24*time.Hour), rules.Tick}
}

func (r rule) pager() bool { return r.recipient.Channel == config.PagerDuty }

func (r rule) hears(machine bool, tags fleet.Tags) bool {
	return routed(r.notify, r.recipient.Name, machine, tags)
}

// runsNeeded is in how many runs in a row a problem of a job must be found before
// somebody is told: the power job runs every few minutes and puts right by itself
// what passes. Nobody is paged for one run.
func (r rule) runsNeeded(job string) int {
	if job == config.JobPower || r.pager() {
		return 2
	}
	return 1
}

// forgotten is after how long a problem is no longer remembered that no run could
// look at again, such as one of an account that is not in the configuration any more.
const forgotten = 35 * 24 * time.Hour

// after brings the state up to a run, and gives what is to be told of it.
func (s *state) after(f findings, r rule) []Message {
	heard, covered := r.heard(f)
	var fresh, still, resolved []Problem
	room := func() bool { return !r.pager() || len(s.Pending)+len(fresh)+len(resolved) < mostPending }
	for _, key := range slices.Sorted(maps.Keys(heard)) {
		p := s.seen(heard[key], f, r.tick/2)
		if p.Sent.IsZero() && p.Runs >= r.runsNeeded(f.job) && room() {
			p.Sent = f.at
			fresh = append(fresh, p)
		}
		s.Open[key] = p
	}
	for _, key := range slices.Sorted(maps.Keys(s.Open)) {
		p := s.Open[key]
		_, found := heard[key]
		unheard := covered[key] || f.clock.Sub(p.Last) > forgotten
		switch {
		case found, !unheard && !s.gone(p, f):
		case p.Sent.IsZero(), unheard && !r.pager(), r.pager() && s.unsent(p, f.at):
			delete(s.Open, key)
		case room(): // else a later run tells it
			delete(s.Open, key)
			resolved = append(resolved, p)
		}
	}
	if !r.pager() {
		still = s.remind(heard, f, r.notify.Reminder)
	}
	if r.pager() {
		return events(f, r, fresh, resolved)
	}
	messages := s.announce(f, r)
	if m, some := summary(f, r, fresh, still, resolved); some {
		messages = append([]Message{m}, messages...)
	}
	return messages
}

// unsent takes back an event that says that a problem began, where it still waits and
// no process is sending it.
func (s *state) unsent(p Problem, now time.Time) bool {
	if waits(s.Sending, now) {
		return false
	}
	before := len(s.Pending)
	s.Pending = slices.DeleteFunc(s.Pending, func(m Message) bool { return m.Event != nil && !m.Event.Resolved && m.Event.Key == eventKey(p) })
	return len(s.Pending) < before
}

const eventPrefix = "nightshift|"

func eventKey(p Problem) string { return eventPrefix + p.Key }

// seen is a problem with what is remembered of it. A run that begins sooner than some
// time after the last one tries that one again, and is not counted.
func (s *state) seen(p Problem, f findings, apart time.Duration) Problem {
	old, open := s.Open[p.Key]
	switch {
	case !open:
		p.First, p.Last, p.Runs = f.at, f.clock, 1
	case f.clock.Sub(old.Last).Abs() < apart: // a clock that was set back lies before it
		p.First, p.Last, p.Runs, p.Sent = old.First, old.Last, old.Runs, old.Sent
	default:
		p.First, p.Last, p.Runs, p.Sent = old.First, f.clock, old.Runs+1, old.Sent
	}
	return p
}

// gone says whether a run looked for a problem and did not find it any more.
func (s *state) gone(p Problem, f findings) bool {
	switch {
	case p.Job != f.job || p.Tag != "" && p.Tag != f.tag || !f.ended || f.unknown[p.Key]:
		return false
	case p.Target == fleet.Target{}:
		return true
	case p.Target.Region == "": // the account could not be opened
		return f.opened[p.Target.Account]
	default:
		return f.read[p.Target]
	}
}

// remind gives the problems to tell again: all of them, where one is due.
func (s *state) remind(heard map[string]Problem, f findings, every time.Duration) []Problem {
	due := func(p Problem, after time.Duration) bool { return !p.Sent.IsZero() && f.at.Sub(p.Sent) >= after }
	keys := slices.Sorted(maps.Keys(heard))
	if !slices.ContainsFunc(keys, func(key string) bool { return !s.Open[key].Once && due(s.Open[key], every) }) {
		return nil
	}
	var still []Problem
	for _, key := range keys {
		if p := s.Open[key]; !p.Once && due(p, every/2) {
			p.Sent = f.at
			s.Open[key] = p
			still = append(still, p)
		}
	}
	return still
}

// mostMachines is how many machines or volumes of a target are problems of their own. Where more
// fail they fail for a common cause, and are one problem for each reason.
const mostMachines = 100

// count says of how many machines, or what else, a problem is.
func (p Problem) count(n int) string {
	if p.what[0] == "" {
		return text.Count(n, "machine", "machines")
	}
	return text.Count(n, p.what[0], p.what[1])
}

// heard are the problems of a run that a recipient hears of. Those in covered are
// parts of one of them, or somebody else's.
func (r rule) heard(f findings) (heard map[string]Problem, covered map[string]bool) {
	heard, covered = map[string]Problem{}, map[string]bool{}
	byTarget := map[fleet.Target]int{}
	for key, p := range f.problems {
		if !r.hears(p.machine, p.tags) || p.Once && r.pager() {
			covered[key] = true
			continue
		}
		heard[key] = p
		if p.machine {
			byTarget[p.Target]++
		}
	}
	count := map[string]int{}
	for _, key := range slices.Sorted(maps.Keys(heard)) {
		p := heard[key]
		if !p.machine || byTarget[p.Target] <= mostMachines {
			continue
		}
		delete(heard, key)
		covered[key] = true
		whole := f.machineKey(p.Target, cmp.Or(p.Code, "failed"))
		count[whole]++
		heard[whole] = Problem{
			Key: whole, Job: p.Job, Tag: p.Tag, Target: p.Target, Code: p.Code,
			Text: clip(fmt.Sprintf("%s, such as %s, %s", p.count(count[whole]), cmp.Or(p.Name, string(p.ID)), p.Text)),
		}
	}
	return heard, covered
}

// summary is the message about a run: what failed first, then what is good again, then
// what was done.
func summary(f findings, r rule, fresh, still, resolved []Problem) (Message, bool) {
	m := newMessage(f.at, f.job, "")
	var title []string
	count := func(n int, one, many string) {
		if n > 0 {
			title = append(title, text.Count(n, one, many))
		}
	}
	count(len(fresh), "problem", "problems")
	count(len(still), "problem still there", "problems still there")
	count(len(resolved), "resolved", "resolved")
	m.problems(KindProblem, "", fresh, f.at)
	m.problems(KindStill, "still: ", still, f.at)
	if len(resolved) > 0 {
		var lines []Line
		for _, p := range resolved {
			lines = append(lines, Line{Text: p.where() + ": " + p.Text})
		}
		m.add(KindResolved, "Resolved", lines)
	}
	for _, action := range []power.Action{power.Stop, power.Start} {
		var lines []Line
		for _, d := range f.done {
			if d.action == action && r.hears(true, d.tags) {
				lines = append(lines, Line{Text: d.text})
			}
		}
		if len(lines) > 0 {
			title = append(title, fmt.Sprintf("%s %s", action.Past(), text.Count(len(lines), "machine", "machines")))
			m.add(KindDone, capital(action.Past()), lines)
		}
	}
	for _, note := range f.notes {
		if r.hears(false, nil) {
			title = append(title, note)
		}
	}
	m.Title = clip(f.job + ": " + strings.Join(title, ", "))
	m.Failed, m.Page = len(fresh)+len(still) > 0, r.notify.Page
	return m, len(title) > 0
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// problems adds a group for each reason, the most frequent first.
func (m *Message) problems(kind Kind, before string, list []Problem, now time.Time) {
	groups := map[string][]Line{}
	for _, p := range list {
		since := ""
		if now.Sub(p.First) >= time.Hour {
			since = ", since " + p.First.Format("2006-01-02 15:04 MST")
		}
		groups[p.Text] = append(groups[p.Text], Line{Text: p.where() + since})
	}
	reasons := slices.SortedFunc(maps.Keys(groups), func(a, b string) int {
		return cmp.Or(len(groups[b])-len(groups[a]), strings.Compare(a, b))
	})
	for _, reason := range reasons {
		m.add(kind, before+reason, groups[reason])
	}
}

// events are what a pager is told: one for each problem that began or ended.
func events(f findings, r rule, fresh, resolved []Problem) []Message {
	var messages []Message
	add := func(p Problem, over bool) {
		m := newMessage(f.at, f.job, clip(fmt.Sprintf("nightshift %s: %s: %s", f.job, p.where(), p.Text)))
		m.Failed, m.Page = !over, r.notify.Page
		m.Event = &Event{Key: eventKey(p), Resolved: over, Problem: p.Text, Resource: p.where(), Code: p.Code}
		messages = append(messages, m)
	}
	for _, p := range fresh {
		add(p, false)
	}
	for _, p := range resolved {
		add(p, true)
	}
	return messages
}
