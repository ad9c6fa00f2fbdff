package backup_test

import (
	"math/rand/v2"
	"testing"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/retention"
)

// disk is which write each block of each snapshot holds; 0 where it has none.
type disk map[fleet.SnapshotID][20]int

// written makes copies of a volume, oldest first, between which blocks are written to
// and trimmed. No write comes twice.
func written(r *rand.Rand, ids []fleet.SnapshotID) disk {
	d := disk{}
	var now [20]int
	writes := 0
	for _, id := range ids {
		for n := range now {
			switch r.IntN(4) {
			case 0:
				writes++
				now[n] = writes
			case 1:
				now[n] = 0
			}
		}
		d[id] = now
	}
	return d
}

func (d disk) changes(first, second fleet.SnapshotID) (fleet.BlockChanges, bool) {
	var c fleet.BlockChanges
	a, b := d[first], d[second]
	for n := range a {
		if a[n] == b[n] {
			continue
		}
		if a[n] != 0 {
			c.Gone++
		}
		if b[n] != 0 {
			c.New++
		}
	}
	return c, true
}

// freed counts the blocks that no snapshot that stays refers to.
func (d disk) freed(goes func(fleet.SnapshotID) bool) int64 {
	stays, lost := map[int]bool{0: true}, map[int]bool{}
	for id, blocks := range d {
		for _, write := range blocks {
			stays[write] = stays[write] || !goes(id)
			lost[write] = true
		}
	}
	for write, is := range stays {
		if is {
			delete(lost, write)
		}
	}
	return int64(len(lost))
}

// "Freed dollars are calculated over the run of deletions between two survivors", wherever
// these are: what deletions free is what nothing refers to that stays.
func TestFreedIsWhatNothingRefersTo(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		p := daily("daily", backup.Volumes, "daily=1")
		p.AfterSourceDeleted = must(retention.ParseDuration("90d"))
		w := newWorld(p)
		if r.IntN(2) == 0 {
			w.volume(vol1, "daily") // the newest stays
		} else {
			w.At = at("12:00", -91) // the volume is gone, and so is what nobody holds
		}
		var oldestFirst []fleet.SnapshotID
		for _, set := range w.copiedDaily(p, vol1, 6) {
			oldestFirst = append([]fleet.SnapshotID{set[0]}, oldestFirst...)
			if r.IntN(3) == 0 {
				w.snapshot(set[0]).Tags[backup.TagHold] = "audit"
			}
		}
		d := written(r, oldestFirst)
		w.options.Changed = d.changes
		plan := w.plan()
		goes := map[fleet.SnapshotID]bool{}
		for _, id := range deleted(plan) {
			goes[id] = true
		}
		want := d.freed(func(id fleet.SnapshotID) bool { return goes[id] })
		if plan.Frees.Bytes != want || !plan.Frees.Measured {
			t.Fatalf("seed %d: %d of 6 are deleted, which frees %d blocks, and the plan says %+v", seed, len(goes), want, plan.Frees)
		}
	}
}
