package power_test

import (
	"context"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

// stranger answers with a stopped machine that nobody asked for, and its proxy
// accepts a stop and goes on running.
type stranger struct{ *booting }

func (s stranger) Machines(ctx context.Context, sel fleet.Selector) iter.Seq2[fleet.Machine, error] {
	return func(yield func(fleet.Machine, error) bool) {
		for m, err := range s.booting.Machines(ctx, sel) {
			if !yield(m, err) {
				return
			}
		}
		if sel.Readiness && sel.Brief {
			yield(fleet.Machine{Kind: fleet.KindInstance, ID: "i-stranger", State: fleet.Stopped}, nil)
		}
	}
}

func (s stranger) Stop(ctx context.Context, ids []fleet.ResourceID, hibernate bool) error {
	if slices.Contains(ids, "i-proxy") {
		s.log = append(s.log, "stop refused to end")
		return nil
	}
	return s.booting.Stop(ctx, ids, hibernate)
}

// A machine that no step is about says nothing about the first step, which holds
// the others up.
func TestUnknownMachinesHoldNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stranger{tiers(t, fleet.Running)}
		s.now = clock(t, "Tue 19:00")
		ruleSet := power.NewRuleSet(chain(t))
		plan, err := power.MakePlan(t.Context(), clients(s), ruleSet, s.clock)
		if err != nil {
			t.Fatal(err)
		}
		outcomes := power.Apply(t.Context(), clients(s), ruleSet, plan, power.Options{Wait: 2 * time.Minute})
		for n, want := range []string{"timeout", "waits", "waits"} {
			if got := outcomes[n].Reason.Code; got != want {
				t.Errorf("%s: %s, want %s", outcomes[n].ID, got, want)
			}
		}
		if len(s.log) != 1 {
			t.Errorf("after the proxy went on running: %v", s.log)
		}
	})
}
