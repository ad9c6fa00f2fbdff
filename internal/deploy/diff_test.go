package deploy_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/deploy"
)

func TestDiff(t *testing.T) {
	changes := []deploy.Change{
		{Logical: "Queue", Type: "AWS::SQS::Queue", Action: "Modify", Replacement: "True"},
		{Logical: "Old", Type: "AWS::SQS::Queue", Action: "Remove", Policy: "Delete"},
		{Logical: "Kept", Type: "AWS::S3::Bucket", Action: "Remove", Policy: "Retain"},
		{Logical: "Function", Type: "AWS::Lambda::Function", Action: "Modify", Replacement: "True"},
		{Logical: "Log", Type: "AWS::Logs::LogGroup", Action: "Modify", Replacement: "False"},
		{Logical: "Alarm", Type: "AWS::CloudWatch::Alarm", Action: "Add"},
	}
	old := map[string]string{"AlarmEmail": "ops@example.com", "TagValue": "Yes", "TimeZone": "Asia/Seoul", "StopSchedule": "rate(1 day)"}
	values := map[string]string{"AlarmEmail": "", "TagValue": "Yes", "TimeZone": "Europe/Berlin", "LogRetentionDays": "30"}
	d := deploy.MakeDiff(changes, template, old, values)
	var replaced, order []string
	for _, c := range d.Replaced {
		replaced = append(replaced, c.Logical)
	}
	for _, c := range d.Resources {
		order = append(order, c.Logical)
	}
	if diff := cmp.Diff([]string{"Queue", "Old"}, replaced); diff != "" {
		t.Error("what loses something:", diff)
	}
	if diff := cmp.Diff([]string{"Alarm", "Function", "Log", "Queue", "Kept", "Old"}, order); diff != "" {
		t.Error("the order:", diff)
	}
	want := []deploy.ParameterChange{
		{Name: "AlarmEmail", Old: "ops@example.com", Default: true},
		{Name: "LogRetentionDays", New: "30", Added: true},
		{Name: "TimeZone", Old: "Asia/Seoul", New: "Europe/Berlin"},
		{Name: "StopSchedule", Old: "rate(1 day)", Removed: true},
	}
	if diff := cmp.Diff(want, d.Parameters); diff != "" {
		t.Error("parameters (-want +got):", diff)
	}
	if d.ReplacesReports() {
		t.Error("no bucket is replaced")
	}
	d = deploy.MakeDiff([]deploy.Change{{Logical: "Reports", Type: "AWS::S3::Bucket", Action: "Modify", Replacement: "True", Policy: "Retain"}}, template, old, values)
	if !d.ReplacesReports() {
		t.Error("the bucket is replaced")
	}
}

func TestRights(t *testing.T) {
	document := func(actions string) json.RawMessage {
		return json.RawMessage(`{"PolicyName":"x","PolicyDocument":{"Statement":[{"Effect":"Allow","Action":` + actions + `,"Resource":"*"}]}}`)
	}
	reading := func(hash rune) json.RawMessage {
		return json.RawMessage(`{"PolicyDocument":{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/n/config/` + strings.Repeat(string(hash), 64) + `/nightshift.yaml"}}}`)
	}
	boundary := func(arn string) json.RawMessage {
		return json.RawMessage(`{"PermissionsBoundary":"` + arn + `"}`)
	}
	text := json.RawMessage(`{"PolicyDocument":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"ec2:StopInstances\",\"Resource\":[\"arn:a\",\"arn:b\"],\"Condition\":{\"StringEquals\":{\"k\":\"v\"}}},{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}]}"}`)
	changes := []deploy.Change{
		{Logical: "One", Type: "AWS::IAM::Policy", Before: document(`["a:Kept","a:Moved"]`), After: document(`["a:Kept","a:New"]`)},
		{Logical: "Two", Type: "AWS::IAM::ManagedPolicy", After: document(`"a:Moved"`)},
		{Logical: "Three", Type: "AWS::IAM::Policy", After: text},
		{Logical: "Four", Type: "AWS::IAM::Role", After: json.RawMessage(`{"ManagedPolicyArns":["arn:aws:iam::aws:policy/AdministratorAccess","{{changeSet:KNOWN_AFTER_APPLY}}"]}`)},
		{Logical: "Five", Type: "AWS::IAM::Policy", Before: reading('a'), After: reading('b')},
		{Logical: "Six", Type: "AWS::IAM::Policy", After: json.RawMessage(`{"PolicyDocument":{"Statement":{"Effect":"Allow","NotAction":["a:X","a:Y"],"NotResource":["arn:a","arn:b"]}}}`)},
		{Logical: "Seven", Type: "AWS::IAM::Role", Before: boundary("arn:edge"), After: boundary("")},
		{Logical: "Eight", Type: "AWS::IAM::Role", Before: boundary("arn:edge"), After: boundary("arn:edge")},
		{Logical: "Queue", Type: "AWS::SQS::Queue", After: document(`"sqs:SendMessage"`)},
	}
	var got []string
	for _, r := range deploy.MakeDiff(changes, template, nil, nil).Rights {
		got = append(got, r.Of+": "+r.String())
	}
	want := []string{
		"Four: everything in the policy on arn:aws:iam::aws:policy/AdministratorAccess",
		"One: a:New on *",
		"Seven: everything in its policies on what the permissions boundary arn:edge kept out",
		"Six: everything but a:X, a:Y on everything but arn:a, arn:b",
		`Three: ec2:StopInstances on arn:a if {"StringEquals":{"k":"v"}}`,
		`Three: ec2:StopInstances on arn:b if {"StringEquals":{"k":"v"}}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFileChanges(t *testing.T) {
	old := map[string][]byte{"nightshift.yaml": []byte("a\nb\nc\nd\n"), "old.ics": nil, "same.ics": []byte("x")}
	now := map[string][]byte{"nightshift.yaml": []byte("a\nB\nc\nd\ne\n"), "new.ics": nil, "same.ics": []byte("x")}
	want := []deploy.FileChange{
		{Name: "new.ics", Action: "add"},
		{Name: "nightshift.yaml", Action: "change", Lines: []string{"-b", "+B", "+e"}},
		{Name: "old.ics", Action: "remove"},
	}
	if diff := cmp.Diff(want, deploy.FileChanges(old, now)); diff != "" {
		t.Error(diff)
	}
}

func TestRetained(t *testing.T) {
	if diff := cmp.Diff(map[string]bool{"Log": false, "Reports": true}, deploy.RetainedIn(template)); diff != "" {
		t.Error(diff)
	}
}

// TestFirst holds when the schedules wait for somebody to look at a dry run.
func TestFirst(t *testing.T) {
	for name, test := range map[string]struct {
		old, values map[string]string
		want        bool
	}{
		"a new stack":             {nil, map[string]string{"ScheduleState": "ENABLED"}, true},
		"a new one, disabled":     {nil, map[string]string{"ScheduleState": "DISABLED"}, false},
		"not brought to its end":  {map[string]string{"ScheduleState": "DISABLED"}, map[string]string{"ScheduleState": "ENABLED"}, true},
		"from tags to rules":      {map[string]string{"ScheduleState": "ENABLED"}, map[string]string{"ScheduleState": "ENABLED", "PowerSchedule": "rate(5 minutes)"}, true},
		"a configuration at last": {map[string]string{"ScheduleState": "ENABLED"}, map[string]string{"ScheduleState": "ENABLED", "Config": "s3://b/k"}, false},
		"as before": {
			map[string]string{"ScheduleState": "ENABLED", "PowerSchedule": "rate(5 minutes)"},
			map[string]string{"ScheduleState": "ENABLED", "PowerSchedule": "rate(10 minutes)", "Config": "s3://b/k"},
			false,
		},
	} {
		if got := deploy.First(test.old, test.values); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
