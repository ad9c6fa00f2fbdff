package sandbox

import (
	"fmt"
	"time"
)

// ebsSnapshot is a snapshot of a volume.
type ebsSnapshot struct {
	seq         uint64
	id          string
	owner       string // account id
	alias       string // "amazon", or empty
	volume      string // id of the volume, which may be gone
	description string
	gib         int64     // size of the volume
	full        int64     // bytes in all blocks that it refers to
	started     time.Time // when it was asked for
	finished    time.Time // until then "pending"
	archived    bool
	encrypted   bool
	shared      bool // by its owner, who is someone else, with this account
	public      bool
	tags        tags
}

// copiedVolume is the volume that AWS names for a snapshot that was copied: it
// stands for none.
const copiedVolume = "vol-ffffffff"

func (s *ebsSnapshot) status(now time.Time) string {
	if now.Before(s.finished) {
		return "pending"
	}
	return "completed"
}

// progress is the part of the snapshot that is done, such as "43%".
func (s *ebsSnapshot) progress(now time.Time) string {
	if !now.Before(s.finished) {
		return "100%"
	}
	return fmt.Sprintf("%d%%", 100*now.Sub(s.started)/s.finished.Sub(s.started))
}

func (s *ebsSnapshot) tier() string {
	if s.archived {
		return "archive"
	}
	return "standard"
}

// imageSnapshot is the snapshot that an image's root volume is made from. It
// belongs to AWS and is public.
func imageSnapshot(image string) string { return fmt.Sprintf("snap-0%016x", mixText(4, image)) }

// imageOwner is the account that images and their snapshots belong to.
const imageOwner = "801119661308"

// imageSnapshots are those of the images of the account, which are there in
// every region and before everything else.
func imageSnapshots() []*ebsSnapshot {
	built := time.Date(2026, 2, 11, 4, 20, 0, 0, time.UTC)
	var list []*ebsSnapshot
	for n, s := range systems() {
		list = append(list, &ebsSnapshot{
			seq: uint64(n) + 1, id: imageSnapshot(s.image), owner: imageOwner, alias: "amazon", volume: copiedVolume, public: true,
			description: "Image " + s.image, gib: s.rootGiB, full: s.rootGiB << 29, started: built, finished: built.Add(4 * time.Minute),
		})
	}
	return list
}

// addSnapshot puts a snapshot into the region. Those of images come first.
func (r *region) addSnapshot(s ebsSnapshot) {
	s.seq = 1<<32 | r.next()
	r.holdings.snapshots = append(r.holdings.snapshots, &s)
}

// restorable are the snapshots that the region's owner can make volumes of.
func (r *region) restorable() []*ebsSnapshot {
	return append(imageSnapshots(), r.holdings.snapshots...)
}

// snapshotNamed finds a snapshot that volumes can be made of; nil where there
// is none.
func (r *region) snapshotNamed(id string) *ebsSnapshot {
	for _, s := range r.restorable() {
		if s.id == id {
			return s
		}
	}
	return nil
}
