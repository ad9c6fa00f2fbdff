package backup_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
)

const key1, key2, key3 = "arn:aws:kms:eu-central-1:111122223333:key/1", "arn:aws:kms:eu-central-1:111122223333:key/2", "arn:aws:kms:eu-central-1:111122223333:key/3"

// keyed is a world with a selected volume under each of the first two keys, another volume,
// and a copy under the first key and one under the third.
func keyed() *world {
	p := daily("daily", backup.Volumes, "daily=2")
	w := newWorld(p)
	for id, key := range map[fleet.VolumeID]string{vol1: key1, vol2: key2} {
		w.volume(id, "daily").Key = key
	}
	w.volume(vol3, "").Key = "arn:aws:kms:eu-central-1:111122223333:key/of-others"
	w.snapshot(w.copied(p, vol1, at("02:00", 0))[0]).Key = key1
	w.snapshot(w.copied(p, vol1, at("02:00", 1))[0]).Key = key3
	w.foreign(vol3, at("02:00", 0), nil).Key = "arn:aws:kms:eu-central-1:111122223333:key/of-people"
	return w
}

// "key disabled or pending deletion": of what policies select and have copied. A key that
// could not be read is unknown, never fine.
func TestKeys(t *testing.T) {
	w := keyed()
	if got := backup.KeysOf(w.Inventory, w.settings); !slices.Equal(got, []string{key1, key2, key3}) {
		t.Errorf("asked for %v", got)
	}
	if got := backup.KeysOf(w.Inventory, backup.Settings{}); got != nil {
		t.Errorf("without policies asked for %v", got)
	}
	gone := at("09:00", -7)
	w.Keys = map[string]fleet.Key{key1: {State: fleet.KeyEnabled}, key2: {State: fleet.KeyPendingDeletion, Deletion: gone}}
	w.Unread = map[backup.Part]error{backup.PartKeys: errors.New("denied")}
	s := w.status(backup.StatusOptions{})
	if len(s.Keys) != 3 || s.UnusableKeys() != 1 || !s.Partial() {
		t.Fatalf("%d unusable of %+v", s.UnusableKeys(), s.Keys)
	}
	for n, want := range []backup.KeyStatus{
		{Key: key1, State: fleet.KeyEnabled, Volumes: 1, Copies: 1}, {Key: key2, State: fleet.KeyPendingDeletion, Volumes: 1}, {Key: key3, State: fleet.KeyUnknown, Copies: 1},
	} {
		got := s.Keys[n]
		if at := got.Deletion; (at != nil) != (n == 1) || at != nil && !at.Equal(gone) {
			t.Errorf("%s is deleted at %v", got.Key, at)
		}
		if got.Deletion = nil; got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	if narrow := s.Only(func(v backup.VolumeStatus) bool { return v.Volume == vol1 }); len(narrow.Keys) > 0 || narrow.Quota != nil {
		t.Errorf("one volume has the keys %+v and the quota %+v", narrow.Keys, narrow.Quota)
	}
}

// A plan warns about copies that nobody can restore, and only about those.
func TestPlanWarnsAboutKeys(t *testing.T) {
	for state, want := range map[fleet.KeyState]string{
		fleet.KeyEnabled: "", fleet.KeyUnknown: "", fleet.KeyDisabled: "is disabled", fleet.KeyDeleted: "is deleted", fleet.KeyUnavailable: "is unavailable",
		fleet.KeyPendingDeletion: "is pending deletion on 2026-12-07",
	} {
		w := keyed()
		w.Keys = map[string]fleet.Key{key1: {State: fleet.KeyEnabled}, key2: {State: state, Deletion: at("09:00", -7)}}
		plan := w.plan()
		if got := create(t, plan, vol1).Warnings; len(got) > 0 {
			t.Errorf("%s: a volume under another key is warned about: %q", state, got)
		}
		got := strings.Join(create(t, plan, vol2).Warnings, "; ")
		if (got == "") != (want == "") || !strings.Contains(got, want) || want != "" && (!strings.Contains(got, vol2) || !strings.HasSuffix(got, key2)) {
			t.Errorf("%s: %q, want %q", state, got, want)
		}
	}
}

// "snapshot quota > 80 %". All snapshots count, and a limit that could not be read is said
// to be AWS's default.
func TestSnapshotQuota(t *testing.T) {
	for most, high := range map[int]bool{5: false, 4: false, 3: true} {
		w := keyed()
		w.MostSnapshots = most
		q := w.status(backup.StatusOptions{}).Quota
		if q == nil || *q != (backup.SnapshotQuota{Used: 3, Limit: most}) || q.High() != high {
			t.Errorf("of %d: %+v, high is %v", most, q, q.High())
		}
	}
	if (backup.SnapshotQuota{Used: 80_000, Limit: 100_000}).High() || !(backup.SnapshotQuota{Used: 80_001, Limit: 100_000}).High() {
		t.Error("80 % are not the limit")
	}
	w := keyed()
	if q := w.status(backup.StatusOptions{}).Quota; q == nil || !q.Assumed || q.Limit != backup.DefaultSnapshotQuota {
		t.Errorf("without a limit: %+v", q)
	}
	w.Unread = map[backup.Part]error{backup.PartSnapshots: errors.New("denied")}
	if q := w.status(backup.StatusOptions{}).Quota; q != nil {
		t.Errorf("without the snapshots: %+v", q)
	}
}
