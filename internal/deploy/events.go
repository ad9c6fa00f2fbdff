package deploy

import (
	"slices"
	"strings"

	"nightshift/internal/fleet"
)

// cancelled are the reasons of failures that follow from another one.
func cancelled() []string {
	return []string{
		"Resource creation cancelled", "Resource update cancelled", "Resource deletion cancelled", "The following resource(s) failed to",
	}
}

// follows reports whether a failure only follows from another.
func (e Event) follows() bool {
	return slices.ContainsFunc(cancelled(), func(c string) bool { return strings.Contains(e.Reason, c) })
}

// FirstCause is the event that an operation failed for: the earliest failure
// that does not merely follow from another. The events are in any order.
func FirstCause(events []Event) (Event, bool) {
	var failures []Event
	for _, e := range events {
		if e.Status.failed() && e.Type != stackType {
			failures = append(failures, e)
		}
	}
	slices.SortStableFunc(failures, func(a, b Event) int { return a.At.Compare(b.At) })
	n := slices.IndexFunc(failures, func(e Event) bool { return !e.follows() })
	switch {
	case n >= 0:
		return failures[n], true
	case len(failures) > 0:
		return failures[0], true
	}
	for _, e := range events { // the stack itself, such as one whose role may not be used
		if e.Reason != "" && (e.Status.failed() || strings.Contains(string(e.Status), "ROLLBACK")) {
			return e, true
		}
	}
	return Event{}, false
}

// stackType is the type of the stack among its own resources.
const stackType = "AWS::CloudFormation::Stack"

// CauseError is the error of an operation that did not succeed.
func CauseError(s Stack, events []Event) error {
	cause, ok := FirstCause(events)
	if !ok {
		return fleet.Errorf(fleet.ErrConflict, "the stack %s ended in the state %s: %s", s.Name, s.Status, reasonOf(s))
	}
	kind := fleet.ErrConflict
	if denied(cause.Reason) {
		kind = fleet.ErrDenied
	}
	what := cause.Logical
	if cause.Type != "" && cause.Type != stackType {
		what += " (" + cause.Type + ")"
	}
	next := "everything is as it was before; put it right and deploy again"
	switch s.Status { //nolint:exhaustive // the others say it as it stands above
	case DeleteFailed:
		next = "put it right and run the command again"
	case RollbackComplete:
		next = "nothing of it is left but the stack's name; put it right and deploy again, which deletes the stack first"
	case "ROLLBACK_FAILED":
		next = "and what was made could not be deleted again; put it right and deploy again, which deletes the stack first"
	case UpdateRollbackFailed:
		next = "and it could not be rolled back either; the next `nightshift deploy` names the command"
	}
	return fleet.Errorf(kind, "%s: %s; %s", what, strings.TrimSuffix(cause.Reason, "."), next)
}

// denied reports whether a reason of CloudFormation is a missing permission.
func denied(reason string) bool {
	return strings.Contains(reason, "not authorized to perform") || strings.Contains(reason, "AccessDenied") || strings.Contains(reason, "Access Denied")
}

// latest are the events of the newest operation of a stack, among its events with
// the newest first.
func latest(events []Event) []Event {
	if len(events) == 0 {
		return nil
	}
	token := events[0].Token
	for n, e := range events {
		if begins(e) && e.Token == token {
			return events[:n+1]
		}
	}
	return events
}

// begins reports whether an event begins an operation on the stack.
func begins(e Event) bool {
	return e.Type == stackType && slices.Contains([]Status{"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS", ReviewInProgress}, e.Status)
}
