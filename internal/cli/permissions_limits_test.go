package cli_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/policy"
)

// act is something that no printed policy permits. What it is made of differs in
// one respect from what is permitted.
type act struct {
	what, action, resource string
	about                  policy.Context
}

// The names in the policies, and others like them.
const (
	inRegion   = sandbox.DefaultRegion + ":" + sandbox.AccountID + ":"
	limitKey   = "arn:aws:kms:" + inRegion + "key/limit"
	anInstance = "arn:aws:ec2:" + inRegion + "instance/i-1"
	aVolume    = "arn:aws:ec2:" + inRegion + "volume/vol-1"
	elsewhere  = "arn:aws:ec2:" + sandbox.DefaultRegion + ":" + dev + ":instance/i-1"
	aDatabase  = "arn:aws:rds:" + inRegion + "db:day"
	aCluster   = "arn:aws:rds:" + inRegion + "cluster:day"
	aCopy      = "arn:aws:rds:" + inRegion + "snapshot:day"
	aGroup     = "arn:aws:autoscaling:" + inRegion + "autoScalingGroup:1:autoScalingGroupName/day"
	aLaunch    = "arn:aws:autoscaling:" + inRegion + "launchConfiguration:1:launchConfigurationName/day"
	edge       = "arn:aws:iam::" + sandbox.AccountID + ":policy/edge"
	maker      = "arn:aws:iam::" + sandbox.AccountID + ":role/maker"
)

// forbidden are the acts. Each kind of machine is tried without the tag, with the
// tag on something that is no machine, and with tags that are not ours.
func forbidden() []act {
	ours, days, nights := []string{fleet.TagLast}, fleet.Tags{"Days": "second"}, fleet.Tags{"Nights": "yes"}
	var acts []act
	for _, m := range []struct{ action, mark, resource, other string }{
		{"ec2:StopInstances", "ec2:CreateTags", anInstance, aVolume},
		{"rds:StopDBInstance", "rds:AddTagsToResource", aDatabase, aCopy},
		{"rds:StopDBCluster", "rds:AddTagsToResource", aCluster, aCopy},
		{"autoscaling:UpdateAutoScalingGroup", "autoscaling:CreateOrUpdateTags", aGroup, aLaunch},
	} {
		acts = append(acts,
			act{"an untagged machine", m.action, m.resource, policy.Context{}},
			act{"a mark on an untagged machine", m.mark, m.resource, policy.Context{TagKeys: ours}})
		for _, tags := range []fleet.Tags{days, nights, {"AutoStopStart": "Yes"}} {
			has := policy.Context{ResourceTags: tagged(tags)}
			mark, foreign := has, has
			mark.TagKeys, foreign.TagKeys = ours, []string{"Owner"}
			acts = append(acts,
				act{"another resource with the tag", m.action, m.other, has}, act{"a mark on another resource", m.mark, m.other, mark},
				act{"a foreign tag key", m.mark, m.resource, foreign}, act{"no tag key", m.mark, m.resource, has})
		}
	}
	types := tagged{"Days": "second", fleet.TagTypes: "m5.large"}
	acts = append(acts,
		act{"another account's machine", "ec2:StopInstances", elsewhere, policy.Context{ResourceTags: tagged{"AutoStopStart": "Yes"}}},
		act{"user data", "ec2:ModifyInstanceAttribute", anInstance, policy.Context{ResourceTags: types, Attribute: "userData"}},
		act{"a type that the owner did not name", "ec2:ModifyInstanceAttribute", anInstance, policy.Context{ResourceTags: tagged(days), Attribute: "InstanceType"}},
		act{"a type of a machine of another rule", "ec2:ModifyInstanceAttribute", anInstance, policy.Context{ResourceTags: tagged{fleet.TagTypes: "m5.large"}, Attribute: "InstanceType"}},
		act{"a type of another resource", "ec2:ModifyInstanceAttribute", aVolume, policy.Context{ResourceTags: types, Attribute: "InstanceType"}},
		act{"the start of an untagged machine", "ec2:StartInstances", anInstance, policy.Context{}},
		act{"another parameter", "ssm:GetParameter", "arn:aws:ssm:" + inRegion + "parameter/other", policy.Context{}},
		act{"another secret", "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:" + inRegion + "secret:other-AbCdEf", policy.Context{}},
		act{"another topic", "sns:Publish", "arn:aws:sns:" + inRegion + "other", policy.Context{}},
		act{"another role", "sts:AssumeRole", "arn:aws:iam::" + dev + ":role/admin", policy.Context{}},
		act{"an object of another prefix", "s3:GetObject", "arn:aws:s3:::" + sandbox.DefaultBucket + "/other/a", policy.Context{}},
		act{"writing to another prefix", "s3:PutObject", "arn:aws:s3:::" + sandbox.DefaultBucket + "/other/a", policy.Context{}},
		act{"an object of another bucket", "s3:GetObject", "arn:aws:s3:::other/a", policy.Context{}},
		act{"writing to another bucket", "s3:PutObject", "arn:aws:s3:::other/a", policy.Context{}},
		act{"listing another prefix", "s3:ListBucket", "arn:aws:s3:::" + sandbox.DefaultBucket, policy.Context{Prefix: []string{"other/"}}},
	)
	for _, prefix := range []string{"runs/", "runs/notify/", "history/", "prices/", "exports/"} {
		acts = append(acts, act{"listing another bucket", "s3:ListBucket", "arn:aws:s3:::other", policy.Context{Prefix: []string{prefix}}})
	}
	return slices.Concat(acts, forbiddenKeys(), forbiddenToDeploy(), forbiddenCopies())
}

// forbiddenToDeploy are the acts with other stacks, and with what is not in a stack:
// roles without the boundary, with policies of others, or handed to others.
func forbiddenToDeploy() []act {
	const (
		ourRole, ourPolicy = "arn:aws:iam::" + sandbox.AccountID + ":role/nightshift/nightshift/run", "arn:aws:iam::" + sandbox.AccountID + ":policy/nightshift/nightshift/run"
		admin, everything  = "arn:aws:iam::" + sandbox.AccountID + ":role/admin", "arn:aws:iam::aws:policy/AdministratorAccess"
	)
	keys := func(boundary, attached, to string) policy.Context {
		return policy.Context{Keys: map[string]string{"iam:PermissionsBoundary": boundary, "iam:PolicyARN": attached, "iam:PassedToService": to}}
	}
	acts := []act{
		{"a role elsewhere", "iam:CreateRole", admin, keys(edge, "", "")},
		{"a role without a boundary", "iam:CreateRole", ourRole, keys("", "", "")},
		{"a role with another boundary", "iam:PutRolePermissionsBoundary", ourRole, keys(everything, "", "")},
		{"a role's boundary taken away", "iam:DeleteRolePermissionsBoundary", ourRole, keys(edge, "", "")},
		{"a policy for a role elsewhere", "iam:AttachRolePolicy", admin, keys(edge, ourPolicy, "")},
		{"a policy of others", "iam:AttachRolePolicy", ourRole, keys(edge, everything, "")},
		{"a policy for a role without a boundary", "iam:AttachRolePolicy", ourRole, keys("", ourPolicy, "")},
		{"another role's trust", "iam:UpdateAssumeRolePolicy", admin, policy.Context{}},
		{"another policy", "iam:CreatePolicyVersion", strings.Replace(admin, "role", "policy", 1), policy.Context{}},
		{"another role for a function", "iam:PassRole", admin, keys("", "", "lambda.amazonaws.com")},
		{"another role for CloudFormation", "iam:PassRole", admin, keys("", "", "cloudformation.amazonaws.com")},
		{"a role for instances", "iam:PassRole", ourRole, keys("", "", "ec2.amazonaws.com")},
		{"the role of CloudFormation for a function", "iam:PassRole", maker, keys("", "", "lambda.amazonaws.com")},
		{"the files of another stack", "s3:PutObject", "arn:aws:s3:::" + artifacts + "/other/code/1.zip", policy.Context{}},
	}
	for resource, actions := range map[string]string{
		"arn:aws:cloudformation:" + inRegion + "stack/other/1": "cloudformation:DeleteStack cloudformation:ExecuteChangeSet",
		"arn:aws:s3:::other":                                              "s3:CreateBucket s3:ListBucket s3:GetBucketTagging s3:DeleteBucket s3:PutBucketPolicy",
		"arn:aws:lambda:" + inRegion + "function:other":                   "lambda:InvokeFunction lambda:UpdateFunctionCode",
		"arn:aws:sns:" + inRegion + "other":                               "sns:ListSubscriptionsByTopic sns:Subscribe",
		"arn:aws:logs:" + inRegion + "log-group:/aws/other:log-stream:":   "logs:DeleteLogGroup",
		"arn:aws:logs:" + inRegion + "log-group:/nightshift/nightshift-2": "logs:TagResource",
		"arn:aws:sqs:" + inRegion + "other":                               "sqs:DeleteQueue",
		"arn:aws:scheduler:" + inRegion + "schedule-group/other":          "scheduler:DeleteScheduleGroup",
		"arn:aws:scheduler:" + inRegion + "schedule/nightshift-1/other-1": "scheduler:UpdateSchedule",
		"arn:aws:cloudwatch:" + inRegion + "alarm:other":                  "cloudwatch:DeleteAlarms",
	} {
		for action := range strings.FieldsSeq(actions) {
			acts = append(acts, act{"another resource", action, resource, policy.Context{}})
		}
	}
	return acts
}

// forbiddenKeys are the acts with keys: another one, and a key otherwise than by
// the service for which it is permitted.
func forbiddenKeys() []act {
	right := policy.KeyUse{
		Via: "ec2." + sandbox.DefaultRegion + ".amazonaws.com", ForResource: true, Operations: []string{"Decrypt"}, Context: []string{"aws:ebs:id"},
	}
	other := strings.Replace(limitKey, "limit", "other", 1)
	acts := []act{{"a grant on another key", "kms:CreateGrant", other, policy.Context{Key: right}}}
	for what, change := range map[string]func(*policy.KeyUse){
		"by a person":             func(u *policy.KeyUse) { u.Via = "" },
		"for a person":            func(u *policy.KeyUse) { u.ForResource = false },
		"to encrypt":              func(u *policy.KeyUse) { u.Operations = []string{"Encrypt"} },
		"to do nothing":           func(u *policy.KeyUse) { u.Operations = nil },
		"with another context":    func(u *policy.KeyUse) { u.Context = []string{"aws:s3:arn"} },
		"without any context":     func(u *policy.KeyUse) { u.Context = nil },
		"by way of another place": func(u *policy.KeyUse) { u.Via = "rds." + sandbox.DefaultRegion + ".amazonaws.com" },
	} {
		use := right
		change(&use)
		acts = append(acts, act{"a grant " + what, "kms:CreateGrant", limitKey, policy.Context{Key: use}})
	}
	for _, service := range []string{"s3", "ssm", "secretsmanager", "sns"} {
		via := policy.Context{Key: policy.KeyUse{Via: service + "." + sandbox.DefaultRegion + ".amazonaws.com"}}
		for _, action := range []string{"kms:Decrypt", "kms:GenerateDataKey"} {
			acts = append(acts, act{"another key", action, other, via}, act{"a key by itself", action, limitKey, policy.Context{}})
		}
	}
	return acts
}

// tagged are tags that a condition can ask for.
type tagged map[string]string

func (t tagged) Get(key string) (string, bool) {
	value, ok := t[key]
	return value, ok
}

// allowedBy says whether a policy permits the act.
func (a act) allowedBy(t *testing.T, document []byte) bool {
	t.Helper()
	p, err := policy.Parse(document)
	if err != nil {
		t.Fatal(err)
	}
	return p.Allows(a.action, a.resource, &a.about)
}

// Every condition and every resource of a printed policy keeps something out: for
// each there is an act that the policy refuses, and permits without that condition,
// or with every resource. That the services of the sandbox ask with what is told
// here is in TestPolicyProtectsFromSchedules.
func TestEveryLimitIsTight(t *testing.T) {
	const extra = " --account " + sandbox.AccountID + " --key " + limitKey + " --data-key " + limitKey + " --license-manager"
	y := newTrial(t)
	for name, args := range map[string]string{
		"tag": "", "rules and costs": "--config " + trialAll, "a parameter": "--config " + trialParameter, "member": "--member --config " + trialAll,
		"observe": "--for observe --config " + trialAll,
		"notify":  "--for notify --config " + trialNotices,
		"backup":  "--for backup --config " + trialCopies, "backup, approved": "--for backup --config " + trialApproved,
		"deploy": "--for deploy --config " + trialBounded, "deploy by a role": "--for deploy --config " + trialMaker,
	} {
		t.Run(name, func(t *testing.T) {
			printed := y.policy(strings.Fields(args + extra)...)
			for _, a := range forbidden() {
				if a.allowedBy(t, printed) {
					t.Errorf("%s is permitted: %s on %s", a.what, a.action, a.resource)
				}
			}
			for what, wider := range widened(t, printed) {
				t.Run(what, func(t *testing.T) {
					if !slices.ContainsFunc(forbidden(), func(a act) bool { return a.allowedBy(t, wider) }) {
						t.Error("nothing that is forbidden becomes possible: no act needs this limit, or the table lacks one")
					}
				})
			}
		})
	}
}

// widened are the policies that lack one condition or have one resource widened to
// all, by what is done to them.
func widened(t *testing.T, printed []byte) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	mutated(t, printed, func(s map[string]any) bool {
		sid := s["Sid"].(string)
		for _, resource := range s["Resource"].([]any) {
			if resource != "*" {
				all[fmt.Sprintf("%s on * instead of %s", sid, resource)] = mutated(t, printed, func(s map[string]any) bool {
					if s["Sid"] == sid {
						s["Resource"] = []any{"*"}
					}
					return true
				})
			}
		}
		conditions, _ := s["Condition"].(map[string]any)
		for operator, lines := range conditions {
			for key := range maps.Keys(lines.(map[string]any)) {
				all[fmt.Sprintf("%s without %s of %s", sid, operator, key)] = mutated(t, printed, func(s map[string]any) bool {
					if s["Sid"] == sid {
						delete(s["Condition"].(map[string]any)[operator].(map[string]any), key)
					}
					return true
				})
			}
		}
		return true
	})
	return all
}
