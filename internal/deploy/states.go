package deploy

import (
	"fmt"
	"strings"

	"nightshift/internal/fleet"
)

// Status is the status of a stack or of one of its resources.
type Status string

// The statuses of stacks that are named here.
const (
	NoStack              Status = "" // there is none of the name
	ReviewInProgress     Status = "REVIEW_IN_PROGRESS"
	CreateComplete       Status = "CREATE_COMPLETE"
	UpdateComplete       Status = "UPDATE_COMPLETE"
	DeleteComplete       Status = "DELETE_COMPLETE"
	DeleteFailed         Status = "DELETE_FAILED"
	RollbackComplete     Status = "ROLLBACK_COMPLETE"
	UpdateRollbackFailed Status = "UPDATE_ROLLBACK_FAILED"
)

// Step is what to do with a stack.
type Step string

// The steps.
const (
	StepCreate   Step = "create"   // make it
	StepReview   Step = "review"   // an earlier try left nothing but its name: make it
	StepUpdate   Step = "update"   // change it
	StepWait     Step = "wait"     // an operation is under way; decide again when it has ended
	StepRecreate Step = "recreate" // it cannot be changed any more: delete it, and make it
	StepRepair   Step = "repair"   // a person must choose; the command is named
)

// steps are all statuses that CloudFormation has for a stack.
func steps() map[Status]Step {
	return map[Status]Step{
		NoStack:          StepCreate,
		DeleteComplete:   StepCreate,
		ReviewInProgress: StepReview,

		CreateComplete:             StepUpdate,
		UpdateComplete:             StepUpdate,
		"UPDATE_ROLLBACK_COMPLETE": StepUpdate,
		"IMPORT_COMPLETE":          StepUpdate,
		"IMPORT_ROLLBACK_COMPLETE": StepUpdate,

		"CREATE_IN_PROGRESS":                           StepWait,
		"ROLLBACK_IN_PROGRESS":                         StepWait,
		"DELETE_IN_PROGRESS":                           StepWait,
		"UPDATE_IN_PROGRESS":                           StepWait,
		"UPDATE_COMPLETE_CLEANUP_IN_PROGRESS":          StepWait,
		"UPDATE_ROLLBACK_IN_PROGRESS":                  StepWait,
		"UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": StepWait,
		"IMPORT_IN_PROGRESS":                           StepWait,
		"IMPORT_ROLLBACK_IN_PROGRESS":                  StepWait,

		RollbackComplete:  StepRecreate,
		"ROLLBACK_FAILED": StepRecreate,
		"CREATE_FAILED":   StepRecreate,
		DeleteFailed:      StepRecreate,

		UpdateRollbackFailed:     StepRepair,
		"UPDATE_FAILED":          StepRepair,
		"IMPORT_ROLLBACK_FAILED": StepRepair,
	}
}

// StepOf is what to do with a stack of this status. One that is not known is an
// error: nothing is done to a stack that is not understood.
func StepOf(s Status) (Step, error) {
	step, known := steps()[s]
	if !known {
		return "", fleet.Errorf(fleet.ErrConflict, "the stack is in the state %s, which nightshift does not know; look at it in the CloudFormation console", s)
	}
	return step, nil
}

// checkOurs refuses a stack that somebody else has made, whatever its state. One
// that is nothing but a name yet is nobody's.
func (s Stack) checkOurs() error {
	switch {
	case s.Status == NoStack || s.Status == DeleteComplete || s.Status == ReviewInProgress:
		return nil
	case s.ours():
		return nil
	}
	return fleet.Errorf(fleet.ErrInvalid, "the stack %s is not one of nightshift; choose another name with --stack", s.Name)
}

// ours reports whether a stack says that nightshift made it.
func (s Stack) ours() bool {
	return s.Tags[TagStack] != "" || strings.HasPrefix(s.Description, "nightshift:")
}

// Settled reports whether no operation is under way.
func (s Status) Settled() bool {
	return s == ReviewInProgress || !strings.HasSuffix(string(s), "_IN_PROGRESS")
}

// Succeeded reports whether an operation ended as it was meant to.
func (s Status) Succeeded() bool {
	return s == CreateComplete || s == UpdateComplete || s == DeleteComplete || s == "IMPORT_COMPLETE"
}

// failed reports whether an event says that something went wrong.
func (s Status) failed() bool { return strings.HasSuffix(string(s), "_FAILED") }

// repair is the error for a stack about which a person must decide, with the
// command. The events are those of what could not be rolled back.
func repair(s Stack, stuck []Event) error {
	switch s.Status {
	case UpdateRollbackFailed:
		command := "aws cloudformation continue-update-rollback --stack-name " + s.Name
		reason, hint := reasonOf(s), "repair what the reason names"
		if len(stuck) > 0 {
			names := make([]string, len(stuck))
			for n, e := range stuck {
				names[n] = e.Logical
			}
			reason = stuck[0].Logical + ": " + stuck[0].Reason
			hint = fmt.Sprintf("repair %s, or leave it out with --resources-to-skip %s", strings.Join(names, ", "), strings.Join(names, " "))
		}
		return fleet.Errorf(fleet.ErrConflict, "the stack %s could not be rolled back (%s): %s; %s; then run `%s`, and deploy again",
			s.Name, s.Status, reason, hint, command)
	case "UPDATE_FAILED":
		return fleet.Errorf(fleet.ErrConflict, "an update of the stack %s failed and was not rolled back: %s; run `aws cloudformation rollback-stack --stack-name %s`, and deploy again",
			s.Name, reasonOf(s), s.Name)
	default:
		return fleet.Errorf(fleet.ErrConflict, "the stack %s is in the state %s: %s; put it right in the CloudFormation console, and deploy again",
			s.Name, s.Status, reasonOf(s))
	}
}

func reasonOf(s Stack) string {
	if s.StatusReason == "" {
		return "AWS gives no reason"
	}
	return strings.TrimRight(s.StatusReason, ". ")
}
