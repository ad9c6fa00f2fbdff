package state

import "time"

// MostSnapshots is the quota of snapshots in a region that an account begins with.
const MostSnapshots = 100_000

// SnapshotInterval is the least time between two snapshots of a volume.
const SnapshotInterval = 15 * time.Second

// AtOnce is how many snapshots of the volume may be in progress at once.
func (v *Volume) AtOnce() int {
	if v.Type == "st1" || v.Type == "sc1" {
		return 1
	}
	return 5
}
