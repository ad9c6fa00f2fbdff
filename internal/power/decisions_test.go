package power_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/schedule"
	"nightshift/internal/schedule/foreign"
)

// verdictRow is one line of testdata/schedule_decisions.jsonl; README.md there
// says where the facts are from.
type verdictRow struct {
	Kind            string
	ScheduleState   string `json:"schedule_state"`
	RememberedState string `json:"remembered_state"`
	Actual          fleet.State
	Flags           map[string]bool
	EffectiveAction string `json:"effective_action"`
	Ref             string
	Schedule        struct{ BeginTime, EndTime string }
	Steps           [][2]string
}

func loadVerdicts(t *testing.T) []verdictRow {
	t.Helper()
	data, err := os.ReadFile("testdata/schedule_decisions.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var rows []verdictRow
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		var r verdictRow
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("line %d: %v", len(rows)+1, err)
		}
		rows = append(rows, r)
	}
	return rows
}

// rules are those of somebody who moves over: the same period, read by our
// reader, with the same flags.
func (r verdictRow) rules(t *testing.T, p foreign.Period) power.Rules {
	t.Helper()
	p.Name = "hours"
	reading, err := foreign.InstanceScheduler(foreign.InstanceSchedule{Name: "test", Timezone: "UTC", Periods: []foreign.Period{p}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := schedule.New(reading.Definition, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	for flag := range r.Flags {
		if flag != "enforced" && flag != "retain_running" && flag != "stop_new_instances" {
			t.Fatalf("flag %q is not known", flag)
		}
	}
	return power.Rules{Rules: []power.Rule{{
		Tag: tag, Schedule: "test", Read: func(string) (power.Named, error) { return power.Named{Name: "test", Schedule: s}, nil },
		Enforce: r.Flags["enforced"], RetainRunning: r.Flags["retain_running"], StopNew: r.Flags["stop_new_instances"],
	}}}
}

// situation is what AWS reports of a machine about which Instance Scheduler
// remembers a state: the period is 10:00 to 20:00, and it is Tuesday, 12:00
// while the schedule is on and 22:00 while it is off. A machine whose
// remembered state is the schedule's has been through the transition, so what
// differs from it is a person's doing since. One whose remembered state is not
// has the transition still before it, and all that happened to it lies before
// T. Where that allows more than one story, each is evaluated.
type situation struct {
	facts            string // the story in short
	started, stopped string
	cause            fleet.Cause
	last             string // the mark
	first            bool   // the last start was its first
}

const (
	byCall   = fleet.CauseCall
	byItself = fleet.CauseItself
	byAWS    = fleet.CauseAWS
)

// situations are the stories by schedule, remembered and actual state.
func situations() map[string][]situation {
	return map[string][]situation{
		"on running running": {{facts: "started on time", started: "Tue 10:00:05", last: "start Tue 10:00"}},
		"on running stopped": {
			{facts: "stopped by hand", started: "Tue 10:00:05", stopped: "Tue 11:00", cause: byCall, last: "start Tue 10:00"},
			{facts: "shut down from inside", started: "Tue 10:00:05", cause: byItself, last: "start Tue 10:00"},
			{facts: "stopped by AWS", started: "Tue 10:00:05", cause: byAWS, last: "start Tue 10:00"},
		},
		"off running running": {
			{facts: "started on time", started: "Tue 10:00:05", last: "start Tue 10:00"},
			{facts: "started by hand in its window", started: "Tue 15:00", last: "start Tue 10:00"},
			{facts: "started by a run that crossed the end", started: "Tue 20:00:04", last: "start Tue 19:59:58"},
		},
		"off running stopped": {{facts: "stopped by hand", started: "Tue 10:00:05", stopped: "Tue 15:00", cause: byCall, last: "start Tue 10:00"}},

		"off stopped running": {{facts: "started by hand", started: "Tue 21:00", last: "stop Tue 20:00"}},
		"off stopped stopped": {{facts: "stopped on time", started: "Tue 10:00:05", stopped: "Tue 20:00:05", cause: byCall, last: "stop Tue 20:00"}},
		"on stopped running":  {{facts: "started by hand before its window", started: "Tue 09:00", last: "stop Mon 20:00"}},
		"on stopped stopped": {
			{facts: "stopped on time", started: "Mon 10:00:05", stopped: "Mon 20:00:05", cause: byCall, last: "stop Mon 20:00"},
			{facts: "stopped by hand in its last window", started: "Mon 10:00:05", stopped: "Mon 15:00", cause: byCall, last: "start Mon 10:00"},
			{facts: "shut down from inside", started: "Mon 10:00:05", cause: byItself, last: "start Mon 10:00"},
			{facts: "stopped by a run that crossed the begin", started: "Mon 10:00:05", stopped: "Tue 10:00:04", cause: byCall, last: "stop Tue 09:59:58"},
		},

		"on unknown running": {
			{facts: "new", started: "Tue 11:00", first: true},
			{facts: "tagged just now", started: "Mon 09:00"},
		},
		"on unknown stopped": {
			{facts: "new", started: "Tue 11:00", stopped: "Tue 11:30", cause: byCall, first: true},
			{facts: "tagged just now", started: "Mon 09:00", stopped: "Mon 15:00", cause: byCall},
		},
		"off unknown running": {
			{facts: "new", started: "Tue 21:00", first: true},
			{facts: "tagged just now", started: "Mon 09:00"},
		},
		"off unknown stopped": {
			{facts: "new", started: "Tue 21:00", stopped: "Tue 21:30", cause: byCall, first: true},
			{facts: "tagged just now", started: "Mon 09:00", stopped: "Mon 15:00", cause: byCall},
		},

		"on any running":  {{facts: "started by hand in the open time", started: "Tue 09:00"}},
		"on any stopped":  {{facts: "stopped by hand in the open time", started: "Mon 10:00:05", stopped: "Tue 09:00", cause: byCall, last: "start Mon 10:00"}},
		"off any running": {{facts: "started by hand in the open time", started: "Tue 15:00", last: "stop Mon 20:00"}},
		"off any stopped": {{facts: "stopped by hand in the open time", started: "Tue 15:00", stopped: "Tue 16:00", cause: byCall, last: "stop Mon 20:00"}},

		"on retain-running running":  {{facts: "started by hand before its window", started: "Tue 09:00", last: "stop Mon 20:00"}},
		"on retain-running stopped":  {{facts: "stopped by hand", started: "Tue 09:00", stopped: "Tue 11:00", cause: byCall, last: "stop Mon 20:00"}},
		"off retain-running running": {{facts: "started by hand before its window", started: "Tue 09:00", last: "stop Mon 20:00"}},
		"off retain-running stopped": {{facts: "stopped by hand", started: "Tue 09:00", stopped: "Tue 15:00", cause: byCall, last: "stop Mon 20:00"}},

		"on start_failed running": {{facts: "started by hand", started: "Tue 11:00", last: "start Tue 10:00"}},
		"on start_failed stopped": {
			{facts: "the request was refused", started: "Mon 10:00:05", stopped: "Mon 20:00:05", cause: byCall, last: "start Tue 11:55"},
			{facts: "started, and stopped again by AWS", started: "Tue 10:00:05", cause: byAWS, last: "start Tue 10:00"},
			{facts: "the same ten minutes ago", started: "Tue 11:50", cause: byAWS, last: "start Tue 11:50"},
		},
		"off start_failed running": {{facts: "started by hand in its window", started: "Tue 15:00", last: "start Tue 14:00"}},
		"off start_failed stopped": {{facts: "the request was refused", started: "Mon 10:00:05", stopped: "Mon 20:00:05", cause: byCall, last: "start Tue 19:55"}},

		"off stop_failed running": {
			{facts: "the request was refused", started: "Tue 10:00:05", last: "stop Tue 21:55"},
			{facts: "it has stop protection on", started: "Tue 10:00:05", last: "refused Tue 20:55"},
			{facts: "the same, asked five minutes ago", started: "Tue 10:00:05", last: "refused Tue 21:55"},
		},
		"off stop_failed stopped": {{facts: "stopped by hand", started: "Tue 10:00:05", stopped: "Tue 21:00", cause: byCall, last: "stop Tue 20:55"}},
		"on stop_failed running":  {{facts: "the request was refused", started: "Mon 10:00:05", last: "stop Tue 09:55"}},
		"on stop_failed stopped":  {{facts: "stopped by hand", started: "Mon 10:00:05", stopped: "Tue 02:00", cause: byCall, last: "stop Tue 01:55"}},
	}
}

func (s situation) machine(t *testing.T, state fleet.State) fleet.Machine {
	t.Helper()
	m := running(1).Machine
	m.State, m.Cause = state, s.cause
	m.Started, m.Stopped = clock(t, s.started), clock(t, s.stopped)
	m.Created = m.Started.AddDate(0, -1, 0)
	if s.first {
		m.Created = m.Started
	}
	if action, at, ok := strings.Cut(s.last, " "); ok {
		m.Tags[fleet.TagLast] = action + " " + clock(t, at).Format(time.RFC3339)
	}
	return m
}

// decision is what both say about one row in one situation.
type rowDecision struct {
	row         verdictRow
	facts       string
	there, ours string // None, Start or Stop
	why         string // our code
}

func (j rowDecision) String() string {
	return fmt.Sprintf("%s %s %s %v (%s): %s there, %s here (%s)",
		j.row.ScheduleState, j.row.RememberedState, j.row.Actual, j.row.Flags, j.facts, j.there, j.ours, j.why)
}

// evaluator asks our rules about a row in each of its situations.
func (r verdictRow) evaluator(t *testing.T) []rowDecision {
	t.Helper()
	period := foreign.Period{BeginTime: "10:00", EndTime: "20:00"}
	now := clock(t, "Tue 12:00")
	if r.ScheduleState == "off" {
		now = clock(t, "Tue 22:00")
	}
	if r.RememberedState == "any" { // only a period with one side is any
		if r.ScheduleState == "on" {
			period.EndTime = ""
		} else {
			period.BeginTime = ""
		}
	}
	ruleSet := power.NewRuleSet(r.rules(t, period))
	stories := situations()[fmt.Sprint(r.ScheduleState, " ", r.RememberedState, " ", r.Actual)]
	if len(stories) == 0 {
		t.Fatalf("no situation for %+v", r)
	}
	var out []rowDecision
	for _, s := range stories {
		m := s.machine(t, r.Actual)
		step := ruleSet.Evaluate(m, nil, now)
		if desired := map[string]schedule.State{"on": schedule.Running, "off": schedule.Stopped}[r.ScheduleState]; step.Desired.State != desired {
			t.Fatalf("%+v: the schedule wants it %s", r, step.Desired.State)
		}
		j := rowDecision{row: r, facts: s.facts, there: r.EffectiveAction, ours: "None", why: step.Reason.Code}
		switch step.Action {
		case power.Start:
			j.ours = "Start"
		case power.Stop:
			j.ours = "Stop"
		case power.None:
		}
		out = append(out, j)
	}
	return out
}

// group is one row of the table of differences in docs/compatibility.md.
type group struct {
	Schedule, Remembered, Actual, Flags, Facts string
	Times                                      int
	There, Ours                                string
}

// covers reports whether a decision is of this group. "all" covers
// everything.
func (g group) covers(j rowDecision) bool {
	for cell, value := range map[string]string{
		g.Schedule: j.row.ScheduleState, g.Remembered: j.row.RememberedState, g.Actual: string(j.row.Actual), g.Facts: j.facts,
	} {
		if cell != "all" && cell != value {
			return false
		}
	}
	if g.Flags == "all" {
		return true
	}
	for flag := range strings.SplitSeq(g.Flags, ", ") {
		name, not := strings.CutPrefix(flag, "not ")
		if value, known := j.row.Flags[name]; !known || value == not {
			return false
		}
	}
	return true
}

// TestDecisionsOfInstanceScheduler asks every row of the truth table. A
// decision is the same there and here, or it belongs to exactly one group of
// the table in docs/compatibility.md; every group there covers only what
// differs, as often as it says.
func TestDecisionsOfInstanceScheduler(t *testing.T) {
	groups := readGroups(t)
	covered := make([]int, len(groups))
	rows, evaluated, different := 0, 0, 0
	for _, r := range loadVerdicts(t) {
		if r.Kind != "decision" {
			continue
		}
		rows++
		for _, j := range r.evaluator(t) {
			evaluated++
			var in []int
			for n, g := range groups {
				if g.covers(j) {
					in = append(in, n)
				}
			}
			switch {
			case j.there == j.ours && len(in) > 0:
				t.Errorf("%s: does not differ, but is in group %d", j, in[0]+1)
			case j.there != j.ours && len(in) != 1:
				t.Errorf("%s: differs, and is in %d groups", j, len(in))
			case j.there != j.ours:
				covered[in[0]]++
				g := groups[in[0]]
				if want := j.ours + ": " + j.why; g.There != j.there || g.Ours != want {
					t.Errorf("%s: group %d says %s there and %q here", j, in[0]+1, g.There, g.Ours)
				}
			}
			if j.there != j.ours {
				different++
			}
		}
	}
	for n, g := range groups {
		if covered[n] != g.Times {
			t.Errorf("group %d %+v covers %d", n+1, g, covered[n])
		}
	}
	checkCounts(t, "Truth table", rows, evaluated, different)
	// The file itself must not lose rows.
	if rows != 109 {
		t.Errorf("%d rows, want 109", rows)
	}
}

// TestSequencesOfInstanceScheduler plays what its own tests do with a machine,
// among people.
func TestSequencesOfInstanceScheduler(t *testing.T) {
	rows, asked, different := 0, 0, 0
	for _, r := range loadVerdicts(t) {
		if r.Kind != "sequence" {
			continue
		}
		rows++
		n, wrong := r.play(t)
		asked += n
		if len(wrong) > 0 {
			different++
			t.Errorf("%s: %s", r.Ref, strings.Join(wrong, "; "))
		}
	}
	checkCounts(t, "Sequences", rows, asked, different)
	if rows != 5 {
		t.Errorf("%d rows, want 5", rows)
	}
}

// play lives through a sequence and says where the state after a tick is not
// the one that the row states. A row that does not say otherwise begins with a
// machine that was launched just before, as the tests do. A tick is the next
// time, or now, at which the clock shows it.
func (r verdictRow) play(t *testing.T) (ticks int, wrong []string) {
	t.Helper()
	at := func(wall string, from time.Time) time.Time {
		clock, err := time.Parse("15:04", wall)
		if err != nil {
			t.Fatal(err)
		}
		day := from.Truncate(24 * time.Hour)
		next := day.Add(clock.Sub(clock.Truncate(24 * time.Hour)))
		if next.Before(from) {
			next = next.AddDate(0, 0, 1)
		}
		return next
	}
	evaluator := power.NewRuleSet(r.rules(t, foreign.Period{BeginTime: r.Schedule.BeginTime, EndTime: r.Schedule.EndTime}))
	var w *world
	for _, step := range r.Steps {
		wall, isTick := strings.CutPrefix(step[0], "tick ")
		if isTick && w == nil {
			w = newWorld(1, at(wall, monday()))
			w.machines[0].Started, w.machines[0].Created = w.now.Add(-time.Minute), w.now.Add(-time.Minute)
		}
		switch {
		case isTick:
			ticks++
			w.now = at(wall, w.now)
			plan, err := power.MakePlan(t.Context(), clients(w), evaluator, func() time.Time { return w.now })
			if err != nil {
				t.Fatal(err)
			}
			power.Apply(t.Context(), clients(w), evaluator, plan, power.Options{Mark: true})
			if state := string(w.machines[0].State); state != step[1] {
				wrong = append(wrong, fmt.Sprintf("%s at %s, want %s", state, w.now, step[1]))
			}
		case step[0] == "user starts":
			w.person(0, fleet.Running)
		case step[0] == "new, running":
			w = newWorld(1, monday().Add(time.Hour))
			w.machines[0].Started, w.machines[0].Created = w.now, w.now
		case step[0] == "initially stopped":
			w = newWorld(1, monday().Add(time.Hour))
			w.set(w.machines[0], fleet.Stopped, fleet.CauseCall)
		default:
			t.Fatalf("%s: step %q is not known", r.Ref, step[0])
		}
	}
	return ticks, wrong
}

// guideTable is the body of the table in docs/compatibility.md whose first
// column has the name, as cells.
func guideTable(t *testing.T, first string) [][]string {
	t.Helper()
	data, err := os.ReadFile("../../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(data), "\n| "+first+" |")
	if !found {
		t.Fatalf("docs/compatibility.md has no table that begins with %q", first)
	}
	var rows [][]string
	for n, line := range strings.Split(rest, "\n") {
		if n < 2 {
			continue // the rest of the heading and the rule
		}
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for n := range cells {
			cells[n] = strings.ReplaceAll(strings.TrimSpace(cells[n]), "`", "")
		}
		rows = append(rows, cells)
	}
	return rows
}

func readGroups(t *testing.T) []group {
	t.Helper()
	var groups []group
	for _, c := range guideTable(t, "Wanted") {
		if len(c) != 9 || c[8] == "" {
			t.Fatalf("%q needs nine cells and a reason", c)
		}
		times, err := strconv.Atoi(c[5])
		if err != nil {
			t.Fatal(err)
		}
		groups = append(groups, group{c[0], c[1], c[2], c[3], c[4], times, c[6], c[7]})
	}
	return groups
}

// checkCounts compares a line of the table of totals.
func checkCounts(t *testing.T, name string, numbers ...int) {
	t.Helper()
	for _, c := range guideTable(t, "Decided") {
		if c[0] != name {
			continue
		}
		var stated []int
		for _, cell := range c[1:] {
			n, err := strconv.Atoi(cell)
			if err != nil {
				t.Fatal(err)
			}
			stated = append(stated, n)
		}
		if diff := cmp.Diff(numbers, stated); diff != "" {
			t.Errorf("the totals of %s in docs/compatibility.md (-truth +table):\n%s", name, diff)
		}
		return
	}
	t.Errorf("docs/compatibility.md has no totals of %s", name)
}
