package sandbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"nightshift/internal/sandbox"
)

// rolesTemplate has what must be allowed with conditions: roles with a boundary,
// policies that are attached and roles that are passed.
const rolesTemplate = `
Parameters:
  Boundary: { Type: String, Default: "" }
  Note: { Type: String, Default: first }
Conditions:
  Bounded: !Not [!Equals [!Ref Boundary, ""]]
Resources:
  Work:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Path: /team/
      PolicyDocument: { Statement: [{ Effect: Allow, Action: "ec2:Describe*", Resource: "*" }] }
  Role:
    Type: AWS::IAM::Role
    Properties:
      Path: /team/
      Description: !Ref Note
      PermissionsBoundary: !If [Bounded, !Ref Boundary, !Ref AWS::NoValue]
      ManagedPolicyArns: [!Ref Work]
      AssumeRolePolicyDocument:
        Statement: [{ Effect: Allow, Action: "sts:AssumeRole", Principal: { Service: scheduler.amazonaws.com } }]
  Group: { Type: AWS::Scheduler::ScheduleGroup }
  Tick:
    Type: AWS::Scheduler::Schedule
    Properties:
      GroupName: !Ref Group
      ScheduleExpression: rate(5 minutes)
      FlexibleTimeWindow: { Mode: "OFF" }
      Target: { Arn: !GetAtt Queue.Arn, RoleArn: !GetAtt Role.Arn }
  Queue: { Type: AWS::SQS::Queue }
`

// rolesPolicy is enough for rolesTemplate; each try changes a part of it.
const rolesPolicy = `{"Statement": [
	{"Effect": "Allow", "Action": ["cloudformation:*", "sqs:*", "scheduler:*"], "Resource": "*"},
	{"Effect": "Allow", "Action": ["iam:CreatePolicy", "iam:GetPolicy", "iam:List*", "iam:DeletePolicy"], "Resource": "arn:aws:iam::123456789012:policy/team/*"},
	{"Effect": "Allow", "Action": ["iam:CreateRole"], "Resource": "arn:aws:iam::123456789012:role/team/*",
		"Condition": {"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/edge"}}},
	{"Effect": "Allow", "Action": ["iam:AttachRolePolicy", "iam:DetachRolePolicy"], "Resource": "arn:aws:iam::123456789012:role/team/*",
		"Condition": {"ArnLike": {"iam:PolicyARN": "arn:aws:iam::123456789012:policy/team/*"}}},
	{"Effect": "Allow", "Action": ["iam:GetRole", "iam:DeleteRole", "iam:List*"], "Resource": "arn:aws:iam::123456789012:role/team/*"},
	{"Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::123456789012:role/team/*",
		"Condition": {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}}]}`

func TestStackNeedsPermissions(t *testing.T) {
	t.Parallel()
	boundary := map[string]string{"Boundary": "arn:aws:iam::123456789012:policy/edge"}
	for _, tt := range []struct {
		name, from, to string
		parameters     map[string]string
		denied         string // the resource and the action; empty: nothing is
	}{
		{"enough", "", "", boundary, ""},
		{"without a boundary", "", "", nil, "Role iam:CreateRole"},
		{"another boundary", "", "", map[string]string{"Boundary": "arn:aws:iam::123456789012:policy/other"}, "Role iam:CreateRole"},
		{"another path", "role/team/*", "role/other/*", boundary, "Role iam:CreateRole"},
		{"another policy", `PolicyARN": "arn:aws:iam::123456789012:policy/team/*`, `PolicyARN": "arn:aws:iam::123456789012:policy/other/*`, boundary, "Role iam:AttachRolePolicy"},
		{"passed elsewhere", "scheduler.amazonaws.com", "lambda.amazonaws.com", boundary, "Tick iam:PassRole"},
		{"no policy", "iam:CreatePolicy", "iam:CreateUser", boundary, "Work iam:CreatePolicy"},
		{"no schedule", "scheduler:*", "scheduler:CreateScheduleGroup\", \"scheduler:Get*\", \"scheduler:List*", boundary, "Tick scheduler:CreateSchedule"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := openStack(t, sandbox.Options{Policy: []byte(strings.ReplaceAll(rolesPolicy, tt.from, tt.to))})
			stack := s.apply(types.ChangeSetTypeCreate, rolesTemplate, tt.parameters, false)
			failed := s.events("CREATE_FAILED")
			if tt.denied == "" {
				if stack.StackStatus != types.StackStatusCreateComplete {
					t.Errorf("%s %v", stack.StackStatus, failed)
				}
				return
			}
			resource, action, _ := strings.Cut(tt.denied, " ")
			if len(failed) == 0 || !strings.HasPrefix(failed[0], resource+" CREATE_FAILED") || !strings.Contains(failed[0], "is not authorized to perform: "+action+" on resource: ") {
				t.Errorf("%s %v, want %s", stack.StackStatus, failed, tt.denied)
			}
		})
	}
}

func TestStackUpdateNeedsPermissions(t *testing.T) {
	t.Parallel()
	s := openStack(t, sandbox.Options{Policy: []byte(rolesPolicy)})
	parameters := map[string]string{"Boundary": "arn:aws:iam::123456789012:policy/edge", "Note": "first"}
	if stack := s.apply(types.ChangeSetTypeCreate, rolesTemplate, parameters, false); stack.StackStatus != types.StackStatusCreateComplete {
		t.Fatal(s.events("FAILED"))
	}
	parameters["Note"] = "second"
	stack := s.apply(types.ChangeSetTypeUpdate, rolesTemplate, parameters, false)
	failed := s.events("UPDATE_FAILED")
	if stack.StackStatus != types.StackStatusUpdateRollbackComplete || len(failed) != 1 || !strings.Contains(failed[0], "Role UPDATE_FAILED: ") || !strings.Contains(failed[0], "iam:UpdateRole") {
		t.Errorf("%s %v", stack.StackStatus, failed)
	}
}

func TestStackByServiceRole(t *testing.T) {
	t.Parallel()
	maker := sandbox.Role{Name: "maker", Services: []string{"cloudformation.amazonaws.com"}, Policy: []byte(`{"Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}`)}
	other := sandbox.Role{Name: "other"}
	s := openStack(t, sandbox.Options{Roles: []sandbox.Role{maker, other}, Policy: []byte(`{"Statement": [
		{"Effect": "Allow", "Action": "cloudformation:*", "Resource": "*"},
		{"Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::123456789012:role/maker"}]}`)})
	in := func(role, kind string) *cloudformation.CreateChangeSetInput {
		return &cloudformation.CreateChangeSetInput{
			StackName: &s.name, ChangeSetName: aws.String("try-" + role), ChangeSetType: types.ChangeSetTypeCreate,
			RoleARN: aws.String("arn:aws:iam::123456789012:role/" + role), TemplateBody: aws.String("Resources: { R: { Type: " + kind + " } }"),
		}
	}
	if _, err := s.CreateChangeSet(t.Context(), in("other", "AWS::SQS::Queue")); code(err) != "AccessDenied" {
		t.Errorf("a role that cannot be passed: %v", err)
	}
	for kind, want := range map[string]types.StackStatus{"AWS::SQS::Queue": types.StackStatusCreateComplete, "AWS::SNS::Topic": types.StackStatusRollbackComplete} {
		s.name = strings.ReplaceAll(string(want), "_", "-")
		set, err := s.CreateChangeSet(t.Context(), in("maker", kind))
		if err != nil {
			t.Fatal(err)
		}
		s.Advance(5 * time.Second)
		if _, err := s.ExecuteChangeSet(t.Context(), &cloudformation.ExecuteChangeSetInput{ChangeSetName: set.Id}); err != nil {
			t.Fatal(err)
		}
		s.Advance(time.Minute)
		if stack := s.stack(); stack.StackStatus != want || aws.ToString(stack.RoleARN) == "" {
			t.Errorf("%s: %s %v", kind, stack.StackStatus, s.events("FAILED"))
		}
	}
}

func TestStackRefusesPolicies(t *testing.T) {
	t.Parallel()
	policy := func(document string) string {
		return "Resources: { P: { Type: AWS::IAM::ManagedPolicy, Properties: { PolicyDocument: '" + document + "' } }, " +
			"R: { Type: AWS::IAM::Role, Properties: { ManagedPolicyArns: [!Ref P], AssumeRolePolicyDocument: { Statement: [] } } } }"
	}
	for _, tt := range []struct{ document, want string }{
		{`{"Statement": [{"Effect": "Allow", "Action": "ec2:*", "Resource": "` + strings.Repeat("x", 6200) + `"}]}`, "P CREATE_FAILED: Resource handler returned message: \"Cannot exceed quota for PolicySize: 6144"},
		{`{"Statement": [`, "P CREATE_FAILED: Resource handler returned message: \"Syntax errors in policy"},
		{`{"Statement": [{"Effect": "Allow", "Action": "ec2:*", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "::1"}}}]}`, "R CREATE_FAILED: Resource handler returned message: \"role"},
	} {
		s := openStack(t, sandbox.Options{})
		stack := s.apply(types.ChangeSetTypeCreate, policy(tt.document), nil, false)
		if failed := s.events("CREATE_FAILED"); stack.StackStatus != types.StackStatusRollbackComplete || len(failed) == 0 || !strings.HasPrefix(failed[0], tt.want) {
			t.Errorf("%.60s: %s %v", tt.document, stack.StackStatus, failed)
		}
	}
}
