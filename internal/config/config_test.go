package config_test

import (
	"errors"
	"flag"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/schedule"
)

var update = flag.Bool("update", false, "write the expected texts anew")

// load reads a file that consists of text; other files are in testdata.
func load(text string) (*config.Config, error) {
	return config.Load("nightshift.yaml", func(name string) (io.ReadCloser, error) {
		if name == "nightshift.yaml" {
			return io.NopCloser(strings.NewReader(text)), nil
		}
		return os.Open(filepath.Join("testdata", filepath.FromSlash(name)))
	})
}

func mustLoad(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := load(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// golden compares a text with the file that holds what it should be.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s\n%s", file, diff)
	}
}

func open(name string) (io.ReadCloser, error) { return os.Open(name) }

func TestEveryErrorIsReported(t *testing.T) {
	files, err := filepath.Glob("testdata/wrong/*.yaml")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		_, err := config.Load(file, open)
		if !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%s: %v", file, err)
			continue
		}
		golden(t, strings.TrimSuffix(file, ".yaml")+".txt", err.Error()+"\n")
	}
}

func TestExample(t *testing.T) {
	c, err := config.Load("../../docs/nightshift.example.yaml", open)
	if err != nil {
		t.Fatal(err)
	}
	rules := c.Rules()
	if c.Zone.String() != "Asia/Seoul" || len(c.Schedules) != 11 || len(rules.Rules) != 9 || c.Journal == "" || len(c.Regions) != 2 {
		t.Errorf("it reads %d schedules, %d rules, %+v", len(c.Schedules), len(rules.Rules), c)
	}
	if want := (power.OverrideLimits{Max: 24 * time.Hour, Off: true}); rules.Override != want || rules.Tick != 5*time.Minute {
		t.Errorf("it allows %+v and ticks every %s", rules.Override, rules.Tick)
	}
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0].Message, "every machine") {
		t.Errorf("warnings: %v", c.Warnings)
	}
	// A teaching file names every key.
	text, err := os.ReadFile("../../docs/nightshift.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range slices.Concat(config.Keys(), config.AccountKeys(), config.CostKeys(), config.DeployKeys(), config.MetricsKeys(), config.NotifyKeys(), config.BackupKeys()) {
		if !strings.Contains(string(text), key+":") && !strings.Contains(string(text), "`"+key+"`") {
			t.Errorf("the example does not show %s", key)
		}
	}
	for at, want := range map[string]schedule.State{
		"2026-11-23T09:00:00+09:00": schedule.Running,   // a Monday
		"2026-11-23T19:00:00+09:00": schedule.Stopped,   // the end is exclusive
		"2026-11-28T11:00:00+09:00": schedule.Unmanaged, // a Saturday
		"2026-12-25T09:00:00+09:00": schedule.Stopped,   // a holiday
		"2026-12-29T09:00:00+09:00": schedule.Stopped,   // off
		"2027-01-15T03:00:00+09:00": schedule.Running,   // on
	} {
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		named, err := c.Find("seoul-desk", nil)
		if err != nil || named.Schedule.At(moment) != want {
			t.Errorf("seoul-desk at %s is %v, want %v (%v)", at, named.Schedule.At(moment), want, err)
		}
	}
}

func TestRulesAreAsWritten(t *testing.T) {
	c := mustLoad(t, `
schedules: {office: Mon-Fri 08:00-19:00 Asia/Seoul}
power:
  tick: 10m
  override: {max: 2d12h}
  rules:
    - {tag: A=b, schedule: office, kinds: [db-instance, instance], enforce: true, stop_new: true, retain_running: true,
       hibernate: true, change_type: true, min_uptime: 90m, ready: 5m, include_managed: true}
    - {tag: C, after: A=b}
    - {tag: D=e, ignore: true}
`)
	want := power.Rules{
		Tick: 10 * time.Minute, Override: power.OverrideLimits{Max: 60 * time.Hour},
		Rules: []power.Rule{
			{
				Tag: fleet.Tag{Key: "A", Value: "b"}, Schedule: "office", Kinds: []fleet.Kind{fleet.KindDatabase, fleet.KindInstance},
				Enforce: true, StopNew: true, RetainRunning: true, Hibernate: true, ChangeType: true, MinUptime: 90 * time.Minute, Ready: 5 * time.Minute, IncludeManaged: true,
			},
			{Tag: fleet.Tag{Key: "C"}, After: fleet.Tag{Key: "A", Value: "b"}},
			{Tag: fleet.Tag{Key: "D", Value: "e"}, Ignore: true},
		},
	}
	got := c.Rules()
	ignoreRead := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Read" }, cmp.Ignore())
	if diff := cmp.Diff(want, got, ignoreRead); diff != "" {
		t.Error(diff)
	}
	if named, err := got.Rules[0].Read("b"); err != nil || named.Name != "office" || named.Schedule == nil {
		t.Errorf("a rule with a schedule reads %+v, %v", named, err)
	}
	if named, err := got.Rules[2].Read("e"); err != nil || !named.Ignore {
		t.Errorf("a rule that ignores reads %+v, %v", named, err)
	}
}

func TestDefaults(t *testing.T) {
	c := mustLoad(t, "schedules: {a: always}\n")
	if rules := c.Rules(); rules.Tick != 5*time.Minute || rules.Override != (power.OverrideLimits{Max: 24 * time.Hour}) || c.Zone != time.UTC {
		t.Errorf("%+v in %s", rules, c.Zone)
	}
	var texts []string
	for _, w := range c.Warnings {
		texts = append(texts, w.String())
	}
	golden(t, "testdata/defaults.txt", strings.Join(texts, "\n")+"\n")
}

func TestTagValues(t *testing.T) {
	c := mustLoad(t, `
timezone: Asia/Seoul
schedules: {office: Mon-Fri 08:00-19:00, evenings: {stop: [Mon-Fri 19:00]}}
power:
  rules:
    - {tag: Schedule, enforce: true}
    - {tag: maid_offhours, format: custodian, timezone: Europe/Berlin}
`)
	rules := c.Rules().Rules
	monday := time.Date(2026, time.November, 23, 0, 0, 0, 0, time.UTC)
	for _, good := range []struct {
		rule        int
		value, next string
	}{
		{0, "office", "2026-11-23T19:00:00+09:00"},
		{0, "Mon 10:00-11:00", "2026-11-23T10:00:00+09:00"},
		{0, "Mon 10:00-11:00 UTC", "2026-11-23T10:00:00Z"},
		{1, "off=(M-F,19);on=(M-F,7)", "2026-11-23T07:00:00+01:00"},
	} {
		named, err := rules[good.rule].Read(good.value)
		if err != nil {
			t.Errorf("%s: %v", good.value, err)
			continue
		}
		next, ok := named.Schedule.Next(monday)
		if got := next.At.Format(time.RFC3339); !ok || got != good.next || named.Name != good.value {
			t.Errorf("%s is %q with the next transition %s, want %s", good.value, named.Name, got, good.next)
		}
	}
	for value, says := range map[string]string{
		"offcie":                        `did you mean "office"?`,
		"Office":                        `did you mean "office"?`,
		"ignor":                         `did you mean "ignore"?`,
		"":                              "no schedule",
		"Mon-Fri 08:00-19:00 Asia/Soul": `"Asia/Seoul"`,
		strings.Repeat("x", 256):        "no schedule",
	} {
		for range 2 { // the second answer is a remembered one
			if named, err := rules[0].Read(value); !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), says) {
				t.Errorf("%q: %+v, %v; want an error that says %s", value, named, err, says)
			}
		}
	}
	if named, err := rules[0].Read("ignore"); err != nil || !named.Ignore {
		t.Errorf("ignore: %+v, %v", named, err)
	}
	if named, err := rules[1].Read("off"); err != nil || !named.Ignore {
		t.Errorf("maid_offhours=off: %+v, %v", named, err)
	}
	if named, err := rules[0].Read("evenings"); err != nil || len(named.Warnings) != 1 {
		t.Errorf("what cannot be enforced: %+v, %v", named, err)
	}
}

// TestAnErrorAffectsOnlyWhatItIsIn holds that nothing is stopped or started by a
// later rule or a default because an earlier line has a typo.
func TestAnErrorAffectsOnlyWhatItIsIn(t *testing.T) {
	c, err := load(`
timezone: Asia/Seoul
schedules:
  good: Mon-Fri 08:00-19:00
  typo: Mno-Fri 08:00-19:00
power:
  allow_untagged: true
  rules:
    - {tag: A, schedule: typo}
    - {tag: B=c, schedule: good, enforc: true}
    - {tag: D=e, schedule: good}
    - {tga: F=g, schedule: good}
    - {schedule: good}
`)
	var problems config.Errors
	if !errors.As(err, &problems) || len(problems) != 3 || c == nil {
		t.Fatalf("%d problems: %v", len(problems), err)
	}
	rules := c.Rules().Rules
	for i, works := range []bool{false, false, true, false, true} {
		if _, err := rules[i].Read("x"); works != (err == nil) {
			t.Errorf("rule %d: %v", i, err)
		}
	}
	if unreadable := rules[3]; unreadable.Tag != (fleet.Tag{}) {
		t.Errorf("the rule without a readable tag is for %s; it must keep every machine from the next rule", unreadable.Tag)
	}
	if c.Schedules[1].Err == nil || c.Schedules[0].Err != nil {
		t.Errorf("schedules: %+v", c.Schedules)
	}
}

func TestCalendarsLieNextToTheFile(t *testing.T) {
	for file, want := range map[string]string{
		"nightshift.yaml":            "holidays.ics",
		"etc/nightshift.yaml":        "etc/holidays.ics",
		"s3://bucket/nightshift.yml": "s3://bucket/holidays.ics",
		"ssm:/nightshift/config":     "ssm:/nightshift/holidays.ics",
	} {
		var opened []string
		_, err := config.Load(file, func(name string) (io.ReadCloser, error) {
			opened = append(opened, name)
			if name != file {
				return nil, fs.ErrNotExist
			}
			return io.NopCloser(strings.NewReader("schedules:\n  a: {running: 08:00-19:00, off: [holidays.ics], on: [holidays.ics]}\n")), nil
		})
		if err == nil || len(opened) != 2 || opened[1] != want {
			t.Errorf("%s opened %v: %v", file, opened, err)
		}
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	denied := errors.New("denied")
	if _, err := config.Load("x", func(string) (io.ReadCloser, error) { return nil, denied }); !errors.Is(err, denied) {
		t.Errorf("a file that cannot be opened: %v", err)
	}
	for name, text := range map[string]string{
		"too large": strings.Repeat("# comment\n", 200_000),
		"a bomb":    bomb(),
		"deep":      strings.Repeat("[", 100_000),
		"deep maps": "schedules: " + strings.Repeat("{a: ", 5_000),
		"a circle":  "schedules: &a {b: *a, c: {running: *a}}\npower: *a\n",
		"binary":    "\x00\x01\x02\xff\xfe",
		"utf-16":    "\xff\xfea\x00:\x00 \x001\x00",
	} {
		begin := time.Now()
		if _, err := load(text); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
}

// bomb is a small file that unfolds to a billion windows.
func bomb() string {
	var text strings.Builder
	text.WriteString("schedules:\n  a: &a {running: &w [")
	for range 1000 {
		text.WriteString("Mon 08:00-09:00, ")
	}
	text.WriteString("]}\n")
	for i := range 1000 {
		text.WriteString("  b" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/26) + ": *a\n")
	}
	return text.String()
}

func FuzzLoad(f *testing.F) {
	example, err := os.ReadFile("../../docs/nightshift.example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example))
	files, err := filepath.Glob("testdata/wrong/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := load(text)
		var problems config.Errors
		if err != nil && !errors.Is(err, fleet.ErrInvalid) {
			t.Fatalf("%v is not of the kind invalid", err)
		}
		if errors.As(err, &problems) && len(problems) == 0 {
			t.Fatal("an error without a mistake")
		}
		for _, m := range problems {
			if m.Message == "" || m.Line < 0 || m.Col < 0 {
				t.Fatalf("%+v", m)
			}
		}
		if c == nil {
			if err == nil {
				t.Fatal("neither a configuration nor an error")
			}
			return
		}
		for _, r := range c.Rules().Rules {
			named, err := r.Read("office")
			if err == nil && !named.Ignore && named.Schedule == nil {
				t.Fatalf("rule %s gives neither a schedule nor an error", r.Tag)
			}
		}
	})
}

func TestARuleThatDoesNothingIsAWarning(t *testing.T) {
	for text, unusual := range map[string]bool{
		"never":               true,
		"always":              true,
		"Mon-Fri 08:00-19:00": false,
	} {
		for flag, helps := range map[string]bool{"min_uptime: 1h": false, "enforce: true": true, "stop_new: true": true} {
			c := mustLoad(t, "timezone: UTC\npower: {rules: [{tag: a=b, schedule: \""+text+"\", "+flag+"}]}\n")
			if warned := len(c.Warnings) == 1 && strings.Contains(c.Warnings[0].Message, "never changes its mind"); warned != (unusual && (!helps || text == "always" && flag == "stop_new: true")) {
				t.Errorf("%s with %s: warnings %v", text, flag, c.Warnings)
			}
		}
	}
}

func TestATagThatStopsNothingIsReported(t *testing.T) {
	for value, unusual := range map[string]bool{"never": true, "always": false, "Mon-Fri 08:00-19:00": false, "stop 19:00": false, "never; on 12-24": false} {
		for flag, helps := range map[string]bool{"min_uptime: 1h": false, "enforce: true": true, "stop_new: true": true} {
			c := mustLoad(t, "timezone: UTC\npower: {rules: [{tag: Schedule, "+flag+"}]}\n")
			named, err := c.Rules().Rules[0].Read(value)
			if reported := len(named.Warnings) == 1 && strings.Contains(named.Warnings[0], "stops nothing"); err != nil || reported != (unusual && !helps) {
				t.Errorf("%s with %s: warnings %q, %v", value, flag, named.Warnings, err)
			}
		}
	}
}
