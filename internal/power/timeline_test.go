package power_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/schedule"
)

// desiredBy evaluates a machine with an override under a schedule whose starts are
// advanced, as of a time.
func desiredBy(s *schedule.Schedule, k fleet.Override, ready time.Duration) func(time.Time) power.Desired {
	ruleSet := power.NewRuleSet(power.Rules{
		Override: power.OverrideLimits{Off: true, Max: 366 * 24 * time.Hour},
		Rules: []power.Rule{{
			Tag: tag, Schedule: "test", Ready: ready,
			Read: func(string) (power.Named, error) { return power.Named{Name: "test", Schedule: s}, nil },
		}},
	})
	m := running(0).Machine
	if k.State != "" {
		m.Tags[fleet.TagOverride] = k.String()
	}
	return func(t time.Time) power.Desired { return ruleSet.Evaluate(m, nil, t).Desired }
}

// The desired state is looked for step by step, whatever the schedule, the
// override and the lead: since when and until when it holds is the same.
func TestSinceAndUntil(t *testing.T) {
	const step = 5 * time.Minute
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom([]string{
			office, "22:00-06:00", "Fri 20:00-Mon 06:00", "00:00-00:30; 01:00-01:30; 02:00-03:00", "Tue,Thu 09:00-09:30", "Sun 01:30-02:30 Europe/Berlin",
			"Mon-Fri 08:00-12:00; unmanaged Mon-Fri 06:00-08:00; unmanaged Mon-Fri 13:00-15:00",
			"start Mon-Fri 08:00", "start Mon-Fri 08:00; start 12:00", "stop Mon-Fri 19:00", "stop 19:00; stop 21:00",
			"start Mon-Fri 08:00; start 12:00; stop 19:00; stop 23:00",
		}).Draw(t, "schedule")
		s, err := schedule.Parse(text, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		lead := time.Duration(rapid.SampledFrom([]int{0, 10, 30, 45, 90, 200, 720}).Draw(t, "lead")) * time.Minute
		now := time.Date(2026, 10, 19, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 14*48).Draw(t, "now")) * 30 * time.Minute)
		var k fleet.Override
		if rapid.Bool().Draw(t, "kept") {
			k.State = rapid.SampledFrom([]fleet.State{fleet.Running, fleet.Stopped}).Draw(t, "override")
			k.Since = now.Add(time.Duration(rapid.IntRange(-150, 20).Draw(t, "from")) * 30 * time.Minute)
			k.Until = k.Since.Add(time.Duration(rapid.IntRange(0, 190).Draw(t, "for")) * 30 * time.Minute)
		}
		kept := func(at time.Time) bool { return !at.Before(k.Since) && at.Before(k.Until) }
		// repeat is a start or a stop that leaves the schedule's state as it was.
		repeat := func(at time.Time, state schedule.State) bool {
			last, ok := s.Last(at)
			return ok && last.At.Equal(at) && last.State == state && s.At(at.Add(-step)) == state
		}
		plain := func(at time.Time) schedule.State {
			if kept(at) {
				return schedule.State(k.State)
			}
			state := s.At(at)
			for ahead := step; state == schedule.Stopped && ahead <= lead; ahead += step {
				if next := s.At(at.Add(ahead)); next != schedule.Stopped || repeat(at.Add(ahead), schedule.Stopped) {
					return map[bool]schedule.State{true: schedule.Running, false: schedule.Stopped}[next == schedule.Running]
				}
			}
			return state
		}
		changed := func(at time.Time) bool {
			return plain(at) != plain(at.Add(-step)) || !kept(at) && (repeat(at, schedule.Stopped) || repeat(at.Add(lead), schedule.Running))
		}
		w := desiredBy(s, k, lead)(now)
		if w.State != plain(now) {
			t.Fatalf("%s at %s, want %s", w.State, now, plain(now))
		}
		since, until := now, now.Add(step)
		for !changed(since) {
			since = since.Add(-step)
		}
		for !changed(until) {
			until = until.Add(step)
		}
		if !w.Since.Equal(since) || !w.Until.Equal(until) {
			t.Fatalf("%s from %s until %s; want from %s until %s", w.State, w.Since, w.Until, since, until)
		}
	})
}

// An override covers any number of transitions, in no time.
func TestALongOverrideOverManyTransitions(t *testing.T) {
	var windows []string
	for hour := range 24 {
		windows = append(windows, fmt.Sprintf("%02d:00-%02d:20", hour, hour))
	}
	s, err := schedule.Parse(strings.Join(windows, "; "), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	since := clock(t, "Mon 00:10").AddDate(0, 0, -360)
	k := fleet.Override{State: fleet.Running, Since: since, Until: clock(t, "Tue 23:30")}
	if w := desiredBy(s, k, 0)(clock(t, "Tue 23:10")); !w.Since.Equal(since.Add(-10*time.Minute)) || !w.Until.Equal(k.Until) {
		t.Errorf("wanted from %s until %s, want from %s until %s", w.Since, w.Until, since.Add(-10*time.Minute), k.Until)
	}
	if w := desiredBy(s, k, 0)(clock(t, "Tue 23:40")); !w.Since.Equal(k.Until) {
		t.Errorf("wanted from %s, want from the end of the override at %s", w.Since, k.Until)
	}
}

// Two runs at once: the second one had seen the machine before the first acted
// on it, and marks it after that. The act is still ours, so that a schedule
// that is edited later does not take it for a person's.
func TestTheMarkOfASecondRun(t *testing.T) {
	m := running(1).Machine
	m.Started = clock(t, "Tue 08:00:01")
	for mark, want := range map[string]power.Action{"2026-11-17T08:00:31Z": power.Stop, "2026-11-17T08:01:02Z": power.None} {
		m.Tags[fleet.TagLast] = "start " + mark
		edited := power.NewRuleSet(follow(t, "Sat 10:00-12:00"))
		if s := edited.Evaluate(m, nil, clock(t, "Tue 10:00")); s.Action != want {
			t.Errorf("started at 08:00:01, marked at %s: %q (%s), want %q", mark, s.Action, s.Reason.Text, want)
		}
	}
}

// EC2 shows a terminated machine for an hour. What comes after its tag does
// not wait for it.
func TestWhatIsTerminatedHoldsUpNothing(t *testing.T) {
	for _, state := range []fleet.State{fleet.Terminated, fleet.ShuttingDown} {
		b := tiers(t, fleet.Stopped)
		b.machines[2].State = state // the database, which the application comes after
		b.run(t, "Tue 08:00", power.Options{})
		if got := fmt.Sprint(b.log); got != "[start [i-app]]" {
			t.Errorf("%s: %s, want the application started", state, got)
		}
	}
}
