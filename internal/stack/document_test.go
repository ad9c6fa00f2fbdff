package stack_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/amazon"
	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/stack"
)

// characters are those of a policy that IAM counts.
func characters(t *testing.T, d stack.Document) int {
	t.Helper()
	text, err := d.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return len([]rune(strings.Join(strings.Fields(string(text)), "")))
}

// TestPoliciesOfManyKeys: forty tag keys with every kind and a journal, a
// history and prices fit into the policies that a role may have. None is larger
// than IAM takes, each tag key has all its statements, and names are not used
// twice.
func TestPoliciesOfManyKeys(t *testing.T) {
	const keys = 40
	s := keyed(keys, power.Kinds()...)
	s.Journal = "s3://records/runs"
	policies, err := stack.Policies(costed(), stack.Scope{
		Account: "123456789012", Tag: tag("AutoStopStart=Yes"), Bucket: "reports", Schedules: &s, Costs: everything(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(policies) < 2 || len(policies) > 10 {
		t.Errorf("%d policies", len(policies))
	}
	var sids []string
	for n, d := range policies {
		if size := characters(t, d); size > 6144 {
			t.Errorf("policy %d has %d characters", n+1, size)
		}
		for _, s := range d.Statement {
			sids = append(sids, s.Sid)
		}
	}
	for n := range keys {
		for _, name := range []string{"StopAndStart", "Tag", "ChangeType"} {
			if sid := fmt.Sprint(name, n+1); !slices.Contains(sids, sid) {
				t.Errorf("%s is missing", sid)
			}
		}
	}
	slices.Sort(sids)
	if n := len(slices.Compact(slices.Clone(sids))); n != len(sids) {
		t.Errorf("a name is used twice: %v", sids)
	}
}

// TestPoliciesOfManyValues: what one statement would list is spread over
// several, which together list all of it.
func TestPoliciesOfManyValues(t *testing.T) {
	var s stack.Schedules
	var roles []fleet.RoleARN
	var arns []string
	for n := range 500 {
		s.Rules = append(s.Rules, stack.Bound{Tag: tag(fmt.Sprintf("Schedule=team-number-%03d", n))})
		roles = append(roles, fleet.RoleARN{Partition: "aws", Account: fleet.Account(fmt.Sprintf("%012d", n)), Name: "nightshift"})
		arns = append(arns, roles[n].String())
	}
	policies, err := stack.Policies(costed(), stack.Scope{Schedules: &s, Costs: stack.Costs{Roles: roles}})
	if err != nil {
		t.Fatal(err)
	}
	var values, resources []string
	for n, d := range policies {
		if size := characters(t, d); size > 6144 {
			t.Errorf("policy %d has %d characters", n+1, size)
		}
		for _, s := range d.Statement {
			if slices.Contains(s.Action, "ec2:StopInstances") {
				values = append(values, s.Condition["StringEquals"]["aws:ResourceTag/Schedule"]...)
			}
			if slices.Contains(s.Action, "sts:AssumeRole") {
				resources = append(resources, s.Resource...)
			}
		}
	}
	if len(values) != 500 || len(slices.Compact(values)) != 500 {
		t.Errorf("%d values may be stopped", len(values))
	}
	slices.Sort(resources) // a policy with space takes a later statement
	if diff := cmp.Diff(arns, resources); diff != "" {
		t.Errorf("roles (-want +got)\n%s", diff)
	}
}

// TestPoliciesOfALongStatement refuses what fits into no policy.
func TestPoliciesOfALongStatement(t *testing.T) {
	_, err := stack.Policies(actions(), stack.Scope{Tag: tag("a=b"), Bucket: "reports", Prefix: strings.Repeat("p", 6144)})
	if !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), "the statement WriteReport alone has ") {
		t.Errorf("got %v", err)
	}
}

// TestTableOfActions holds the table against what the AWS package uses: each
// operation has a line, and each line is used.
func TestTableOfActions(t *testing.T) {
	known := stack.Known()
	slices.Sort(known)
	if diff := cmp.Diff(amazon.Actions(), known); diff != "" {
		t.Errorf("actions (-used +in the table)\n%s", diff)
	}
}

// TestPoliciesOfJobs gives each job what it needs and nothing of the others.
func TestPoliciesOfJobs(t *testing.T) {
	s := keyed(1, power.Kinds()...)
	s.Journal = "s3://records/runs"
	scope := stack.Scope{Bucket: "reports", Prefix: "ec2/", Schedules: &s, Costs: everything()}
	for jobs, tt := range map[string]struct{ needed, absent []string }{
		"power": {
			[]string{"ec2:StopInstances", "rds:StopDBCluster", "autoscaling:SuspendProcesses", "ec2:CreateTags", "s3:PutObject", "sts:AssumeRole"},
			[]string{"pricing:GetProducts", "ec2:DescribeVolumes", "ce:GetCostAndUsageWithResources", "cloudwatch:GetMetricData", "s3:GetObject", "s3:ListBucket"},
		},
		"report": {
			[]string{"pricing:GetProducts", "ec2:DescribeVolumes", "ce:GetCostAndUsageWithResources", "s3:PutObject", "s3:GetObject"},
			[]string{"ec2:StopInstances", "ec2:CreateTags", "ec2:ModifyInstanceAttribute", "rds:DescribeDBInstances", "rds:AddTagsToResource"},
		},
		"forecast": {
			[]string{"pricing:GetProducts", "ec2:DescribeInstances", "rds:DescribeDBClusters"},
			[]string{"ec2:StopInstances", "ec2:DescribeVolumes", "cloudwatch:GetMetricData"},
		},
		"history": {
			[]string{"s3:GetObject", "s3:ListBucket"},
			[]string{"s3:PutObject", "ec2:DescribeInstances", "sts:AssumeRole"},
		},
		"check": {
			[]string{"ec2:DescribeInstances", "rds:DescribeDBInstances", "s3:PutObject", "s3:ListBucket", "sts:AssumeRole"},
			[]string{"ec2:StopInstances", "ec2:CreateTags", "pricing:GetProducts"},
		},
		"observe": {
			[]string{"ec2:DescribeInstances", "rds:DescribeDBInstances", "ec2:DescribeVolumes", "pricing:GetProducts", "s3:GetObject", "s3:ListBucket", "sts:AssumeRole"},
			[]string{"ec2:StopInstances", "ec2:CreateTags", "s3:PutObject", "ce:GetCostAndUsageWithResources", "cloudwatch:GetMetricData"},
		},
		"power,report,forecast,history,check": {costed()[1:2], nil},
	} {
		var err error
		if scope.Jobs, err = stack.ParseJobs(strings.Split(jobs, ",")); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(only(t, costed(), scope))
		if err != nil {
			t.Fatal(err)
		}
		for _, action := range tt.needed {
			if !strings.Contains(string(text), `"`+action+`"`) {
				t.Errorf("--for %s lacks %s", jobs, action)
			}
		}
		for _, action := range tt.absent {
			if strings.Contains(string(text), `"`+action+`"`) {
				t.Errorf("--for %s has %s", jobs, action)
			}
		}
	}
	if _, err := stack.ParseJobs([]string{"pwer"}); !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), "use power, report") {
		t.Errorf("got %v", err)
	}
}

// TestObservedBackups: who observes reads which volumes have a copy where there are
// policies, and changes nothing.
func TestObservedBackups(t *testing.T) {
	reads := []string{
		"backup:ListProtectedResources", "backup:ListRecoveryPointsByResource", "ec2:DescribeFastSnapshotRestores", "ec2:DescribeImages",
		"ec2:DescribeLaunchTemplateVersions", "ec2:DescribeLockedSnapshots", "kms:DescribeKey", "rbin:GetRule", "rbin:ListRules",
		"servicequotas:GetServiceQuota",
	}
	changes := []string{"ec2:CreateSnapshot", "ec2:CreateSnapshots", "ec2:CreateTags", "ec2:DeleteSnapshot", "ec2:DeleteTags", "ec2:DescribeSnapshotAttribute"}
	granted := func(jobs stack.Jobs, b stack.Backups) string {
		s := keyed(1, power.Kinds()...)
		s.Backups = b
		text, err := json.Marshal(only(t, slices.Concat(costed(), reads, changes), stack.Scope{Jobs: jobs, Schedules: &s}))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	copied := stack.Backups{Unattended: true, Policies: []stack.Copied{{Policy: "daily", Tags: []fleet.Tag{{Key: "Backup"}}}}}
	with, without, others := granted(stack.Observe, copied), granted(stack.Observe, stack.Backups{}), granted(stack.Power, copied)
	for _, action := range reads {
		if quoted := `"` + action + `"`; !strings.Contains(with, quoted) || strings.Contains(without, quoted) || strings.Contains(others, quoted) {
			t.Errorf("%s: with policies %s\nwithout %s\nfor power %s", action, with, without, others)
		}
	}
	for _, action := range changes {
		if strings.Contains(with, `"`+action+`"`) {
			t.Errorf("who observes may %s", action)
		}
	}
}

// The metrics of volumes are read by the job of backups only where a policy skips what is
// unchanged.
func TestWritesAreReadWhereAPolicySkips(t *testing.T) {
	p := backup.Policy{ID: "disks", Resource: backup.Volumes, Tags: []fleet.Tag{{Key: "Disk"}}}
	for _, skips := range []bool{true, false} {
		p.SkipUnchanged = skips
		scope := stack.Scope{Jobs: stack.Backup, Schedules: &stack.Schedules{Backups: stack.CopiedBy(backup.Settings{Policies: []backup.Policy{p}})}}
		text, err := json.Marshal(only(t, amazon.Actions(), scope))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(text), "cloudwatch:GetMetricData"); got != skips {
			t.Errorf("a policy that skips: %t, and the metrics may be read: %t", skips, got)
		}
	}
}
