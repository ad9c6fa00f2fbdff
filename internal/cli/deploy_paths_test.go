package cli_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/internal/cli"
	"nightshift/internal/sandbox"
)

// smallProgram is a file that is a program of nightshift by its header and by the
// version that Go writes into programs. It is deployed quickly and cannot be run, so
// that the dry runs of the function fail.
func smallProgram(t *testing.T, version string) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the function is a program of Linux")
	}
	const at = 128 // the data, after both headers
	mark := strings.Repeat("#", 16)
	module := mark + "path\tnightshift/cmd/nightshift\nmod\tnightshift\t" + version + "\t\n" + mark
	info := append([]byte("\xff Go buildinf:\x08\x02"), make([]byte, 16)...)
	for _, text := range []string{"go1.26.0", module} {
		info = append(binary.AppendUvarint(info, uint64(len(text))), text...)
	}
	header := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT), Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1, Shentsize: 64,
	}
	if runtime.GOARCH == "arm64" {
		header.Machine = uint16(elf.EM_AARCH64)
	}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS], header.Ident[elf.EI_DATA], header.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	size := uint64(len(info))
	data := elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_W), Off: at, Vaddr: at, Filesz: size, Memsz: size}
	var program bytes.Buffer
	for _, part := range []any{header, data, make([]byte, at-64-56), info} {
		if err := binary.Write(&program, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "nightshift-"+version)
	if err := os.WriteFile(file, program.Bytes(), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestDeployPaths are the less usual ways through a deployment. The program is not
// run, so that a deployment ends with 3.
func TestDeployPaths(t *testing.T) {
	if cli.RaceDetector {
		t.Skip("the race detector is on; this runs without it, in a step of its own")
	}
	for name, test := range map[string]func(*deployment){
		"Ctrl-C at a question": interruptedQuestion, "an older version": downgrade, "a role of CloudFormation": serviceRole,
		"another bucket of reports": replacedReports, "drift": drifted, "a new role": newRole, "old artifacts": prunedArtifacts,
		"under review": underReview, "being deleted": beingDeleted, "not deleted": notDeleted, "not rolled back": notRolledBack,
		"for programs": forPrograms,
	} {
		t.Run(name, func(t *testing.T) {
			test(newDeployment(t, smallProgram(t, "v1.3.0"), sandbox.Options{Speed: 1000}))
		})
	}
}

// terminal is where questions are seen.
type terminal struct {
	mu       sync.Mutex
	seen     bytes.Buffer
	question string
	asked    chan struct{} // closed when the question stands there
}

func (s *terminal) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := strings.Contains(s.seen.String(), s.question)
	s.seen.Write(p)
	if !before && strings.Contains(s.seen.String(), s.question) {
		close(s.asked)
	}
	return len(p), nil
}

// interrupt presses Ctrl-C while a question waits for its answer.
func (d *deployment) interrupt(question string, args ...string) {
	d.Helper()
	stdin, nobody := io.Pipe()
	defer func() { _ = nobody.Close() }() // a pipe has no errors
	screen, ended := &terminal{question: question, asked: make(chan struct{})}, make(chan struct{})
	go func() {
		select {
		case <-screen.asked:
			if self, err := os.FindProcess(os.Getpid()); err == nil {
				_ = self.Signal(os.Interrupt) // where it does not arrive the code is another one
			}
		case <-ended:
			return
		case <-time.After(2 * time.Minute): // it asks something else
		}
		select {
		case <-ended:
		case <-time.After(time.Minute): // what still waits for an answer gets none
			_ = nobody.Close()
		}
	}()
	code := d.start(stdin, true, screen, screen, args...)
	close(ended)
	output := screen.seen.String()
	d.Logf("nightshift deploy %s: %d\n%s", strings.Join(args, " "), code, output)
	if code != 130 || !strings.Contains(output, question) || !strings.Contains(output, "nightshift: interrupted") {
		d.Errorf("Ctrl-C at %q ends with the code %d", question, code)
	}
}

func interruptedQuestion(d *deployment) {
	d.interrupt("Create the stack nightshift with these rights? [y/N]")
	d.absent()
	d.must(3, "", []string{"--yes"}, "CREATE_COMPLETE")
	before := d.state()
	sets := d.changeSets()
	d.interrupt("Change the stack nightshift? [y/N]", "--param", "LogRetentionDays=30")
	if after := d.state(); after.Status != before.Status || after.Parameters["LogRetentionDays"] != "90" {
		d.Errorf("Ctrl-C changes the stack: %+v", after)
	}
	if left := d.changeSets(); len(left) != len(sets) {
		d.Errorf("change sets are left: %v", left)
	}
	d.interrupt("Remove the stack nightshift? [y/N]", "--destroy")
	if after := d.state(); after.Status != before.Status {
		d.Errorf("Ctrl-C removes the stack: %+v", after)
	}
}

// changeSets are those of the stack.
func (d *deployment) changeSets() []string {
	d.Helper()
	sets, err := d.stacks().ChangeSets(d.Context(), "nightshift")
	if err != nil {
		d.Fatal(err)
	}
	return sets
}

func downgrade(d *deployment) {
	older := smallProgram(d.T, "v1.2.9")
	d.must(3, "", []string{"--yes"}, "CREATE_COMPLETE")
	d.must(5, "", []string{"--yes", "--binary", older}, "the stack nightshift runs v1.3.0, and this is v1.2.9", "--allow-downgrade")
	if got := d.state().Tags["nightshift:version"]; got != "v1.3.0" {
		d.Errorf("%s runs", got)
	}
	d.must(0, "", []string{"--plan", "--binary", older, "--allow-downgrade"}, "v1.2.9 replaces the newer v1.3.0")
	d.must(3, "", []string{"--yes", "--binary", older, "--allow-downgrade"}, "UPDATE_COMPLETE")
	if got := d.state().Tags["nightshift:version"]; got != "v1.2.9" {
		d.Errorf("%s runs", got)
	}
	d.must(3, "", []string{"--yes"}, "UPDATE_COMPLETE") // a newer one over an older one needs no word
}

// serviceRole deploys as somebody who may do nothing to what is in a stack but hand
// a role over to CloudFormation, which works with it.
func serviceRole(d *deployment) {
	const arn = "arn:aws:iam::123456789012:role/cloudformation"
	role := sandbox.Role{Name: "cloudformation", Services: []string{"cloudformation.amazonaws.com"}, Policy: printedPolicy(d.T, "--for", "deploy", "--account", "123456789012")}
	if err := d.account.Sandbox().AddRole(role); err != nil {
		d.Fatal(err)
	}
	d.write("role.yaml", rulesFile+"  service_role: "+arn+"\n")
	d.allow(printedPolicy(d.T, "--for", "deploy", "--account", "123456789012", "--config", "role.yaml"))
	d.must(4, "", []string{"--yes"}, "is not authorized to perform")
	d.must(3, "", []string{"--yes", "--role-arn", arn}, "CREATE_COMPLETE") // it first deletes what the try before has left
	d.write("role.yaml", strings.Replace(rulesFile, "19:00", "20:00", 1)+"  log_retention_days: 30\n  service_role: "+arn+"\n")
	d.must(3, "", []string{"--yes", "--config", "role.yaml"}, "UPDATE_COMPLETE")

	// The role's rights count, and those of who calls do not.
	d.allow(nil)
	if err := d.account.Sandbox().PutRole(sandbox.Role{Name: "cloudformation", Services: role.Services, Policy: without(d.T, role.Policy, "logs:PutRetentionPolicy")}); err != nil {
		d.Fatal(err)
	}
	d.must(4, "", []string{"--yes", "--role-arn", arn}, "assumed-role/cloudformation/AWSCloudFormation", "logs:PutRetentionPolicy")
	d.must(5, "", []string{"--yes", "--role-arn", "arn:aws:iam::123456789012:role/absent"}, "role/absent")

	d.allow(printedPolicy(d.T, "--for", "deploy", "--account", "123456789012", "--config", "role.yaml"))
	d.must(0, "", []string{"--destroy", "--yes", "--config", "role.yaml"}, "DELETE_COMPLETE")
}

// replacedReports takes back a name that somebody has given the bucket by hand, which
// makes a new bucket.
func replacedReports(d *deployment) {
	d.must(3, "", []string{"--yes"}, "CREATE_COMPLETE")
	d.edit("      PublicAccessBlockConfiguration:", "      BucketName: nightshift-reports-by-hand\n      PublicAccessBlockConfiguration:")
	const question = "The bucket of the reports would be replaced by an empty one. Replace it?"
	reports := func() string { return d.state().Outputs["ReportBucket"] }
	d.must(0, "", []string{"--plan"}, "edited by hand")
	d.must(5, "", []string{"--yes"}, question, "deploy.report_bucket")
	d.must(1, "n\n", []string{"--yes"}, question, "nothing was changed")
	d.must(1, "y\nn\n", nil, question, "is lost. Go on?", "nothing was changed")
	if got := reports(); got != "nightshift-reports-by-hand" {
		d.Fatalf("without a yes the reports go to %s", got)
	}
	d.must(3, "y\n", []string{"--yes"}, question, "UPDATE_COMPLETE")
	if got := reports(); got == "nightshift-reports-by-hand" {
		d.Error("the bucket is not replaced")
	}
}

func drifted(d *deployment) {
	d.must(3, "", []string{"--yes"}, "CREATE_COMPLETE")
	d.must(0, "", []string{"--status"}, "not checked")
	if err := d.account.Sandbox().DriftStack(sandbox.DefaultRegion, "nightshift"); err != nil {
		d.Fatal(err)
	}
	d.must(0, "", []string{"--status"}, "drifted")
	d.write("nightshift.yaml", strings.Replace(rulesFile, "19:00", "20:00", 1))
	d.must(0, "", []string{"--plan"}, "resources were changed by hand", "aws cloudformation describe-stack-resource-drifts --stack-name nightshift")
}

// newRole finds that the role of the function cannot be used for longer than a new
// role may need. That it is tried again until the role can be used is in byTag.
func newRole(d *deployment) {
	d.fail("lambda:Invoke=deny,message=The role defined for the function cannot be assumed by Lambda.")
	begin := d.account.Sandbox().Now()
	d.must(3, "", []string{"--yes"}, "cannot be assumed by Lambda", "2 dry runs failed, so that the schedules stay disabled")
	// Every five seconds for a minute, which both jobs have together.
	if n := d.called("Invoke"); n != 13+1 {
		d.Errorf("the function was called %d times", n)
	}
	if took := d.account.Sandbox().Now().Sub(begin); took < time.Minute {
		d.Errorf("it gave up after %s", took)
	}
	d.account.Sandbox().ResetCalls()
	d.must(3, "", []string{"--yes"}, "no changes", "2 dry runs failed")
}

// forPrograms deploys where nobody can be asked: from when there is a plan each outcome
// is one document. An error before that says nothing on stdout, as everywhere.
func forPrograms(d *deployment) {
	outcome := func(code int, kind string, args ...string) {
		d.Helper()
		var stdout, stderr bytes.Buffer
		got := d.start(strings.NewReader(""), false, &stdout, &stderr, append(args, "--json")...)
		var e struct {
			Kind string `json:"kind"`
			Data struct {
				Plan struct {
					Stack string `json:"stack"`
				} `json:"plan"`
			} `json:"data"`
		}
		decoder := json.NewDecoder(&stdout)
		err := decoder.Decode(&e)
		if kind == "" && errors.Is(err, io.EOF) {
			err = nil
		}
		if got != code || err != nil || e.Kind != kind || kind != "" && e.Data.Plan.Stack != "nightshift" || decoder.More() {
			d.Errorf("deploy %v: code %d, want %d; %+v, want the kind %q: %v\n%s", args, got, code, e, kind, err, stderr.Bytes())
		}
	}
	outcome(5, "", "--yes", "--param", "AlarmMail=x")
	outcome(5, "deployment")
	d.absent()
	d.fail("cloudformation:CreateResource=refuse,id=Undelivered,code=InternalFailure,message=no queue")
	outcome(1, "deployment", "--yes")
	d.fail("")
	outcome(5, "deployment") // it would be deleted first
	outcome(3, "deployment", "--yes")
	outcome(5, "deployment", "--param", "LogRetentionDays=30")
	outcome(5, "removal", "--destroy")
	outcome(0, "removal", "--destroy", "--yes")
}
