package app_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/sandbox"
)

// history are the snapshots of some nights, by which many sandboxes begin alike.
type history struct {
	snapshots []sandbox.Snapshot
	at        time.Time
}

// past makes a history of a scheduled run after each of the times.
func past(t *testing.T, text string, waits ...time.Duration) history {
	t.Helper()
	e := newEstate(t, text, sandbox.Options{})
	e.choose(1, 1)
	for _, wait := range waits {
		e.run()
		e.sandbox.Advance(wait)
	}
	return history{e.sandbox.Snapshots(sandbox.DefaultRegion), e.sandbox.Now()}
}

// again is a sandbox that begins with the history.
func (h history) again(t *testing.T, text string, o sandbox.Options) *estate {
	t.Helper()
	o.Start = h.at
	e := newEstate(t, text, o)
	e.choose(1, 1)
	for _, s := range h.snapshots {
		s.ID = "snap-f" + s.ID[len("snap-0"):] // the sandbox will give the same ids again
		if _, err := e.sandbox.AddSnapshot(sandbox.DefaultRegion, s); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// finish runs every quarter of an hour until two runs in a row have nothing to do, and for
// two more nights, so that what is marked is deleted.
func (e *estate) finish(check func()) {
	e.t.Helper()
	idle := 0
	for n := 0; idle < 2; n++ {
		if n == 20 {
			e.t.Fatalf("the work does not come to an end: %+v", e.run().Targets[0].Outcomes)
		}
		e.sandbox.Advance(15 * time.Minute)
		if len(e.run().Targets[0].Outcomes) == 0 {
			idle++
		} else {
			idle = 0
		}
		check()
	}
	for range 2 {
		e.sandbox.Advance(24 * time.Hour)
		e.run()
		check()
	}
	e.sandbox.Advance(time.Hour)
	e.run()
	check()
}

// slots are the good sets of each chain, and whatever else there is, in words.
func (e *estate) slots() map[string]int {
	slots := map[string]int{}
	for _, s := range e.sets() {
		slots[fmt.Sprintf("%s%s %s", backup.SetPrefix(s.Chain, s.Slot), s.State, s.Chain.Policy)]++
	}
	return slots
}

// holds checks what is true at every moment: a chain has at least so many good sets, and
// no slot has two that are not marked.
func (e *estate) holds(least int) { e.t.Helper(); e.holdsIn(least, 2) }

// holdsIn does so for so many chains.
func (e *estate) holdsIn(least, chains int) {
	e.t.Helper()
	good, ofSlot := map[backup.Chain]int{}, map[string]int{}
	for _, s := range e.sets() {
		switch s.State {
		case backup.SetComplete, backup.SetPending:
			good[s.Chain]++
			ofSlot[backup.SetPrefix(s.Chain, s.Slot)]++
		case backup.SetDeleting, backup.SetError, backup.SetIncomplete:
		}
	}
	for slot, n := range ofSlot {
		if n > 1 {
			e.t.Errorf("%s: %d sets of the slot %s", e.sandbox.Now().Format(time.DateTime), n, slot)
		}
	}
	for chain, n := range good {
		if n < least {
			e.t.Errorf("%s: %v has only %d good sets", e.sandbox.Now().Format(time.DateTime), chain, n)
		}
	}
	if len(good) < chains {
		e.t.Errorf("%s: only %d chains have good sets", e.sandbox.Now().Format(time.DateTime), len(good))
	}
}

// "Tests kill the process before and after every API call of an apply": whatever was under
// way, the next runs finish it, nothing is lost, and nothing is made twice.
func TestKilledAtEveryCall(t *testing.T) {
	const day, quarter = 24 * time.Hour, 15 * time.Minute
	late := []sandbox.Fault{
		{Action: "ec2:CreateSnapshot", Kind: sandbox.Stale, For: time.Minute},
		{Action: "ec2:CreateSnapshots", Kind: sandbox.Stale, For: time.Minute},
		{Action: "ec2:CreateTags", Kind: sandbox.Stale, For: time.Minute},
	}
	for _, tt := range []struct {
		name   string
		waits  []time.Duration
		faults []sandbox.Fault
		at     []string // among others
	}{
		{"create", []time.Duration{day, day, day}, nil, []string{"CreateSnapshots", "CreateSnapshot"}},
		{"create, seen after a minute", []time.Duration{day, day, day}, late, []string{"CreateSnapshots", "CreateSnapshot"}},
		{"mark", []time.Duration{day, day, day, quarter}, nil, []string{"CreateTags"}},
		{"mark, seen after a minute", []time.Duration{day, day, day, quarter}, late, []string{"CreateTags"}},
		{"delete", []time.Duration{day, day, day, quarter, day}, nil, []string{"CreateSnapshots", "CreateSnapshot", "DeleteSnapshot"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := past(t, policies, tt.waits...)
			undisturbed := before.again(t, policies, sandbox.Options{})
			undisturbed.run()
			undisturbed.finish(func() { undisturbed.holds(3) })
			want, at := undisturbed.slots(), map[string]int{}
			for _, after := range []bool{false, true} {
				for n := 1; ; n++ {
					e := before.again(t, policies, sandbox.Options{Faults: tt.faults})
					if !e.killed(n, after) {
						break
					}
					at[e.gate.last]++
					e.holds(3)
					e.finish(func() { e.holds(3) })
					if got := e.slots(); !maps.Equal(got, want) || t.Failed() {
						t.Fatalf("killed at %s (call %d, after it %t), of %q:\n%v\nwant\n%v", e.gate.last, n, after, e.gate.seen, got, want)
					}
				}
			}
			for _, action := range tt.at {
				if at[action] < 2 {
					t.Errorf("killed at %s %d times, want before and after it: %v", action, at[action], at)
				}
			}
		})
	}
}
