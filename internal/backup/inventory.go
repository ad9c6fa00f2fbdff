package backup

import (
	"time"

	"nightshift/internal/fleet"
)

// Part is one of the listings of an Inventory.
type Part string

// The listings. What failed or was denied is in Inventory.Unread: it is unknown,
// never absent.
const (
	PartVolumes   Part = "volumes"
	PartInstances Part = "instances"
	PartSnapshots Part = "snapshots"
	PartImages    Part = "images"
	PartLocks     Part = "locked snapshots"
	PartFast      Part = "fast snapshot restores"
	PartTemplates Part = "launch templates"
	PartPublic    Part = "public snapshots"
	PartRecovery  Part = "AWS Backup recovery points"
	PartBin       Part = "Recycle Bin rules"
	PartDatabases Part = "database instances"
	PartShared    Part = "permissions of snapshots"
	PartKeys      Part = "KMS keys"
	PartQuota     Part = "snapshot quota"
)

// Inventory is all that a plan or a status of one account and region is made from.
type Inventory struct {
	Target fleet.Target
	// At is AWS's time once all was read.
	At        time.Time
	Volumes   []fleet.Volume
	Instances []fleet.Instance
	Snapshots []fleet.Snapshot // the account's own, whoever made them
	// Images are the account's own, disabled and deprecated ones, too.
	Images []fleet.Image
	// Locked, Fast and Templates say what holds a snapshot back.
	Locked    map[fleet.SnapshotID]time.Time // until when; zero is for ever
	Fast      map[fleet.SnapshotID]bool
	Templates map[fleet.SnapshotID]string // the launch template that names it
	Public    map[fleet.SnapshotID]bool
	// Shared are the accounts, or "all", that may use a snapshot. It is read for the
	// Candidates of a plan only, and made for another plan: where it is not nil, what it
	// does not have is not deleted. Other snapshots may have become candidates since.
	Shared   map[fleet.SnapshotID][]string
	Recovery []fleet.RecoveryPoint
	Bin      []fleet.BinRule
	// Keys are those of KeysOf by their ARNs, without those that could not be read.
	Keys map[string]fleet.Key
	// MostSnapshots is how many snapshots the account can have in the region; 0 where that
	// could not be read.
	MostSnapshots int
	// Unread has an error for each listing that is not whole.
	Unread map[Part]error
}

// AsOf is the inventory as far as it was known at an earlier time: without later
// snapshots, and with those pending that were completed later. A plan of it is the plan
// that was made at that time, if nothing else has changed: a new copy in between does not
// invalidate the hash that a person has approved.
func (i Inventory) AsOf(at time.Time) Inventory {
	snapshots := make([]fleet.Snapshot, 0, len(i.Snapshots))
	end := at.Truncate(time.Second).Add(time.Second) // plans have whole seconds
	for _, s := range i.Snapshots {
		if !s.Started.Before(end) {
			continue
		}
		if s.State == stateCompleted && !s.Completed.Before(end) {
			s.State = statePending
		}
		snapshots = append(snapshots, s)
	}
	i.At, i.Snapshots = at, snapshots
	return i
}
