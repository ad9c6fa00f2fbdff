package power_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/schedule"
)

// world is an EC2 in which time passes: it remembers of every machine what
// EC2 remembers, and nothing else. Next to it is what really happened.
type world struct {
	now      time.Time
	machines []*machine
	// manual is the last act of a person on each machine that changed it.
	manual map[fleet.ResourceID]time.Time
	// late makes every request take this long.
	late time.Duration
}

func newWorld(n int, at time.Time) *world {
	w := &world{now: at, manual: map[fleet.ResourceID]time.Time{}}
	for k := range n {
		m := running(k)
		m.Started, m.Created = at.Add(-1000*time.Hour), at.Add(-2000*time.Hour)
		w.machines = append(w.machines, m)
	}
	return w
}

func (w *world) clock() time.Time { return w.now }

func (w *world) Machines(_ context.Context, sel fleet.Selector) iter.Seq2[fleet.Machine, error] {
	return func(yield func(fleet.Machine, error) bool) {
		for _, m := range w.machines {
			if len(sel.IDs) > 0 && !slices.Contains(sel.IDs, m.ID) {
				continue
			}
			copied := m.Machine
			copied.Tags = maps.Clone(m.Tags)
			if !yield(copied, nil) {
				return
			}
		}
	}
}

func (w *world) set(m *machine, state fleet.State, cause fleet.Cause) {
	m.State, m.Cause, m.Stopped = state, cause, time.Time{}
	if state == fleet.Running {
		m.Started = w.now.Truncate(time.Second)
		m.Cause = fleet.CauseUnknown
	} else if cause == fleet.CauseCall {
		m.Stopped = w.now.Truncate(time.Second)
	}
}

func (w *world) request(ids []fleet.ResourceID, state fleet.State) error {
	w.now = w.now.Add(w.late)
	for _, m := range w.machines {
		if slices.Contains(ids, m.ID) && m.State != state {
			w.set(m, state, fleet.CauseCall)
		}
	}
	return nil
}

func (w *world) Stop(_ context.Context, ids []fleet.ResourceID, _ bool) error {
	return w.request(ids, fleet.Stopped)
}

func (w *world) Start(_ context.Context, ids []fleet.ResourceID) error {
	return w.request(ids, fleet.Running)
}

func (w *world) Mark(_ context.Context, machines []fleet.Machine, set fleet.Tags) error {
	return (&yard{machines: w.machines}).Mark(context.Background(), machines, set)
}

// person starts or stops a machine manually.
func (w *world) person(n int, state fleet.State) {
	m := w.machines[n]
	if m.State != state {
		w.set(m, state, fleet.CauseCall)
		w.manual[m.ID] = w.now
	}
}

// tick is one run of nightshift.
func (w *world) tick(t *rapid.T, rules power.Rules) []fleet.Outcome {
	ruleSet := power.NewRuleSet(rules)
	plan, err := power.MakePlan(context.Background(), clients(w), ruleSet, w.clock)
	if err != nil {
		t.Fatal(err)
	}
	return power.Apply(context.Background(), clients(w), ruleSet, plan, power.Options{Mark: true, Now: w.clock})
}

// monday is the start of all these worlds.
func monday() time.Time { return time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC) }

// schedules are some of every sort, all in zones that make no difference to
// the arithmetic of the test.
func schedules() []string {
	return []string{
		"Mon-Fri 08:00-19:00 UTC", "22:00-06:00 UTC", "Fri 20:00-Mon 06:00 UTC", "Mon-Fri 08:00-12:00 + Mon-Fri 13:00-18:00 Asia/Seoul",
		"Sat,Sun UTC", "Mon-Fri 00:00-24:00 Asia/Kathmandu", "Tue,Thu 09:00-09:30 UTC",
	}
}

// whoever acted last on a machine since the desired state last changed decides;
// nobody: the schedule. Ticks may be missed, come late and come twice.
func TestPeopleAndSchedules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom(schedules()).Draw(t, "schedule")
		s, err := schedule.Parse(text, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		rules := power.Rules{Rules: []power.Rule{{
			Tag: tag, Schedule: text, Read: func(string) (power.Named, error) { return power.Named{Name: text, Schedule: s}, nil },
		}}}
		w := newWorld(3, monday())
		overrides := map[fleet.ResourceID]fleet.Override{}
		for range rapid.IntRange(1, 200).Draw(t, "events") {
			// People act seven minutes after a tick: nightshift takes what
			// happens within five minutes of its own act for its own.
			w.now = w.now.Add(time.Duration(rapid.IntRange(0, 12).Draw(t, "pause")) * 10 * time.Minute).Truncate(10 * time.Minute)
			n := rapid.IntRange(0, 2).Draw(t, "machine")
			switch rapid.IntRange(0, 5).Draw(t, "event") {
			case 0:
				w.now = w.now.Add(7 * time.Minute)
				w.person(n, fleet.Running)
			case 1:
				w.now = w.now.Add(7 * time.Minute)
				w.person(n, fleet.Stopped)
			case 2:
				k := fleet.Override{State: fleet.Running, Since: w.now, Until: w.now.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "override")) * 30 * time.Minute)}
				if old, ok := overrides[w.machines[n].ID]; ok && rapid.Bool().Draw(t, "clear") {
					k = old.Cleared(w.now)
				}
				overrides[w.machines[n].ID] = k
				w.machines[n].Tags[fleet.TagOverride] = k.String()
			case 3:
				w.tick(t, rules)
				w.tick(t, rules)
			default:
				w.tick(t, rules)
			}
		}
		w.now = w.now.Truncate(10 * time.Minute).Add(10 * time.Minute)
		w.tick(t, rules)
		for _, m := range w.machines {
			desired, since := desiredAt(s, overrides[m.ID], w.now)
			want := fleet.State(desired)
			if last, ok := w.manual[m.ID]; ok && !last.Before(since) {
				continue // a person decided; which way is seen below
			}
			if m.State != want {
				t.Fatalf("at %s %s is %s; %s wants it %s since %s, and nobody has touched it since (last by hand %s, override %s, mark %s)",
					w.now, m.ID, m.State, text, want, since, w.manual[m.ID], overrides[m.ID], m.Tags[fleet.TagLast])
			}
		}
	})
}

// desiredAt is the desired state and since when, found minute by minute.
func desiredAt(s *schedule.Schedule, k fleet.Override, now time.Time) (schedule.State, time.Time) {
	at := func(t time.Time) schedule.State {
		if !t.Before(k.Since) && t.Before(k.Until) {
			return schedule.State(k.State)
		}
		return s.At(t)
	}
	state := at(now)
	t := now
	for range 14 * 24 * 60 {
		if at(t.Add(-time.Minute)) != state {
			return state, t
		}
		t = t.Add(-time.Minute)
	}
	return state, time.Time{}
}

// What a person does stays until the schedule's next transition.
func TestPeopleAreRespectedUntilTheNextTransition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom(schedules()).Draw(t, "schedule")
		s, err := schedule.Parse(text, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		rules := power.Rules{Rules: []power.Rule{{
			Tag: tag, Schedule: text, Read: func(string) (power.Named, error) { return power.Named{Name: text, Schedule: s}, nil },
		}}}
		w := newWorld(1, monday().AddDate(0, 0, 7))
		w.tick(t, rules)
		w.now = w.now.Add(time.Duration(rapid.IntRange(1, 2000).Draw(t, "minutes"))*time.Minute + 6*time.Minute)
		w.tick(t, rules)
		w.now = w.now.Add(6 * time.Minute)
		state := rapid.SampledFrom([]fleet.State{fleet.Running, fleet.Stopped}).Draw(t, "state")
		w.person(0, state)
		next, ok := s.Next(w.now)
		if !ok {
			t.Fatal("no transition")
		}
		for w.now.Add(5 * time.Minute).Before(next.At) {
			w.now = w.now.Add(5 * time.Minute)
			w.tick(t, rules)
			if m := w.machines[0]; w.manual[m.ID] != (time.Time{}) && m.State != state {
				t.Fatalf("%s at %s, a person had it %s at %s", m.State, w.now, state, w.manual[m.ID])
			}
		}
		w.now = next.At
		w.tick(t, rules)
		if m := w.machines[0]; string(m.State) != string(next.State) {
			t.Fatalf("%s at its transition to %s", m.State, next.State)
		}
	})
}

// Whatever the override and the schedule: at its end the override ends.
func TestTheEndOfAnOverrideTakesEffect(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom(schedules()).Draw(t, "schedule")
		s, err := schedule.Parse(text, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		rules := power.Rules{
			Override: power.OverrideLimits{Off: true, Max: 72 * time.Hour},
			Rules: []power.Rule{{
				Tag: tag, Schedule: text, Read: func(string) (power.Named, error) { return power.Named{Name: text, Schedule: s}, nil },
			}},
		}
		w := newWorld(1, monday().Add(time.Duration(rapid.IntRange(0, 7*24*60).Draw(t, "at"))*time.Minute))
		w.tick(t, rules)
		k := fleet.Override{State: rapid.SampledFrom([]fleet.State{fleet.Running, fleet.Stopped}).Draw(t, "override"), Since: w.now.Add(6 * time.Minute)}
		k.Until = k.Since.Add(time.Duration(rapid.IntRange(1, 72*60).Draw(t, "for")) * time.Minute)
		w.machines[0].Tags[fleet.TagOverride] = k.String()
		for w.now.Before(k.Until) {
			if w.now = w.now.Add(time.Duration(rapid.IntRange(1, 300).Draw(t, "tick")) * time.Minute); !w.now.Before(k.Until) {
				break
			}
			w.tick(t, rules)
			if k.Since.After(w.now) {
				continue
			}
			if m := w.machines[0]; string(m.State) != string(k.State) {
				t.Fatalf("%s at %s, kept %s", m.State, w.now, k)
			}
		}
		w.now = k.Until.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "late")) * time.Minute)
		w.tick(t, rules)
		if m, want := w.machines[0], s.At(w.now); string(m.State) != string(want) {
			t.Fatalf("%s at %s, after %s; the schedule wants it %s", m.State, w.now, k, want)
		}
	})
}

// A schedule that is edited, again and again, has every machine in its state
// as soon as the next tick has come: none is stranded in the state of an
// earlier edition.
func TestAnEditedScheduleStrandsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(2, monday())
		var text string
		var s *schedule.Schedule
		for range rapid.IntRange(1, 20).Draw(t, "edits") {
			text = rapid.SampledFrom(schedules()).Draw(t, "schedule")
			var err error
			if s, err = schedule.Parse(text, time.UTC); err != nil {
				t.Fatal(err)
			}
			rules := power.Rules{Rules: []power.Rule{{
				Tag: tag, Schedule: text, Read: func(string) (power.Named, error) { return power.Named{Name: text, Schedule: s}, nil },
			}}}
			w.now = w.now.Add(time.Duration(rapid.IntRange(1, 5000).Draw(t, "minutes")) * time.Minute)
			w.tick(t, rules)
			for _, m := range w.machines {
				// What nightshift has started itself is not stopped for the
				// last half an hour before its schedule starts it again.
				next, _ := s.Next(w.now)
				soon := next.State == schedule.Running && next.At.Sub(w.now) <= 30*time.Minute
				if want := s.At(w.now); string(m.State) != string(want) && !soon {
					t.Fatalf("%s at %s, %s wants it %s", m.State, w.now, text, want)
				}
			}
		}
	})
}

// A run whose requests take so long that a transition of the schedule comes
// meanwhile ends with every machine as the schedule wants it then, after the
// next run at the latest, and does nothing that it did not want when it did it.
func TestABatchThatCrossesATransition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := office
		s, err := schedule.Parse(text, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		rules := power.Rules{Rules: []power.Rule{{
			Tag: tag, Schedule: text, Read: func(string) (power.Named, error) { return power.Named{Name: text, Schedule: s}, nil },
		}}}
		w := newWorld(rapid.IntRange(60, 300).Draw(t, "machines"), monday().Add(-time.Hour))
		w.tick(t, rules)
		transition := rapid.SampledFrom([]string{"Tue 08:00", "Tue 19:00"}).Draw(t, "transition")
		var at time.Time
		if transition == "Tue 08:00" {
			at = monday().Add(32 * time.Hour)
			for n := range w.machines { // all started manually before midnight
				w.now = at.Add(-10 * time.Hour)
				w.person(n, fleet.Running)
			}
		} else {
			at = monday().Add(43 * time.Hour)
			w.now = at.Add(-10 * time.Hour)
			w.tick(t, rules)
			w.now = at.Add(-9 * time.Hour)
			for n := range w.machines {
				w.person(n, fleet.Stopped)
			}
		}
		// The first request is made just before the transition, the others after
		// it.
		w.now, w.late = at.Add(-time.Duration(rapid.IntRange(1, 200).Draw(t, "seconds"))*time.Second), time.Duration(rapid.IntRange(1, 90).Draw(t, "each"))*time.Second
		w.tick(t, rules)
		w.late = 0
		w.now = w.now.Add(5 * time.Minute)
		w.tick(t, rules)
		for _, m := range w.machines {
			if want := s.At(w.now); string(m.State) != string(want) {
				t.Fatalf("%s is %s at %s, %s wants it %s", m.ID, m.State, w.now, text, want)
			}
		}
	})
}

// started counts the batches of a start by type, for TestElsewhere.
type scarce struct {
	*world
	has     map[fleet.InstanceType]bool
	resizes int
	dies    bool // the process is killed before the start
}

func (s *scarce) Start(ctx context.Context, ids []fleet.ResourceID) error {
	for _, m := range s.machines {
		if slices.Contains(ids, m.ID) && !s.has[m.Type] {
			return &fleet.Refusal{Kind: fleet.ErrCapacity, Action: "ec2:StartInstances", Code: "InsufficientInstanceCapacity", Message: "none"}
		}
	}
	if s.dies {
		return fleet.Errorf(fleet.ErrNoTime, "killed")
	}
	return s.world.Start(ctx, ids)
}

func (s *scarce) Resize(_ context.Context, id fleet.ResourceID, to fleet.InstanceType) error {
	for _, m := range s.machines {
		if m.ID == id {
			if m.State != fleet.Stopped {
				return &fleet.Refusal{Kind: fleet.ErrConflict, Code: "IncorrectInstanceState"}
			}
			if to == "x9.huge" {
				return &fleet.Refusal{Kind: fleet.ErrInvalid, Code: "InvalidInstanceAttributeValue", Message: "no such type"}
			}
			m.Type = to
			s.resizes++
		}
	}
	return nil
}

func TestElsewhere(t *testing.T) {
	for name, tt := range map[string]struct {
		types string
		has   []fleet.InstanceType
		was   fleet.InstanceType
		want  string
	}{
		"there is capacity":               {"m5.large,m5a.large", []fleet.InstanceType{"m5.large", "m5a.large"}, "m5.large", "done m5.large running 0 "},
		"only for another type":           {"m5.large,m5a.large,m6i.large", []fleet.InstanceType{"m6i.large"}, "m5.large", "done m6i.large running 2 other-type"},
		"for none of them":                {"m5.large m5a.large", nil, "m5.large", "failed m5.large stopped 2 no-capacity"},
		"not allowed by the rule":         {"m5.large,m5a.large", []fleet.InstanceType{"m5a.large"}, "m5.large", "failed m5.large stopped 0 no-capacity"},
		"not allowed by a tag":            {"", []fleet.InstanceType{"m5a.large"}, "m5.large", "failed m5.large stopped 0 no-capacity"},
		"a type that is none":             {"x9.huge", []fleet.InstanceType{"m5.large"}, "m5.large", "done m5.large running 0 "},
		"first a type that is none":       {"x9.huge,m5.large", []fleet.InstanceType{"m5.large"}, "m5.large", "done m5.large running 0 bad-types"},
		"then a type that is none":        {"m5.large,x9.huge,m6i.large", []fleet.InstanceType{"m6i.large"}, "m5.large", "done m6i.large running 1 bad-types"},
		"resized by people":               {"m5.large,m5a.large", []fleet.InstanceType{"m5.large", "c5.large"}, "c5.large", "done c5.large running 0 "},
		"left half-resized, and now good": {"m5.large/m5a.large", []fleet.InstanceType{"m5.large", "m5a.large"}, "m5a.large", "done m5.large running 1 "},
		"left half-resized, and still so": {"m5.large/m5a.large", []fleet.InstanceType{"m5a.large"}, "m5a.large", "done m5a.large running 2 other-type"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &scarce{world: newWorld(1, monday().Add(10*time.Hour)), has: map[fleet.InstanceType]bool{}}
			for _, has := range tt.has {
				w.has[has] = true
			}
			m := w.machines[0]
			m.Type, m.State, m.Cause, m.Stopped = tt.was, fleet.Stopped, fleet.CauseCall, monday().Add(-time.Hour)
			if tt.types != "" {
				m.Tags[fleet.TagTypes] = tt.types
			}
			here := clients(w)
			here.Resizer = w
			ruleSet := power.NewRuleSet(follow(t, office, func(r *power.Rule) { r.ChangeType = name != "not allowed by the rule" }))
			plan, err := power.MakePlan(t.Context(), here, ruleSet, w.clock)
			if err != nil {
				t.Fatal(err)
			}
			o := power.Apply(t.Context(), here, ruleSet, plan, power.Options{Mark: true})[0]
			if got := fmt.Sprint(o.Result, " ", m.Type, " ", m.State, " ", w.resizes, " ", o.Reason.Code); got != tt.want {
				t.Errorf("%q (%s), want %q", got, o.Reason.Text, tt.want)
			}
		})
	}
}
