package notify_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/fleet"
	"nightshift/internal/notify"
	"nightshift/internal/power"
)

// seoul is a time on Friday, 27 November 2026, in Seoul, where office ends at 19:00.
func seoul(clock string) time.Time {
	at, err := time.Parse("2006-01-02 15:04 -0700", "2026-11-27 "+clock+" +0900")
	if err != nil {
		panic(err)
	}
	return at.UTC()
}

// running are machines that have run since the morning, as EC2 shows them.
func running(ids ...string) []fleet.Machine {
	var all []fleet.Machine
	for _, id := range ids {
		all = append(all, fleet.Machine{
			ID: fleet.ResourceID(id), Kind: fleet.KindInstance, Target: target(), State: fleet.Running,
			Started: seoul("08:00").Add(-48 * time.Hour), Created: seoul("08:00").AddDate(-1, 0, 0),
			Tags: fleet.Tags{"Name": "web " + id, "Team": "a", "Schedule": "office"},
		})
	}
	return all
}

// tick tells of a run at a time at which the plan decides about machines and nothing is
// carried out.
func (w *world) tick(clock string, machines ...fleet.Machine) {
	w.t.Helper()
	at := seoul(clock)
	w.now = at.Add(w.fast)
	rules := power.NewRuleSet(w.session.Config.Rules())
	t := app.PowerTarget{Plan: power.Plan{Target: target(), At: at}}
	for _, m := range machines {
		step := rules.Evaluate(m, nil, at)
		t.Plan.Steps = append(t.Plan.Steps, step)
		o := fleet.Outcome{Target: target(), ID: m.ID, Action: string(step.Action), Result: fleet.Skipped, Reason: step.Reason}
		if step.Do() {
			o.Result, o.At = fleet.Done, at
		}
		t.Outcomes = append(t.Outcomes, o)
	}
	r := app.PowerResult{Targets: []app.PowerTarget{t}}
	r.Summary = power.Summarize([]power.Plan{t.Plan}, [][]fleet.Outcome{t.Outcomes}, nil)
	w.notifier.Run(w.t.Context(), w.session, notify.Result{Job: "power", Power: &r})
}

func announcing(t *testing.T) (*world, *service) {
	t.Helper()
	return hook(t, "  before_stop: 15m\n  page: https://nightshift.example.com\n")
}

// A stop is announced once, within the time before it, with the command and the link
// that postpone it.
func TestAStopIsAnnounced(t *testing.T) {
	w, s := announcing(t)
	machines := running("i-1", "i-2")
	w.tick("18:40", machines...)
	if got := s.take(); len(got) > 0 {
		t.Errorf("20 minutes before: %s", got)
	}
	w.tick("18:45", machines...)
	got := s.taken(t)
	if titles(got) != "office stops 2 machines at Fri 2026-11-27 19:00 KST" {
		t.Fatalf("told: %q", titles(got))
	}
	line := got[0].Groups[0].Lines[0]
	if line.Text != "web i-1 (i-1) in eu-west-1 of account 111111111111" || line.Command != "nightshift power override set i-1 on --until 2026-11-27T22:00:00+09:00" ||
		line.Link != "https://nightshift.example.com/override?machine=i-1&until=2026-11-27T22%3A00%3A00%2B09%3A00" {
		t.Errorf("%+v", line)
	}
	w.tick("18:50", machines...)
	w.restart()
	w.tick("18:55", machines...)
	if got := s.take(); len(got) > 0 {
		t.Errorf("told again: %s", got)
	}
	w.tick("19:00", machines...)
	if got := titles(s.taken(t)); got != "power: stopped 2 machines" {
		t.Errorf("at the stop: %q", got)
	}
}

// The command postpones a stop of which one hears hours before, too, or there is none.
func TestAStopIsAnnouncedHoursBefore(t *testing.T) {
	for longest, want := range map[string]string{
		"1d":  "override set i-1 on --until 2026-11-27T22:00:00+09:00\n",
		"10h": "override set i-1 on --until 2026-11-27T20:00:00+09:00\n",
		"9h":  "An override that is set before Fri 2026-11-27 10:00 KST ends before the stop\n",
		"3h":  "An override that is set before Fri 2026-11-27 16:00 KST ends before the stop\n",
	} {
		w, s := hook(t, "  before_stop: 12h\n  page: https://nightshift.example.com\n")
		w.configureWith(strings.Replace(head, "tick:", "override: { max: "+longest+" }, tick:", 1), w.config)
		w.tick("10:00", running("i-1")...)
		got := s.taken(t)
		if len(got) != 1 {
			t.Fatalf("told: %q", titles(got))
		}
		text := got[0].Plain()
		if possible := strings.Contains(want, "--until"); !strings.Contains(text, want) || strings.Contains(text, "power override set") != possible || strings.Contains(text, "/override?") != possible {
			t.Errorf("with overrides of %s at most:\n%s\nwant %s", longest, text, want)
		}
	}
}

// Only what the plan would stop is announced.
func TestOnlyRealStopsAreAnnounced(t *testing.T) {
	w, s := announcing(t)
	machines := running("i-stopped", "i-kept", "i-protected", "i-ignored", "i-none", "i-real")
	machines[0].State, machines[0].Cause, machines[0].Stopped = fleet.Stopped, fleet.CauseCall, seoul("12:00")
	machines[1].Tags[fleet.TagOverride] = "on until 2026-11-27T22:00:00+09:00"
	machines[2].Ineligible = fleet.Ineligible{Cannot: fleet.Reason{Code: "instance-store", Text: "cannot be stopped"}}
	machines[3].Tags["Schedule"] = "ignore"
	machines[4].Tags["Schedule"] = "offfice"
	w.tick("18:50", machines...)
	got := s.taken(t)
	if titles(got) != "office stops 1 machine at Fri 2026-11-27 19:00 KST" || !strings.Contains(got[0].Plain(), "i-real") {
		t.Errorf("told: %q", titles(got))
	}
}

// A schedule that changes, or a machine that is kept, takes the announcement back.
func TestAnAnnouncementIsTakenBack(t *testing.T) {
	w, s := announcing(t)
	machines := running("i-1")
	w.tick("18:45", machines...)
	s.take()
	changed := strings.Replace(head, "19:00", "19:05", 1)
	w.configureWith(changed, w.config)
	w.tick("18:50", machines...)
	if got := titles(s.taken(t)); got != "office does not stop at Fri 2026-11-27 19:00 KST, but at Fri 2026-11-27 19:05 KST; office stops 1 machine at Fri 2026-11-27 19:05 KST" {
		t.Errorf("the schedule changed: %q", got)
	}
	machines[0].Tags[fleet.TagOverride] = "on until 2026-11-27T22:00:00+09:00"
	w.tick("18:55", machines...)
	if got := titles(s.taken(t)); got != "office does not stop at Fri 2026-11-27 19:05 KST" {
		t.Errorf("it is kept: %q", got)
	}
	w.tick("19:30", machines...)
	if got := titles(s.taken(t)); got != "" {
		t.Errorf("later: %q", got)
	}
}

// Nothing is taken back because it is announced later from now on, or to somebody else:
// the machine stops all the same.
func TestAnAnnouncementStands(t *testing.T) {
	for name, change := range map[string]func(w *world, m fleet.Machine){
		"a shorter time": func(w *world, _ fleet.Machine) { w.configure(strings.Replace(w.config, "15m", "10m", 1)) },
		"no time":        func(w *world, _ fleet.Machine) { w.configure(strings.Replace(w.config, "before_stop: 15m", "", 1)) },
		"another route":  func(w *world, _ fleet.Machine) { w.configure(strings.Replace(w.config, "Team=a", "Team=b", 1)) },
		"another team":   func(_ *world, m fleet.Machine) { m.Tags["Team"] = "b" },
	} {
		w, s := hook(t, "  before_stop: 15m\n  routes: [{ tag: Team=a, to: audit }]\n")
		machines := running("i-1", "i-2")
		w.tick("18:45", machines...)
		if got := titles(s.taken(t)); got != "office stops 2 machines at Fri 2026-11-27 19:00 KST" {
			t.Fatalf("%s: told: %q", name, got)
		}
		for _, m := range machines {
			change(w, m)
		}
		w.tick("18:47", machines...)
		w.tick("18:55", machines...)
		if got := titles(s.taken(t)); got != "" {
			t.Errorf("%s: told: %q", name, got)
		}
	}
}

// Stops follow the clock of AWS, however wrong that of this machine is.
func TestStopsFollowTheClockOfAWS(t *testing.T) {
	for _, fast := range []time.Duration{10 * time.Minute, -10 * time.Minute} {
		w, s := announcing(t)
		w.fast = fast
		machines := running("i-1")
		s.answering(func(a http.ResponseWriter) bool { a.WriteHeader(http.StatusInternalServerError); return true })
		w.tick("18:50", machines...)
		s.answering(nil)
		w.tick("18:55", machines...)
		got := s.taken(t)
		if titles(got) != "office stops 1 machine at Fri 2026-11-27 19:00 KST" {
			t.Errorf("%s fast: %q", fast, titles(got))
		}
		machines[0].Tags[fleet.TagOverride] = "on until 2026-11-27T22:00:00+09:00"
		w.tick("18:58", machines...)
		if got := titles(s.taken(t)); got != "office does not stop at Fri 2026-11-27 19:00 KST" {
			t.Errorf("%s fast, kept: %q", fast, got)
		}
		s.answering(func(a http.ResponseWriter) bool { a.WriteHeader(http.StatusInternalServerError); return true })
		delete(machines[0].Tags, fleet.TagOverride)
		w.tick("18:59", machines...)
		s.answering(nil)
		w.tick("19:00", machines...)
		if got := titles(s.taken(t)); got != "power: stopped 1 machine" {
			t.Errorf("%s fast, at the stop: %q", fast, got)
		}
	}
}

// An announcement that could not be sent in time is not sent after the stop.
func TestNoAnnouncementAfterTheStop(t *testing.T) {
	w, s := announcing(t)
	s.answering(func(a http.ResponseWriter) bool { a.WriteHeader(http.StatusInternalServerError); return true })
	w.tick("18:45", running("i-1")...)
	w.tick("18:50", running("i-1")...)
	s.answering(nil)
	w.tick("19:00", running("i-1")...)
	if got := titles(s.taken(t)); got != "power: stopped 1 machine" {
		t.Errorf("told: %q", got)
	}
}

// Many machines share one command.
func TestManyStops(t *testing.T) {
	w, s := announcing(t)
	var ids []string
	for n := range 200 {
		ids = append(ids, fmt.Sprintf("i-%03d", n))
	}
	w.tick("18:50", running(ids...)...)
	got := s.taken(t)
	if len(got) != 1 || len(got[0].Groups[0].Lines) != 50 || got[0].Groups[0].More != 150 {
		t.Fatalf("told: %s", titles(got))
	}
	if text := got[0].Plain(); strings.Count(text, "override set") != 1 || !strings.Contains(text, "override set ID on") || !strings.Contains(text, "150 more left out") {
		t.Errorf("it says:\n%s", text)
	}
}
