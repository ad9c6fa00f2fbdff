package sandbox

import (
	"slices"
	"time"
)

func noSnapshot(id string) *apiError {
	return invalid("InvalidSnapshot.NotFound", "The snapshot '"+id+"' does not exist.")
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
