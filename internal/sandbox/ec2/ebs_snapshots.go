package ec2

import (
	"slices"
	"time"

	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

func noSnapshot(id string) *wire.Error {
	return wire.Invalid("InvalidSnapshot.NotFound", "The snapshot '"+id+"' does not exist.")
}

// describeSnapshots is DescribeSnapshots. Without OwnerIds it lists all
// snapshots that volumes can be made of, those of other owners too.
func (c *ec2Call) describeSnapshots() *wire.Error {
	ids, owners, restorers := c.Params.Texts("SnapshotId"), c.Params.Texts("Owner"), c.Params.Texts("RestorableBy")
	fs, err := wire.ReadFilters(c.Params, c.snapshotFilters())
	if err != nil {
		return err
	}
	p, err := c.listing(1000, len(fs) > 0, ids, "snapshotSet")
	if err != nil {
		return err
	}
	for _, id := range ids {
		if !wellFormed(id, "snap-") {
			return wire.Invalid("InvalidParameterValue", "Value ("+id+") for parameter snapshotId is invalid. Expected: 'snap-...'.")
		}
	}
	list, err := named(c.Region.Restorable(), func(s *state.Snapshot) string { return s.ID }, ids, noSnapshot)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(slices.Clone(list), func(s *state.Snapshot) bool {
		return len(owners) > 0 && !slices.ContainsFunc(owners, func(o string) bool { return c.owns(o, s) }) ||
			len(restorers) > 0 && !slices.ContainsFunc(restorers, func(who string) bool { return c.restores(who, s) })
	})
	seq := func(s *state.Snapshot) uint64 { return s.Seq }
	rows, token := wire.CutPage(p, wire.Remaining(p, list, seq, fs), func(s *state.Snapshot) (uint64, int) { return s.Seq, 0 })
	c.Out.Open("snapshotSet")
	for _, s := range rows {
		c.Out.Open("item")
		writeSnapshot(c.Out, c.Now, s)
		c.Out.End("item")
	}
	c.Out.End("snapshotSet")
	c.Out.Optional("nextToken", token)
	return nil
}

// owns says whether an owner as a caller names it has a snapshot.
func (c *ec2Call) owns(owner string, s *state.Snapshot) bool {
	if owner == "self" {
		owner = c.Region.Owner
	}
	return owner == s.Owner || owner == s.Alias && owner != ""
}

// restores says whether an account as a caller names it can make volumes of a
// snapshot; "all" stands for everybody.
func (c *ec2Call) restores(who string, s *state.Snapshot) bool {
	if who == "all" {
		return s.Public
	}
	return (who == "self" || who == c.Region.Owner) && (s.Owner == c.Region.Owner || s.Shared)
}

func writeSnapshot(d *wire.Doc, now time.Time, s *state.Snapshot) {
	d.Text("snapshotId", s.ID)
	d.Text("volumeId", s.Volume)
	d.Text("status", s.Status(now))
	d.Time("startTime", s.Started)
	d.Text("progress", s.Progress(now))
	d.Text("ownerId", s.Owner)
	d.Optional("ownerAlias", s.Alias)
	d.Number("volumeSize", s.SizeGiB)
	d.Text("description", s.Description)
	d.Flag("encrypted", s.Encrypted)
	d.Text("storageTier", s.Tier())
	if !now.Before(s.Finished) {
		d.Time("completionTime", s.Finished)
		d.Number("fullSnapshotSizeInBytes", s.Full)
	}
	d.Text("transferType", "standard")
	writeTags(d, s.Tags)
}

// snapshotFilters are the filters of DescribeSnapshots.
func (c *ec2Call) snapshotFilters() wire.Fields[*state.Snapshot] {
	return wire.Fields[*state.Snapshot]{
		"tag-key":       func(s *state.Snapshot) []string { return s.Tags.Keys() },
		"tag-value":     func(s *state.Snapshot) []string { return s.Tags.Values() },
		"description":   func(s *state.Snapshot) []string { return wire.NonEmpty(s.Description) },
		"encrypted":     func(s *state.Snapshot) []string { return wire.Bool(s.Encrypted) },
		"owner-alias":   func(s *state.Snapshot) []string { return wire.NonEmpty(s.Alias) },
		"owner-id":      func(s *state.Snapshot) []string { return wire.NonEmpty(s.Owner) },
		"progress":      func(s *state.Snapshot) []string { return wire.NonEmpty(s.Progress(c.Now)) },
		"snapshot-id":   func(s *state.Snapshot) []string { return wire.NonEmpty(s.ID) },
		"start-time":    func(s *state.Snapshot) []string { return wire.NonEmpty(iso(s.Started)) },
		"status":        func(s *state.Snapshot) []string { return wire.NonEmpty(s.Status(c.Now)) },
		"storage-tier":  func(s *state.Snapshot) []string { return wire.NonEmpty(s.Tier()) },
		"transfer-type": wire.Constant[*state.Snapshot]("standard"),
		"volume-id":     func(s *state.Snapshot) []string { return wire.NonEmpty(s.Volume) },
		"volume-size":   func(s *state.Snapshot) []string { return wire.Integer(s.SizeGiB) },
	}
}
