package backup

import (
	"context"

	"nightshift/internal/fleet"
)

// Copies makes and deletes snapshots. No method asks twice after an unclear answer, only
// after throttling: CreateSnapshot has no client token, so that a second request makes a
// second snapshot. An unclear answer is an error of kind fleet.ErrUnavailable.
type Copies interface {
	Makes
	Finds
	Removes
}

// Makes makes snapshots, and never asks twice after an unclear answer.
type Makes interface {
	// CopyVolume makes a snapshot of one volume.
	CopyVolume(ctx context.Context, id fleet.VolumeID, description string, tags fleet.Tags) (fleet.Snapshot, error)
	// CopyInstance makes snapshots of all volumes of an instance at one moment, without
	// those excluded, 40 data volumes at most, and without the root volume where noRoot
	// says so.
	CopyInstance(ctx context.Context, id fleet.ResourceID, noRoot bool, exclude []fleet.VolumeID, description string, tags fleet.Tags) ([]fleet.Snapshot, error)
}

// Finds reads snapshots of one account and region.
type Finds interface {
	// FindCopies lists own snapshots with a tag of this key whose value begins with the
	// prefix.
	FindCopies(ctx context.Context, key, prefix string) ([]fleet.Snapshot, error)
	// ReadCopies reads snapshots again by their ids; those that are gone are not in the
	// answer.
	ReadCopies(ctx context.Context, ids []fleet.SnapshotID) ([]fleet.Snapshot, error)
	// SharedWith is who may make volumes of a snapshot; "all" is everybody.
	SharedWith(ctx context.Context, id fleet.SnapshotID) ([]string, error)
}

// Removes deletes snapshots and changes their tags.
type Removes interface {
	// DeleteCopy deletes one snapshot; one that is gone is no error.
	DeleteCopy(ctx context.Context, id fleet.SnapshotID) error
	// TagCopies and UntagCopies write and remove tags.
	TagCopies(ctx context.Context, ids []fleet.SnapshotID, tags fleet.Tags) error
	UntagCopies(ctx context.Context, ids []fleet.SnapshotID, keys []string) error
}

// Ports are what a plan is made and carried out with.
type Ports struct {
	Copies
	// Read reads all that a plan is made from. Listings that fail are in
	// Inventory.Unread; an error says that nothing could be read.
	Read func(ctx context.Context) (Inventory, error)
}
