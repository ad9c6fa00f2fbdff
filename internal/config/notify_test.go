package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/config"
	"nightshift/internal/fleet"
)

func TestNotifyIsAsWritten(t *testing.T) {
	c := mustLoad(t, `
timezone: Asia/Seoul
schedules: {office: Mon-Fri 08:00-19:00}
power: {rules: [{tag: A=b, schedule: office}]}
jobs: {power: {every: 10m}}
metrics: {cloudwatch: off, tags: [Team]}
notify:
  recipients:
    ops: {slack: "env:NIGHTSHIFT_SLACK_URL"}
    audit: {webhook: "http://127.0.0.1:8080/hook", secret: "file:/run/secrets/audit"}
    mail: {sns: "arn:aws:sns:eu-west-1:123456789012:nightshift"}
    pager: {pagerduty: "secretsmanager:nightshift/pagerduty", url: "https://events.eu.pagerduty.com/v2/enqueue"}
  routes:
    - {tag: "Team=a", to: [ops, ops]}
    - {to: [audit, mail, pager]}
  before_stop: 20m
  page: https://nightshift.example.com/
  heartbeat: {power: "https://hc-ping.com/1234"}
`)
	want := config.Notify{
		Recipients: []config.Recipient{
			{Name: "ops", Channel: config.Slack, Address: config.Reference{Scheme: config.Environment, Name: "NIGHTSHIFT_SLACK_URL"}},
			{
				Name: "audit", Channel: config.Webhook, Address: config.Reference{Name: "http://127.0.0.1:8080/hook"},
				Secret: config.Reference{Scheme: config.SecretFile, Name: "/run/secrets/audit"},
			},
			{Name: "mail", Channel: config.SNS, Address: config.Reference{Name: "arn:aws:sns:eu-west-1:123456789012:nightshift"}},
			{
				Name: "pager", Channel: config.PagerDuty, Address: config.Reference{Scheme: config.Secret, Name: "nightshift/pagerduty"},
				URL: "https://events.eu.pagerduty.com/v2/enqueue",
			},
		},
		Routes:     []config.Route{{Tag: fleet.Tag{Key: "Team", Value: "a"}, To: []string{"ops"}}, {To: []string{"audit", "mail", "pager"}}},
		BeforeStop: 20 * time.Minute, Reminder: 24 * time.Hour, Page: "https://nightshift.example.com",
		Heartbeats: map[string]config.Reference{"power": {Name: "https://hc-ping.com/1234"}},
	}
	if diff := cmp.Diff(want, c.Notify); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := strings.Join(c.Notify.Local(), " "); got != "env:NIGHTSHIFT_SLACK_URL file:/run/secrets/audit" {
		t.Errorf("only here: %s", got)
	}
	if want := (config.Metrics{CloudWatch: config.CloudWatchOff, Tags: []string{"Team"}}); !cmp.Equal(want, c.Metrics) {
		t.Errorf("metrics are %+v", c.Metrics)
	}
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0].Message, "cloudwatch is off") {
		t.Errorf("warnings: %v", c.Warnings)
	}
	if none := mustLoad(t, "timezone: UTC\n"); none.Metrics.CloudWatch != config.CloudWatchBasic || none.Notify.Recipients != nil || none.Notify.Reminder != 24*time.Hour {
		t.Errorf("nothing said is %+v, %+v", none.Metrics, none.Notify)
	}
}

// What is secret is in no error, also where it was written by mistake.
func TestErrorsShowNoSecret(t *testing.T) {
	_, err := config.Load("testdata/wrong/notify.yaml", open)
	for _, secret := range []string{"T000", "secret\"", "token=", "user:secret", "hunter2"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the errors show %q:\n%v", secret, err)
		}
	}
	for _, r := range []config.Reference{{Name: "https://hooks.slack.com/services/T000"}, {Scheme: config.Parameter, Name: "/slack"}} {
		if text := r.String(); strings.Contains(text, "T000") || r.Scheme != config.Plain && text != "ssm:/slack" {
			t.Errorf("a reference prints %q", text)
		}
	}
}
