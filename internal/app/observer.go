package app

import (
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/deploy"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

// Observer hears of what jobs do while they do it: progress, metrics and notices
// listen here. Its methods are called from many goroutines and must not block.
// Embed NopObserver to hear of some things only.
type Observer interface { //nolint:interfacebloat // one method for each thing to hear of; NopObserver makes each optional
	RunStarted(Run)
	RunEnded(Run, fleet.Status)
	// Planned comes once for each target, before anything is done there.
	Planned(Run, power.Plan)
	// Acted comes as soon as the outcome of a machine is known.
	Acted(Run, fleet.Outcome)
	// Failed comes for each target that could not be read to its end.
	Failed(Run, TargetError)
	// Called comes for each request to AWS when it has ended; runID is empty for
	// those that belong to no run.
	Called(runID string, c amazon.Call)
	// StackChanged comes for each event of a stack while an operation on it is
	// followed.
	StackChanged(Run, deploy.Event)
	// StackBusy comes at once and then every minute while an operation of somebody
	// else on a stack is waited for, with how long that is already.
	StackBusy(Run, deploy.Stack, time.Duration)
}

// NopObserver hears nothing.
type NopObserver struct{}

// RunStarted does nothing.
func (NopObserver) RunStarted(Run) {}

// RunEnded does nothing.
func (NopObserver) RunEnded(Run, fleet.Status) {}

// Planned does nothing.
func (NopObserver) Planned(Run, power.Plan) {}

// Acted does nothing.
func (NopObserver) Acted(Run, fleet.Outcome) {}

// Failed does nothing.
func (NopObserver) Failed(Run, TargetError) {}

// Called does nothing.
func (NopObserver) Called(string, amazon.Call) {}

// StackChanged does nothing.
func (NopObserver) StackChanged(Run, deploy.Event) {}

// StackBusy does nothing.
func (NopObserver) StackBusy(Run, deploy.Stack, time.Duration) {}
