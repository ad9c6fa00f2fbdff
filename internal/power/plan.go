package power

import (
	"context"
	"fmt"

	"nightshift/internal/fleet"
)

// Plan is what would be done in one account and region, with a reason for
// every instance that is left out.
type Plan struct {
	Target fleet.Target
	Action Action
	Tag    fleet.Tag
	// Steps has one entry for every instance with the tag, in the order in
	// which EC2 lists them.
	Steps []Step
}

// Step is the decision about one instance.
type Step struct {
	Instance fleet.Instance
	// Do is true when the action is to be carried out; else Reason says why
	// not.
	Do bool
	// Settling is true when the instance is on its way to the other state: the
	// action makes sense, but only once it is there. Reason says so.
	Settling bool
	Reason   fleet.Reason
}

// Actionable is the number of steps that would be carried out.
func (p Plan) Actionable() int {
	n := 0
	for _, s := range p.Steps {
		if s.Do {
			n++
		}
	}
	return n
}

// MakePlan reads the instances that carry the tag and decides about each of
// them. It changes nothing. When reading fails half-way, the plan holds what
// was read, beside the error.
func MakePlan(ctx context.Context, m Machines, target fleet.Target, action Action, tag fleet.Tag) (Plan, error) {
	plan := Plan{Target: target, Action: action, Tag: tag}
	seen := map[fleet.InstanceID]bool{} // pages may overlap when the fleet changes
	for instance, err := range m.Machines(ctx, fleet.Selector{Tag: tag}) {
		if err != nil {
			return plan, fmt.Errorf("list instances in %s: %w", target.Region, err)
		}
		if !seen[instance.ID] {
			seen[instance.ID] = true
			plan.Steps = append(plan.Steps, decide(action, instance))
		}
	}
	return plan, nil
}

// decide says whether the action makes sense for the instance as it is now.
// The order matters: an instance that is already where it should be is
// reported as such, whatever else is true of it.
func decide(action Action, i fleet.Instance) Step {
	leave := func(code, format string, args ...any) Step {
		return Step{Instance: i, Reason: fleet.Reason{Code: code, Text: fmt.Sprintf(format, args...)}}
	}
	switch i.State {
	case action.Wanted():
		return leave("already-"+string(i.State), "is already %s", i.State)
	case transitional(action):
		return leave("already-"+string(i.State), "is already %s", i.State)
	case fleet.Terminated, fleet.ShuttingDown:
		return leave(string(i.State), "is %s and will not come back", i.State)
	default: // running or pending and to be stopped, or stopped or stopping and to be started
	}
	if group := i.Tags["aws:autoscaling:groupName"]; group != "" {
		return leave("auto-scaling", "belongs to the Auto Scaling group %s, which would replace it", group)
	}
	if i.Operator != "" {
		return leave("managed", "is managed by %s, which alone may stop and start it", i.Operator)
	}
	if i.Lifecycle == fleet.Spot && i.SpotType != "persistent" {
		if i.SpotType == "" {
			return leave("spot-unknown", "is a Spot Instance whose request cannot be read (ec2:DescribeSpotInstanceRequests); a one-time one cannot be stopped and started")
		}
		return leave("spot-one-time", "is a one-time Spot Instance, which cannot be stopped and started")
	}
	if i.RootDevice == "instance-store" {
		return leave("instance-store-root", "has an instance-store root volume, which would be lost")
	}
	if i.State == fleet.Pending || i.State == fleet.Stopping {
		return Step{Instance: i, Do: true, Settling: true, Reason: fleet.Reason{
			Code: "settling", Text: fmt.Sprintf("is still %s; EC2 takes no %s before that is over", i.State, action),
		}}
	}
	return Step{Instance: i, Do: true}
}
