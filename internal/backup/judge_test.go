package backup_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/retention"
)

// "While the policy id exists in the configuration its current keep rules the chain …
// Deletions that the stored keep would not have made are shown as because the policy
// changed, need the hash, and never run unattended.".
func TestCurrentKeepRulesTheChain(t *testing.T) {
	p := daily("daily", backup.Volumes, "daily=4")
	w := newWorld(p)
	w.volume(vol1, "daily")
	sets := w.copiedDaily(p, vol1, 6)
	w.settings.Policies[0].Keep = must(retention.ParseKeep("daily=2"))
	for n, want := range []struct{ keep, changed bool }{{true, false}, {true, false}, {false, true}, {false, true}, {false, false}, {false, false}} {
		if v := verdict(t, w.plan(), sets[n][0]); v.Keep != want.keep || v.Changed != want.changed {
			t.Errorf("day %d: keep %t, changed %t; want %+v", n, v.Keep, v.Changed, want)
		}
	}
	if w.plan().Hash == "" {
		t.Error("there is no hash to approve")
	}
	w.options.Unattended = true
	for _, s := range w.Snapshots {
		s.Tags[backup.TagDeleting] = at("02:00", 3).Format(time.RFC3339)
	}
	for n := range 2 {
		delete(w.snapshot(sets[n][0]).Tags, backup.TagDeleting)
	}
	plan := w.plan()
	if got, want := deleted(plan), []fleet.SnapshotID{sets[4][0], sets[5][0]}; !slices.Equal(got, want) {
		t.Errorf("unattended, after the grace, %v are deleted, want %v", got, want)
	}
	if v := verdict(t, plan, sets[2][0]); v.Guard != backup.GuardApproval {
		t.Errorf("what only the policy's change deletes is held by %q", v.Guard)
	}
}

// Another zone is another keep: its days begin elsewhere.
func TestAnotherZoneIsAChange(t *testing.T) {
	p := daily("daily", backup.Volumes, "daily=9")
	w := newWorld(p)
	w.volume(vol1, "daily")
	early, late := w.copied(p, vol1, at("02:00", 1)), w.copied(p, vol1, at("23:30", 1))
	w.copied(p, vol1, at("02:00", 0))
	w.settings.Policies[0].Zone, _ = time.LoadLocation("Asia/Seoul")
	if v := verdict(t, w.plan(), late[0]); v.Keep || !v.Changed {
		t.Errorf("in Seoul it is of the same day as a newer one: %+v", v)
	}
	if v := verdict(t, w.plan(), early[0]); !v.Keep {
		t.Errorf("of another day: %+v", v)
	}
}

// "the stored keep … rules when policy, selector tag or volume is gone.".
func TestStoredKeepRulesWhenThePolicyIsGone(t *testing.T) {
	p := daily("daily", backup.Volumes, "daily=2")
	w := newWorld(p)
	w.volume(vol1, "daily")
	sets := w.copiedDaily(p, vol1, 4)
	delete(w.snapshot(sets[3][0]).Tags, backup.TagKeep)
	w.settings.Policies = nil
	plan := w.plan()
	if got := deleted(plan); !slices.Equal(got, sets[2]) {
		t.Errorf("deletes %v, want %v", got, sets[2])
	}
	if v := verdict(t, plan, sets[2][0]); v.Changed {
		t.Error("it counts as changed")
	}
	if v := verdict(t, plan, sets[3][0]); !strings.Contains(v.Rules[0], "no keep that can be read") {
		t.Errorf("without a keep it stays because of %q", v.Rules)
	}
}

// "A changed selector freezes; it never deletes." So does a tag that is taken away, an
// earlier policy that takes the resource over, and one that has an error.
func TestChangedSelectorFreezes(t *testing.T) {
	for name, change := range map[string]func(w *world){
		"selector narrowed": func(w *world) {
			p := &w.settings.Policies[0]
			p.Tags = append(p.Tags, fleet.Tag{Key: "Stage", Value: "prod"})
		},
		"tag taken away": func(w *world) { w.Volumes[0].Tags = nil },
		"excluded":       func(w *world) { w.settings.Policies[0].Exclude = []fleet.Tag{{Key: "Backup"}} },
		"an earlier policy": func(w *world) {
			first := daily("first", backup.Volumes, "daily=1")
			first.Tags = w.settings.Policies[0].Tags
			w.settings.Policies = slices.Insert(w.settings.Policies, 0, first)
		},
		"an error": func(w *world) { w.settings.Policies[0].Err = fleet.Errorf(fleet.ErrInvalid, "no keep") },
		"no selector": func(w *world) {
			w.settings.Policies[0].Tags = nil
		},
	} {
		p := daily("daily", backup.Volumes, "daily=2")
		w := newWorld(p)
		w.volume(vol1, "daily")
		w.copiedDaily(p, vol1, 5)
		if len(deleted(w.plan())) != 3 {
			t.Fatal("there is nothing to freeze")
		}
		change(w)
		if got := deleted(w.plan()); len(got) > 0 {
			t.Errorf("%s: deletes %v", name, got)
		}
	}
}

// "Source gone = frozen … until after_source_deleted: 90d plus a hash.".
func TestSourceGone(t *testing.T) {
	p := daily("daily", backup.Volumes, "daily=2")
	p.AfterSourceDeleted = must(retention.ParseDuration("90d"))
	w := newWorld(p)
	sets := w.copiedDaily(p, vol1, 4)
	for days, frozen := range map[int]bool{0: true, 89: true, 90: false} {
		w.At = at("12:00", -days)
		plan := w.plan()
		v := verdict(t, plan, sets[0][0])
		if v.Keep != frozen || v.Orphan == frozen || len(deleted(plan)) > 0 == frozen {
			t.Errorf("after %d days: %+v", days, v)
		}
		if !frozen && plan.Hash == "" {
			t.Errorf("after %d days there is no hash", days)
		}
	}
	w.At, w.options.Unattended = at("12:00", -90), true
	if v := verdict(t, w.plan(), sets[0][0]); v.Guard != backup.GuardApproval {
		t.Errorf("unattended: %q", v.Guard)
	}
	w.options.Unattended = false
	for name, change := range map[string]func(w *world){
		"for ever":        func(w *world) { w.settings.Policies[0].AfterSourceDeleted = retention.Duration{} },
		"the policy, too": func(w *world) { w.settings.Policies = nil },
	} {
		other := *w
		other.settings.Policies = slices.Clone(w.settings.Policies)
		change(&other)
		if got := deleted(other.plan()); len(got) > 0 {
			t.Errorf("%s: deletes %v", name, got)
		}
	}
}

// The volume of a terminated instance that still exists keeps its last copy, however long
// the instance is gone.
func TestSourceGoneButNotItsVolume(t *testing.T) {
	p := daily("daily", backup.Instances, "daily=2")
	p.AfterSourceDeleted = must(retention.ParseDuration("90d"))
	w := newWorld(p)
	w.volume(vol2, "")
	sets := w.copiedDaily(p, ins1, 2, vol1, vol2)
	w.At = noon().AddDate(1, 0, 0)
	if v := verdict(t, w.plan(), sets[0][0]); v.Guard != backup.GuardLastGood || v.Why != "is the last good copy of "+vol2 {
		t.Errorf("%q %q", v.Guard, v.Why)
	}
	if v := verdict(t, w.plan(), sets[1][0]); v.Keep {
		t.Errorf("%+v", v)
	}
}

// "The item of retention is the set: all members get one verdict.".
func TestSetIsTheItemOfRetention(t *testing.T) {
	w, sets := guarded()
	w.snapshot(sets[4][1]).Tags[backup.TagHold] = "audit"
	plan := w.plan()
	if len(plan.Deletes) != 5 || !slices.Equal(deleted(plan), sets[3]) {
		t.Errorf("%d verdicts, deleted %v: a member that is held holds its set", len(plan.Deletes), deleted(plan))
	}
}

// "Before the first delete every member is marked, so a half-deleted set is finished by the
// next run and never counts as a restore point": also by an unattended one, without another
// day of grace, and over the cap.
func TestHalfDeletedSetIsFinished(t *testing.T) {
	halve := func(w *world, ids []fleet.SnapshotID) {
		w.Snapshots = slices.DeleteFunc(w.Snapshots, func(s fleet.Snapshot) bool { return s.ID == ids[0] })
		w.snapshot(ids[1]).Tags[backup.TagDeleting] = at("11:59", 0).Format(time.RFC3339)
	}
	w, sets := guarded()
	halve(w, sets[3])
	halve(w, sets[4])
	w.options = backup.Options{Unattended: true, MaxDeletions: 1}
	for _, ids := range sets[3:] {
		if v := verdict(t, w.plan(), ids[1]); v.Keep || v.Set.State != backup.SetDeleting || !strings.Contains(v.Rules[0], "half deleted") {
			t.Errorf("%+v", v)
		}
	}
	w.snapshot(sets[3][1]).Tags[backup.TagHold] = "wait"
	if v := verdict(t, w.plan(), sets[3][1]); v.Guard != backup.GuardHold {
		t.Errorf("held: %+v", v)
	}
	w, sets = guarded()
	halve(w, sets[1])
	if v := verdict(t, w.plan(), sets[3][0]); v.Guard != "" || !v.Keep {
		t.Errorf("it counts: the third of the good ones is %+v", v)
	}
	if v := verdict(t, w.plan(), sets[1][1]); v.Keep {
		t.Errorf("a person does not finish it: %+v", v)
	}
}

// A set that is marked, whole, and would be kept today stays, and the mark is taken back.
// Until then it does not count.
func TestMarkIsTakenBack(t *testing.T) {
	w, sets := guarded()
	for _, id := range slices.Concat(sets[1], sets[4]) {
		w.snapshot(id).Tags[backup.TagDeleting] = at("11:00", 2).Format(time.RFC3339)
	}
	plan := w.plan()
	if v := verdict(t, plan, sets[1][0]); !v.Keep || !v.Unmark {
		t.Errorf("the policy keeps it: %+v", v)
	}
	if v := verdict(t, plan, sets[4][0]); v.Keep || v.Unmark {
		t.Errorf("the policy does not keep it: %+v", v)
	}
	if v := verdict(t, plan, sets[3][0]); !v.Keep || v.Unmark {
		t.Errorf("it is the third that counts: %+v", v)
	}
}

// "A set with a missing or error member is not a good copy": it takes no place of one, and
// stays only where it would be kept if it were.
func TestBrokenSetsDoNotCount(t *testing.T) {
	w, sets := guarded()
	w.Snapshots = slices.DeleteFunc(w.Snapshots, func(s fleet.Snapshot) bool { return s.ID == sets[1][0] || s.ID == sets[4][0] })
	plan := w.plan()
	if v := verdict(t, plan, sets[3][0]); !v.Keep {
		t.Errorf("it is the third good one: %+v", v)
	}
	if v := verdict(t, plan, sets[1][1]); !v.Keep || !strings.Contains(strings.Join(v.Rules, "; "), "1 of 2 members are there") {
		t.Errorf("the broken one of yesterday: %+v", v)
	}
	if v := verdict(t, plan, sets[4][1]); v.Keep {
		t.Errorf("the broken one of four days ago: %+v", v)
	}
	w.snapshot(sets[2][0]).State = "error"
	if v := verdict(t, w.plan(), sets[2][0]); v.Keep || v.Rules[0] != "is in error: it is no copy" {
		t.Errorf("one in error: %+v", v)
	}
}

// "Two copies of one slot count as one for retention; the spare is deleted through the
// guards.".
func TestSpareCopyOfASlot(t *testing.T) {
	w, sets := guarded()
	spare := w.copied(w.settings.Policies[0], ins1, at("02:00", 1), vol1, vol2)
	plan := w.plan()
	if v := verdict(t, plan, sets[2][0]); !v.Keep {
		t.Errorf("two copies of yesterday count twice: %+v", v)
	}
	first, second := verdict(t, plan, sets[1][0]), verdict(t, plan, spare[0])
	if first.Keep == second.Keep {
		t.Fatalf("%t and %t of the slot of yesterday are kept", first.Keep, second.Keep)
	}
	if !first.Keep {
		first, second, spare = second, first, sets[1]
	}
	if !strings.Contains(second.Rules[0], "spare copy") || second.Changed {
		t.Errorf("%+v", second)
	}
	w.snapshot(spare[0]).Tags[backup.TagHold] = "audit"
	if v := verdict(t, w.plan(), spare[0]); v.Guard != backup.GuardHold {
		t.Errorf("a spare that is held: %+v", v)
	}
	w.snapshot(spare[0]).State = "pending"
	if v := verdict(t, w.plan(), spare[0]); !v.Keep || v.Guard != "" {
		t.Errorf("a spare that is being made: %+v", v)
	}
}

// "A CopySnapshot result has its own StartTime and an arbitrary VolumeId, so retention, RPO
// and chains use data-time": retention goes by it, whatever AWS says of the start.
func TestRetentionGoesByDataTime(t *testing.T) {
	p := daily("daily", backup.Volumes, "daily=1")
	w := newWorld(p)
	w.volume(vol1, "daily")
	sets := w.copiedDaily(p, vol1, 2)
	w.snapshot(sets[0][0]).Started, w.snapshot(sets[1][0]).Started = at("01:55", 0), at("02:10", 1)
	old := w.copied(p, vol1, at("02:00", 9))[0]
	s := w.snapshot(old)
	s.Tags[backup.TagAdopted], s.Volume, s.Started = at("09:00", 0).Format(time.RFC3339), "vol-ffffffff", at("08:00", 0)
	if v := verdict(t, w.plan(), sets[0][0]); !v.Keep {
		t.Errorf("%+v", v)
	}
	if v := verdict(t, w.plan(), old); v.Rules[0] != "daily: only the newest is kept" || v.Guard != backup.GuardLastGood && v.Guard != backup.GuardAdopted {
		t.Errorf("a result of CopySnapshot, copied today of nine days ago: %+v", v)
	}
}

// "future-dated items never push out real ones", and are kept.
func TestFutureCopiesPushNothingOut(t *testing.T) {
	w, sets := guarded()
	for n := range 3 {
		w.copied(w.settings.Policies[0], ins1, at("02:00", -9-n), vol1, vol2)
	}
	if v := verdict(t, w.plan(), sets[2][0]); !v.Keep {
		t.Errorf("%+v", v)
	}
	if got := len(deleted(w.plan())); got != 4 {
		t.Errorf("%d snapshots are deleted, want those of two sets", got)
	}
}

// A try that lost a member and was made again is a spare copy of its slot; so is one that
// is marked.
func TestBrokenTryOfASlotIsASpare(t *testing.T) {
	for name, change := range map[string]func(w *world, ids []fleet.SnapshotID){
		"a member is missing": func(w *world, ids []fleet.SnapshotID) {
			w.Snapshots = slices.DeleteFunc(w.Snapshots, func(s fleet.Snapshot) bool { return s.ID == ids[0] })
		},
		"marked": func(w *world, ids []fleet.SnapshotID) { w.snapshot(ids[1]).Tags[backup.TagDeleting] = "x" },
	} {
		w, sets := guarded()
		first := w.copied(w.settings.Policies[0], ins1, at("02:00", 0), vol1, vol2)
		for _, id := range first {
			s := w.snapshot(id)
			s.Started = at("02:05", 0)
			s.Tags[backup.TagDataTime] = s.Started.Format(time.RFC3339)
		}
		change(w, first)
		plan := w.plan()
		if v := verdict(t, plan, first[1]); v.Keep || !strings.Contains(v.Rules[0], "spare copy") {
			t.Errorf("%s: %+v", name, v)
		}
		if v := verdict(t, plan, sets[0][0]); !v.Keep {
			t.Errorf("%s: the good one is %+v", name, v)
		}
	}
}

// "a policy renamed": the copies of the old id are ruled by the keep that they carry, and
// none of them is lost before the new id has one.
func TestRenamedPolicyLosesNothing(t *testing.T) {
	p := daily("daily", backup.Volumes, "daily=3")
	w := newWorld(p)
	w.volume(vol1, "daily")
	w.copiedDaily(p, vol1, 3)
	w.settings.Policies[0].ID = "nightly"
	plan := w.plan()
	if got := deleted(plan); len(got) > 0 {
		t.Errorf("deletes %v", got)
	}
	if c := create(t, plan, vol1); c.Policy != "nightly" || c.Action != backup.ActionCopy || c.Reason.Code != "first-copy" {
		t.Errorf("%+v", c)
	}
	w.At = noon().AddDate(1, 0, 0)
	if got := deleted(w.plan()); len(got) > 0 {
		t.Errorf("a year later deletes %v", got)
	}
}

// A set in error that is marked, too, is in error all the same: it takes no place of one
// that holds data, and is deleted before its slot is tried again.
func TestMarkedSetInErrorIsInError(t *testing.T) {
	p := daily("daily", backup.Volumes, "last=1")
	w := newWorld(p)
	w.volume(vol1, "daily")
	failed := w.copied(p, vol1, at("02:00", 0))[0]
	w.snapshot(failed).State = "error"
	w.snapshot(failed).Tags[backup.TagDeleting] = at("02:00", 2).Format(time.RFC3339)
	older := w.copied(p, vol1, at("02:00", 1))[0]
	w.snapshot(older).Tags[backup.TagDeleting] = at("02:00", 0).Format(time.RFC3339)
	plan := w.plan()
	if v := verdict(t, plan, failed); v.Unmark || v.Set.State != backup.SetError {
		t.Errorf("it is %s: %+v", v.Set.State, v)
	}
	if v := verdict(t, plan, older); !v.Keep || !v.Unmark {
		t.Errorf("the one before it: %+v", v)
	}
	if c := create(t, plan, vol1); c.Action != backup.ActionRetry || !slices.Equal(c.Failed, []fleet.SnapshotID{failed}) {
		t.Errorf("%s deletes %v", c.Action, c.Failed)
	}
}
