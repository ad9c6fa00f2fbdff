package backup

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/retention"
)

// SetID names a set: "policy/resource/slot/n", such as
// "daily/i-0123456789abcdef0/20261130T010000Z/3" for three members. It is made from what
// was due, so that a second try finds the first by the prefix "policy/resource/slot/".
// Where the members were not copied at one moment, "-single" follows the number.
type SetID string

const (
	slotForm   = "20060102T150405Z" // in UTC
	singleWord = "-single"
	// mostMembers is how many volumes CreateSnapshots copies at once, the root volume
	// among them.
	mostMembers = 128
)

// NewSetID names the set of a chain that was due at slot, with so many members.
func NewSetID(c Chain, slot time.Time, members int, single bool) SetID {
	word := ""
	if single {
		word = singleWord
	}
	return SetID(SetPrefix(c, slot) + strconv.Itoa(members) + word)
}

// SetPrefix begins the names of all sets of a slot, whatever number of members they have.
func SetPrefix(c Chain, slot time.Time) string {
	return fmt.Sprintf("%s/%s/%s/", c.Policy, c.Resource, slot.UTC().Format(slotForm))
}

// Read takes a name apart; ok is false for what NewSetID does not make.
func (id SetID) Read() (c Chain, slot time.Time, members int, single, ok bool) {
	policy, rest, _ := strings.Cut(string(id), "/")
	resource, rest, _ := strings.Cut(rest, "/")
	when, number, _ := strings.Cut(rest, "/")
	number, single = strings.CutSuffix(number, singleWord)
	slot, err := time.Parse(slotForm, when)
	members, bad := strconv.Atoi(number)
	c = Chain{PolicyID(policy), fleet.ResourceID(resource)}
	ok = err == nil && bad == nil && members >= 1 && (members <= mostMembers || single) &&
		strconv.Itoa(members) == number && c.Policy.Valid() && resourceValid(c.Resource)
	return c, slot, members, single, ok
}

// Valid says whether it is an id: 1 to 40 lower-case letters, digits and hyphens.
func (id PolicyID) Valid() bool {
	return len(id) >= 1 && len(id) <= 40 && strings.Trim(string(id), "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func resourceValid(id fleet.ResourceID) bool {
	number, ok := strings.CutPrefix(string(id), "i-")
	if !ok {
		number, ok = strings.CutPrefix(string(id), "vol-")
	}
	return ok && number != "" && len(number) <= 32 && strings.Trim(number, "0123456789abcdef") == ""
}

// Chain is what the periods of a policy are counted in: the copies of one resource for
// one policy, in one place.
type Chain struct {
	Policy   PolicyID
	Resource fleet.ResourceID // an instance or a volume
}

func (c Chain) compare(d Chain) int {
	return cmp.Or(cmp.Compare(c.Policy, d.Policy), cmp.Compare(c.Resource, d.Resource))
}

// Volume is the volume whose copies the chain has; ok is false for those of an instance.
func (c Chain) Volume() (id fleet.VolumeID, ok bool) {
	return fleet.VolumeID(c.Resource), strings.HasPrefix(string(c.Resource), "vol-")
}

// SetState is the state of a set as a whole.
type SetState string

// The states of a set.
const (
	SetPending    SetState = "pending"    // at least one member is, or is not visible yet; none is worse
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
	// Data is the moment of the data; of single copies that of the oldest.
	Data  time.Time
	State SetState
	// Members are in the order of their ids; Expected is how many there were.
	Members  []fleet.Snapshot
	Expected int
	// Single is true where the members were not copied at one moment.
	Single bool
	// Stored is the keep that the copies carry; nil where they carry none that can be
	// read. Sets share it: it must not be changed.
	Stored *Stored
	// Marked is since when it is marked for deletion; Adopted since when nightshift
	// manages it, where it has not made it.
	Marked, Adopted time.Time
}

// Stored is what the tag of a copy says of how long it stays.
type Stored struct {
	Keep retention.Keep
	Zone *time.Location
}

// Good says whether the set is a restore point.
func (s Set) Good() bool { return s.State == SetComplete }

// whole says whether all members are there and completed, marked or not.
func (s *Set) whole() bool {
	for n := range s.Members {
		if s.Members[n].State != stateCompleted {
			return false
		}
	}
	return len(s.Members) >= s.Expected
}

// restorable is of how many members a volume can be made without waiting for days.
func (s *Set) restorable() int {
	n := 0
	for m := range s.Members {
		if restores(&s.Members[m]) {
			n++
		}
	}
	return n
}

// begun says whether a marked set has lost members already.
func (s *Set) begun() bool { return s.State == SetDeleting && len(s.Members) < s.Expected }

// newestFirst orders the sets of a chain.
func newestFirst(a, b *Set) int {
	if c := cmp.Or(b.Data.Compare(a.Data), b.Slot.Compare(a.Slot)); c != 0 {
		return c // the names are only compared where they matter: they are long
	}
	return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Members[0].ID, b.Members[0].ID))
}
