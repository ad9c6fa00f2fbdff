package stack_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/power"
	"nightshift/internal/stack"
)

func memberTemplate(t *testing.T, schedules *stack.Schedules) string {
	t.Helper()
	text, err := stack.MemberTemplate(scheduled(), schedules, stack.Costs{CloudWatch: true})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestMemberTemplate compares the role's policies with Policies for the same scope,
// and asks cfn-lint where it is installed.
func TestMemberTemplate(t *testing.T) {
	dir, args := t.TempDir(), []string{"--include-checks", "I", "--"}
	for name, schedules := range variants() {
		text := memberTemplate(t, schedules)
		file := filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
		scope := stack.Scope{Member: true, Account: "123456789012", Schedules: schedules, Costs: stack.Costs{CloudWatch: true}}
		if !follows(schedules) {
			scope.Tag = tag("k=v")
		}
		want, err := stack.Policies(scheduled(), scope)
		if err != nil {
			t.Fatal(err)
		}
		var got []stack.Document
		for id, r := range resources(t, text) {
			if r.Type == "AWS::IAM::ManagedPolicy" {
				got = append(got, filled(t, r.Properties.PolicyDocument))
				if !strings.Contains(block(t, text, "Role"), "- !Ref "+id+"\n") {
					t.Errorf("%s: the role does not have %s", name, id)
				}
			}
		}
		if diff := cmp.Diff(statements(want), statements(got)); diff != "" {
			t.Errorf("%s (-policy +template)\n%s", name, diff)
		}
		if found := regexp.MustCompile(`(?m)\{\{|\n\n\n|[ \t]+$`).FindString(text); found != "" {
			t.Errorf("%s: %q is left", name, found)
		}
	}
	lint, err := exec.LookPath("cfn-lint")
	if err != nil {
		t.Skip("cfn-lint is not installed: the template is not linted")
	}
	if out, err := exec.CommandContext(t.Context(), lint, args...).CombinedOutput(); err != nil {
		t.Errorf("cfn-lint: %v\n%s", err, out)
	}
}

// TestMemberTrust: the role is assumed by roles of one account under a path, and by
// who knows the external id.
func TestMemberTrust(t *testing.T) {
	s := keyed(40, power.Kinds()...)
	text := memberTemplate(t, &s)
	role := block(t, text, "Role")
	for _, want := range []string{
		`Principal: { AWS: !Sub "arn:${AWS::Partition}:iam::${HomeAccount}:root" }`, `StringEquals: { sts:ExternalId: !Ref ExternalId }`,
		`ArnLike: { aws:PrincipalArn: !Sub "arn:${AWS::Partition}:iam::${HomeAccount}:role${HomeRoles}" }`, `PermissionsBoundary: !If [HasBoundary,`,
	} {
		if !strings.Contains(role, want) {
			t.Errorf("the role has no %s", want)
		}
	}
	if len(text) > 51200 {
		t.Errorf("the template has %d bytes", len(text))
	}
}
