package stack_test

import (
	"errors"
	"slices"
	"testing"

	"nightshift/internal/fleet"
	"nightshift/internal/stack"
)

// deployerStatements are those of the policy of who deploys, by their Sid.
func deployerStatements(t *testing.T, s stack.Scope) map[string]stack.Statement {
	t.Helper()
	s.Jobs = stack.Deploy
	documents, err := stack.Policies(actions(), s)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]stack.Statement{}
	for _, d := range documents {
		for _, one := range d.Statement {
			all[one.Sid] = one
		}
	}
	return all
}

// TestDeployerKeepsToItsPath holds that roles are made, attached to and passed below
// the path of the stack alone, and with the boundary where there is one.
func TestDeployerKeepsToItsPath(t *testing.T) {
	const boundary = "arn:aws:iam::123456789012:policy/edge"
	all := deployerStatements(t, stack.Scope{Account: "123456789012", Deployer: stack.Deployer{Stack: "trial", Boundary: boundary}})
	const roles, policies = "arn:aws:iam::123456789012:role/nightshift/trial/*", "arn:aws:iam::123456789012:policy/nightshift/trial/*"
	for sid, s := range all {
		for _, action := range s.Action {
			if len(action) < 4 || action[:4] != "iam:" {
				continue
			}
			if want := []string{roles}; sid != "KeepPolicies" && !slices.Equal(s.Resource, want) {
				t.Errorf("%s: %s on %v", sid, action, s.Resource)
			}
		}
	}
	for _, sid := range []string{"MakeRoles", "AttachPolicies"} {
		if got := all[sid].Condition["StringEquals"]["iam:PermissionsBoundary"]; !slices.Equal(got, stack.Values{boundary}) {
			t.Errorf("%s: the boundary is %v", sid, got)
		}
	}
	if got := all["AttachPolicies"].Condition["ArnLike"]["iam:PolicyARN"]; !slices.Equal(got, stack.Values{policies}) {
		t.Errorf("policies to attach: %v", got)
	}
	if got := all["PassRoles"].Condition["StringEquals"]["iam:PassedToService"]; !slices.Equal(got, stack.Values{"lambda.amazonaws.com", "scheduler.amazonaws.com"}) {
		t.Errorf("roles are passed to %v", got)
	}
}

// TestDeployerWithServiceRole holds that who hands CloudFormation a role may make
// nothing.
func TestDeployerWithServiceRole(t *testing.T) {
	const role = "arn:aws:iam::123456789012:role/cloudformation"
	all := deployerStatements(t, stack.Scope{Deployer: stack.Deployer{ServiceRole: role}})
	if got := all["HandOverRole"]; !slices.Equal(got.Resource, []string{role}) || !slices.Equal(got.Condition["StringEquals"]["iam:PassedToService"], stack.Values{"cloudformation.amazonaws.com"}) {
		t.Errorf("the role is handed over as %+v", got)
	}
	for _, sid := range []string{"MakeRoles", "MakeFunction", "MakeReportBucket", "PassRoles"} {
		if _, there := all[sid]; there {
			t.Errorf("%s is allowed", sid)
		}
	}
}

// TestDeployIsNoJobOfTheFunction keeps the rights of a person out of the function's
// policy.
func TestDeployIsNoJobOfTheFunction(t *testing.T) {
	_, err := stack.Policies(actions(), stack.Scope{Jobs: stack.Deploy | stack.Power, Tag: fleet.Tag{Key: "a", Value: "b"}})
	if !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("both at once: %v", err)
	}
	documents, err := stack.Policies(actions(), stack.Scope{Tag: fleet.Tag{Key: "a", Value: "b"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range documents {
		for _, s := range d.Statement {
			if slices.Contains(s.Action, "cloudformation:CreateChangeSet") || slices.Contains(s.Action, "lambda:InvokeFunction") {
				t.Errorf("the function may %v", s.Action)
			}
		}
	}
}
