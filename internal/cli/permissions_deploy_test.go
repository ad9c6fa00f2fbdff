package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"nightshift/internal/amazon"
	"nightshift/internal/cli"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/policy"
)

// installer is who deploys under a printed policy, which a sandbox lets us hear.
type installer struct {
	*deployment

	mu      sync.Mutex
	lacking string // an action that is missing on purpose
	made    []policy.Decision
}

// decided hears a decision of the policy.
func (i *installer) decided(one policy.Decision) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case one.Allowed:
		i.made = append(i.made, one)
	case one.Action != i.lacking:
		i.Errorf("not permitted: %s on %s", one.Action, one.Resource)
	}
}

// take gives what was permitted since the last time.
func (i *installer) take() []policy.Decision {
	i.mu.Lock()
	defer i.mu.Unlock()
	made := i.made
	i.made = nil
	return made
}

// lacks runs a deployment without an action of the policy: it ends with the code and
// a sentence that names the action.
func (i *installer) lacks(printed []byte, action string, code int, args ...string) {
	i.Helper()
	i.lacking = action
	i.allow(without(i.T, printed, action))
	got, output := i.run("", args...)
	if got != code || !slices.ContainsFunc(strings.Split(output, "\n"), func(line string) bool {
		return strings.Contains(line, action) && strings.Contains(line, "not authorized")
	}) {
		i.Errorf("deploy %v without %s: code %d, want %d and a sentence that names it", args, action, got, code)
	}
	i.allow(printed)
	i.lacking = ""
}

const boundedFile = rulesFile + "  permissions_boundary: " + edge + "\n"

// installs makes a stack for the first time. A first try that fails takes back what it
// made, the bucket, too.
func (i *installer) installs(plain []byte) {
	i.allow(plain)
	i.must(0, "", []string{"--plan"}, "+  Function")
	for _, need := range []struct {
		action string
		code   int
	}{
		{"cloudformation:DescribeStacks", 4},
		{"s3:ListAllMyBuckets", 0},
		{"cloudformation:ListChangeSets", 4}, // leaves an empty stack, as the next does
		{"cloudformation:DeleteStack", 4},
		{"cloudformation:CreateChangeSet", 4},
		{"cloudformation:DescribeChangeSet", 4}, // leaves a change set, which no other deployment removes
		{"cloudformation:DeleteChangeSet", 4},
	} {
		i.lacks(plain, need.action, need.code, "--plan")
		if _, err := i.stacks().Stack(i.Context(), "nightshift"); err == nil && need.action != "cloudformation:DescribeChangeSet" {
			i.must(0, "", []string{"--destroy", "--yes"})
		}
	}
	for _, action := range []string{"s3:CreateBucket", "s3:ListBucket", "s3:PutObject", "cloudformation:ExecuteChangeSet"} {
		i.lacks(plain, action, 4, "--yes")
	}
	i.lacks(plain, "scheduler:CreateSchedule", 4, "--yes")
	i.must(0, "", []string{"--yes"}, "CREATE_COMPLETE", "the schedules are enabled")
}

// changes changes all that can be different in a later deployment: the template, as
// somebody edited it by hand, the program, the rules, tags and settings. What is
// older than the last ten versions is removed.
func (i *installer) changes(plain []byte) {
	i.edit("Description: What nightshift may do.", "Description: edited", "{ Service: lambda.amazonaws.com }", "{ Service: [lambda.amazonaws.com] }",
		"      MaximumRetryAttempts: 2\n", "      MaximumRetryAttempts: 1\n", "MessageRetentionPeriod: 1209600", "MessageRetentionPeriod: 60",
		"DisplayName: nightshift", "DisplayName: edited", "NoncurrentDays: 90", "NoncurrentDays: 9", "Sid: DenyPlainHttp", "Sid: Edited")
	i.lacks(plain, "cloudformation:GetTemplate", 0, "--plan")
	i.must(0, "", []string{"--yes"}, "takes the edits back", "UPDATE_COMPLETE")

	for digit := range strings.SplitSeq("0123456789ab", "") {
		i.store("nightshift/config/" + strings.Repeat(digit, 64) + "/nightshift.yaml")
	}
	i.program = later(i.T, i.program)
	changed := strings.NewReplacer("AutoStopStart=Yes", "team=web", "platform", "other", "  alarm_email: ops@example.com\n", "").Replace(rulesFile)
	i.write("nightshift.yaml", changed+"  log_retention_days: 30\n  termination_protection: true\n")
	i.lacks(plain, "s3:GetObject", 4, "--plan")
	i.lacks(plain, "lambda:UpdateFunctionConfiguration", 4, "--yes")
	i.lacks(plain, "cloudformation:UpdateTerminationProtection", 3, "--yes")
	i.must(0, "", []string{"--yes"}, "termination protection: on")
	i.write("nightshift.yaml", changed)
	i.lacks(plain, "s3:DeleteObject", 0, "--yes")
	i.write("nightshift.yaml", strings.Replace(rulesFile, "19:00", "20:00", 1))
	i.lacks(plain, "lambda:InvokeFunction", 3, "--yes")
	i.lacks(plain, "sns:ListSubscriptionsByTopic", 0, "--status")
}

// removes removes the stack, and makes it again with the reports of the first one.
func (i *installer) removes(plain []byte) {
	i.allow(plain)
	i.write("nightshift.yaml", rulesFile)
	i.lacks(plain, "cloudformation:DescribeStackEvents", 4, "--yes") // the change goes on
	i.must(0, "", []string{"--yes"}, "no changes")
	i.lacks(plain, "cloudformation:ListStackResources", 4, "--destroy", "--yes")
	i.lacks(plain, "cloudformation:DeleteStack", 4, "--destroy", "--yes")
	i.lacks(plain, "sqs:DeleteQueue", 4, "--destroy", "--yes")
	i.must(0, "", []string{"--destroy", "--yes"}, "DELETE_COMPLETE")
	i.lacks(plain, "s3:GetBucketTagging", 0, "--plan")
	i.must(0, "", []string{"--yes"}, "the reports of an earlier installation", "CREATE_COMPLETE")
	i.must(0, "", []string{"--status"}, "not confirmed yet")
}

// everyActionOfDeploy deploys, changes and removes a stack under exactly the printed
// policies, and holds that each of their actions and resources was needed for it: some
// request that was permitted is refused without. Actions that nightshift calls itself
// are left out in earnest, too, and some of those with which CloudFormation makes,
// changes and deletes resources for the caller; which those are in AWS is known from
// its resource schemas alone.
func everyActionOfDeploy(t *testing.T) {
	if os.Getenv("NIGHTSHIFT_TEST_PERMISSIONS") == "" || cli.RaceDetector {
		t.Skip("takes longer; .ci/run sets NIGHTSHIFT_TEST_PERMISSIONS")
	}
	i := &installer{}
	i.deployment = newDeployment(t, functionProgram(t), sandbox.Options{Decided: i.decided})
	plain := printedPolicy(t, "--for", "deploy", "--account", sandbox.AccountID)
	i.write("nightshift.yaml", boundedFile)
	bounded := printedPolicy(t, "--for", "deploy", "--account", sandbox.AccountID, "--config", "nightshift.yaml")
	i.write("nightshift.yaml", rulesFile)
	i.installs(plain)
	i.changes(plain)
	made := i.take()
	i.allow(bounded)
	i.write("nightshift.yaml", boundedFile)
	i.must(0, "", []string{"--yes"}, "UPDATE_COMPLETE")
	within := i.take()
	i.removes(plain)
	made = append(made, i.take()...)

	for _, action := range allowedActions(t, plain) {
		t.Run("without "+action, func(t *testing.T) { refuses(t, without(t, plain, action), made) })
	}
	for what, less := range lessResources(t, plain) {
		t.Run("without "+what, func(t *testing.T) { refuses(t, less, made) })
	}
	for _, action := range allowedActions(t, bounded) {
		if !slices.Contains(allowedActions(t, plain), action) {
			t.Run("bounded without "+action, func(t *testing.T) { refuses(t, without(t, bounded, action), within) })
		}
	}
}

// refuses fails where a policy permits all of some requests.
func refuses(t *testing.T, document []byte, made []policy.Decision) {
	t.Helper()
	p, err := policy.Parse(document)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(made, func(one policy.Decision) bool { return !p.Allows(one.Action, one.Resource, &one.Context) }) {
		t.Error("all that was done can be done without it")
	}
}

// lessResources are the policies that lack one of several resources of a statement.
func lessResources(t *testing.T, printed []byte) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	mutated(t, printed, func(s map[string]any) bool {
		sid, resources := s["Sid"], s["Resource"].([]any)
		if len(resources) == 1 {
			return true // its actions are left out one by one
		}
		for _, one := range resources {
			all[fmt.Sprintf("%s of %s", one, sid)] = mutated(t, printed, func(s map[string]any) bool {
				if s["Sid"] == sid {
					s["Resource"] = slices.DeleteFunc(slices.Clone(resources), func(r any) bool { return r == one })
				}
				return true
			})
		}
		return true
	})
	return all
}

// store puts something where deploy keeps code and configurations.
func (d *deployment) store(key string) {
	d.Helper()
	s, err := amazon.Open(d.Context(), amazon.Options{Region: sandbox.DefaultRegion, Endpoint: &amazon.Endpoint{
		URL: d.account.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey,
	}})
	if err == nil {
		err = s.Objects(artifacts, "").Put(d.Context(), key, []byte("old"))
	}
	if err != nil {
		d.Fatal(err)
	}
}

// later is the program with something behind it, which is another one to deploy.
func later(t *testing.T, program string) string {
	t.Helper()
	content, err := os.ReadFile(program)
	file := filepath.Join(t.TempDir(), "nightshift")
	if err == nil {
		err = os.WriteFile(file, append(content, "later"...), 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	return file
}
