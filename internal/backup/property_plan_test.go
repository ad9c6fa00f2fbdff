package backup_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
)

// coverages are those of the volumes.
func coverages(w *world) map[fleet.VolumeID]backup.VolumeStatus {
	of := map[fleet.VolumeID]backup.VolumeStatus{}
	for _, v := range backup.MakeStatus(w.Inventory, w.settings, backup.StatusOptions{}).Volumes {
		of[v.Volume] = v
	}
	return of
}

// Deletions never make the coverage worse: where the RPO was met it still is. The copies of
// an instance that is gone for longer than its policy keeps them go all the same, once a
// person has approved that.
func TestDeletionsNeverMissTheRPO(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		for n := range w.settings.Policies {
			w.settings.Policies[n].RPO = time.Duration(rapid.IntRange(0, 200).Draw(t, "rpo")) * time.Hour
		}
		for n := range w.Snapshots {
			w.Snapshots[n].Archived = false // one that a person archived takes the place of its period
		}
		w.settings.RPO = time.Duration(rapid.IntRange(1, 200).Draw(t, "rpo of the others")) * time.Hour
		plan := w.plan()
		orphaned := map[fleet.VolumeID]bool{}
		for _, v := range plan.Deletions() {
			for _, m := range v.Set.Members {
				orphaned[m.Volume] = orphaned[m.Volume] || v.Orphan
			}
		}
		after := coverages(w.without(plan))
		for id, before := range coverages(w) {
			if before.Coverage == backup.Protected && after[id].Coverage != backup.Protected && !orphaned[id] {
				t.Fatalf("%s was %s and is %s\n%s", id, before.Coverage, after[id].Coverage, summary(plan))
			}
		}
	})
}

// applied is the world after a plan was carried out as far as some step: what is deleted is
// marked first, then it goes one by one.
func (w *world) applied(t *rapid.T, p backup.Plan) *world {
	after := *w
	after.Snapshots = slices.Clone(w.Snapshots)
	for n := range after.Snapshots {
		after.Snapshots[n].Tags = copyTags(after.Snapshots[n].Tags)
	}
	all := deleted(p)
	for _, id := range all {
		if s := after.snapshot(id); s.Tags[backup.TagDeleting] == "" {
			s.Tags[backup.TagDeleting] = after.At.Format(time.RFC3339)
		}
	}
	gone := rapid.Permutation(all).Draw(t, "order")[:rapid.IntRange(0, len(all)).Draw(t, "killed after")]
	after.Snapshots = slices.DeleteFunc(after.Snapshots, func(s fleet.Snapshot) bool { return slices.Contains(gone, s.ID) })
	return &after
}

// A plan that was carried out in part, in whatever order, and is made again, deletes nothing
// that the first did not: what is left over goes, and no other set has to make up for it.
func TestAnInterruptedPlanDeletesNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		plan := w.plan()
		all := deleted(plan)
		for _, id := range deleted(w.applied(t, plan).plan()) {
			if !slices.Contains(all, id) {
				t.Fatalf("%s goes, too\n%s", id, summary(plan))
			}
		}
	})
}

// "All members get one verdict": each snapshot of ours is in one set, and all snapshots
// of a set are in the same verdict.
func TestMembersHaveOneVerdict(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		w.options.Unattended = rapid.Bool().Draw(t, "unattended")
		w.options.MaxDeletions = rapid.IntRange(1, 4).Draw(t, "most")
		plan := w.plan()
		verdicts := map[fleet.SnapshotID]int{}
		for n, v := range plan.Deletes {
			for _, m := range v.Set.Members {
				if other, twice := verdicts[m.ID]; twice {
					t.Fatalf("%s is in the verdicts %d and %d", m.ID, other, n)
				}
				verdicts[m.ID] = n
				copied, ours, _ := backup.Identify(m, w.At)
				if !ours || copied.Set != v.Set.ID {
					t.Fatalf("%s is in %s", m.ID, v.Set.ID)
				}
			}
		}
		going := deleted(plan)
		for _, v := range plan.Deletes {
			for _, m := range v.Set.Members {
				if slices.Contains(going, m.ID) == v.Keep {
					t.Fatalf("%s of %s", m.ID, summary(plan))
				}
			}
		}
		for _, s := range w.Snapshots {
			_, judged := verdicts[s.ID]
			stranger := slices.ContainsFunc(plan.Strangers, func(x backup.Stranger) bool { return x.Snapshot == s.ID })
			if judged == stranger {
				t.Fatalf("%s has a verdict %t and is a stranger %t", s.ID, judged, stranger)
			}
		}
	})
}

// What others plant in the tags of sets makes an unattended run delete nothing that the
// policy keeps: marks of any age, numbers of members, slots and keeps.
func TestPlantedTagsNeverDeleteWhatThePolicyKeeps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := daily("a", backup.Instances, "daily=5"), daily("b", backup.Volumes, "daily=5")
		w := newWorld(a, b)
		w.options = backup.Options{Unattended: true, MaxDeletions: 1_000_000}
		w.instance(ins1, "a", vol1, vol2)
		w.volume(vol3, "b")
		w.copiedDaily(a, ins1, 5, vol1, vol2)
		w.copiedDaily(b, vol3, 5)
		sets, _ := backup.Sets(w.Snapshots, w.At)
		for _, s := range sets {
			planted := plant(t, s.Members[0].Tags)
			for _, m := range s.Members {
				w.snapshot(m.ID).Tags = copyTags(planted)
			}
		}
		if got := deleted(w.plan()); len(got) > 0 {
			t.Fatalf("deletes %v\n%s", got, summary(w.plan()))
		}
	})
}

func plant(t *rapid.T, tags fleet.Tags) fleet.Tags {
	tags = copyTags(tags)
	chain, slot, members, _, _ := backup.SetID(tags[backup.TagSet]).Read()
	planted := rapid.IntRange(0, 15).Draw(t, "planted")
	if planted&1 != 0 {
		tags[backup.TagDeleting] = at("00:00", rapid.IntRange(-2, 9).Draw(t, "marked")).Format(time.RFC3339)
	}
	if planted&2 != 0 {
		slot = at("02:00", rapid.IntRange(-3, 9).Draw(t, "slot"))
	}
	if planted&4 != 0 {
		members = rapid.IntRange(1, 4).Draw(t, "members")
	}
	if planted&8 != 0 {
		tags[backup.TagKeep] = rapid.SampledFrom([]string{"last=1;zone=UTC", "daily=1;zone=Asia/Seoul", "x"}).Draw(t, "keep")
	}
	tags[backup.TagSet] = string(backup.NewSetID(chain, slot, members, false))
	tags[backup.TagSlot] = slot.Format(time.RFC3339)
	return tags
}
