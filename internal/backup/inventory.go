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
	// Held says what holds a snapshot back, by reason: an image, a launch template, a
	// lock, fast restore.
	Locked    map[fleet.SnapshotID]time.Time // until when
	Fast      map[fleet.SnapshotID]bool
	Templates map[fleet.SnapshotID]string // the launch template that names it
	Public    map[fleet.SnapshotID]bool
	Recovery  []fleet.RecoveryPoint
	Bin       []fleet.BinRule
	// Unread has an error for each listing that is not whole.
	Unread map[Part]error
}
