package sandbox

import (
	"fmt"
	"slices"
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

func noSnapshot(id string) *apiError {
	return invalid("InvalidSnapshot.NotFound", "The snapshot '"+id+"' does not exist.")
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

// describeSnapshots is DescribeSnapshots. Without OwnerIds it lists all
// snapshots that volumes can be made of, those of other owners too.
func (c *ec2Call) describeSnapshots() *apiError {
	ids, owners, restorers := c.form.texts("SnapshotId"), c.form.texts("Owner"), c.form.texts("RestorableBy")
	fs, err := readFilters(c.form, c.snapshotFilters())
	if err != nil {
		return err
	}
	p, err := c.listing(1000, len(fs) > 0, ids, "snapshotSet")
	if err != nil {
		return err
	}
	for _, id := range ids {
		if !wellFormed(id, "snap-") {
			return invalid("InvalidParameterValue", "Value ("+id+") for parameter snapshotId is invalid. Expected: 'snap-...'.")
		}
	}
	list, err := named(c.region.restorable(), func(s *ebsSnapshot) string { return s.id }, ids, noSnapshot)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(slices.Clone(list), func(s *ebsSnapshot) bool {
		return len(owners) > 0 && !slices.ContainsFunc(owners, func(o string) bool { return c.owns(o, s) }) ||
			len(restorers) > 0 && !slices.ContainsFunc(restorers, func(who string) bool { return c.restores(who, s) })
	})
	seq := func(s *ebsSnapshot) uint64 { return s.seq }
	rows, token := cutPage(p, rest(p, list, seq, fs), func(s *ebsSnapshot) (uint64, int) { return s.seq, 0 })
	c.out.open("snapshotSet")
	for _, s := range rows {
		c.out.open("item")
		c.out.snapshot(c.now, s)
		c.out.end("item")
	}
	c.out.end("snapshotSet")
	c.out.some("nextToken", token)
	return nil
}

// owns says whether an owner as a caller names it has a snapshot.
func (c *ec2Call) owns(owner string, s *ebsSnapshot) bool {
	if owner == "self" {
		owner = c.region.owner
	}
	return owner == s.owner || owner == s.alias && owner != ""
}

// restores says whether an account as a caller names it can make volumes of a
// snapshot; "all" stands for everybody.
func (c *ec2Call) restores(who string, s *ebsSnapshot) bool {
	if who == "all" {
		return s.public
	}
	return (who == "self" || who == c.region.owner) && (s.owner == c.region.owner || s.shared)
}

func (d *doc) snapshot(now time.Time, s *ebsSnapshot) {
	d.text("snapshotId", s.id)
	d.text("volumeId", s.volume)
	d.text("status", s.status(now))
	d.time("startTime", s.started)
	d.text("progress", s.progress(now))
	d.text("ownerId", s.owner)
	d.some("ownerAlias", s.alias)
	d.number("volumeSize", s.gib)
	d.text("description", s.description)
	d.flag("encrypted", s.encrypted)
	d.text("storageTier", s.tier())
	if !now.Before(s.finished) {
		d.time("completionTime", s.finished)
		d.number("fullSnapshotSizeInBytes", s.full)
	}
	d.text("transferType", "standard")
	d.tags(s.tags)
}

// snapshotFilters are the filters of DescribeSnapshots.
func (c *ec2Call) snapshotFilters() fields[*ebsSnapshot] {
	return fields[*ebsSnapshot]{
		"tag-key":       func(s *ebsSnapshot) []string { return s.tags.keys() },
		"tag-value":     func(s *ebsSnapshot) []string { return s.tags.values() },
		"description":   func(s *ebsSnapshot) []string { return one(s.description) },
		"encrypted":     func(s *ebsSnapshot) []string { return yesNo(s.encrypted) },
		"owner-alias":   func(s *ebsSnapshot) []string { return one(s.alias) },
		"owner-id":      func(s *ebsSnapshot) []string { return one(s.owner) },
		"progress":      func(s *ebsSnapshot) []string { return one(s.progress(c.now)) },
		"snapshot-id":   func(s *ebsSnapshot) []string { return one(s.id) },
		"start-time":    func(s *ebsSnapshot) []string { return one(iso(s.started)) },
		"status":        func(s *ebsSnapshot) []string { return one(s.status(c.now)) },
		"storage-tier":  func(s *ebsSnapshot) []string { return one(s.tier()) },
		"transfer-type": always[*ebsSnapshot]("standard"),
		"volume-id":     func(s *ebsSnapshot) []string { return one(s.volume) },
		"volume-size":   func(s *ebsSnapshot) []string { return whole(s.gib) },
	}
}
