package backup_test

import (
	"slices"
	"strings"
	"testing"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
)

// "changed blocks > 10 × the median (a sign of encryption)": of the last copy, in blocks of
// 512 KiB, against those of the earlier ones that were measured.
func TestUnusualChanges(t *testing.T) {
	for name, tt := range map[string]struct {
		newestFirst string // the tags; "-" is none
		want        int64  // bytes
		atLeast     bool
	}{
		"more than ten times":         {"20490 100 9000 2048 2049 2047", 20490 << 19, false},
		"ten times":                   {"20480 100 9000 2048 2049 2047", 0, false},
		"at least so much":            {"250000+ 10 20 30", 250000 << 19, true},
		"two earlier ones are few":    {"250000 10 20", 0, false},
		"some were not measured":      {"250000 - 10 20 - 30", 250000 << 19, false},
		"the last was not measured":   {"- 250000 10 20 30", 0, false},
		"nothing happens, then 1 GiB": {"2048 0 0 0", 2048 << 19, false},
		"nothing happens, then less":  {"2047 0 0 0", 0, false},
		"a planted tag":               {"-5 0 0 0", 0, false},
		"another":                     {"99999999999999999999 0 0 0", 0, false},
		"earlier planted ones":        {"250000 1e9 0x7 +3 10", 0, false},
	} {
		p := daily("daily", backup.Volumes, "daily=20")
		w := newWorld(p)
		w.volume(vol1, "daily")
		tags := strings.Fields(tt.newestFirst)
		for n, set := range w.copiedDaily(p, vol1, len(tags)) {
			if tags[n] != "-" {
				w.snapshot(set[0]).Tags[backup.TagChanged] = tags[n]
			}
		}
		got := w.status(backup.StatusOptions{}).Unusual
		if tt.want == 0 {
			if len(got) > 0 {
				t.Errorf("%s: %+v", name, got)
			}
			continue
		}
		if len(got) != 1 || got[0].Bytes != tt.want || got[0].AtLeast != tt.atLeast || got[0].Volume != vol1 || got[0].Policy != "daily" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Only the newest copy of what a policy selects is measured, once, against the one before;
// never one without a predecessor, without room for a tag, archived or of others.
func TestUnmeasured(t *testing.T) {
	p := daily("daily", backup.Instances, "daily=20")
	for name, tt := range map[string]struct {
		change func(w *world, newest, before []fleet.SnapshotID)
		want   int // members
	}{
		"as they are": {func(*world, []fleet.SnapshotID, []fleet.SnapshotID) {}, 2},
		"one is measured": {func(w *world, newest, _ []fleet.SnapshotID) {
			w.snapshot(newest[0]).Tags[backup.TagChanged] = "0"
		}, 1},
		"one cannot be tagged": {func(w *world, newest, _ []fleet.SnapshotID) {
			for n := range 45 {
				w.snapshot(newest[0]).Tags["k"+string(rune('A'+n))] = ""
			}
		}, 1},
		"one is archived": {func(w *world, _, before []fleet.SnapshotID) { w.snapshot(before[0]).Archived = true }, 1},
		"not selected":    {func(w *world, _, _ []fleet.SnapshotID) { w.Instances[0].Tags = nil }, 0},
		"nothing is complete": {func(w *world, _, _ []fleet.SnapshotID) {
			w.eachSnapshot(func(s *fleet.Snapshot) { s.State = "pending" })
		}, 0},
		"the only copy": {func(w *world, _, _ []fleet.SnapshotID) { w.Snapshots = w.Snapshots[:2] }, 0},
	} {
		w := newWorld(p)
		w.instance(ins1, "daily", vol1, vol2)
		sets := w.copiedDaily(p, ins1, 3, vol1, vol2)
		tt.change(w, sets[0], sets[1])
		plan := w.plan()
		got := plan.Unmeasured()
		if len(got) != tt.want {
			t.Errorf("%s: %v", name, got)
		}
		for _, c := range got {
			if n := slices.Index(sets[0], c.Second); n < 0 || c.First != sets[1][n] {
				t.Errorf("%s: %v", name, c)
			}
		}
	}
}

func (w *world) eachSnapshot(do func(*fleet.Snapshot)) {
	for n := range w.Snapshots {
		do(&w.Snapshots[n])
	}
}

// What was measured is what the status reads.
func TestChangedTag(t *testing.T) {
	for want, c := range map[string]fleet.BlockChanges{"0": {}, "3": {New: 3 << 19, Gone: 1 << 30}, "250000+": {New: 250000 << 19, AtLeast: true}} {
		if got := backup.ChangedTag(c); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
