package stack_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/stack"
)

// block is the text of a resource of a template.
func block(t *testing.T, text, name string) string {
	t.Helper()
	_, after, found := strings.Cut(text, "\n  "+name+":\n")
	if !found {
		t.Fatalf("the template has no %s", name)
	}
	end := regexp.MustCompile(`(?m)^( {0,2}\S)`).FindStringIndex(after)
	if end == nil {
		return after
	}
	return after[:end[0]]
}

// TestTemplateRoles: every role and managed policy lies under the path, every role
// has the boundary, and none has a name that could be taken.
func TestTemplateRoles(t *testing.T) {
	for name, schedules := range variants() {
		text := template(t, schedules)
		for id, r := range resources(t, text) {
			b := block(t, text, id)
			path := strings.Contains(b, `      Path: !If [HasRolePath, !Ref RolePath, !Sub "/nightshift/${AWS::StackName}/"]`)
			boundary := strings.Contains(b, `      PermissionsBoundary: !If [HasBoundary, !Ref PermissionsBoundary, !Ref AWS::NoValue]`)
			role, managed := r.Type == "AWS::IAM::Role", r.Type == "AWS::IAM::ManagedPolicy"
			if path != (role || managed) || boundary != role {
				t.Errorf("%s: %s, %s: path %t, boundary %t", name, id, r.Type, path, boundary)
			}
			if regexp.MustCompile(`(?m)^      (RoleName|ManagedPolicyName):`).MatchString(b) {
				t.Errorf("%s: %s has a name of its own", name, id)
			}
		}
	}
}

// TestTemplateKeys: grants are for volumes alone, and data keys are used by way of S3
// and Systems Manager alone.
func TestTemplateKeys(t *testing.T) {
	all := resources(t, template(t, nil))
	key := []string{"arn:aws:kms:us-east-1:123456789012:key/a"}
	data := []stack.Statement{
		{
			Sid: "UseKeysOfBuckets", Effect: "Allow", Action: []string{"kms:Decrypt", "kms:GenerateDataKey"}, Resource: key,
			Condition: stack.Condition{"StringLike": {"kms:ViaService": {"s3.*.amazonaws.com"}}},
		},
		{
			Sid: "UseKeysOfParameters", Effect: "Allow", Action: []string{"kms:Decrypt"}, Resource: key,
			Condition: stack.Condition{"StringLike": {"kms:ViaService": {"ssm.*.amazonaws.com"}}},
		},
	}
	for id, want := range map[string][]stack.Statement{
		"FunctionKeys": {{
			Sid: "StartWithEncryptedVolumes", Effect: "Allow", Action: []string{"kms:CreateGrant"}, Resource: key,
			Condition: stack.Condition{
				"Bool":                      {"kms:GrantIsForAWSResource": {"true"}},
				"StringLike":                {"kms:ViaService": {"ec2.*.amazonaws.com"}},
				"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": {"aws:ebs:id"}, "kms:GrantOperations": {"Decrypt"}},
				"Null":                      {"kms:EncryptionContextKeys": {"false"}, "kms:GrantOperations": {"false"}},
			},
		}},
		"FunctionDataKeys": data, "FunctionReportKey": data,
	} {
		if all[id].Condition != "Has"+strings.TrimPrefix(id, "Function") {
			t.Errorf("%s has the condition %q", id, all[id].Condition)
		}
		if diff := cmp.Diff(want, filled(t, all[id].Properties.PolicyDocument).Statement); diff != "" {
			t.Errorf("%s (-want +got)\n%s", id, diff)
		}
	}
}

// TestTemplateKeepsReports: bucket and TLS rule stay when the stack is deleted, and go
// when it could not be made; with a bucket of one's own there are none.
func TestTemplateKeepsReports(t *testing.T) {
	text := template(t, nil)
	for _, id := range []string{"Reports", "ReportsOverTls"} {
		b := block(t, text, id)
		for _, want := range []string{"Condition: OwnBucket", "DeletionPolicy: RetainExceptOnCreate", "UpdateReplacePolicy: Retain"} {
			if !strings.Contains(b, "    "+want+"\n") {
				t.Errorf("%s has no %s", id, want)
			}
		}
	}
}

// TestTemplateGroup: the name of the schedule group fits for the longest name of a
// stack, which has 128 characters, and the role is for this group alone.
func TestTemplateGroup(t *testing.T) {
	text := template(t, nil)
	const id = "arn:aws:cloudformation:us-east-1:123456789012:stack/NAME/51af3dc0-da77-11e4-872e-1234567db123"
	if !strings.Contains(block(t, text, "Schedules"), `Name: !Join ["-", [nightshift, !Select [2, !Split ["/", !Ref AWS::StackId]]]]`) {
		t.Error("the group's name is another one")
	}
	name := "nightshift-" + strings.Split(id, "/")[2]
	if !regexp.MustCompile(`^[0-9a-zA-Z_.-]{1,64}$`).MatchString(name) {
		t.Errorf("%s is not a name of a group", name)
	}
	if !strings.Contains(block(t, text, "SchedulerRole"), "aws:SourceArn: !GetAtt Schedules.Arn") {
		t.Error("the role is not for the group alone")
	}
}

// TestTemplateOutputs are those that deployment and other accounts rely on.
func TestTemplateOutputs(t *testing.T) {
	for name, schedules := range variants() {
		_, outputs, _ := strings.Cut(template(t, schedules), "\nOutputs:\n")
		var names []string
		for _, m := range regexp.MustCompile(`(?m)^  (\w+):$`).FindAllStringSubmatch(outputs, -1) {
			names = append(names, m[1])
		}
		want := "FunctionName FunctionArn FunctionRoleArn ReportBucket UndeliveredQueue LogGroupName AlarmTopicArn ScheduleGroup"
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
