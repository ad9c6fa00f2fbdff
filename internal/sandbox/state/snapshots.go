package state

import (
	"cmp"
	"fmt"
	"slices"
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
	Failure     string    // with what it ends in state "error"; empty: it completes
	Archived    bool
	Encrypted   bool
	KMSKey      string
	Shared      bool // by its owner, who is someone else, with this account
	Public      bool
	Users       []string // accounts that may make volumes of it, too
	Tags        Tags
	Lock        *SnapshotLock
	LastWrite   time.Time        // when its volume was last written to; zero: when it was made
	Blocks      map[int64]uint64 // see SetBlocks; nil: as [Snapshot.BlockAt] has them

	Made    time.Time  // when a call made it; zero: it was always there
	Visible time.Time  // Describe calls do not show it before
	Retag   *Retagging // the last change of its tags
	deleted bool       // while it was pending
}

// Retagging is a change of tags that some answers do not show yet.
type Retagging struct {
	At      time.Time
	Visible time.Time // Describe calls show the tags before until then
	Before  Tags
}

// CopiedVolume is the volume that AWS names for a snapshot that was copied: it
// stands for none.
const CopiedVolume = "vol-ffffffff"

// Status is the status in the words of EC2.
func (s *Snapshot) Status(now time.Time) string {
	switch {
	case now.Before(s.Finished):
		return "pending"
	case s.Failure != "":
		return "error"
	}
	return "completed"
}

// Progress is the part of the snapshot that is done, such as "43%".
func (s *Snapshot) Progress(now time.Time) string {
	switch {
	case s.Failure != "":
		return "0%"
	case !now.Before(s.Finished):
		return "100%"
	}
	return fmt.Sprintf("%d%%", 100*now.Sub(s.Started)/s.Finished.Sub(s.Started))
}

// Stored is how long its blocks take to be stored, at two seconds a GiB: all of them,
// or a tenth where there is an earlier snapshot of the volume.
func (s *Snapshot) Stored(follows bool) time.Duration {
	takes := time.Duration(s.Full>>20) * 2 * time.Second / 1024
	if follows {
		takes /= 10
	}
	return takes
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

// snapshotIndex finds snapshots of a region without looking at all of them.
type snapshotIndex struct {
	byID map[string]*Snapshot
	// of are those of a volume, the oldest first, with those that were deleted before
	// they were complete.
	of map[string][]*Snapshot
}

// AddSnapshot puts a snapshot into the region. Those of images come first.
func (r *Region) AddSnapshot(s Snapshot) *Snapshot {
	s.Seq = 1<<32 | r.NextSeq()
	r.putSnapshot(&s)
	return &s
}

func (r *Region) putSnapshot(s *Snapshot) {
	h := &r.Other
	if h.index.byID == nil {
		h.index = snapshotIndex{byID: map[string]*Snapshot{}, of: map[string][]*Snapshot{}}
	}
	at, _ := slices.BinarySearchFunc(h.Snapshots, s.Seq, bySeq)
	h.Snapshots = slices.Insert(h.Snapshots, at, s)
	h.index.byID[s.ID] = s
	h.index.of[s.Volume] = append(h.index.of[s.Volume], s)
}

// RemoveSnapshot takes a snapshot out of the region. One that is pending keeps its
// place among those of its volume.
func (r *Region) RemoveSnapshot(s *Snapshot, now time.Time) {
	h := &r.Other
	if at, found := slices.BinarySearchFunc(h.Snapshots, s.Seq, bySeq); found {
		h.Snapshots = slices.Delete(h.Snapshots, at, at+1)
	}
	delete(h.index.byID, s.ID)
	r.LockSnapshot(s, nil)
	if s.deleted = s.Status(now) == "pending"; !s.deleted {
		h.index.of[s.Volume] = slices.DeleteFunc(h.index.of[s.Volume], func(x *Snapshot) bool { return x == s })
	}
}

func bySeq(s *Snapshot, seq uint64) int { return cmp.Compare(s.Seq, seq) }

// SnapshotsOf lists the snapshots that were taken of a volume and are there, the
// oldest first.
func (r *Region) SnapshotsOf(volume string) []*Snapshot {
	var list []*Snapshot
	for _, s := range r.Other.index.of[volume] {
		if !s.deleted {
			list = append(list, s)
		}
	}
	return list
}

// InProgress is how many snapshots of a volume take a place among those that it may
// have at once: pending ones, deleted or not, and failed ones.
func (r *Region) InProgress(volume string, now time.Time) int {
	of := slices.DeleteFunc(r.Other.index.of[volume], func(s *Snapshot) bool { return s.deleted && s.Status(now) != "pending" })
	if len(of) > 0 {
		r.Other.index.of[volume] = of
	}
	n := 0
	for _, s := range of {
		if s.Status(now) != "completed" {
			n++
		}
	}
	return n
}

// SnapshotsAfter lists the snapshots that the region's owner can make volumes of and
// that come after a place: those of images first.
func (r *Region) SnapshotsAfter(seq uint64) []*Snapshot {
	at, found := slices.BinarySearchFunc(r.Other.Snapshots, seq, bySeq)
	if found {
		at++
	}
	if at > 0 {
		return r.Other.Snapshots[at:]
	}
	of := slices.DeleteFunc(imageSnapshots(), func(s *Snapshot) bool { return s.Seq <= seq })
	return slices.Concat(of, r.Other.Snapshots)
}

// SnapshotNamed finds a snapshot that volumes can be made of; nil where there
// is none.
func (r *Region) SnapshotNamed(id string) *Snapshot {
	if s := r.Other.index.byID[id]; s != nil {
		return s
	}
	for _, s := range imageSnapshots() {
		if s.ID == id {
			return s
		}
	}
	return nil
}
