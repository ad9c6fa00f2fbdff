package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/cli"
	"nightshift/internal/deploy"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// rulesFile is a configuration with a rule, a calendar and settings of the
// deployment.
const rulesFile = `timezone: Asia/Seoul
schedules:
  office: {running: Mon-Fri 08:00-19:00, holidays: [holidays.ics]}
power:
  rules:
    - {tag: AutoStopStart=Yes, schedule: office}
deploy:
  alarm_email: ops@example.com
  tags: {team: platform}
`

const holidays = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//holidays//EN\r\nBEGIN:VEVENT\r\nUID:1@example.com\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;VALUE=DATE:20261225\r\nSUMMARY:Christmas\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

// deployment is a directory with a configuration, and an account to deploy to.
type deployment struct {
	*testing.T
	account *sandbox.Server
	program string // the function
	dir     string
	speed   float64
}

// functionProgram builds nightshift as it is released, for this machine.
func functionProgram(t *testing.T) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the function is a program of Linux")
	}
	file := filepath.Join(t.TempDir(), "nightshift")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc,nethttpomithttp2", "-trimpath", "-ldflags=-s -w", "-o", file, "nightshift/cmd/nightshift")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return file
}

func newDeployment(t *testing.T, program string, o sandbox.Options) *deployment {
	t.Helper()
	if o.Speed == 0 {
		o.Speed = 100
	}
	o.Start = evening()
	d := &deployment{T: t, account: sandboxtest.Start(t, o), program: program, dir: t.TempDir(), speed: o.Speed}
	d.write("nightshift.yaml", rulesFile)
	d.write("holidays.ics", holidays)
	t.Chdir(d.dir)
	for key, value := range reach(d.account) {
		t.Setenv(key, value) // the SDK reads the process's environment
	}
	return d
}

func (d *deployment) write(name, content string) {
	d.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, name), []byte(content), 0o600); err != nil {
		d.Fatal(err)
	}
}

// run runs `nightshift deploy`. With answers somebody sits at the terminal and
// types them.
func (d *deployment) run(answers string, args ...string) (code int, output string) {
	d.Helper()
	var stdout, stderr bytes.Buffer
	code = d.start(strings.NewReader(answers), answers != "", &stdout, &stderr, args...)
	d.Logf("nightshift deploy %s: %d\n%s%s", strings.Join(args, " "), code, stdout.Bytes(), stderr.Bytes())
	return code, stdout.String() + stderr.String()
}

// start runs `nightshift deploy` with these streams.
func (d *deployment) start(stdin io.Reader, terminal bool, stdout, stderr io.Writer, args ...string) int {
	d.Helper()
	env := reach(d.account)
	env["NIGHTSHIFT_SANDBOX_SPEED"] = fmt.Sprint(d.speed)
	if !slices.Contains(args, "--binary") {
		args = append(args, "--binary", d.program)
	}
	return cli.Main(append([]string{"deploy"}, args...), cli.System{
		Stdin: stdin, Interactive: terminal, Stdout: stdout, Stderr: stderr,
		Env: func(key string) string { return env[key] }, Now: d.account.Sandbox().Now,
	})
}

// must runs it, with the code and all of the words in what it prints.
func (d *deployment) must(code int, answers string, args []string, words ...string) string {
	d.Helper()
	got, output := d.run(answers, args...)
	if got != code {
		d.Fatalf("deploy %v: exit code %d, want %d", args, got, code)
	}
	for _, w := range words {
		if !strings.Contains(output, w) {
			d.Errorf("deploy %v does not print %q", args, w)
		}
	}
	return output
}

// called counts the calls of an operation since the last count.
func (d *deployment) called(action string) int {
	n := 0
	for _, c := range d.account.Sandbox().Calls() {
		if c.Action == action {
			n++
		}
	}
	return n
}

// state is what `deploy --status --json` says.
func (d *deployment) state() (s struct {
	Status     string            `json:"status"`
	Parameters map[string]string `json:"parameters"`
	Outputs    map[string]string `json:"outputs"`
	Tags       map[string]string `json:"tags"`
},
) {
	d.Helper()
	code, output := d.run("", "--status", "--json", "--quiet")
	output = output[strings.Index(output, "{"):] // behind what is said of the configuration
	output, _, _ = strings.Cut(output, "\n")
	var e struct {
		Data json.RawMessage `json:"data"`
	}
	if code != 0 || json.Unmarshal([]byte(output), &e) != nil || json.Unmarshal(e.Data, &s) != nil {
		d.Fatalf("deploy --status: %d %s", code, output)
	}
	return s
}

// absent fails where something of a deployment is there.
func (d *deployment) absent() {
	d.Helper()
	if buckets := d.account.Sandbox().Buckets(); !slices.Equal(buckets, []string{sandbox.DefaultBucket}) {
		d.Errorf("buckets are left: %v", buckets)
	}
	d.must(1, "", []string{"--status"}, "there is no stack nightshift")
}

// TestDeploy deploys to sandboxes: one function of the release, built once.
func TestDeploy(t *testing.T) {
	program := functionProgram(t)
	runScripts(t, "testdata/deploy", map[string]string{"PROGRAM": program})
	for name, test := range map[string]func(*deployment){
		"from nothing to nothing": lifecycle, "breaks and is repaired": broken, "rollback that fails": stuck, "bad input": badInput,
		"somebody else is at it": meanwhile, "by tag": byTag, "without rules": withoutRules, "enough rights": enoughRights, "missing rights": missingRights,
		"expired in the middle": expiredSession, "questions": questions, "edited and protected": edited, "a stranger's bucket": stranger,
		"with backups": withBackups,
	} {
		t.Run(name, func(t *testing.T) {
			// To pack and unpack a whole program takes ten times as long then.
			if cli.RaceDetector && name != "somebody else is at it" && name != "bad input" {
				t.Skip("the race detector is on; this runs without it, in a step of its own")
			}
			if os.Getenv("NIGHTSHIFT_TEST_DEPLOYMENTS") == "" && !slices.Contains([]string{"from nothing to nothing", "bad input", "somebody else is at it"}, name) {
				t.Skip("takes longer; .ci/run sets NIGHTSHIFT_TEST_DEPLOYMENTS")
			}
			other := sandbox.AccountOptions{ID: "999988887777"}
			if name == "a stranger's bucket" {
				other.Buckets = []string{artifacts}
			}
			if name == "without rules" || name == "with backups" {
				other.Roles = []sandbox.Role{memberRole(t)}
			}
			test(newDeployment(t, program, sandbox.Options{Accounts: []sandbox.AccountOptions{other}}))
		})
	}
}

// artifacts is the bucket that deploy makes.
const artifacts = "nightshift-artifacts-123456789012-ap-northeast-2"

func lifecycle(d *deployment) {
	d.must(0, "", []string{"--plan"}, "+  Function", "AWS::Lambda::Function", "added IAM rights:", "if aws:ResourceTag/AutoStopStart StringEquals Yes", "a new bucket", "AlarmEmail",
		"the same command without --plan makes these changes")
	d.absent()

	start := time.Now()
	d.must(0, "", []string{"--yes"}, "stack nightshift: CREATE_COMPLETE", "dry runs:", "would stop", "would write a report of",
		"The next run of power stops", "the schedules are enabled", "e-mail not confirmed yet")
	d.timely(time.Since(start))
	s := d.state()
	if s.Status != "UPDATE_COMPLETE" || s.Parameters["ScheduleState"] != "ENABLED" || s.Tags["team"] != "platform" || s.Tags["nightshift:stack"] != "nightshift" {
		d.Errorf("after the first deployment: %+v", s)
	}
	bucket, prefix, _ := strings.Cut(strings.TrimPrefix(s.Parameters["Config"], "s3://"), "/")
	prefix = strings.TrimSuffix(prefix, "nightshift.yaml")
	for name, want := range map[string]string{"nightshift.yaml": rulesFile, "holidays.ics": holidays} {
		if got, _ := d.account.Sandbox().Object(bucket, prefix+name); string(got) != want {
			d.Errorf("%s%s holds %q", prefix, name, got)
		}
	}

	d.account.Sandbox().ResetCalls()
	d.must(0, "", []string{"--yes"}, "no changes", "e-mail not confirmed yet")
	if n := d.called("PutObject") + d.called("ExecuteChangeSet"); n > 0 {
		d.Errorf("an unchanged deployment makes %d changes", n)
	}

	d.write("nightshift.yaml", strings.Replace(strings.Replace(rulesFile, "19:00", "20:00", 1), "  alarm_email: ops@example.com\n", "", 1))
	d.account.Sandbox().ResetCalls()
	d.must(0, "", []string{"--plan"}, "~ nightshift.yaml", "-  office: {running: Mon-Fri 08:00-19:00", "+  office: {running: Mon-Fri 08:00-20:00",
		`ops@example.com → "" (back to the default)`)
	if got := d.state().Parameters["Config"]; got != s.Parameters["Config"] || d.called("PutObject") > 0 {
		d.Errorf("--plan changes the running configuration: %s", got)
	}
	d.must(0, "", []string{"--yes"}, "UPDATE_COMPLETE")
	if n := d.called("PutObject"); n != 2 {
		d.Errorf("%d objects were uploaded, want the two files", n)
	}

	kept := s.Outputs["ReportBucket"]
	d.must(0, "", []string{"--destroy", "--yes"}, "goes:", "stays:", kept, "DELETE_COMPLETE")
	if !slices.Contains(d.account.Sandbox().Buckets(), kept) {
		d.Errorf("the reports are gone: %v", d.account.Sandbox().Buckets())
	}
	d.must(0, "", []string{"--destroy", "--yes"}, "there is no stack nightshift")
	d.must(0, "", []string{"--yes"}, "the reports of an earlier installation are in s3://"+kept, "CREATE_COMPLETE")
	d.must(0, "", []string{"--yes"}, "no changes")
	if got := d.state().Outputs["ReportBucket"]; got != kept {
		d.Errorf("the reports go to %s, want %s", got, kept)
	}
}

// fail lets something of CloudFormation go wrong.
func (d *deployment) fail(plan string) {
	d.Helper()
	faults, err := sandbox.ParseFaults(plan)
	if err == nil {
		err = d.account.Sandbox().SetFaults(faults)
	}
	if err != nil {
		d.Fatal(err)
	}
}

func broken(d *deployment) {
	d.fail("cloudformation:CreateResource=refuse,id=Undelivered,code=InternalFailure,message=the queue is not wanted")
	output := d.must(1, "", []string{"--yes"}, "Undelivered (AWS::SQS::Queue)", "the queue is not wanted", "deploy again")
	if strings.Contains(output, "cancelled") {
		d.Error("what followed from the cause is shown, too")
	}
	if s := d.state(); s.Status != "ROLLBACK_COMPLETE" {
		d.Errorf("after a creation that failed: %s", s.Status)
	}
	d.fail("")
	d.must(0, "", []string{"--plan"}, "ROLLBACK_COMPLETE and cannot be changed any more")
	d.must(0, "", []string{"--plan", "--json"}, `"step":"recreate"`)
	d.must(1, "n\n", nil, "Delete the stack nightshift and create it again?", "nothing was changed")
	d.must(0, "", []string{"--yes"}, "CREATE_COMPLETE", "the schedules are enabled")

	d.fail("cloudformation:UpdateResource=refuse,id=Log,code=InternalFailure,message=the log is not wanted")
	d.write("nightshift.yaml", rulesFile+"  log_retention_days: 30\n")
	d.must(1, "", []string{"--yes"}, "Log (AWS::Logs::LogGroup)", "the log is not wanted", "everything is as it was before")
	if s := d.state(); s.Status != "UPDATE_ROLLBACK_COMPLETE" || s.Parameters["LogRetentionDays"] != "90" {
		d.Errorf("after an update that failed: %+v", s)
	}
	d.fail("")
	d.must(0, "", []string{"--yes"}, "UPDATE_COMPLETE")
}

func stuck(d *deployment) {
	d.must(0, "", []string{"--yes"}, "CREATE_COMPLETE")
	d.fail("cloudformation:UpdateResource=refuse,id=Undelivered,code=InternalFailure,message=no;cloudformation:RollbackResource=refuse,id=Log,code=InternalFailure,message=not back either")
	d.write("nightshift.yaml", strings.Replace(rulesFile, "team: platform", "team: other", 1)+"  log_retention_days: 30\n")
	d.must(1, "", []string{"--yes"}, "could not be rolled back")
	d.fail("")
	d.must(1, "", []string{"--yes"}, "aws cloudformation continue-update-rollback --stack-name nightshift", "--resources-to-skip Log")
}

func badInput(d *deployment) {
	d.account.Sandbox().ResetCalls()
	other := map[string]string{"amd64": "arm64", "arm64": "x86_64"}[runtime.GOARCH]
	for name, try := range map[string]struct {
		file string
		args []string
		says string
	}{
		"configuration":    {strings.Replace(rulesFile, "schedule: office", "schedule: offise", 1), []string{"--yes"}, "nightshift.yaml:6:"},
		"the architecture": {rulesFile + "  architecture: " + other + "\n", []string{"--yes"}, "and the function is to run on " + other},
		"not a program":    {rulesFile, []string{"--yes", "--binary", "nightshift.yaml"}, "is not a Linux program (ELF)"},
		"no file":          {rulesFile, []string{"--yes", "--binary", "nothing"}, "--binary: stat nothing"},
		"parameter":        {rulesFile, []string{"--yes", "--param", "TagKey"}, "write NAME=VALUE"},
		"no zone":          {strings.Replace(rulesFile, "timezone: Asia/Seoul\n", "", 1), []string{"--yes", "--param", "TimeZone=Asia/Seoul"}, "the configuration has no time zone: set timezone in it"},
		"the zone":         {rulesFile, []string{"--yes", "--param", "ReportTimeZone=Asia/Seul"}, `--param ReportTimeZone: unknown time zone "Asia/Seul": did you mean "Asia/Seoul"?`},
		"the regions":      {rulesFile, []string{"--yes", "--param", "Regions=us-east-1,mars"}, "--param Regions: region \"mars\""},
		"other regions": {
			rulesFile + "regions: [ap-northeast-2]\n",
			[]string{"--yes", "--param", "Regions=us-east-1"},
			"--param Regions: has no effect, since the function takes regions from the configuration: change it there",
		},
		"another zone": {rulesFile, []string{"--yes", "--param", "TimeZone=Asia/Tokyo"}, "--param TimeZone: has no effect, since the function takes timezone"},
		"an external id elsewhere": {
			rulesFile + "accounts: [{ name: dev, role: 'arn:aws:iam::210987654321:role/nightshift', external_id_env: NIGHTSHIFT_EXTERNAL_ID }]\n",
			[]string{"--yes"},
			"accounts: dev has its external id in the variable NIGHTSHIFT_EXTERNAL_ID, which the function does not have: write it as external_id",
		},
		"the archive":       {rulesFile, []string{"--yes", "--param", "CodeKey=mine.zip"}, "--param CodeKey: deploy chooses the value itself: name the program with --binary"},
		"the stack":         {rulesFile, []string{"--yes", "--stack", "1st"}, `the name of the stack is "1st"; it must begin with a letter`},
		"several regions":   {rulesFile, []string{"--yes", "--region", "all"}, "a stack is in one region"},
		"an account":        {rulesFile, []string{"--yes", "--account", "123456789012"}, "AWS_PROFILE"},
		"plan and yes":      {rulesFile, []string{"--yes", "--plan"}, "do not go together"},
		"a distant file":    {strings.Replace(rulesFile, "holidays.ics", "../holidays.ics", 1), []string{"--yes"}, "is not beside the configuration"},
		"plan and a status": {rulesFile, []string{"--status", "--plan"}, "do not go together"},
	} {
		d.write("nightshift.yaml", try.file)
		d.write("../holidays.ics", holidays)
		if code, output := d.run("", try.args...); code != 5 || !strings.Contains(output, try.says) {
			d.Errorf("%s: code %d, and it does not say %q", name, code, try.says)
		}
	}
	if calls := d.account.Sandbox().Calls(); len(calls) > 0 {
		d.Errorf("AWS was asked: %v", calls)
	}
	d.write("nightshift.yaml", rulesFile)
	d.must(5, "", []string{"--yes", "--param", "AlarmMail=x"}, `did you mean "AlarmEmail"?`)
	d.must(5, "", nil, "say --yes, or run it on a terminal")
	d.absent()
	d.write("nightshift.yaml", rulesFile+"  artifact_bucket: not-there\n")
	d.must(5, "", []string{"--yes"}, "there is no bucket not-there")
	d.absent()
}

// meanwhile deploys while another deployment is under way: it waits, and then has
// nothing left to do.
func meanwhile(d *deployment) {
	d.fail("cloudformation:CreateResource=slow,id=Log,for=2m")
	done := make(chan struct{})
	go func() {
		defer close(done)
		first := exec.Command(d.program, "deploy", "--yes") //nolint:noctx // it ends by itself
		first.Env = os.Environ()
		for key, value := range reach(d.account) {
			first.Env = append(first.Env, key+"="+value)
		}
		first.Env = append(first.Env, "NIGHTSHIFT_SANDBOX_SPEED=100")
		first.Stdout, first.Stderr = io.Discard, io.Discard
		_ = first.Start() // where it does not start the wait below ends the test
		for d.called("DescribeStackEvents") < 3 {
			time.Sleep(20 * time.Millisecond)
		}
		_ = first.Process.Signal(os.Interrupt)
		if _ = first.Wait(); first.ProcessState.ExitCode() != 130 {
			d.Errorf("Ctrl-C ends it with the code %d", first.ProcessState.ExitCode())
		}
	}()
	<-done
	d.must(0, "", []string{"--yes"}, "no changes", "the schedules are enabled")
	if n := d.called("CreateBucket"); n != 1 {
		d.Errorf("%d buckets were made", n)
	}
}

func byTag(d *deployment) {
	if err := os.Remove(filepath.Join(d.dir, "nightshift.yaml")); err != nil {
		d.Fatal(err)
	}
	d.must(5, "", []string{"--yes"}, "--param TimeZone=VALUE")
	d.absent()
	d.fail("lambda:Invoke=deny,count=3") // the role of the function cannot be used yet
	d.must(0, "", []string{"--yes", "--param", "TimeZone=Asia/Seoul"}, "CREATE_COMPLETE", "The next stop by tag stops", "the schedules are enabled", "nobody receives the alarms")
	if n := d.called("Invoke"); n != 3+3 {
		d.Errorf("the function was called %d times, want three times for three jobs and three times in vain", n)
	}
	d.write("nightshift.yaml", rulesFile)
	d.must(0, "", []string{"--yes"}, "-  StopOnTime", "-  StartOnTime", "+  PowerOnTime", "the schedules are enabled")
	if s := d.state(); s.Parameters["TagStopSchedule"] != "" {
		d.Errorf("a schedule by tag is left: %v", s.Parameters)
	}
}

// enoughRights does everything under the policy that is printed for it.
func enoughRights(d *deployment) {
	d.allow(printedPolicy(d.T, "--for", "deploy", "--account", "123456789012"))
	d.must(0, "", []string{"--plan"}, "+  Function")
	d.must(0, "", []string{"--yes"}, "CREATE_COMPLETE", "the schedules are enabled")
	d.write("nightshift.yaml", strings.Replace(rulesFile, "19:00", "20:00", 1)+"  log_retention_days: 30\n  termination_protection: true\n")
	d.must(0, "", []string{"--yes"}, "UPDATE_COMPLETE")
	d.must(1, "", []string{"--destroy", "--yes"}, "termination protection")
	d.write("nightshift.yaml", rulesFile)
	d.must(0, "", []string{"--yes"}, "UPDATE_COMPLETE")
	d.must(0, "", []string{"--destroy", "--yes"}, "DELETE_COMPLETE")
	d.must(0, "", []string{"--yes"}, "the reports of an earlier installation", "CREATE_COMPLETE")
}

func (d *deployment) allow(policy []byte) {
	d.Helper()
	if err := d.account.Sandbox().SetPolicy(policy); err != nil {
		d.Fatal(err)
	}
}

// without is a policy without an action.
func without(t *testing.T, policy []byte, action string) []byte {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal(policy, &document); err != nil {
		t.Fatal(err)
	}
	var kept []any
	for _, one := range document["Statement"].([]any) {
		s := maps.Clone(one.(map[string]any))
		actions := slices.DeleteFunc(slices.Clone(s["Action"].([]any)), func(a any) bool { return a == action })
		if len(actions) == 0 {
			continue
		}
		s["Action"] = actions
		kept = append(kept, s)
	}
	document["Statement"] = kept
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func missingRights(d *deployment) {
	all := printedPolicy(d.T, "--for", "deploy", "--account", "123456789012")
	d.allow(without(d.T, all, "cloudformation:CreateChangeSet"))
	d.must(4, "", []string{"--yes"}, "allow cloudformation:CreateChangeSet")
	d.must(1, "", []string{"--status"}, "there is no stack nightshift")
	d.allow(without(d.T, all, "s3:PutObject"))
	d.must(4, "", []string{"--yes"}, "s3:PutObject")
	d.must(1, "", []string{"--status"}, "there is no stack")
	d.allow(without(d.T, all, "iam:CreateRole"))
	d.must(4, "", []string{"--yes"}, "Role (AWS::IAM::Role)", "iam:CreateRole", "deletes the stack first")
	d.write("bounded.yaml", rulesFile+"  permissions_boundary: arn:aws:iam::123456789012:policy/edge\n")
	d.allow(printedPolicy(d.T, "--for", "deploy", "--account", "123456789012", "--config", "bounded.yaml"))
	d.must(4, "", []string{"--yes"}, "iam:CreateRole") // the roles of this configuration have no boundary
	d.must(0, "", []string{"--yes", "--config", "bounded.yaml"}, "CREATE_COMPLETE")
}

func expiredSession(d *deployment) {
	d.fail("cloudformation:CreateResource=slow,id=Log,for=2m;cloudformation:DescribeStackEvents=expired")
	d.must(4, "", []string{"--yes"}, "goes on in AWS: `nightshift deploy --stack nightshift` follows it")
	d.fail("")
	d.must(0, "", []string{"--yes"}, "no changes", "the schedules are enabled")
}

func questions(d *deployment) {
	d.must(1, "n\n", nil, "Create the stack nightshift with these rights? [y/N]", "nothing was changed")
	d.absent()
	if output := d.must(1, "y\nn\n", nil, "Enable the schedules? [y/N]", "the schedules stay disabled; `nightshift deploy` asks again"); strings.Contains(output, "nothing was changed") {
		d.Error("a stack was made, and it says that nothing was changed")
	}
	d.must(0, "", []string{"--plan"}, "no changes", "the schedules are disabled; the same command without --plan enables them")
	if s := d.state(); s.Parameters["ScheduleState"] != "DISABLED" {
		d.Errorf("schedules that nobody agreed to are %s", s.Parameters["ScheduleState"])
	}
	d.must(0, "y\ny\ny\n", nil, "no changes", "the schedules are enabled")
	d.write("nightshift.yaml", strings.Replace(rulesFile, "AutoStopStart=Yes", "team=web", 1))
	d.must(1, "n\n", nil, "rights? [y/N]", "nothing was changed")
	d.must(1, "y\nn\n", nil, "Change the stack nightshift? [y/N]", "nothing was changed")
	d.must(1, "n\n", []string{"--destroy"}, "Remove the stack nightshift?", "nothing was changed")
}

func edited(d *deployment) {
	d.must(0, "", []string{"--yes"}, "CREATE_COMPLETE")
	d.write("nightshift.yaml", rulesFile+"  termination_protection: true\n")
	d.must(0, "", []string{"--yes"}, "termination protection: on")
	d.must(1, "", []string{"--destroy", "--yes"}, "the stack nightshift has termination protection")
	editTemplate(d)
	d.must(0, "", []string{"--status"}, "edited by hand since the last deployment")
	d.must(0, "", []string{"--plan"}, "edited by hand since the last deployment; this deployment takes the edits back")
	d.must(5, "", []string{"--yes", "--stack", "other"}, "not one of nightshift")
	d.must(5, "", []string{"--destroy", "--yes", "--stack", "other"}, "not one of nightshift")
	d.must(5, "", []string{"--yes", "--stack", "failed"}, "not one of nightshift")
	d.must(5, "", []string{"--destroy", "--yes", "--stack", "failed"}, "not one of nightshift")
	if stack, err := d.stacks().Stack(d.Context(), "failed"); err != nil || stack.Status != deploy.RollbackComplete {
		d.Errorf("a stack of somebody else that failed is %s now: %v", stack.Status, err)
	}
}

// session reaches the account without nightshift deploy.
func (d *deployment) session() *amazon.Session {
	d.Helper()
	s, err := amazon.Open(d.Context(), amazon.Options{Region: sandbox.DefaultRegion, Endpoint: &amazon.Endpoint{
		URL: d.account.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey, ClockScale: d.speed,
	}})
	if err != nil {
		d.Fatal(err)
	}
	return s
}

func (d *deployment) stacks() *amazon.Stacks {
	d.Helper()
	return d.session().Stacks(sandbox.DefaultRegion)
}

// change makes or changes a stack as somebody does by hand.
func (d *deployment) change(n deploy.NewChangeSet) {
	d.Helper()
	stacks := d.stacks()
	if _, err := stacks.CreateChangeSet(d.Context(), n); err != nil {
		d.Fatal(err)
	}
	for done, executed := false, false; !done; {
		d.account.Sandbox().Advance(10 * time.Second)
		set, err := stacks.ChangeSet(d.Context(), n.Stack, n.Name)
		if err != nil || set.Status == "FAILED" {
			d.Fatalf("%+v %v", set, err)
		}
		if set.Status == "CREATE_COMPLETE" && !executed {
			if err := stacks.Execute(d.Context(), n.Stack, n.Name, n.Name); err != nil {
				d.Fatal(err)
			}
			executed = true
			d.account.Sandbox().Advance(10 * time.Minute)
		}
		stack, err := stacks.Stack(d.Context(), n.Stack)
		if err != nil {
			d.Fatal(err)
		}
		done = executed && stack.Status.Settled()
	}
}

// edit replaces texts in the template of the stack as somebody does by hand.
func (d *deployment) edit(oldnew ...string) {
	d.Helper()
	stack, err := d.stacks().Stack(d.Context(), "nightshift")
	if err != nil {
		d.Fatal(err)
	}
	template, err := d.stacks().Template(d.Context(), "nightshift")
	if err != nil {
		d.Fatal(err)
	}
	d.change(deploy.NewChangeSet{
		Stack: "nightshift", Name: "by-hand", Template: strings.NewReplacer(oldnew...).Replace(template),
		Parameters: stack.Parameters, Tags: stack.Tags,
	})
}

// editTemplate changes the template by hand, and makes two stacks that are not
// ours, of which one fails.
func editTemplate(d *deployment) {
	d.edit("MemorySize: 512", "MemorySize: 1024")
	const queue = "Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n"
	d.change(deploy.NewChangeSet{Stack: "other", Name: "by-hand", Create: true, Template: queue})
	d.fail("cloudformation:CreateResource=refuse,id=Queue,code=InternalFailure,message=no")
	d.change(deploy.NewChangeSet{Stack: "failed", Name: "by-hand", Create: true, Template: queue})
	d.fail("")
}

// stranger finds that somebody else has the name of the bucket.
func stranger(d *deployment) {
	d.must(4, "", []string{"--yes"}, "the bucket "+artifacts, "deploy.artifact_bucket")
	d.must(1, "", []string{"--status"}, "there is no stack nightshift")
	if objects := d.account.Sandbox().Objects(artifacts); len(objects) > 0 {
		d.Errorf("the stranger was given %v", objects)
	}
}
