package stack_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
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

// variants are the templates without a configuration, with one and with schedules.
// The texts of the rules try to mean something to YAML, CloudFormation and IAM.
func variants() map[string]*stack.Schedules {
	many := keyed(12, power.Kinds()...)
	many.Rules = append(many.Rules, stack.Bound{Tag: fleet.Tag{Key: `a"${AWS::Region}`, Value: `*${TagKey}'"?`}, Kinds: power.Kinds()})
	return map[string]*stack.Schedules{
		"tag alone": nil,
		"schedules": {
			Rules: []stack.Bound{
				{Tag: fleet.Tag{Key: "Schedule"}, Kinds: power.Kinds(), ChangeType: true},
				{Tag: fleet.Tag{Key: `a"${AWS::Region}`, Value: `*${TagKey}'"?`}},
			},
			Config: "s3://settings/it's/nightshift.yaml", Journal: "s3://records/runs",
		},
		"configuration alone":        {Config: "s3://settings/nightshift.yaml", Journal: "s3://records/runs", Notices: stack.Notices{Topics: []string{"arn:aws:sns:us-east-1:123456789012:crew"}}},
		"schedules in a parameter":   {Rules: []stack.Bound{{Tag: fleet.Tag{Key: "Schedule"}}}, Config: "ssm:/nightshift/config:3"},
		"schedules with many keys":   &many,
		"schedules to be told later": {Rules: []stack.Bound{{}}, Untagged: true},
	}
}

// follows reports whether there are rules.
func follows(s *stack.Schedules) bool { return s != nil && len(s.Rules) > 0 }

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

// resource is a resource of a template.
type resource struct {
	Type       string `yaml:"Type"`
	Condition  string `yaml:"Condition"`
	Properties struct {
		ManagedPolicyArns []string `yaml:"ManagedPolicyArns"` // names of resources: !Ref reads as its text
		Policies          []struct {
			PolicyName     string    `yaml:"PolicyName"`
			PolicyDocument yaml.Node `yaml:"PolicyDocument"`
		} `yaml:"Policies"`
		PolicyDocument yaml.Node `yaml:"PolicyDocument"`
	} `yaml:"Properties"`
}

func resources(t *testing.T, text string) map[string]resource {
	t.Helper()
	var read struct {
		Resources map[string]resource `yaml:"Resources"`
	}
	if err := yaml.Unmarshal([]byte(text), &read); err != nil {
		t.Fatal(err)
	}
	return read.Resources
}

// filled is a policy's text as CloudFormation fills it in.
func filled(t *testing.T, node yaml.Node) stack.Document {
	t.Helper()
	if node.Kind == yaml.MappingNode { // nothing to be filled in
		var plain any
		if err := node.Decode(&plain); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(plain)
		if err != nil {
			t.Fatal(err)
		}
		node = yaml.Node{Tag: "!Sub", Value: string(text)}
	}
	if node.Tag != "!Sub" {
		t.Fatalf("the policy is no text to be filled in: %s", node.Tag)
	}
	values := map[string]string{
		"TagKey": "k", "TagValue": "v", "Bucket": "bbb", "ReportPrefix": "p/", "AWS::Partition": "aws", "AWS::AccountId": "123456789012",
		"AWS::URLSuffix": "amazonaws.com",
		"Keys":           "arn:aws:kms:us-east-1:123456789012:key/a",
	}
	text := node.Value
	if node.Kind == yaml.SequenceNode {
		text = node.Content[0].Value
		for n := 0; n < len(node.Content[1].Content); n += 2 {
			name, value := node.Content[1].Content[n].Value, node.Content[1].Content[n+1]
			if value.Tag == "!Sub" {
				values[name] = fillIn(t, value.Value, values)
			}
		}
	}
	var doc stack.Document
	text = fillIn(t, text, values)
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return doc
}

// fillIn replaces what is in ${...}, once, and leaves ${!...} as ${...}.
func fillIn(t *testing.T, text string, values map[string]string) string {
	return regexp.MustCompile(`\$\{[^}]*\}`).ReplaceAllStringFunc(text, func(found string) string {
		name := found[2 : len(found)-1]
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + literal + "}"
		}
		value, ok := values[name]
		if !ok {
			t.Errorf("%s has no value", found)
		}
		return value
	})
}

// rolePolicies are the policies that the function's role always has, without
// that of its log.
func rolePolicies(t *testing.T, text string) []stack.Document {
	t.Helper()
	all := resources(t, text)
	role := all["FunctionRole"].Properties
	var documents []stack.Document
	for _, p := range role.Policies {
		if p.PolicyName == "work" {
			documents = append(documents, filled(t, p.PolicyDocument))
		}
	}
	for _, name := range role.ManagedPolicyArns {
		if all[name].Type != "AWS::IAM::ManagedPolicy" {
			t.Fatalf("%s is %s", name, all[name].Type)
		}
		documents = append(documents, filled(t, all[name].Properties.PolicyDocument))
	}
	return documents
}

// TestTemplateCarriesPolicy compares the role's policy with the known one.
func TestTemplateCarriesPolicy(t *testing.T) {
	documents := rolePolicies(t, template(t, nil))
	if len(documents) != 1 {
		t.Fatalf("the role has %d policies", len(documents))
	}
	golden(t, "in-template", documents[0])
}

// TestTemplateCarriesSchedules compares the role's policies with Policies for
// the same configuration. Where that is, is a parameter with statements of its own. So
// is the tag where there are rules: nothing is permitted on it unless it stops or
// starts.
func TestTemplateCarriesSchedules(t *testing.T) {
	for name, schedules := range variants() {
		if schedules == nil {
			continue
		}
		text := template(t, schedules)
		alone := *schedules
		alone.Config = ""
		scope := stack.Scope{Account: "123456789012", Bucket: "bbb", Prefix: "p/", Schedules: &alone}
		if !follows(schedules) {
			scope.Tag = tag("k=v")
		}
		want, err := stack.Policies(scheduled(), scope)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(statements(want), statements(rolePolicies(t, text))); diff != "" {
			t.Errorf("%s: the role's policies (-want +got)\n%s", name, diff)
		}
		tagged, found := resources(t, text)["FunctionTagged"]
		if !follows(schedules) {
			if found {
				t.Errorf("%s: the tag has a policy of its own", name)
			}
			continue
		}
		if tagged.Condition != "HasTagStopOrStart" {
			t.Errorf("%s: the tag has the condition %q", name, tagged.Condition)
		}
		byTag := filled(t, tagged.Properties.PolicyDocument).Statement
		expected := only(t, []string{"ec2:StartInstances", "ec2:StopInstances"}, stack.Scope{Account: "123456789012", Tag: tag("k=v")}).Statement
		if diff := cmp.Diff(expected, byTag); diff != "" {
			t.Errorf("%s: what the tag permits (-want +got)\n%s", name, diff)
		}
	}
}

// statements are those of all documents, in the order of their names: a
// template may need another number of documents.
func statements(documents []stack.Document) []stack.Statement {
	var all []stack.Statement
	for _, d := range documents {
		all = append(all, d.Statement...)
	}
	slices.SortFunc(all, func(a, b stack.Statement) int { return strings.Compare(a.Sid, b.Sid) })
	return all
}

// TestTemplateOfManyKeys: forty tag keys with every kind fit into the managed
// policies of a role, and the template into what CloudFormation takes without
// an upload.
func TestTemplateOfManyKeys(t *testing.T) {
	s := keyed(40, power.Kinds()...)
	text := template(t, &s)
	if len(text) > 51200 {
		t.Errorf("the template has %d bytes", len(text))
	}
	documents := rolePolicies(t, text)
	if len(documents) < 2 || len(documents) > 10 {
		t.Errorf("the role has %d policies", len(documents))
	}
	for n, d := range documents {
		if size := characters(t, d); size > 6144 {
			t.Errorf("policy %d has %d characters", n+1, size)
		}
	}
}

// TestTemplateLicenses: starts of licensed instances are permitted on request.
func TestTemplateLicenses(t *testing.T) {
	licenses := resources(t, template(t, nil))["FunctionLicenses"]
	if licenses.Condition != "HasLicenses" {
		t.Errorf("licenses have the condition %q", licenses.Condition)
	}
	want := stack.Statement{
		Sid: "StartLicensed", Effect: "Allow", Action: []string{"ec2:StartInstances"},
		Resource: []string{"arn:aws:license-manager:*:*:license-configuration:*"},
	}
	if diff := cmp.Diff([]stack.Statement{want}, filled(t, licenses.Properties.PolicyDocument).Statement); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestTemplateKeyArns: no wildcard gets into the list of KMS keys.
func TestTemplateKeyArns(t *testing.T) {
	_, after, _ := strings.Cut(template(t, nil), "  KeyArns:\n")
	form := regexp.MustCompile(`AllowedPattern: '(.*)'`).FindStringSubmatch(after)
	if form == nil {
		t.Fatal("KeyArns has no pattern")
	}
	pattern := regexp.MustCompile("^(" + form[1] + ")$")
	for value, want := range map[string]bool{
		"": true,
		"arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab": true,
		"arn:aws-cn:kms:cn-north-1:123456789012:key/mrk-1234abcd":                     true,
		"*": false, "arn:aws:kms:*:*:key/*": false, "arn:aws:kms:us-east-1:123456789012:alias/volumes": false,
		`arn:aws:kms:us-east-1:123456789012:key/a","*`: false, "arn:aws:kms:us-east-1:123456789012:key/${x}": false,
	} {
		if got := pattern.MatchString(value); got != want {
			t.Errorf("%q is taken: %t", value, got)
		}
	}
}

func TestTemplateRefuses(t *testing.T) {
	for want, schedules := range map[string]stack.Schedules{
		"without a tag":   {Rules: []stack.Bound{{}}},
		"s3://bucket/key": {Config: "nightshift.yaml"},
		"has room for 10": keyed(80, power.Kinds()...),
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
	settings := []string{"TAG", "REGIONS", "TIMEZONE", "STACK", "DRY_RUN", "BUCKET", "PREFIX", "CONFIG"}
	if follows(schedules) {
		settings = append(settings, "ACTION")
	}
	if n := strings.Count(text, " NIGHTSHIFT_"); n != len(settings) {
		t.Errorf("the function gets %d settings, want %d", n, len(settings))
	}
	for _, name := range settings {
		if !regexp.MustCompile(`(?m)^ +NIGHTSHIFT_` + name + `: (!|power$)`).MatchString(text) {
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
		if follows(schedules) {
			want += " power"
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: scheduled actions are %q", name, s)
		}
	}
}

// TestTemplateLines leaves no gaps where lines are left out.
func TestTemplateLines(t *testing.T) {
	for name, schedules := range variants() {
		if found := regexp.MustCompile(`(?m)\{\{|\n\n\n|[ \t]+$`).FindString(template(t, schedules)); found != "" {
			t.Errorf("%s: %q is left", name, found)
		}
	}
}

// TestTemplateStopsOnce: what follows schedules is not stopped and started by
// the tag as well, unless somebody asks for it.
func TestTemplateStopsOnce(t *testing.T) {
	for name, schedules := range variants() {
		for _, parameter := range []string{"TagStopSchedule", "TagStartSchedule"} {
			empty := regexp.MustCompile(`(?m)^  ` + parameter + `:\n    Type: String\n    Default: ""$`).MatchString(template(t, schedules))
			if empty != follows(schedules) {
				t.Errorf("%s: %s is empty: %t", name, parameter, empty)
			}
		}
	}
}
