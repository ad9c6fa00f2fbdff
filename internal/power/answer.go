package power

import (
	"fmt"

	"nightshift/internal/fleet"
)

// Answer is what the function returns and `--json` prints. Status and
// Instances are those of the first Lambda scripts, whose callers read them;
// the other keys were added later.
type Answer struct {
	// Status is "stopped 3 instances", "started 3 instances", "no instances
	// found" or "invalid action".
	Status string `json:"status"`
	// Instances are those that were stopped or started.
	Instances []fleet.ResourceID `json:"instances,omitzero"`
	Failed    []Item             `json:"failed,omitzero"`
	Skipped   []Item             `json:"skipped,omitzero"`
	// Deferred are those that there was no time to try.
	Deferred []Item `json:"left,omitempty"`
	// NotSelected counts the instances that carry the tag and that a Selection left
	// out.
	NotSelected int  `json:"not_selected,omitempty"`
	DryRun      bool `json:"dry_run,omitempty"`
	// Errors are what could not be read, one sentence for each account
	// and region.
	Errors []string `json:"errors,omitempty"`
}

// Item is one instance in an answer and why it is there.
type Item struct {
	Instance fleet.ResourceID `json:"instance"`
	Account  fleet.Account    `json:"account,omitempty"`
	Region   fleet.Region     `json:"region"`
	Name     string           `json:"name"`
	fleet.Reason
}

// Answers that name no instances.
const (
	NoneFound     = "no instances found"
	InvalidAction = "invalid action"
)

// NewAnswer sums up the outcomes of all targets. None at all means that no
// instance carries the tag.
func NewAnswer(action Action, outcomes []fleet.Outcome, errs []error) Answer {
	a := Answer{Status: NoneFound}
	for _, err := range errs {
		a.Errors = append(a.Errors, err.Error())
	}
	if len(outcomes) == 0 {
		return a
	}
	a.Instances, a.Failed, a.Skipped = []fleet.ResourceID{}, []Item{}, []Item{}
	for _, o := range outcomes {
		item := Item{Instance: o.ID, Account: o.Target.Account, Region: o.Target.Region, Name: o.Name, Reason: o.Reason}
		switch o.Result {
		case fleet.Done:
			a.Instances = append(a.Instances, o.ID)
		case fleet.Failed:
			a.Failed = append(a.Failed, item)
		case fleet.Deferred:
			a.Deferred = append(a.Deferred, item)
		default:
			a.Skipped = append(a.Skipped, item)
		}
	}
	a.Status = fmt.Sprintf("%s %d instances", action.Past(), len(a.Instances))
	return a
}

// Preview is the answer of a dry run: what the plans would do.
func Preview(action Action, plans []Plan, errs []error) Answer {
	var outcomes []fleet.Outcome
	for _, p := range plans {
		for _, s := range p.Steps {
			result := fleet.Skipped
			if s.Do() {
				result = fleet.Done
			}
			outcomes = append(outcomes, fleet.Outcome{
				Target: p.Target, Kind: s.Machine.Kind, ID: s.Machine.ID, Name: s.Machine.Name(), Result: result, Reason: s.Reason,
			})
		}
	}
	a := NewAnswer(action, outcomes, errs)
	a.DryRun = true
	if len(outcomes) > 0 {
		a.Status = fmt.Sprintf("would %s %d instances", action, len(a.Instances))
	}
	return a
}
