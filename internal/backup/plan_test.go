package backup_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
)

// TestPlan is a plan from end to end: what is due is copied, what the policy keeps no
// longer is deleted, and everything has a reason.
func TestPlan(t *testing.T) {
	p := daily("daily", backup.Instances, "daily=3")
	w := newWorld(p)
	w.instance(ins1, "daily", vol1, vol2)
	var sets [][]fleet.SnapshotID
	for n := 1; n <= 5; n++ {
		sets = append(sets, w.copied(p, ins1, at("02:00", n), vol1, vol2))
	}
	plan := w.plan()
	c := create(t, plan, ins1)
	if c.Action != backup.ActionCopy || !c.Slot.Equal(at("02:00", 0)) || !slices.Equal(c.Volumes, []fleet.VolumeID{vol1, vol2}) || c.Consistency != backup.Crash {
		t.Errorf("the instance is due since 02:00, and the plan says %+v", c)
	}
	if want := slices.Concat(sets[3], sets[4]); !slices.Equal(deleted(plan), want) {
		t.Errorf("deletes %v, want %v", deleted(plan), want)
	}
	for _, v := range plan.Deletes {
		if len(v.Rules) == 0 {
			t.Errorf("%s has no reason", v.Set.ID)
		}
	}
	if v := verdict(t, plan, sets[3][0]); v.Changed || v.Rules[0] != "daily: the newest 3 are kept" {
		t.Errorf("the fourth set goes because of %q, changed %t", v.Rules, v.Changed)
	}
	if len(plan.Oldest) != 1 || !plan.Oldest[0].Data.Equal(verdict(t, plan, sets[2][0]).Set.Data) {
		t.Errorf("the oldest restore point afterwards is %v", plan.Oldest)
	}
	if at, ok := backup.HashTime(plan.Hash); !ok || !at.Equal(noon()) {
		t.Errorf("the hash is %q", plan.Hash)
	}
}

// "a new copy in between does not invalidate it": the plan of the inventory as of then has
// the hash that a person approved, and its deletions are among those of now.
func TestHashOutlivesANewCopy(t *testing.T) {
	p := daily("daily", backup.Volumes, "daily=3")
	w := newWorld(p)
	w.volume(vol1, "daily")
	w.copiedDaily(p, vol1, 5)
	approved := w.plan()
	w.At = at("02:10", -1)
	w.copied(p, vol1, at("02:00", -1))
	now := w.plan()
	if now.Hash == approved.Hash || len(deleted(now)) != 3 {
		t.Fatalf("a new copy changes what is deleted: %v", deleted(now))
	}
	then, ok := backup.HashTime(approved.Hash)
	again := backup.MakePlan(w.AsOf(then), w.settings, w.options)
	if !ok || again.Hash != approved.Hash {
		t.Errorf("as of %s the hash is %s, want %s", then, again.Hash, approved.Hash)
	}
}

// "Hash = ordered (snapshot, verdict, rule) of the deletions, policy text and target".
func TestHashIsOfPoliciesTargetAndDeletions(t *testing.T) {
	p := daily("daily", backup.Volumes, "daily=3")
	base := func() *world {
		w := newWorld(p)
		w.volume(vol1, "daily")
		w.copiedDaily(p, vol1, 5)
		return w
	}
	hash := base().plan().Hash
	for name, change := range map[string]func(w *world){
		"another account": func(w *world) { w.Target.Account = "999988887777" },
		"another policy":  func(w *world) { w.settings.Policies[0].RPO = 1 },
		"a deletion less": func(w *world) { w.snapshot(deleted(w.plan())[0]).Tags[backup.TagHold] = "audit" },
		"the same for another reason": func(w *world) {
			for _, s := range w.Snapshots {
				s.Tags[backup.TagKeep] = "daily=9;zone=UTC"
			}
		},
		"another rule": func(w *world) {
			w.settings.Policies[0] = daily("daily", backup.Volumes, "last=3")
		},
	} {
		w := base()
		change(w)
		if other := w.plan().Hash; other == hash || other == "" {
			t.Errorf("%s: the hash is %q", name, other)
		}
	}
	w := base()
	w.Snapshots = w.Snapshots[:3]
	if hash := w.plan().Hash; hash != "" {
		t.Errorf("a plan that deletes nothing has the hash %q", hash)
	}
	if _, ok := backup.HashTime(strings.ToUpper(hash)); ok {
		t.Error("what is no hash is read as one")
	}
}

// "DescribeSnapshotAttribute only for deletion candidates": what was not asked about is not
// deleted, once anything was.
func TestSharesAreAskedForCandidates(t *testing.T) {
	w, sets := guarded()
	candidates := w.plan().Candidates()
	if want := slices.Concat(sets[3], sets[4]); !slices.Equal(candidates, want) {
		t.Fatalf("candidates are %v, want %v", candidates, want)
	}
	w.Shared = map[fleet.SnapshotID][]string{}
	for _, id := range sets[4] {
		w.Shared[id] = nil
	}
	plan := w.plan()
	if v := verdict(t, plan, sets[3][0]); v.Guard != backup.GuardUnread {
		t.Errorf("%+v", v)
	}
	if got := deleted(plan); !slices.Equal(got, sets[4]) {
		t.Errorf("deletes %v", got)
	}
}

// "GFS is a property of a chain: (stable policy id, source volume or instance …)": the
// copies of another policy or resource take no place in it.
func TestChainsAreIndependent(t *testing.T) {
	p, other := daily("daily", backup.Volumes, "daily=2"), daily("other", backup.Volumes, "daily=9")
	w := newWorld(p, other)
	w.volume(vol1, "daily")
	w.volume(vol2, "daily")
	w.copiedDaily(other, vol1, 3)
	w.copiedDaily(p, vol2, 3)
	first, second := w.copied(p, vol1, at("02:00", 5)), w.copied(p, vol1, at("02:00", 6))
	third := w.copied(p, vol1, at("02:00", 7))
	w.settings.Policies[0].RPO = time.Hour
	plan := w.plan()
	for _, ids := range [][]fleet.SnapshotID{first, second} {
		if v := verdict(t, plan, ids[0]); !v.Keep || v.Guard != "" {
			t.Errorf("one of the two newest of its chain: %+v", v)
		}
	}
	if v := verdict(t, plan, third[0]); !strings.Contains(v.Rules[0], "the newest 2 are kept") {
		t.Errorf("the third: %+v", v)
	}
	if len(plan.Oldest) != 3 || !plan.Oldest[0].Data.Equal(at("02:02", 7)) {
		t.Errorf("the oldest restore points are %+v", plan.Oldest) // creating fails for a week, and holds it
	}
}
