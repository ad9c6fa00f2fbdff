package power_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

// yard is a small EC2: it keeps states, refuses batches as a whole and moves
// machines on when they are looked at again.
type yard struct {
	machines []*machine
	requests int
	// quiet refusals name no instance.
	quiet bool
	// stuck machines accept and never arrive.
	stuck bool
	down  error // every request fails with this
}

type machine struct {
	fleet.Machine
	refuse error // the kind with which it refuses, if any
}

func (y *yard) Machines(_ context.Context, sel fleet.Selector) iter.Seq2[fleet.Machine, error] {
	return func(yield func(fleet.Machine, error) bool) {
		for _, m := range y.machines {
			if !fleet.AllOn(sel.Tags, m.Tags) || len(sel.IDs) > 0 && !slices.Contains(sel.IDs, m.ID) {
				continue
			}
			if !yield(m.Machine, nil) {
				return
			}
			if y.stuck {
				continue
			}
			switch m.State {
			case fleet.Stopping:
				m.State = fleet.Stopped
			case fleet.Pending:
				m.State = fleet.Running
			}
		}
	}
}

func (y *yard) Stop(ctx context.Context, ids []fleet.ResourceID, _ bool) error {
	return y.act(ctx, ids, fleet.Stopping)
}

func (y *yard) Mark(_ context.Context, machines []fleet.Machine, set fleet.Tags) error {
	for _, m := range y.machines {
		for _, marked := range machines {
			if m.ID == marked.ID {
				maps.Copy(m.Tags, set)
			}
		}
	}
	return nil
}

func (y *yard) Start(ctx context.Context, ids []fleet.ResourceID) error {
	return y.act(ctx, ids, fleet.Pending)
}

func (y *yard) act(ctx context.Context, ids []fleet.ResourceID, to fleet.State) error {
	y.requests++
	if err := ctx.Err(); err != nil {
		return err
	}
	if y.down != nil {
		return y.down
	}
	chosen := map[fleet.ResourceID]bool{}
	for _, id := range ids {
		chosen[id] = true
	}
	for _, m := range y.machines {
		if !chosen[m.ID] || m.refuse == nil {
			continue
		}
		r := &fleet.Refusal{Kind: m.refuse, Action: "ec2:Stop", Code: "Refused", Message: "no"}
		if !y.quiet {
			r.IDs = []fleet.ResourceID{m.ID}
		}
		return r
	}
	for _, m := range y.machines {
		if chosen[m.ID] {
			m.State = to
		}
	}
	return nil
}

var tag = fleet.Tag{Key: "AutoStopStart", Value: "Yes"}

func running(n int) *machine {
	return &machine{Machine: fleet.Machine{
		Kind: fleet.KindInstance, ID: fleet.ResourceID(fmt.Sprintf("i-%08x", n)), State: fleet.Running,
		Tags: fleet.Tags{"AutoStopStart": "Yes"},
	}}
}

// clients reach instances only.
func clients(y power.Machines) power.Clients {
	return power.Clients{
		Target:   fleet.Target{Region: "ap-northeast-2"},
		Machines: map[fleet.Kind]power.Machines{fleet.KindInstance: y},
	}
}

// applied carries out a plan of one action.
func applied(ctx context.Context, y power.Machines, plan power.Plan, o power.Options) []fleet.Outcome {
	evaluator := power.ByTag{Action: power.Stop, Tags: []fleet.Tag{tag}}
	for _, s := range plan.Steps {
		if s.Do() {
			evaluator.Action = s.Action
		}
	}
	return power.Apply(ctx, clients(y), evaluator, plan, o)
}

func apply(t testing.TB, y *yard, action power.Action, o power.Options) []fleet.Outcome {
	t.Helper()
	plan, err := power.MakePlan(context.Background(), clients(y), power.ByTag{Action: action, Tags: []fleet.Tag{tag}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return applied(context.Background(), y, plan, o)
}

func TestPlanSkipsWithReason(t *testing.T) {
	tests := []struct {
		name   string
		change func(*machine)
		stop   string // reason code; empty: would be done
		start  string
	}{
		{"running", func(*machine) {}, "", "already-running"},
		{"stopped", func(m *machine) { m.State = fleet.Stopped }, "already-stopped", ""},
		{"stopping", func(m *machine) { m.State = fleet.Stopping }, "already-stopping", "settling"},
		{"pending", func(m *machine) { m.State = fleet.Pending }, "settling", "already-pending"},
		{"terminated", func(m *machine) { m.State = fleet.Terminated }, "terminated", "terminated"},
		{"shutting down", func(m *machine) { m.State = fleet.ShuttingDown }, "shutting-down", "shutting-down"},
		{"ineligible", func(m *machine) { m.Ineligible.Managed = fleet.Reason{Code: "managed", Text: "is managed"} }, "managed", "already-running"},
		{"ineligible and stopped", func(m *machine) {
			m.State, m.Ineligible.Cannot = fleet.Stopped, fleet.Reason{Code: "auto-scaling", Text: "is a member"}
		}, "already-stopped", "auto-scaling"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for action, want := range map[power.Action]string{power.Stop: tt.stop, power.Start: tt.start} {
				m := running(1)
				tt.change(m)
				plan, err := power.MakePlan(t.Context(), clients(&yard{machines: []*machine{m}}), power.ByTag{Action: action, Tags: []fleet.Tag{tag}}, nil)
				if err != nil {
					t.Fatal(err)
				}
				s := plan.Steps[0]
				if s.Reason.Code != want || s.Do() != (want == "" || want == "settling") || s.Settling != (want == "settling") || !s.Do() && s.Reason.Text == "" {
					t.Errorf("%s: do %v for %+v, want the reason %q", action, s.Do(), s.Reason, want)
				}
			}
		})
	}
}

// Whatever EC2 refuses, and whether it names it or not: the refused ones and
// only they are left out, and everyone has an outcome.
func TestRefusalsNeverTouchOthers(t *testing.T) {
	kinds := []error{fleet.ErrNotFound, fleet.ErrConflict, fleet.ErrProtected, fleet.ErrUnsupported, fleet.ErrCapacity, fleet.ErrInvalid}
	rapid.Check(t, func(t *rapid.T) {
		y := &yard{quiet: rapid.Bool().Draw(t, "quiet")}
		for n := range rapid.IntRange(0, 130).Draw(t, "machines") {
			m := running(n)
			if rapid.IntRange(0, 9).Draw(t, "bad") == 0 {
				m.refuse = rapid.SampledFrom(kinds).Draw(t, "kind")
			}
			y.machines = append(y.machines, m)
		}
		plan, _ := power.MakePlan(context.Background(), clients(y), power.ByTag{Action: power.Stop, Tags: []fleet.Tag{tag}}, nil)
		outcomes := applied(context.Background(), y, plan, power.Options{})
		for n, m := range y.machines {
			o := outcomes[n]
			if o.ID != m.ID {
				t.Fatalf("outcome %d is of %s, want %s", n, o.ID, m.ID)
			}
			if m.refuse == nil && (o.Result != fleet.Done || m.State == fleet.Running) {
				t.Fatalf("%s: %+v in state %s, want it stopped", m.ID, o, m.State)
			}
			if m.refuse != nil && (o.Result == fleet.Done || o.Reason.Code == "" || m.State != fleet.Running) {
				t.Fatalf("%s: %+v in state %s, want it refused with a reason", m.ID, o, m.State)
			}
		}
	})
}

func TestDenials(t *testing.T) {
	fleetOf := func(denied func(int) bool) *yard {
		y := &yard{quiet: true}
		for n := range 200 {
			m := running(n)
			if denied(n) {
				m.refuse = fleet.ErrDenied
			}
			y.machines = append(y.machines, m)
		}
		return y
	}
	t.Run("for some", func(t *testing.T) {
		y := fleetOf(func(n int) bool { return n%20 == 19 })
		failed := 0
		for _, o := range apply(t, y, power.Stop, power.Options{}) {
			if o.Result == fleet.Failed {
				failed++
			}
		}
		if failed != 10 {
			t.Errorf("%d failed, want the 10 that are denied", failed)
		}
	})
	t.Run("for the first ones", func(t *testing.T) {
		y := fleetOf(func(n int) bool { return n < 8 || n == 60 })
		failed := 0
		for _, o := range apply(t, y, power.Stop, power.Options{}) {
			if o.Result == fleet.Failed {
				failed++
			}
		}
		if failed != 9 {
			t.Errorf("%d failed, want the 9 that are denied", failed)
		}
	})
	t.Run("for all", func(t *testing.T) {
		y := fleetOf(func(int) bool { return true })
		for _, o := range apply(t, y, power.Stop, power.Options{}) {
			if o.Result != fleet.Failed || o.Reason.Code != "denied" {
				t.Fatalf("%+v, want denied", o)
			}
		}
		if y.requests > 40 {
			t.Errorf("%d requests to find out that nothing is allowed, want at most 40", y.requests)
		}
	})
}

func TestTroubleOfTheWholeIsNotTakenApart(t *testing.T) {
	for _, kind := range []error{fleet.ErrThrottled, fleet.ErrUnavailable, fleet.ErrCredentials} {
		y := &yard{down: &fleet.Refusal{Kind: kind, Code: "Trouble"}}
		for n := range 50 {
			y.machines = append(y.machines, running(n))
		}
		for _, o := range apply(t, y, power.Stop, power.Options{}) {
			if o.Result != fleet.Failed {
				t.Errorf("%v: %+v, want failed", kind, o)
			}
		}
		if y.requests != 1 {
			t.Errorf("%v: %d requests, want 1", kind, y.requests)
		}
	}
}

func TestChangedSinceThePlan(t *testing.T) {
	y := &yard{machines: []*machine{running(0), running(1), running(2), running(3)}}
	plan, err := power.MakePlan(t.Context(), clients(y), power.ByTag{Action: power.Stop, Tags: []fleet.Tag{tag}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	y.machines[0].State = fleet.Stopped
	delete(y.machines[1].Tags, "AutoStopStart")
	plan.Steps[1].Machine.Tags = fleet.Tags{"AutoStopStart": "Yes"}
	y.machines = slices.Delete(y.machines, 2, 3)
	var got []string
	for _, o := range applied(t.Context(), y, plan, power.Options{}) {
		got = append(got, string(o.Result)+" "+o.Reason.Code)
	}
	want := []string{"skipped already-stopped", "skipped untagged", "skipped gone", "done "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := &yard{machines: []*machine{running(0), running(1)}}
		for _, o := range apply(t, y, power.Stop, power.Options{Wait: time.Minute}) {
			if o.Result != fleet.Done || o.State != fleet.Stopped {
				t.Errorf("%+v, want stopped", o)
			}
		}
	})
	synctest.Test(t, func(t *testing.T) {
		y := &yard{machines: []*machine{running(0)}, stuck: true}
		began := time.Now()
		o := apply(t, y, power.Stop, power.Options{Wait: time.Minute})[0]
		if o.Result != fleet.Failed || o.Reason.Code != "timeout" || !strings.Contains(o.Reason.Text, "still stopping after 1m") {
			t.Errorf("%+v, want a timeout", o)
		}
		if d := time.Since(began); d != time.Minute {
			t.Errorf("waited %s, want 1m", d)
		}
	})
}

// A machine that is still stopping when it is to be started is started once it
// has stopped, and left only where there is no time for that.
func TestMachinesOnTheirWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		still, gone, off := running(0), running(1), running(2)
		still.State, gone.State, off.State = fleet.Stopping, fleet.Stopping, fleet.Stopped
		y := &yard{machines: []*machine{still, gone, off}}
		plan, err := power.MakePlan(t.Context(), clients(y), power.ByTag{Action: power.Start, Tags: []fleet.Tag{tag}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		delete(gone.Tags, "AutoStopStart")
		plan.Steps[1].Machine.Tags = fleet.Tags{"AutoStopStart": "Yes"}
		still.State, gone.State = fleet.Stopping, fleet.Stopping
		var got []string
		for _, o := range applied(t.Context(), y, plan, power.Options{Wait: time.Minute, Settle: time.Minute}) {
			got = append(got, fmt.Sprint(o.Result, " ", o.State, " ", o.Reason.Code))
		}
		if diff := cmp.Diff([]string{"done running ", "skipped stopping untagged", "done running "}, got); diff != "" {
			t.Error(diff)
		}
	})
	for _, settle := range []time.Duration{0, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			m := running(0)
			m.State = fleet.Stopping
			o := apply(t, &yard{machines: []*machine{m}, stuck: true}, power.Start, power.Options{Settle: settle})[0]
			if o.Result != fleet.Deferred || o.Reason.Code != "settling" || !strings.Contains(o.Reason.Text, "still stopping") {
				t.Errorf("with %s to settle: %+v, want it left", settle, o)
			}
		})
	}
}

// A start that EC2 does not support is a machine that is not there in the
// morning.
func TestRefusedStartsAreFailures(t *testing.T) {
	for _, kind := range []error{fleet.ErrUnsupported, fleet.ErrProtected, fleet.ErrCapacity} {
		m := running(0)
		m.State, m.refuse = fleet.Stopped, kind
		if o := apply(t, &yard{machines: []*machine{m}}, power.Start, power.Options{})[0]; o.Result != fleet.Failed {
			t.Errorf("%v: %+v, want failed", kind, o)
		}
	}
}

// What was never asked for lack of time is left, and a refusal is not taken
// apart any further once the run is closing.
func TestNoTime(t *testing.T) {
	y := &yard{machines: []*machine{running(0), running(1)}, down: fleet.Errorf(fleet.ErrNoTime, "the quota")}
	for _, o := range apply(t, y, power.Stop, power.Options{}) {
		if o.Result != fleet.Deferred || o.Reason.Code != "not-tried" {
			t.Errorf("%+v, want left", o)
		}
	}
	closing := make(chan struct{})
	z := &closer{yard{quiet: true}, closing}
	for n := range 50 {
		m := running(n)
		m.refuse = fleet.ErrCapacity
		z.machines = append(z.machines, m)
	}
	plan, err := power.MakePlan(t.Context(), clients(z), power.ByTag{Action: power.Stop, Tags: []fleet.Tag{tag}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range applied(t.Context(), z, plan, power.Options{Closing: closing}) {
		if o.Result != fleet.Deferred {
			t.Errorf("%+v, want left", o)
		}
	}
	if z.requests != 1 {
		t.Errorf("%d requests, want 1", z.requests)
	}
}

// closer closes the run with the first request.
type closer struct {
	yard
	closing chan struct{}
}

func (c *closer) Stop(ctx context.Context, ids []fleet.ResourceID, hibernate bool) error {
	close(c.closing)
	return c.yard.Stop(ctx, ids, hibernate)
}

// failing falls back to stopped after every start.
type failing struct{ *yard }

func (f failing) Start(context.Context, []fleet.ResourceID) error {
	for _, m := range f.machines {
		m.Started = m.Started.Add(time.Hour)
		m.Why = "Server.InternalError: Internal error on launch"
	}
	return nil
}

func TestStartThatFallsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := running(0)
		m.State = fleet.Stopped
		y := failing{&yard{machines: []*machine{m}}}
		plan, err := power.MakePlan(t.Context(), clients(y), power.ByTag{Action: power.Start, Tags: []fleet.Tag{tag}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		o := applied(t.Context(), y, plan, power.Options{Wait: time.Minute})[0]
		if o.Result != fleet.Failed || o.Reason.Code != "start-failed" || !strings.Contains(o.Reason.Text, "Internal error") {
			t.Errorf("%+v, want start-failed with EC2's reason", o)
		}
	})
}

func TestNothingNewAfterClosing(t *testing.T) {
	y := &yard{}
	for n := range 120 {
		y.machines = append(y.machines, running(n))
	}
	closing := make(chan struct{})
	close(closing)
	for _, o := range apply(t, y, power.Stop, power.Options{Closing: closing}) {
		if o.Result != fleet.Deferred || o.Reason.Code != "not-tried" {
			t.Fatalf("%+v, want left", o)
		}
	}
	if y.requests != 0 {
		t.Errorf("%d requests, want none", y.requests)
	}
}

// Starts of one type and zone stay in one request where they fit, and small
// pools share requests.
func TestStartsAreBatchedByTypeAndZone(t *testing.T) {
	y := &recording{}
	for n := range 300 {
		m := running(n)
		m.State = fleet.Stopped
		m.Type = fleet.InstanceType(fmt.Sprintf("m%d.large", n%10))
		y.machines = append(y.machines, m)
	}
	plan, err := power.MakePlan(t.Context(), clients(y), power.ByTag{Action: power.Start, Tags: []fleet.Tag{tag}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	applied(t.Context(), y, plan, power.Options{})
	if len(y.batches) != 10 {
		t.Errorf("%d requests for 10 pools of 30, want 10 of at most 50", len(y.batches))
	}
	for _, b := range y.batches {
		for _, id := range b[1:] {
			if lastDigit(id) != lastDigit(b[0]) {
				t.Errorf("a pool is cut: %v", b)
			}
		}
	}
}

type recording struct {
	yard
	batches [][]fleet.ResourceID
}

func (r *recording) Start(ctx context.Context, ids []fleet.ResourceID) error {
	r.batches = append(r.batches, ids)
	return r.yard.Start(ctx, ids)
}

// lastDigit is the pool of TestStartsAreBatchedByTypeAndZone.
func lastDigit(id fleet.ResourceID) int {
	var n int
	_, _ = fmt.Sscanf(string(id), "i-%x", &n)
	return n % 10
}

// The half-read fleet is acted on, and the error is reported.
func TestReadingEndsHalfWay(t *testing.T) {
	y := &torn{yard{machines: []*machine{running(0), running(1)}}}
	plan, err := power.MakePlan(t.Context(), clients(y), power.ByTag{Action: power.Stop, Tags: []fleet.Tag{tag}}, nil)
	if !errors.Is(err, fleet.ErrUnavailable) || !strings.Contains(err.Error(), "ap-northeast-2") || len(plan.Steps) != 2 {
		t.Errorf("%d steps and %v, want both instances and the error", len(plan.Steps), err)
	}
}

type torn struct{ yard }

func (y *torn) Machines(ctx context.Context, sel fleet.Selector) iter.Seq2[fleet.Machine, error] {
	return func(yield func(fleet.Machine, error) bool) {
		for i, err := range y.yard.Machines(ctx, sel) {
			if !yield(i, err) {
				return
			}
		}
		yield(fleet.Machine{}, fleet.ErrUnavailable)
	}
}
