package cli_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/amazon"
	"nightshift/internal/cli"
	"nightshift/internal/sandbox"
)

// printedPolicy is what `nightshift policy` prints, for the practice bucket.
func printedPolicy(t *testing.T, args ...string) []byte {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := cli.Main(append([]string{"policy", "--bucket", sandbox.DefaultBucket}, args...), cli.System{
		Stdout: &stdout, Stderr: &stderr, Env: func(string) string { return "" }, Now: evening,
	})
	if code != 0 {
		t.Fatalf("nightshift policy: %d %s", code, stderr.Bytes())
	}
	return stdout.Bytes()
}

// allowedActions are the actions that a policy document names.
func allowedActions(t *testing.T, document []byte) []string {
	t.Helper()
	var policy struct{ Statement []struct{ Action []string } }
	if err := json.Unmarshal(document, &policy); err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, s := range policy.Statement {
		actions = append(actions, s.Action...)
	}
	slices.Sort(actions)
	return slices.Compact(actions)
}

// wholeJob runs everything that calls AWS: an evening, a morning, the report,
// and all regions. Each command must end with the code 0.
func wholeJob(t *testing.T, account *sandbox.Server) {
	t.Helper()
	for _, args := range [][]string{
		{"stop", "--wait=false"},
		{"start", "--wait=false"},
		{"report", "--bucket", sandbox.DefaultBucket, "--timezone", "Asia/Seoul"},
		{"stop", "--region", "all", "--wait=false"},
	} {
		if answer, code := command(t, account, args...); code != 0 {
			t.Errorf("nightshift %v: exit code %d, want 0: %v", args, code, answer)
		}
		account.Sandbox().Advance(time.Hour)
	}
}

// The policy is derived from the operations that the adapter captures. Here
// the practice account tells what was really called: all of it is captured, and
// without schedules the policy has exactly what stop, start and report need.
func TestPolicyIsWhatIsCalled(t *testing.T) {
	account := practice(t)
	wholeJob(t, account)
	called, needed := calls(account)
	for _, action := range called {
		if !slices.Contains(amazon.Actions(), action) {
			t.Errorf("%s was called and is not captured", action)
		}
	}
	if diff := cmp.Diff(allowedActions(t, printedPolicy(t)), needed); diff != "" {
		t.Errorf("actions (-in the policy +needed by the calls)\n%s", diff)
	}
}

// calls are the operations that the account was asked for, and the actions
// that they need, without repetition.
func calls(account *sandbox.Server) (called, needed []string) {
	operations, actions := map[string]bool{}, map[string]bool{}
	for _, c := range account.Sandbox().Calls() {
		service := c.Service
		if service == "monitoring" {
			service = "cloudwatch" // requests are signed with another name
		}
		operations[service+":"+c.Action] = true
		if c.Permission != "" {
			actions[c.Permission] = true
		}
	}
	return slices.Sorted(maps.Keys(operations)), slices.Sorted(maps.Keys(actions))
}

// TestPolicySuffices gives the caller exactly the printed policy.
func TestPolicySuffices(t *testing.T) {
	account := practice(t)
	if err := account.Sandbox().SetPolicy(printedPolicy(t)); err != nil {
		t.Fatal(err)
	}
	wholeJob(t, account)
}

// TestPolicyProtectsUntagged stops by another tag than the policy's: whatever
// does not carry the policy's tag stays as it is, the rest is stopped.
func TestPolicyProtectsUntagged(t *testing.T) {
	for _, tt := range []struct {
		tag  string
		code int
	}{
		{"Env=dev", 3},          // some carry AutoStopStart=Yes, some do not
		{"AutoStopStart=No", 4}, // the same key is not enough
	} {
		t.Run(tt.tag, func(t *testing.T) {
			account := practice(t)
			if err := account.Sandbox().SetPolicy(printedPolicy(t)); err != nil {
				t.Fatal(err)
			}
			key, value, _ := strings.Cut(tt.tag, "=")
			before := states(account)
			answer, code := command(t, account, "stop", "--tag", tt.tag, "--wait=false")
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			account.Sandbox().Advance(time.Hour)
			refused := map[string]any{}
			for _, each := range answer["failed"].([]any) {
				item := each.(map[string]any)
				refused[item["instance"].(string)] = item["code"]
			}
			untagged := map[string]any{}
			for _, i := range account.Sandbox().Instances(sandbox.DefaultRegion) {
				tagged := i.Tags["AutoStopStart"] == "Yes"
				if !tagged && i.State != before[i.ID] {
					t.Errorf("%s does not carry the tag of the policy and was %s, now %s", i.Tags["Name"], before[i.ID], i.State)
				}
				if i.Tags[key] == value && !tagged && before[i.ID] == "running" {
					untagged[i.ID] = "denied"
				}
			}
			if len(untagged) == 0 {
				t.Fatal("the account has no running instance without the tag")
			}
			if diff := cmp.Diff(untagged, refused); diff != "" {
				t.Errorf("refused (-running and untagged +failed)\n%s", diff)
			}
		})
	}
}

// TestPolicyCoversOnePrefix uploads beside the prefix of the policy.
func TestPolicyCoversOnePrefix(t *testing.T) {
	account := practice(t)
	if err := account.Sandbox().SetPolicy(printedPolicy(t, "--prefix", "costs/")); err != nil {
		t.Fatal(err)
	}
	for prefix, want := range map[string]int{"costs/": 0, "ec2/": 4} {
		env := reach(account)
		for key, value := range env {
			t.Setenv(key, value) // the SDK reads the process's environment
		}
		var stdout, stderr bytes.Buffer
		code := cli.Main([]string{"report", "--bucket", sandbox.DefaultBucket, "--prefix", prefix}, cli.System{
			Stdout: &stdout, Stderr: &stderr, Env: func(key string) string { return env[key] }, Now: account.Sandbox().Now,
		})
		if code != want {
			t.Errorf("--prefix %s: exit code %d, want %d\n%s%s", prefix, code, want, stdout.Bytes(), stderr.Bytes())
		}
	}
}
