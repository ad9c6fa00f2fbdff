package cli

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// What the READMEs show of outputs is printed by tests.

// rewrite replaces a code block in both READMEs.
func rewrite(t *testing.T, block, now string) {
	t.Helper()
	for _, name := range []string{english, korean} {
		rewriteIn(t, filepath.Join("..", "..", name), block, now)
	}
}

// rewriteIn replaces a part of a file.
func rewriteIn(t *testing.T, file, part, now string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), part, now, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// again is an excerpt with its lines as they are printed now: each is the next
// one that begins with the same word, or that shows the same command.
func again(excerpt, printed []string) []string {
	first := func(line string) string {
		end := " "
		if strings.HasPrefix(line, "$ ") {
			end = " --"
		}
		word, _, _ := strings.Cut(line, end)
		return word
	}
	lines := slices.Clone(excerpt)
	for n, line := range lines {
		at := slices.IndexFunc(printed, func(other string) bool { return first(other) == first(line) })
		if at >= 0 {
			lines[n], printed = printed[at], printed[at+1:]
		}
	}
	return lines
}

// The excerpt shows what the demo prints of a Friday. Lines with a time, a date or
// money depend on how long it takes, and so do the gaps between the headings over
// them.
// With -update the excerpt is written anew.
func TestReadmeDemo(t *testing.T) {
	excerpt := slices.DeleteFunc(fences(document(t, english)), func(block string) bool {
		return !strings.Contains(block, "Evening,")
	})
	if len(excerpt) != 1 {
		t.Fatalf("%d excerpts of the demo in %s, want one", len(excerpt), english)
	}
	home, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	var stdout, stderr bytes.Buffer
	friday := time.Date(2026, time.November, 20, 3, 0, 0, 0, time.UTC)
	code := Main([]string{"demo"}, System{
		Stdout: &stdout, Stderr: &stderr, Env: func(string) string { return "" }, Now: func() time.Time { return friday },
	})
	if code != 0 {
		t.Fatalf("demo: %d %s", code, stderr.Bytes())
	}
	printed := strings.Split(stdout.String(), "\n")
	lines := strings.Split(excerpt[0], "\n")
	if *update {
		lines = slices.Concat(lines[:1], again(lines[1:len(lines)-1], printed), lines[len(lines)-1:])
		t.Chdir(home)
		rewrite(t, excerpt[0], strings.Join(lines, "\n"))
	}
	daily := regexp.MustCompile(`\d\d:\d\d|\d{8}\.xlsx|\$\d`)
	same := func(line string) func(string) bool {
		return func(other string) bool {
			heading := line == strings.ToUpper(line)
			return line == other || heading && slices.Equal(strings.Fields(line), strings.Fields(other))
		}
	}
	for _, line := range lines[1 : len(lines)-1] {
		if !daily.MatchString(line) && !slices.ContainsFunc(printed, same(line)) {
			t.Errorf("the demo does not print %q", line)
		}
	}
}

// TestReadmeAnswers runs what the console blocks show on a practice account
// whose clock stands still, and compares what it prints. With -update it writes
// the blocks of both languages anew.
func TestReadmeAnswers(t *testing.T) {
	account := sandboxtest.Start(t, sandbox.Options{
		Speed: -1, Start: time.Date(2026, time.November, 20, 9, 55, 0, 0, time.UTC),
	})
	env := map[string]string{
		"AWS_ENDPOINT_URL": account.URL(), "AWS_REGION": sandbox.DefaultRegion,
		"AWS_ACCESS_KEY_ID": sandbox.AccessKey, "AWS_SECRET_ACCESS_KEY": sandbox.SecretKey,
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	}
	for key, value := range env {
		t.Setenv(key, value) // the SDK reads the process's environment
	}
	g := guide{account: account.Sandbox()}
	answers := 0
	for _, block := range fences(document(t, english)) {
		said, ok := strings.CutPrefix(strings.TrimSuffix(block, "```"), "```console\n")
		if !ok || strings.Contains(block, "nightshift sandbox") {
			continue
		}
		answers++
		printed := g.run(t, said)
		if g.code != 0 {
			t.Errorf("code %d: %s", g.code, printed)
		}
		if *update {
			rewrite(t, block, "```console\n"+printed+"```")
		} else if diff := gocmp.Diff(printed, said); diff != "" {
			t.Errorf("an answer in %s (-printed +document)\n%s", english, diff)
		}
	}
	if answers == 0 {
		t.Errorf("%s shows no answer", english)
	}
}

// TestReadmeSandbox compares the variables that the sandbox prints. It ends at
// once, since it is interrupted from the beginning.
func TestReadmeSandbox(t *testing.T) {
	var stdout bytes.Buffer
	a := &commandLine{System: System{Stdout: &stdout, Stderr: io.Discard, Env: func(string) string { return "" }, Now: time.Now}}
	root := a.root()
	root.SetArgs([]string{"sandbox", "--listen", "127.0.0.1:0"})
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	if err := root.ExecuteContext(ctx); err != nil {
		t.Fatal(err)
	}
	printed := regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(stdout.String(), "127.0.0.1:4566")
	const begin = "```console\n$ nightshift sandbox\n"
	blocks := fences(document(t, english))
	at := slices.IndexFunc(blocks, func(block string) bool { return strings.HasPrefix(block, begin) })
	if at < 0 {
		t.Fatalf("%s does not show the sandbox", english)
	}
	if now := begin + printed + "```"; *update {
		rewrite(t, blocks[at], now)
	} else if diff := gocmp.Diff(now, blocks[at]); diff != "" {
		t.Errorf("the variables in %s (-printed +document)\n%s", english, diff)
	}
}
