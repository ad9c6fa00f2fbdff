package deploy_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"nightshift/internal/deploy"
	"nightshift/internal/fleet"
)

func event(second int, logical, kind string, status deploy.Status, reason string) deploy.Event {
	return deploy.Event{At: time.Unix(int64(second), 0), Logical: logical, Type: kind, Status: status, Reason: reason}
}

const (
	refusedRole = "User: arn:aws:iam::123456789012:user/dev is not authorized to perform: iam:CreateRole on resource: role nightshift"
	cancelled   = "Resource creation cancelled"
)

func TestFirstCause(t *testing.T) {
	stack := event(9, "nightshift", "AWS::CloudFormation::Stack", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Log, Role].")
	for _, test := range []struct {
		name   string
		events []deploy.Event
		want   string
	}{
		{"the newest first", []deploy.Event{stack, event(3, "Log", "AWS::Logs::LogGroup", "CREATE_FAILED", cancelled), event(2, "Role", "AWS::IAM::Role", "CREATE_FAILED", refusedRole)}, "Role"},
		{"cancelled before it", []deploy.Event{event(1, "Log", "AWS::Logs::LogGroup", "CREATE_FAILED", cancelled), event(2, "Role", "AWS::IAM::Role", "CREATE_FAILED", refusedRole)}, "Role"},
		{"two causes", []deploy.Event{event(5, "B", "AWS::SQS::Queue", "UPDATE_FAILED", "later"), event(4, "A", "AWS::SQS::Queue", "UPDATE_FAILED", "earlier")}, "A"},
		{"only cancelled", []deploy.Event{event(1, "Log", "AWS::Logs::LogGroup", "CREATE_FAILED", cancelled)}, "Log"},
		{"the stack itself", []deploy.Event{stack}, "nightshift"},
		{"nothing", []deploy.Event{event(1, "Log", "AWS::Logs::LogGroup", "CREATE_COMPLETE", "")}, ""},
	} {
		got, ok := deploy.FirstCause(test.events)
		if got.Logical != test.want || ok != (test.want != "") {
			t.Errorf("%s: got %q, want %q", test.name, got.Logical, test.want)
		}
	}
}

func TestCauseError(t *testing.T) {
	events := []deploy.Event{event(2, "Role", "AWS::IAM::Role", "CREATE_FAILED", refusedRole)}
	err := deploy.CauseError(deploy.Stack{Name: "nightshift", Status: "ROLLBACK_COMPLETE"}, events)
	if !errors.Is(err, fleet.ErrDenied) || !strings.Contains(err.Error(), "Role (AWS::IAM::Role): User: ") || !strings.Contains(err.Error(), "iam:CreateRole") {
		t.Errorf("a missing right: %v", err)
	}
	err = deploy.CauseError(deploy.Stack{Name: "nightshift", Status: "UPDATE_ROLLBACK_FAILED"},
		[]deploy.Event{event(1, "Queue", "AWS::SQS::Queue", "UPDATE_FAILED", "a queue of the name was there.")})
	if !errors.Is(err, fleet.ErrConflict) || !strings.Contains(err.Error(), "could not be rolled back") {
		t.Errorf("a failed rollback: %v", err)
	}
}
