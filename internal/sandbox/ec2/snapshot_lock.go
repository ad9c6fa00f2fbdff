package ec2

import (
	"fmt"
	"math"
	"time"

	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// The limits of locks.
const (
	mostLockDays     = 36_500
	mostCoolOffHours = 72
)

// lockSnapshot is LockSnapshot, which changes a lock that is there, too.
func (c *ec2Call) lockSnapshot() *wire.Error {
	l, err := c.requestedLock()
	if err != nil {
		return err
	}
	s, err := c.ownSnapshot()
	if err != nil {
		return err
	}
	if err := c.checkDryRun(); err != nil {
		return err
	}
	l.Start = c.Now
	if c.Now.Before(s.Finished) {
		l.Start = s.Finished
	}
	if is := s.Lock; is != nil && is.State(c.Now) == "compliance" && (l.Mode != is.Mode || l.Expires().Before(is.Expires())) {
		return locked(s, "A lock in compliance mode can only be extended.")
	}
	c.Region.LockSnapshot(s, l)
	c.writeLock(s)
	return nil
}

// requestedLock reads the lock that a call asks for.
func (c *ec2Call) requestedLock() (*state.SnapshotLock, *wire.Error) {
	l := &state.SnapshotLock{Mode: c.Params.Text("LockMode"), Created: c.Now}
	var err *wire.Error
	if l.Days, err = c.Params.Number("LockDuration"); err != nil {
		return nil, err
	}
	if l.CoolOff, err = c.Params.Number("CoolOffPeriod"); err != nil {
		return nil, err
	}
	end, err := c.Params.Instant("ExpirationDate", time.Time{})
	switch {
	case err != nil:
		return nil, err
	case l.Mode != "governance" && l.Mode != "compliance":
		return nil, wire.Invalid("InvalidParameterValue", "Value ("+l.Mode+") for parameter LockMode is invalid. It must be governance or compliance.")
	case (l.Days == 0) == end.IsZero():
		return nil, wire.Invalid("InvalidParameterCombination", "Either LockDuration or ExpirationDate must be specified, but not both.")
	case l.CoolOff != 0 && l.Mode != "compliance":
		return nil, wire.Invalid("InvalidParameterCombination", "CoolOffPeriod is only valid in compliance mode.")
	case l.CoolOff < 0 || l.CoolOff > mostCoolOffHours:
		return nil, wire.Invalid("InvalidParameterValue", fmt.Sprintf("CoolOffPeriod must be from 1 to %d hours.", mostCoolOffHours))
	case !end.IsZero():
		l.Days = int64(math.Ceil(end.Sub(c.Now).Hours() / 24))
	}
	if l.Days < 1 || l.Days > mostLockDays {
		return nil, wire.Invalid("InvalidParameterValue", fmt.Sprintf("The lock must last from 1 to %d days.", mostLockDays))
	}
	return l, nil
}

// unlockSnapshot is UnlockSnapshot.
func (c *ec2Call) unlockSnapshot() *wire.Error {
	s, err := c.ownSnapshot()
	if err != nil {
		return err
	}
	if err := c.checkDryRun(); err != nil {
		return err
	}
	switch {
	case s.Lock == nil:
		return wire.Invalid("IncorrectState", "The snapshot '"+s.ID+"' is not locked.")
	case s.Lock.State(c.Now) == "compliance":
		return locked(s, "It cannot be unlocked.")
	}
	c.Region.LockSnapshot(s, nil)
	c.Out.Text("snapshotId", s.ID)
	return nil
}

// locked refuses a change of a locked snapshot. AWS does not document the code.
func locked(s *state.Snapshot, why string) *wire.Error {
	return wire.Invalid("OperationNotPermitted", "The snapshot '"+s.ID+"' is locked in "+s.Lock.Mode+" mode. "+why)
}

// describeLocked is DescribeLockedSnapshots, of expired locks, too.
func (c *ec2Call) describeLocked() *wire.Error {
	ids := c.Params.Texts("SnapshotId")
	fs, err := wire.ReadFilters(c.Params, wire.Fields[*state.Snapshot]{
		"lock-state": func(s *state.Snapshot) []string { return wire.NonEmpty(s.Lock.State(c.Now)) },
	})
	if err != nil {
		return err
	}
	p, err := c.listing(1000, len(fs) > 0, ids, "snapshotSet")
	if err != nil {
		return err
	}
	list, err := named(c.Region.Other.Locked, func(s *state.Snapshot) string { return s.ID }, ids, noSnapshot)
	if err != nil {
		return err
	}
	seq := func(s *state.Snapshot) uint64 { return s.Seq }
	rows, token := wire.CutPage(p, wire.Remaining(p, list, seq, fs), func(s *state.Snapshot) (uint64, int) { return s.Seq, 0 })
	c.Out.Open("snapshotSet")
	for _, s := range rows {
		c.Out.Open("item")
		c.Out.Text("ownerId", s.Owner)
		c.writeLock(s)
		c.Out.End("item")
	}
	c.Out.End("snapshotSet")
	c.Out.Optional("nextToken", token)
	return nil
}

func (c *ec2Call) writeLock(s *state.Snapshot) {
	d, l := c.Out, s.Lock
	d.Text("snapshotId", s.ID)
	d.Text("lockState", l.State(c.Now))
	d.Number("lockDuration", l.Days)
	if l.CoolOff > 0 {
		d.Number("coolOffPeriod", l.CoolOff)
		d.Time("coolOffPeriodExpiresOn", l.CoolOffEnds())
	}
	d.Time("lockCreatedOn", l.Created)
	d.Time("lockDurationStartTime", l.Start)
	d.Time("lockExpiresOn", l.Expires())
}

// describeFast is DescribeFastSnapshotRestores.
func (c *ec2Call) describeFast() *wire.Error {
	fs, err := wire.ReadFilters(c.Params, wire.Fields[state.FastRestore]{
		"availability-zone": func(f state.FastRestore) []string { return wire.NonEmpty(f.Zone) },
		"owner-id":          wire.Constant[state.FastRestore](c.Region.Owner),
		"snapshot-id":       func(f state.FastRestore) []string { return wire.NonEmpty(f.Snapshot) },
		"state":             wire.Constant[state.FastRestore]("enabled"),
	}, "availability-zone-id")
	if err != nil {
		return err
	}
	p, err := c.pageFrom(1, 200, len(fs) > 0)
	if err != nil {
		return err
	}
	if err := c.readOnly(); err != nil {
		return err
	}
	seq := func(f state.FastRestore) uint64 { return f.Seq }
	rows, token := wire.CutPage(p, wire.Remaining(p, c.Region.Other.Fast, seq, fs), func(f state.FastRestore) (uint64, int) { return f.Seq, 0 })
	c.Out.Open("fastSnapshotRestoreSet")
	for _, f := range rows {
		c.Out.Open("item")
		c.Out.Text("snapshotId", f.Snapshot)
		c.Out.Text("availabilityZone", f.Zone)
		c.Out.Text("state", "enabled")
		c.Out.Text("stateTransitionReason", "Client.UserInitiated - Lifecycle state transition")
		c.Out.Text("ownerId", c.Region.Owner)
		c.Out.Time("enablingTime", f.Enabled)
		c.Out.Time("optimizingTime", f.Enabled)
		c.Out.Time("enabledTime", f.Enabled)
		c.Out.End("item")
	}
	c.Out.End("fastSnapshotRestoreSet")
	c.Out.Optional("nextToken", token)
	return nil
}
