package state

import (
	"fmt"
	"time"

	"nightshift/internal/sandbox/random"
)

// Snapshot is a snapshot of a volume.
type Snapshot struct {
	Seq         uint64
	ID          string
	Owner       string // account id
	Alias       string // "amazon", or empty
	Volume      string // id of the volume, which may be gone
	Description string
	SizeGiB     int64     // size of the volume
	Full        int64     // bytes in all blocks that it refers to
	Started     time.Time // when it was asked for
	Finished    time.Time // until then "pending"
	Archived    bool
	Encrypted   bool
	Shared      bool // by its owner, who is someone else, with this account
	Public      bool
	Tags        Tags
}

// CopiedVolume is the volume that AWS names for a snapshot that was copied: it
// stands for none.
const CopiedVolume = "vol-ffffffff"

// Status is the status in the words of EC2.
func (s *Snapshot) Status(now time.Time) string {
	if now.Before(s.Finished) {
		return "pending"
	}
	return "completed"
}

// Progress is the part of the snapshot that is done, such as "43%".
func (s *Snapshot) Progress(now time.Time) string {
	if !now.Before(s.Finished) {
		return "100%"
	}
	return fmt.Sprintf("%d%%", 100*now.Sub(s.Started)/s.Finished.Sub(s.Started))
}

// Tier is the storage tier in the words of EC2.
func (s *Snapshot) Tier() string {
	if s.Archived {
		return "archive"
	}
	return "standard"
}

// imageSnapshot is the snapshot that an image's root volume is made from. It
// belongs to AWS and is public.
func imageSnapshot(image string) string { return fmt.Sprintf("snap-0%016x", random.HashText(4, image)) }

// imageOwner is the account that images and their snapshots belong to.
const imageOwner = "801119661308"

// imageSnapshots are those of the images of the account, which are there in
// every region and before everything else.
func imageSnapshots() []*Snapshot {
	built := time.Date(2026, 2, 11, 4, 20, 0, 0, time.UTC)
	var list []*Snapshot
	for n, s := range Systems() {
		list = append(list, &Snapshot{
			Seq: uint64(n) + 1, ID: imageSnapshot(s.image), Owner: imageOwner, Alias: "amazon", Volume: CopiedVolume, Public: true,
			Description: "Image " + s.image, SizeGiB: s.RootGiB, Full: s.RootGiB << 29, Started: built, Finished: built.Add(4 * time.Minute),
		})
	}
	return list
}

// AddSnapshot puts a snapshot into the region. Those of images come first.
func (r *Region) AddSnapshot(s Snapshot) {
	s.Seq = 1<<32 | r.NextSeq()
	r.Other.Snapshots = append(r.Other.Snapshots, &s)
}

// Restorable are the snapshots that the region's owner can make volumes of.
func (r *Region) Restorable() []*Snapshot {
	return append(imageSnapshots(), r.Other.Snapshots...)
}

// SnapshotNamed finds a snapshot that volumes can be made of; nil where there
// is none.
func (r *Region) SnapshotNamed(id string) *Snapshot {
	for _, s := range r.Restorable() {
		if s.ID == id {
			return s
		}
	}
	return nil
}
