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
	if plan.HasArchive() || len(plan.Diff.Resources) == 0 || plan.Step != deploy.StepCreate || !plan.First {
		t.Errorf("the plan: %+v", plan)
	}
	result := again(t, job[app.DeployResult](t)(open().Deploy(t.Context(), plan)))
	if result.Status != deploy.CreateComplete || result.Outputs[deploy.OutputFunction] == "" || len(result.Run.Calls) == 0 {
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
