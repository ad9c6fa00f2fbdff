package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
	"nightshift/internal/schedule"
)

const scheduling = "docs/scheduling.md"

// guide runs the examples of a document, from the top to the bottom: a yaml
// block is written to nightshift.yaml, a console block is run and compared.
// Two comments, which readers do not see, set the scene:
//
//	<!-- account at 2026-11-20T18:55:00+09:00 -->   a new practice account
//	<!-- clock at 2026-11-20T19:05:00+09:00 -->     its clock goes on
type guide struct {
	account *sandbox.Sandbox
	code    int // of the last command
	// mistakes are those of the configuration that no command has told yet.
	mistakes error
}

// TestScheduling runs what docs/scheduling.md shows and compares what it
// prints. With -update it writes the outputs anew.
func TestScheduling(t *testing.T) {
	text := document(t, scheduling)
	file, err := filepath.Abs(filepath.Join("..", "..", filepath.FromSlash(scheduling)))
	if err != nil {
		t.Fatal(err)
	}
	holidays := document(t, "docs/kr-holidays.ics")
	t.Chdir(t.TempDir())
	if err := os.WriteFile("kr-holidays.ics", []byte(holidays), 0o600); err != nil {
		t.Fatal(err)
	}
	for key, value := range map[string]string{
		"AWS_REGION": sandbox.DefaultRegion, "AWS_ACCESS_KEY_ID": sandbox.AccessKey, "AWS_SECRET_ACCESS_KEY": sandbox.SecretKey,
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(key, value) // the SDK reads the process's environment
	}
	var (
		g       guide
		written strings.Builder
		ran     int
		last    int
	)
	scene := regexp.MustCompile("(?ms)^<!-- (account|clock) at (\\S+) -->$|^```(\\w*)\n(.*?)^```$")
	for _, m := range scene.FindAllStringSubmatchIndex(text, -1) {
		part := func(n int) string {
			if m[2*n] < 0 {
				return ""
			}
			return text[m[2*n]:m[2*n+1]]
		}
		written.WriteString(text[last:m[0]])
		last = m[1]
		switch block := part(4); {
		case part(1) != "":
			g.enter(t, part(1), part(2))
		case part(3) == "yaml":
			g.configure(t, block)
		case part(3) == "json":
			if !json.Valid([]byte(block)) {
				t.Errorf("not JSON:\n%s", block)
			}
		case part(3) == "sh":
			for _, args := range invocations(block) {
				understood(t, args)
			}
		case part(3) == "console":
			ran++
			printed := g.run(t, block)
			if diff := gocmp.Diff(printed, block); diff != "" && !*update {
				t.Errorf("an example of %s (-printed +document)\n%s", scheduling, diff)
			}
			written.WriteString("```console\n" + printed + "```")
			continue
		}
		written.WriteString(text[m[0]:m[1]])
	}
	written.WriteString(text[last:])
	if g.mistakes != nil {
		t.Error(g.mistakes)
	}
	if ran == 0 {
		t.Errorf("%s shows no command", scheduling)
	}
	if *update {
		if err := os.WriteFile(file, []byte(written.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// enter opens an account at a time, or lets time pass in it.
func (g *guide) enter(t *testing.T, what, when string) {
	t.Helper()
	at, err := time.Parse(time.RFC3339, when)
	switch {
	case err != nil:
		t.Fatal(err)
	case what == "account" || what == "backups":
		server := sandboxtest.Start(t, sandbox.Options{Speed: -1, Start: at, Backups: what == "backups"})
		t.Setenv("AWS_ENDPOINT_URL", server.URL())
		g.account = server.Sandbox()
		if what == "backups" {
			_ = os.Remove(defaultConfig) // its examples need none
		}
	case g.account == nil || at.Before(g.account.Now()):
		t.Fatalf("the clock cannot be set to %s", when)
	default:
		g.account.Advance(at.Sub(g.account.Now()))
	}
}

// configure writes the configuration. One with mistakes must be followed by an
// example that tells them.
func (g *guide) configure(t *testing.T, block string) {
	t.Helper()
	if err := os.WriteFile(defaultConfig, []byte(block), 0o600); err != nil {
		t.Fatal(err)
	}
	if g.mistakes != nil {
		t.Error(g.mistakes)
	}
	_, g.mistakes = config.Load(defaultConfig, func(name string) (io.ReadCloser, error) { return os.Open(name) })
}

// run runs the commands of a console block and gives the block as they print
// it, both streams together. `echo $?` prints the code of the command before.
func (g *guide) run(t *testing.T, block string) string {
	t.Helper()
	var printed bytes.Buffer
	now := time.Now
	if g.account != nil {
		now = g.account.Now
	}
	for line := range strings.Lines(block) {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue
		}
		printed.WriteString(line)
		if command == "echo $?\n" {
			fmt.Fprintln(&printed, g.code)
			continue
		}
		uses := invocations(line)
		if len(uses) != 1 {
			t.Fatalf("%q is not a use of nightshift", line)
		}
		g.code = Main(uses[0], System{
			Stdin: strings.NewReader(""), Stdout: &printed, Stderr: &printed, Env: g.env, Now: now,
		})
	}
	if g.mistakes != nil && strings.Contains(printed.String(), defaultConfig+":") {
		g.mistakes = nil
	}
	return printed.String()
}

// env names the configuration of the guide, so that no example says that it was
// found.
func (g *guide) env(key string) string {
	if _, err := os.Stat(defaultConfig); err == nil && key == "NIGHTSHIFT_CONFIG" {
		return defaultConfig
	}
	return ""
}

// TestSchedulingKeys finds every key of the configuration in the document.
func TestSchedulingKeys(t *testing.T) {
	text := document(t, scheduling)
	for _, key := range config.Keys() {
		if !regexp.MustCompile("`[^`\n]*\\b" + key + "\\b[^`\n]*`").MatchString(text) {
			t.Errorf("%s does not explain the key %s", scheduling, key)
		}
	}
}

// TestSchedulingLead compares the table of early starts with the leads of
// groups of that size.
func TestSchedulingLead(t *testing.T) {
	morning, err := schedule.Parse("Mon-Fri 08:00-19:00", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	rules := power.Rules{Rules: []power.Rule{{
		Tag:  fleet.Tag{Key: "Schedule"},
		Read: func(string) (power.Named, error) { return power.Named{Name: "morning", Schedule: morning}, nil },
	}}}
	now := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	rows := regexp.MustCompile(`(?m)^\| ([\d,]+) \| [\d,]+ \| [\d,]+ s \| (?:(on time)|\d+ \+ 5 = (\d+) minutes early)`).FindAllStringSubmatch(document(t, scheduling), -1)
	for _, row := range rows {
		n, _ := strconv.Atoi(strings.ReplaceAll(row[1], ",", ""))
		early, _ := strconv.Atoi(row[3])
		group := make([]fleet.Machine, n)
		for i := range group {
			group[i] = fleet.Machine{Kind: fleet.KindInstance, State: fleet.Stopped, Tags: fleet.Tags{"Schedule": "morning"}}
		}
		ruleSet := power.NewRuleSet(rules)
		if lead := ruleSet.Evaluate(group[0], ruleSet.Ramp(group, now), now).Desired.Lead; lead != time.Duration(early)*time.Minute {
			t.Errorf("%s: %s instances begin %d minutes early; the lead is %s", scheduling, row[1], early, lead)
		}
	}
	if len(rows) != 3 {
		t.Errorf("%d rows of early starts in %s", len(rows), scheduling)
	}
}

// TestSchedulingInReadme loads the configuration of the README, and finds what
// it shows of commands among the examples that TestScheduling runs.
func TestSchedulingInReadme(t *testing.T) {
	guide, shown := document(t, scheduling), 0
	for _, block := range fences(document(t, english)) {
		language, body, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(block, "```"), "```"), "\n")
		switch {
		case language == "yaml":
			shown++
			_, err := config.Load(defaultConfig, func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil })
			if err != nil {
				t.Errorf("%v\n%s", err, body)
			}
		case language == "text" && strings.HasPrefix(body, "$ nightshift power"):
			shown++
			command, _, _ := strings.Cut(body, "\n")
			_, answer, found := strings.Cut(guide, "\n"+command+"\n")
			answer, _, _ = strings.Cut(answer, "```")
			answer, _, _ = strings.Cut(answer, "$ ")
			switch now := command + "\n" + answer; {
			case !found:
				t.Errorf("%s shows what %s does not: %s", english, scheduling, command)
			case *update:
				rewrite(t, block, "```text\n"+now+"```")
			case now != body:
				t.Errorf("%s shows\n%s\nand %s\n%s", english, body, scheduling, now)
			}
		}
	}
	if shown < 2 {
		t.Errorf("%s shows no schedule", english)
	}
}
