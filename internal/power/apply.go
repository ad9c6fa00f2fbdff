package power

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"nightshift/internal/fleet"
)

// batchSize bounds the machines of one request. EC2 documents no maximum;
// small batches keep the cost of taking a refusal apart low, and the request
// quotas (5 a second, 2 for starts) still outrun the quotas on instances (20 a
// second, 2 for starts).
const batchSize = 50

// Options say how Apply goes about its work.
type Options struct {
	// Now is the time; it is asked before every batch, since a run may cross a
	// transition. Nil means that the time of the plan does not move.
	Now func() time.Time
	// Mark writes the tag nightshift:last before acting, by which a later run knows
	// this one's acts from those of people.
	Mark bool
	// Wait is how long to wait for the desired state after the last request,
	// and for machines that others wait for; 0 means not at all: a request
	// that AWS accepted is then the outcome.
	Wait time.Duration
	// Settle is how long to wait for machines that are on their way to the
	// other state, before they can be acted on; 0 means not at all: they are
	// left.
	Settle time.Duration
	// Closing is closed when no new work may be started, for example shortly
	// before the function's deadline or when a person interrupts the command.
	// What has been asked for is still brought to an end, but not waited for.
	// A nil channel never closes.
	Closing <-chan struct{}
	// Settled, if not nil, is called with every outcome as soon as it is known.
	Settled func(fleet.Outcome)
}

// Apply carries the plan out and returns one outcome for each of its steps, in
// the same order. It never returns early: what could not be done is an
// outcome with a reason.
func Apply(ctx context.Context, clients Clients, evaluator Evaluator, plan Plan, opts Options) []fleet.Outcome {
	r := &run{
		clients: clients, evaluator: evaluator, plan: plan, opts: opts,
		step:     make(map[machineKey]int, len(plan.Steps)),
		outcomes: make([]fleet.Outcome, len(plan.Steps)),
		denied:   map[fleet.Kind]int{}, granted: map[fleet.Kind]bool{},
		notes: map[machineKey]fleet.Reason{}, tried: map[machineKey][]fleet.InstanceType{},
		acceptedAt: map[machineKey]time.Time{},
	}
	r.order = newOrder(slices.Concat(plan.Steps, plan.Others))
	for n, s := range r.order.steps {
		r.step[keyOf(s.Machine)] = n
	}
	var todo []Step
	for _, s := range plan.Steps {
		if r.sort(s) {
			todo = append(todo, s)
		}
	}
	free, blocked := r.order.split(r.deferUnordered(todo))
	for {
		r.actAll(ctx, free)
		r.actWhenSettled(ctx)
		if blocked = r.deferUnselected(blocked); len(blocked) == 0 {
			break
		}
		if free, blocked = r.unblock(ctx, blocked); len(free) == 0 {
			r.deferBlocked(blocked)
			break
		}
	}
	if opts.Wait > 0 {
		r.wait(ctx)
	}
	for _, s := range r.accepted {
		r.settle(s, fleet.Done, fleet.Reason{}, s.Action.transitional())
	}
	return r.outcomes
}

type machineKey struct {
	kind fleet.Kind
	id   fleet.ResourceID
}

func keyOf(m fleet.Machine) machineKey { return machineKey{m.Kind, m.ID} }

// run is the state of one Apply.
type run struct {
	clients   Clients
	evaluator Evaluator
	plan      Plan
	opts      Options
	order     *order
	step      map[machineKey]int
	outcomes  []fleet.Outcome
	// settling are the steps whose machines are on their way to the other
	// state.
	settling []Step
	// accepted are the steps whose request AWS took and whose outcome is not
	// settled yet, with the machines as they were before the request.
	accepted []Step
	// acceptedAt is when AWS took the request for a machine.
	acceptedAt map[machineKey]time.Time
	// denied counts the machines of a kind that were refused one by one for
	// lack of permission, granted whether any request was accepted at all.
	denied  map[fleet.Kind]int
	granted map[fleet.Kind]bool
	// unmarked counts the machines that could not be marked, marked is whether
	// any could.
	unmarked int
	marked   bool
	// notes are remarks on machines with which all went well.
	notes map[machineKey]fleet.Reason
	// tried are the types in which a machine was to be started in this run.
	tried map[machineKey][]fleet.InstanceType
}

func (r *run) now() time.Time {
	if r.opts.Now == nil {
		return r.plan.At
	}
	return r.opts.Now()
}

// actAll acts on the steps, batch by batch.
func (r *run) actAll(ctx context.Context, steps []Step) {
	for batch := range batches(steps) {
		if r.closed(ctx) {
			r.settleAll(batch, fleet.Deferred, notTried())
			continue
		}
		r.act(ctx, r.announce(ctx, r.reread(ctx, batch)))
	}
}

// batches cuts the steps into requests: of one kind and action each, stops
// before starts. Starts of one type and zone stay together, since capacity is
// short or not for a type in a zone: a pool is cut only where it is larger than
// a request.
func batches(steps []Step) iter.Seq[[]Step] {
	request := func(a, b Step) int {
		return cmp.Or(-cmp.Compare(a.Action, b.Action), cmp.Compare(a.Machine.Kind, b.Machine.Kind), compareBool(a.Hibernate, b.Hibernate))
	}
	pool := func(a, b Step) int {
		if a.Action == Stop {
			return 0
		}
		return cmp.Or(cmp.Compare(a.Machine.Type, b.Machine.Type), cmp.Compare(a.Machine.Zone, b.Machine.Zone))
	}
	sorted := slices.SortedStableFunc(slices.Values(steps), func(a, b Step) int { return cmp.Or(request(a, b), pool(a, b)) })
	return func(yield func([]Step) bool) {
		var batch []Step
		for len(sorted) > 0 {
			n := 1
			for n < len(sorted) && n < batchSize && request(sorted[0], sorted[n]) == 0 && pool(sorted[0], sorted[n]) == 0 {
				n++
			}
			if len(batch) > 0 && (len(batch)+n > batchSize || request(batch[0], sorted[0]) != 0) {
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

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// reread looks at the machines of a batch again and returns the steps that
// still make sense; the others are settled.
func (r *run) reread(ctx context.Context, batch []Step) []Step {
	seen, err := r.states(ctx, batch, fleet.Selector{})
	if err != nil && ctx.Err() != nil { // nothing has been asked for yet
		r.settleAll(batch, fleet.Deferred, notTried())
		return nil
	}
	if err != nil {
		r.settleAll(batch, fleet.Failed, reasonOf(err))
		return nil
	}
	now := r.now()
	var still []Step
	for _, was := range batch {
		m, there := seen[was.Machine.ID]
		if !there {
			r.settle(was, fleet.Skipped, fleet.Reason{Code: "gone", Text: "no longer exists"}, "")
			continue
		}
		s := r.evaluator.Evaluate(m, r.plan.Ramp, now)
		if s.Do() && s.Action != was.Action {
			s.Action, s.Reason = None, fleet.Reason{Code: "changed", Text: fmt.Sprintf("is to be %s by now; the next run does that", s.Action.Past())}
		}
		if r.sort(s) {
			still = append(still, s)
		}
	}
	return still
}

// sort reports whether a step can be carried out at once. Else it is settled,
// or waits for its machine to arrive in the other state.
func (r *run) sort(s Step) bool {
	switch {
	case s.Invalid:
		r.settle(s, fleet.Failed, s.Reason, s.Machine.State)
	case !s.Do():
		r.settle(s, fleet.Skipped, s.Reason, s.Machine.State)
	case s.Settling:
		r.settling = append(r.settling, s)
	}
	return s.Do() && !s.Settling
}

// announce marks what is about to be done, so that a later run knows it from the
// act of a person. Without the mark it is taken for one, which does not keep it
// from acting.
func (r *run) announce(ctx context.Context, batch []Step) []Step {
	if len(batch) > 0 {
		r.mark(ctx, string(batch[0].Action), batch)
	}
	return batch
}

func (r *run) mark(ctx context.Context, action string, batch []Step) {
	if !r.opts.Mark {
		return
	}
	machines := make([]fleet.Machine, len(batch))
	for n, s := range batch {
		machines[n] = s.Machine
	}
	r.tag(ctx, machines, fleet.Tags{fleet.TagLast: fleet.Mark{Action: action, At: r.now()}.String()})
}

// tag sets tags on machines of one kind. As with stops and starts, one that is
// refused does not touch the others, unless all seem to be.
func (r *run) tag(ctx context.Context, machines []fleet.Machine, set fleet.Tags) {
	if len(machines) == 0 {
		return
	}
	err := r.clients.Machines[machines[0].Kind].Mark(ctx, machines, set)
	if err == nil {
		r.marked = true
		return
	}
	refusal, about := errors.AsType[*fleet.Refusal](err)
	hopeless := !r.marked && r.unmarked >= deniedForAll
	if len(machines) > 1 && about && aboutSome(refusal.Kind) && !hopeless {
		named := slices.DeleteFunc(slices.Clone(machines), func(m fleet.Machine) bool { return !slices.Contains(refusal.IDs, m.ID) })
		rest := slices.DeleteFunc(slices.Clone(machines), func(m fleet.Machine) bool { return slices.Contains(refusal.IDs, m.ID) })
		if len(named) > 0 {
			r.unmark(named, err)
			r.tag(ctx, rest, set)
			return
		}
		half := len(machines) / 2
		r.tag(ctx, machines[:half], set)
		r.tag(ctx, machines[half:], set)
		return
	}
	r.unmark(machines, err)
}

// unmark notes that machines could not be marked.
func (r *run) unmark(machines []fleet.Machine, err error) {
	r.unmarked += len(machines)
	for _, m := range machines {
		r.notes[keyOf(m)] = fleet.Reason{Code: "unmarked", Text: "its tag " + fleet.TagLast + " could not be written, so that this may be taken for the act of a person: " + said(err)}
	}
}

func (r *run) settle(s Step, result fleet.Result, reason fleet.Reason, state fleet.State) {
	m := s.Machine
	n := r.step[keyOf(m)]
	if result == fleet.Done && reason == (fleet.Reason{}) {
		reason = r.notes[keyOf(m)]
	}
	r.outcomes[n] = fleet.Outcome{
		Target: r.plan.Target, Kind: m.Kind, ID: m.ID, Name: m.Name(), Action: string(s.Action),
		Result: result, Reason: reason, State: state, At: r.acceptedAt[keyOf(m)],
	}
	r.order.reached(n, state)
	if r.opts.Settled != nil {
		r.opts.Settled(r.outcomes[n])
	}
}

// accept notes that AWS took the request for the steps.
func (r *run) accept(steps ...Step) {
	now := r.now()
	for _, s := range steps {
		r.granted[s.Machine.Kind] = true
		r.acceptedAt[keyOf(s.Machine)] = now
	}
	r.accepted = append(r.accepted, steps...)
}

func (r *run) settleAll(steps []Step, result fleet.Result, reason fleet.Reason) {
	for _, s := range steps {
		r.settle(s, result, reason, "")
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
func notTried() fleet.Reason {
	return fleet.Reason{Code: NotTried, Text: "not tried before the run had to end; run it again"}
}
