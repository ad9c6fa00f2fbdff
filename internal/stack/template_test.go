package stack_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"nightshift/internal/stack"
)

func template(t *testing.T) string {
	t.Helper()
	text, err := stack.Template(actions())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTemplateIsClean asks cfn-lint, with its informational rules.
func TestTemplateIsClean(t *testing.T) {
	lint, err := exec.LookPath("cfn-lint")
	if err != nil {
		t.Skip("cfn-lint is not installed: the template is not linted")
	}
	file := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(file, []byte(template(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), lint, "--include-checks", "I", "--", file).CombinedOutput(); err != nil {
		t.Errorf("cfn-lint: %v\n%s", err, out)
	}
}

// TestTemplateCarriesPolicy takes the role's policy out of the template, fills
// in parameters and looks for every action of Policy in it.
func TestTemplateCarriesPolicy(t *testing.T) {
	_, after, found := strings.Cut(template(t), "PolicyDocument: !Sub |\n")
	if !found {
		t.Fatal("the role has no policy")
	}
	filled := strings.NewReplacer("${TagKey}", "k", "${TagValue}", "v", "${Reports}", "b", "${ReportPrefix}", "p/",
		"${AWS::Partition}", "aws", "${AWS::AccountId}", "123456789012").Replace(after)
	var doc stack.Document
	if err := json.NewDecoder(strings.NewReader(filled)).Decode(&doc); err != nil {
		t.Fatal(err)
	}
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

// TestTemplateSettings keeps the function's environment and the parameters
// together: each variable is there and each parameter is used.
func TestTemplateSettings(t *testing.T) {
	text := template(t)
	for _, name := range []string{"TAG", "REGIONS", "TIMEZONE", "BUCKET", "PREFIX"} {
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
// so that a schedule can never fall back to stopping.
func TestTemplateEvents(t *testing.T) {
	var got []string
	for _, input := range regexp.MustCompile(`(?m)^ +Input: '(.*)'$`).FindAllStringSubmatch(template(t), -1) {
		var event struct {
			Action    string `json:"action"`
			Scheduled string `json:"scheduled_at"`
		}
		if err := json.Unmarshal([]byte(input[1]), &event); err != nil {
			t.Fatal(err)
		}
		if event.Scheduled != "<aws.scheduler.scheduled-time>" {
			t.Errorf("%s: scheduled_at is %q", event.Action, event.Scheduled)
		}
		got = append(got, event.Action)
	}
	if s := strings.Join(got, " "); s != "stop start report" {
		t.Errorf("scheduled actions are %q", s)
	}
}
