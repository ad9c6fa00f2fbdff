// Package power stops and starts instances: Plan decides what would be done
// and why, Apply does it and reports one outcome for each instance.
//
// A plan is a value. Apply reads every instance again before it acts and
// leaves out what has changed since. EC2 refuses a batch as a whole, so a
// refusal is taken apart until only the instances that it is about are left
// out; throttling and failures of the transport are retried by the adapter
// and never taken apart.
//
// It may import fleet, and declares the port Machines for what it needs from
// AWS.
package power

import (
	"context"
	"iter"

	"nightshift/internal/fleet"
)

// Action is what to do with the chosen instances.
type Action string

// The actions. Their names are those of the event that calls the function.
const (
	Stop  Action = "stop"
	Start Action = "start"
)

// Wanted is the state in which the action ends.
func (a Action) Wanted() fleet.State {
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

// Machines is what power needs from AWS, in one account and region.
type Machines interface {
	// Machines yields the chosen instances with Spot requests resolved, page
	// by page. After an error it ends.
	Machines(ctx context.Context, sel fleet.Selector) iter.Seq2[fleet.Instance, error]
	// Stop and Start ask for all ids at once; EC2 accepts or refuses them as a
	// whole. A refusal is a *fleet.Refusal.
	Stop(ctx context.Context, ids []fleet.InstanceID) error
	Start(ctx context.Context, ids []fleet.InstanceID) error
}
