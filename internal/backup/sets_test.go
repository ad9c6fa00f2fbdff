package backup_test

import (
	"slices"
	"testing"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
)

func TestStatesOfASet(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(w *world)
		want   []backup.SetState
	}{
		"complete":           {func(*world) {}, []backup.SetState{backup.SetComplete}},
		"one pending":        {func(w *world) { w.Snapshots[1].State = "pending" }, []backup.SetState{backup.SetPending}},
		"one recovering":     {func(w *world) { w.Snapshots[1].State = "recovering" }, []backup.SetState{backup.SetPending}},
		"one in error":       {func(w *world) { w.Snapshots[0].State = "pending"; w.Snapshots[1].State = "error" }, []backup.SetState{backup.SetError}},
		"one missing":        {func(w *world) { w.Snapshots = w.Snapshots[:1] }, []backup.SetState{backup.SetIncomplete}},
		"one not visible":    {func(w *world) { w.Snapshots = w.Snapshots[:1]; w.At = at("02:06", 0) }, []backup.SetState{backup.SetPending}},
		"one not any more":   {func(w *world) { w.Snapshots = w.Snapshots[:1]; w.At = at("02:08", 0) }, []backup.SetState{backup.SetIncomplete}},
		"one marked":         {func(w *world) { w.Snapshots[1].Tags[backup.TagDeleting] = "x" }, []backup.SetState{backup.SetDeleting}},
		"marked and missing": {func(w *world) { w.Snapshots = w.Snapshots[1:]; w.Snapshots[0].Tags[backup.TagDeleting] = "x" }, []backup.SetState{backup.SetDeleting}},
		"made twice": {func(w *world) {
			w.copied(daily("daily", backup.Instances, "daily=3"), ins1, at("02:00", 0), vol1, vol2)
		}, []backup.SetState{backup.SetComplete, backup.SetComplete}},
		"one made twice": {func(w *world) {
			w.copied(daily("daily", backup.Instances, "daily=3"), ins1, at("02:00", 0), vol1, vol2)
			w.Snapshots = w.Snapshots[:3]
		}, []backup.SetState{backup.SetComplete, backup.SetIncomplete}},
	} {
		w := newWorld()
		w.copied(daily("daily", backup.Instances, "daily=3"), ins1, at("02:00", 0), vol1, vol2)
		tt.change(w)
		sets, strangers := backup.Sets(w.Snapshots, w.At)
		var got []backup.SetState
		for _, s := range sets {
			got = append(got, s.State)
			if s.Expected != 2 || s.Chain.Resource != ins1 || !s.Data.Equal(at("02:02", 0)) || s.Stored == nil {
				t.Errorf("%s: %+v", name, s)
			}
		}
		if slices.Sort(got); !slices.Equal(got, tt.want) || len(strangers) > 0 {
			t.Errorf("%s: %v, want %v; strangers %v", name, got, tt.want, strangers)
		}
	}
}

// Copies of different moments are never one set, for they are not consistent; only single
// copies are, which say so.
func TestTriesAreNotMixed(t *testing.T) {
	p := daily("daily", backup.Instances, "daily=3")
	w := newWorld(p)
	w.copied(p, ins1, at("02:00", 0), vol1, vol2)
	w.copied(p, ins1, at("02:00", 0), vol1, vol2)
	for n := range w.Snapshots[2:] {
		s := &w.Snapshots[2+n]
		s.Started = s.Started.Add(7 * time.Minute)
		s.Tags[backup.TagDataTime] = at("02:09", 0).Format(time.RFC3339)
	}
	w.Snapshots = w.Snapshots[1:] // the first try has lost its first member
	sets, _ := backup.Sets(w.Snapshots, w.At)
	if len(sets) != 2 || sets[0].State != backup.SetComplete || sets[1].State != backup.SetIncomplete {
		t.Fatalf("%+v", sets)
	}
	for n := range w.Snapshots {
		w.Snapshots[n].Tags[backup.TagSet] += "-single"
	}
	w.Snapshots = w.Snapshots[:2] // vol2 of the first, vol1 of the second try
	sets, _ = backup.Sets(w.Snapshots, w.At)
	if len(sets) != 1 || !sets[0].Single || sets[0].State != backup.SetComplete || !sets[0].Data.Equal(at("02:02", 0)) {
		t.Errorf("%+v", sets)
	}
}

// Members that carry different keeps carry none: nobody knows which was planted.
func TestKeepOfASet(t *testing.T) {
	for name, tt := range map[string]struct {
		tags [2]string
		want string
	}{
		"the same":   {[2]string{"daily=2;zone=Europe/Berlin", "daily=2;zone=Europe/Berlin"}, "daily=2;zone=Europe/Berlin"},
		"different":  {[2]string{"daily=2;zone=UTC", "daily=9;zone=UTC"}, ""},
		"one only":   {[2]string{"", "daily=9;zone=UTC"}, ""},
		"no zone":    {[2]string{"daily=2", "daily=2"}, ""},
		"wrong zone": {[2]string{"daily=2;zone=Local", "daily=2;zone=Local"}, ""},
		"no rule":    {[2]string{"daily=0;zone=UTC", "daily=0;zone=UTC"}, ""},
		"nonsense":   {[2]string{"x;zone=UTC", "x;zone=UTC"}, ""},
	} {
		w := newWorld()
		w.copied(daily("daily", backup.Instances, "daily=3"), ins1, at("02:00", 0), vol1, vol2)
		for n, tag := range tt.tags {
			w.Snapshots[n].Tags[backup.TagKeep] = tag
		}
		sets, _ := backup.Sets(w.Snapshots, w.At)
		got := ""
		if sets[0].Stored != nil {
			got = sets[0].Stored.String()
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestSetsAreInOrder(t *testing.T) {
	w := newWorld()
	for _, id := range []backup.PolicyID{"b", "a"} {
		for _, volume := range []fleet.ResourceID{vol2, vol1} {
			for n := range 3 {
				w.copied(daily(id, backup.Volumes, "daily=3"), volume, at("02:00", n))
			}
		}
	}
	sets, _ := backup.Sets(w.Snapshots, w.At)
	var got []string
	for _, s := range sets {
		got = append(got, string(s.Chain.Policy)+" "+string(s.Chain.Resource[19:])+" "+s.Data.Format("02"))
	}
	want := []string{"a 1 30", "a 1 29", "a 1 28", "a 2 30", "a 2 29", "a 2 28", "b 1 30", "b 1 29", "b 1 28", "b 2 30", "b 2 29", "b 2 28"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// Of two runs that have copied in the same second one may be deleted in part: what is left
// of it takes no place of a member of the other.
func TestWhatIsMarkedTakesNoPlace(t *testing.T) {
	p := daily("daily", backup.Instances, "daily=3")
	for name, defect := range map[string]func(w *world, ids []fleet.SnapshotID){
		"marked, and deleted in part": func(w *world, ids []fleet.SnapshotID) {
			w.snapshot(ids[1]).Tags[backup.TagDeleting] = at("11:00", 0).Format(time.RFC3339)
			w.Snapshots = slices.DeleteFunc(w.Snapshots, func(s fleet.Snapshot) bool { return s.ID == ids[0] })
		},
		"a member in error": func(w *world, ids []fleet.SnapshotID) { w.snapshot(ids[1]).State = "error" },
	} {
		w := newWorld(p)
		first, second := w.copied(p, ins1, at("02:00", 0), vol1, vol2), w.copied(p, ins1, at("02:00", 0), vol1, vol2)
		defect(w, first)
		sets, _ := backup.Sets(w.Snapshots, w.At)
		if !slices.ContainsFunc(sets, func(s backup.Set) bool {
			return s.Good() && slices.ContainsFunc(s.Members, func(m fleet.Snapshot) bool { return m.ID == second[1] })
		}) {
			t.Errorf("%s: no good set of %d", name, len(sets))
		}
	}
}
