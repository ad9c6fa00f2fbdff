package cli_test

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"nightshift/internal/cli"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// world is a sandbox whose clock stands still, with a folder to work in. The
// commands of a world run in order and find what those before them have done.
type world struct {
	name    string
	options sandbox.Options
	files   map[string]string // in the folder at the beginning
	env     map[string]string
	steps   []step
}

// step is one command.
type step struct {
	name    string // of its recording
	command string // words as a shell splits them; single quotes keep words together
	stdin   string
	env     map[string]string // for this command only

	later  time.Duration // passes in the account before the command
	faults string        // replace those in force before the command; "none" ends them
	passes time.Duration // in the account after each DescribeInstances, so that waiting ends
	masked bool          // replace numbers, where the command has a clock of its own
}

// TestGolden compares everything that commands do with recordings: what they
// print, their exit codes, the files and objects that they write, and how often
// they call each API action. It writes the recordings anew with
//
//	go test ./internal/cli -run TestGolden -update
//
// A commit that changes words or behavior on purpose records them, too.
func TestGolden(t *testing.T) {
	for _, w := range []world{demoAccount(), threeAccounts(), faultyAccount(), noAccount()} {
		t.Run(w.name, func(t *testing.T) { w.play(t) })
	}
}

// play runs the commands of a world and compares or records what they do.
func (w world) play(t *testing.T) {
	folder, err := filepath.Abs(filepath.Join("testdata", "golden", w.name))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	stand := newStand(t, w)
	recorded := map[string]bool{}
	for _, s := range w.steps {
		got := stand.record(s)
		file := filepath.Join(folder, s.name+".txt")
		recorded[filepath.Base(file)] = true
		if updating() {
			write(t, file, got)
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
			continue
		}
		if diff := gocmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
			t.Errorf("nightshift %s: not as recorded in %s (-recorded +now)\n%s", s.command, file, diff)
		}
	}
	stale(t, folder, recorded)
}

// stale removes the recordings that no command has, or names them.
func stale(t *testing.T, folder string, recorded map[string]bool) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if recorded[entry.Name()] {
			continue
		}
		if !updating() {
			t.Errorf("%s: no command has this recording", entry.Name())
		} else if err := os.Remove(filepath.Join(folder, entry.Name())); err != nil {
			t.Error(err)
		}
	}
}

// updating says whether the recordings are written anew.
func updating() bool {
	set, ok := flag.Lookup("update").Value.(flag.Getter)
	return ok && set.Get() == true
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// stand is a world while its commands run.
type stand struct {
	t       *testing.T
	account *sandbox.Sandbox
	url     string
	env     map[string]string
	passes  time.Duration
	seen    map[string]string // digest of each file and object
}

func newStand(t *testing.T, w world) *stand {
	t.Helper()
	s := &stand{t: t, seen: map[string]string{}}
	o := w.options
	o.Speed, o.EmptyPages = -1, -1
	if o.Start.IsZero() {
		o.Start = time.Date(2026, time.November, 20, 9, 55, 0, 0, time.UTC) // a Friday, 18:55 in Seoul
	}
	o.Tap = func(e sandbox.Exchange) {
		if e.Action == "DescribeInstances" && s.passes > 0 {
			s.account.Advance(s.passes)
		}
	}
	server := sandboxtest.Start(t, o)
	s.account, s.url = server.Sandbox(), server.URL()
	s.env = reach(server)
	s.env["NIGHTSHIFT_SANDBOX_SPEED"] = "1000" // for the pauses between tries
	s.env["AWS_MAX_ATTEMPTS"] = "3"
	if _, ok := w.files["nightshift.yaml"]; ok {
		s.env["NIGHTSHIFT_CONFIG"] = "nightshift.yaml"
	}
	maps.Copy(s.env, w.env)
	for key, value := range s.env {
		t.Setenv(key, value) // the SDK reads the process's environment
	}
	for name, text := range w.files {
		write(t, name, text)
	}
	s.written() // what is there at the beginning is not recorded
	return s
}

// record runs a command and gives its recording.
func (s *stand) record(one step) string {
	s.t.Helper()
	s.account.Advance(one.later)
	if one.faults != "" {
		faults, err := sandbox.ParseFaults(strings.TrimPrefix(one.faults, "none"))
		if err != nil {
			s.t.Fatal(err)
		}
		if err := s.account.SetFaults(faults); err != nil {
			s.t.Fatal(err)
		}
	}
	s.passes = one.passes
	s.account.ResetCalls()
	var stdout, stderr bytes.Buffer
	code := cli.Main(words(one.command), cli.System{
		Stdin: strings.NewReader(one.stdin), Stdout: &stdout, Stderr: &stderr, Now: s.account.Now,
		Env: func(key string) string {
			if value, ok := one.env[key]; ok {
				return value
			}
			return s.env[key]
		},
	})
	r := recording{stand: s, masked: one.masked}
	r.command(one.command, code)
	r.section("stdout", stdout.String())
	r.section("stderr", stderr.String())
	r.files(s.written())
	r.calls(s.account.Calls())
	return r.text.String()
}

// words splits a command line at spaces that are not inside single quotes.
func words(line string) []string {
	var list []string
	for n, part := range strings.Split(line, "'") {
		if n%2 == 1 {
			list = append(list, part)
		} else {
			list = append(list, strings.Fields(part)...)
		}
	}
	return slices.Clip(list)
}
