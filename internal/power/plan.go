package power

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"nightshift/internal/fleet"
)

// Plan is what would be done in one account and region, with a reason for
// every machine that is left out.
type Plan struct {
	Target fleet.Target
	// At is the time for which it was made.
	At time.Time
	// Ramp is by how much large groups of machines start early.
	Ramp Ramp
	// Unread are the kinds whose machines could not all be read.
	Unread []fleet.Kind
	// Steps has one entry for every machine that the evaluator selects, in
	// the order of kinds and in that in which AWS lists them.
	Steps []Step
	// Others are the steps that a Selection left out. They are not carried out, but
	// selected machines that come before or after theirs still wait for them.
	Others []Step `json:",omitempty"`
}

// Step is the decision about one machine.
type Step struct {
	Machine fleet.Machine
	// Action is what is to be done; None leaves the machine as it is, and
	// Reason says why.
	Action Action
	// Settling is true when the machine is on its way to the other state: the
	// action makes sense, but only once it is there. Reason says so.
	Settling bool
	// Hibernate asks for hibernation instead of a plain stop.
	Hibernate bool
	// ChangeType permits a start in another of the types that the machine's tag
	// names.
	ChangeType bool
	// Invalid is true where an error of a person, such as a tag that cannot be
	// read, is why the machine is skipped.
	Invalid bool
	Reason  fleet.Reason
	// Desired is what the schedule asks for; zero where there is none.
	Desired Desired
	// After is the tag of those machines that must be ready before this one is
	// started, and are stopped only after it. The zero Tag means none.
	After fleet.Tag
}

// Do reports whether something is to be done.
func (s Step) Do() bool { return s.Action != None }

// Actionable is the number of steps that would be carried out.
func (p Plan) Actionable() int {
	n := 0
	for _, s := range p.Steps {
		if s.Do() {
			n++
		}
	}
	return n
}

// MakePlan reads the machines that the evaluator selects, all kinds at the same
// time, and decides about each of them as of now, which is asked once all are
// read; an evaluator that does not look at the time can do with nil. It changes
// nothing. When reading fails half-way, the plan holds what was read, with
// the error; one kind that fails does not hold up the others.
func MakePlan(ctx context.Context, clients Clients, evaluator Evaluator, now func() time.Time) (Plan, error) {
	var (
		group errgroup.Group
		kinds = Kinds()
		read  = make([][]fleet.Machine, len(kinds))
		errs  = make([]error, len(kinds))
	)
	for n, kind := range kinds {
		sel, ok := evaluator.Selector(kind)
		if port := clients.Machines[kind]; port != nil && ok {
			group.Go(func() error {
				read[n], errs[n] = list(ctx, port, sel)
				return nil
			})
		}
	}
	_ = group.Wait() // each kind has an error of its own
	plan := Plan{Target: clients.Target}
	for n, err := range errs {
		if err != nil {
			plan.Unread = append(plan.Unread, kinds[n])
			errs[n] = fmt.Errorf("list %ss in %s: %w", kindInWords(kinds[n]), clients.Target.Region, err)
		}
	}
	machines := slices.Concat(read...)
	if now != nil {
		plan.At = now()
	}
	plan.Ramp = evaluator.Ramp(machines, plan.At)
	plan.Steps = make([]Step, len(machines))
	for n, m := range machines {
		plan.Steps[n] = evaluator.Evaluate(m, plan.Ramp, plan.At)
	}
	refuseCircles(plan.Steps)
	return plan, errors.Join(errs...)
}

// list reads the chosen machines of one kind, each once: pages may overlap when
// the fleet changes.
func list(ctx context.Context, port Machines, sel fleet.Selector) ([]fleet.Machine, error) {
	var machines []fleet.Machine
	seen := map[fleet.ResourceID]bool{}
	for m, err := range port.Machines(ctx, sel) {
		if err != nil {
			return machines, err
		}
		if !seen[m.ID] {
			seen[m.ID] = true
			machines = append(machines, m)
		}
	}
	return machines, nil
}

// kindInWords is a kind as a sentence names it.
func kindInWords(k fleet.Kind) string {
	switch k {
	case fleet.KindDatabase:
		return "database instance"
	case fleet.KindCluster:
		return "database cluster"
	case fleet.KindGroup:
		return "Auto Scaling group"
	default:
		return "instance"
	}
}
