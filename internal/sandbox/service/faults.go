package service

import (
	"slices"
	"time"

	"nightshift/internal/sandbox/glob"
	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/wire"
)

// Kind is what goes wrong.
type Kind string

// The kinds of faults. The first group strikes calls, the second instances.
const (
	Throttle Kind = "throttle" // RequestLimitExceeded or its like
	Broken   Kind = "broken"   // an internal error, HTTP 500
	Cut      Kind = "cut"      // the connection is cut before anything is done
	NoAnswer Kind = "lost"     // it is done, but the connection is cut before the answer
	Deny     Kind = "deny"     // UnauthorizedOperation or AccessDenied
	Expired  Kind = "expired"  // expired credentials
	Delay    Kind = "delay"    // the answer comes For later, in real time

	Refuse    Kind = "refuse"    // a batch that names such an instance is refused with Code
	Stale     Kind = "stale"     // Describe calls show the state before a change for For; of a change itself, all of them do
	Slow      Kind = "slow"      // stopping or starting takes For, or a snapshot
	FailStart Kind = "failstart" // the instance starts and falls back to stopped with Code as its StateReason
	Impair    Kind = "impair"    // the instance fails its status checks, as DescribeInstanceStatus reports

	// Fail strikes calls that begin what can fail later: a snapshot ends in state
	// "error", with Message as its StateMessage.
	Fail Kind = "fail"
)

// Fault is something that goes wrong on purpose. A zero field does not
// restrict.
type Fault struct {
	// Action selects calls by "service:Operation"; * stands for any
	// characters, as in "ec2:Describe*" or "*".
	Action string
	Kind   Kind
	// Share is the share of the calls (or, for faults of instances, of the
	// instances) that are struck, from 0 to 1; zero means all.
	Share float64
	// Nth strikes only the nth matching call, counted from 1, Every each so manieth.
	Nth, Every int
	// Count ends the fault after this many calls.
	Count int
	// ID, Type and Zone select instances by id, type and Availability Zone,
	// with wildcards. For a fault of calls they select the calls that name such
	// an instance, or a snapshot or a volume of it. ID also selects Auto Scaling groups, by name, and ID, Type
	// and Zone databases, and of sts:AssumeRole the role, by its ARN.
	ID, Type, Zone string
	// Account selects the calls with credentials of an account, by its number,
	// with wildcards.
	Account string
	// Code and Message replace the usual error.
	Code, Message string
	// For is how long Delay (real time), Stale and Slow (the account's time)
	// last.
	For time.Duration
}

// OfInstances says whether a kind strikes instances rather than calls.
func (k Kind) OfInstances() bool {
	return k == Refuse || k == Stale || k == Slow || k == FailStart || k == Impair
}

// Hit is a fault that strikes a call.
type Hit struct {
	Fault
	Seed uint64 // of the fault's draw of instances
}

// Selective says whether a fault is for some instances only.
func (h Hit) Selective() bool {
	return h.ID != "" || h.Type != "" || h.Zone != "" || h.Kind.OfInstances() && h.Share > 0
}

// Strikes says whether a resource is among those that a fault selects, by its
// id, type and zone.
func (h Hit) Strikes(id, kind, zone string) bool {
	return (h.ID == "" || glob.Compile(h.ID).Match(id)) &&
		(h.Type == "" || glob.Compile(h.Type).Match(kind)) &&
		(h.Zone == "" || glob.Compile(h.Zone).Match(zone)) &&
		(h.Share == 0 || !h.Kind.OfInstances() || random.Fraction(random.HashText(h.Seed, id)) < h.Share)
}

// ByID says whether a fault selects by nothing but an id, and one of these.
func (h Hit) ByID(ids ...string) bool {
	return h.Type == "" && h.Zone == "" && (h.ID == "" || slices.ContainsFunc(ids, glob.Compile(h.ID).Match))
}

// Reworded gives a refusal the code and the message of the fault, where it has any.
func (h Hit) Reworded(e *wire.Error) *wire.Error {
	if h.Code != "" {
		e.Code = h.Code
	}
	if h.Message != "" {
		e.Message = h.Message
	}
	return e
}
