package power_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/schedule"
)

// office are the hours of most tests: in UTC, so that times can be read.
const office = "Mon-Fri 08:00-19:00 UTC"

// clock reads a time of the week of Monday, 16 November 2026, such as
// "Tue 08:00".
func clock(t testing.TB, text string) time.Time {
	t.Helper()
	if text == "" {
		return time.Time{}
	}
	day, wall, _ := strings.Cut(text, " ")
	n := strings.Index("MonTueWedThuFriSatSun", day) / 3
	at, err := time.Parse("2006-01-02 15:04:05", fmt.Sprintf("2026-11-%02d %s", 16+n, wall+":00"[:3*(2-strings.Count(wall, ":"))]))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// follow is a rule under which every machine follows one schedule.
func follow(t testing.TB, text string, change ...func(*power.Rule)) power.Rules {
	t.Helper()
	s, err := schedule.Parse(text, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	r := power.Rule{
		Tag: tag, Schedule: "test",
		Read: func(string) (power.Named, error) { return power.Named{Name: "test", Schedule: s}, nil },
	}
	for _, c := range change {
		c(&r)
	}
	return power.Rules{Rules: []power.Rule{r}}
}

// TestDecisions goes through the table of decisions, row by row. T is the last
// change of what the schedule wants.
func TestDecisions(t *testing.T) {
	enforce := func(r *power.Rule) { r.Enforce = true }
	stopNew := func(r *power.Rule) { r.StopNew = true }
	retain := func(r *power.Rule) { r.RetainRunning = true }
	hour := func(r *power.Rule) { r.MinUptime = time.Hour }
	const night, day = "Tue 22:00", "Tue 10:00" // T is Tue 19:00 and Tue 08:00
	tests := []struct {
		name     string
		now      string
		state    fleet.State
		started  string
		stopped  string
		cause    fleet.Cause
		tags     fleet.Tags
		change   func(*power.Rule)
		schedule string
		want     string // action and reason code
	}{
		{name: "runs in its window", now: day, state: fleet.Running, started: "Tue 08:00", want: " as-wanted"},
		{name: "is off at night", now: night, state: fleet.Stopped, cause: fleet.CauseCall, stopped: "Tue 19:00", want: " as-wanted"},
		{name: "is on its way up", now: day, state: fleet.Pending, want: " as-wanted"},
		{name: "is on its way down", now: night, state: fleet.Stopping, want: " as-wanted"},

		{name: "still runs after its window", now: night, state: fleet.Running, started: "Tue 08:00", want: "stop stop"},
		{name: "still runs after its window, days later", now: "Sun 23:00", state: fleet.Running, started: "Mon 08:00", want: "stop stop"},
		{name: "started at the very end of the window", now: night, state: fleet.Running, started: "Tue 19:00", want: " started-by-hand"},
		{name: "started manually at night", now: night, state: fleet.Running, started: "Tue 20:00", want: " started-by-hand"},
		{
			name: "started by us, late", now: night, state: fleet.Running, started: "Tue 19:00:04",
			tags: fleet.Tags{fleet.TagLast: "start 2026-11-17T18:59:58Z"}, want: "stop stop",
		},
		{
			name: "started long after our mark", now: night, state: fleet.Running, started: "Tue 20:00",
			tags: fleet.Tags{fleet.TagLast: "start 2026-11-17T08:00:00Z"}, want: " started-by-hand",
		},
		{
			name: "our mark is of a stop", now: night, state: fleet.Running, started: "Tue 19:03",
			tags: fleet.Tags{fleet.TagLast: "stop 2026-11-17T19:00:00Z"}, want: " started-by-hand",
		},
		{
			name: "our mark cannot be read", now: night, state: fleet.Running, started: "Tue 19:03",
			tags: fleet.Tags{fleet.TagLast: "start yesterday"}, want: " started-by-hand",
		},
		{
			name: "has stop protection on", now: night, state: fleet.Running, started: "Tue 08:00",
			tags: fleet.Tags{fleet.TagLast: "refused 2026-11-17T21:05:00Z"}, want: " stop-protected",
		},
		{
			name: "had stop protection on an hour ago", now: night, state: fleet.Running, started: "Tue 08:00",
			tags: fleet.Tags{fleet.TagLast: "refused 2026-11-17T21:00:00Z"}, want: "stop stop",
		},
		{
			name: "had stop protection on the day before", now: "Tue 19:00", state: fleet.Running, started: "Mon 08:00",
			tags: fleet.Tags{fleet.TagLast: "refused 2026-11-17T18:59:00Z"}, want: "stop stop",
		},
		{
			name: "a stop of it failed, and T has moved back since", now: night, state: fleet.Running, started: "Tue 20:00",
			tags: fleet.Tags{fleet.TagLast: "stop 2026-11-17T21:05:00Z"}, want: "stop stop",
		},
		{
			name: "had stop protection on, and T has moved back since", now: night, state: fleet.Running, started: "Tue 20:00",
			tags: fleet.Tags{fleet.TagLast: "refused 2026-11-17T20:55:00Z"}, want: "stop stop",
		},
		{name: "started by hand, enforced", now: night, state: fleet.Running, started: "Tue 20:00", change: enforce, want: "stop enforced"},
		{name: "launched at night", now: night, state: fleet.Running, started: "Tue 20:00", want: " started-by-hand"},
		{name: "started at night, not new", now: night, state: fleet.Running, started: "Tue 20:00", change: stopNew, want: " started-by-hand"},
		{name: "coming up when it should be off", now: night, state: fleet.Pending, started: "Tue 08:00", want: "stop settling"},
		{name: "started by hand just before the end", now: "Tue 19:05", state: fleet.Running, started: "Tue 18:30", change: hour, want: " min-uptime"},
		{name: "coming up by hand when it should be off", now: night, state: fleet.Pending, started: "Tue 21:59", want: " started-by-hand"},
		{name: "on its way down by hand when it should run", now: day, state: fleet.Stopping, cause: fleet.CauseCall, stopped: "Tue 09:59", want: " stopped-by-hand"},
		{name: "its least uptime is over", now: "Tue 19:30", state: fleet.Running, started: "Tue 18:30", change: hour, want: "stop stop"},
		{name: "running before its window began", now: night, state: fleet.Running, started: "Tue 07:00", change: retain, want: " retained"},
		{name: "started in its window", now: night, state: fleet.Running, started: "Tue 08:01", change: retain, want: "stop stop"},
		{
			name: "ours before its window began", now: night, state: fleet.Running, started: "Tue 07:00",
			tags: fleet.Tags{fleet.TagLast: "start 2026-11-17T07:00:00Z"}, change: retain, want: "stop stop",
		},
		{
			name: "ours before its window began, and tried to stop since", now: night, state: fleet.Running, started: "Tue 07:00",
			tags: fleet.Tags{fleet.TagLast: "refused 2026-11-17T07:30:00Z"}, change: retain, want: "stop stop",
		},
		{name: "nothing is retained by a stop-only schedule", now: "Wed 20:05", schedule: "stop Mon-Fri 20:00 UTC", state: fleet.Running, started: "Mon 21:00", change: retain, want: "stop stop"},
		{
			name: "nothing is retained after an unmanaged time", now: "Wed 20:05", schedule: "Mon 08:00-09:00; unmanaged Wed 08:00-20:00 UTC",
			state: fleet.Running, started: "Tue 21:00", change: retain, want: "stop stop",
		},
		{
			name: "started early by a longer lead than now", now: "Wed 07:40", state: fleet.Running, started: "Wed 07:30",
			tags: fleet.Tags{fleet.TagLast: "start 2026-11-18T07:30:00Z"}, want: " started-early",
		},

		{name: "stopped last night", now: day, state: fleet.Stopped, cause: fleet.CauseCall, stopped: "Mon 19:00", want: "start start"},
		{name: "stopped by hand in its window", now: day, state: fleet.Stopped, cause: fleet.CauseCall, stopped: "Tue 09:00", want: " stopped-by-hand"},
		{name: "stopped at the very start of its window", now: day, state: fleet.Stopped, cause: fleet.CauseCall, stopped: "Tue 08:00", want: " stopped-by-hand"},
		{
			name: "stopped by us, late", now: day, state: fleet.Stopped, cause: fleet.CauseCall, stopped: "Tue 08:00:30",
			tags: fleet.Tags{fleet.TagLast: "stop 2026-11-17T07:59:59Z"}, want: "start start",
		},
		{
			name: "a start of it failed, and T has moved back since", now: day, state: fleet.Stopped, cause: fleet.CauseCall, stopped: "Tue 09:00",
			tags: fleet.Tags{fleet.TagLast: "start 2026-11-17T09:05:00Z"}, want: "start start",
		},
		{
			name: "the same, stopped nobody knows when", now: day, state: fleet.Stopped, cause: fleet.CauseItself, started: "Tue 08:30",
			tags: fleet.Tags{fleet.TagLast: "start 2026-11-17T09:05:00Z"}, want: "start start",
		},
		{
			name: "stopped by hand after our start", now: day, state: fleet.Stopped, cause: fleet.CauseCall, stopped: "Tue 09:00",
			tags: fleet.Tags{fleet.TagLast: "start 2026-11-17T08:00:00Z"}, want: " stopped-by-hand",
		},
		{name: "stopped by hand, enforced", now: day, state: fleet.Stopped, cause: fleet.CauseCall, stopped: "Tue 09:00", change: enforce, want: "start enforced"},
		{name: "on its way down when it should run", now: day, state: fleet.Stopping, cause: fleet.CauseCall, stopped: "Tue 07:59", want: "start settling"},

		{name: "shut down from inside yesterday", now: day, state: fleet.Stopped, cause: fleet.CauseItself, started: "Mon 08:00", want: "start start"},
		{name: "shut down from inside today", now: day, state: fleet.Stopped, cause: fleet.CauseItself, started: "Tue 08:00", want: " shut-down"},
		{name: "shut down from inside, enforced", now: day, state: fleet.Stopped, cause: fleet.CauseItself, started: "Tue 08:00", change: enforce, want: "start enforced"},
		{name: "stopped, nobody knows when, before", now: day, state: fleet.Stopped, cause: fleet.CauseCall, started: "Mon 08:00", want: "start start"},
		{name: "stopped, nobody knows when, after", now: day, state: fleet.Stopped, cause: fleet.CauseUnknown, started: "Tue 08:00", want: " stopped-by-hand"},

		{name: "its start failed, a while ago", now: day, state: fleet.Stopped, cause: fleet.CauseAWS, started: "Tue 08:00", want: "start stopped-by-aws"},
		{name: "its start has just failed", now: "Tue 08:03", state: fleet.Stopped, cause: fleet.CauseAWS, started: "Tue 08:00", want: " retry-later"},
		{name: "its start failed again after half an hour", now: "Tue 08:55", state: fleet.Stopped, cause: fleet.CauseAWS, started: "Tue 08:30", want: " retry-later"},
		{name: "its start failed again, and as long has passed", now: "Tue 09:00", state: fleet.Stopped, cause: fleet.CauseCapacity, started: "Tue 08:30", want: "start stopped-by-aws"},
		{name: "its start failed again after hours", now: "Tue 15:59", state: fleet.Stopped, cause: fleet.CauseAWS, started: "Tue 15:00", want: " retry-later"},
		{name: "its start failed an hour ago", now: "Tue 16:00", state: fleet.Stopped, cause: fleet.CauseAWS, started: "Tue 15:00", want: "start stopped-by-aws"},
		{name: "retired at night", now: day, state: fleet.Stopped, cause: fleet.CauseAWS, started: "Mon 08:00", want: "start stopped-by-aws"},
		{name: "failed and should be off", now: night, state: fleet.Stopped, cause: fleet.CauseAWS, started: "Tue 18:59", want: " as-wanted"},

		{name: "interrupted by Spot", now: day, state: fleet.Stopped, cause: fleet.CauseSpot, started: "Mon 08:00", want: " spot-interrupted"},
		{name: "terminated", now: day, state: fleet.Terminated, want: " terminated"},
		{name: "being terminated", now: night, state: fleet.ShuttingDown, want: " shutting-down"},

		{name: "start-only, stopped before the edge", now: day, schedule: "start Mon-Fri 08:00 UTC", state: fleet.Stopped, cause: fleet.CauseCall, stopped: "Mon 19:00", want: "start start"},
		{name: "start-only, stopped after the edge", now: night, schedule: "start Mon-Fri 08:00 UTC", state: fleet.Stopped, cause: fleet.CauseCall, stopped: "Tue 19:00", want: " stopped-by-hand"},
		{name: "start-only does not stop", now: night, schedule: "start Mon-Fri 08:00 UTC", state: fleet.Running, started: "Mon 08:00", want: " as-wanted"},
		{name: "stop-only, started before the edge", now: night, schedule: "stop Mon-Fri 19:00 UTC", state: fleet.Running, started: "Tue 07:00", want: "stop stop"},
		{name: "stop-only, every day again", now: "Wed 19:05", schedule: "stop Mon-Fri 19:00 UTC", state: fleet.Running, started: "Wed 18:59", want: "stop stop"},
		{name: "stop-only, started after the edge", now: "Wed 10:00", schedule: "stop Mon-Fri 19:00 UTC", state: fleet.Running, started: "Wed 07:00", want: " started-by-hand"},
		{name: "stop-only is not enforced all day", now: "Wed 10:00", schedule: "stop Mon-Fri 19:00 UTC", state: fleet.Running, started: "Wed 07:00", change: enforce, want: " started-by-hand"},
		{name: "stop-only does not start", now: "Wed 10:00", schedule: "stop Mon-Fri 19:00 UTC", state: fleet.Stopped, cause: fleet.CauseCall, stopped: "Tue 19:00", want: " as-wanted"},
		{name: "always, stopped by hand once", now: day, schedule: "always", state: fleet.Stopped, cause: fleet.CauseCall, stopped: "Mon 10:00", want: " stopped-by-hand"},
		{name: "always, enforced", now: day, schedule: "always", state: fleet.Stopped, cause: fleet.CauseCall, stopped: "Mon 10:00", change: enforce, want: "start enforced"},

		{
			name: "kept on", now: night, state: fleet.Running, started: "Tue 08:00",
			tags: fleet.Tags{fleet.TagOverride: "on since 2026-11-17T18:00:00Z until 2026-11-17T23:00:00Z"}, want: " as-wanted",
		},
		{
			name: "kept on and stopped", now: night, state: fleet.Stopped, cause: fleet.CauseCall, stopped: "Tue 19:00",
			tags: fleet.Tags{fleet.TagOverride: "on since 2026-11-17T21:00:00Z until 2026-11-17T23:00:00Z"}, want: "start start",
		},
		{
			name: "was kept on until now", now: "Tue 23:00", state: fleet.Running, started: "Tue 20:00",
			tags: fleet.Tags{fleet.TagOverride: "on since 2026-11-17T18:00:00Z until 2026-11-17T23:00:00Z"}, want: "stop stop",
		},
		{
			name: "started by hand after it was kept on", now: "Tue 23:30", state: fleet.Running, started: "Tue 23:10",
			tags: fleet.Tags{fleet.TagOverride: "on since 2026-11-17T18:00:00Z until 2026-11-17T23:00:00Z"}, want: " started-by-hand",
		},
		{
			name: "kept on without a beginning", now: night, state: fleet.Running, started: "Tue 08:00",
			tags: fleet.Tags{fleet.TagOverride: "on until 2026-11-18T07:00:00+09:00"}, want: "stop stop",
		},
		{
			name: "kept on for longer than is allowed", now: "Thu 22:00", state: fleet.Running, started: "Mon 08:00",
			tags: fleet.Tags{fleet.TagOverride: "on since 2026-11-17T18:00:00Z until 2027-11-17T23:00:00Z"}, want: "stop stop",
		},
		{
			name: "kept off, which is not allowed", now: day, state: fleet.Running, started: "Tue 08:00",
			tags: fleet.Tags{fleet.TagOverride: "off since 2026-11-17T09:00:00Z until 2026-11-17T12:00:00Z"}, want: " as-wanted",
		},
		{
			name: "an override that cannot be read", now: night, state: fleet.Running, started: "Tue 08:00",
			tags: fleet.Tags{fleet.TagOverride: "on till midnight"}, want: " bad-override",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := running(1).Machine
			m.State, m.Cause = tt.state, tt.cause
			m.Started, m.Stopped = clock(t, tt.started), clock(t, tt.stopped)
			m.Created = clock(t, "Mon 00:00").AddDate(0, -1, 0)
			maps.Copy(m.Tags, tt.tags)
			text := office
			if tt.schedule != "" {
				text = tt.schedule
			}
			rules := follow(t, text)
			if tt.change != nil {
				tt.change(&rules.Rules[0])
			}
			step := power.NewRuleSet(rules).Evaluate(m, nil, clock(t, tt.now))
			if got := string(step.Action) + " " + step.Reason.Code; got != tt.want {
				t.Errorf("%q (%s), want %q", got, step.Reason.Text, tt.want)
			}
			if step.Reason.Text == "" {
				t.Error("no reason")
			}
		})
	}
}

// A group that somebody filled at night gets its scaling back when it is to run
// anyway, and not before.
func TestWhatAStopTookComesBack(t *testing.T) {
	m := running(1).Machine
	m.Unfinished, m.Started = true, clock(t, "Tue 23:00")
	ruleSet := power.NewRuleSet(follow(t, office))
	for now, want := range map[string]string{"Tue 23:30": " started-by-hand", "Wed 08:00": "start unfinished"} {
		if s := ruleSet.Evaluate(m, nil, clock(t, now)); string(s.Action)+" "+s.Reason.Code != want {
			t.Errorf("%s: %q %s, want %q", now, s.Action, s.Reason.Code, want)
		}
	}
}

// RDS reports when a database was up, minutes after it was asked for that.
func TestOursTakesLongerWithDatabases(t *testing.T) {
	for kind, want := range map[fleet.Kind]power.Action{fleet.KindInstance: power.None, fleet.KindDatabase: power.Stop} {
		m := running(1).Machine
		m.Kind, m.Started, m.Tags[fleet.TagLast] = kind, clock(t, "Tue 19:06"), "start 2026-11-17T18:58:00Z"
		rules := follow(t, office, func(r *power.Rule) { r.Kinds = power.Kinds() })
		if s := power.NewRuleSet(rules).Evaluate(m, nil, clock(t, "Tue 19:10")); s.Action != want {
			t.Errorf("%s: %q (%s), want %q", kind, s.Action, s.Reason.Text, want)
		}
	}
}

func TestNewMachinesAreStoppedWhereTheRuleSaysSo(t *testing.T) {
	m := running(1).Machine
	m.Started, m.Created = clock(t, "Tue 20:00"), clock(t, "Tue 20:00:02")
	stopNew := follow(t, office, func(r *power.Rule) { r.StopNew = true })
	if s := power.NewRuleSet(stopNew).Evaluate(m, nil, clock(t, "Tue 22:00")); s.Action != power.Stop || s.Reason.Code != "new" {
		t.Errorf("launched at night: %q %+v", s.Action, s.Reason)
	}
}

// Rules are asked in order, and what none of them is about is skipped.
func TestRules(t *testing.T) {
	rules := follow(t, office)
	rules.Rules = append([]power.Rule{{Tag: fleet.Tag{Key: "Protected"}, Ignore: true}}, rules.Rules...)
	byTag := follow(t, office).Rules[0]
	byTag.Tag, byTag.Schedule = fleet.Tag{Key: "Schedule"}, ""
	byTag.Read = func(value string) (power.Named, error) {
		if value == "aus" {
			return power.Named{Name: value, Ignore: true}, nil
		}
		s, err := schedule.Parse(value, time.UTC)
		return power.Named{Name: value, Schedule: s}, err
	}
	rules.Rules = append(rules.Rules, byTag)
	ruleSet := power.NewRuleSet(rules)
	for name, tt := range map[string]struct {
		tags fleet.Tags
		kind fleet.Kind
		want string
	}{
		"by its tag":        {fleet.Tags{"AutoStopStart": "Yes"}, fleet.KindInstance, "stop stop 2"},
		"the first fits":    {fleet.Tags{"AutoStopStart": "Yes", "Protected": ""}, fleet.KindInstance, " ignored 1"},
		"another value":     {fleet.Tags{"AutoStopStart": "No"}, fleet.KindInstance, " no-rule 0"},
		"another kind":      {fleet.Tags{"AutoStopStart": "Yes"}, fleet.KindGroup, " no-rule 0"},
		"schedule in a tag": {fleet.Tags{"Schedule": "Mon-Fri 08:00-23:00 UTC"}, fleet.KindInstance, " as-wanted 3"},
		"opted out":         {fleet.Tags{"Schedule": "aus"}, fleet.KindInstance, " ignored 3"},
		"a typo in a tag":   {fleet.Tags{"Schedule": "Mon-Frei 08:00-23:00"}, fleet.KindInstance, " bad-schedule 3"},
	} {
		m := running(1).Machine
		m.Kind, m.Tags, m.Started = tt.kind, tt.tags, clock(t, "Tue 08:00")
		s := ruleSet.Evaluate(m, nil, clock(t, "Tue 22:00"))
		if got := fmt.Sprint(s.Action, " ", s.Reason.Code, " ", s.Desired.Rule); got != tt.want {
			t.Errorf("%s: %q (%s), want %q", name, got, s.Reason.Text, tt.want)
		}
		if (s.Reason.Code == "bad-schedule") != s.Invalid {
			t.Errorf("%s: invalid is %v", name, s.Invalid)
		}
	}
	sel, ok := ruleSet.Selector(fleet.KindInstance)
	if !ok || len(sel.Keys) != 3 {
		t.Errorf("asks for %+v, want all machines with one of three keys", sel)
	}
	if _, ok := ruleSet.Selector(fleet.KindDatabase); ok {
		t.Error("asks for databases, which no rule is for")
	}
}

// A group that is larger than EC2's buckets is started early enough, and what
// was started early is not stopped again.
func TestRamp(t *testing.T) {
	ruleSet := power.NewRuleSet(follow(t, office))
	machines := make([]fleet.Machine, 4000)
	for n := range machines {
		machines[n] = running(n).Machine
		machines[n].State, machines[n].Cause, machines[n].Stopped = fleet.Stopped, fleet.CauseCall, clock(t, "Mon 19:00")
	}
	// 3,000 beyond the bucket at 2 a second are 25 minutes, and a tick.
	for now, want := range map[string]power.Action{"Tue 07:29": power.None, "Tue 07:30": power.Start, "Tue 08:00": power.Start} {
		if s := ruleSet.Evaluate(machines[0], ruleSet.Ramp(machines, clock(t, now)), clock(t, now)); s.Action != want {
			t.Errorf("at %s: %q (%s), want %q", now, s.Action, s.Reason.Text, want)
		}
	}
	up := machines[0]
	up.State, up.Started = fleet.Running, clock(t, "Tue 07:30:05")
	up.Tags = fleet.Tags{"AutoStopStart": "Yes", fleet.TagLast: "start 2026-11-17T07:30:00Z"}
	if s := ruleSet.Evaluate(up, ruleSet.Ramp(machines[:3000], clock(t, "Tue 07:35")), clock(t, "Tue 07:35")); s.Do() {
		t.Errorf("%q (%s) when the group has become smaller", s.Action, s.Reason.Text)
	}
	if s := ruleSet.Evaluate(machines[0], ruleSet.Ramp(machines[:1000], clock(t, "Tue 07:59")), clock(t, "Tue 07:59")); s.Do() {
		t.Errorf("a small group is started early: %s", s.Reason.Text)
	}
	ready := power.NewRuleSet(follow(t, office, func(r *power.Rule) { r.Ready = 10 * time.Minute }))
	if s := ready.Evaluate(machines[0], nil, clock(t, "Tue 07:50")); s.Action != power.Start {
		t.Errorf("not started ten minutes early: %s", s.Reason.Text)
	}
}
