package backup_test

import (
	"slices"
	"testing"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
)

// A stop at a time to come, by a planted tag or by a clock that is ahead, makes no copy
// due: each run would take another one of the same slot.
func TestAStopToComeIsNotDue(t *testing.T) {
	p := daily("daily", backup.Instances, "daily=3")
	p.When, p.AfterStop = must(schedule.ParseRecurrence("22:00", time.UTC)), true
	w := newWorld(p)
	i := w.instance(ins1, "daily", vol1)
	w.copied(p, ins1, at("22:00", 1), vol1)
	for _, stop := range []time.Time{noon().Add(time.Second), noon().AddDate(70, 0, 0)} {
		i.State, i.Tags[fleet.TagLast] = fleet.Stopped, fleet.Mark{Action: fleet.MarkStop, At: stop}.String()
		if c := create(t, w.plan(), ins1); c.Action != backup.ActionNone || c.Reason.Code != "not-due" {
			t.Errorf("stopped at %s: %s %q for %s", stop, c.Action, c.Reason.Text, c.Slot)
		}
	}
}

// A slot that was planted on an old copy does not serve it: the data is older.
func TestAPlantedSlotIsNotServed(t *testing.T) {
	p := daily("daily", backup.Volumes, "daily=3")
	w := newWorld(p)
	w.volume(vol1, "daily")
	s := w.snapshot(w.copied(p, vol1, at("02:00", 2))[0])
	plantSlot(s, p, vol1, at("02:00", 0))
	if c := create(t, w.plan(), vol1); c.Action != backup.ActionCopy || !c.Slot.Equal(at("02:00", 0)) {
		t.Errorf("%s %q for %s", c.Action, c.Reason.Text, c.Slot)
	}
}

func plantSlot(s *fleet.Snapshot, p backup.Policy, of fleet.ResourceID, slot time.Time) {
	_, _, members, _, _ := backup.SetID(s.Tags[backup.TagSet]).Read()
	s.Tags[backup.TagSet] = string(backup.NewSetID(backup.Chain{Policy: p.ID, Resource: of}, slot, members, false))
	s.Tags[backup.TagSlot] = slot.Format(time.RFC3339)
}

// One slot that was planted on the copies of many days makes no spare copies of them.
func TestAPlantedSlotMakesNoSpares(t *testing.T) {
	p := daily("daily", backup.Volumes, "daily=9")
	w := newWorld(p)
	w.volume(vol1, "daily")
	for _, ids := range w.copiedDaily(p, vol1, 9) {
		plantSlot(w.snapshot(ids[0]), p, vol1, at("02:00", 5))
	}
	for _, gone := range []bool{false, true} {
		if gone {
			w.settings.Policies = nil
		}
		if got := deleted(w.plan()); len(got) > 0 {
			t.Errorf("the policy is gone %t: deletes %v", gone, got)
		}
	}
}

// Of two copies of one slot the newer one counts: the other one may be too old for the RPO.
func TestTheNewerCopyOfASlotStays(t *testing.T) {
	p := daily("daily", backup.Volumes, "daily=9")
	w := newWorld(p)
	w.volume(vol1, "daily")
	older, newer := w.copied(p, vol1, at("02:00", 0))[0], w.copied(p, vol1, at("02:00", 0))[0]
	w.snapshot(newer).Started = at("11:00", 0)
	w.snapshot(newer).Tags[backup.TagDataTime] = at("11:00", 0).Format(time.RFC3339)
	if got := deleted(w.plan()); !slices.Equal(got, []fleet.SnapshotID{older}) {
		t.Errorf("deletes %v, want %s", got, older)
	}
}

// Tags alone can make a set look half deleted. Unattended nothing goes for that which the
// policy would keep, or which only a person may delete; a person sees it and decides.
func TestPlantedHalfDeletedSets(t *testing.T) {
	plant := func(w *world, ids []fleet.SnapshotID) {
		for _, id := range ids {
			s := w.snapshot(id)
			of, slot, _, _, _ := backup.SetID(s.Tags[backup.TagSet]).Read()
			s.Tags[backup.TagSet] = string(backup.NewSetID(of, slot, 3, false))
			s.Tags[backup.TagDeleting] = at("00:00", 9).Format(time.RFC3339)
		}
	}
	for name, tt := range map[string]struct {
		change func(w *world)
		set    int
		guard  backup.Guard
	}{
		"the policy keeps it":      {func(*world) {}, 1, backup.GuardApproval},
		"the policy has changed":   {func(w *world) { storedKeep(w, "daily=9") }, 3, backup.GuardApproval},
		"it is not selected":       {func(w *world) { w.Instances[0].Tags = nil }, 3, backup.GuardUnselected},
		"its source is gone":       {func(w *world) { w.Instances = nil }, 3, backup.GuardSourceGone},
		"the policy does not keep": {func(*world) {}, 3, ""},
	} {
		w, sets := guarded()
		tt.change(w)
		plant(w, sets[tt.set])
		w.options.Unattended = true
		if v := verdict(t, w.plan(), sets[tt.set][0]); v.Guard != tt.guard || v.Keep != (tt.guard != "") {
			t.Errorf("%s: keep %t, guard %q %q", name, v.Keep, v.Guard, v.Why)
		}
		w.options.Unattended = false
		if v := verdict(t, w.plan(), sets[tt.set][0]); v.Keep || len(v.Rules) != 1 {
			t.Errorf("%s, a person: %+v", name, v)
		}
	}
}

func storedKeep(w *world, keep string) {
	for n := range w.Snapshots {
		w.Snapshots[n].Tags[backup.TagKeep] = keep + ";zone=UTC"
	}
}

// The data of a result of CopySnapshot is not younger than the result: a time to come would
// serve every slot, and no copy would be made any more.
func TestDataToComeIsNotOurs(t *testing.T) {
	p := daily("daily", backup.Volumes, "daily=3")
	w := newWorld(p)
	w.volume(vol1, "daily")
	w.copied(p, vol1, at("02:00", 3))
	s := w.snapshot(w.copied(p, vol1, at("02:00", 1))[0])
	s.Volume, s.Tags[backup.TagAdopted] = "vol-ffffffff", at("09:00", 0).Format(time.RFC3339)
	s.Tags[backup.TagDataTime] = "2099-01-01T00:00:00Z"
	plan := w.plan()
	if c := create(t, plan, vol1); c.Action != backup.ActionCopy || len(plan.Strangers) != 1 {
		t.Errorf("%s %q, strangers %v", c.Action, c.Reason.Text, plan.Strangers)
	}
}

// Of two copies of one slot the one stays that can be restored at once.
func TestAnArchivedCopyOfASlotIsTheSpare(t *testing.T) {
	p := daily("daily", backup.Volumes, "daily=9")
	w := newWorld(p)
	w.volume(vol1, "daily")
	archived, other := w.copied(p, vol1, at("02:00", 0))[0], w.copied(p, vol1, at("02:00", 0))[0]
	w.snapshot(archived).Archived = true
	if got := deleted(w.plan()); !slices.Equal(got, []fleet.SnapshotID{archived}) {
		t.Errorf("deletes %v, and %s stays", got, other)
	}
}
