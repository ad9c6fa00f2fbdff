package power

import (
	"context"
	"fmt"
	"slices"
	"time"

	"nightshift/internal/fleet"
)

// The pace at which states are read while waiting: quick at first, then slower
// and slower. readSize is the number of instances asked for at once (EC2
// allows 200 values in a filter).
const (
	firstPause = 250 * time.Millisecond
	lastPause  = 5 * time.Second
	readSize   = 200
)

// actWhenSettled reads the machines that were on their way to the other state
// and acts on each as soon as it is there. Those that do not get there in time
// are left.
func (r *run) actWhenSettled(parent context.Context) {
	ctx, cancel := context.WithTimeout(parent, r.opts.Settle)
	defer cancel()
	for pause := firstPause; len(r.settling) > 0 && sleep(ctx, r.opts.Closing, pause); pause = min(pause*3/2, lastPause) {
		waiting := r.settling
		r.settling = nil
		var ready []Step
		for _, chunk := range sameKind(waiting) {
			ready = append(ready, r.reread(parent, chunk)...)
		}
		for batch := range batches(ready) {
			r.act(parent, r.announce(parent, batch))
		}
	}
	for _, s := range r.settling {
		r.settle(s, fleet.Deferred, s.Reason, s.Machine.State)
	}
	r.settling = nil
}

// sameKind cuts the steps into pieces of one kind that can be read at once.
func sameKind(steps []Step) [][]Step {
	var out [][]Step
	for _, kind := range Kinds() {
		var some []Step
		for _, s := range steps {
			if s.Machine.Kind == kind {
				some = append(some, s)
			}
		}
		out = slices.AppendSeq(out, slices.Chunk(some, readSize))
	}
	return out
}

// wait reads the accepted machines until each has reached the desired state,
// has visibly failed to, or the time is up; those are settled. An error while
// reading is not a verdict on a machine: it is tried again until the time is
// up.
func (r *run) wait(parent context.Context) {
	ctx, cancel := context.WithTimeout(parent, r.opts.Wait)
	defer cancel()
	last := make(map[machineKey]fleet.State, len(r.accepted))
	var trouble error
	for pause := firstPause; len(r.accepted) > 0; pause = min(pause*3/2, lastPause) {
		if !sleep(ctx, r.opts.Closing, pause) {
			break
		}
		waiting := r.accepted
		r.accepted = nil // trying another type may add to it
		var open []Step
		for _, chunk := range sameKind(waiting) {
			now, err := r.states(ctx, chunk, fleet.Selector{Brief: true})
			if err != nil {
				trouble = err
			}
			for _, s := range chunk {
				m, seen := now[s.Machine.ID]
				if seen {
					last[keyOf(m)] = m.State
				}
				if !seen || !r.arrived(parent, s, m) {
					open = append(open, s)
				}
			}
		}
		r.accepted = append(open, r.accepted...)
	}
	for _, s := range r.accepted {
		state := last[keyOf(s.Machine)]
		r.settle(s, fleet.Failed, r.late(parent, s.Action, state, trouble), state)
	}
	r.accepted = nil
}

// arrived settles the step if its machine's state is final for the action.
// Answers of EC2 may lag behind its own acceptance, so a machine that still
// looks as it did before the request is not final.
func (r *run) arrived(ctx context.Context, s Step, now fleet.Machine) bool {
	failed := func(code, text string) bool {
		r.settle(s, fleet.Failed, fleet.Reason{Code: code, Text: text}, now.State)
		return true
	}
	before := s.Machine
	switch {
	case now.State == s.Action.Desired():
		r.settle(s, fleet.Done, fleet.Reason{}, now.State)
		return true
	case now.State == fleet.Terminated, now.State == fleet.ShuttingDown:
		return failed("terminated", "was terminated meanwhile")
	case s.Action == Start && now.State == fleet.Stopped && now.Started.After(before.Started):
		if now.Cause == fleet.CauseCapacity {
			s.Machine = now
			if r.startAsOther(ctx, s) {
				return true
			}
		}
		why := now.Why
		if why == "" {
			why = "AWS gives no reason"
		}
		return failed("start-failed", "was started and stopped again: "+why)
	}
	return false
}

// late is the reason of a machine that did not arrive in time.
func (r *run) late(ctx context.Context, action Action, state fleet.State, trouble error) fleet.Reason {
	switch {
	case r.closed(ctx):
		return fleet.Reason{Code: "not-awaited", Text: "accepted, but the run ended before the machine was " + string(action.Desired())}
	case state != "":
		return fleet.Reason{Code: "timeout", Text: fmt.Sprintf("accepted, but still %s after %s; look again later", state, r.opts.Wait)}
	case trouble != nil:
		return reasonOf(trouble)
	default:
		return fleet.Reason{Code: "timeout", Text: fmt.Sprintf("accepted, but not seen again within %s", r.opts.Wait)}
	}
}

// states reads the machines of the steps, which are of one kind, as they are
// now, in as much detail as the selector asks for. After an error it holds what was read.
func (r *run) states(ctx context.Context, steps []Step, sel fleet.Selector) (map[fleet.ResourceID]fleet.Machine, error) {
	now := make(map[fleet.ResourceID]fleet.Machine, len(steps))
	if len(steps) == 0 {
		return now, nil
	}
	sel.IDs = ids(steps)
	for m, err := range r.clients.Machines[steps[0].Machine.Kind].Machines(ctx, sel) {
		if err != nil {
			return now, err
		}
		now[m.ID] = m
	}
	return now, nil
}

// sleep pauses and reports whether there is still time.
func sleep(ctx context.Context, closing <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-closing:
		return false
	case <-timer.C:
		return true
	}
}
