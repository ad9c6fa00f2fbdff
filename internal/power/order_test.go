package power_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/schedule"
)

// booting is a world whose machines are ready some looks after their start,
// and which writes down who was asked when.
type booting struct {
	*world
	looks map[fleet.ResourceID]int
	log   []string
	never bool
}

func (b *booting) Machines(ctx context.Context, sel fleet.Selector) iter.Seq2[fleet.Machine, error] {
	return func(yield func(fleet.Machine, error) bool) {
		for m, err := range b.world.Machines(ctx, sel) {
			if sel.Readiness && m.State == fleet.Running && !b.never {
				b.looks[m.ID]++
				m.Ready = b.looks[m.ID] > 3
			}
			if !yield(m, err) {
				return
			}
		}
	}
}

func (b *booting) Stop(ctx context.Context, ids []fleet.ResourceID, hibernate bool) error {
	b.log = append(b.log, fmt.Sprint("stop ", ids))
	return b.world.Stop(ctx, ids, hibernate)
}

func (b *booting) Start(ctx context.Context, ids []fleet.ResourceID) error {
	b.log = append(b.log, fmt.Sprint("start ", ids))
	return b.world.Start(ctx, ids)
}

// chain is a rule for databases, one for applications after them, and one for
// proxies after these.
func chain(t *testing.T) power.Rules {
	t.Helper()
	s, err := schedule.Parse(office, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	rule := func(tier, after string) power.Rule {
		r := power.Rule{
			Tag: fleet.Tag{Key: "Tier", Value: tier}, Schedule: "office",
			Read: func(string) (power.Named, error) { return power.Named{Name: "office", Schedule: s}, nil },
		}
		if after != "" {
			r.After = fleet.Tag{Key: "Tier", Value: after}
		}
		return r
	}
	return power.Rules{Rules: []power.Rule{rule("proxy", "app"), rule("app", "db"), rule("db", "")}}
}

func tiers(t *testing.T, state fleet.State) *booting {
	t.Helper()
	b := &booting{world: newWorld(3, clock(t, "Tue 06:00")), looks: map[fleet.ResourceID]int{}}
	for n, tier := range []string{"proxy", "app", "db"} {
		m := b.machines[n]
		m.ID, m.Tags, m.State = fleet.ResourceID("i-"+tier), fleet.Tags{"Tier": tier}, state
		if state == fleet.Stopped {
			m.Cause, m.Stopped = fleet.CauseCall, clock(t, "Mon 19:00")
		}
	}
	return b
}

func (b *booting) run(t *testing.T, at string, o power.Options) []string {
	t.Helper()
	b.now = clock(t, at)
	ruleSet := power.NewRuleSet(chain(t))
	plan, err := power.MakePlan(t.Context(), clients(b), ruleSet, b.clock)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range power.Apply(t.Context(), clients(b), ruleSet, plan, o) {
		got = append(got, strings.TrimSpace(fmt.Sprint(o.Result, " ", o.Reason.Code)))
	}
	return got
}

func TestOrder(t *testing.T) {
	wait := power.Options{Wait: 10 * time.Minute}
	for name, tt := range map[string]struct {
		state fleet.State
		at    string
		log   []string
	}{
		"starts come after what they need":  {fleet.Stopped, "Tue 08:00", []string{"start [i-db]", "start [i-app]", "start [i-proxy]"}},
		"stops come before what they need":  {fleet.Running, "Tue 19:00", []string{"stop [i-proxy]", "stop [i-app]", "stop [i-db]"}},
		"what is as it should be is waited": {fleet.Running, "Tue 08:00", nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := tiers(t, tt.state)
				got := b.run(t, tt.at, wait)
				if diff := cmp.Diff(tt.log, b.log); diff != "" {
					t.Error(diff)
				}
				if want := []string{"done", "done", "done"}; tt.log != nil && !slices.Equal(got, want) {
					t.Errorf("%v, want %v", got, want)
				}
			})
		})
	}
	t.Run("without waiting, tick by tick", func(t *testing.T) {
		b := tiers(t, fleet.Stopped)
		want := [][]string{
			{"left waits", "left waits", "done"},
			{"left waits", "left waits", "skipped as-wanted"},
		}
		for n, w := range want {
			if got := b.run(t, fmt.Sprintf("Tue 08:0%d", n), power.Options{}); !slices.Equal(got, w) {
				t.Errorf("tick %d: %v, want %v", n, got, w)
			}
		}
		for n := 2; n < 10; n++ {
			b.run(t, fmt.Sprintf("Tue 08:0%d", n), power.Options{})
		}
		if diff := cmp.Diff([]string{"start [i-db]", "start [i-app]", "start [i-proxy]"}, b.log); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("what never is ready holds up the others, and is named", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := tiers(t, fleet.Stopped)
			b.never = true
			if got, want := b.run(t, "Tue 08:00", wait), []string{"left waits", "left waits", "done"}; !slices.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
		})
	})
	t.Run("what a person stopped is waited for without an alarm", func(t *testing.T) {
		b := tiers(t, fleet.Stopped)
		b.machines[2].Stopped = clock(t, "Tue 08:10")
		if got, want := b.run(t, "Tue 09:00", power.Options{}), []string{"left waits", "skipped waits", "skipped stopped-by-hand"}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
	t.Run("what a person keeps running does not hold up a stop", func(t *testing.T) {
		b := tiers(t, fleet.Running)
		b.machines[1].Started = clock(t, "Tue 19:30")
		b.run(t, "Tue 20:00", power.Options{})
		if got := strings.Join(b.log, " "); !strings.Contains(got, "i-db") || strings.Contains(got, "i-app") {
			t.Errorf("%v, want the database stopped", b.log)
		}
	})
}

// unreadable is a kind that cannot be listed.
type unreadable struct{ *world }

func (unreadable) Machines(context.Context, fleet.Selector) iter.Seq2[fleet.Machine, error] {
	return func(yield func(fleet.Machine, error) bool) { yield(fleet.Machine{}, fleet.ErrDenied) }
}

// Where databases cannot be read, what comes after them is not started as if
// there were none; everything else is.
func TestOrderWithAKindThatCannotBeRead(t *testing.T) {
	b := tiers(t, fleet.Stopped)
	b.machines = b.machines[:2] // the proxy and the application; the database is of another kind
	b.now = clock(t, "Tue 08:00")
	rules := chain(t)
	rules.Rules[2].Kinds = []fleet.Kind{fleet.KindDatabase}
	free := rules.Rules[2]
	free.Tag, free.Kinds = fleet.Tag{Key: "Alone"}, nil
	rules.Rules = append(rules.Rules, free)
	alone := running(9)
	alone.Tags, alone.State, alone.Cause, alone.Stopped = fleet.Tags{"Alone": ""}, fleet.Stopped, fleet.CauseCall, clock(t, "Mon 19:00")
	b.machines = append(b.machines, alone)
	here := clients(b)
	here.Machines[fleet.KindDatabase] = unreadable{}
	ruleSet := power.NewRuleSet(rules)
	plan, err := power.MakePlan(t.Context(), here, ruleSet, b.clock)
	if err == nil || !slices.Equal(plan.Unread, []fleet.Kind{fleet.KindDatabase}) {
		t.Errorf("unread %v, %v", plan.Unread, err)
	}
	var got []string
	for _, o := range power.Apply(t.Context(), here, ruleSet, plan, power.Options{}) {
		got = append(got, strings.TrimSpace(fmt.Sprint(o.Result, " ", o.Reason.Code)))
	}
	if want := []string{"left waits", "left waits", "done"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Two machines that come after each other by way of a third tag are reported and
// skipped; what has nothing to do with them goes on, and a machine that
// carries the tag that it comes after does not wait for itself.
func TestCircles(t *testing.T) {
	s, err := schedule.Parse(office, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	rule := func(key, after string) power.Rule {
		r := power.Rule{
			Tag: fleet.Tag{Key: key}, Schedule: "office",
			Read: func(string) (power.Named, error) { return power.Named{Name: "office", Schedule: s}, nil },
		}
		if after != "" {
			r.After = fleet.Tag{Key: after}
		}
		return r
	}
	rules := power.Rules{Rules: []power.Rule{rule("A", "B"), rule("B", "C"), rule("Self", "Self"), rule("Free", "")}}
	w := newWorld(4, clock(t, "Tue 08:00"))
	for n, tags := range []fleet.Tags{{"A": "", "C": ""}, {"B": ""}, {"Self": ""}, {"Free": ""}} {
		m := w.machines[n]
		m.Tags, m.State, m.Cause, m.Stopped = tags, fleet.Stopped, fleet.CauseCall, clock(t, "Mon 19:00")
	}
	ruleSet := power.NewRuleSet(rules)
	plan, err := power.MakePlan(t.Context(), clients(w), ruleSet, w.clock)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range power.Apply(t.Context(), clients(w), ruleSet, plan, power.Options{}) {
		got = append(got, strings.TrimSpace(fmt.Sprint(o.Result, " ", o.Reason.Code)))
	}
	if want := []string{"failed circular", "failed circular", "done", "done"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	w.machines[0].Tags = fleet.Tags{"A": ""}
	if plan, err = power.MakePlan(t.Context(), clients(w), ruleSet, w.clock); err != nil || plan.Steps[0].Invalid || plan.Steps[1].Invalid {
		t.Errorf("without the third tag: %+v, %v", plan.Steps[:2], err)
	}
}
