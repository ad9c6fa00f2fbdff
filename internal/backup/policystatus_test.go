package backup_test

import (
	"testing"
	"time"

	"nightshift/internal/backup"
)

// How the policies are doing: which of their volumes miss the RPO, their sets, and the
// deletions that wait. Copies of a policy that is gone belong to none.
func TestPolicyStatuses(t *testing.T) {
	p, gone := daily("daily", backup.Volumes, "daily=2"), daily("gone", backup.Volumes, "daily=2")
	w := newWorld(p, daily("idle", backup.Instances, "daily=2"))
	w.volume(vol1, "daily")
	w.volume(vol2, "daily")
	w.volume(vol3, "")
	w.copiedDaily(p, vol1, 5)
	w.copied(p, vol2, at("02:00", 9))
	w.snapshot(w.copied(p, vol2, at("02:00", 3))[0]).State = "error"
	w.snapshot(w.copied(p, vol2, at("02:00", 2))[0]).State = "pending"
	w.snapshot(w.copied(p, vol2, at("02:00", 1))[0]).State = "pending"
	w.copied(gone, vol3, at("02:00", 0))
	list := w.status(backup.StatusOptions{Waiting: true}).Policies
	if len(list) != 3 || list[0].Policy != "daily" || list[1].Policy != "idle" || list[2].Policy != "" {
		t.Fatalf("%+v", list)
	}
	got := list[0]
	if got.Volumes != 2 || got.Missed != 1 || got.Complete != 6 || got.Pending != 2 || got.Failed != 1 {
		t.Errorf("daily: %+v", got)
	}
	if got.Oldest == nil || !got.Oldest.Equal(at("02:02", 9)) || got.PendingSince == nil || !got.PendingSince.Equal(at("02:02", 2)) {
		t.Errorf("daily: oldest %v, pending since %v", got.Oldest, got.PendingSince)
	}
	if want := len(w.plan().Deletions()); want == 0 || got.Waiting == nil || *got.Waiting != want {
		t.Errorf("daily: %v deletions wait, want %d", got.Waiting, want)
	}
	if idle := list[1]; idle.Volumes+idle.Missed+idle.Complete+*idle.Waiting != 0 || idle.Oldest != nil || idle.PendingSince != nil {
		t.Errorf("idle: %+v", idle)
	}
	if none := list[2]; none.Volumes != 1 || none.Missed != 0 || none.Complete != 1 || !none.Oldest.Equal(at("02:02", 0)) {
		t.Errorf("none: %+v", none)
	}
	w.Volumes[1].Created, w.Snapshots = at("00:00", 30), w.Snapshots[:5]
	if got := w.status(backup.StatusOptions{}).Policies[0]; got.Missed != 1 || got.Oldest == nil || !got.Oldest.IsZero() || got.Waiting != nil {
		t.Errorf("without any copy of a volume: %+v", got)
	}
	w.snapshot(w.copied(p, vol2, at("02:00", 0))[0]).State = "pending"
	if got := w.status(backup.StatusOptions{}).Policies[0]; got.Volumes != 1 || got.Missed != 0 || got.Pending != 1 {
		t.Errorf("with a first copy that is being made: %+v", got)
	}
	w.Snapshots = w.Snapshots[:5]
	w.Volumes[1].Created = noon().Add(-time.Hour)
	if got := w.status(backup.StatusOptions{}).Policies[0]; got.Volumes != 1 || got.Missed != 0 || got.Oldest.IsZero() {
		t.Errorf("with a volume that is new: %+v", got)
	}
	w.settings.Policies = nil
	if list := w.status(backup.StatusOptions{Waiting: true}).Policies; list == nil || len(list) > 0 {
		t.Errorf("without policies: %+v", list)
	}
}
