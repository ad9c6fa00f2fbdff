package power

import (
	"fmt"
	"time"

	"nightshift/internal/fleet"
)

// ByTag is the evaluator of the commands stop and start: everything that carries
// all of the tags is to be stopped or started, now, and EC2 instances only.
type ByTag struct {
	Action Action
	Tags   []fleet.Tag
}

// Selector chooses the instances with the tags.
func (b ByTag) Selector(kind fleet.Kind) (fleet.Selector, bool) {
	return fleet.Selector{Tags: b.Tags}, kind == fleet.KindInstance
}

// Ramp is empty: what is asked for now cannot begin early.
func (b ByTag) Ramp([]fleet.Machine, time.Time) Ramp { return nil }

// Evaluate says whether the action makes sense for the machine as it is now. The
// order matters: a machine that is already where it should be is reported as
// such, whatever else is true of it.
func (b ByTag) Evaluate(m fleet.Machine, _ Ramp, _ time.Time) Step {
	if !fleet.AllOn(b.Tags, m.Tags) {
		return skip(m, "untagged", "lost its tag since the plan was made")
	}
	switch m.State {
	case b.Action.Desired(), b.Action.transitional():
		return skip(m, "already-"+string(m.State), "is already %s", m.State)
	case fleet.Terminated, fleet.ShuttingDown:
		return skip(m, string(m.State), "is %s and will not come back", m.State)
	default: // running or pending and to be stopped, or stopped or stopping and to be started
	}
	return act(b.Action, m)
}

// skip is the step of a machine that is skipped.
func skip(m fleet.Machine, code, format string, args ...any) Step {
	return Step{Machine: m, Reason: fleet.Reason{Code: code, Text: fmt.Sprintf(format, args...)}}
}

// act is the step of a machine that is to be acted on, if it can be: now, or
// once it has arrived in the other state.
func act(action Action, m fleet.Machine) Step {
	switch {
	case !m.Eligible():
		return Step{Machine: m, Reason: m.Ineligible.Reason()}
	case m.State == fleet.Pending || m.State == fleet.Stopping:
		return Step{Machine: m, Action: action, Settling: true, Reason: fleet.Reason{
			Code: "settling", Text: fmt.Sprintf("is still %s; AWS takes no %s before that is over", m.State, action),
		}}
	}
	return Step{Machine: m, Action: action}
}
