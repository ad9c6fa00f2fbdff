package config_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
)

// reload reads what Import wrote.
func reload(t *testing.T, text []byte) *config.Config {
	t.Helper()
	c, err := config.Load("imported.yaml", func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil })
	if err != nil {
		t.Fatalf("what was imported does not load: %v\n%s", err, text)
	}
	return c
}

func importFile(t *testing.T, file string) ([]byte, []string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text, warnings, err := config.Import(data)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return text, warnings
}

func TestImport(t *testing.T) {
	for _, name := range []string{"table.json", "lines.json", "template.yaml", "template.json", "unusual.json"} {
		file := filepath.Join("testdata", "import", name)
		text, warnings := importFile(t, file)
		golden(t, file+".want", string(text)+"\n# Warnings:\n# "+strings.Join(warnings, "\n# ")+"\n")
		for _, m := range reload(t, text).Warnings {
			if !strings.Contains(m.Message, "schedule by itself") {
				t.Errorf("%s: %s", name, m)
			}
		}
	}
}

func TestImportPreservesNamesAndTimes(t *testing.T) {
	text, _ := importFile(t, "testdata/import/table.json")
	c := reload(t, text)
	for _, want := range []struct {
		name, at string
		state    schedule.State
	}{
		{"uk-office-hours", "2026-11-23T09:00:00Z", schedule.Running},
		{"uk-office-hours", "2026-11-23T17:00:00Z", schedule.Stopped},
		{"uk-office-hours", "2026-11-22T17:00:00Z", schedule.Running}, // a Sunday
		{"nights", "2026-11-23T23:59:30+09:00", schedule.Running},
		{"nights", "2026-11-23T06:00:00+09:00", schedule.Stopped},
		{"quarter", "2026-10-05T12:00:00-07:00", schedule.Running},
		{"quarter", "2026-11-02T12:00:00-08:00", schedule.Stopped},
		{"running", "2026-11-23T03:00:00Z", schedule.Running},
		{"stopped", "2026-11-23T03:00:00Z", schedule.Stopped},
		{"yes", "2026-11-22T00:00:00+09:00", schedule.Running},
	} {
		at, err := time.Parse(time.RFC3339, want.at)
		if err != nil {
			t.Fatal(err)
		}
		named, err := c.Rules().Rules[len(c.Rules().Rules)-1].Read(want.name)
		if err != nil {
			t.Errorf("%s: %v", want.name, err)
			continue
		}
		if got := named.Schedule.At(at); got != want.state {
			t.Errorf("%s at %s is %s, want %s", want.name, want.at, got, want.state)
		}
	}
	flags := make(map[string]bool)
	for _, r := range c.Rules().Rules {
		if r.Tag.Key != "Plan" {
			t.Errorf("a rule is for the tag %s", r.Tag)
		}
		flags[r.Schedule+" enforce"], flags[r.Schedule+" new"] = r.Enforce, r.StopNew
		flags[r.Schedule+" retain"], flags[r.Schedule+" hibernate"] = r.RetainRunning, r.Hibernate
	}
	if !flags["nights enforce"] || !flags[" new"] || !flags["stopped retain"] || !flags["quarter hibernate"] || flags["quarter new"] {
		t.Errorf("flags: %v", flags)
	}
	for _, gone := range []string{"lost", "nowhere"} {
		if _, err := c.Find(gone, nil); err == nil {
			t.Errorf("%s was kept", gone)
		}
	}
}

// TestImportReadsEachForm gives one schedule in the forms in which the AWS CLI
// prints it, and without types.
func TestImportReadsEachForm(t *testing.T) {
	const period = `{"type": {"S": "period"}, "name": {"S": "p"}, "begintime": {"S": "08:00"}, "endtime": {"S": "19:00"}}`
	const named = `{"type": {"S": "schedule"}, "name": {"S": "s"}, "periods": {"SS": ["p"]}}`
	var first []byte
	for name, data := range map[string]string{
		"scan":       `{"Items": [` + named + `, ` + period + `], "Count": 2}`,
		"list":       `[` + named + `, ` + period + `]`,
		"lines":      named + "\n" + period + "\n",
		"with a BOM": "\ufeff" + named + "\r\n" + period + "\r\n",
		"export":     `{"Item": ` + named + "}\n" + `{"Item": ` + period + "}\n",
		"yaml": "Count: 2\nItems:\n- type: {S: schedule}\n  name: {S: s}\n  periods:\n    SS:\n    - p\n" +
			"- type: {S: period}\n  name: {S: p}\n  begintime: {S: '08:00'}\n  endtime: {S: '19:00'}\n",
		"lists":   `[` + strings.Replace(named, `{"SS": ["p"]}`, `{"L": [{"S": "p"}]}`, 1) + `, ` + period + `]`,
		"untyped": `[{"type": "schedule", "name": "s", "periods": "p"}, {"type": "period", "name": "p", "begintime": "08:00", "endtime": "19:00"}]`,
	} {
		text, warnings, err := config.Import([]byte(data))
		if err != nil || len(warnings) > 0 {
			t.Errorf("%s: %v, %v", name, warnings, err)
			continue
		}
		if first == nil {
			first = text
		}
		if !bytes.Equal(text, first) {
			t.Errorf("%s reads as\n%s\nothers as\n%s", name, text, first)
		}
	}
	_, warnings, err := config.Import([]byte(`{"Items": [` + named + `, ` + period + `], "LastEvaluatedKey": {}}`))
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "not complete") {
		t.Errorf("a part of a scan: %v, %v", warnings, err)
	}
}

func TestImportRefuses(t *testing.T) {
	for name, data := range map[string]string{
		"nothing":            "",
		"an empty scan":      `{"Items": []}`,
		"something else":     `{"Reservations": []}`,
		"a broken text":      `{"Items": [`,
		"a number":           `5`,
		"another template":   "Resources: {Bucket: {Type: AWS::S3::Bucket}}",
		"only bad schedules": `[{"type": "schedule", "name": "a", "periods": ["b"]}]`,
		"strange types":      `[{"type": {"S": 5}, "name": {"S": {}}}, {"type": "schedule", "name": "x", "periods": {"L": [{"M": {}}]}}]`,
		"a bomb":             "a: &a [x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d]\nf: &f [*e, *e, *e, *e, *e, *e, *e, *e]\ng: &g [*f, *f, *f, *f, *f, *f, *f, *f]\nh: [*g, *g, *g, *g, *g, *g, *g, *g]\n",
		"a circle":           "Resources: &a {x: *a}\n",
		"too large":          strings.Repeat(" ", 17<<20),
	} {
		text, _, err := config.Import([]byte(data))
		if !errors.Is(err, fleet.ErrInvalid) || text != nil {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
}

// TestImportedNamesCannotWriteYAML holds that no name or description can add
// anything to the file.
func TestImportedNamesCannotWriteYAML(t *testing.T) {
	for _, name := range []string{"a: b", "#c", "- d", "\"e", "{f", "null", "true", "1e3", "~", "!g", "&h", "*i", "한국", "j # k", "2026-01-01", "it's", "<<", "@x", "a\u00a0b", "🌙"} {
		item := `[{"type": "period", "name": "p", "weekdays": "mon", "description": "x\n  evil: {}"},
			{"type": "schedule", "name": ` + jsonText(name) + `, "periods": ["p"], "description": ` + jsonText(name+"\npower: {}") + `}]`
		text, _, err := config.Import([]byte(item))
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		c := reload(t, text)
		if len(c.Schedules) != 1 || c.Schedules[0].Name != name || len(c.Rules().Rules) != 1 {
			t.Errorf("%q became %+v", name, c.Schedules)
		}
	}
}

func jsonText(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
}

func FuzzImport(f *testing.F) {
	files, err := filepath.Glob("testdata/import/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		text, warnings, err := config.Import(data)
		for _, w := range warnings {
			if strings.ContainsAny(w, "\n\r\x1b") {
				t.Fatalf("a warning of several lines: %q", w)
			}
		}
		if err != nil {
			if text != nil || !errors.Is(err, fleet.ErrInvalid) {
				t.Fatalf("%q, %v", text, err)
			}
			if strings.Contains(err.Error(), "do not make a valid file") {
				t.Fatal(err)
			}
			return
		}
		reload(t, text)
	})
}
