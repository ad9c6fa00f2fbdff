package power_test

import (
	"testing"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

func TestClip(t *testing.T) {
	limits := power.OverrideLimits{Max: 3 * time.Hour}
	for text, want := range map[string]struct {
		clipped string
		long    bool
	}{
		"on since 2026-11-17T18:00:00Z until 2026-11-17T20:00:00Z":  {"on since 2026-11-17T18:00:00Z until 2026-11-17T20:00:00Z", false},
		"on since 2026-11-17T18:00:00Z until 2026-11-17T21:00:00Z":  {"on since 2026-11-17T18:00:00Z until 2026-11-17T21:00:00Z", false},
		"on since 2026-11-17T18:00:00Z until 2026-11-17T21:00:01Z":  {"on since 2026-11-17T18:00:00Z until 2026-11-17T21:00:00Z", true},
		"off since 2026-11-17T18:00:00Z until 9999-12-31T23:59:59Z": {"off since 2026-11-17T18:00:00Z until 2026-11-17T21:00:00Z", true},
		"on until 2026-11-17T21:00:00Z":                             {"on since 2026-11-17T18:00:00Z until 2026-11-17T21:00:00Z", false},
	} {
		k, err := fleet.ParseOverride(text)
		if err != nil {
			t.Fatal(err)
		}
		if clipped, long := limits.Clip(k); clipped.String() != want.clipped || long != want.long {
			t.Errorf("%s is clipped to %s (%v), want %s (%v)", text, clipped, long, want.clipped, want.long)
		}
	}
	k, _ := fleet.ParseOverride("on until 2026-11-17T21:00:00Z")
	if clipped, _ := (power.OverrideLimits{}).Clip(k); clipped.Until.Sub(clipped.Since) != 24*time.Hour {
		t.Errorf("%s by default, want 24 hours", clipped)
	}
}

// What has not begun yet ends without having begun, on a whole second.
func TestClearBeforeTheBeginning(t *testing.T) {
	k := fleet.Override{State: fleet.Running, Since: clock(t, "Tue 18:00"), Until: clock(t, "Tue 23:00")}
	now := clock(t, "Tue 17:00")
	if got, want := k.Cleared(now.Add(time.Second/2)), (fleet.Override{State: fleet.Running, Since: now, Until: now}); got != want {
		t.Errorf("cleared: %s, want %s", got, want)
	}
}

// The time after a mark in which a start is ours.
func TestTheTimeOfAMark(t *testing.T) {
	for _, tt := range []struct {
		kind fleet.Kind
		ours time.Duration
	}{
		{fleet.KindInstance, 5 * time.Minute},
		{fleet.KindGroup, 5 * time.Minute},
		{fleet.KindDatabase, time.Hour},
		{fleet.KindCluster, time.Hour},
	} {
		mark := clock(t, "Tue 20:00")
		for after, want := range map[time.Duration]power.Action{
			-time.Minute - time.Second: power.None, -time.Minute: power.Stop, 0: power.Stop,
			tt.ours: power.Stop, tt.ours + time.Second: power.None,
		} {
			m := running(1).Machine
			m.Kind, m.Started, m.Tags[fleet.TagLast] = tt.kind, mark.Add(after), "start 2026-11-17T20:00:00Z"
			ruleSet := power.NewRuleSet(follow(t, office, func(r *power.Rule) { r.Kinds = power.Kinds() }))
			if s := ruleSet.Evaluate(m, nil, clock(t, "Tue 22:00")); s.Action != want {
				t.Errorf("%s started %s after the mark: %q (%s), want %q", tt.kind, after, s.Action, s.Reason.Text, want)
			}
		}
	}
}

// The numbers of the table in docs/scheduling.md.
func TestLeads(t *testing.T) {
	machines := make([]fleet.Machine, 10_000)
	for n := range machines {
		machines[n] = running(n).Machine
	}
	now := clock(t, "Tue 05:00")
	for n, want := range map[int]time.Duration{1000: 0, 1119: 0, 1120: 6 * time.Minute, 2000: 14 * time.Minute, 10_000: 80 * time.Minute} {
		ruleSet := power.NewRuleSet(follow(t, office))
		if got := ruleSet.Evaluate(machines[0], ruleSet.Ramp(machines[:n], now), now).Desired.Lead; got != want {
			t.Errorf("%d machines: %s early, want %s", n, got, want)
		}
	}
}
