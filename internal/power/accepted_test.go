package power_test

import (
	"testing"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

// slow is a yard whose requests take a minute each.
type slow struct {
	*yard
	now time.Time
}

// An outcome has the time at which AWS took the call for its machine, and none
// where it took none. Later waiting does not move it.
func TestOutcomesHaveTheTimeOfAcceptance(t *testing.T) {
	s := &slow{yard: &yard{}, now: monday()}
	for n := range 120 { // three requests
		s.machines = append(s.machines, running(n))
	}
	s.machines[3].State = fleet.Stopped
	s.machines[7].refuse = fleet.ErrProtected
	asked := 0
	now := func() time.Time {
		for ; asked < s.requests; asked++ {
			s.now = s.now.Add(time.Minute)
		}
		return s.now
	}
	times := map[time.Time]int{}
	for n, o := range apply(t, s.yard, power.Stop, power.Options{Now: now, Wait: time.Minute}) {
		if accepted := n != 3 && n != 7; accepted == o.At.IsZero() {
			t.Errorf("%s: %s (%s) has the time %s", o.ID, o.Result, o.Reason.Code, o.At)
		}
		if !o.At.IsZero() {
			times[o.At]++
		}
	}
	if len(times) != 3 {
		t.Errorf("the outcomes have the times %v, want one for each of three accepted requests", times)
	}
	for at := range times {
		if !at.After(monday()) || at.After(s.now) {
			t.Errorf("%s is not in the run, which ends at %s", at, s.now)
		}
	}
}
