package power

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"nightshift/internal/fleet"
)

// batchSize bounds the instances of one request. EC2 documents no maximum;
// small batches keep the cost of taking a refusal apart low, and the request
// quotas (5 a second, 2 for starts) still outrun the quotas on instances (20 a
// second, 2 for starts).
const batchSize = 50

// Options say how Apply goes about its work.
type Options struct {
	// Wait is how long to wait for the wanted state after the last request;
	// 0 means not at all: a request that EC2 accepted is then the outcome.
	Wait time.Duration
	// Settle is how long to wait for instances that are on their way to the
	// other state, before they can be acted on; 0 means not at all: they are
	// left.
	Settle time.Duration
	// Closing is closed when no new work may be started, for example shortly
	// before the function's deadline or when a person interrupts the command.
	// What has been asked for is still brought to an end, but not waited for.
	// A nil channel never closes.
	Closing <-chan struct{}
	// Settled, if not nil, is told every outcome as soon as it is known.
	Settled func(fleet.Outcome)
}

// Apply carries the plan out and returns one outcome for each of its steps, in
// the same order. It never returns early: what could not be done is an
// outcome with a reason.
func Apply(ctx context.Context, m Machines, plan Plan, opts Options) []fleet.Outcome {
	r := &run{m: m, plan: plan, opts: opts, step: make(map[fleet.InstanceID]int, len(plan.Steps))}
	r.outcomes = make([]fleet.Outcome, len(plan.Steps))
	var todo []fleet.Instance
	for n, s := range plan.Steps {
		r.step[s.Instance.ID] = n
		if s.Do && !s.Settling {
			todo = append(todo, s.Instance)
		} else {
			r.sort(s)
		}
	}
	for batch := range batches(plan.Action, todo) {
		if r.closed(ctx) {
			r.settleAll(ids(batch), fleet.Left, r.notTried())
			continue
		}
		r.act(ctx, r.reread(ctx, batch))
	}
	r.actWhenSettled(ctx)
	if opts.Wait > 0 {
		r.wait(ctx)
	}
	for _, a := range r.accepted {
		r.settle(a.ID, fleet.Done, fleet.Reason{}, transitional(plan.Action))
	}
	return r.outcomes
}

// run is the state of one Apply.
type run struct {
	m        Machines
	plan     Plan
	opts     Options
	step     map[fleet.InstanceID]int
	outcomes []fleet.Outcome
	// settling are the instances on their way to the other state.
	settling []fleet.Instance
	// accepted are the instances whose request EC2 took and whose outcome is
	// not settled yet, as they were before the request.
	accepted []fleet.Instance
	// denied counts the instances that were refused one by one for lack of
	// permission, granted whether any request was accepted at all.
	denied  int
	granted bool
}

// batches cuts the instances into requests. Starts of one type and zone stay
// together, since capacity is short or not for a type in a zone: a pool is cut
// only where it is larger than a request.
func batches(action Action, instances []fleet.Instance) iter.Seq[[]fleet.Instance] {
	if action == Stop {
		return slices.Chunk(instances, batchSize)
	}
	byPool := func(a, b fleet.Instance) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Zone, b.Zone))
	}
	sorted := slices.SortedStableFunc(slices.Values(instances), byPool)
	return func(yield func([]fleet.Instance) bool) {
		var batch []fleet.Instance
		for len(sorted) > 0 {
			n := 1
			for n < len(sorted) && n < batchSize && byPool(sorted[0], sorted[n]) == 0 {
				n++
			}
			if len(batch)+n > batchSize {
				if !yield(batch) {
					return
				}
				batch = nil
			}
			batch = append(batch, sorted[:n]...)
			sorted = sorted[n:]
		}
		if len(batch) > 0 {
			yield(batch)
		}
	}
}

// reread looks at the instances of a batch again and returns those on which
// the action still makes sense; the others are settled.
func (r *run) reread(ctx context.Context, batch []fleet.Instance) []fleet.Instance {
	now, err := r.states(ctx, batch)
	if err != nil {
		r.settleAll(ids(batch), fleet.Failed, reasonOf(err))
		return nil
	}
	var still []fleet.Instance
	for _, was := range batch {
		i, there := now[was.ID]
		switch {
		case !there:
			r.settle(was.ID, fleet.Skipped, fleet.Reason{Code: "gone", Text: "no longer exists"}, "")
		case !r.plan.Tag.On(i.Tags):
			r.settle(was.ID, fleet.Skipped, fleet.Reason{Code: "untagged", Text: "lost its tag since the plan was made"}, i.State)
		case r.sort(decide(r.plan.Action, i)):
			still = append(still, i)
		}
	}
	return still
}

// sort reports whether a step can be carried out at once. Else it is settled,
// or waits for its instance to arrive in the other state.
func (r *run) sort(s Step) bool {
	switch {
	case !s.Do:
		r.settle(s.Instance.ID, fleet.Skipped, s.Reason, s.Instance.State)
	case s.Settling:
		r.settling = append(r.settling, s.Instance)
	}
	return s.Do && !s.Settling
}

func (r *run) settle(id fleet.InstanceID, result fleet.Result, reason fleet.Reason, state fleet.State) {
	n := r.step[id]
	r.outcomes[n] = fleet.Outcome{
		Target:   r.plan.Target,
		Instance: id,
		Name:     r.plan.Steps[n].Instance.Name(),
		Result:   result,
		Reason:   reason,
		State:    state,
	}
	if r.opts.Settled != nil {
		r.opts.Settled(r.outcomes[n])
	}
}

func (r *run) settleAll(ids []fleet.InstanceID, result fleet.Result, reason fleet.Reason) {
	for _, id := range ids {
		r.settle(id, result, reason, "")
	}
}

func (r *run) closed(ctx context.Context) bool {
	select {
	case <-r.opts.Closing:
		return true
	default:
		return ctx.Err() != nil
	}
}

// notTried is the reason of what the end of the run left over.
func (r *run) notTried() fleet.Reason {
	return fleet.Reason{Code: "not-tried", Text: fmt.Sprintf("not tried before the run had to end; run %s again", r.plan.Action)}
}

// transitional is the state that EC2 answers when it accepts the action.
func transitional(a Action) fleet.State {
	if a == Start {
		return fleet.Pending
	}
	return fleet.Stopping
}

func ids(instances []fleet.Instance) []fleet.InstanceID {
	out := make([]fleet.InstanceID, len(instances))
	for n, i := range instances {
		out[n] = i.ID
	}
	return out
}
