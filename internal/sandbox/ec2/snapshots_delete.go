package ec2

import (
	"slices"

	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// deleteSnapshot is DeleteSnapshot. One that is pending can be deleted, too.
func (c *ec2Call) deleteSnapshot() *wire.Error {
	s, err := c.ownSnapshot()
	if err != nil {
		return err
	}
	if err := c.checkDryRun(); err != nil {
		return err
	}
	if err := c.snapshotInUse(s); err != nil {
		return err
	}
	c.Region.DeleteSnapshot(s, c.Now)
	c.Out.Flag("return", true)
	return nil
}

// ownSnapshot finds the snapshot that a call is to change, whose parameters have all
// been read, and asks for permission on it.
func (c *ec2Call) ownSnapshot() (*state.Snapshot, *wire.Error) {
	id := c.Params.Text("SnapshotId")
	if err := c.Params.UnknownParameter(); err != nil {
		return nil, err
	}
	if id == "" {
		return nil, missingParameter("snapshotId")
	}
	if err := checkSnapshotID(id); err != nil {
		return nil, err
	}
	c.resources = 1
	s := c.Region.SnapshotNamed(id)
	if s == nil {
		return nil, noSnapshot(id)
	}
	if err := c.authorizeSnapshot(s); err != nil {
		return nil, err
	}
	if s.Owner != c.Region.Owner {
		return nil, wire.Denied(c.Request, c.Caller.ARN, snapshotARN(c.Region, id))
	}
	return s, c.refusedSnapshot()
}

// refusedSnapshot is the refusal of a call for a snapshot by a fault.
func (c *ec2Call) refusedSnapshot() *wire.Error {
	for _, h := range c.Faults {
		if h.Kind == service.Refuse {
			return h.Reworded(wire.Invalid(h.Code, "The request was refused: "+h.Code))
		}
	}
	return nil
}

// snapshotInUse refuses to delete what somebody needs.
func (c *ec2Call) snapshotInUse(s *state.Snapshot) *wire.Error {
	if _, managed := s.Tags.Get("aws:backup:source-resource"); managed {
		return wire.Invalid("InvalidParameterValue", "This snapshot is managed by the AWS Backup service and cannot be deleted via EC2 APIs. If you wish to delete this snapshot, please do so via the Backup console.")
	}
	if s.Lock != nil && s.Lock.State(c.Now) != "expired" {
		return locked(s, "It cannot be deleted.")
	}
	for _, i := range c.Region.Other.Images {
		if slices.ContainsFunc(i.Disks, func(k state.ImageDisk) bool { return k.Snapshot == s.ID }) {
			return wire.Invalid("InvalidSnapshot.InUse", "The snapshot "+s.ID+" is currently in use by "+i.ID)
		}
	}
	for _, f := range c.Region.Other.Fast {
		if f.Snapshot == s.ID {
			return wire.Invalid("InvalidSnapshot.InUse", "The snapshot "+s.ID+" is currently enabled for fast restores in "+f.Zone+
				". Fast snapshot restores must be disabled within all Availability Zones before the snapshot may be deleted.")
		}
	}
	return nil
}
