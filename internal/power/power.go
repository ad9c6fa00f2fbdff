// Package power stops and starts machines. An evaluator says what is to be done
// with each machine and why: one that follows the hand of whoever calls
// (ByTag), or one that follows schedules (Rules). A plan is the sum of its
// decisions, Apply carries it out and reports one outcome for each machine.
//
// A plan is a value. Apply reads every machine again before it acts, evaluates it
// again and leaves out what has changed since. EC2 refuses a batch as a whole,
// so a refusal is taken apart until only the instances that it is about are
// left out; throttling and failures of the transport are retried by the
// adapter and never taken apart.
//
// What schedules ask for is compared with what AWS reports of a machine: its state,
// when it was last started and stopped, and its tags. There is no other memory,
// so that a run may come late, twice or at the same time as another.
//
// It may import fleet, schedule and price, and declares the port Machines for
// what it needs from AWS.
package power

import (
	"context"
	"iter"
	"time"

	"nightshift/internal/fleet"
)

// Action is what to do with a machine.
type Action string

// The actions. Their names are those of the event that calls the function.
const (
	None  Action = ""
	Stop  Action = "stop"
	Start Action = "start"
)

// Desired is the state in which the action ends.
func (a Action) Desired() fleet.State {
	if a == Start {
		return fleet.Running
	}
	return fleet.Stopped
}

// Past is the action in the past tense, as the answers write it: "stopped" or
// "started".
func (a Action) Past() string {
	if a == Start {
		return "started"
	}
	return "stopped"
}

// transitional is the state that EC2 answers when it accepts the action.
func (a Action) transitional() fleet.State {
	if a == Start {
		return fleet.Pending
	}
	return fleet.Stopping
}

// Machines is what power needs from AWS for one kind of machines, in one
// account and region.
type Machines interface {
	// Machines yields the chosen machines, page by page. After an error it
	// ends.
	Machines(ctx context.Context, sel fleet.Selector) iter.Seq2[fleet.Machine, error]
	// Stop and Start ask for all ids at once. EC2 accepts or refuses them as a
	// whole; other services take them one by one and end at the first
	// refusal. A refusal is a *fleet.Refusal. Hibernate asks for hibernation.
	Stop(ctx context.Context, ids []fleet.ResourceID, hibernate bool) error
	Start(ctx context.Context, ids []fleet.ResourceID) error
	// Mark sets tags on all of the machines.
	Mark(ctx context.Context, machines []fleet.Machine, set fleet.Tags) error
}

// Resizer changes the type of stopped machines.
type Resizer interface {
	Resize(ctx context.Context, id fleet.ResourceID, to fleet.InstanceType) error
}

// Clients reach the machines of one account and region, by kind.
type Clients struct {
	Target   fleet.Target
	Machines map[fleet.Kind]Machines
	// Resizer, if not nil, changes the type of EC2 instances.
	Resizer Resizer
}

// Evaluator decides about machines. It changes nothing, and its answers depend on
// nothing but their arguments.
type Evaluator interface {
	// Selector chooses the machines of a kind that it decides about; false
	// means none.
	Selector(kind fleet.Kind) (fleet.Selector, bool)
	// Ramp is what has to be known of all machines of a target to decide about
	// one of them.
	Ramp(machines []fleet.Machine, now time.Time) Ramp
	// Evaluate says what is to be done with the machine at now.
	Evaluate(m fleet.Machine, ramp Ramp, now time.Time) Step
}
