package backup_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/retention"
)

// drawWorld has policies, resources and copies of all kinds, in every state.
func drawWorld(t *rapid.T) *world {
	keep := func(name string) string {
		return rapid.SampledFrom([]string{"last=1", "last=2", "daily=2", "daily=3,weekly=2", "within=3d", "within-daily=1m,weekly=1", "yearly=1"}).Draw(t, name)
	}
	a, b, c := daily("a", backup.Instances, keep("a")), daily("b", backup.Volumes, keep("b")), daily("c", backup.Volumes, keep("c"))
	for _, p := range []*backup.Policy{&a, &b, &c} {
		if rapid.Bool().Draw(t, "after source deleted") {
			p.AfterSourceDeleted = retention.Duration{Days: rapid.IntRange(1, 30).Draw(t, "days")}
		}
	}
	w := newWorld(a, b, c)
	w.options.MaxDeletions = 1_000_000
	disks := []fleet.VolumeID{vol1, vol2, vol3}
	if rapid.IntRange(0, 4).Draw(t, "instance") > 0 {
		w.instance(ins1, "a", disks[:rapid.IntRange(1, 2).Draw(t, "disks")]...)
	}
	for _, id := range disks {
		if rapid.Bool().Draw(t, "there") && !slices.ContainsFunc(w.Volumes, func(v fleet.Volume) bool { return v.ID == id }) {
			w.volume(id, rapid.SampledFrom([]string{"", "b", "c"}).Draw(t, "tag"))
		}
	}
	for range rapid.IntRange(0, 14).Draw(t, "sets") {
		p := rapid.SampledFrom([]backup.Policy{a, b, c}).Draw(t, "policy")
		p.Keep = must(retention.ParseKeep(keep("stored")))
		slot := noon().Add(-time.Duration(rapid.IntRange(0, 40*4).Draw(t, "slot")) * 6 * time.Hour)
		of, volumes := fleet.ResourceID(rapid.SampledFrom(disks).Draw(t, "of")), []fleet.VolumeID(nil)
		if p.Resource == backup.Instances {
			of, volumes = ins1, disks[:rapid.IntRange(1, 3).Draw(t, "members")]
		}
		for n, id := range w.copied(p, of, slot, volumes...) {
			drawDefect(t, w, w.snapshot(id), n)
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "policies") == 0 {
		w.settings.Policies = w.settings.Policies[rapid.IntRange(1, 3).Draw(t, "policies left"):]
	}
	return w
}

// drawDefect makes something of a snapshot that is not as it should be, or not there.
func drawDefect(t *rapid.T, w *world, s *fleet.Snapshot, _ int) {
	switch rapid.IntRange(0, 30).Draw(t, "defect") {
	case 1:
		s.State = "pending"
	case 2:
		s.State = "error"
	case 3:
		s.Archived = true
	case 4:
		s.Tags[backup.TagDeleting] = at("12:00", rapid.IntRange(0, 3).Draw(t, "marked")).Format(time.RFC3339)
	case 5:
		delete(s.Tags, backup.TagKeep)
	case 6:
		s.Tags[backup.TagHold] = "audit"
	case 7:
		s.Tags[backup.TagProven] = "x"
	case 8:
		w.Images = append(w.Images, fleet.Image{ID: "ami-1", State: "available", Snapshots: []fleet.SnapshotID{s.ID}})
	case 9:
		id := s.ID
		w.Snapshots = slices.DeleteFunc(w.Snapshots, func(s fleet.Snapshot) bool { return s.ID == id })
	}
}

// without is the world after the deletions of a plan, and without the marks that it takes
// back.
func (w *world) without(p backup.Plan) *world {
	after := *w
	gone := deleted(p)
	after.Snapshots = slices.DeleteFunc(slices.Clone(w.Snapshots), func(s fleet.Snapshot) bool { return slices.Contains(gone, s.ID) })
	return &after
}

// good are the resources that have a good copy of ours in the standard tier, the volumes
// in a set of an instance among them.
func good(w *world) map[fleet.ResourceID]bool {
	have := map[fleet.ResourceID]bool{}
	sets, _ := backup.Sets(w.Snapshots, w.At)
	for _, s := range sets {
		if !s.Good() {
			continue
		}
		all := true
		for _, m := range s.Members {
			if m.Archived {
				all = false
			} else {
				have[fleet.ResourceID(m.Volume)] = true
			}
		}
		if all {
			have[s.Chain.Resource] = true
		}
	}
	return have
}

func TestNoResourceLosesItsLastGoodCopy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		plan := w.plan()
		after := good(w.without(plan))
		for id := range good(w) {
			exists := slices.ContainsFunc(w.Volumes, func(v fleet.Volume) bool { return fleet.ResourceID(v.ID) == id }) ||
				slices.ContainsFunc(w.Instances, func(i fleet.Instance) bool { return i.ID == id })
			if exists && !after[id] {
				t.Fatalf("%s has no good copy any more", id)
			}
		}
	})
}

func TestNarrowedSelectorDeletesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		for n := range w.settings.Policies {
			p := &w.settings.Policies[n]
			p.Tags = append(slices.Clone(p.Tags), fleet.Tag{Key: "Stage", Value: "prod"})
		}
		for _, v := range w.plan().Deletions() {
			configured := slices.ContainsFunc(w.settings.Policies, func(p backup.Policy) bool { return p.ID == v.Set.Chain.Policy })
			begun := v.Set.State == backup.SetDeleting && len(v.Set.Members) < v.Set.Expected
			if configured && !begun && !v.Orphan {
				t.Fatalf("%s, %s, is deleted: %q", v.Set.ID, v.Set.State, v.Rules)
			}
		}
	})
}

func TestOrderOfTheInventoryDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		before := w.plan()
		other := *w
		other.Snapshots = rapid.Permutation(w.Snapshots).Draw(t, "snapshots")
		other.Volumes = rapid.Permutation(w.Volumes).Draw(t, "volumes")
		other.Images = rapid.Permutation(w.Images).Draw(t, "images")
		if after := other.plan(); !reflect.DeepEqual(before, after) {
			t.Fatalf("%s\nin another order\n%s", summary(before), summary(after))
		}
	})
}

// A plan of what is left after a plan was carried out deletes nothing more.
func TestPlanningAgainDeletesNothingMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		plan := w.plan()
		if again := w.without(plan).plan(); len(deleted(again)) > 0 {
			t.Fatalf("%s\nand then\n%s", summary(plan), summary(again))
		}
	})
}

// Every set has one verdict, with a rule, and whatever is kept against its rules has a
// guard with a reason. "At most one copy per volume per run".
func TestEverySetHasAReason(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		w.options.Unattended = rapid.Bool().Draw(t, "unattended")
		plan := w.plan()
		sets, _ := backup.Sets(w.Snapshots, w.At)
		if len(sets) != len(plan.Deletes) {
			t.Fatalf("%d verdicts on %d sets", len(plan.Deletes), len(sets))
		}
		for _, v := range plan.Deletes {
			if len(v.Rules) == 0 || (v.Guard == "") != (v.Why == "") || v.Guard != "" && !v.Keep {
				t.Fatalf("%+v", v)
			}
		}
		copied := map[fleet.VolumeID]bool{}
		for _, c := range plan.Creates {
			for _, v := range c.Volumes {
				if c.Action != backup.ActionNone && copied[v] {
					t.Fatalf("%s is copied twice in one run", v)
				}
				copied[v] = copied[v] || c.Action != backup.ActionNone
			}
			if c.Reason.Code == "" || c.Reason.Text == "" || (c.Action == backup.ActionRetry) != (len(c.Failed) > 0) {
				t.Fatalf("%+v", c)
			}
		}
		if (plan.Hash == "") != (len(deleted(plan)) == 0) {
			t.Fatalf("%d deletions, hash %q", len(deleted(plan)), plan.Hash)
		}
	})
}

// An unattended run deletes only what a person could delete, too, and what was marked for
// a day.
func TestUnattendedDeletesLess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		attended := deleted(w.plan())
		w.options.Unattended = true
		for _, v := range w.plan().Deletions() {
			for _, m := range v.Set.Members {
				if !slices.Contains(attended, m.ID) {
					t.Fatalf("%s is deleted, and would not be by a person", m.ID)
				}
			}
			if v.Changed || v.Orphan || v.Set.State == backup.SetDeleting && len(v.Set.Members) == v.Set.Expected && w.At.Sub(v.Set.Marked) < 24*time.Hour {
				t.Fatalf("%+v", v)
			}
			if v.Set.Marked.IsZero() {
				t.Fatalf("%s is not marked", v.Set.ID)
			}
		}
	})
}

func summary(p backup.Plan) string {
	text := ""
	for _, v := range p.Deletes {
		text += fmt.Sprintf("%s %s %s keep %t guard %q rules %q members %d\n", v.Set.ID, v.Set.State, v.Set.Data.Format(time.RFC3339), v.Keep, v.Guard, v.Rules, len(v.Set.Members))
	}
	return text
}
