package cli_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/cli"
	"nightshift/internal/sandbox"
)

// The permissions that `nightshift policy` prints are proven here both ways: they
// suffice for every command, none of their actions can be left out, and each of their
// conditions and resources keeps something out.

// Where the trial account has its configuration, and the names in it.
const (
	trialFolder    = "s3://" + sandbox.DefaultBucket + "/"
	trialConfig    = trialFolder + "settings/nightshift.yaml"
	trialBounded   = trialFolder + "settings/bounded.yaml"
	trialNotices   = trialFolder + "settings/notices.yaml"
	trialMaker     = trialFolder + "settings/maker.yaml"
	trialParameter = "ssm:/nightshift/config"
)

// trialText is a configuration that needs all that nightshift can do. Rules, some
// places and accounts are what it needs permissions for.
const trialText = `timezone: UTC
journal: ` + trialFolder + `runs
schedules: { nights: Mon-Sun 00:00-08:00, days: Mon-Sun 08:00-20:00 }
power:
  rules:
    - { tag: Days=first, schedule: days }
    - { tag: Days=second, kinds: [instance, db-instance, db-cluster, auto-scaling-group], schedule: days, after: Days=first, change_type: true }
    - { tag: Nights, kinds: [instance, db-instance, db-cluster, auto-scaling-group], schedule: nights }
`

// trialCosts is what can be configured for reports.
const trialCosts = `cost:
  history: ` + trialFolder + `history
  prices: ` + trialFolder + `prices
  bill: ` + trialFolder + `exports
  cost_explorer: { requests: 20 }
`

// trialRecipients are told through all that needs a permission.
const trialRecipients = `notify:
  recipients:
    chat: { slack: "secretsmanager:nightshift/slack" }
    mail: { sns: "arn:aws:sns:` + sandbox.DefaultRegion + `:` + sandbox.AccountID + `:nightshift" }
    team: { teams: "ssm:/nightshift/teams" }
`

// trialAccounts are those of an organization.
const trialAccounts = "accounts: [{ organization: " + sandbox.MemberRole + ", external_id: " + sandbox.MemberExternalID + " }]\n"

// trial is an account with a member, with machines of every kind that are to be
// stopped and to be started now, and with a configuration. Its clock stands still.
type trial struct {
	*sandbox.Server
	t      *testing.T
	env    map[string]string
	member *sandbox.Account
}

func newTrial(t *testing.T) *trial {
	t.Helper()
	return newTrialOf(t, sandbox.Options{Start: evening(), Speed: -1, Accounts: sandbox.Members(1)})
}

func newTrialOf(t *testing.T, o sandbox.Options) *trial {
	t.Helper()
	y := &trial{t: t, Server: quickAccount(t, o)}
	y.env = reach(y.Server)
	y.env["NIGHTSHIFT_SANDBOX_SPEED"] = "1000" // for the pauses between tries
	for key, value := range y.env {
		t.Setenv(key, value) // the SDK reads the process's environment
	}
	s := y.Sandbox()
	y.member = s.Account(dev)
	for name, text := range map[string]string{
		"settings/nightshift.yaml": trialText, "settings/all.yaml": trialText + trialCosts + trialAccounts,
		"settings/notices.yaml": trialText + trialRecipients,
		"settings/bounded.yaml": trialText + "deploy: { permissions_boundary: '" + edge + "' }\n", "settings/maker.yaml": trialText + "deploy: { service_role: '" + maker + "' }\n",
	} {
		y.must(y.session().Objects(sandbox.DefaultBucket, "").Put(t.Context(), name, []byte(text)))
	}
	for name, text := range copySettings() {
		y.must(y.session().Objects(sandbox.DefaultBucket, "").Put(t.Context(), name, []byte(text)))
	}
	y.must(s.SetParameter(sandbox.DefaultRegion, sandbox.Parameter{Name: "/nightshift/config", Value: trialText, Secret: true}))
	chat := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(chat.Close)
	y.must(s.SetParameter(sandbox.DefaultRegion, sandbox.Parameter{Name: "/nightshift/teams", Value: chat.URL, Secret: true}))
	_, err := s.SetSecret(sandbox.DefaultRegion, "nightshift/slack", chat.URL)
	y.must(err)
	_, err = s.AddTopic(sandbox.DefaultRegion, "nightshift")
	y.must(err)
	y.machines(s.Account(sandbox.AccountID), map[string]string{
		"Days=first": "배치서버", "Days=second": "야간-리포트", "Nights=yes": "개발-웹서버-1", "Nights=spot": "spot-batch",
	})
	y.machines(y.member, map[string]string{"Days=first": "build-0001", "Days=second": "report-0001", "Nights=yes": "office-0001"})
	s.Advance(5 * time.Minute)
	return y
}

// quickAccount serves an account whose exchanges are not held to the models of AWS:
// other tests do that.
func quickAccount(t *testing.T, o sandbox.Options) *sandbox.Server {
	t.Helper()
	s, err := sandbox.New(o)
	if err != nil {
		t.Fatal(err)
	}
	server, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server
}

// machines puts databases, clusters and groups into an account, and gives tags to
// some of its instances.
func (y *trial) machines(a *sandbox.Account, tagged map[string]string) {
	y.t.Helper()
	for tag, name := range tagged {
		i, _ := a.Named(sandbox.DefaultRegion, name)
		key, value, _ := strings.Cut(tag, "=")
		if !a.SetTags(i.ID, map[string]string{key: value, "nightshift:types": i.Type + ",m5.xlarge"}) {
			y.t.Fatalf("there is no %s", name)
		}
	}
	long := a.Now().AddDate(0, 0, -3)
	suspended := []string{"AlarmNotification", "ScheduledActions"}
	days, nights := map[string]string{"Days": "second", "nightshift:sizes": "1/2/3 " + strings.Join(suspended, "+") + " stop " + long.Format(time.RFC3339)}, map[string]string{"Nights": "yes"}
	for n, tags := range []map[string]string{days, nights} {
		name, started := []string{"day", "night"}[n], []time.Time{long, long.Add(time.Hour)}[n]
		y.must(a.AddDatabase(sandbox.DefaultRegion, sandbox.Database{ID: name + "-orders", Tags: tags, Created: long, Started: started, Stopped: long.Add(time.Minute)}))
		y.must(a.AddDatabase(sandbox.DefaultRegion, sandbox.Database{ID: name + "-ledger", Cluster: true, Tags: tags, Created: long, Started: started, Stopped: long.Add(time.Minute)}))
		y.must(a.AddGroup(sandbox.DefaultRegion, sandbox.Group{Name: name, Min: n, Desired: n, Max: 3, Tags: tags, Suspended: suspended[:2-2*n], Created: long}))
	}
}

func (y *trial) must(err error) {
	y.t.Helper()
	if err != nil {
		y.t.Fatal(err)
	}
}

// session is that of the account's user.
func (y *trial) session() *amazon.Session {
	y.t.Helper()
	session, err := amazon.Open(y.t.Context(), amazon.Options{
		Endpoint: &amazon.Endpoint{URL: y.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey},
		Region:   sandbox.DefaultRegion,
	})
	y.must(err)
	return session
}

// policy is what `nightshift policy` prints.
func (y *trial) policy(args ...string) []byte {
	y.t.Helper()
	code, stdout, stderr := y.run(append([]string{"policy", "--bucket", sandbox.DefaultBucket}, args...)...)
	if code != 0 {
		y.t.Fatalf("nightshift policy %v: %d %s", args, code, stderr)
	}
	return []byte(stdout)
}

// run runs nightshift with the account's user.
func (y *trial) run(args ...string) (code int, stdout, stderr string) {
	y.t.Helper()
	var out, errs bytes.Buffer
	code = cli.Main(args, cli.System{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Env: func(key string) string { return y.env[key] }, Now: y.Sandbox().Now,
	})
	return code, out.String(), errs.String()
}
