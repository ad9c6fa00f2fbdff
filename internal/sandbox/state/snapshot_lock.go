package state

import (
	"slices"
	"time"
)

// SnapshotLock keeps a snapshot from being deleted.
type SnapshotLock struct {
	Mode    string // governance or compliance
	Created time.Time
	Start   time.Time // of its duration: when the snapshot was complete
	Days    int64
	CoolOff int64 // hours after Created in which a lock in compliance mode can be taken off
}

// Expires is when the lock ends.
func (l *SnapshotLock) Expires() time.Time { return l.Start.AddDate(0, 0, int(l.Days)) }

// CoolOffEnds is when the lock becomes final.
func (l *SnapshotLock) CoolOffEnds() time.Time {
	return l.Created.Add(time.Duration(l.CoolOff) * time.Hour)
}

// State is the state of the lock in the words of EC2.
func (l *SnapshotLock) State(now time.Time) string {
	switch {
	case !now.Before(l.Expires()):
		return "expired"
	case l.Mode == "compliance" && now.Before(l.CoolOffEnds()):
		return "compliance-cooloff"
	}
	return l.Mode
}

// LockSnapshot gives a snapshot a lock; nil takes it off.
func (r *Region) LockSnapshot(s *Snapshot, l *SnapshotLock) {
	s.Lock = l
	at, found := slices.BinarySearchFunc(r.Other.Locked, s.Seq, bySeq)
	switch {
	case l != nil && !found:
		r.Other.Locked = slices.Insert(r.Other.Locked, at, s)
	case l == nil && found:
		r.Other.Locked = slices.Delete(r.Other.Locked, at, at+1)
	}
}

// FastRestore is that volumes of a snapshot are fast from the start in a zone.
type FastRestore struct {
	Seq      uint64
	Snapshot string
	Zone     string
	Enabled  time.Time
}

// AddFastRestore lets volumes of a snapshot be fast in a zone.
func (r *Region) AddFastRestore(snapshot, zone string, since time.Time) {
	r.Other.Fast = append(r.Other.Fast, FastRestore{r.NextSeq(), snapshot, zone, since})
}
