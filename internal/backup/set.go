package backup

import (
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/retention"
)

// SetID names a set: "policy/resource/slot/n", such as
// "daily/i-0123456789abcdef0/20261130T010000Z/3" for three members. It is made from what
// was due, so that a second try finds the first by the prefix "policy/resource/slot/".
type SetID string

// Chain is what the periods of a policy are counted in: the copies of one resource for
// one policy, in one place.
type Chain struct {
	Policy   PolicyID
	Resource fleet.ResourceID // an instance or a volume
}

// SetState is the state of a set as a whole.
type SetState string

// The states of a set.
const (
	SetPending    SetState = "pending"    // at least one member is, none is worse
	SetComplete   SetState = "complete"   // all members are there and completed: a good copy
	SetError      SetState = "error"      // a member is in error
	SetIncomplete SetState = "incomplete" // members are missing, and it is not being deleted
	SetDeleting   SetState = "deleting"   // a member is marked: it is no restore point any more
)

// Set are the copies of a resource for one slot.
type Set struct {
	ID    SetID
	Chain Chain
	Slot  time.Time
	// Data is the moment of the data.
	Data  time.Time
	State SetState
	// Members are in the order of their ids; Expected is how many there were.
	Members  []fleet.Snapshot
	Expected int
	// Stored is the keep that the copies carry, in the zone that they carry.
	Stored retention.Keep
	Zone   *time.Location
	// Marked is since when it is marked for deletion; Adopted since when nightshift
	// manages it, where it has not made it.
	Marked, Adopted time.Time
}

// Good says whether the set is a restore point.
func (s Set) Good() bool { return s.State == SetComplete }
