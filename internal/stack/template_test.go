package stack_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/fleet"
	"nightshift/internal/stack"
)

func template(t *testing.T, schedules *stack.Schedules) string {
	t.Helper()
	text, err := stack.Template(scheduled(), schedules, stack.Costs{})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// variants are the templates with and without schedules. The texts of the
// rules try to mean something to YAML, CloudFormation and IAM.
func variants() map[string]*stack.Schedules {
	return map[string]*stack.Schedules{
		"tag alone": nil,
		"schedules": {
			Rules: []stack.Bound{
				{Tag: fleet.Tag{Key: "Schedule"}, Kinds: fleet.Kinds(), Resize: true},
				{Tag: fleet.Tag{Key: `a"${AWS::Region}`, Value: `*${TagKey}'"?`}},
			},
			Config: "s3://settings/it's/nightshift.yaml", Journal: "s3://records/runs",
		},
		"schedules in a parameter":   {Config: "ssm:/nightshift/config:3"},
		"schedules to be told later": {Rules: []stack.Bound{{}}, Untagged: true},
	}
}

// TestTemplateIsClean asks cfn-lint, with its informational rules.
func TestTemplateIsClean(t *testing.T) {
	lint, err := exec.LookPath("cfn-lint")
	if err != nil {
		t.Skip("cfn-lint is not installed: the template is not linted")
	}
	args := []string{"--include-checks", "I", "--"}
	dir := t.TempDir()
	for name, schedules := range variants() {
		file := filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".yaml")
		if err := os.WriteFile(file, []byte(template(t, schedules)), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	if out, err := exec.CommandContext(t.Context(), lint, args...).CombinedOutput(); err != nil {
		t.Errorf("cfn-lint: %v\n%s", err, out)
	}
}

// rolePolicy takes the role's policy out of a template, as CloudFormation
// would fill it in.
func rolePolicy(t *testing.T, text string) stack.Document {
	t.Helper()
	_, after, found := strings.Cut(text, "PolicyDocument: !Sub |\n")
	if !found {
		t.Fatal("the role has no policy")
	}
	filled := strings.NewReplacer("${TagKey}", "k", "${TagValue}", "v", "${Reports}", "b", "${ReportPrefix}", "p/",
		"${AWS::Partition}", "aws", "${AWS::AccountId}", "123456789012", "${!", "${").Replace(after)
	var doc stack.Document
	if err := json.NewDecoder(strings.NewReader(filled)).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestTemplateCarriesPolicy compares the role's policy with the known one.
func TestTemplateCarriesPolicy(t *testing.T) {
	doc := rolePolicy(t, template(t, nil))
	got, err := doc.JSON()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/in-template.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the role's policy is\n%s\nwant\n%s", got, want)
	}
}

// TestTemplateCarriesSchedules compares the role's policy with Policy for the
// same rules. The configuration is a parameter with statements of its own.
func TestTemplateCarriesSchedules(t *testing.T) {
	for name, schedules := range variants() {
		if schedules == nil {
			continue
		}
		got := rolePolicy(t, template(t, schedules))
		alone := *schedules
		alone.Config = ""
		want, err := stack.Policy(scheduled(), stack.Scope{
			Account: "123456789012", Tag: fleet.Tag{Key: "k", Value: "v"}, Bucket: "b", Prefix: "p/", Schedules: &alone,
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: the role's policy (-want +got)\n%s", name, diff)
		}
	}
}

func TestTemplateRefuses(t *testing.T) {
	var keys []stack.Bound
	for n := range 12 {
		keys = append(keys, stack.Bound{Tag: tag(fmt.Sprint("key", n)), Kinds: fleet.Kinds()})
	}
	for want, schedules := range map[string]stack.Schedules{
		"without a tag":   {Rules: []stack.Bound{{}}},
		"s3://bucket/key": {Config: "nightshift.yaml"},
		"IAM takes 8192":  {Rules: keys},
	} {
		if _, err := stack.Template(scheduled(), &schedules, stack.Costs{}); !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestTemplateSettings keeps the function's environment and the parameters
// together: each variable is there and each parameter is used.
func TestTemplateSettings(t *testing.T) {
	for name, schedules := range variants() {
		t.Run(name, func(t *testing.T) { testSettings(t, schedules) })
	}
}

func testSettings(t *testing.T, schedules *stack.Schedules) {
	text := template(t, schedules)
	settings := []string{"TAG", "REGIONS", "TIMEZONE", "BUCKET", "PREFIX"}
	if schedules != nil {
		settings = append(settings, "CONFIG")
	}
	if n := strings.Count(text, " NIGHTSHIFT_"); n != len(settings) {
		t.Errorf("the function gets %d settings, want %d", n, len(settings))
	}
	for _, name := range settings {
		if !regexp.MustCompile(`(?m)^ +NIGHTSHIFT_` + name + `: !`).MatchString(text) {
			t.Errorf("the function does not get NIGHTSHIFT_%s", name)
		}
	}

	_, rest, _ := strings.Cut(text, "\nParameters:\n")
	block, rest, _ := strings.Cut(rest, "\nConditions:\n")
	parameters := regexp.MustCompile(`(?m)^  (\w+):$`).FindAllStringSubmatch(block, -1)
	if len(parameters) == 0 {
		t.Fatal("the template has no parameters")
	}
	for _, p := range parameters {
		if !regexp.MustCompile(`!Ref ` + p[1] + `\b|\$\{` + p[1] + `\}`).MatchString(rest) {
			t.Errorf("parameter %s is not used", p[1])
		}
	}
}

// TestTemplateEvents reads the inputs of the schedules: each names its action,
// so that a schedule can never fall back to stopping, and all but those that
// are never late say when they were meant to come.
func TestTemplateEvents(t *testing.T) {
	for name, schedules := range variants() {
		var got []string
		for _, input := range regexp.MustCompile(`(?m)^ +Input: '(.*)'$`).FindAllStringSubmatch(template(t, schedules), -1) {
			var event struct {
				Action    string `json:"action"`
				Scheduled string `json:"scheduled_at"`
			}
			if err := json.Unmarshal([]byte(input[1]), &event); err != nil {
				t.Fatal(err)
			}
			if event.Scheduled != "<aws.scheduler.scheduled-time>" && event.Action != "power" {
				t.Errorf("%s: scheduled_at is %q", event.Action, event.Scheduled)
			}
			got = append(got, event.Action)
		}
		want := "stop start report"
		if schedules != nil {
			want += " power"
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: scheduled actions are %q", name, s)
		}
	}
}

// TestTemplateLines leaves nothing behind of what chooses lines.
func TestTemplateLines(t *testing.T) {
	for name, schedules := range variants() {
		if found := regexp.MustCompile(`(?m)^ *(Default: )?\{\w.*\}$|\n\n\n`).FindString(template(t, schedules)); found != "" {
			t.Errorf("%s: %q is left", name, found)
		}
	}
}

// TestTemplateStopsOnce: what follows schedules is not stopped and started by
// the tag as well, unless somebody asks for it.
func TestTemplateStopsOnce(t *testing.T) {
	for name, schedules := range variants() {
		for _, parameter := range []string{"StopSchedule", "StartSchedule"} {
			empty := regexp.MustCompile(`(?m)^  ` + parameter + `:\n    Type: String\n    Default: ""$`).MatchString(template(t, schedules))
			if empty != (schedules != nil) {
				t.Errorf("%s: %s is empty: %t", name, parameter, empty)
			}
		}
	}
}
