package backup_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/retention"
)

// TestYearOfPlans carries out an unattended plan every three hours of a year, on values
// alone: copies are made, fail, hang or lose a member, runs are left out, and marks are
// written a day before deletions. At no time less is there than the policy keeps of all
// that was ever complete, no slot is copied twice, and little more is there.
func TestYearOfPlans(t *testing.T) {
	for seed := range uint64(3) {
		y := newYear(t, seed)
		for y.w.At = at("00:00", 0); y.w.At.Before(at("00:00", -365)); y.w.At = y.w.At.Add(3 * time.Hour) {
			if y.random.IntN(10) > 0 { // one run of ten does not take place
				y.tick()
			}
			y.check()
		}
		if y.copies < 340 || y.deletions < 250 {
			t.Errorf("seed %d: %d copies, %d deletions in a year", seed, y.copies, y.deletions)
		}
	}
}

type year struct {
	t      *testing.T
	w      *world
	random *rand.Rand
	// ever are the sets that were complete at some time, that the policy has kept of all
	// these at every time since, and that have lost no member to anybody else.
	ever              map[backup.SetID]time.Time
	copies, deletions int
}

func newYear(t *testing.T, seed uint64) *year {
	w := newWorld(daily("daily", backup.Instances, "daily=7,weekly=4,monthly=6"))
	w.instance(ins1, "daily", vol1, vol2)
	w.options.Unattended = true
	return &year{t: t, w: w, random: rand.New(rand.NewPCG(seed, 1)), ever: map[backup.SetID]time.Time{}}
}

// tick is one run: it makes the plan, carries it out, and lets the copies that are being
// made come to an end.
func (y *year) tick() {
	w := y.w
	plan := w.plan()
	c := create(y.t, plan, ins1)
	w.Snapshots = slices.DeleteFunc(w.Snapshots, func(s fleet.Snapshot) bool {
		return c.Action == backup.ActionRetry && slices.Contains(c.Failed, s.ID)
	})
	if c.Action != backup.ActionNone {
		y.copies++
		for _, id := range w.copied(w.settings.Policies[0], ins1, c.Slot, c.Volumes...) {
			s := w.snapshot(id)
			s.State, s.Started, s.Completed = "pending", w.At, time.Time{}
			s.Tags[backup.TagDataTime] = w.At.Format(time.RFC3339)
		}
	}
	for _, v := range plan.Deletes {
		for _, m := range v.Set.Members {
			switch {
			case !v.Keep && y.random.IntN(5) > 0: // some runs die half-way
				y.deletions++
				w.Snapshots = slices.DeleteFunc(w.Snapshots, func(s fleet.Snapshot) bool { return s.ID == m.ID })
			case v.Mark():
				w.snapshot(m.ID).Tags[backup.TagDeleting] = w.At.Format(time.RFC3339)
			case v.Unmark:
				delete(w.snapshot(m.ID).Tags, backup.TagDeleting)
			}
		}
	}
	for n := range w.Snapshots {
		if s := &w.Snapshots[n]; s.State == "pending" {
			switch y.random.IntN(8) {
			case 0:
				s.State = "error"
			case 1, 2: // it takes longer
			default:
				s.State, s.Completed = "completed", w.At
			}
		}
	}
	if y.random.IntN(60) == 0 { // somebody deletes a snapshot
		lost := w.Snapshots[y.random.IntN(len(w.Snapshots))]
		delete(y.ever, backup.SetID(lost.Tags[backup.TagSet]))
		w.Snapshots = slices.DeleteFunc(w.Snapshots, func(s fleet.Snapshot) bool { return s.ID == lost.ID })
	}
}

// check compares what is there with what the policy keeps of all that ever was.
func (y *year) check() {
	sets, strangers := backup.Sets(y.w.Snapshots, y.w.At)
	if len(strangers) > 0 {
		y.t.Fatalf("strangers: %v", strangers)
	}
	there, slots := map[time.Time]bool{}, map[time.Time]int{}
	for _, s := range sets {
		if s.Good() {
			y.ever[s.ID] = s.Data
			there[s.Data] = true
			slots[s.Slot]++
		}
	}
	for slot, n := range slots {
		if n > 1 {
			y.t.Fatalf("%s was copied %d times", slot, n)
		}
	}
	p := y.w.settings.Policies[0]
	data := func(id backup.SetID) time.Time { return y.ever[id] }
	for _, v := range retention.Apply(slices.Collect(maps.Keys(y.ever)), data, p.Keep, p.Zone, y.w.At) {
		if !v.Keep {
			delete(y.ever, v.Item)
		} else if !there[v.Time] {
			y.t.Fatalf("at %s the copy of %s is gone, which the policy keeps: %v", y.w.At, v.Time, v.Reasons)
		}
	}
	if len(sets) > len(y.ever)+12 {
		y.t.Fatalf("at %s there are %d sets, of which the policy keeps %d", y.w.At, len(sets), len(y.ever))
	}
}
