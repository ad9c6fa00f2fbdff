package cli_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// runtimeAPI is the Lambda Runtime API of a machine on which the function
// runs: it hands out one event at a time and takes the answer.
type runtimeAPI struct {
	*httptest.Server
	events  chan invocation
	answers chan string
	// process is the function's; ended is closed once it has ended.
	process *exec.Cmd
	ended   chan struct{}
	metrics *strings.Builder // to be read once it has ended
}

type invocation struct {
	event   string
	timeout time.Duration
}

func newRuntimeAPI(t *testing.T) *runtimeAPI {
	t.Helper()
	api := &runtimeAPI{events: make(chan invocation), answers: make(chan string, 1)}
	const base = "/2018-06-01/runtime/invocation/"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+base+"next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case i := <-api.events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "3f5f1f5e-0000-4000-8000-000000000000")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(i.timeout).UnixMilli()))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:ap-northeast-2:123456789012:function:nightshift")
			fmt.Fprint(w, i.event)
		case <-r.Context().Done():
		}
	})
	take := func(kind string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.WriteHeader(http.StatusAccepted)
			api.answers <- kind + string(body)
		}
	}
	mux.HandleFunc("POST "+base+"{id}/response", take(""))
	mux.HandleFunc("POST "+base+"{id}/error", take("error "))
	api.Server = httptest.NewServer(mux)
	return api
}

// invoke sends an event and returns the answer; that of a failed invocation
// begins with "error".
func (api *runtimeAPI) invoke(t *testing.T, event string, timeout time.Duration) string {
	t.Helper()
	select {
	case api.events <- invocation{event, timeout}:
	case <-time.After(20 * time.Second):
		t.Fatal("the function does not ask for an event")
	}
	select {
	case answer := <-api.answers:
		return answer
	case <-time.After(timeout + 20*time.Second):
		t.Fatalf("no answer to %s", event)
		return ""
	}
}

// function starts the binary as AWS Lambda does, against a practice account.
func function(t *testing.T, o sandbox.Options, env ...string) (*runtimeAPI, *sandbox.Server) {
	t.Helper()
	server := sandboxtest.Start(t, o)
	return functionAt(t, server.URL(), env...), server
}

// functionAt starts the binary as AWS Lambda does, against an endpoint.
func functionAt(t *testing.T, endpoint string, env ...string) *runtimeAPI {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bootstrap := filepath.Join(t.TempDir(), "nightshift")
	if err := os.Symlink(self, bootstrap); err != nil {
		t.Fatal(err)
	}
	api := newRuntimeAPI(t)
	cmd := exec.Command(bootstrap)
	cmd.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api.URL, "http://"),
		"AWS_ENDPOINT_URL=" + endpoint,
		"AWS_ACCESS_KEY_ID=" + sandbox.AccessKey,
		"AWS_SECRET_ACCESS_KEY=" + sandbox.SecretKey,
		"AWS_REGION=" + sandbox.DefaultRegion,
		"TMPDIR=" + t.TempDir(),
		"HOME=" + t.TempDir(),
	}, env...)
	var log strings.Builder
	cmd.Stderr = &log
	api.metrics = &strings.Builder{}
	cmd.Stdout = api.metrics
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	api.process, api.ended = cmd, make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is in ProcessState
		close(api.ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-api.ended
		api.CloseClientConnections()
		api.Close()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return api
}

func TestFunction(t *testing.T) {
	t.Parallel()
	api, server := function(t, sandbox.Options{Speed: 300}, "NIGHTSHIFT_BUCKET="+sandbox.DefaultBucket, "NIGHTSHIFT_TIMEZONE=Asia/Seoul")
	fresh := time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)
	old := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	envelope := `{"version":"0","id":"53dc4d37","detail-type":"Scheduled Event","source":"aws.events","account":"123456789012","time":"%s","region":"us-east-1","resources":[],"detail":{}}`
	for _, tt := range []struct{ name, event, want string }{
		{"start", `{"action":"start"}`, `^\{"status":"started 1 instances","instances":\["i-[0-9a-f]+"\],"failed":\[\],"skipped":\[`},
		{"stop", `{"action":"stop"}`, `^\{"status":"stopped \d+ instances","instances":\["i-`},
		{"no action is stop", `{}`, `^\{"status":"stopped \d+ instances",`},
		{"envelope of EventBridge", fmt.Sprintf(envelope, fresh), `^\{"status":"stopped \d+ instances".*"region":"ap-northeast-2"`},
		{"another tag", `{"action":"stop","tag":"Nobody=Has"}`, `^\{"status":"no instances found"\}$`},
		{"another region", `{"action":"stop","region":"eu-west-1"}`, `^\{"status":"no instances found"\}$`},
		{"dry run", `{"action":"start","dry_run":true}`, `^\{"status":"would start \d+ instances",.*"dry_run":true`},
		{"unknown action", `{"action":"explode"}`, `^\{"status":"invalid action"\}$`},
		{"action that is no text", `{"action":7}`, `^\{"status":"invalid action"\}$`},
		{"late", `{"action":"stop","scheduled_at":"` + old + `"}`, `^\{"status":"refused: this stop was scheduled for .* late, more than 10m`},
		{"late envelope", fmt.Sprintf(envelope, old), `^\{"status":"refused:`},
		{"in time", `{"action":"stop","scheduled_at":"` + fresh + `"}`, `^\{"status":"stopped `},
		{"time that is none", `{"action":"stop","scheduled_at":"<aws.scheduler.scheduled-time>"}`, `^error \{"errorMessage":"invalid event: scheduled_at: .*"errorType":"InvalidEvent"\}$`},
		{"malformed tag", `{"action":"stop","tag":"="}`, `^error \{"errorMessage":"invalid event: tag: tag \\"=\\": the key is missing`},
		{"region that is none", `{"action":"stop","region":"nowhere"}`, `^error \{"errorMessage":"region \\"nowhere\\" is not a region code .*"errorType":"Invalid"\}$`},
		{"report", `{"action":"report","scheduled_at":"` + old + `"}`, `^\{"statusCode":200,"body":"Report uploaded to s3://nightshift-practice/ec2/ec2_monthly_costs_\d{8}\.xlsx"`},
		{"null", `null`, `^error \{"errorMessage":"invalid event: it is not an object .*"errorType":"InvalidEvent"\}$`},
		{"nothing", ``, `^\{"status":"stopped `},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := api.invoke(t, tt.event, time.Minute); !regexp.MustCompile(tt.want).MatchString(got) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	before := len(server.Sandbox().Calls())
	for _, event := range []string{
		`{"key1":"value1","key2":"value2","key3":"value3"}`,
		`{"action":"stop","dryRun":true}`,
		`{"ACTION":"start","Dry_Run":true}`,
		`{"actoin":"start"}`,
		`{"action":"stop","tags":"Env=dev"}`,
		`{"detail-type":"Object Created","source":"aws.s3","detail":{"bucket":{"name":"b"}}}`,
	} {
		if got := api.invoke(t, event, time.Minute); !regexp.MustCompile(`^error \{"errorMessage":"invalid event: .*"errorType":"InvalidEvent"\}$`).MatchString(got) {
			t.Errorf("%s: %s", event, got)
		}
	}
	if calls := server.Sandbox().Calls(); len(calls) > before {
		t.Errorf("AWS was called for an invalid event: %v", calls[before:])
	}
	reports := 0
	for _, c := range server.Sandbox().Calls() {
		if c.Action == "PutObject" {
			reports++
		}
	}
	if reports != 1 {
		t.Errorf("%d objects were put, want the report only", reports)
	}
}

// TestFunctionFollowsSchedules reads the configuration where the stack lets it
// be, and answers with what a tick has done.
func TestFunctionFollowsSchedules(t *testing.T) {
	t.Parallel()
	api, server := function(t, sandbox.Options{Speed: 300}, "NIGHTSHIFT_CONFIG=ssm:/nightshift")
	if err := server.Sandbox().SetParameter(sandbox.DefaultRegion, sandbox.Parameter{Name: "/nightshift", Secret: true, Value: `
timezone: Asia/Seoul
schedules: { off: { never: true } }
power: { rules: [ { tag: AutoStopStart=Yes, schedule: off, enforce: true } ] }
`}); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	for _, tt := range []struct{ name, event, want string }{
		{"dry run", `{"action":"power","dry_run":true}`, `^\{"version":1,"kind":"power","data":\{"status":"would stop 10, would start 0.*"dry_run":true`},
		{"a tag", `{"action":"power","tag":"Env=prod"}`, `^error \{"errorMessage":"invalid event: tag: `},
		{"another region", `{"action":"power","region":"eu-west-1"}`, `"status":"stopped 0, started 0"`},
		{"late", `{"action":"power","scheduled_at":"` + old + `"}`, `"status":"stopped 9, started 0, .*"stopped":\[\{"kind":"instance","id":"i-`},
		{"twice", `{"action":"power"}`, `"status":"stopped 0, started 0`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := api.invoke(t, tt.event, time.Minute); !regexp.MustCompile(tt.want).MatchString(got) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// Before its time is over the function starts nothing new, answers, and says
// what is left.
// TestFunctionMeasures: the function of a stack says after each run how it ended, and
// with power how old the newest report in the bucket is.
func TestFunctionMeasures(t *testing.T) {
	t.Parallel()
	api, server := function(t, sandbox.Options{},
		"NIGHTSHIFT_STACK=night", "NIGHTSHIFT_TIMEZONE=Asia/Seoul", "NIGHTSHIFT_BUCKET="+sandbox.DefaultBucket, "NIGHTSHIFT_PREFIX=ec2/",
		"NIGHTSHIFT_CONFIG=ssm:/nightshift")
	if err := server.Sandbox().SetParameter(sandbox.DefaultRegion, sandbox.Parameter{Name: "/nightshift", Secret: true, Value: `
timezone: Asia/Seoul
schedules: { always-on: always }
power: { rules: [ { tag: AutoStopStart=Yes, schedule: always-on } ] }
`}); err != nil {
		t.Fatal(err)
	}
	seoul, err := time.LoadLocation("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	days := func(n int) string { return time.Now().In(seoul).AddDate(0, 0, -n).Format("20060102") }
	for _, key := range []string{"ec2/ec2_monthly_costs_" + days(30) + ".xlsx", "ec2/ec2_monthly_costs_" + days(3) + ".xlsx", "ec2/notes.txt"} {
		putObject(t, server.URL(), sandbox.DefaultBucket, key, "x")
	}
	for _, event := range []string{`{"action":"power","dry_run":true}`, `{"action":"stop","dry_run":true}`} {
		api.invoke(t, event, time.Minute)
	}
	_ = api.process.Process.Kill()
	<-api.ended
	var got []string
	for line := range strings.Lines(api.metrics.String()) {
		var m struct {
			Stack, Job        string
			Succeeded, Failed int
			ReportAgeSeconds  *int
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		age := "no age"
		if m.ReportAgeSeconds != nil {
			age = fmt.Sprint(*m.ReportAgeSeconds/86400, " days")
		}
		got = append(got, fmt.Sprint(m.Stack, " ", m.Job, " ", m.Succeeded, " ", m.Failed, " ", age))
	}
	if want := "night power 1 0 3 days, night stop 1 0 no age"; strings.Join(got, ", ") != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestFunctionRunsOutOfTime(t *testing.T) {
	t.Parallel()
	// The one stop that there is time for ends after the margin of 8 seconds has begun,
	// and long enough before the end for a slow machine.
	faults, err := sandbox.ParseFaults("ec2:StopInstances=delay,for=32500ms")
	if err != nil {
		t.Fatal(err)
	}
	api, _ := function(t, sandbox.Options{Fleet: 150, Faults: faults})
	var answer struct {
		Status    string
		Instances []string
		Deferred  []struct{ Instance, Code string } `json:"left"`
	}
	text := api.invoke(t, `{"action":"stop"}`, 40*time.Second)
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if len(answer.Instances) == 0 || len(answer.Deferred) == 0 || answer.Deferred[0].Code != "not-tried" {
		t.Errorf("%d stopped, %d left: want some of each\n%.300s", len(answer.Instances), len(answer.Deferred), text)
	}
}

// A run whose time is over while AWS does not answer is in the journal, too.
func TestFunctionNotesWhatRanOutOfTime(t *testing.T) {
	t.Parallel()
	faults, err := sandbox.ParseFaults("ec2:StopInstances=delay,for=20s")
	if err != nil {
		t.Fatal(err)
	}
	api, server := function(t, sandbox.Options{Faults: faults}, "NIGHTSHIFT_CONFIG=ssm:/nightshift")
	if err := server.Sandbox().SetParameter(sandbox.DefaultRegion, sandbox.Parameter{Name: "/nightshift", Value: `
journal: s3://` + sandbox.DefaultBucket + `/runs
schedules: { off: { never: true } }
power: { rules: [ { tag: AutoStopStart=Yes, schedule: off, enforce: true } ] }
`}); err != nil {
		t.Fatal(err)
	}
	got := api.invoke(t, `{"action":"power"}`, 4*time.Second)
	if want := `^error \{"errorMessage":"stopped 0, started 0, .*10 failed: 10 machines are not in the desired state; .*the time ran out.*"errorType":"Timeout"\}$`; !regexp.MustCompile(want).MatchString(got) {
		t.Errorf("got %s", got)
	}
	puts := 0
	for _, c := range server.Sandbox().Calls() {
		if c.Action == "PutObject" {
			puts++
		}
	}
	if puts != 1 {
		t.Errorf("%d records were put, want 1", puts)
	}
}

// SIGTERM is how Lambda and its emulators end the process: it ends at once, be
// it idle or in the middle of an event, and fails no event that comes later.
func TestFunctionEndsOnSIGTERM(t *testing.T) {
	t.Parallel()
	slow, err := sandbox.ParseFaults("ec2:DescribeInstances=delay,for=60s")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		faults []sandbox.Fault
		event  func(t *testing.T, api *runtimeAPI)
	}{
		{"idle", nil, func(t *testing.T, api *runtimeAPI) {
			if got := api.invoke(t, `{"action":"stop","dry_run":true}`, time.Minute); !strings.HasPrefix(got, `{"status":"would stop `) {
				t.Errorf("got %s", got)
			}
		}},
		{"at work", slow, func(_ *testing.T, api *runtimeAPI) {
			api.events <- invocation{`{"action":"stop","dry_run":true}`, time.Minute}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			api, _ := function(t, sandbox.Options{Faults: tt.faults})
			tt.event(t, api)
			if err := api.process.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			select {
			case <-api.ended:
			case <-time.After(20 * time.Second):
				t.Fatal("the function goes on after SIGTERM")
			}
			status, ok := api.process.ProcessState.Sys().(syscall.WaitStatus)
			if !ok || !status.Signaled() || status.Signal() != syscall.SIGTERM {
				t.Errorf("ended as %v, want by SIGTERM", api.process.ProcessState)
			}
			select {
			case answer := <-api.answers:
				t.Errorf("answered %s", answer)
			default:
			}
		})
	}
}

// A default action keeps a schedule without input from stopping the fleet.
func TestFunctionDefaultAction(t *testing.T) {
	t.Parallel()
	api, _ := function(t, sandbox.Options{}, "NIGHTSHIFT_ACTION=start", "NIGHTSHIFT_REGIONS=us-east-1")
	if got := api.invoke(t, `{}`, time.Minute); !strings.HasPrefix(got, `{"status":"started `) {
		t.Errorf("got %s", got)
	}
}

// Failures of the whole are errors of the invocation, so that Lambda tries
// again and in the end keeps the event for people.
func TestFunctionFails(t *testing.T) {
	t.Parallel()
	faults, err := sandbox.ParseFaults("ec2:DescribeInstances=deny")
	if err != nil {
		t.Fatal(err)
	}
	api, _ := function(t, sandbox.Options{Faults: faults})
	if got := api.invoke(t, `{"action":"stop"}`, time.Minute); !strings.HasPrefix(got, `error {"errorMessage":"list instances in ap-northeast-2: ec2:DescribeInstances: UnauthorizedOperation`) {
		t.Errorf("got %s", got)
	}
	if got := api.invoke(t, `{"action":"report"}`, time.Minute); !strings.HasPrefix(got, `error {"errorMessage":"no destination`) {
		t.Errorf("got %s", got)
	}
	if got := api.invoke(t, `{"action":"power"}`, time.Minute); !strings.HasPrefix(got, `error {"errorMessage":"no configuration`) {
		t.Errorf("got %s", got)
	}
}

// What fails is an error of the invocation where nothing was done, and is
// counted in the answer where a part was. The same holds for what is wrong in
// the configuration.
func TestFunctionFailsWhereNothingIsDone(t *testing.T) {
	t.Parallel()
	faults, err := sandbox.ParseFaults("ec2:StopInstances=deny")
	if err != nil {
		t.Fatal(err)
	}
	const rule = `
timezone: UTC
schedules: { off: never }
power: { rules: [ { tag: "%s=Yes", schedule: off, enforce: true } %s ] }
`
	const wrong = `, { tag: Env=dev, schedule: office }`
	for _, tt := range []struct {
		name, key, more string
		faults          []sandbox.Fault
		want            string
	}{
		{"all refused", "AutoStopStart", "", faults, `^error \{"errorMessage":"stopped 0, started 0, .*10 failed: not permitted to act on any.*"errorType":"Denied"\}$`},
		{"nothing due, and a rule that is wrong", "Nobody", wrong, nil, `^error \{"errorMessage":"stopped 0, .*1 wrong in the configuration: .*the configuration has 1 error; what they are about was skipped","errorType":"Invalid"\}$`},
		{"stopped, and a rule that is wrong", "AutoStopStart", wrong, nil, `"status":"stopped 9, started 0, .*1 wrong in the configuration".*"configuration_errors":1`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			api, server := function(t, sandbox.Options{Faults: tt.faults}, "NIGHTSHIFT_CONFIG=ssm:/nightshift")
			if err := server.Sandbox().SetParameter(sandbox.DefaultRegion, sandbox.Parameter{Name: "/nightshift", Value: fmt.Sprintf(rule, tt.key, tt.more)}); err != nil {
				t.Fatal(err)
			}
			if got := api.invoke(t, `{"action":"power"}`, time.Minute); !regexp.MustCompile(tt.want).MatchString(got) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
