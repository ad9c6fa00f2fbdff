package metrics_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"nightshift/internal/config"
	"nightshift/internal/cost"
	"nightshift/internal/cost/recommend"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/metrics"
	"nightshift/internal/power"
	"nightshift/internal/price"
	"nightshift/internal/schedule"
	"nightshift/internal/watch"
)

// evening is a Monday at 19:10 in UTC.
func evening() time.Time { return time.Date(2026, 11, 30, 19, 10, 0, 0, time.UTC) }

// configuration is one with an office's hours.
func configuration(t *testing.T) *config.Config {
	t.Helper()
	hours, err := schedule.Parse("Mon-Fri 08:00-19:00", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return &config.Config{Journal: "s3://journal/", Schedules: []config.Schedule{{Name: "office", Schedule: hours}}}
}

// estate is a small State in which every family has something to say.
func estate(t *testing.T) *watch.State {
	t.Helper()
	now := evening()
	stopSince := now.Add(-10 * time.Minute)
	machine := func(id string, state fleet.State, started time.Time) fleet.Machine {
		return fleet.Machine{Kind: fleet.KindInstance, ID: fleet.ResourceID(id), State: state, Started: started}
	}
	step := func(m fleet.Machine, a power.Action, code, name string, desired schedule.State) power.Step {
		return power.Step{Machine: m, Action: a, Reason: fleet.Reason{Code: code}, Desired: power.Desired{State: desired, Since: stopSince, Schedule: name}}
	}
	morning := now.Add(-11 * time.Hour)
	overridden := step(machine("i-4", fleet.Running, morning), power.None, "as-wanted", "office", schedule.Running)
	overridden.Desired.Override = fleet.Override{State: fleet.Running, Since: now.Add(-time.Hour), Until: now.Add(time.Hour)}
	invalid := step(machine("i-5", fleet.Running, morning), power.None, "bad-schedule", "", schedule.Unmanaged)
	invalid.Invalid = true
	home := fleet.Target{Account: "111111111111", Region: "eu-west-1"}
	away := fleet.Target{Account: "222222222222", Region: "us-east-1"}
	every, err := schedule.Every(5 * time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	usd := func(s string) price.USD {
		amount, err := price.ParseUSD(s)
		if err != nil {
			t.Fatal(err)
		}
		return amount
	}
	amounts := watch.Amounts{MonthToDate: usd("90.5"), RunRate: usd("100"), Forecast: usd("95")}
	return &watch.State{
		Made: now, SweepEvery: 5 * time.Minute,
		Config: watch.Config{Value: configuration(t), Loaded: now.Add(-time.Hour), Rejected: []string{"nightshift.yaml:3:1: no"}},
		Targets: []watch.Target{
			{Target: home, Up: true, At: now, Steps: []power.Step{
				step(machine("i-1", fleet.Stopped, morning), power.None, "as-wanted", "office", schedule.Stopped),
				step(machine("i-2", fleet.Running, morning), power.Stop, "stop", "office", schedule.Stopped),
				step(machine("i-3", fleet.Running, now.Add(-5*time.Minute)), power.None, "started-by-hand", "Mon-Fri 09:00-17:00", schedule.Stopped),
				overridden, invalid,
			}},
			{Target: away, At: now.Add(-time.Hour), Err: "unreachable"},
		},
		Cost: watch.Cost{
			Part: watch.Part{At: now.Add(-2 * time.Hour)}, Total: amounts,
			Targets:  []watch.TargetCost{{Target: home, Amounts: amounts}},
			Services: []watch.NamedAmounts{{Name: "EC2", Amounts: amounts}},
			Tags:     map[string][]watch.NamedAmounts{"Team": {{Name: "a", Amounts: amounts}, {}}},
			Priced:   3, Rows: 4,
			Savings:         &cost.Savings{Schedules: []cost.SavedSum{{Schedule: "office", Gross: usd("12.25"), EBS: usd("2"), Net: usd("10.25")}}},
			Recommendations: []recommend.Listed{{Code: "idle-address", Saving: cost.Known(usd("3.65"))}},
		},
		Jobs: []watch.Job{
			{
				Name: "power", When: every, Next: now.Add(5 * time.Minute), LastSuccess: now.Add(-5 * time.Minute),
				Last: &journal.Record{Job: "power", Started: now, Duration: 1500 * time.Millisecond},
			},
		},
		Journal: watch.Part{At: now},
		Backups: backups(home, away),
	}
}

// of are the metrics of a State.
func of(st *watch.State) *metrics.Metrics {
	return metrics.New(metrics.Options{State: func() *watch.State { return st }, Now: evening, Version: "1.0", Revision: "abc"})
}

func TestLint(t *testing.T) {
	m := of(estate(t))
	m.LeaseHeld("power", true)
	m.Noticed("ops", true)
	problems, err := testutil.CollectAndLint(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestPedantic(t *testing.T) {
	for name, st := range map[string]*watch.State{"nothing known": nil, "an empty state": {}, "an estate": estate(t)} {
		t.Run(name, func(t *testing.T) {
			registry := prometheus.NewPedanticRegistry()
			if err := registry.Register(of(st)); err != nil {
				t.Fatal(err)
			}
			if _, err := registry.Gather(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestHandler(t *testing.T) {
	server := httptest.NewServer(of(estate(t)).Handler())
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	answer, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if kind := answer.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/openmetrics-text") {
		t.Errorf("content type %q", kind)
	}
	body := read(t, answer.Body)
	for _, line := range []string{"nightshift_target_up{aws_account_id=\"111111111111\",aws_region=\"eu-west-1\"} 1.0", "go_goroutines ", "process_start_time_seconds ", "# EOF"} {
		if !strings.Contains(body, line) {
			t.Errorf("the answer lacks %q", line)
		}
	}
}

func read(t testing.TB, from io.Reader) string {
	t.Helper()
	all, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}
