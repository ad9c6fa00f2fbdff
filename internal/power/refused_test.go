package power_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/schedule"
)

// refusing is a world in which requests are refused, or never made because the
// process ends after the marks are written.
type refusing struct {
	*world
	fails bool
}

func (f *refusing) Stop(ctx context.Context, ids []fleet.ResourceID, hibernate bool) error {
	if f.fails {
		return fleet.Errorf(fleet.ErrUnavailable, "not now")
	}
	return f.world.Stop(ctx, ids, hibernate)
}

func (f *refusing) Start(ctx context.Context, ids []fleet.ResourceID) error {
	if f.fails {
		return &fleet.Refusal{Kind: fleet.ErrCapacity, Action: "ec2:StartInstances", Code: "InsufficientInstanceCapacity", Message: "none"}
	}
	return f.world.Start(ctx, ids)
}

// The marks of acts that failed do not make a machine look as if a person had
// brought it into its state: also of a schedule that is edited, what fails is
// tried again until it works.
func TestWhatFailedIsTriedAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &refusing{world: newWorld(2, monday())}
		for range rapid.IntRange(1, 12).Draw(t, "edits") {
			text := rapid.SampledFrom(append(schedules(), "always")).Draw(t, "schedule")
			s, err := schedule.Parse(text, time.UTC)
			if err != nil {
				t.Fatal(err)
			}
			ruleSet := power.NewRuleSet(power.Rules{Rules: []power.Rule{{
				Tag: tag, Schedule: text, Read: func(string) (power.Named, error) { return power.Named{Name: text, Schedule: s}, nil },
			}}})
			tick := func() {
				plan, err := power.MakePlan(context.Background(), clients(w), ruleSet, w.clock)
				if err != nil {
					t.Fatal(err)
				}
				power.Apply(context.Background(), clients(w), ruleSet, plan, power.Options{Mark: true, Now: w.clock})
			}
			w.now = w.now.Add(time.Duration(rapid.IntRange(2, 3000).Draw(t, "minutes")) * time.Minute)
			w.fails = true
			for range rapid.IntRange(0, 3).Draw(t, "failures") {
				tick()
				w.now = w.now.Add(5 * time.Minute)
			}
			w.fails = false
			tick()
			for _, m := range w.machines {
				next, ok := s.Next(w.now)
				soon := ok && next.State == schedule.Running && next.At.Sub(w.now) <= 30*time.Minute
				if want := s.At(w.now); string(m.State) != string(want) && !soon {
					t.Fatalf("%s at %s, %s wants it %s; mark %q, started %s, stopped %s", m.State, w.now, text, want, m.Tags[fleet.TagLast], m.Started, m.Stopped)
				}
			}
		}
	})
}

// closes ends the run at the first start that is refused.
type closes struct {
	*scarce
	closing chan struct{}
}

func (c closes) Start(ctx context.Context, ids []fleet.ResourceID) error {
	err := c.scarce.Start(ctx, ids)
	if err != nil {
		close(c.closing)
	}
	return err
}

// A run that ends between two types does not claim to have tried all of them.
func TestElsewhereWhenTheTimeIsOver(t *testing.T) {
	c := closes{&scarce{world: newWorld(1, monday().Add(10*time.Hour))}, make(chan struct{})}
	m := c.machines[0]
	m.Type, m.State, m.Cause, m.Stopped = "m5.large", fleet.Stopped, fleet.CauseCall, monday().Add(-time.Hour)
	m.Tags[fleet.TagTypes] = "m5.large,m6i.large"
	here := clients(c)
	here.Resizer = c
	ruleSet := power.NewRuleSet(follow(t, office, func(r *power.Rule) { r.ChangeType = true }))
	plan, err := power.MakePlan(t.Context(), here, ruleSet, c.clock)
	if err != nil {
		t.Fatal(err)
	}
	o := power.Apply(t.Context(), here, ruleSet, plan, power.Options{Closing: c.closing})[0]
	if o.Result != fleet.Deferred || o.Reason.Code != "not-tried" || m.Type != "m5.large" {
		t.Errorf("%+v as %s, want it left as m5.large", o, m.Type)
	}
}

// silent does not answer before the run's own time is over.
type silent struct {
	*world
	over context.CancelFunc
}

func (s silent) Machines(ctx context.Context, sel fleet.Selector) iter.Seq2[fleet.Machine, error] {
	if len(sel.IDs) == 0 {
		return s.world.Machines(ctx, sel)
	}
	return func(yield func(fleet.Machine, error) bool) {
		s.over()
		yield(fleet.Machine{}, ctx.Err())
	}
}

// The state is known of machines for which nothing was asked yet.
func TestTheTimeIsOverBeforeTheBatch(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := silent{newWorld(3, monday().Add(-time.Hour)), cancel}
	ruleSet := power.NewRuleSet(follow(t, office))
	plan, err := power.MakePlan(ctx, clients(s), ruleSet, s.clock)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range power.Apply(ctx, clients(s), ruleSet, plan, power.Options{Mark: true}) {
		if o.Result != fleet.Deferred || o.Reason.Code != "not-tried" {
			t.Errorf("%+v, want it left", o)
		}
	}
}

// sleepless refuses to hibernate some machines, and to stop others at all.
type sleepless struct {
	*world
	refuse, protect []fleet.ResourceID
	names           bool // the refusal says which
	asked           []string
}

func (w *sleepless) Stop(ctx context.Context, ids []fleet.ResourceID, hibernate bool) error {
	w.asked = append(w.asked, fmt.Sprint(len(ids), hibernate))
	for _, id := range ids {
		refusal := &fleet.Refusal{Kind: fleet.ErrUnsupported, Action: "ec2:StopInstances", Code: "UnsupportedHibernationConfiguration", Message: "it is not ready to hibernate yet."}
		switch {
		case slices.Contains(w.protect, id) && !hibernate:
			refusal = &fleet.Refusal{Kind: fleet.ErrUnsupported, Action: "ec2:StopInstances", Code: "UnsupportedOperation", Message: "it cannot be stopped."}
		case !hibernate || !slices.Contains(w.refuse, id):
			continue
		}
		if w.names {
			refusal.IDs = []fleet.ResourceID{id}
		}
		return refusal
	}
	return w.world.Stop(ctx, ids, hibernate)
}

// A machine whose hibernation is refused was to stop all the same: it is stopped
// without, which is reported, and the others are hibernated.
func TestHibernationRefused(t *testing.T) {
	for _, names := range []bool{true, false} {
		w := &sleepless{world: newWorld(4, monday().Add(22*time.Hour)), names: names}
		for _, m := range w.machines {
			m.Hibernates, m.Started = true, monday().Add(8*time.Hour)
		}
		w.refuse = []fleet.ResourceID{w.machines[1].ID, w.machines[2].ID}
		w.protect = w.refuse[1:]
		ruleSet := power.NewRuleSet(follow(t, office, func(r *power.Rule) { r.Hibernate = true }))
		plan, err := power.MakePlan(t.Context(), clients(w), ruleSet, w.clock)
		if err != nil {
			t.Fatal(err)
		}
		got := map[fleet.ResourceID]string{}
		for _, o := range power.Apply(t.Context(), clients(w), ruleSet, plan, power.Options{Mark: true, Now: w.clock}) {
			got[o.ID] = string(o.Result) + " " + o.Reason.Code
			if o.Reason.Code == "not-hibernated" && o.Reason.Text != "stopped without hibernation: ec2:StopInstances: UnsupportedHibernationConfiguration: it is not ready to hibernate yet" {
				t.Error(o.Reason.Text)
			}
		}
		for n, want := range []string{"done stop", "done not-hibernated", "skipped unsupported", "done stop"} {
			if m := w.machines[n]; !strings.HasPrefix(got[m.ID], want) && (want != "done stop" || !strings.HasPrefix(got[m.ID], "done")) {
				t.Errorf("names %t, machine %d: %q, want %q; asked %v", names, n, got[m.ID], want, w.asked)
			}
			if want := n != 2; (w.machines[n].State == fleet.Stopped) != want {
				t.Errorf("names %t, machine %d is %s", names, n, w.machines[n].State)
			}
		}
	}
}
