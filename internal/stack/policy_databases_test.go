package stack_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/fleet"
	"nightshift/internal/stack"
)

// TestPolicyOfDatabases limits what changes databases and clusters to those
// that carry the tag; what reads them cannot be limited.
func TestPolicyOfDatabases(t *testing.T) {
	actions := []string{
		"rds:StopDBInstance", "rds:StartDBInstance", "rds:StopDBCluster", "rds:StartDBCluster", "rds:AddTagsToResource",
		"rds:DescribeDBInstances", "rds:DescribeDBClusters", "rds:DescribeEvents",
	}
	scope := stack.Scope{Account: "123456789012", Tag: fleet.Tag{Key: "AutoStopStart", Value: "Yes"}}
	got, err := stack.Policy(actions, scope)
	if err != nil {
		t.Fatal(err)
	}
	want := []stack.Statement{
		{Sid: "Read", Effect: "Allow", Action: []string{"rds:DescribeDBClusters", "rds:DescribeDBInstances", "rds:DescribeEvents"}, Resource: []string{"*"}},
		{
			Sid: "StopAndStartTaggedDatabases", Effect: "Allow",
			Action: []string{
				"rds:AddTagsToResource", "rds:StartDBCluster", "rds:StartDBInstance", "rds:StopDBCluster", "rds:StopDBInstance",
			},
			Resource:  []string{"arn:aws:rds:*:123456789012:cluster:*", "arn:aws:rds:*:123456789012:db:*"},
			Condition: stack.Condition{"StringEquals": {"aws:ResourceTag/AutoStopStart": "Yes"}},
		},
	}
	if diff := cmp.Diff(want, got.Statement); diff != "" {
		t.Errorf("policy (-want +got)\n%s", diff)
	}
	if _, err := stack.Policy(actions, stack.Scope{}); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("without a tag: %v, want it refused", err)
	}
}
