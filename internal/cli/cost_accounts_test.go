package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"nightshift/internal/blob"
	"nightshift/internal/cli"
	"nightshift/internal/cost/history"
	"nightshift/internal/cost/trend"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// costReport is what a report as JSON says of accounts.
type costReport struct {
	Data struct {
		Complete bool
		Tables   struct {
			Instances []struct {
				Account string `json:"account"`
			} `json:"ec2_detail_costs"`
			Totals []struct {
				Account string `json:"account"`
				Region  string `json:"region"`
			} `json:"totals"`
			Run []struct {
				Fact  string
				Value any
			}
		}
	}
}

// report makes a report of the organization and reads it.
func (o *organization) report(want int, args ...string) (report costReport, stdout, stderr string) {
	o.t.Helper()
	file := filepath.Join(o.folder, "report.json")
	code, stdout, stderr := o.run(append([]string{"report", "--out", file}, args...)...)
	if code != want {
		o.t.Fatalf("exit code %d, want %d\n%s", code, want, stderr)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		o.t.Fatal(err)
	}
	if err := json.Unmarshal(text, &report); err != nil {
		o.t.Fatal(err)
	}
	return report, stdout, stderr
}

// accounts are the accounts of a day of the history, each once.
func (o *organization) accountsOn(day string) []string {
	o.t.Helper()
	date, err := trend.ParseDate(day)
	if err != nil {
		o.t.Fatal(err)
	}
	accounts := []string{}
	for row, err := range history.Read(context.Background(), blob.Folder(filepath.Join(o.folder, "history")), date) {
		if err != nil {
			o.t.Fatal(err)
		}
		if !slices.Contains(accounts, string(row.Account)) {
			accounts = append(accounts, string(row.Account))
		}
	}
	slices.Sort(accounts)
	return accounts
}

// One report of four accounts, of which one is throttled without end and one
// does not let us in. The others are complete, what is lost is told, and the
// history loses nobody.
func TestReportOfSeveralAccounts(t *testing.T) {
	faults, err := sandbox.ParseFaults("ec2:Describe*=throttle,account=" + stage)
	if err != nil {
		t.Fatal(err)
	}
	o := newOrganization(t, fourAccounts)
	o.env["AWS_MAX_ATTEMPTS"] = "2"
	all := strings.Replace(fourAccounts, "wrong", "practice", 1) + "cost: { history: " + filepath.Join(o.folder, "history") + " }\n"
	o.configure(all)
	o.report(0)
	everyone := []string{sandbox.AccountID, dev, stage, lab}
	if diff := cmp.Diff(everyone, o.accountsOn("2026-11-23")); diff != "" {
		t.Fatalf("accounts in the history (-want +got)\n%s", diff)
	}

	o.configure(strings.Replace(all, lab+`:role/nightshift", external_id: practice`, lab+`:role/nightshift", external_id: wrong`, 1))
	if err := o.Sandbox().SetFaults(faults); err != nil {
		t.Fatal(err)
	}
	report, stdout, stderr := o.report(3)
	if report.Data.Complete {
		t.Error("the report says that it is complete")
	}
	var accounts []string
	for _, i := range report.Data.Tables.Instances {
		if !slices.Contains(accounts, i.Account) {
			accounts = append(accounts, i.Account)
		}
	}
	slices.Sort(accounts)
	if diff := cmp.Diff([]string{sandbox.AccountID, dev}, accounts); diff != "" {
		t.Errorf("accounts of the rows (-want +got)\n%s", diff)
	}
	for _, want := range []string{
		`(?m)^ACCOUNT +REGION +INSTANCES`,
		`(?m)^home +ap-northeast-2 +26 +`,
		`(?m)^dev +ap-northeast-2 +4 +`,
		`(?m)^all +30 +`,
	} {
		if !regexp.MustCompile(want).MatchString(stdout) {
			t.Errorf("no %s in\n%s", want, stdout)
		}
	}
	run := ""
	for _, fact := range report.Data.Tables.Run {
		run += fmt.Sprintln(fact.Fact, fact.Value)
	}
	for _, told := range []string{
		stage + ` ap-northeast-2: instances: ec2:DescribeInstances: RequestLimitExceeded`,
		`account lab \(` + lab + `\): the role .* may not be assumed`,
	} {
		if !regexp.MustCompile(told).MatchString(stderr) {
			t.Errorf("no %s in\n%s", told, stderr)
		}
		if _, cause, _ := strings.Cut(told, ": "); !regexp.MustCompile(cause).MatchString(run) {
			t.Errorf("no %s on the sheet Run:\n%s", cause, run)
		}
	}
	if diff := cmp.Diff(everyone, o.accountsOn("2026-11-23")); diff != "" {
		t.Errorf("accounts in the history after a rerun (-want +got)\n%s", diff)
	}

	if err := o.Sandbox().SetFaults(nil); err != nil {
		t.Fatal(err)
	}
	o.report(0, "--account", "dev")
	if diff := cmp.Diff(everyone, o.accountsOn("2026-11-23")); diff != "" {
		t.Errorf("accounts in the history after a report of one (-want +got)\n%s", diff)
	}
	if code, _, stderr := o.run("report", "--out", filepath.Join(o.folder, "a.xlsx"), "--account", "lab"); code != 4 || !strings.Contains(stderr, "may not be assumed") {
		t.Errorf("a report of the lost account alone ends with %d: %s", code, stderr)
	}
}

// Accounts that are suspended are no part of a report of the organization.
func TestReportOfOrganization(t *testing.T) {
	members := sandbox.Members(3)
	members[1].Suspended = true
	o := &organization{t: t, folder: t.TempDir()}
	o.Server = sandboxtest.Start(t, sandbox.Options{Start: evening(), Speed: -1, Accounts: members})
	o.env = reach(o.Server)
	o.configure("accounts: [{ organization: nightshift, external_id: practice }]\nregions: all\n")
	report, stdout, _ := o.report(0)
	places := map[string]bool{}
	for _, i := range report.Data.Tables.Totals {
		places[i.Account] = true
	}
	for account, want := range map[string]bool{sandbox.AccountID: true, dev: true, stage: false, lab: true} {
		if places[account] != want {
			t.Errorf("account %s: in the totals %v, want %v", account, places[account], want)
		}
	}
	if !regexp.MustCompile(`(?m)^member 3 +us-east-1 +1 `).MatchString(stdout) {
		t.Errorf("no region of a member in\n%s", stdout)
	}
}

// The function makes the report of several accounts by a configuration in S3,
// with all places there, under exactly the printed policies, which have nothing
// putObject stores an object of a sandbox.
func putObject(t *testing.T, url, bucket, key, body string) {
	t.Helper()
	client := s3.New(s3.Options{
		Region: sandbox.DefaultRegion, BaseEndpoint: &url, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(sandbox.AccessKey, sandbox.SecretKey, ""),
	})
	if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader([]byte(body))}); err != nil {
		t.Fatal(err)
	}
}

// The policies that are printed for a report suffice for the function's, in every
// account, and permit nothing that it does not need.
func TestReportEventUnderPolicy(t *testing.T) {
	const bucket = "the-places"
	api, server := function(t, sandbox.Options{Speed: 1, Accounts: sandbox.Members(2), Buckets: []string{bucket}},
		"NIGHTSHIFT_CONFIG=s3://"+bucket+"/nightshift.yaml", "NIGHTSHIFT_BUCKET="+sandbox.DefaultBucket)
	s := server.Sandbox()
	text := `timezone: Asia/Seoul
journal: s3://` + bucket + `/journal
accounts:
  - { name: home }
  - { name: dev, role: "` + role(dev) + `", external_id: practice }
  - { name: stage, role: "` + role(stage) + `", external_id: practice }
cost:
  history: s3://` + bucket + `/history
  prices: s3://` + bucket + `/prices
  bill: s3://` + bucket + `/bill
  cost_explorer: { requests: 20 }
  cloudwatch: { metrics: 100 }
  tags: [Team]
  min_coverage: 95
`
	putObject(t, server.URL(), bucket, "nightshift.yaml", text)
	if _, err := s.Account(sandbox.AccountID).ExportBill(bucket, "bill", s.Now()); err != nil {
		t.Fatal(err)
	}
	env := reach(server)
	env["NIGHTSHIFT_CONFIG"] = "s3://" + bucket + "/nightshift.yaml"
	for name, value := range env {
		t.Setenv(name, value)
	}
	own := policyWith(t, env, "--for", "report", "--bucket", sandbox.DefaultBucket)
	member := policyWith(t, env, "--for", "report", "--member")
	if err := s.SetPolicy(own); err != nil {
		t.Fatal(err)
	}
	for _, account := range []string{dev, stage} {
		if err := s.Account(account).SetRolePolicy(sandbox.MemberRole, member); err != nil {
			t.Fatal(err)
		}
	}
	asked := len(s.Calls())
	for range 2 { // the second finds what the first has kept
		answer := api.invoke(t, `{"action":"report"}`, time.Minute)
		if !regexp.MustCompile(`^\{"statusCode":200,.*"complete":true,.*"account":"` + stage).MatchString(answer) {
			t.Fatalf("the function answers %s", answer)
		}
	}
	needed := map[string]bool{}
	for _, c := range s.Calls()[asked:] {
		if c.Permission != "" {
			needed[c.Permission] = true
		}
		if c.Code != "" && c.Code != "NoSuchKey" {
			t.Errorf("%s:%s was answered with %s", c.Service, c.Action, c.Code)
		}
	}
	// All regions and the price lists of a day are not what this report asks for.
	others := []string{"ec2:DescribeRegions", "pricing:GetPriceListFileUrl", "pricing:ListPriceLists"}
	if s.Now().UTC().Add(9*time.Hour).Day() <= 3 { // Cost Explorer has nothing final of the month yet
		others = append(others, "ce:GetCostAndUsageWithResources")
	}
	for _, action := range allowedActions(t, own) {
		if !needed[action] && !slices.Contains(others, action) {
			t.Errorf("%s is allowed and was not needed", action)
		}
	}
	for _, prefix := range []string{"history/history/dt=", "prices/", "journal/"} {
		if !slices.ContainsFunc(s.Objects(bucket), func(key string) bool { return strings.HasPrefix(key, prefix) }) {
			t.Errorf("nothing is kept under %s: %v", prefix, s.Objects(bucket))
		}
	}
}

// policyWith is what `nightshift policy` prints with a configuration.
func policyWith(t *testing.T, env map[string]string, args ...string) []byte {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := cli.Main(append([]string{"policy"}, args...), cli.System{
		Stdout: &stdout, Stderr: &stderr, Env: func(key string) string { return env[key] }, Now: evening,
	})
	if code != 0 {
		t.Fatalf("nightshift policy: %d %s", code, stderr.Bytes())
	}
	return stdout.Bytes()
}

// A report of which too few rows have a price fails the function, so that
// whoever watches it hears of it; it is stored all the same.
func TestReportEventOfTooFewPrices(t *testing.T) {
	faults, err := sandbox.ParseFaults("pricing:*=deny")
	if err != nil {
		t.Fatal(err)
	}
	api, server := function(t, sandbox.Options{Speed: 1, Faults: faults},
		"NIGHTSHIFT_CONFIG=ssm:/nightshift", "NIGHTSHIFT_BUCKET="+sandbox.DefaultBucket)
	s := server.Sandbox()
	if err := s.SetParameter(sandbox.DefaultRegion, sandbox.Parameter{Name: "/nightshift", Value: "cost: { min_coverage: 95 }\n"}); err != nil {
		t.Fatal(err)
	}
	answer := api.invoke(t, `{"action":"report"}`, time.Minute)
	if !strings.HasPrefix(answer, "error ") || !strings.Contains(answer, "rows have a price, and 95 percent are asked for") {
		t.Errorf("the function answers %s", answer)
	}
	if len(s.Objects(sandbox.DefaultBucket)) != 1 {
		t.Errorf("the bucket holds %v, want the report", s.Objects(sandbox.DefaultBucket))
	}
}
