package backup

import (
	"context"
	"errors"
	"time"

	"nightshift/internal/blob"
	"nightshift/internal/fleet"
)

// Action is what Apply does to one resource or set.
type Action string

// The actions.
const (
	DidCopy     Action = "copy"
	DidMark     Action = "mark"   // for deletion, a day before it
	DidUnmark   Action = "unmark" // it would be kept by now
	DidDelete   Action = "delete"
	DidAdopt    Action = "adopt"
	DidRelease  Action = "release" // the opposite of adopt
	DidUndelete Action = "undelete"
)

// Outcome is what happened to one resource, of which a copy was to be made, or to one
// set.
type Outcome struct {
	Chain Chain `json:"-"`
	// Set is empty where none was begun.
	Set    SetID        `json:"set,omitempty"`
	Action Action       `json:"action"`
	Result fleet.Result `json:"result"`
	fleet.Reason
	// Snapshots are those that were made, marked or deleted.
	Snapshots []fleet.SnapshotID `json:"snapshots,omitempty"`
	// At is when AWS accepted the last call; zero where none was accepted.
	At time.Time `json:"at,omitzero"`
}

// Result is what came of a plan.
type Result struct {
	// Outcomes has one for each resource of which a copy was to be made, and one for each
	// set that was to be marked or deleted.
	Outcomes []Outcome
	// Notes say what was missing in the run itself.
	Notes []string
}

// ApplyOptions say how Apply goes about its work.
type ApplyOptions struct {
	// Inventory is what the plan was made from.
	Inventory Inventory
	Settings  Settings
	// Options are those of the plan.
	Options Options
	// Delete is true where a person has approved the deletions of the plan, or where
	// scheduled runs may delete. Otherwise only what is in error, and in the way of
	// another try, is deleted.
	Delete bool
	// Now is the time by the clock of AWS, which the copies are compared with.
	Now func() time.Time
	// Closing is closed when no new work may be started.
	Closing <-chan struct{}
	// Ended, if not nil, is called with every outcome as soon as it is known.
	Ended func(Outcome)
}

// Apply carries a plan out: it looks up what an earlier run has begun, makes the copies,
// then marks and deletes. It never returns early: what could not be done is an outcome
// with a reason.
//
// In the store is written what is about to be done, and what a restore needs to know. It
// may be nil: then a process that is killed between a request and its answer is not
// remembered, and only one run at a time may work in an account and region.
func Apply(ctx context.Context, ports Ports, store blob.Versioned, plan Plan, o ApplyOptions) Result {
	r := &applying{ports: ports, store: store, plan: plan, o: o, estate: newEstate(o.Inventory), policies: map[PolicyID]*Policy{}}
	for n := range o.Settings.Policies {
		r.policies[o.Settings.Policies[n].ID] = &o.Settings.Policies[n]
	}
	if store == nil {
		r.note("without a journal in a bucket or folder no run is remembered: only one may work in an account at a time, and no manifests are kept")
	}
	r.create(ctx)
	if o.Delete {
		r.remove(ctx)
	}
	return r.result
}

// applying is the state of one Apply.
type applying struct {
	ports    Ports
	store    blob.Versioned
	plan     Plan
	o        ApplyOptions
	estate   *estate
	policies map[PolicyID]*Policy
	intents  *intents
	// hopeless, if not empty, is why no other copy is asked for: a quota of the region is
	// used up.
	hopeless fleet.Reason
	// denied counts refusals for lack of permission while nothing was permitted.
	denied  int
	granted bool
	result  Result
}

func (r *applying) note(text string) { r.result.Notes = append(r.result.Notes, text) }

func (r *applying) end(o Outcome) {
	r.result.Outcomes = append(r.result.Outcomes, o)
	if r.o.Ended != nil {
		r.o.Ended(o)
	}
}

func (r *applying) closed(ctx context.Context) bool {
	select {
	case <-r.o.Closing:
		return true
	default:
		return ctx.Err() != nil
	}
}

// notTried is the reason of what the end of the run left over.
func notTried() fleet.Reason {
	return reason("not-tried", "not tried before the run had to end; the next run does it")
}

// failure is the result of an error, with the reason.
func failure(err error) (fleet.Result, fleet.Reason) {
	refusal, refused := errors.AsType[*fleet.Refusal](err)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, fleet.ErrNoTime):
		return fleet.Deferred, notTried()
	case errors.Is(err, fleet.ErrThrottled):
		return fleet.Deferred, reason("throttled", "%v; the next run tries again", err)
	case errors.Is(err, fleet.ErrDenied):
		return fleet.Failed, reason("denied", "%v", err)
	case refused:
		return fleet.Failed, reason("refused", "%s: %s", refusal.Code, refusal.Message)
	}
	return fleet.Failed, reason("error", "%v", err)
}

// refused says whether AWS has refused a request, so that nothing was done. Any other
// error leaves that open.
func refused(err error) bool {
	_, answered := errors.AsType[*fleet.Refusal](err)
	return (answered || errors.Is(err, fleet.ErrThrottled) || errors.Is(err, fleet.ErrNoTime)) && !errors.Is(err, fleet.ErrUnavailable)
}
