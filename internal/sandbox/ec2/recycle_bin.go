package ec2

import (
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// listBin is ListSnapshotsInRecycleBin.
func (c *ec2Call) listBin() *wire.Error {
	ids := c.Params.Texts("SnapshotId")
	p, err := c.listing(1000, false, ids, "snapshotSet")
	if err != nil {
		return err
	}
	list, err := named(c.Region.InRecycleBin(c.Now), func(b state.Binned) string { return b.ID }, ids, noSnapshot)
	if err != nil {
		return err
	}
	place := func(b state.Binned) uint64 { return b.Place }
	rows, token := wire.CutPage(p, wire.Remaining(p, list, place, nil), func(b state.Binned) (uint64, int) { return b.Place, 0 })
	c.Out.Open("snapshotSet")
	for _, b := range rows {
		c.Out.Open("item")
		c.Out.Text("snapshotId", b.ID)
		c.Out.Time("recycleBinEnterTime", b.Entered)
		c.Out.Time("recycleBinExitTime", b.Exits)
		c.Out.Text("description", b.Description)
		c.Out.Text("volumeId", b.Volume)
		c.Out.End("item")
	}
	c.Out.End("snapshotSet")
	c.Out.Optional("nextToken", token)
	return nil
}

// restoreFromBin is RestoreSnapshotFromRecycleBin.
func (c *ec2Call) restoreFromBin() *wire.Error {
	id := c.Params.Text("SnapshotId")
	if err := c.Params.UnknownParameter(); err != nil {
		return err
	}
	if id == "" {
		return missingParameter("snapshotId")
	}
	c.resources = 1
	found, err := named(c.Region.InRecycleBin(c.Now), func(b state.Binned) string { return b.ID }, []string{id}, noSnapshot)
	if err != nil {
		return err
	}
	s := found[0].Snapshot
	if err := c.authorizeSnapshot(s); err != nil {
		return err
	}
	if err := c.checkDryRun(); err != nil {
		return err
	}
	c.Region.RestoreSnapshot(s)
	c.Out.Text("snapshotId", s.ID)
	c.Out.Text("description", s.Description)
	c.Out.Flag("encrypted", s.Encrypted)
	c.Out.Text("ownerId", s.Owner)
	c.Out.Text("progress", s.Progress(c.Now))
	c.Out.Time("startTime", s.Started)
	c.Out.Text("status", s.Status(c.Now))
	c.Out.Text("volumeId", s.Volume)
	c.Out.Number("volumeSize", s.SizeGiB)
	return nil
}
