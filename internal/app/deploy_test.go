package app_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"nightshift/internal/amazon"
	"nightshift/internal/app"
	"nightshift/internal/blob"
	"nightshift/internal/deploy"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// again is a value after it was JSON: that of another process.
func again[T any](t *testing.T, value T) (read T) {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	if second, err := json.Marshal(read); err != nil || !bytes.Equal(text, second) {
		t.Errorf("%T (-before +after)\n- %s\n+ %s %v", value, text, second, err)
	}
	return read
}

// emptyProgram is a file that is a static program of Linux by its header.
func emptyProgram(t *testing.T) string {
	t.Helper()
	header := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
		Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1, Shentsize: 64,
	}
	if runtime.GOARCH == "arm64" {
		header.Machine = uint16(elf.EM_AARCH64)
	}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS], header.Ident[elf.EI_DATA], header.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	var program bytes.Buffer
	for _, part := range []any{header, elf.Prog64{Type: uint32(elf.PT_LOAD)}} {
		if err := binary.Write(&program, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "nightshift")
	if err := os.WriteFile(file, program.Bytes(), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

// listener hears of the events of stacks.
type listener struct {
	app.NopObserver
	events chan deploy.Event
}

func (l listener) StackChanged(_ app.Run, e deploy.Event) { l.events <- e }

// TestDeploymentSurvivesJSON plans in one process, as it were, deploys in a second
// and removes in a third: all that they need is in the values.
func TestDeploymentSurvivesJSON(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{Speed: 1000})
	heard := listener{events: make(chan deploy.Event, 1000)}
	endpoint := amazon.Endpoint{URL: server.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey, ClockScale: 1000}
	open := func() *app.Session {
		a := app.New(app.Options{Now: server.Sandbox().Now, Endpoint: &endpoint, Observer: heard})
		return job[*app.Session](t)(a.Open(t.Context(), app.Selection{NoTargets: true}))
	}
	input := app.DeployInput{
		Stack: "trial", Region: sandbox.DefaultRegion, Program: emptyProgram(t), Parameters: map[string]string{"TimeZone": "Asia/Seoul"},
	}
	plan := again(t, job[deploy.Deployment](t)(open().PlanDeployment(t.Context(), input)))
	if !plan.NewCode() || len(plan.Diff.Resources) == 0 || plan.Step != deploy.StepCreate || !plan.First {
		t.Errorf("the plan: %+v", plan)
	}
	result := again(t, job[app.DeployResult](t)(open().Deploy(t.Context(), plan)))
	if result.Status != deploy.CreateComplete || result.Outputs[deploy.OutputFunction] == "" || len(result.Calls) == 0 {
		t.Errorf("the result: %+v", result)
	}
	if n := len(heard.events); n != len(result.Events) || n < len(plan.Diff.Resources) {
		t.Errorf("%d events were heard, %d are in the result", n, len(result.Events))
	}
	state := again(t, job[app.DeploymentState](t)(open().DeploymentStatus(t.Context(), input)))
	if state.Status != deploy.CreateComplete || state.Code != plan.Binary.SHA256 {
		t.Errorf("the state: %+v", state)
	}

	// What was planned is not there any more.
	input.Parameters["LogRetentionDays"] = "30"
	second := again(t, job[deploy.Deployment](t)(open().PlanDeployment(t.Context(), input)))
	second.Uploads = []deploy.Upload{{Key: "trial/code/another.zip", Code: true}}
	if err := os.WriteFile(input.Program, []byte("another"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := open().Deploy(t.Context(), second); err == nil {
		t.Error("a program that was changed since the plan is deployed")
	}

	removal := again(t, job[deploy.Removal](t)(open().PlanRemoval(t.Context(), input)))
	if removed := again(t, job[app.DeployResult](t)(open().RemoveDeployment(t.Context(), removal))); removed.Status != deploy.DeleteComplete {
		t.Errorf("the removal: %+v", removed)
	}
}

// TestDeploymentSettings holds that each setting of the configuration reaches its
// parameter of the template, and that those it leaves out are sent as well.
func TestDeploymentSettings(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{Speed: 1000})
	file := filepath.Join(t.TempDir(), "nightshift.yaml")
	const key = "arn:aws:kms:ap-northeast-2:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	if err := os.WriteFile(file, []byte(`timezone: Asia/Seoul
regions: [ap-northeast-2, us-east-1]
schedules: {office: {running: Mon-Fri 08:00-19:00}}
power: {rules: [{tag: team=web, schedule: office}]}
jobs: {power: {every: 10m}, report: {at: Tue 06:30, timezone: Asia/Tokyo}}
deploy:
  stack: trial
  alarm_topic: arn:aws:sns:ap-northeast-2:123456789012:alarms
  report_bucket: my-reports
  report_prefix: costs/
  data_keys: [`+key+`]
  volume_keys: [`+key+`]
  license_manager: true
  permissions_boundary: arn:aws:iam::123456789012:policy/edge
  role_path: /team/
  enabled: false
  dry_run: true
  log_retention_days: 30
`), 0o600); err != nil {
		t.Fatal(err)
	}
	a := app.New(app.Options{Now: server.Sandbox().Now, Endpoint: &amazon.Endpoint{
		URL: server.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey, ClockScale: 1000,
	}})
	s := job[*app.Session](t)(a.Open(t.Context(), app.Selection{Config: blob.Ref{Scheme: blob.File, Path: file}, NeedConfig: true, NoTargets: true}))
	plan := job[deploy.Deployment](t)(s.PlanDeployment(t.Context(), app.DeployInput{Region: sandbox.DefaultRegion, Program: emptyProgram(t)}))
	for name, want := range map[string]string{
		"Regions": "ap-northeast-2,us-east-1", "TimeZone": "Asia/Seoul", "AlarmEmail": "", "AlarmTopicArn": "arn:aws:sns:ap-northeast-2:123456789012:alarms",
		"ReportBucket": "my-reports", "ReportPrefix": "costs/", "ReportKeyArn": "", "DataKeyArns": key, "KeyArns": key, "LicenseManager": "true",
		"PermissionsBoundary": "arn:aws:iam::123456789012:policy/edge", "RolePath": "/team/", "ScheduleState": "DISABLED", "DryRun": "true",
		"LogRetentionDays": "30", "PowerSchedule": "rate(10 minutes)", "PowerPeriod": "1800", "ReportSchedule": "cron(30 6 ? * TUE *)", "ReportTimeZone": "Asia/Tokyo",
		"TagStopSchedule": "", "TagStartSchedule": "", "TagKey": "AutoStopStart", "TagValue": "Yes",
	} {
		if got, sent := plan.Parameters[name]; got != want || !sent {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if plan.First || plan.Stack != "trial" {
		t.Errorf("schedules that the configuration disables wait for nothing: %+v", plan)
	}
	if err := s.DiscardDeployment(t.Context(), plan); err != nil {
		t.Error(err)
	}
}
