package watch_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/app"
	"nightshift/internal/blob"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/power"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
	"nightshift/internal/watch"
)

const region = fleet.Region("ap-northeast-2")

const officeHours = `timezone: Asia/Seoul
regions: [ap-northeast-2]
journal: JOURNAL
cost: { tags: [Env] }
metrics: { tags: [Name] }
schedules:
  office-hours: Mon-Fri 08:00-19:00
power:
  rules:
    - { tag: AutoStopStart=Yes, schedule: office-hours }
`

// world is a sandbox on a Monday evening in Seoul whose clock stands still, and a
// Watcher that looks at it.
type world struct {
	*sandbox.Sandbox
	now     time.Time
	tick    time.Duration // by which each look at the clock moves it on
	looks   atomic.Int64
	app     *app.App
	watcher *watch.Watcher
	config  string // the path of the configuration
	journal string // its folder
}

func newWorld(t *testing.T, o sandbox.Options) *world {
	t.Helper()
	w := &world{now: time.Date(2026, 11, 23, 20, 0, 0, 0, time.FixedZone("KST", 9*3600))}
	o.Start, o.Speed = w.now, -1
	server := sandboxtest.Start(t, o)
	w.Sandbox = server.Sandbox()
	dir := t.TempDir()
	w.config, w.journal = filepath.Join(dir, "nightshift.yaml"), filepath.Join(dir, "journal")
	w.configure(t, officeHours)
	clock := func() time.Time {
		return w.now.Add(w.tick * time.Duration(w.looks.Add(1)))
	}
	w.app = app.New(app.Options{Now: clock, Endpoint: &amazon.Endpoint{URL: server.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey}})
	w.watcher = watch.New(watch.Options{App: w.app, Now: clock, Selection: app.Selection{Config: blob.Ref{Scheme: blob.File, Path: w.config}}})
	return w
}

// configure writes the configuration.
func (w *world) configure(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(w.config, []byte(strings.ReplaceAll(text, "JOURNAL", w.journal)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// pass moves both clocks.
func (w *world) pass(d time.Duration) {
	w.now = w.now.Add(d)
	w.Advance(d)
}

func (w *world) reload(t *testing.T) bool {
	t.Helper()
	changed, err := w.watcher.Reload(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func (w *world) sweep(t *testing.T) *watch.State {
	t.Helper()
	if err := w.watcher.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w.watcher.State()
}

// apply runs the job power, as another process would.
func (w *world) apply(t *testing.T) {
	t.Helper()
	s, err := w.app.Open(t.Context(), app.Selection{Config: blob.Ref{Scheme: blob.File, Path: w.config}, NeedConfig: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Power(t.Context(), app.PowerInput{}); err != nil {
		t.Fatal(err)
	}
}

// stops counts the machines that a run would stop.
func stops(s *watch.State) (n int) {
	for _, t := range s.Targets {
		for _, step := range t.Steps {
			if step.Action == power.Stop {
				n++
			}
		}
	}
	return n
}

func TestASweepSeesMachinesAndRuns(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	if s := w.watcher.State(); s == nil || s.Config.Value != nil || len(s.Targets) > 0 {
		t.Errorf("before anything is read: %+v", s)
	}
	if !w.reload(t) || w.reload(t) {
		t.Error("the first reading is news, the second is not")
	}
	before := w.sweep(t)
	if len(before.Targets) != 1 || !before.Targets[0].Up || before.Targets[0].Region != region || stops(before) == 0 {
		t.Fatalf("%+v", before.Targets)
	}
	if len(before.Jobs) == 0 || before.Jobs[0].Last != nil || before.Jobs[0].Next.Sub(w.now) != 5*time.Minute {
		t.Errorf("jobs: %+v", before.Jobs)
	}
	w.pass(time.Minute)
	w.apply(t)
	w.pass(5 * time.Minute)
	after := w.sweep(t)
	if stops(after) > 0 || !after.Targets[0].At.Equal(w.now) || before.Targets[0].At.Equal(w.now) {
		t.Errorf("after the run %d machines are to be stopped", stops(after))
	}
	if len(after.Runs) != 1 || after.Jobs[0].Last == nil || after.Jobs[0].Last.Run == "" || after.Jobs[0].LastSuccess.IsZero() {
		t.Fatalf("runs: %+v, jobs: %+v", after.Runs, after.Jobs)
	}
	stopped := after.Runs[0].Outcomes[0]
	acts := after.Acts[after.Targets[0].Key(fleet.Machine{Kind: stopped.Kind, ID: stopped.ID})]
	if len(acts) != 1 || acts[0].Action != power.Stop || acts[0].Result != fleet.Done || acts[0].Run != after.Runs[0].Run {
		t.Errorf("%s: %+v", stopped.ID, acts)
	}
}

func TestAConfigurationWithErrorsIsNotUsed(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.reload(t)
	good := w.watcher.State().Config
	w.pass(time.Minute)
	w.configure(t, strings.Replace(officeHours, "Mon-Fri 08:00", "Mon-Fry 08:00", 1))
	if w.reload(t) {
		t.Error("one with errors is in force")
	}
	rejected := w.now
	w.pass(10 * time.Minute)
	w.reload(t)
	bad := w.watcher.State().Config
	if !bad.RejectedSince.Equal(rejected) || !bad.Checked.Equal(w.now) {
		t.Errorf("rejected at %s, it says %s", rejected, bad.RejectedSince)
	}
	if len(bad.Rejected) != 1 || !strings.Contains(bad.Rejected[0], "Fry") || bad.Hash != good.Hash || bad.Value != good.Value || !bad.Checked.After(good.Checked) {
		t.Errorf("%+v", bad)
	}
	if strings.Contains(bad.Rejected[0], "\n") {
		t.Errorf("the line is shown: %s", bad.Rejected[0])
	}
	if s := w.sweep(t); stops(s) == 0 {
		t.Error("the rules of before are not followed")
	}
	w.configure(t, strings.Replace(officeHours, "19:00", "21:00", 1))
	if !w.reload(t) {
		t.Error("a good one is not in force")
	}
	if s := w.sweep(t); stops(s) > 0 || len(s.Config.Rejected) > 0 || !s.Config.RejectedSince.IsZero() || s.Config.Hash == good.Hash {
		t.Errorf("%d stops, %+v", stops(s), s.Config)
	}
	if err := os.Remove(w.config); err != nil {
		t.Fatal(err)
	}
	if w.reload(t) || len(w.watcher.State().Config.Rejected) != 1 || w.watcher.State().Config.Value == nil {
		t.Errorf("without the file: %+v", w.watcher.State().Config)
	}
}

func TestCostsAddUp(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.reload(t)
	if err := w.watcher.SweepCosts(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := w.watcher.State().Cost
	if c.Total.RunRate == 0 || c.Rows == 0 || c.Priced == 0 || len(c.Recommendations) == 0 || c.Savings == nil || !c.At.Equal(w.now) {
		t.Errorf("%+v", c)
	}
	for what, parts := range map[string][]watch.NamedAmounts{"services": c.Services, "the tag Env": c.Tags["Env"], "the tag Name": c.Tags["Name"]} {
		var sum watch.Amounts
		for _, p := range parts {
			sum.MonthToDate, sum.RunRate, sum.Forecast = sum.MonthToDate.Add(p.MonthToDate), sum.RunRate.Add(p.RunRate), sum.Forecast.Add(p.Forecast)
		}
		if sum != c.Total || len(parts) < 2 {
			t.Errorf("%d %s: %+v, in all %+v", len(parts), what, sum, c.Total)
		}
	}
	for _, call := range w.Calls() {
		if call.Service == "ce" || call.Service == "monitoring" {
			t.Errorf("%s is paid for: %s", call.Service, call.Action)
		}
	}
}

// What could be read is as old as it is, although an account cannot be reached.
func TestAnAccountThatCannotBeReached(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.configure(t, officeHours+"accounts:\n  - { name: central }\n  - { name: shop, role: \"arn:aws:iam::200000000001:role/nobody\" }\n")
	w.reload(t)
	s := w.sweep(t)
	if !s.Machines.At.Equal(w.now) || !strings.Contains(s.Machines.Err, "nobody") {
		t.Errorf("machines: %+v", s.Machines)
	}
	var up []bool
	for _, target := range s.Targets {
		up = append(up, target.Up)
	}
	if !slices.Equal(up, []bool{true, false}) {
		t.Errorf("targets: %+v", s.Targets)
	}
}

// TestSweepEvery: the machines are read as often as power runs, at least every five
// minutes, and as often as was said where something was.
func TestSweepEvery(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	check := func(what string, of *watch.Watcher, want time.Duration) {
		t.Helper()
		if _, err := of.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := of.State().SweepEvery; got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	if got := w.watcher.State().SweepEvery; got != 5*time.Minute {
		t.Errorf("before a configuration is read: %v", got)
	}
	w.configure(t, officeHours+"jobs: { power: { every: 2m } }\n")
	check("power runs often", w.watcher, 2*time.Minute)
	w.configure(t, officeHours+"jobs: { power: { every: 15m } }\n")
	check("power runs seldom", w.watcher, 5*time.Minute)
	asked := watch.New(watch.Options{
		App: w.app, Now: func() time.Time { return w.now }, Sweep: time.Hour,
		Selection: app.Selection{Config: blob.Ref{Scheme: blob.File, Path: w.config}},
	})
	check("asked for", asked, time.Hour)
}

// Machines of two accounts, or of two kinds, may have the same id. A record that names no
// account is of our own.
func TestActsOfTheSameID(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.reload(t)
	other := fleet.Target{Account: "999999999999", Region: region}
	record := func(minutes int, target fleet.Target, kind fleet.Kind) journal.Record {
		r := journal.Record{Run: fmt.Sprint("run-", minutes), Job: "power", Started: w.now.Add(-time.Duration(minutes) * time.Minute), Calls: map[string]int{"rds:StopDBInstance": 1}}
		r.Add(journal.Outcome{Target: target, Kind: kind, ID: "shop", Action: "stop", Result: fleet.Done})
		return r
	}
	w.watcher.Ran(record(30, fleet.Target{Region: region}, fleet.KindDatabase))
	s := w.sweep(t) // finds which account ours is
	w.watcher.Ran(record(20, fleet.Target{Region: region}, fleet.KindDatabase))
	w.watcher.Ran(record(10, other, fleet.KindDatabase))
	w.watcher.Ran(record(5, other, fleet.KindGroup))
	own := s.Targets[0].Target
	if own.Account == "" {
		t.Fatal("our account is not known")
	}
	s = w.watcher.State()
	for key, want := range map[watch.MachineKey][]string{
		{Target: own, Kind: fleet.KindDatabase, ID: "shop"}:   {"run-20", "run-30"},
		{Target: other, Kind: fleet.KindDatabase, ID: "shop"}: {"run-10"},
		{Target: other, Kind: fleet.KindGroup, ID: "shop"}:    {"run-5"},
	} {
		var got []string
		for _, a := range s.Acts[key] {
			got = append(got, a.Run)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v: %v, want %v", key, got, want)
		}
	}
	if len(s.Acts) != 3 || s.Runs[0].Calls["rds:StopDBInstance"] != 1 {
		t.Errorf("%d machines were acted on; the calls of the newest run are %v", len(s.Acts), s.Runs[0].Calls)
	}
}

// Of the machines it is known when the sweep began that read them: what was changed
// meanwhile may not be in it.
func TestASweepIsAsOldAsItsBegin(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.reload(t)
	w.tick = time.Second
	s := w.sweep(t)
	if at := s.Targets[0].At; !at.After(w.now) || !at.Before(s.Machines.Tried) {
		t.Errorf("it says %s, and ended at %s", at, s.Machines.Tried)
	}
}
