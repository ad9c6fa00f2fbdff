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

// actWhenSettled reads the instances that were on their way to the other state
// and acts on each as soon as it is there. Those that do not get there in time
// are left.
func (r *run) actWhenSettled(parent context.Context) {
	ctx, cancel := context.WithTimeout(parent, r.opts.Settle)
	defer cancel()
	for pause := firstPause; len(r.settling) > 0 && sleep(ctx, r.opts.Closing, pause); pause = min(pause*3/2, lastPause) {
		waiting := r.settling
		r.settling = nil
		var ready []fleet.Instance
		for chunk := range slices.Chunk(waiting, readSize) {
			ready = append(ready, r.reread(parent, chunk)...)
		}
		for batch := range batches(r.plan.Action, ready) {
			r.act(parent, batch)
		}
	}
	for _, i := range r.settling {
		s := decide(r.plan.Action, i)
		r.settle(i.ID, fleet.Left, s.Reason, i.State)
	}
	r.settling = nil
}

// wait reads the accepted instances until each has reached the wanted state,
// has visibly failed to, or the time is up; those are settled. An error while
// reading is not a verdict on an instance: it is tried again until the time
// is up.
func (r *run) wait(parent context.Context) {
	ctx, cancel := context.WithTimeout(parent, r.opts.Wait)
	defer cancel()
	last := make(map[fleet.InstanceID]fleet.State, len(r.accepted))
	var trouble error
	for pause := firstPause; len(r.accepted) > 0; pause = min(pause*3/2, lastPause) {
		if !sleep(ctx, r.opts.Closing, pause) {
			break
		}
		var open []fleet.Instance
		for chunk := range slices.Chunk(r.accepted, readSize) {
			now, err := r.states(ctx, chunk)
			if err != nil {
				trouble = err
			}
			for _, before := range chunk {
				i, seen := now[before.ID]
				if seen {
					last[i.ID] = i.State
				}
				if !seen || !r.arrived(before, i) {
					open = append(open, before)
				}
			}
		}
		r.accepted = open
	}
	for _, i := range r.accepted {
		r.settle(i.ID, fleet.Failed, r.late(parent, last[i.ID], trouble), last[i.ID])
	}
	r.accepted = nil
}

// arrived settles the instance if its state is final for this action. Answers
// of EC2 may lag behind its own acceptance, so an instance that still looks as
// it did before the request is not final.
func (r *run) arrived(before, now fleet.Instance) bool {
	failed := func(code, text string) bool {
		r.settle(now.ID, fleet.Failed, fleet.Reason{Code: code, Text: text}, now.State)
		return true
	}
	switch {
	case now.State == r.plan.Action.Wanted():
		r.settle(now.ID, fleet.Done, fleet.Reason{}, now.State)
		return true
	case now.State == fleet.Terminated, now.State == fleet.ShuttingDown:
		return failed("terminated", "was terminated meanwhile")
	case r.plan.Action == Start && now.State == fleet.Stopped && !now.LaunchTime.Equal(before.LaunchTime):
		why := now.StateReasonMessage
		if why == "" {
			why = "EC2 gives no reason"
		}
		return failed("start-failed", "was started and stopped again: "+why)
	}
	return false
}

// late is the reason of an instance that did not arrive in time.
func (r *run) late(ctx context.Context, state fleet.State, trouble error) fleet.Reason {
	switch {
	case r.closed(ctx):
		return fleet.Reason{Code: "not-awaited", Text: "accepted, but the run ended before the instance was " + string(r.plan.Action.Wanted())}
	case state != "":
		return fleet.Reason{Code: "timeout", Text: fmt.Sprintf("accepted, but still %s after %s; look again later", state, r.opts.Wait)}
	case trouble != nil:
		return reasonOf(trouble)
	default:
		return fleet.Reason{Code: "timeout", Text: fmt.Sprintf("accepted, but not seen again within %s", r.opts.Wait)}
	}
}

// states reads the instances as they are now. After an error it holds what was
// read.
func (r *run) states(ctx context.Context, instances []fleet.Instance) (map[fleet.InstanceID]fleet.Instance, error) {
	now := make(map[fleet.InstanceID]fleet.Instance, len(instances))
	for i, err := range r.m.Machines(ctx, fleet.Selector{IDs: ids(instances)}) {
		if err != nil {
			return now, err
		}
		now[i.ID] = i
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
