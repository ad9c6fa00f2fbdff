package power_test

import (
	"context"
	"testing"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

// untaggable refuses to tag some machines, and names them or not.
type untaggable struct {
	*world
	bad   map[fleet.ResourceID]bool
	named bool
	calls int
}

func (u *untaggable) Mark(ctx context.Context, machines []fleet.Machine, set fleet.Tags) error {
	u.calls++
	for _, m := range machines {
		if !u.bad[m.ID] {
			continue
		}
		refusal := &fleet.Refusal{Kind: fleet.ErrDenied, Action: "ec2:CreateTags", Code: "UnauthorizedOperation"}
		if u.named {
			refusal.Kind, refusal.IDs = fleet.ErrNotFound, []fleet.ResourceID{m.ID}
		}
		return refusal
	}
	return u.world.Mark(ctx, machines, set)
}

// A machine that cannot be marked leaves the marks of the others alone, and
// where none can be that is found out soon.
func TestMarksAreOnePerMachine(t *testing.T) {
	for name, tt := range map[string]struct {
		bad   func(n int) bool
		named bool
		calls int
	}{
		"some, by name": {func(n int) bool { return n%9 == 4 }, true, 15},
		"some":          {func(n int) bool { return n%25 == 4 }, false, 60},
		"all":           {func(int) bool { return true }, false, 40},
	} {
		t.Run(name, func(t *testing.T) {
			u := &untaggable{world: newWorld(100, monday().Add(-time.Hour)), bad: map[fleet.ResourceID]bool{}, named: tt.named}
			for n, m := range u.machines {
				u.bad[m.ID] = tt.bad(n)
			}
			ruleSet := power.NewRuleSet(follow(t, office))
			plan, err := power.MakePlan(t.Context(), clients(u), ruleSet, u.clock)
			if err != nil {
				t.Fatal(err)
			}
			for n, o := range power.Apply(t.Context(), clients(u), ruleSet, plan, power.Options{Mark: true}) {
				marked := u.machines[n].Tags[fleet.TagLast] != ""
				if o.Result != fleet.Done || marked == u.bad[o.ID] || (o.Reason.Code == "unmarked") != u.bad[o.ID] {
					t.Errorf("%s: %+v, marked %v, want %v", o.ID, o, marked, !u.bad[o.ID])
				}
			}
			if u.calls > tt.calls {
				t.Errorf("%d requests to tag, want at most %d", u.calls, tt.calls)
			}
		})
	}
}
