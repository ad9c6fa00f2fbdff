package cli_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/internal/cli"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

const keepsTwo = `timezone: UTC
regions: [ap-northeast-2]
journal: s3://nightshift-practice/journal
backup:
  policies:
    - { id: nightly, tag: Name=배치서버, schedule: { at: "02:00" }, keep: { daily: 2 } }
    - { id: disks, tag: Backup=disks, resource: volume, schedule: { at: "02:00" }, keep: { daily: 2 } }
`

// backupAccount is an account with policies, and somebody who may sit at a terminal.
type backupAccount struct {
	*testing.T
	account *sandbox.Server

	mu  sync.Mutex
	tap func(sandbox.Exchange)
}

// newBackupAccount is an account in which two copies of an instance are kept and a third one is
// to go.
func newBackupAccount(t *testing.T) *backupAccount {
	t.Helper()
	c := &backupAccount{T: t}
	c.account = sandboxtest.Start(t, sandbox.Options{
		Speed: -1, Backups: true, EmptyPages: -1, Start: time.Date(2026, 11, 20, 2, 30, 0, 0, time.UTC),
		Tap: func(e sandbox.Exchange) {
			c.mu.Lock()
			tap := c.tap
			c.mu.Unlock()
			if tap != nil {
				tap(e)
			}
		},
	})
	t.Chdir(t.TempDir())
	for key, value := range reach(c.account) {
		t.Setenv(key, value) // the SDK reads the process's environment
	}
	c.configure(keepsTwo)
	for range 3 {
		c.must(0, "", "made 1 copy, deleted 0 sets", "apply")
		c.account.Sandbox().Advance(24 * time.Hour)
	}
	c.account.Sandbox().Advance(-23 * time.Hour)
	c.account.Sandbox().ResetCalls()
	return c
}

func (c *backupAccount) configure(text string) {
	c.Helper()
	if err := os.WriteFile("nightshift.yaml", []byte(text), 0o600); err != nil {
		c.Fatal(err)
	}
}

// start runs `nightshift backup` with these streams.
func (c *backupAccount) start(stdin io.Reader, terminal bool, stdout, stderr io.Writer, args ...string) int {
	env := reach(c.account)
	env["NIGHTSHIFT_SANDBOX_SPEED"], env["NIGHTSHIFT_CONFIG"] = "1000", "nightshift.yaml"
	return cli.Main(append([]string{"backup"}, args...), cli.System{
		Stdin: stdin, Interactive: terminal, Stdout: stdout, Stderr: stderr,
		Env: func(key string) string { return env[key] }, Now: c.account.Sandbox().Now,
	})
}

// must runs a command, with the code and the words in what it prints; with answers
// somebody sits at the terminal and types them.
func (c *backupAccount) must(code int, answers, says string, args ...string) {
	c.Helper()
	var stdout, stderr bytes.Buffer
	got := c.start(strings.NewReader(answers), answers != "", &stdout, &stderr, args...)
	output := stdout.String() + stderr.String()
	if got != code || !strings.Contains(output, says) {
		c.Errorf("backup %v: exit code %d, want %d, and %q in\n%s", args, got, code, says, output)
	}
}

// called counts the calls of an operation since the last count.
func (c *backupAccount) called(action string) int {
	n := 0
	for _, call := range c.account.Sandbox().Calls() {
		if call.Action == action {
			n++
		}
	}
	c.account.Sandbox().ResetCalls()
	return n
}

// interrupt presses Ctrl-C while a question waits for its answer.
func (c *backupAccount) interrupt(question string, args ...string) {
	c.Helper()
	stdin, nobody := io.Pipe()
	defer func() { _ = nobody.Close() }() // a pipe has no errors
	// Where another question is asked than this one, nobody answers that for ever.
	defer time.AfterFunc(time.Minute, func() { _ = nobody.Close() }).Stop()
	screen, ended := &terminal{question: question, asked: make(chan struct{})}, make(chan struct{})
	go func() {
		select {
		case <-screen.asked:
			pressCtrlC()
		case <-ended:
		}
	}()
	code := c.start(stdin, true, screen, screen, args...)
	close(ended)
	if output := screen.seen.String(); code != 130 || !strings.Contains(output, question) || !strings.Contains(output, "nightshift: interrupted") {
		c.Errorf("Ctrl-C at %q: exit code %d\n%s", question, code, output)
	}
}

// pressCtrlC interrupts this process. Where that does not arrive, the code is another one.
func pressCtrlC() {
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Signal(os.Interrupt)
	}
}

// TestBackupQuestions: on a terminal the deletions are shown, and somebody is asked. No is
// an answer, and so is Ctrl-C; elsewhere, and for programs, nobody is asked.
func TestBackupQuestions(t *testing.T) {
	c := newBackupAccount(t)
	question := "Delete 1 set (14.3 GiB, $0.72 a month)?"
	for _, try := range []struct {
		answers, says string
		args          []string
	}{
		{"", "1 deletion waits (≤ ", []string{"apply"}},
		{"n\n", question, []string{"apply"}},
		{"n\n", "1 deletion waits (≤ ", []string{"apply"}},
		{"\x04", "1 deletion waits (≤ ", []string{"apply"}}, // no line at all
		{"y\n", `"waiting":{"deletions":1,`, []string{"apply", "--json"}},
		{"y\n", "", []string{"apply", "--quiet"}},
		{"y\n", "delete 1 set (14.3 GiB, $0.72 a month)", []string{"apply", "--dry-run"}},
		{"y\n", "daily: the newest 2 are kept", []string{"apply", "--dry-run"}},
	} {
		c.must(0, try.answers, try.says, try.args...)
	}
	c.must(5, "", "--dry-run deletes nothing; leave out --hash and --yes", "apply", "--dry-run", "--yes")
	c.interrupt(question, "apply")
	if n := c.called("DeleteSnapshot"); n > 0 {
		t.Errorf("%d snapshots were deleted though nobody has agreed", n)
	}
	c.must(0, "y\n", "made 0 copies, deleted 1 set\n", "apply")
	if n := c.called("DeleteSnapshot"); n != 2 {
		t.Errorf("%d snapshots were deleted, want both of the set", n)
	}
	c.must(0, "y\n", "made 0 copies, deleted 0 sets\n", "apply") // there is nothing to ask
}

// TestAdoptQuestions: snapshots of others are taken over by who agrees, and by nobody else.
func TestAdoptQuestions(t *testing.T) {
	c := newBackupAccount(t)
	const id, question = "snap-043bb3250f56e8351", "Adopt 1 snapshot? [y/N]"
	args := []string{"adopt", id, "--policy", "disks", "--apply"}
	c.must(0, "y\n", "1 snapshot would be adopted, 0 refused (nothing was done; --apply does it)", args[:4]...)
	c.must(5, "", "Nobody can be asked here: say --yes, or run it on a terminal", args...)
	c.must(5, "y\n", "Nobody can be asked here", append(args, "--json")...)
	c.must(1, "n\n", "nightshift: nothing was changed", args...)
	c.interrupt(question, args...)
	if n := c.called("CreateTags"); n > 0 {
		t.Errorf("%d requests have tagged snapshots though nobody has agreed", n)
	}
	c.must(0, "y\n", "1 snapshot adopted, 0 refused", args...)
	c.must(0, "y\n", "Give up 1 snapshot? [y/N]", "adopt", id, "--undo", "--apply")
}

// TestBackupInterrupted: Ctrl-C in the middle of a run ends what is under way and begins
// nothing new. The next run does the rest, and nothing twice.
func TestBackupInterrupted(t *testing.T) {
	c := newBackupAccount(t)
	c.configure(strings.Replace(keepsTwo, "Backup=disks", "Name", 1))
	arrived := make(chan os.Signal, 1)
	signal.Notify(arrived, os.Interrupt)
	defer signal.Stop(arrived)
	var once sync.Once
	c.mu.Lock()
	c.tap = func(e sandbox.Exchange) {
		if e.Action == "CreateSnapshot" {
			once.Do(func() { pressCtrlC(); <-arrived })
		}
	}
	c.mu.Unlock()
	var stdout, stderr bytes.Buffer
	code := c.start(strings.NewReader(""), false, &stdout, &stderr, "apply", "--yes")
	made := c.called("CreateSnapshot")
	if code != 130 || !strings.Contains(stderr.String(), "nightshift: interrupted") || made == 0 ||
		!strings.Contains(stdout.String(), fmt.Sprintf("made %d cop", made)) || !strings.Contains(stdout.String(), "not tried before the run had to end; the next run does it") {
		t.Fatalf("exit code %d, %d copies\n%s%s", code, made, &stdout, &stderr)
	}
	c.must(0, "", "deleted 1 set\n", "apply", "--yes")
	rest := c.called("CreateSnapshot")
	c.must(0, "", "made 0 copies, deleted 0 sets\n", "apply", "--yes")
	copies := map[string]int{}
	for _, s := range c.account.Sandbox().Snapshots(sandbox.DefaultRegion) {
		for _, tag := range s.Tags {
			if tag.Key == "nightshift:policy" && tag.Value == "disks" {
				copies[s.Volume]++
			}
		}
	}
	if rest == 0 || len(copies) != made+rest {
		t.Errorf("%d copies before Ctrl-C and %d after it, of %d volumes", made, rest, len(copies))
	}
	for volume, n := range copies {
		if n != 1 {
			t.Errorf("%s has %d copies", volume, n)
		}
	}
}
