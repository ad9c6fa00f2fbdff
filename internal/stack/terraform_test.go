package stack_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/fleet"
	"nightshift/internal/stack"
)

// module is a copy of the Terraform module that works on an emulator.
type module struct {
	t   *testing.T
	dir string
}

// moduleOn copies the module and gives it a provider for an endpoint.
func moduleOn(t *testing.T, endpoint string) module {
	t.Helper()
	dir := t.TempDir()
	files, err := filepath.Glob("../../deploy/terraform/*.tf")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, filepath.Base(file)), text)
	}
	var provider strings.Builder
	provider.WriteString("provider \"aws\" {\n  region = \"us-east-1\"\n  access_key = \"test\"\n  secret_key = \"test\"\n" +
		"  skip_credentials_validation = true\n  skip_metadata_api_check = true\n  s3_use_path_style = true\n  endpoints {\n")
	for _, service := range []string{"cloudwatch", "iam", "lambda", "logs", "s3", "scheduler", "sns", "sqs", "sts"} {
		fmt.Fprintf(&provider, "    %s = %q\n", service, endpoint)
	}
	provider.WriteString("  }\n}\n")
	write(t, filepath.Join(dir, "provider.tf"), []byte(provider.String()))
	return module{t, dir}
}

func write(t *testing.T, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs Terraform.
func (m module) run(args ...string) ([]byte, error) {
	m.t.Helper()
	cmd := exec.CommandContext(m.t.Context(), "terraform", args...)
	cmd.Dir = m.dir
	cmd.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1")
	return cmd.CombinedOutput()
}

// init installs the provider and checks the module.
func (m module) init(plugins string) {
	m.t.Helper()
	if out, err := m.run("init", "-no-color", "-input=false", "-plugin-dir="+plugins); err != nil {
		m.t.Fatalf("init: %v\n%s", err, out)
	}
	if out, err := m.run("validate", "-no-color"); err != nil {
		m.t.Errorf("validate: %v\n%s", err, out)
	}
	if out, err := m.run("fmt", "-check", "-diff", "versions.tf", "variables.tf", "function.tf", "roles.tf", "schedules.tf", "alarms.tf", "reports.tf", "outputs.tf"); err != nil {
		m.t.Errorf("fmt: %v\n%s", err, out)
	}
}

// shown is what `terraform show -json` says, as far as it is compared.
type shown struct {
	Values struct {
		Root struct {
			Resources []struct {
				Address, Type, Mode string
				Values              map[string]any
			}
		} `json:"root_module"`
	}
	Changes []struct {
		Address string
		Change  struct {
			Actions       []string
			Before, After map[string]any
		}
	} `json:"resource_changes"`
}

func (m module) show(args ...string) shown {
	m.t.Helper()
	cmd := exec.CommandContext(m.t.Context(), "terraform", append([]string{"show", "-json"}, args...)...)
	cmd.Dir = m.dir
	out, err := cmd.Output()
	var s shown
	if start := bytes.IndexByte(out, '{'); err == nil && start >= 0 {
		err = json.Unmarshal(out[start:], &s)
	}
	if err != nil {
		m.t.Fatalf("show: %v", err)
	}
	return s
}

// TestTerraformModule applies the module to an independent emulator, plans it again
// and compares what it made with the template. It takes some minutes, and the provider
// has hundreds of megabytes: TERRAFORM_PLUGINS names the directory where it is.
func TestTerraformModule(t *testing.T) {
	t.Parallel()
	plugins := os.Getenv("TERRAFORM_PLUGINS")
	if _, err := exec.LookPath("terraform"); err != nil || plugins == "" {
		t.Skip("terraform is not installed, or TERRAFORM_PLUGINS names no directory with the provider for AWS: the module is not tested")
	}
	m := moduleOn(t, emulator(t, "the module is not applied"))
	m.init(plugins)
	schedules := stack.Schedules{
		Rules:   []stack.Bound{{Tag: fleet.Tag{Key: "Schedule"}}},
		Backups: stack.Backups{Policies: []stack.Copied{{Policy: "daily", Tags: []fleet.Tag{{Key: "Backup", Value: "daily"}}}}, Unattended: true},
	}
	documents, err := stack.Policies(scheduled(), stack.Scope{Bucket: "reports", Prefix: "ec2/", Schedules: &schedules})
	if err != nil {
		t.Fatal(err)
	}
	var policies []string
	for _, d := range documents {
		text, err := d.JSON()
		if err != nil {
			t.Fatal(err)
		}
		policies = append(policies, string(text))
	}
	const volumeKey, dataKey, reportKey = "arn:aws:kms:us-east-1:123456789012:key/a", "arn:aws:kms:us-east-1:123456789012:key/b", "arn:aws:kms:us-east-1:123456789012:key/c"
	variables, err := json.Marshal(map[string]any{
		"policies": policies, "code_bucket": "artifacts", "code_key": "code.zip", "timezone": "Asia/Seoul", "config": "s3://settings/nightshift.yaml",
		"alarm_email": "ops@example.com", "license_manager": true, "volume_key_arns": []string{volumeKey}, "data_key_arns": []string{dataKey},
		"report_key_arn": reportKey, "schedules": map[string]string{"stop": "cron(0 19 ? * MON-FRI *)"}, "timezones": map[string]string{"stop": "Asia/Tokyo"},
		"permissions_boundary": "arn:aws:iam::123456789012:policy/boundary", "backups": true,
	})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(m.dir, "terraform.tfvars.json"), variables)
	if out, err := m.run("apply", "-no-color", "-input=false", "-auto-approve"); err != nil {
		t.Fatalf("apply: %v\n%s", err, out)
	}
	// A second plan is empty, but for what the emulator does not return.
	if out, err := m.run("plan", "-no-color", "-input=false", "-out=again"); err != nil {
		t.Fatalf("plan: %v\n%s", err, out)
	}
	var differs []string
	for _, c := range m.show("again").Changes {
		for name, after := range c.Change.After {
			if !slices.Equal(c.Change.Actions, []string{"no-op"}) && !cmp.Equal(c.Change.Before[name], after) {
				differs = append(differs, c.Address+" "+name)
			}
		}
	}
	if diff := cmp.Diff([]string{"aws_lambda_function.nightshift logging_config"}, differs); diff != "" {
		t.Errorf("the second plan (-known +got)\n%s", diff)
	}
	made := m.show()
	parameters := map[string]string{
		"CodeBucket": "artifacts", "CodeKey": "code.zip", "TimeZone": "Asia/Seoul", "Config": "s3://settings/nightshift.yaml", "AlarmEmail": "ops@example.com",
		"LicenseManager": "true", "KeyArns": volumeKey, "DataKeyArns": dataKey, "ReportKeyArn": reportKey,
		"TagStopSchedule": "cron(0 19 ? * MON-FRI *)", "TagStopTimeZone": "Asia/Tokyo", "PermissionsBoundary": "arn:aws:iam::123456789012:policy/boundary",
	}
	compareModule(t, template(t, &schedules), parameters, made)
	m.withoutRules()
}

// withoutRules plans the same for a configuration that has neither rules nor backup
// policies: it is read, and only the tag stops and starts.
func (m module) withoutRules() {
	m.t.Helper()
	if out, err := m.run("plan", "-no-color", "-input=false", "-refresh=false", "-var=rules=false", "-var=backups=false", "-out=without-rules"); err != nil {
		m.t.Fatalf("plan: %v\n%s", err, out)
	}
	got := map[string][]string{}
	for _, c := range m.show("without-rules").Changes {
		got[c.Address] = c.Change.Actions
		if c.Address != "aws_lambda_function.nightshift" {
			continue
		}
		variables := c.Change.After["environment"].([]any)[0].(map[string]any)["variables"].(map[string]any)
		if action, there := variables["NIGHTSHIFT_ACTION"]; there || variables["NIGHTSHIFT_CONFIG"] != "s3://settings/nightshift.yaml" {
			m.t.Errorf("without rules the action is %v: %v", action, variables)
		}
	}
	for address, want := range map[string]string{
		`aws_scheduler_schedule.job["power"]`: "delete", `aws_scheduler_schedule.job["start"]`: "create", `aws_scheduler_schedule.job["stop"]`: "no-op",
		`aws_cloudwatch_metric_alarm.awaited["Power"]`: "delete", `aws_cloudwatch_metric_alarm.awaited["Backup"]`: "delete",
		`aws_cloudwatch_metric_alarm.alarm["BackupFailed"]`: "delete", `aws_scheduler_schedule.job["backup"]`: "delete", "aws_lambda_function.nightshift": "update",
	} {
		if !slices.Equal(got[address], []string{want}) {
			m.t.Errorf("without rules: %s: %s, want %s", address, got[address], want)
		}
	}
}

// emulator starts one that is independent of ours, with the archive of the code.
// Without it the test is skipped, and what is not tested is said.
func emulator(t *testing.T, without string) string {
	t.Helper()
	program, err := exec.LookPath("moto_server")
	if err != nil {
		t.Skip("moto_server is not installed: " + without)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	listener.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "-H", "127.0.0.1", "-p", port)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	endpoint := "http://127.0.0.1:" + port
	var code bytes.Buffer
	archive := zip.NewWriter(&code)
	if _, err := archive.Create("bootstrap"); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, endpoint+"/artifacts", nil) // the bucket before what is in it
	put(t, endpoint+"/artifacts/code.zip", code.Bytes())
	return endpoint
}

// put tries for a while, since an emulator takes some seconds to start.
func put(t *testing.T, url string, body []byte) {
	t.Helper()
	var last any
	for range 300 {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if last = err; err == nil {
			answer.Body.Close()
			if last = answer.Status; answer.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("PUT %s: %v", url, last)
}

// one gives the value of the only resource with an address.
func (s shown) one(t *testing.T, address string) map[string]any {
	t.Helper()
	for _, r := range s.Values.Root.Resources {
		if r.Address == address {
			return r.Values
		}
	}
	t.Fatalf("the module made no %s: %s", address, slices.Sorted(maps.Keys(s.types())))
	return nil
}

// types counts the resources of each type.
func (s shown) types() map[string]int {
	counts := map[string]int{}
	for _, r := range s.Values.Root.Resources {
		if r.Mode == "managed" {
			counts[r.Type]++
		}
	}
	return counts
}
