package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"nightshift/internal/cli"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// The first scripts of this project, stop_start.py and cost_report.py, are run
// here side by side with nightshift on practice accounts that are alike. What
// they answer, nightshift answers; where it differs, a list says how and why.

// seedBucket is the bucket that cost_report.py writes to.
const seedBucket = "s3-skons-cost-01"

// evening is the time in the practice accounts.
func evening() time.Time { return time.Date(2026, time.November, 22, 9, 0, 0, 0, time.UTC) }

// seed runs the scripts.
type seed struct{ python, folder string }

// findSeed looks for the scripts in $NIGHTSHIFT_SEED, else beside the module,
// and for a Python that can run them. Without them the test is skipped.
func findSeed(t *testing.T) seed {
	t.Helper()
	folder := os.Getenv("NIGHTSHIFT_SEED")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "seed")
	}
	for _, script := range []string{"stop_start.py", "cost_report.py"} {
		if _, err := os.Stat(filepath.Join(folder, script)); err != nil {
			t.Skipf("the first scripts are not here: no %s in $NIGHTSHIFT_SEED or ../shared/seed", script)
		}
	}
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), python, "-c", "import boto3, openpyxl").Run() == nil {
			return seed{python, folder}
		}
	}
	t.Skip("no python3 with boto3 and openpyxl")
	return seed{}
}

// call gives the script an event and returns its answer; {"error": code} where
// AWS refused.
func (s seed) call(t *testing.T, account *sandbox.Server, script, event string) map[string]any {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.python, filepath.Join("testdata", "seed", "run.py"),
		filepath.Join(s.folder, script), event)
	if script == "cost_report.py" {
		cmd.Args = append(cmd.Args, evening().Format(time.DateOnly))
	}
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	for key, value := range reach(account) {
		cmd.Env = append(cmd.Env, key+"="+value)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", script, event, err, stderr.Bytes())
	}
	return decode(t, out)
}

// reach is the environment with which a process uses the account, and nothing
// else of the machine's AWS configuration.
func reach(account *sandbox.Server) map[string]string {
	return map[string]string{
		"AWS_ENDPOINT_URL":      account.URL(),
		"AWS_ACCESS_KEY_ID":     sandbox.AccessKey,
		"AWS_SECRET_ACCESS_KEY": sandbox.SecretKey,
		"AWS_SESSION_TOKEN":     "",
		"AWS_REGION":            sandbox.DefaultRegion,
		"AWS_DEFAULT_REGION":    sandbox.DefaultRegion,
		"AWS_CONFIG_FILE":       os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"NIGHTSHIFT_ACTION": "", "NIGHTSHIFT_TAG": "", "NIGHTSHIFT_REGIONS": "",
		"NIGHTSHIFT_BUCKET": "", "NIGHTSHIFT_PREFIX": "", "NIGHTSHIFT_TIMEZONE": "",
	}
}

// command runs nightshift with --json and returns its answer and exit code.
func command(t *testing.T, account *sandbox.Server, args ...string) (map[string]any, int) {
	t.Helper()
	env := reach(account)
	for key, value := range env {
		t.Setenv(key, value) // the SDK reads the process's environment
	}
	var stdout, stderr bytes.Buffer
	code := cli.Main(append(args, "--json"), cli.System{
		Stdout: &stdout, Stderr: &stderr, Env: func(key string) string { return env[key] }, Now: account.Sandbox().Now,
	})
	t.Logf("nightshift %s: %d %s%s", strings.Join(args, " "), code, stdout.Bytes(), stderr.Bytes())
	return decode(t, stdout.Bytes()), code
}

func decode(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var answer map[string]any
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatalf("not an answer: %v: %q", err, text)
	}
	return answer
}

// lambda is nightshift as a function: a process of this test's own binary, and
// the Lambda Runtime API that it polls.
type lambda struct {
	events  chan string
	answers chan []byte
}

// inLambda makes TestFunctionProcess be the function.
const inLambda = "NIGHTSHIFT_TEST_FUNCTION"

// TestFunctionProcess is not a test of its own: startLambda runs it in another
// process.
func TestFunctionProcess(*testing.T) {
	if os.Getenv(inLambda) != "" {
		os.Exit(cli.Main(nil, cli.ThisSystem()))
	}
}

func startLambda(t *testing.T, account *sandbox.Server) lambda {
	t.Helper()
	l := lambda{events: make(chan string), answers: make(chan []byte)}
	api := httptest.NewServer(http.HandlerFunc(l.serve))
	t.Cleanup(api.Close)
	ctx, stop := context.WithCancel(t.Context())
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, self, "-test.run=^TestFunctionProcess$")
	cmd.Env = append(os.Environ(), inLambda+"=1", "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(api.URL, "http://"))
	for key, value := range reach(account) {
		cmd.Env = append(cmd.Env, key+"="+value)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := cmd.Wait(); t.Failed() {
			t.Logf("the function's process: %v\n%s", err, stderr.Bytes())
		}
	})
	return l
}

// serve is the Lambda Runtime API: the function asks for the next event and
// posts its response or its error.
func (l lambda) serve(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/invocation/next") {
		select {
		case event := <-l.events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
			_, _ = io.WriteString(w, event)
		case <-r.Context().Done():
		}
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		body = []byte(err.Error())
	}
	w.WriteHeader(http.StatusAccepted)
	l.answers <- body
}

func (l lambda) call(t *testing.T, event string) map[string]any {
	t.Helper()
	late := time.After(time.Minute)
	select {
	case l.events <- event:
	case <-late:
		t.Fatal("the function does not ask for events")
	}
	select {
	case body := <-l.answers:
		return decode(t, body)
	case <-late:
		t.Fatalf("the function does not answer %s", event)
		return nil
	}
}

// practice serves the default account. Its clock stands still.
func practice(t *testing.T) *sandbox.Server {
	t.Helper()
	return sandboxtest.Start(t, sandbox.Options{Start: evening(), Speed: -1, Buckets: []string{seedBucket}})
}

// unactionable are the tagged instances of the default account that cannot or
// should not be stopped in the evening, with nightshift's reason.
func unactionable() map[string]string {
	return map[string]string{
		"spot-runner":    "spot-one-time",
		"web-asg":        "auto-scaling",
		"scratch-render": "instance-store-root",
		"vpn-gateway":    "stop-protected",
		"야간-리포트":         "already-stopped",
	}
}

// untag takes the tag from those instances that leave says.
func untag(t *testing.T, account *sandbox.Server, leave func(name string) bool) {
	t.Helper()
	var ids []string
	for _, i := range account.Sandbox().Instances(sandbox.DefaultRegion) {
		if i.Tags["AutoStopStart"] == "Yes" && leave(i.Tags["Name"]) {
			ids = append(ids, i.ID)
		}
	}
	client := ec2.New(ec2.Options{
		Region: sandbox.DefaultRegion, BaseEndpoint: aws.String(account.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(sandbox.AccessKey, sandbox.SecretKey, ""),
	})
	_, err := client.DeleteTags(t.Context(), &ec2.DeleteTagsInput{Resources: ids, Tags: []types.Tag{{Key: aws.String("AutoStopStart")}}})
	if err != nil {
		t.Fatal(err)
	}
}

func states(account *sandbox.Server) map[string]string {
	found := map[string]string{}
	for _, i := range account.Sandbox().Instances(sandbox.DefaultRegion) {
		found[i.ID] = i.State
	}
	return found
}

// sameAnswer holds every key of the script's answer against ours. The keys
// that stand beside them must have nothing to tell.
func sameAnswer(t *testing.T, who string, theirs, ours map[string]any) {
	t.Helper()
	beside := maps.Clone(ours)
	for key, value := range theirs {
		if diff := cmp.Diff(value, ours[key]); diff != "" {
			t.Errorf("%s: %q differs (-script +nightshift)\n%s", who, key, diff)
		}
		delete(beside, key)
	}
	for key, value := range beside {
		if list, ok := value.([]any); !ok || len(list) > 0 {
			t.Errorf("%s: %q is %v beside the script's answer %v", who, key, value, theirs)
		}
	}
}

// TestSeedStopStart gives the same events to the script, the function and the
// command, where each tagged instance can be stopped and started.
func TestSeedStopStart(t *testing.T) {
	scripts := findSeed(t)
	theirs, function, cmd := practice(t), practice(t), practice(t)
	for _, account := range []*sandbox.Server{theirs, function, cmd} {
		untag(t, account, func(name string) bool { return unactionable()[name] != "" })
	}
	l := startLambda(t, function)
	for _, step := range []struct {
		event string
		args  []string // of the command; nil where it has none for this event
		state string   // of the tagged instances afterwards
	}{
		{`{"action": "reboot"}`, nil, "running"},
		{`{}`, []string{"stop", "--wait=false"}, "stopped"},
		{`{"action": "start"}`, []string{"start", "--wait=false"}, "running"},
		{`{"action": "stop"}`, []string{"stop", "--wait=false"}, "stopped"},
		{`{"action": "START"}`, nil, "stopped"},
	} {
		t.Run(step.event, func(t *testing.T) {
			want := scripts.call(t, theirs, "stop_start.py", step.event)
			t.Logf("script: %v", want)
			sameAnswer(t, "function", want, l.call(t, step.event))
			others := []*sandbox.Server{function}
			if step.args != nil {
				got, code := command(t, cmd, step.args...)
				sameAnswer(t, "command", want, got)
				if code != 0 {
					t.Errorf("exit code %d, want 0", code)
				}
				others = append(others, cmd)
			}
			theirs.Sandbox().Advance(time.Hour)
			for _, account := range others {
				account.Sandbox().Advance(time.Hour)
				if diff := cmp.Diff(states(theirs), states(account)); diff != "" {
					t.Errorf("an hour later (-script +nightshift)\n%s", diff)
				}
			}
			for _, i := range theirs.Sandbox().Instances(sandbox.DefaultRegion) {
				if i.Tags["AutoStopStart"] == "Yes" && i.State != step.state {
					t.Errorf("script: %s is %s an hour later, want %s", i.Tags["Name"], i.State, step.state)
				}
			}
		})
	}
}

// TestSeedNothingTagged is about the answer for an account without the tag.
func TestSeedNothingTagged(t *testing.T) {
	scripts, account := findSeed(t), practice(t)
	untag(t, account, func(string) bool { return true })
	before := states(account)
	l := startLambda(t, account)
	for _, action := range []string{"stop", "start"} {
		event := fmt.Sprintf(`{"action": %q}`, action)
		want := scripts.call(t, account, "stop_start.py", event)
		if diff := cmp.Diff(map[string]any{"status": "no instances found"}, want); diff != "" {
			t.Errorf("script, %s (-want +got)\n%s", action, diff)
		}
		sameAnswer(t, "function", want, l.call(t, event))
		got, code := command(t, account, action, "--wait=false")
		sameAnswer(t, "command", want, got)
		if code != 0 {
			t.Errorf("%s: exit code %d, want 0", action, code)
		}
	}
	if diff := cmp.Diff(before, states(account)); diff != "" {
		t.Errorf("states changed (-before +after)\n%s", diff)
	}
}

// TestSeedFailsAsAWhole shows what is different on purpose: one instance that
// cannot be stopped makes the script's only request fail, and nothing is
// stopped; nightshift stops what can be stopped and tells why the rest is left.
func TestSeedFailsAsAWhole(t *testing.T) {
	scripts, account := findSeed(t), practice(t)
	before := states(account)
	want := map[string]any{"error": "UnsupportedOperation"}
	if diff := cmp.Diff(want, scripts.call(t, account, "stop_start.py", `{"action": "stop"}`)); diff != "" {
		t.Errorf("script (-want +got)\n%s", diff)
	}
	account.Sandbox().Advance(time.Hour)
	if diff := cmp.Diff(before, states(account)); diff != "" {
		t.Errorf("script: states changed (-before +after)\n%s", diff)
	}

	answer, code := command(t, account, "stop", "--wait=false")
	if code != 0 {
		t.Errorf("exit code %d, want 0: nothing that can be stopped failed", code)
	}
	account.Sandbox().Advance(time.Hour)
	var stopped, left []any
	for _, i := range account.Sandbox().Instances(sandbox.DefaultRegion) {
		reason := unactionable()[i.Tags["Name"]]
		switch {
		case i.Tags["AutoStopStart"] != "Yes":
			if i.State != before[i.ID] {
				t.Errorf("%s is not tagged and was %s, now %s", i.Tags["Name"], before[i.ID], i.State)
			}
		case reason == "":
			stopped = append(stopped, i.ID)
			if i.State != "stopped" {
				t.Errorf("%s is %s, want stopped", i.Tags["Name"], i.State)
			}
		default:
			left = append(left, i.ID+" "+reason)
			if i.State != before[i.ID] {
				t.Errorf("%s was %s, now %s", i.Tags["Name"], before[i.ID], i.State)
			}
		}
	}
	if diff := cmp.Diff(any(stopped), answer["instances"]); diff != "" {
		t.Errorf("instances (-want +got)\n%s", diff)
	}
	if status := fmt.Sprintf("stopped %d instances", len(stopped)); answer["status"] != status {
		t.Errorf("status %q, want %q", answer["status"], status)
	}
	var skipped []any
	for _, each := range answer["skipped"].([]any) {
		item := each.(map[string]any)
		skipped = append(skipped, fmt.Sprint(item["instance"], " ", item["code"]))
	}
	if diff := cmp.Diff(sorted(left), sorted(skipped)); diff != "" {
		t.Errorf("skipped (-want +got)\n%s", diff)
	}
	if failed := answer["failed"].([]any); len(failed) > 0 {
		t.Errorf("failed: %v", failed)
	}
}

func sorted(list []any) []string {
	var texts []string
	for _, each := range list {
		texts = append(texts, fmt.Sprint(each))
	}
	slices.Sort(texts)
	return texts
}
