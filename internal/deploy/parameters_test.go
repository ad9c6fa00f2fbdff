package deploy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/deploy"
	"nightshift/internal/fleet"
)

const template = `AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  # what it is for
  AlarmEmail:
    Type: String
    Default: ""
  TagValue:
    Type: String
    Default: "Yes"
  LogRetentionDays:
    Type: Number
    Default: 90
  TimeZone:
    Type: String
Resources:
  Log:
    Type: AWS::Logs::LogGroup
    DeletionPolicy: Delete
  Reports:
    Type: AWS::S3::Bucket
    DeletionPolicy: RetainExceptOnCreate
`

func TestParameters(t *testing.T) {
	given := map[string]string{"TimeZone": "Asia/Seoul", "AlarmEmail": "ops@example.com", "Config": "s3://b/nightshift.yaml"}
	got, err := deploy.Parameters(template, given, map[string]string{"LogRetentionDays": "30", "AlarmEmail": ""})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"AlarmEmail": "", "TagValue": "Yes", "LogRetentionDays": "30", "TimeZone": "Asia/Seoul"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("all are sent, the override counts, what the template does not have is left out (-want +got):\n%s", diff)
	}
	_, err = deploy.Parameters(template, nil, nil)
	if !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), "TimeZone has no value") {
		t.Errorf("without a time zone: %v", err)
	}
	_, err = deploy.Parameters(template, given, map[string]string{"AlarmMail": "x"})
	if !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), `did you mean "AlarmEmail"?`) {
		t.Errorf("an unknown parameter: %v", err)
	}
}

func TestParseParameters(t *testing.T) {
	got, err := deploy.ParseParameters([]string{"TagKey=a=b", "AlarmEmail="})
	if diff := cmp.Diff(map[string]string{"TagKey": "a=b", "AlarmEmail": ""}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	for _, wrong := range [][]string{{"TagKey"}, {"=x"}, {"A=1", "A=2"}} {
		if _, err := deploy.ParseParameters(wrong); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}
