package backup_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/retention"
)

// guarded is a world in which the two oldest of five sets of an instance go.
func guarded() (*world, [][]fleet.SnapshotID) {
	p := daily("daily", backup.Instances, "daily=3")
	p.AfterSourceDeleted = must(retention.ParseDuration("90d"))
	w := newWorld(p)
	w.instance(ins1, "daily", vol1, vol2)
	return w, w.copiedDaily(p, ins1, 5, vol1, vol2)
}

// "Guards, each by name and tested", but for those of unread listings and of the last good
// copy, which have tests of their own: each holds the oldest set for its own reason, and
// only that one where the reason is of one snapshot.
func TestGuards(t *testing.T) {
	for name, tt := range map[string]struct {
		guard  backup.Guard
		change func(w *world, oldest []fleet.SnapshotID)
		all    bool // it holds the other set, too
		why    string
	}{
		"in use by an image": {backup.GuardImage, func(w *world, oldest []fleet.SnapshotID) {
			w.Images = []fleet.Image{{ID: "ami-1", State: "available", Snapshots: oldest[1:]}}
		}, false, "the image ami-1"},
		"in use by a disabled image": {backup.GuardImage, func(w *world, oldest []fleet.SnapshotID) {
			w.Images = []fleet.Image{{ID: "ami-1", State: "disabled", Snapshots: oldest[:1]}}
		}, false, "the image ami-1"},
		"in use by a deprecated image": {backup.GuardImage, func(w *world, oldest []fleet.SnapshotID) {
			w.Images = []fleet.Image{{ID: "ami-1", State: "available", Deprecation: time.Unix(1, 0), Snapshots: oldest[:1]}}
		}, false, "the image ami-1"},
		"in use by a launch template": {backup.GuardTemplate, func(w *world, oldest []fleet.SnapshotID) {
			w.Templates = map[fleet.SnapshotID]string{oldest[0]: "lt-1"}
		}, false, "the launch template lt-1"},
		"locked": {backup.GuardLocked, func(w *world, oldest []fleet.SnapshotID) {
			w.Locked = map[fleet.SnapshotID]time.Time{oldest[1]: at("12:01", 0)}
		}, false, "until 2026-11-30T12:01:00Z"},
		"locked for ever": {backup.GuardLocked, func(w *world, oldest []fleet.SnapshotID) {
			w.Locked = map[fleet.SnapshotID]time.Time{oldest[1]: {}}
		}, false, "locked"},
		"lock expired": {"", func(w *world, oldest []fleet.SnapshotID) {
			w.Locked = map[fleet.SnapshotID]time.Time{oldest[1]: at("11:59", 0)}
		}, false, ""},
		"fast restore": {backup.GuardFast, func(w *world, oldest []fleet.SnapshotID) {
			w.Fast = map[fleet.SnapshotID]bool{oldest[0]: true}
		}, false, "fast snapshot restore"},
		"shared": {backup.GuardShared, func(w *world, oldest []fleet.SnapshotID) {
			w.Shared = map[fleet.SnapshotID][]string{}
			for _, s := range w.Snapshots {
				w.Shared[s.ID] = nil
			}
			w.Shared[oldest[0]] = []string{"999988887777"}
		}, false, "shared with 999988887777"},
		"public": {backup.GuardShared, func(w *world, oldest []fleet.SnapshotID) {
			w.Public = map[fleet.SnapshotID]bool{oldest[0]: true}
		}, false, "is public"},
		"owned by AWS Backup": {backup.GuardForeign, func(w *world, oldest []fleet.SnapshotID) {
			w.Recovery = []fleet.RecoveryPoint{{ARN: "arn:aws:ec2:eu-central-1::snapshot/" + string(oldest[0]), Vault: "prod"}}
		}, false, "AWS Backup in prod"},
		"held by tag": {backup.GuardHold, func(w *world, oldest []fleet.SnapshotID) {
			w.snapshot(oldest[1]).Tags[backup.TagHold] = "audit 2026"
		}, false, `held: "audit 2026"`},
		"copy pending": {backup.GuardPending, func(w *world, oldest []fleet.SnapshotID) {
			w.Snapshots = append(w.Snapshots, fleet.Snapshot{ID: "snap-ff", Volume: "vol-ffffffff", State: "pending", Tags: fleet.Tags{backup.TagCopyOf: string(oldest[0]) + " eu-west-1"}})
		}, false, "is being copied to snap-ff"},
		"copy base": {backup.GuardBase, func(w *world, oldest []fleet.SnapshotID) {
			w.Snapshots = append(w.Snapshots, fleet.Snapshot{ID: "snap-ff", Volume: "vol-ffffffff", State: "completed", Tags: fleet.Tags{backup.TagCopyOf: string(oldest[0])}})
		}, false, "without it the next one is full"},
		"last proven": {backup.GuardProven, func(w *world, oldest []fleet.SnapshotID) {
			w.snapshot(oldest[0]).Tags[backup.TagProven] = "2026-11-27T00:00:00Z"
		}, false, "newest that was proven"},
		"adopted": {backup.GuardAdopted, func(w *world, oldest []fleet.SnapshotID) {
			w.snapshot(oldest[0]).Tags[backup.TagAdopted] = at("11:00", 0).Format(time.RFC3339)
		}, false, "less than 14 days ago"},
		"creating fails, for too long": {backup.GuardFailing, func(w *world, _ []fleet.SnapshotID) {
			w.At = at("02:03", -2)
		}, true, "more than two intervals ago"},
		"creating fails, not for so long": {"", func(w *world, _ []fleet.SnapshotID) {
			w.At = at("02:01", -2)
		}, false, ""},
		"creating fails, the last try": {backup.GuardFailing, func(w *world, _ []fleet.SnapshotID) {
			w.At = at("02:10", -1)
			for _, id := range w.copied(w.settings.Policies[0], ins1, at("02:00", -1), vol1, vol2) {
				w.snapshot(id).State = "error"
			}
		}, true, "the last copy, of 2026-12-01T02:02:00Z, failed"},
		"creating fails, a member is missing": {backup.GuardFailing, func(w *world, _ []fleet.SnapshotID) {
			w.At = at("02:10", -1)
			w.copied(w.settings.Policies[0], ins1, at("02:00", -1), vol1, vol2)
			w.Snapshots = w.Snapshots[:len(w.Snapshots)-1]
		}, true, "failed"},
		"creating failed once": {"", func(w *world, _ []fleet.SnapshotID) {
			for _, id := range w.copied(w.settings.Policies[0], ins1, at("01:00", 0), vol1, vol2) {
				w.snapshot(id).State = "error"
			}
		}, false, ""},
		"source gone": {backup.GuardSourceGone, func(w *world, _ []fleet.SnapshotID) {
			w.Instances, w.Volumes = nil, nil
		}, true, "does not exist any more"},
		"not selected": {backup.GuardUnselected, func(w *world, _ []fleet.SnapshotID) {
			w.Instances[0].Tags = nil
		}, true, "what it has copied stays"},
		"nobody has approved": {backup.GuardApproval, func(w *world, _ []fleet.SnapshotID) {
			w.options.Unattended = true
			for n := range w.Snapshots {
				w.Snapshots[n].Tags[backup.TagKeep] = "daily=9;zone=UTC"
			}
		}, true, "the policy changed"},
		"not marked": {backup.GuardGrace, func(w *world, _ []fleet.SnapshotID) { w.options.Unattended = true }, true, "deleted a day later"},
		"marked since 23 hours": {backup.GuardGrace, func(w *world, oldest []fleet.SnapshotID) {
			w.options.Unattended = true
			for _, id := range oldest {
				w.snapshot(id).Tags[backup.TagDeleting] = at("13:00", 1).Format(time.RFC3339)
			}
		}, true, "less than a day ago"},
		"marked since 24 hours": {"", func(w *world, _ []fleet.SnapshotID) {
			w.options.Unattended = true
			for _, s := range w.Snapshots[6:] {
				s.Tags[backup.TagDeleting] = at("12:00", 1).Format(time.RFC3339)
			}
		}, false, ""},
		"over the cap": {backup.GuardCap, func(w *world, _ []fleet.SnapshotID) {
			p := w.settings.Policies[0]
			for n := range 20 {
				w.copied(p, ins1, at("02:00", 10+n), vol1, vol2)
			}
		}, true, "20 of the policy's 25 sets at most"},
		"within the number that a person states": {"", func(w *world, _ []fleet.SnapshotID) {
			w.options.MaxDeletions = 22
			for n := range 20 {
				w.copied(w.settings.Policies[0], ins1, at("02:00", 10+n), vol1, vol2)
			}
		}, false, ""},
	} {
		w, sets := guarded()
		tt.change(w, sets[4])
		plan := w.plan()
		v, other := verdict(t, plan, sets[4][0]), verdict(t, plan, sets[3][0])
		if v.Guard != tt.guard || v.Keep != (tt.guard != "") || !strings.Contains(v.Why, tt.why) || (v.Why == "") != (tt.guard == "") {
			t.Errorf("%s: %q %q, keep %t; want %q %q", name, v.Guard, v.Why, v.Keep, tt.guard, tt.why)
		}
		if other.Keep != tt.all {
			t.Errorf("%s: the other set is kept %t by %q", name, other.Keep, other.Guard)
		}
		if !tt.all && len(v.Rules) == 0 {
			t.Errorf("%s: no rule", name)
		}
	}
}

// "If a guard's source cannot be read, nothing of that target is deleted." What no guard
// needs may be missing.
func TestUnreadListings(t *testing.T) {
	needed := []backup.Part{
		backup.PartSnapshots, backup.PartVolumes, backup.PartInstances, backup.PartImages, backup.PartLocks,
		backup.PartFast, backup.PartTemplates, backup.PartShared,
	}
	for _, part := range slices.Concat(needed, []backup.Part{backup.PartPublic, backup.PartRecovery, backup.PartBin, backup.PartDatabases}) {
		w, sets := guarded()
		w.Unread = map[backup.Part]error{part: errors.New("access denied")}
		plan := w.plan()
		want := backup.GuardUnread
		if !slices.Contains(needed, part) {
			want = ""
		}
		if v := verdict(t, plan, sets[4][0]); v.Guard != want || v.Keep != (want != "") || want != "" && !strings.Contains(v.Why, string(part)) {
			t.Errorf("%s: %q %q", part, v.Guard, v.Why)
		}
		if !slices.Equal(plan.Unread, []backup.Part{part}) {
			t.Errorf("%s: unread are %v", part, plan.Unread)
		}
	}
}

// "A volume missing from a denied, partial or failed listing is unknown, never gone.".
func TestMissingFromAPartialListingIsNotGone(t *testing.T) {
	w, sets := guarded()
	w.At = noon().AddDate(1, 0, 0) // its copies would have gone long ago
	w.Instances, w.Volumes = nil, nil
	if v := verdict(t, w.plan(), sets[0][0]); v.Keep || !v.Orphan {
		t.Errorf("gone for a year: %+v", v)
	}
	for _, part := range []backup.Part{backup.PartInstances, backup.PartVolumes} {
		w.Unread = map[backup.Part]error{part: errors.New("throttled")}
		plan := w.plan()
		if got := deleted(plan); len(got) > 0 {
			t.Errorf("%s: deletes %v", part, got)
		}
		if v := verdict(t, plan, sets[0][0]); part == backup.PartInstances && v.Orphan {
			t.Errorf("%s: the instance counts as gone", part)
		}
	}
}

// "copies of DLM, AWS Backup or people count for coverage, never for a guard"; archived
// and pending ones do not count either.
func TestLastGoodCopyCountsOnlyOurs(t *testing.T) {
	p := daily("daily", backup.Volumes, "daily=1")
	for name, tt := range map[string]struct {
		newest func(s *fleet.Snapshot)
		want   backup.Guard
	}{
		"ours":     {func(*fleet.Snapshot) {}, ""},
		"archived": {func(s *fleet.Snapshot) { s.Archived = true }, backup.GuardLastGood},
		"a newer one of a person, and none of ours": {func(s *fleet.Snapshot) { s.Tags = nil }, "kept"},
	} {
		w := newWorld(p)
		w.volume(vol1, "daily")
		sets := w.copiedDaily(p, vol1, 2)
		tt.newest(w.snapshot(sets[0][0]))
		v := verdict(t, w.plan(), sets[1][0])
		if tt.want == "kept" {
			if !v.Keep || v.Guard != "" {
				t.Errorf("%s: %+v", name, v)
			}
		} else if v.Guard != tt.want {
			t.Errorf("%s: %q %q, want %q", name, v.Guard, v.Why, tt.want)
		}
	}
}

// "last good copy (per volume, per instance set …)": a volume that is in no newer set keeps
// the last one that has it, and so does one of which there are only members of broken sets.
func TestLastGoodCopyPerVolume(t *testing.T) {
	p := daily("daily", backup.Instances, "daily=2")
	w := newWorld(p)
	w.instance(ins1, "daily", vol1)
	w.volume(vol2, "") // was detached yesterday
	w.copied(p, ins1, at("02:00", 0), vol1)
	w.copied(p, ins1, at("02:00", 1), vol1)
	last := w.copied(p, ins1, at("02:00", 2), vol1, vol2)
	old := w.copied(p, ins1, at("02:00", 3), vol1, vol2)
	if v := verdict(t, w.plan(), last[0]); v.Guard != backup.GuardLastGood || v.Why != "is the last good copy of "+vol2 {
		t.Errorf("%q %q", v.Guard, v.Why)
	}
	if v := verdict(t, w.plan(), old[0]); v.Keep {
		t.Errorf("the one before it is kept: %+v", v)
	}
	w.Snapshots = slices.DeleteFunc(w.Snapshots, func(s fleet.Snapshot) bool { return s.ID == last[0] || s.ID == old[0] })
	if v := verdict(t, w.plan(), last[1]); v.Guard != backup.GuardLastGood {
		t.Errorf("the only copy of %s, in a broken set: %+v", vol2, v)
	}
	if v := verdict(t, w.plan(), old[1]); v.Keep {
		t.Errorf("the broken set before it is kept: %+v", v)
	}
}

// The newest good set of an instance stays where only its volumes have other copies.
func TestLastGoodCopyPerInstanceSet(t *testing.T) {
	p, other := daily("daily", backup.Instances, "daily=1"), daily("disks", backup.Volumes, "daily=9")
	w := newWorld(p, other)
	w.instance(ins1, "daily", vol1, vol2)
	sets := w.copiedDaily(p, ins1, 3, vol1, vol2)
	w.snapshot(sets[0][0]).Archived = true
	w.copied(other, vol1, at("02:00", 0))
	w.copied(other, vol2, at("02:00", 0))
	if v := verdict(t, w.plan(), sets[1][0]); v.Guard != backup.GuardLastGood || v.Why != "is the last good copy of "+ins1 {
		t.Errorf("%q %q", v.Guard, v.Why)
	}
	if v := verdict(t, w.plan(), sets[2][0]); v.Keep {
		t.Errorf("the oldest is kept: %+v", v)
	}
}

// Of a volume that no kept set has, the newest good set stays, not a newer broken or marked
// one; and one that is only marked rather than one with missing members.
func TestLastGoodCopyPrefersGoodSets(t *testing.T) {
	p := daily("daily", backup.Instances, "daily=1")
	for _, tt := range []struct{ older, newer string }{{"good", "broken"}, {"marked", "broken"}, {"good", "marked"}} {
		w := newWorld(p)
		w.instance(ins1, "daily", vol1)
		w.volume(vol2, "")
		w.copied(p, ins1, at("02:00", 0), vol1)
		newer, older := w.copied(p, ins1, at("02:00", 1), vol1, vol2), w.copied(p, ins1, at("02:00", 2), vol1, vol2)
		for ids, is := range map[*[]fleet.SnapshotID]string{&newer: tt.newer, &older: tt.older} {
			switch is {
			case "broken":
				first := (*ids)[0]
				w.Snapshots = slices.DeleteFunc(w.Snapshots, func(s fleet.Snapshot) bool { return s.ID == first })
			case "marked":
				w.snapshot((*ids)[1]).Tags[backup.TagDeleting] = at("02:00", 0).Format(time.RFC3339)
			}
		}
		if v := verdict(t, w.plan(), older[1]); v.Guard != backup.GuardLastGood {
			t.Errorf("%+v: the older set is %+v", tt, v)
		}
		if v := verdict(t, w.plan(), newer[1]); v.Keep {
			t.Errorf("%+v: the newer set is %+v", tt, v)
		}
	}
}

// "Unattended: mark first, delete ≥ 24 h later, at most max(20, 5 % of the chain group) per
// run": of the sets of a policy in all its chains; marks are as many at most, and the
// oldest go first.
func TestCapOfAPolicy(t *testing.T) {
	for _, tt := range []struct{ volumes, want int }{{1, 20}, {10, 20}, {20, 30}} {
		p := daily("daily", backup.Volumes, "daily=1")
		w := newWorld(p)
		for n := range tt.volumes {
			id := fleet.VolumeID("vol-000000000000010" + string(rune('a'+n%6)) + string(rune('0'+n/6)))
			w.volume(id, "daily")
			w.copiedDaily(p, fleet.ResourceID(id), 30)
		}
		w.options.Unattended = true
		marks := 0
		var newest, oldest time.Time
		for _, v := range w.plan().Deletes {
			switch {
			case v.Mark():
				marks++
				if v.Set.Data.After(newest) {
					newest = v.Set.Data
				}
			case v.Guard == backup.GuardCap && (oldest.IsZero() || v.Set.Data.Before(oldest)):
				oldest = v.Set.Data
			}
		}
		if marks != tt.want || oldest.Before(newest) {
			t.Errorf("%d volumes: %d are marked, up to %s, want %d; held from %s on", tt.volumes, marks, newest, tt.want, oldest)
		}
		for _, s := range w.Snapshots {
			if s.Started.Before(at("00:00", 0)) {
				s.Tags[backup.TagDeleting] = at("11:00", 1).Format(time.RFC3339)
			}
		}
		if got := len(deleted(w.plan())); got != tt.want {
			t.Errorf("%d volumes: %d of the marked ones are deleted, want %d", tt.volumes, got, tt.want)
		}
		w.options.Unattended = false
		if got := len(deleted(w.plan())); got != tt.want {
			t.Errorf("%d volumes: a person who states no number deletes %d, want %d", tt.volumes, got, tt.want)
		}
		// With whom the others are shared is not asked: they are over the cap, not unread.
		first := deleted(w.plan())
		w.Shared = map[fleet.SnapshotID][]string{}
		for _, id := range first {
			w.Shared[id] = nil
		}
		asked := w.plan()
		unread := slices.ContainsFunc(asked.Deletes, func(v backup.Verdict) bool { return v.Guard == backup.GuardUnread })
		if unread || !slices.Equal(deleted(asked), first) {
			t.Errorf("%d volumes: once it is known with whom copies are shared %d are deleted, want %d; unread: %t", tt.volumes, len(deleted(asked)), tt.want, unread)
		}
	}
}

// "adopted items are first deletable after 14 days".
func TestAdoptedFor14Days(t *testing.T) {
	for days, guard := range map[int]backup.Guard{0: backup.GuardAdopted, 13: backup.GuardAdopted, 14: ""} {
		p := daily("daily", backup.Volumes, "daily=1")
		w := newWorld(p)
		w.volume(vol1, "daily")
		w.copied(p, vol1, at("02:00", 0))
		old := w.copied(p, vol1, at("02:00", 30))[0]
		w.snapshot(old).Tags[backup.TagAdopted] = at("12:00", days).Format(time.RFC3339)
		if v := verdict(t, w.plan(), old); v.Guard != guard {
			t.Errorf("adopted %d days ago: %q", days, v.Guard)
		}
	}
}

// The last good copy of a volume is the newest one: an older one, by another policy, does
// not make up for it.
func TestLastGoodCopyIsTheNewest(t *testing.T) {
	p, other := daily("daily", backup.Instances, "last=1"), daily("disks", backup.Volumes, "last=1")
	w := newWorld(p, other)
	w.instance(ins1, "daily", vol1)
	w.volume(vol2, "") // was detached today
	w.copied(p, ins1, at("02:00", 0), vol1)
	last := w.copied(p, ins1, at("02:00", 1), vol1, vol2)
	w.copied(other, vol2, at("02:00", 9))
	if v := verdict(t, w.plan(), last[0]); v.Guard != backup.GuardLastGood || v.Why != "is the last good copy of "+vol2 {
		t.Errorf("%q %q", v.Guard, v.Why)
	}
}
