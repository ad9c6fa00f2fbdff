package backup_test

import (
	"maps"
	"testing"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
)

// "or by full sample counts of zero writes on Nitro": asked only where a policy skips what
// is unchanged, and where nothing else proves or rules it out.
func TestUnchangedByItsWrites(t *testing.T) {
	for name, tt := range map[string]struct {
		change  func(w *world)
		asked   int
		skipped bool // where all is unwritten
	}{
		"running":           {func(*world) {}, 2, true},
		"one is proven":     {func(w *world) { w.Instances[0].State, w.Instances[0].Stopped = fleet.Stopped, at("19:00", 2) }, 0, true},
		"not to be skipped": {func(w *world) { w.settings.Policies[0].SkipUnchanged = false }, 0, false},
		"resized":           {func(w *world) { w.Volumes[0].SizeGiB = 101 }, 0, false},
		"attached since":    {func(w *world) { w.Volumes[0].Attachments[0].At = at("03:00", 1) }, 0, false},
		"without a copy":    {func(w *world) { w.Snapshots = nil }, 0, false},
	} {
		p := daily("daily", backup.Instances, "daily=3")
		p.SkipUnchanged = true
		w := newWorld(p)
		w.instance(ins1, "daily", vol1, vol2)
		w.copied(p, ins1, at("02:00", 1), vol1, vol2)
		data := at("02:02", 1)
		tt.change(w)
		plan := w.plan()
		asked := plan.Unproven()
		want := map[fleet.VolumeID]time.Time{vol1: data, vol2: data}
		if len(asked) != tt.asked || tt.asked > 0 && !maps.Equal(asked, want) {
			t.Errorf("%s: asks %v", name, asked)
		}
		for _, written := range []fleet.VolumeID{"", vol2} {
			w.options.Unwritten = func(id fleet.VolumeID, since time.Time) bool { return id != written && since.Equal(data) }
			c := create(t, w.plan(), ins1)
			skipped := c.Action == backup.ActionNone && c.Reason.Code == "unchanged"
			if want := tt.skipped && (written == "" || tt.asked == 0); skipped != want {
				t.Errorf("%s, written to %q: %s %s", name, written, c.Action, c.Reason.Code)
			}
		}
	}
}
