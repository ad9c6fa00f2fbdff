package stack_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/stack"
)

// scheduled are the actions of the job that follows schedules, in addition to
// those of the first job.
func scheduled() []string {
	return append(actions(),
		"ec2:CreateTags", "ec2:DescribeInstanceStatus", "ec2:ModifyInstanceAttribute",
		"rds:DescribeDBInstances", "rds:DescribeDBClusters", "rds:DescribeEvents", "rds:AddTagsToResource",
		"rds:StartDBInstance", "rds:StopDBInstance", "rds:StartDBCluster", "rds:StopDBCluster",
		"autoscaling:DescribeAutoScalingGroups", "autoscaling:UpdateAutoScalingGroup",
		"autoscaling:SuspendProcesses", "autoscaling:ResumeProcesses", "autoscaling:CreateOrUpdateTags",
		"s3:GetObject", "s3:ListBucket", "ssm:GetParameter",
	)
}

func tag(s string) fleet.Tag {
	key, value, _ := strings.Cut(s, "=")
	return fleet.Tag{Key: key, Value: value}
}

// keyed are schedules with a rule for each of several tag keys.
func keyed(keys int, kinds ...fleet.Kind) stack.Schedules {
	var s stack.Schedules
	for n := range keys {
		s.Rules = append(s.Rules, stack.Bound{Tag: tag(fmt.Sprint("Team", n+1)), Kinds: kinds, ChangeType: true})
	}
	return s
}

func TestPolicyOfSchedules(t *testing.T) {
	scopes := map[string]stack.Schedules{
		"schedules-all-kinds": {
			Rules: []stack.Bound{
				{Tag: tag("Schedule"), Kinds: power.Kinds(), ChangeType: true},
				{Tag: tag("Schedule=night")}, // included in the first
				{Tag: tag("AutoStopStart=Yes")},
				{Tag: tag("AutoStopStart=No"), ChangeType: true},
			},
			Config: "s3://settings/team/nightshift.yaml", Journal: "s3://records/runs",
		},
		"schedules-untagged": {
			Rules:    []stack.Bound{{}, {Tag: tag("Schedule"), Kinds: []fleet.Kind{fleet.KindGroup}}},
			Untagged: true, Config: "ssm:/nightshift/config:3", Journal: "s3://records",
		},
	}
	for name, schedules := range scopes {
		t.Run(name, func(t *testing.T) {
			golden(t, name, only(t, scheduled(), stack.Scope{
				Account: "123456789012", Tag: tag("AutoStopStart=Yes"), Bucket: "reports", Prefix: "ec2/", Schedules: &schedules,
			}))
		})
	}
}

// TestPolicyWithoutSchedules is what it was before there were any.
func TestPolicyWithoutSchedules(t *testing.T) {
	scope := stack.Scope{Tag: tag("AutoStopStart=Yes"), Bucket: "reports"}
	if diff := cmp.Diff(only(t, actions(), scope), only(t, scheduled(), scope)); diff != "" {
		t.Errorf("policy (-of the first job +of all):\n%s", diff)
	}
}

// TestPolicyOfKinds gives each kind nothing of the others.
func TestPolicyOfKinds(t *testing.T) {
	others := map[fleet.Kind][]string{
		fleet.KindInstance: {"rds:", "autoscaling:"},
		fleet.KindDatabase: {"ec2:CreateTags", "ec2:ModifyInstanceAttribute", "ec2:StopInstances", "DBCluster", "cluster:", "autoscaling:"},
		fleet.KindCluster:  {"ec2:CreateTags", "ec2:ModifyInstanceAttribute", "ec2:StopInstances", "DBInstance", "db:", "autoscaling:"},
		fleet.KindGroup:    {"ec2:CreateTags", "ec2:ModifyInstanceAttribute", "ec2:StopInstances", "rds:"},
	}
	for kind, absent := range others {
		policy := only(t, scheduled(), stack.Scope{Schedules: &stack.Schedules{
			Rules: []stack.Bound{{Tag: tag("Schedule"), Kinds: []fleet.Kind{kind}, ChangeType: true}},
		}})
		text, err := policy.JSON()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range absent {
			if strings.Contains(string(text), s) {
				t.Errorf("the policy for %s names %s:\n%s", kind, s, text)
			}
		}
		if !strings.Contains(string(text), `"nightshift:last"`) {
			t.Errorf("the policy for %s sets no tags", kind)
		}
		if got := strings.Contains(string(text), `"nightshift:sizes"`); got != (kind == fleet.KindGroup) {
			t.Errorf("the policy for %s sets the tag with the sizes of a group: %t", kind, got)
		}
	}
}

// TestWidestPolicy leaves out no action.
func TestWidestPolicy(t *testing.T) {
	needed := map[string]bool{}
	for _, config := range []string{"s3://settings/nightshift.yaml", "ssm:/nightshift"} {
		policy := only(t, scheduled(), stack.Scope{Tag: tag("AutoStopStart=Yes"), Schedules: &stack.Schedules{
			Rules:  []stack.Bound{{Tag: tag("Schedule"), Kinds: power.Kinds(), ChangeType: true}},
			Config: config, Journal: "s3://records/runs",
		}})
		for _, s := range policy.Statement {
			for _, action := range s.Action {
				needed[action] = true
			}
		}
	}
	for _, action := range scheduled() {
		if !needed[action] && action != "sts:GetCallerIdentity" {
			t.Errorf("%s is in no statement", action)
		}
	}
}

func TestPolicyRefusesSchedules(t *testing.T) {
	for want, schedules := range map[string]stack.Schedules{
		"without a tag":    {Rules: []stack.Bound{{}}},
		`kind "server"`:    {Rules: []stack.Bound{{Tag: tag("a"), Kinds: []fleet.Kind{"server"}}}},
		"s3://bucket/key":  {Config: "nightshift.yaml"},
		`"s3://settings/"`: {Config: "s3://settings/"},
		`"s3://*/x"`:       {Config: "s3://*/x"},
		"as ssm:/name":     {Config: "ssm:name"},
		`journal "runs"`:   {Journal: "runs"},
		"has room for 10":  keyed(60, power.Kinds()...),
	} {
		_, err := stack.Policies(scheduled(), stack.Scope{Schedules: &schedules})
		if !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %q", schedules, err, want)
		}
	}
}

// TestPolicyMergesRules keeps a policy small: values of one key share their
// statements.
func TestPolicyMergesRules(t *testing.T) {
	var s stack.Schedules
	for n := range 100 {
		s.Rules = append(s.Rules, stack.Bound{Tag: tag(fmt.Sprint("Schedule=team-", n%50)), Kinds: power.Kinds()})
	}
	policy := only(t, scheduled(), stack.Scope{Schedules: &s})
	for _, st := range policy.Statement {
		if values := st.Condition["StringEquals"]["aws:ResourceTag/Schedule"]; st.Condition != nil && len(values) != 50 {
			t.Errorf("%s has %d values, want 50", st.Sid, len(values))
		}
	}
	if len(policy.Statement) != 5 {
		t.Errorf("%d statements, want reads, the report and two for the key", len(policy.Statement))
	}
}

func TestScheduleWarnings(t *testing.T) {
	s := stack.Schedules{Rules: []stack.Bound{
		{Tag: tag("Schedule"), Kinds: power.Kinds()},
		{Kinds: []fleet.Kind{fleet.KindCluster}},
	}}
	if got := s.Warnings(); len(got) != 1 || !strings.Contains(got[0], "every machine of the kind db-cluster") {
		t.Errorf("got %q", got)
	}
}

// TestResizeTag holds the policy and the job to the same tag.
func TestResizeTag(t *testing.T) {
	policy := only(t, scheduled(), stack.Scope{Schedules: &stack.Schedules{Rules: []stack.Bound{{Tag: tag("a"), ChangeType: true}}}})
	n := slices.IndexFunc(policy.Statement, func(s stack.Statement) bool { return slices.Contains(s.Action, "ec2:ModifyInstanceAttribute") })
	if n < 0 || policy.Statement[n].Condition["Null"]["aws:ResourceTag/"+fleet.TagTypes] == nil {
		t.Errorf("changing the type does not need the tag %s: %+v", fleet.TagTypes, policy.Statement)
	}
}

// TestFollow permits what the rules say: no other type but where a rule allows
// one, and nothing for those that skip machines. Places that are not in
// AWS need no permission.
func TestFollow(t *testing.T) {
	rules := power.Rules{Rules: []power.Rule{
		{Tag: tag("Schedule"), Kinds: power.Kinds()},
		{Tag: tag("Team=web"), ChangeType: true},
		{Tag: tag("Owner"), Ignore: true},
	}}
	want := &stack.Schedules{
		Untagged: true, Config: "ssm:/nightshift", Journal: "s3://records",
		Rules: []stack.Bound{{Tag: tag("Schedule"), Kinds: power.Kinds()}, {Tag: tag("Team=web"), ChangeType: true}},
	}
	if diff := cmp.Diff(want, stack.Follow(rules, "ssm:/nightshift", "s3://records")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if s := stack.Follow(rules, "nightshift.yaml", "records"); s.Config != "" || s.Journal != "" {
		t.Errorf("%+v", s)
	}
	policy := only(t, scheduled(), stack.Scope{Schedules: stack.Follow(rules, "", "")})
	for _, s := range policy.Statement {
		if slices.Contains(s.Action, "ec2:ModifyInstanceAttribute") && s.Condition["StringEquals"]["aws:ResourceTag/Team"] == nil {
			t.Errorf("the type of other instances may be changed: %+v", s)
		}
	}
}
