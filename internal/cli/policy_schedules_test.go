package cli_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/amazon"
	"nightshift/internal/cli"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
)

// nights is a configuration that needs all that nightshift can do: machines of
// every kind, an order that waits for status checks, and a journal in S3.
const nights = `timezone: UTC
journal: s3://` + sandbox.DefaultBucket + `/runs
schedules:
  nights: Mon-Sun 00:00-08:00
power:
  rules:
    - {tag: AutoStopStart=Yes, schedule: nights, change_type: true}
    - {tag: Nights, kinds: [instance, db-instance, db-cluster, auto-scaling-group], schedule: nights, after: AutoStopStart=Yes, change_type: true}
`

// nightsIn is where the configuration lies in the practice account.
const nightsIn = "s3://" + sandbox.DefaultBucket + "/settings/nightshift.yaml"

// nightly is a practice account with machines of every kind that follow the
// configuration, of which two instances may change their type.
func nightly(t *testing.T) (*sandbox.Server, *amazon.Session) {
	t.Helper()
	account := practice(t)
	session, err := amazon.Open(t.Context(), amazon.Options{
		Endpoint: &amazon.Endpoint{URL: account.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey},
		Region:   sandbox.DefaultRegion,
	})
	if err != nil {
		t.Fatal(err)
	}
	s, tags := account.Sandbox(), map[string]string{"Nights": "nights"}
	long := s.Now().AddDate(0, 0, -3)
	var resized []fleet.Machine // those of the type m5.large
	for _, name := range []string{"개발-WAS-1", "야간-리포트"} {
		i, _ := s.Named(sandbox.DefaultRegion, name)
		resized = append(resized, fleet.Machine{ID: fleet.ResourceID(i.ID)})
	}
	for _, err := range []error{
		session.Objects(sandbox.DefaultBucket, "").Put(t.Context(), "settings/nightshift.yaml", []byte(nights)),
		s.SetParameter(sandbox.DefaultRegion, sandbox.Parameter{Name: "/nightshift", Value: nights}),
		s.AddDatabase(sandbox.DefaultRegion, sandbox.Database{ID: "night-orders", Tags: tags, Created: long, Started: long}),
		s.AddDatabase(sandbox.DefaultRegion, sandbox.Database{ID: "night-ledger", Cluster: true, Tags: tags, Created: long, Started: long}),
		s.AddGroup(sandbox.DefaultRegion, sandbox.Group{Name: "workers", Min: 1, Desired: 2, Max: 3, Tags: tags, Created: long}),
		session.Fleet(sandbox.DefaultRegion).Mark(t.Context(), resized, fleet.Tags{"nightshift:types": "m5.large,m5.xlarge"}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return account, session
}

// nightsPolicy is what `nightshift policy` prints for the configuration.
func nightsPolicy(t *testing.T, account *sandbox.Server, config string, args ...string) []byte {
	t.Helper()
	env := reach(account)
	for key, value := range env {
		t.Setenv(key, value) // the SDK reads the process's environment
	}
	var stdout, stderr bytes.Buffer
	code := cli.Main(append([]string{"policy", "--bucket", sandbox.DefaultBucket, "--config", config}, args...), cli.System{
		Stdout: &stdout, Stderr: &stderr, Env: func(key string) string { return env[key] }, Now: account.Sandbox().Now,
	})
	if code != 0 {
		t.Fatalf("nightshift policy --config %s: %d %s", config, code, stderr.Bytes())
	}
	return stdout.Bytes()
}

// TestWidestPolicy: every operation that is captured is permitted by the
// policy of some configuration. One that is not would be refused when it is
// needed, or is left over.
func TestWidestPolicy(t *testing.T) {
	account, _ := nightly(t)
	costs := filepath.Join(t.TempDir(), "nightshift.yaml")
	if err := os.WriteFile(costs, []byte("accounts: [{ organization: nightshift }]\ncost: { prices: prices, cost_explorer: { requests: 1 } }\n"+
		"notify: { recipients: { ops: { slack: secretsmanager:slack }, mail: { sns: 'arn:aws:sns:eu-west-1:123456789012:nightshift' } } }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var permitted []string
	backups := filepath.Join(t.TempDir(), "nightshift.yaml")
	if err := os.WriteFile(backups, []byte("timezone: UTC\nbackup: { delete: unattended, policies: [\n"+
		"  { id: volumes, tag: Backup=a, resource: volume, schedule: { every: 6h }, keep: { last: 4 } },\n"+
		"  { id: daily, tag: Backup=b, schedule: { at: '02:00' }, keep: { daily: 7 } } ] }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	undelete := []string{"ec2:ListSnapshotsInRecycleBin", "ec2:RestoreSnapshotFromRecycleBin"} // for people alone
	for _, config := range []string{nightsIn, "ssm:/nightshift", costs, backups} {
		permitted = append(permitted, allowedActions(t, nightsPolicy(t, account, config))...)
	}
	permitted = append(permitted, allowedActions(t, printedPolicy(t, "--for", "deploy"))...)
	for _, action := range amazon.Actions() {
		if slices.Contains(permitted, action) == slices.Contains(undelete, action) && action != "sts:GetCallerIdentity" {
			t.Errorf("%s is captured, and the policy of no configuration permits it", action)
		}
	}
}

// TestPolicySufficesForSchedules gives the caller exactly the policy that is
// printed for this job, and lets it follow the configuration through an evening and a morning on
// which there is no capacity for one type.
func TestPolicySufficesForSchedules(t *testing.T) {
	account, _ := nightly(t)
	s := account.Sandbox()
	permitted := map[string][]byte{}
	for _, config := range []string{nightsIn, "ssm:/nightshift"} {
		permitted[config] = nightsPolicy(t, account, config, "--for", "power")
	}
	s.ResetCalls()
	defer func() { // also after a failure, which it explains
		_, needed := calls(account)
		for _, action := range needed {
			if !slices.Contains(amazon.Actions(), action) {
				t.Errorf("%s is needed, and amazon.Actions does not list it", action)
			}
		}
	}()
	follow := func(config string, want int) {
		t.Helper()
		if err := s.SetPolicy(permitted[config]); err != nil {
			t.Fatal(err)
		}
		if answer, code := command(t, account, "power", "apply", "--config", config, "--wait=false"); code != want || answer["data"].(map[string]any)["failed"] != nil {
			t.Errorf("exit code %d, want %d and no failures", code, want)
		}
	}
	running := func() map[string]bool {
		now, _ := s.Named(sandbox.DefaultRegion, "개발-WAS-1")
		workers, _ := s.Group(sandbox.DefaultRegion, "workers")
		r := map[string]bool{"instance": now.State == "running", "group": workers.Desired > 0}
		for _, d := range s.Databases(sandbox.DefaultRegion) {
			if _, own := d.Tags["Nights"]; own {
				r[d.ID] = d.Status == "available"
			}
		}
		return r
	}

	follow(nightsIn, 3) // the others wait for those that stop first
	s.Advance(time.Hour)
	follow("ssm:/nightshift", 0)
	s.Advance(time.Hour)
	if diff := cmp.Diff(map[string]bool{"instance": false, "group": false, "night-orders": false, "night-ledger": false}, running()); diff != "" {
		t.Errorf("running in the evening (-want +got)\n%s", diff)
	}

	faults, err := sandbox.ParseFaults("ec2:StartInstances=refuse,type=m5.large,code=InsufficientInstanceCapacity")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetFaults(faults); err != nil {
		t.Fatal(err)
	}
	s.Advance(14 * time.Hour)
	follow(nightsIn, 3)
	s.Advance(time.Hour)
	follow(nightsIn, 0)
	s.Advance(time.Hour)
	if diff := cmp.Diff(map[string]bool{"instance": true, "group": true, "night-orders": true, "night-ledger": true}, running()); diff != "" {
		t.Errorf("running in the morning (-want +got)\n%s", diff)
	}

	_, needed := calls(account)
	widest := slices.Concat(allowedActions(t, permitted[nightsIn]), allowedActions(t, permitted["ssm:/nightshift"]))
	for _, action := range needed {
		if !slices.Contains(widest, action) {
			t.Errorf("%s was needed and is not in the policy", action)
		}
	}
	for _, action := range widest {
		if !slices.Contains(needed, action) && action != "ec2:DescribeRegions" { // that is for all regions
			t.Errorf("%s is in the policy and was not needed", action)
		}
	}
}

// TestPolicyProtectsFromSchedules tries, under the printed policy, what
// following the configuration must not be able to do.
func TestPolicyProtectsFromSchedules(t *testing.T) {
	account, session := nightly(t)
	s := account.Sandbox()
	if err := s.AddGroup(sandbox.DefaultRegion, sandbox.Group{Name: "others", Min: 1, Desired: 1, Max: 1}); err != nil {
		t.Fatal(err)
	}
	if err := s.SetPolicy(nightsPolicy(t, account, nightsIn)); err != nil {
		t.Fatal(err)
	}
	machine := func(name string) []fleet.Machine {
		i, ok := s.Named(sandbox.DefaultRegion, name)
		if !ok {
			t.Fatalf("there is no %s", name)
		}
		return []fleet.Machine{{ID: fleet.ResourceID(i.ID)}}
	}
	ctx, f := t.Context(), session.Fleet(sandbox.DefaultRegion)
	bound, typed, other := machine("개발-웹서버-1"), machine("개발-WAS-1"), machine("운영-웹-1")
	databases, clusters, groups := session.Databases(sandbox.DefaultRegion), session.Clusters(sandbox.DefaultRegion), session.Groups(sandbox.DefaultRegion)
	database := func(kind, id string) []fleet.Machine {
		return []fleet.Machine{{ID: fleet.ResourceID(id), ARN: "arn:aws:rds:" + sandbox.DefaultRegion + ":" + sandbox.AccountID + ":" + kind + ":" + id}}
	}
	workers, others := []fleet.Machine{{ID: "workers"}}, []fleet.Machine{{ID: "others"}}
	ours, foreign := fleet.Tags{"nightshift:last": "stop"}, fleet.Tags{"Owner": "me"}
	objects := session.Objects(sandbox.DefaultBucket, "")
	_, readable := objects.Get(ctx, "settings/nightshift.yaml")
	_, unreadable := objects.Get(ctx, "ec2/report.xlsx")
	_, listed := objects.List(ctx, "runs/")
	_, unlisted := objects.List(ctx, "settings/")
	_, parameter := session.Parameter(ctx, "/nightshift")
	for what, tt := range map[string]struct {
		err    error
		denied bool
	}{
		"our tag":                     {f.Mark(ctx, bound, ours), false},
		"another tag":                 {f.Mark(ctx, bound, foreign), true},
		"the tag that permits a type": {f.Mark(ctx, bound, fleet.Tags{"nightshift:types": "p5.48xlarge"}), true},
		"another tag beside ours":     {f.Mark(ctx, bound, fleet.Tags{"nightshift:last": "stop", "Owner": "me"}), true},
		"our tag, on another machine": {f.Mark(ctx, other, ours), true},
		"the rule's tag on another":   {f.Mark(ctx, other, fleet.Tags{"AutoStopStart": "Yes"}), true},
		"a stop":                      {f.Stop(ctx, []fleet.ResourceID{bound[0].ID}, false), false},
		"a stop of another machine":   {f.Stop(ctx, []fleet.ResourceID{other[0].ID}, false), true},
		"a type without the tag":      {f.Resize(ctx, bound[0].ID, "m5.large"), true},
		"a type of another machine":   {f.Resize(ctx, other[0].ID, "m5.large"), true},

		"our tag on a database":      {databases.Mark(ctx, database("db", "night-orders"), ours), false},
		"another tag on a database":  {databases.Mark(ctx, database("db", "night-orders"), foreign), true},
		"our tag on another one":     {databases.Mark(ctx, database("db", "orders"), ours), true},
		"a stop of a database":       {databases.Stop(ctx, []fleet.ResourceID{"night-orders"}, false), false},
		"a stop of another database": {databases.Stop(ctx, []fleet.ResourceID{"orders"}, false), true},
		"another tag on a cluster":   {clusters.Mark(ctx, database("cluster", "night-ledger"), foreign), true},
		"a stop of another cluster":  {clusters.Stop(ctx, []fleet.ResourceID{"dev-aurora"}, false), true},
		"our tag on a group":         {groups.Mark(ctx, workers, ours), false},
		"another tag on a group":     {groups.Mark(ctx, workers, foreign), true},
		"our tag on another group":   {groups.Mark(ctx, others, ours), true},
		"a stop of another group":    {groups.Stop(ctx, []fleet.ResourceID{"others"}, false), true},

		"the configuration":          {readable, false},
		"another object":             {unreadable, true},
		"the journal":                {listed, false},
		"another folder":             {unlisted, true},
		"a parameter":                {parameter, true},
		"a record":                   {objects.Put(ctx, "runs/a.json", []byte("{}")), false},
		"the configuration, written": {objects.Put(ctx, "settings/nightshift.yaml", []byte("{}")), true},
	} {
		switch denied := errors.Is(tt.err, fleet.ErrDenied); {
		case denied != tt.denied:
			t.Errorf("%s: %v, want denied: %t", what, tt.err, tt.denied)
		case !denied && tt.err != nil:
			t.Errorf("%s: %v", what, tt.err)
		}
	}
	if err := f.Resize(ctx, typed[0].ID, "m5.large"); errors.Is(err, fleet.ErrDenied) || !errors.Is(err, fleet.ErrConflict) {
		t.Errorf("a type where its tag allows it, while it runs: %v, want the wrong state", err)
	}
}

// TestPolicyTellsOfUntagged warns where a rule is for every machine, and takes
// no configuration with mistakes.
func TestPolicyTellsOfUntagged(t *testing.T) {
	for text, want := range map[string]string{
		"schedules: {n: \"Mon 08:00-19:00\"}\npower: {allow_untagged: true, rules: [{schedule: n}]}": "warning: a rule without a tag lets the role stop, start and mark every machine of the kind instance",
		"schedules: {n: \"Mon 08:00-19:00\"}\npower: {rules: [{schedule: n}]}":                       "allow_untagged",
	} {
		file := filepath.Join(t.TempDir(), "nightshift.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"policy", "template"} {
			var stdout, stderr bytes.Buffer
			code := cli.Main([]string{name, "--config", file}, cli.System{
				Stdout: &stdout, Stderr: &stderr, Env: func(string) string { return "" }, Now: evening,
			})
			allowed := strings.Contains(text, "allow_untagged")
			if (code == 0) != allowed || (stdout.Len() > 0) != allowed || !strings.Contains(stderr.String(), want) {
				t.Errorf("nightshift %s: %d, %d bytes, %s\nwant %q", name, code, stdout.Len(), stderr.Bytes(), want)
			}
		}
	}
}

// TestPolicyOfOneJob gives the caller the policy for one job and runs it. Each
// suffices for its own job; what stops machines is permitted to none of these.
func TestPolicyOfOneJob(t *testing.T) {
	for job, tt := range map[string]struct {
		args []string
		code int
	}{
		"forecast": {[]string{"power", "forecast"}, 0},
		"history":  {[]string{"history"}, 0},
		"check":    {[]string{"check", "--live"}, 4}, // it finds that stops and starts are not permitted
		"report":   {[]string{"report", "--bucket", sandbox.DefaultBucket}, 0},
	} {
		t.Run(job, func(t *testing.T) {
			account, session := nightly(t)
			s := account.Sandbox()
			if err := s.SetPolicy(nightsPolicy(t, account, nightsIn, "--for", job)); err != nil {
				t.Fatal(err)
			}
			s.ResetCalls()
			if _, code := command(t, account, append(tt.args, "--config", nightsIn)...); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			for _, c := range s.Calls() {
				asked := []string{"ec2:StopInstances", "ec2:StartInstances", "ec2:CreateTags", "ec2:ModifyInstanceAttribute"}
				denied := strings.Contains(c.Code, "Unauthorized") || strings.Contains(c.Code, "AccessDenied")
				if denied && (job != "check" || !slices.Contains(asked, c.Permission)) {
					t.Errorf("%s is not permitted", c.Permission)
				}
			}
			i, _ := s.Named(sandbox.DefaultRegion, "개발-웹서버-1")
			if err := session.Fleet(sandbox.DefaultRegion).Stop(t.Context(), []fleet.ResourceID{fleet.ResourceID(i.ID)}, false); !errors.Is(err, fleet.ErrDenied) {
				t.Errorf("a stop: %v", err)
			}
		})
	}
}
