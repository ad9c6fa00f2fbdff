package backup_test

import (
	"fmt"
	"testing"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
)

// What has no room for the mark of a deletion, and the tags beside it, is not adopted.
func TestAdoptedSnapshotsHaveRoomForLaterTags(t *testing.T) {
	w := newWorld(daily("daily", backup.Volumes, "daily=3"))
	w.volume(vol1, "daily")
	for tags, refused := range map[int]bool{0: false, 39: false, 40: true, 50: true} {
		s := fleet.Snapshot{ID: "snap-1", Volume: vol1, State: "completed", Started: at("02:00", 9), Completed: at("02:10", 9), Tags: fleet.Tags{}}
		for n := range tags {
			s.Tags[fmt.Sprint("key", n)] = "x"
		}
		w.Snapshots = []fleet.Snapshot{s}
		a := backup.PlanAdoption(w.Inventory, w.settings, backup.AdoptInput{Snapshots: []fleet.SnapshotID{s.ID}})[0]
		if a.Refused() != refused || refused && a.Code != "too-many-tags" {
			t.Errorf("%d tags: %q %q", tags, a.Code, a.Text)
		}
		if _, ours, _ := backup.Identify(fleet.Snapshot{ID: s.ID, Volume: vol1, State: s.State, Started: s.Started, Tags: a.Tags}, w.At.Add(time.Minute)); ours == refused {
			t.Errorf("%d tags: ours %t", tags, ours)
		}
	}
}
