package web_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/power"
	"nightshift/internal/watch"
)

// healthy is an estate of one machine in which all is well.
func healthy(t *testing.T) *world {
	w := newWorld(t)
	w.add(0, "web-1", "office-hours", fleet.Running, nil)
	w.state.Targets = w.state.Targets[:2]
	w.costs()
	w.state.Config.Value.Journal = "s3://example-nightshift/journal"
	c := w.state.Config.Value
	w.state.Jobs = []watch.Job{
		{Name: "power", When: c.Job("power"), Next: at(0, 18, 55), Last: &journal.Record{Job: "power", Started: at(0, 18, 50)}},
		{Name: "report", When: c.Job("report"), Next: at(6, 7, 0), Last: &journal.Record{Job: "report", Started: at(-1, 7, 0)}},
	}
	return w
}

const calm = "Nothing needs attention"

// What is said of jobs and of the age of data holds when nobody does anything any more.
func TestWhatNobodyDoes(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*watch.State)
		want   string // what is shown
	}{
		"all is well":          {func(*watch.State) {}, calm},
		"the function stopped": {func(s *watch.State) { s.Jobs[0].Last.Started = now.Add(-26 * time.Hour) }, "late power 26 h ago No run since then, although it is due every 5m."},
		"a run takes long": {func(s *watch.State) {
			s.Jobs[0].Last = &journal.Record{Started: now.Add(-25 * time.Minute), Duration: 12 * time.Minute}
		}, calm},
		"it runs now":                {func(s *watch.State) { s.Jobs[0].Last.Started, s.Jobs[0].Running = now.Add(-26*time.Hour), true }, calm},
		"the report was not made":    {func(s *watch.State) { s.Jobs[1].Last.Started = at(-8, 7, 0) }, "late report 8 days ago No run since then, although it is due Mon 07:00"},
		"no report ever":             {func(s *watch.State) { s.Jobs[1].Last = nil }, "late report No run is known, although it is due Mon 07:00"},
		"the machines are old":       {func(s *watch.State) { s.Machines.At = now.Add(-16 * time.Minute) }, "data Machines 16 min ago Nothing newer has been read."},
		"the costs are old":          {func(s *watch.State) { s.Cost.At = now.Add(-19 * time.Hour) }, "data Costs 19 h ago Nothing newer has been read."},
		"swept every half an hour":   {func(s *watch.State) { s.SweepEvery, s.Machines.At = 30*time.Minute, now.Add(-50*time.Minute) }, calm},
		"swept every minute":         {func(s *watch.State) { s.SweepEvery, s.Machines.At = time.Minute, now.Add(-4*time.Minute) }, "data Machines 4 min ago Nothing newer"},
		"the journal was not read":   {func(s *watch.State) { s.Journal = watch.Part{} }, "That is not known yet"},
		"the machines were not read": {func(s *watch.State) { s.Machines = watch.Part{} }, "That is not known yet"},
		"there is no journal": {func(s *watch.State) {
			s.Config.Value.Journal, s.Journal = "", watch.Part{}
		}, calm},
		"the journal cannot be read": {func(s *watch.State) {
			s.Journal.Err, s.Jobs[0].Last.Started = "AccessDenied", now.Add(-26*time.Hour)
		}, "data Journal 2 min ago AccessDenied"},
	} {
		w := healthy(t)
		test.change(w.state)
		text := shown(get(t, handler(w.state, local), "/").Body.String())
		if !strings.Contains(text, test.want) || test.want != calm && strings.Contains(text, calm) {
			t.Errorf("%s: %q is missing, or it is calm:\n%s", name, test.want, text)
		}
		if name == "the journal cannot be read" && strings.Contains(text, "late power") {
			t.Errorf("%s: nobody knows whether it ran:\n%s", name, text)
		}
	}
}

// A try that failed counts until the desired state changes, and only against that state.
func TestAnOldFailure(t *testing.T) {
	for name, test := range map[string]struct {
		at     time.Time
		action power.Action
		want   bool
	}{
		"this morning's start":   {at(0, 8, 4), power.Start, true},
		"yesterday's start":      {at(-1, 8, 4), power.Start, false},
		"this noon's stop":       {at(0, 12, 0), power.Stop, false},
		"by a clock that is off": {at(0, 7, 59).Add(30 * time.Second), power.Start, true},
	} {
		w := newWorld(t)
		key := w.add(0, "late", "office-hours", fleet.Stopped, nil)
		w.act(key, test.at, test.action, fleet.Failed, fleet.Reason{Code: "x", Text: "no capacity"})
		text := shown(get(t, handler(w.state, local), "/").Body.String())
		if got := strings.Contains(text, "failed late"); got != test.want {
			t.Errorf("%s: failed is %v:\n%s", name, got, text)
		}
		if test.want && !strings.Contains(text, "Out of schedule since 08:00") {
			t.Errorf("%s: since when is missing:\n%s", name, text)
		}
	}
}

// Two runs, and the sweep after them: what is late follows the configuration.
func TestOverdueFollowsTheIntervals(t *testing.T) {
	for sweep, want := range map[time.Duration]bool{5 * time.Minute: true, 45 * time.Minute: false} {
		w := newWorld(t)
		w.add(0, "report-builder", "Mon-Fri 09:00-18:00", fleet.Running, nil)
		w.state.SweepEvery = sweep
		text := shown(get(t, handler(w.state, local), "/").Body.String())
		if got := strings.Contains(text, "Not in the desired state for more than 15 min."); got != want {
			t.Errorf("swept every %s: %v:\n%s", sweep, got, text)
		}
	}
}

// A machine that is about to run counts as one that runs, on the tile as in the list
// behind it.
func TestPendingRuns(t *testing.T) {
	w := newWorld(t)
	w.add(0, "web-1", "office-hours", fleet.Running, nil)
	w.add(0, "web-2", "office-hours", fleet.Pending, nil)
	h := handler(w.state, local)
	if text := shown(get(t, h, "/").Body.String()); !strings.Contains(text, "Running 2 of 2 machines") {
		t.Errorf("%s", text)
	}
	if text := shown(get(t, h, "/machines?state=running").Body.String()); !strings.Contains(text, "2 of 2 machines") {
		t.Errorf("%s", text)
	}
}

// Machines of two accounts that have the same id have a history each.
func TestHistoriesOfTheSameID(t *testing.T) {
	state := *evening(t)
	database := func(target int) watch.MachineKey {
		return watch.MachineKey{Target: state.Targets[target].Target, Kind: fleet.KindDatabase, ID: "stage-db"}
	}
	state.Acts[database(1)] = []watch.Act{{At: at(-1, 19, 5), Run: "x", Job: "power", Action: power.Stop, Result: fleet.Done, Reason: fleet.Reason{Text: "of staging"}}}
	state.Acts[database(2)] = []watch.Act{{At: at(-1, 18, 5), Run: "x", Job: "power", Action: power.Stop, Result: fleet.Done, Reason: fleet.Reason{Text: "of research"}}}
	h := handler(&state, local)
	for in, want := range map[string]string{"222222222222%2Fap-northeast-2": "of staging", "333333333333%2Feu-central-1": "of research"} {
		text := shown(get(t, h, "/machines/stage-db?in="+in).Body.String())
		if others := slices.DeleteFunc([]string{"of staging", "of research"}, func(s string) bool { return s == want }); !strings.Contains(text, want) || strings.Contains(text, others[0]) {
			t.Errorf("%s: %s", in, text)
		}
	}
}
