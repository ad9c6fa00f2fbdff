package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/blob"
	"nightshift/internal/cli"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// The member accounts of the tests.
const (
	dev   = "200000000001"
	stage = "200000000002"
	lab   = "200000000003"
)

// organization is a practice organization of four accounts with a
// configuration for it. Its clock stands still.
type organization struct {
	*sandbox.Server
	t      *testing.T
	folder string
	env    map[string]string
}

func newOrganization(t *testing.T, accounts string) *organization {
	t.Helper()
	o := &organization{t: t, folder: t.TempDir()}
	// A Monday, 19:00 in Seoul.
	start := time.Date(2026, time.November, 23, 10, 0, 0, 0, time.UTC)
	o.Server = sandboxtest.Start(t, sandbox.Options{Start: start, Speed: -1, Accounts: sandbox.Members(3)})
	o.env = reach(o.Server)
	o.env["NIGHTSHIFT_SANDBOX_SPEED"] = "1000" // for the pauses between tries
	o.env["NIGHTSHIFT_EXTERNAL_ID"] = sandbox.MemberExternalID
	o.configure(accounts)
	return o
}

func (o *organization) config() string { return filepath.Join(o.folder, "nightshift.yaml") }

// configure writes a configuration with these accounts.
func (o *organization) configure(accounts string) {
	o.t.Helper()
	text := `timezone: Asia/Seoul
journal: ` + filepath.Join(o.folder, "journal") + `
schedules: { office-hours: Mon-Fri 08:00-19:00 }
power: { rules: [{ tag: AutoStopStart=Yes, schedule: office-hours }] }
` + accounts
	if err := os.WriteFile(o.config(), []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
}

// run runs nightshift with the credentials of the management account.
func (o *organization) run(args ...string) (code int, stdout, stderr string) {
	o.t.Helper()
	return o.runAt(o.Sandbox().Now, args...)
}

// runAt runs nightshift with a clock of its own.
func (o *organization) runAt(now func() time.Time, args ...string) (code int, stdout, stderr string) {
	o.t.Helper()
	for key, value := range o.env {
		o.t.Setenv(key, value)
	}
	var out, errs bytes.Buffer
	code = cli.Main(append(args, "--config", o.config()), cli.System{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Env: func(key string) string { return o.env[key] }, Now: now,
	})
	o.t.Logf("nightshift %s: %d\n%s%s", strings.Join(args, " "), code, &out, &errs)
	return code, out.String(), errs.String()
}

// summary is what power apply answers in JSON.
type summary struct {
	Data struct {
		Stopped, Started, Failed []struct {
			ID, Name, Account, Region string
		}
		Errors []string
	}
}

func (o *organization) apply(want int, args ...string) summary {
	o.t.Helper()
	code, stdout, stderr := o.run(append([]string{"power", "apply", "--wait=false", "--json"}, args...)...)
	var s summary
	if err := json.Unmarshal([]byte(stdout), &s); err != nil || code != want {
		o.t.Fatalf("exit code %d, want %d: %v: %s%s", code, want, err, stdout, stderr)
	}
	return s
}

// perAccount counts machines by account.
func perAccount(list []struct{ ID, Name, Account, Region string }) map[string]int {
	counts := map[string]int{}
	for _, m := range list {
		counts[m.Account]++
	}
	return counts
}

// running are the ids of the tagged instances of an account that run.
func (o *organization) running(account string) []string {
	var ids []string
	for _, i := range o.Sandbox().Account(account).Instances(sandbox.DefaultRegion) {
		if i.Tags["AutoStopStart"] == "Yes" && i.State == string(fleet.Running) {
			ids = append(ids, i.ID)
		}
	}
	return ids
}

func role(account string) string { return "arn:aws:iam::" + account + ":role/" + sandbox.MemberRole }

const fourAccounts = `accounts:
  - { name: home }
  - { id: "` + dev + `", name: dev, role: "arn:aws:iam::` + dev + `:role/nightshift", external_id: practice }
  - { name: stage, role: "arn:aws:iam::` + stage + `:role/nightshift", external_id_env: NIGHTSHIFT_EXTERNAL_ID }
  - { name: lab, role: "arn:aws:iam::` + lab + `:role/nightshift", external_id: wrong }
`

// One evening and one morning by schedule over four accounts, of which one
// refuses and one is throttled: the others finish.
func TestEveningAndMorningOfSeveralAccounts(t *testing.T) {
	o := newOrganization(t, fourAccounts)
	s := o.Sandbox()
	before := map[string]int{}
	for _, account := range s.Accounts() {
		before[account.ID()] = len(o.running(account.ID()))
		if before[account.ID()] == 0 {
			t.Fatalf("in the account %s nothing runs that could be stopped", account.ID())
		}
	}
	if err := s.SetFaults([]sandbox.Fault{{Action: "ec2:DescribeInstances", Kind: sandbox.Throttle, Account: stage}}); err != nil {
		t.Fatal(err)
	}
	evening := o.apply(3)
	stopped := perAccount(evening.Data.Stopped)
	if stopped[dev] != before[dev] || stopped[sandbox.AccountID] == 0 || len(stopped) != 2 {
		t.Errorf("stopped %v of %v", stopped, before)
	}
	for _, want := range []string{
		"account stage (" + stage + "): list instances in ap-northeast-2: ec2:DescribeInstances: RequestLimitExceeded",
		"account lab (" + lab + "): the role " + role(lab) + " may not be assumed",
	} {
		if !slices.ContainsFunc(evening.Data.Errors, func(text string) bool { return strings.HasPrefix(text, want) }) {
			t.Errorf("not told: %s\n%q", want, evening.Data.Errors)
		}
	}
	if len(evening.Data.Errors) != 2 || strings.Contains(fmt.Sprint(evening.Data.Errors), "wrong") {
		t.Errorf("%q", evening.Data.Errors)
	}
	s.Advance(10 * time.Minute)
	if left := len(o.running(dev)); left > 0 || len(o.running(stage)) != before[stage] || len(o.running(lab)) != before[lab] {
		t.Errorf("%d run in dev, %d in stage, %d in lab", left, len(o.running(stage)), len(o.running(lab)))
	}

	// The next tick finds what this one could not reach.
	if err := s.SetFaults(nil); err != nil {
		t.Fatal(err)
	}
	if again := perAccount(o.apply(3).Data.Stopped); len(again) != 1 || again[stage] != before[stage] {
		t.Errorf("stopped %v", again)
	}
	o.configure(strings.Replace(fourAccounts, "external_id: wrong", "external_id: practice", 1))
	if again := perAccount(o.apply(0).Data.Stopped); len(again) != 1 || again[lab] != before[lab] {
		t.Errorf("stopped %v", again)
	}

	s.Advance(13 * time.Hour) // Tuesday, 08:10
	started := perAccount(o.apply(0).Data.Started)
	for id, n := range before {
		if started[id] < n && id != sandbox.AccountID { // at home one is of a one-time Spot request
			t.Errorf("%d are started in %s, want %d", started[id], id, n)
		}
	}
	s.Advance(10 * time.Minute)
	for id := range before {
		if id != sandbox.AccountID && len(o.running(id)) < before[id] {
			t.Errorf("%d run in %s, want %d", len(o.running(id)), id, before[id])
		}
	}

	// The journal says where each machine is, and what was lost.
	records, errs := journal.Read(t.Context(), blob.Folder(filepath.Join(o.folder, "journal")), journal.Query{})
	if len(errs) > 0 || len(records) != 4 {
		t.Fatalf("%d records, %v", len(records), errs)
	}
	first := records[3]
	if len(first.Errors) != 2 || len(first.Targets) != 3 {
		t.Errorf("the record has the errors %q and the targets %v", first.Errors, first.Targets)
	}
	for _, outcome := range records[0].Outcomes {
		if before[string(outcome.Target.Account)] == 0 || outcome.Target.Region != sandbox.DefaultRegion {
			t.Errorf("%s is in %v", outcome.ID, outcome.Target)
		}
	}
}

// Where every account refuses it is a refusal, and where one fails otherwise it
// is a failure.
func TestAllAccountsLost(t *testing.T) {
	o := newOrganization(t, strings.ReplaceAll(`accounts:
  - { role: "arn:aws:iam::`+dev+`:role/nightshift", external_id: wrong }
  - { role: "arn:aws:iam::`+stage+`:role/nightshift" }
`, "\t", ""))
	for _, args := range [][]string{{"power", "plan"}, {"stop", "--dry-run"}, {"power", "explain", "web"}} {
		if code, _, stderr := o.run(args...); code != 4 || !strings.Contains(stderr, dev) || !strings.Contains(stderr, stage) {
			t.Errorf("%v ends with %d", args, code)
		}
	}
	o.configure(`accounts:
  - { role: "arn:aws:iam::` + dev + `:role/nightshift", external_id: wrong }
  - { role: "arn:aws:iam::` + stage + `:role/nightshift", external_id_env: NIGHTSHIFT_NOWHERE }
`)
	if code, _, stderr := o.run("stop", "--dry-run"); code != 1 || !strings.Contains(stderr, "NIGHTSHIFT_NOWHERE") {
		t.Errorf("stop ends with %d", code)
	}
}

// An organization is entered account by account, but for those excepted and
// those that the configuration names by themselves.
func TestOrganization(t *testing.T) {
	o := newOrganization(t, `accounts:
  - { organization: nightshift, external_id: practice, except: ["`+stage+`"], regions: all }
  - { name: the-lab, role: "arn:aws:iam::`+lab+`:role/nightshift", external_id: practice, regions: [ap-northeast-2] }
`)
	code, stdout, _ := o.run("power", "plan", "--json")
	var s summary
	if err := json.Unmarshal([]byte(stdout), &s); err != nil || code != 0 {
		t.Fatalf("%d, %v", code, err)
	}
	found := slices.Sorted(maps.Keys(perAccount(s.Data.Stopped)))
	if want := []string{sandbox.AccountID, dev, lab}; !slices.Equal(found, want) {
		t.Errorf("machines in %v, want %v", found, want)
	}
	for account, regions := range map[string]int{dev: 17, lab: 1, sandbox.AccountID: 17} {
		if n := o.asked(account); n != regions {
			t.Errorf("%d regions of %s were asked, want %d", n, account, regions)
		}
	}
	// A table tells the accounts apart by the shortest name that is clear.
	if _, stdout, _ := o.run("power", "plan"); !strings.Contains(stdout, "MACHINE") || !strings.Contains(stdout, "  ACCOUNT  ") ||
		!strings.Contains(stdout, "  the-lab  ") || !strings.Contains(stdout, "  member 1  ") || !strings.Contains(stdout, "  management  ") {
		t.Errorf("the table is\n%s", stdout)
	}
	// One account alone has no such column.
	if _, stdout, _ := o.run("power", "plan", "--account", "the-lab"); strings.Contains(stdout, "ACCOUNT") || !strings.Contains(stdout, "would stop") {
		t.Errorf("the table is\n%s", stdout)
	}
}

// asked counts the regions of an account in which instances were listed since
// the calls were last forgotten.
func (o *organization) asked(account string) int {
	regions := map[string]bool{}
	for _, call := range o.Sandbox().Calls() {
		if call.Account == account && call.Action == "DescribeInstances" {
			regions[call.Region] = true
		}
	}
	return len(regions)
}

// --account chooses by id and by name, and knows what it does not know.
func TestChosenAccounts(t *testing.T) {
	o := newOrganization(t, fourAccounts)
	for _, tt := range []struct {
		accounts []string
		code     int
		found    []string
	}{
		{[]string{"home"}, 0, []string{sandbox.AccountID}},
		{[]string{dev}, 0, []string{dev}},
		{[]string{"dev", "stage", dev}, 0, []string{dev, stage}},
		{[]string{"dev", "lab"}, 3, []string{dev}},
		{[]string{"lab"}, 4, nil},
	} {
		args := []string{"stop", "--dry-run", "--json"}
		for _, account := range tt.accounts {
			args = append(args, "--account", account)
		}
		code, stdout, _ := o.run(args...)
		var answer struct {
			Skipped   []struct{ Account string }
			Instances []string
		}
		if stdout != "" {
			if err := json.Unmarshal([]byte(stdout), &answer); err != nil {
				t.Fatal(err)
			}
		}
		var ids []string
		for _, account := range tt.found {
			ids = append(ids, o.running(account)...)
		}
		for _, id := range answer.Instances {
			if !slices.Contains(ids, id) {
				t.Errorf("%v: %s would be stopped", tt.accounts, id)
			}
		}
		if code != tt.code || (len(answer.Instances) == 0) != (len(tt.found) == 0) {
			t.Errorf("%v: exit code %d, want %d, and %d instances", tt.accounts, code, tt.code, len(answer.Instances))
		}
	}
	if code, _, stderr := o.run("power", "plan", "--account", "prod"); code != 5 || !strings.Contains(stderr, "it has home, dev, stage, lab") {
		t.Errorf("an unknown account ends with %d: %s", code, stderr)
	}
	o.configure("")
	if code, _, stderr := o.run("power", "plan", "--account", "dev"); code != 5 || !strings.Contains(stderr, "--account") {
		t.Errorf("--account without accounts ends with %d: %s", code, stderr)
	}
}

// A machine is found in whichever account it is, and kept there.
func TestOverrideInAnotherAccount(t *testing.T) {
	o := newOrganization(t, fourAccounts)
	id := o.running(stage)[0]
	if code, stdout, _ := o.run("power", "explain", id); code != 0 || !strings.Contains(stdout, "instance in ap-northeast-2, account stage") {
		t.Errorf("explain ends with %d: %s", code, stdout)
	}
	code, stdout, _ := o.run("power", "override", "set", id, "on", "--until", "3h", "--json")
	if code != 0 || !strings.Contains(stdout, `"account":"`+stage+`"`) {
		t.Errorf("override set ends with %d: %s", code, stdout)
	}
	stopped := perAccount(o.apply(3).Data.Stopped)
	if left := o.running(stage); !slices.Equal(left, []string{id}) {
		t.Errorf("%v run in stage after %v were stopped, want %s alone", left, stopped, id)
	}
	if code, _, stderr := o.run("power", "explain", "i-00000000000000000"); code != 5 && code != 4 || !strings.Contains(stderr, "account lab") {
		t.Errorf("what may be in an account that is lost ends with %d: %s", code, stderr)
	}
}

// A wrong account is left alone: the credentials' own is not taken instead.
func TestWrongAccountIsLeftAlone(t *testing.T) {
	o := newOrganization(t, `accounts: [{ role: nightshift }]`)
	before := o.running(sandbox.AccountID)
	for _, args := range [][]string{{"power", "apply", "--wait=false"}, {"stop", "--wait=false"}} {
		if code, _, stderr := o.run(args...); code != 5 || !strings.Contains(stderr, "nightshift.yaml:5 is wrong") {
			t.Errorf("%v ends with %d: %s", args, code, stderr)
		}
	}
	if after := o.running(sandbox.AccountID); !slices.Equal(before, after) {
		t.Errorf("%v run, and ran %v", after, before)
	}
}

// check --live looks over every account.
func TestCheckOfSeveralAccounts(t *testing.T) {
	o := newOrganization(t, fourAccounts)
	code, stdout, _ := o.run("check", "--live")
	for _, want := range []string{"1 rule, 4 accounts, ", "sts:AssumeRole ", "dev ", "stage ", "lab ", "may not be assumed"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("not told: %s", want)
		}
	}
	if code != 4 {
		t.Errorf("exit code %d, want 4", code)
	}
}

// The function works in all accounts, too, and a lost one does not make it fail.
func TestFunctionInSeveralAccounts(t *testing.T) {
	api, server := function(t, sandbox.Options{Speed: 300, Accounts: sandbox.Members(2)}, "NIGHTSHIFT_CONFIG=ssm:/nightshift")
	s := server.Sandbox()
	text := `
schedules: { off: { never: true } }
power: { rules: [ { tag: AutoStopStart=Yes, schedule: off, enforce: true } ] }
accounts:
  - { name: dev, role: "` + role(dev) + `", external_id: practice }
  - { name: stage, role: "` + role(stage) + `", external_id: wrong }
`
	if err := s.SetParameter(sandbox.DefaultRegion, sandbox.Parameter{Name: "/nightshift", Value: text}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ event, want string }{
		{`{"action":"stop","dry_run":true}`, `^\{"status":"would stop [1-9]\d* instances".*"errors":\["account stage \(` + stage + `\): the role`},
		{`{"action":"power"}`, `"status":"stopped [1-9]\d*, .*"account":"` + dev + `".*"errors":\["account stage \(` + stage + `\): the role`},
	} {
		if got := api.invoke(t, tt.event, time.Minute); !regexp.MustCompile(tt.want).MatchString(got) {
			t.Errorf("%s\ngot  %s\nwant %s", tt.event, got, tt.want)
		}
	}
	for _, i := range s.Instances(sandbox.DefaultRegion) {
		if i.State != string(fleet.Running) && i.Tags["Name"] == "개발-웹서버-1" {
			t.Errorf("%s at home was stopped, which is none of the accounts", i.ID)
		}
	}
}

// The printed policies suffice: that of the caller, and that of the roles which
// it assumes.
func TestPoliciesOfSeveralAccounts(t *testing.T) {
	o := newOrganization(t, `accounts:
  - { organization: nightshift, external_id: practice }
  - { name: home, regions: all }
`)
	s := o.Sandbox()
	print := func(args ...string) []byte {
		t.Helper()
		code, stdout, stderr := o.run(append([]string{"policy"}, args...)...)
		if code != 0 {
			t.Fatalf("%d: %s", code, stderr)
		}
		return []byte(stdout)
	}
	own, member := print("--bucket", sandbox.DefaultBucket), print("--member")
	for _, action := range []string{"sts:AssumeRole", "organizations:ListAccounts", "s3:PutObject"} {
		if !slices.Contains(allowedActions(t, own), action) || slices.Contains(allowedActions(t, member), action) {
			t.Errorf("%s is of the caller alone", action)
		}
	}
	if err := s.SetPolicy(own); err != nil {
		t.Fatal(err)
	}
	for _, account := range []string{dev, stage, lab} {
		if err := s.Account(account).SetRolePolicy(sandbox.MemberRole, member); err != nil {
			t.Fatal(err)
		}
	}
	stopped := perAccount(o.apply(0).Data.Stopped)
	if len(stopped) != 4 {
		t.Errorf("machines were stopped in %v, want all four accounts", stopped)
	}
	if code, _, stderr := o.run("check", "--live"); code != 0 {
		t.Errorf("check ends with %d: %s", code, stderr)
	}
	if trust := string(print("--trust", sandbox.AccountID, "--external-id", "practice")); !strings.Contains(trust, `"sts:ExternalId": "practice"`) ||
		!strings.Contains(trust, sandbox.AccountID+":root") {
		t.Errorf("the trust policy is %s", trust)
	}
	if code, _, _ := o.run("policy", "--external-id", "practice"); code != 5 {
		t.Errorf("an external id without a trust policy ends with %d", code)
	}
}
