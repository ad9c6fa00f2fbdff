package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/power"
	"nightshift/internal/sandbox"
)

// withoutRulesFile is a configuration without rules: accounts, a journal, rows of earlier
// reports and times of jobs.
const withoutRulesFile = `timezone: Asia/Seoul
journal: s3://` + sandbox.DefaultBucket + `/journal
accounts:
  - name: home
  - { name: other, role: "arn:aws:iam::999988887777:role/` + sandbox.MemberRole + `", external_id: practice }
cost: { history: "s3://` + sandbox.DefaultBucket + `/history" }
jobs:
  stop: { at: Mon-Fri 21:00 }
  start: never
deploy: { dry_run: false }
`

// memberRole is the role of that configuration in the other account, with the policy
// that is printed for it.
func memberRole(t *testing.T) sandbox.Role {
	t.Helper()
	file := filepath.Join(t.TempDir(), "accounts.yaml")
	if err := os.WriteFile(file, []byte(withoutRulesFile), 0o600); err != nil {
		t.Fatal(err)
	}
	return sandbox.Role{Name: sandbox.MemberRole, ExternalID: "practice", Policy: printedPolicy(t, "--config", file, "--member")}
}

// withoutRules deploys a configuration that has no rules: the function stops and starts
// by tag, in the accounts of the configuration, and keeps records as it says.
func withoutRules(d *deployment) {
	d.write("nightshift.yaml", withoutRulesFile)
	d.must(0, "", []string{"--yes"}, "CREATE_COMPLETE", "The next stop by tag stops", "the schedules are enabled")
	s := d.state()
	if !strings.HasPrefix(s.Parameters["Config"], "s3://"+artifacts+"/nightshift/config/") || s.Parameters["TagStopSchedule"] != "cron(0 21 ? * MON,TUE,WED,THU,FRI *)" || s.Parameters["TagStartSchedule"] != "" {
		d.Errorf("the parameters: %v", s.Parameters)
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(s.Parameters["Config"], "s3://"), "/")
	if got, _ := d.account.Sandbox().Object(bucket, key); string(got) != withoutRulesFile {
		d.Errorf("%s holds %q", s.Parameters["Config"], got)
	}

	// An event without an action is the first scripts' stop. What the tag marks in the
	// other account is stopped already, and is started under the printed policy.
	functions := d.session().Functions(sandbox.DefaultRegion)
	for _, event := range []struct{ payload, job, account string }{{"{}", "stop", "123456789012"}, {`{"action": "start"}`, "start", "999988887777"}} {
		done, err := functions.Invoke(d.Context(), s.Outputs["FunctionName"], []byte(event.payload))
		var answer power.Answer
		if err == nil {
			err = json.Unmarshal(done.Payload, &answer)
		}
		if err != nil || done.Failed || len(answer.Errors) > 0 || len(answer.Failed) > 0 {
			d.Fatalf("%s: %v %s", event.job, err, done.Payload)
		}
		if !slices.ContainsFunc(d.account.Sandbox().Account(event.account).Instances(sandbox.DefaultRegion), func(i sandbox.Instance) bool {
			return slices.Contains(answer.Instances, fleet.ResourceID(i.ID))
		}) {
			d.Errorf("%s: nothing was done in %s: %s", event.job, event.account, done.Payload)
		}
		records, errs := journal.Read(d.Context(), d.session().Objects(sandbox.DefaultBucket, "journal/"), journal.Query{Last: 5})
		if n := slices.IndexFunc(records, func(r journal.Record) bool { return r.Job == event.job }); len(errs) > 0 || n < 0 || records[n].Done != len(answer.Instances) {
			d.Errorf("%s: the journal has %+v %v", event.job, records, errs)
		}
	}

	// The report goes through the same accounts, and its rows are kept.
	if done, err := functions.Invoke(d.Context(), s.Outputs["FunctionName"], []byte(`{"action": "report"}`)); err != nil || done.Failed {
		d.Errorf("report: %v %s", err, done.Payload)
	}
	if !slices.ContainsFunc(d.account.Sandbox().Objects(sandbox.DefaultBucket), func(key string) bool { return strings.HasPrefix(key, "history/") }) {
		d.Errorf("no rows are kept: %v", d.account.Sandbox().Objects(sandbox.DefaultBucket))
	}

	d.must(0, "", []string{"--yes"}, "no changes")
	d.write("nightshift.yaml", strings.Replace(withoutRulesFile, "start: never", "start: { at: Mon-Fri 07:00 }", 1))
	d.must(0, "", []string{"--yes"}, "+  start: { at: Mon-Fri 07:00 }", "+  StartOnTime", "UPDATE_COMPLETE")
}
