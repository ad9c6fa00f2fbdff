package ec2

import (
	"cmp"
	"slices"

	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

func noSnapshot(id string) *wire.Error {
	return wire.Invalid("InvalidSnapshot.NotFound", "The snapshot '"+id+"' does not exist.")
}

// checkSnapshotID refuses what is not the id of a snapshot.
func checkSnapshotID(id string) *wire.Error {
	if wellFormed(id, "snap-") {
		return nil
	}
	return wire.Invalid("InvalidParameterValue", "Value ("+id+") for parameter snapshotId is invalid. Expected: 'snap-...'.")
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
		if err := checkSnapshotID(id); err != nil {
			return err
		}
	}
	list, err := c.snapshotsOn(p, ids)
	if err != nil {
		return err
	}
	var rows []*state.Snapshot
	for _, s := range list {
		if c.unseen(s) || !c.ownedBy(s, owners) || !c.restorableBy(s, restorers) || !wire.MatchAll(fs, s) {
			continue
		}
		if rows = append(rows, s); p.Size > 0 && len(rows) > p.Size {
			break
		}
	}
	rows, token := wire.CutPage(p, rows, func(s *state.Snapshot) (uint64, int) { return s.Seq, 0 })
	c.Out.Grow(len(rows) * snapshotBytes)
	c.Out.Open("snapshotSet")
	for _, s := range rows {
		c.Out.Open("item")
		c.writeSnapshot(s)
		c.Out.End("item")
	}
	c.Out.End("snapshotSet")
	c.Out.Optional("nextToken", token)
	return nil
}

// snapshotBytes is about the size of one snapshot in an answer.
const snapshotBytes = 2 << 10

// snapshotsOn are the snapshots from which a page takes: those that ids name, or all
// that earlier pages did not show.
func (c *ec2Call) snapshotsOn(p wire.Page, ids []string) ([]*state.Snapshot, *wire.Error) {
	if len(ids) == 0 {
		if !p.Begun {
			return c.Region.SnapshotsAfter(0), nil
		}
		return c.Region.SnapshotsAfter(p.Seq), nil
	}
	var list []*state.Snapshot
	for _, id := range ids {
		s := c.Region.SnapshotNamed(id)
		if s == nil || c.unseen(s) {
			return nil, noSnapshot(id)
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b *state.Snapshot) int { return cmp.Compare(a.Seq, b.Seq) })
	return slices.CompactFunc(list, func(a, b *state.Snapshot) bool { return a.Seq == b.Seq }), nil
}

// ownedBy says whether one of the owners that a call names has a snapshot; no names
// mean everybody.
func (c *ec2Call) ownedBy(s *state.Snapshot, owners []string) bool {
	return len(owners) == 0 || slices.ContainsFunc(owners, func(o string) bool { return c.owns(o, s) })
}

// restorableBy says whether one of the accounts that a call names can make volumes of
// a snapshot; no names mean everybody.
func (c *ec2Call) restorableBy(s *state.Snapshot, accounts []string) bool {
	return len(accounts) == 0 || slices.ContainsFunc(accounts, func(who string) bool { return c.restores(who, s) })
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
	if who == "self" {
		who = c.Region.Owner
	}
	return who == s.Owner || slices.Contains(s.Users, who) || who == c.Region.Owner && s.Shared
}

// writeSnapshot writes a snapshot as DescribeSnapshots and CreateSnapshot do.
func (c *ec2Call) writeSnapshot(s *state.Snapshot) {
	d := c.Out
	status := s.Status(c.Now)
	d.Text("snapshotId", s.ID)
	d.Text("volumeId", s.Volume)
	d.Text("status", status)
	if status == "error" {
		d.Text("statusMessage", s.Failure)
	}
	d.Time("startTime", s.Started)
	d.Text("progress", s.Progress(c.Now))
	d.Text("ownerId", s.Owner)
	d.Optional("ownerAlias", s.Alias)
	d.Number("volumeSize", s.SizeGiB)
	d.Text("description", s.Description)
	d.Flag("encrypted", s.Encrypted)
	d.Optional("kmsKeyId", s.KMSKey)
	d.Text("storageTier", s.Tier())
	if status == "completed" {
		d.Time("completionTime", s.Finished)
		d.Number("fullSnapshotSizeInBytes", s.Full)
	}
	d.Text("transferType", "standard")
	writeTags(d, c.tagsOf(s))
}

// writeMember writes a snapshot as CreateSnapshots does.
func (c *ec2Call) writeMember(s *state.Snapshot) {
	d := c.Out
	d.Text("description", s.Description)
	writeTags(d, s.Tags)
	d.Flag("encrypted", s.Encrypted)
	d.Text("volumeId", s.Volume)
	d.Text("state", s.Status(c.Now))
	d.Number("volumeSize", s.SizeGiB)
	d.Time("startTime", s.Started)
	d.Text("progress", s.Progress(c.Now))
	d.Text("ownerId", s.Owner)
	d.Text("snapshotId", s.ID)
}

// snapshotFilters are the filters of DescribeSnapshots.
func (c *ec2Call) snapshotFilters() wire.Fields[*state.Snapshot] {
	return wire.Fields[*state.Snapshot]{
		"tag-key":       func(s *state.Snapshot) []string { return c.tagsOf(s).Keys() },
		"tag-value":     func(s *state.Snapshot) []string { return c.tagsOf(s).Values() },
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
