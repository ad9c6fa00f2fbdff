package stack_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/fleet"
	"nightshift/internal/stack"
)

// actions are those of stop, start and report, in no order and with one twice.
func actions() []string {
	return []string{
		"s3:PutObject", "ec2:StopInstances", "ec2:DescribeInstances", "pricing:GetProducts",
		"ec2:StartInstances", "ec2:DescribeVolumes", "sts:GetCallerIdentity",
		"ec2:DescribeInstanceTypes", "ec2:DescribeRegions", "ec2:DescribeInstances",
	}
}

// only is the one policy that a scope takes; without a statement where it takes
// none.
func only(t *testing.T, actions []string, s stack.Scope) stack.Document {
	t.Helper()
	documents, err := stack.Policies(actions, s)
	if err != nil {
		t.Fatal(err)
	}
	switch len(documents) {
	case 0:
		return stack.Document{}
	case 1:
		return documents[0]
	}
	t.Fatalf("%d policies, want one", len(documents))
	return stack.Document{}
}

// golden compares a policy with the known one.
func golden(t *testing.T, name string, policy stack.Document) {
	t.Helper()
	got, err := policy.JSON()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
}

func TestPolicies(t *testing.T) {
	scopes := map[string]stack.Scope{
		"full": {
			Partition: "aws-cn", Account: "123456789012",
			Tag:    fleet.Tag{Key: "AutoStopStart", Value: "Yes"},
			Bucket: "reports", Prefix: "ec2/",
			Keys:     []string{"arn:aws-cn:kms:cn-north-1:123456789012:key/b", "arn:aws-cn:kms:cn-north-1:123456789012:key/a"},
			DataKeys: []string{"arn:aws-cn:kms:cn-north-1:123456789012:key/c"},
		},
		"any-value-no-bucket": {Tag: fleet.Tag{Key: "Schedule"}},
		"wildcards-are-text":  {Tag: fleet.Tag{Key: "A&B", Value: "*"}, Bucket: "reports", Prefix: "<${aws:username}>?/"},
	}
	for name, scope := range scopes {
		t.Run(name, func(t *testing.T) {
			golden(t, name, only(t, actions(), scope))
		})
	}
}

// TestPolicyGrantsNothingElse compares the actions that went in with those
// that came out.
func TestPolicyGrantsNothingElse(t *testing.T) {
	for _, tt := range []struct{ in, want []string }{
		{nil, nil},
		{[]string{"sts:GetCallerIdentity"}, nil},
		{[]string{"ec2:StopInstances"}, []string{"ec2:StopInstances"}},
		{[]string{"ec2:StartInstances"}, []string{"ec2:StartInstances", "kms:CreateGrant"}},
		{[]string{"s3:PutObject", "pricing:GetProducts"}, []string{"pricing:GetProducts", "s3:PutObject"}},
	} {
		scope := stack.Scope{Tag: fleet.Tag{Key: "k"}, Keys: []string{"arn:aws:kms:us-east-1:123456789012:key/a"}}
		var got []string
		for _, s := range only(t, tt.in, scope).Statement {
			got = append(got, s.Action...)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("the policy for %v allows (-want +got):\n%s", tt.in, diff)
		}
	}
}

func TestPolicyRefuses(t *testing.T) {
	_, err := stack.Policies([]string{"ec2:StopInstances", "ec2:TerminateInstances", "iam:PassRole"}, stack.Scope{})
	if !errors.Is(err, stack.ErrUnscoped) {
		t.Fatalf("got %v, want ErrUnscoped", err)
	}
	for _, want := range []string{"ec2:TerminateInstances", "iam:PassRole", "need a tag"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
	if _, err := stack.Template([]string{"iam:PassRole"}, nil, stack.Costs{}); !errors.Is(err, stack.ErrUnscoped) {
		t.Errorf("Template: got %v, want ErrUnscoped", err)
	}
}

func TestPolicyRefusesScope(t *testing.T) {
	for want, scope := range map[string]stack.Scope{
		"partition":       {Partition: "azure"},
		"12 digits":       {Account: "12345678901x"},
		"name alone":      {Bucket: "s3://reports"},
		"ARN":             {Keys: []string{"alias/volumes"}},
		"key/*":           {Keys: []string{"arn:aws:kms:us-east-1:123456789012:key/*"}},
		`:*:`:             {Keys: []string{"arn:aws:kms:*:123456789012:key/a"}},
		"aws-x:s3":        {Partition: "aws-x:s3:::evil/*"},
		`bucket "a\"b"`:   {Bucket: `a"b`},
		"my-bucket,x":     {Bucket: "my-bucket,x"},
		"need a tag":      {},
		"an id and a tag": {Schedules: &stack.Schedules{Backups: stack.Backups{Policies: []stack.Copied{{Policy: "daily"}}}}},
		`policy "a*"`:     {Schedules: &stack.Schedules{Backups: stack.Backups{Policies: []stack.Copied{{Policy: "a*", Tags: []fleet.Tag{{Key: "k"}}}}}}},
		`key "1"`:         {Account: "1", Keys: []string{"1"}},
		`account "1": `:   {Account: "1", Keys: []string{"1"}},
	} {
		_, err := stack.Policies(actions(), scope)
		if !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %q", scope, err, want)
		}
	}
}
