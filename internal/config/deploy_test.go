package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/config"
	"nightshift/internal/fleet"
)

func jobs(c *config.Config) string {
	var all []string
	for _, j := range c.Jobs {
		all = append(all, j.Name+" "+j.When.String())
	}
	return strings.Join(all, ", ")
}

// TestJobs: what the file does not say has defaults, and tick and jobs.power are
// one.
func TestJobs(t *testing.T) {
	const rules = "power: {rules: [{tag: A, kinds: [instance]}]}\n"
	const backups = "backup: {policies: [{id: a, tag: A, schedule: {every: 6h, timezone: UTC}, keep: {last: 1}}]}\n"
	for _, tt := range []struct {
		name, text, want string
		tick             time.Duration
	}{
		{"no rules", "timezone: Asia/Seoul\n", "report Mon 07:00 Asia/Seoul, stop Mon-Fri 19:00 Asia/Seoul, start Mon-Fri 08:00 Asia/Seoul", 5 * time.Minute},
		{"no rules and no zone", "regions: [us-east-1]\n", "", 5 * time.Minute},
		{"rules", "timezone: Asia/Seoul\n" + rules, "power every 5m, report Mon 07:00 Asia/Seoul", 5 * time.Minute},
		{"rules and no zone", rules, "power every 5m", 5 * time.Minute},
		{"a tick", "power: {tick: 10m, rules: [{tag: A}]}\n", "power every 10m", 10 * time.Minute},
		{"jobs.power", rules + "jobs: {power: {every: 1m}}\n", "power every 1m", time.Minute},
		{"both", "power: {tick: 15m, rules: [{tag: A}]}\njobs: {power: {every: 15m}}\n", "power every 15m", 15 * time.Minute},
		{"zones", "timezone: UTC\njobs:\n  report: {at: 1 06:00, timezone: Asia/Tokyo}\n  stop: never\n  start: {at: 'Mon-Fri 08:00'}\n", "report 1 06:00 Asia/Tokyo, start Mon-Fri 08:00 UTC", 5 * time.Minute},
		{"tags beside rules", "timezone: UTC\n" + rules + "jobs: {stop: {at: '20:00'}, report: never}\n", "power every 5m, stop 20:00 UTC", 5 * time.Minute},
		{"policies", backups, "backup every 15m", 5 * time.Minute},
		{"jobs.backup", backups + "jobs: {backup: {every: 1h}}\n", "backup every 1h", 5 * time.Minute},
		{"no backups", backups + "jobs: {backup: never}\n", "", 5 * time.Minute},
		{"never without policies", "jobs: {backup: never}\n", "", 5 * time.Minute},
		{"a report every day", "jobs: {report: {every: 24h}}\n", "report every 24h", 5 * time.Minute},
	} {
		c := mustLoad(t, tt.text)
		if got := jobs(c); got != tt.want || c.Rules().Tick != tt.tick {
			t.Errorf("%s: %q, tick %s, want %q, tick %s", tt.name, got, c.Rules().Tick, tt.want, tt.tick)
		}
		if !c.Job("no such job").IsZero() || len(c.Jobs) > 0 && !c.Job(c.Jobs[0].Name).Equal(c.Jobs[0].When) {
			t.Errorf("%s: jobs are not found by their names", tt.name)
		}
	}
}

func TestDeploy(t *testing.T) {
	c := mustLoad(t, "deploy: {}\n")
	if want := (config.Deploy{Stack: "nightshift", ReportPrefix: "ec2/", LogRetentionDays: 90, Enabled: true}); !cmp.Equal(want, c.Deploy) {
		t.Errorf("defaults: %+v", c.Deploy)
	}
	const key = "arn:aws:kms:us-east-1:123456789012:key/"
	c = mustLoad(t, `deploy:
  stack: dev-nightshift
  alarm_topic: arn:aws-cn:sns:cn-north-1:123456789012:alarms
  report_bucket: my.reports
  report_prefix: costs/
  data_keys: `+key+`a
  volume_keys: [`+key+`b, `+key+`c]
  license_manager: true
  permissions_boundary: arn:aws:iam::aws:policy/PowerUserAccess
  role_path: /
  service_role: arn:aws:iam::123456789012:role/ops/cloudformation
  artifact_bucket: my-artifacts
  tags: {비용 그룹: a+b@c, team: platform}
  architecture: x86_64
  enabled: false
  dry_run: true
  log_retention_days: 365
  termination_protection: true
`)
	want := config.Deploy{
		Stack: "dev-nightshift", AlarmTopic: "arn:aws-cn:sns:cn-north-1:123456789012:alarms", ReportBucket: "my.reports", ReportPrefix: "costs/",
		DataKeys: []string{key + "a"}, VolumeKeys: []string{key + "b", key + "c"}, LicenseManager: true,
		PermissionsBoundary: "arn:aws:iam::aws:policy/PowerUserAccess", RolePath: "/", ServiceRole: "arn:aws:iam::123456789012:role/ops/cloudformation",
		ArtifactBucket: "my-artifacts", Tags: []fleet.Tag{{Key: "team", Value: "platform"}, {Key: "비용 그룹", Value: "a+b@c"}},
		Architecture: "x86_64", DryRun: true, LogRetentionDays: 365, TerminationProtection: true,
	}
	if diff := cmp.Diff(want, c.Deploy); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestDeployTags: a stack takes 50 tags, of which three are nightshift's own.
func TestDeployTags(t *testing.T) {
	for n, want := range map[int]bool{47: true, 48: false} {
		var text strings.Builder
		for i := range n {
			fmt.Fprintf(&text, "    key-%d: value\n", i)
		}
		_, err := load("deploy:\n  tags:\n" + text.String())
		if (err == nil) != want {
			t.Errorf("%d tags: %v", n, err)
		}
	}
}
