package metrics_test

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"nightshift/internal/amazon"
	"nightshift/internal/backup"
	"nightshift/internal/config"
	"nightshift/internal/cost"
	"nightshift/internal/cost/recommend"
	"nightshift/internal/fleet"
	"nightshift/internal/metrics"
	"nightshift/internal/power"
	"nightshift/internal/price"
	"nightshift/internal/schedule"
	"nightshift/internal/watch"
)

// The largest estate that the budgets are made for.
const (
	mostAccounts = 20
	mostRegions  = 5
	mostMachines = 10_000
	mostNamed    = 60 // schedules
	mostPolicies = 10 // of backups
)

// largest is an estate in which everything has as many values as can be, and tags that
// somebody wrote in order to do harm.
func largest(hour int) *watch.State {
	now := time.Date(2026, 11, 30, hour, 0, 0, 0, time.UTC)
	st := &watch.State{Made: now, Config: watch.Config{Value: &config.Config{}, Loaded: now}}
	for n := range mostNamed {
		hours, err := schedule.Parse(fmt.Sprintf("Mon-Fri 08:00-%02d:%02d", 18+n%5, n%60), time.UTC)
		if err != nil {
			panic(err)
		}
		st.Config.Value.Schedules = append(st.Config.Value.Schedules, config.Schedule{Name: fmt.Sprint("schedule-", n), Schedule: hours})
	}
	for n := range 40 {
		st.Config.Value.Notify.Recipients = append(st.Config.Value.Notify.Recipients, config.Recipient{Name: fmt.Sprint("team-", n)})
	}
	kinds, states := power.Kinds(), []fleet.State{fleet.Running, fleet.Stopped, fleet.Pending, fleet.Stopping}
	amounts := watch.Amounts{MonthToDate: price.Dollar, RunRate: 2 * price.Dollar, Forecast: 3 * price.Dollar}
	st.Cost = watch.Cost{Part: watch.Part{At: now}, Rows: 100, Priced: 99, Savings: &cost.Savings{}, Tags: map[string][]watch.NamedAmounts{}}
	for a := range mostAccounts {
		for r := range mostRegions {
			t := watch.Target{Target: fleet.Target{Account: fleet.Account(fmt.Sprintf("%012d", a)), Region: fleet.Region(fmt.Sprint("region-", r))}, Up: true, At: now}
			for m := range mostMachines / mostAccounts / mostRegions {
				n := len(st.Targets)*100 + m
				step := power.Step{
					Machine: fleet.Machine{Kind: kinds[n%7%4], ID: fleet.ResourceID(fmt.Sprint("i-", n)), State: states[(n+hour)%11%4], Started: now.Add(-time.Hour)},
					Desired: power.Desired{State: schedule.Running, Schedule: fmt.Sprint("schedule-", n%mostNamed)},
				}
				if n%3 == 0 {
					step.Action, step.Desired.State = power.Stop, schedule.Stopped
				}
				if n%10 == 0 {
					step.Desired.Schedule = hostile(n)
				}
				t.Steps = append(t.Steps, step)
			}
			st.Targets = append(st.Targets, t)
			st.Backups.Targets = append(st.Backups.Targets, copied(t.Target, now))
			st.Cost.Targets = append(st.Cost.Targets, watch.TargetCost{Target: t.Target, Amounts: amounts})
		}
	}
	for n := range 12 {
		key := fmt.Sprint("Key-", n)
		for k := range 3000 {
			st.Cost.Tags[key] = append(st.Cost.Tags[key], watch.NamedAmounts{Name: hostile(k), Amounts: amounts})
		}
	}
	for n := range 50 {
		st.Cost.Services = append(st.Cost.Services, watch.NamedAmounts{Name: fmt.Sprint("Service ", n), Amounts: amounts})
		st.Cost.Recommendations = append(st.Cost.Recommendations, recommend.Listed{Code: fmt.Sprint("code-", n), Saving: cost.Known(price.Dollar)})
		st.Jobs = append(st.Jobs, watch.Job{Name: fmt.Sprint("job-", n)})
	}
	for n := range mostNamed {
		st.Cost.Savings.Schedules = append(st.Cost.Savings.Schedules, cost.SavedSum{Schedule: fmt.Sprint("schedule-", n), Gross: 2 * price.Dollar, Net: price.Dollar})
	}
	return st
}

// copied are the backups of an account and region with as many policies as may be.
func copied(t fleet.Target, now time.Time) watch.BackupTarget {
	b := watch.BackupTarget{Up: true, Status: backup.Status{
		Target: t, At: now, Monthly: price.StorageBound{High: price.Dollar, Priced: true}, Quota: &backup.SnapshotQuota{Used: 300, Limit: 1000},
	}}
	for n := range 2 * mostMachines / mostAccounts / mostRegions {
		all := backup.Coverages()
		b.Volumes = append(b.Volumes, backup.VolumeStatus{Volume: fleet.VolumeID(fmt.Sprint("vol-", n)), Coverage: all[n%len(all)]})
	}
	for n := range mostPolicies {
		b.Policies = append(b.Policies, backup.PolicyStatus{
			Policy: backup.PolicyID(fmt.Sprint("policy-", n)), Volumes: 5, Oldest: new(now.Add(-time.Hour)), Complete: 30, Waiting: new(1),
		})
	}
	return b
}

// hostile are texts that tags may have.
func hostile(n int) string {
	return fmt.Sprintf([]string{
		"%d\nnightshift_machines 1", "%d\"} 1 #", "\xff\xfe%d", "\x00%d", "%d" + strings.Repeat("長", 200), "%d{a=\"b\"}", "%d\\n", "<script>%d", "other", " %d ",
	}[n/10%10], n)
}

// gather is what a scrape gets, by family.
func gather(t testing.TB, m *metrics.Metrics) map[string]*dto.MetricFamily {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(m)
	list, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*dto.MetricFamily{}
	for _, f := range list {
		all[f.GetName()] = f
	}
	return all
}

func valueOf(m *dto.Metric) float64 { return m.GetGauge().GetValue() + m.GetCounter().GetValue() }

// total adds up the series of a family, those with a label's value only where one is
// given.
func total(f *dto.MetricFamily, label ...string) float64 {
	var all float64
	for _, m := range f.GetMetric() {
		matches := len(label) == 0
		for _, l := range m.GetLabel() {
			matches = matches || l.GetName() == label[0] && l.GetValue() == label[1]
		}
		if matches {
			all += valueOf(m)
		}
	}
	return all
}

// busy is a process that has also called every operation there could be.
func busy(state func() *watch.State, now func() time.Time) *metrics.Metrics {
	m := metrics.New(metrics.Options{State: state, Now: now, Version: "1.0"})
	for n := range 300 {
		m.Observer().Called("", amazon.Call{Service: fmt.Sprint("Service", n%30), Action: fmt.Sprint("Operation", n), Code: fmt.Sprint("Code", n), Attempt: 2})
		m.Noticed(fmt.Sprint("nobody-", n), n%2 == 0)
		m.LeaseHeld(fmt.Sprint("job-", n), true)
	}
	return m
}

// TestBudget holds the series of the largest estate to what the documentation says,
// through a day in which its machines change.
func TestBudget(t *testing.T) {
	st := largest(0)
	m := busy(func() *watch.State { return st }, func() time.Time { return st.Made })
	server := httptest.NewServer(m.Handler())
	defer server.Close()
	budgets := map[string]int{}
	for _, f := range metrics.Families() {
		budgets[f.Name] = f.Budget
	}
	for hour := 0; hour < 24; hour += 4 {
		st = largest(hour)
		series := 0
		all := gather(t, m)
		for name, f := range all {
			series += len(f.GetMetric())
			if len(f.GetMetric()) > budgets[name] {
				t.Errorf("%02d:00: %s has %d series of %d", hour, name, len(f.GetMetric()), budgets[name])
			}
		}
		if series > 1900 { // Go and the process have the rest
			t.Errorf("%02d:00: %d series", hour, series)
		}
		for name, want := range map[string]float64{
			"nightshift_machines": mostMachines, "nightshift_cost_run_rate_usd": 2 * mostAccounts * mostRegions,
			"nightshift_cost_service_run_rate_usd": 100, "nightshift_savings_usd": mostNamed, "nightshift_recommendations": 50,
			"nightshift_aws_requests_total": 300, "nightshift_aws_request_failures_total": 300, "nightshift_target_up": mostAccounts * mostRegions,
			"nightshift_cost_tag_run_rate_usd": 12 * 2 * 3000, "nightshift_backup_volumes": 2 * mostMachines,
			"nightshift_backup_copies": 30 * mostPolicies * mostAccounts * mostRegions, "nightshift_backup_cost_usd": mostAccounts * mostRegions,
		} {
			if got := total(all[name]); math.Abs(got-want) > 0.001 {
				t.Errorf("%02d:00: %s sums to %v, want %v", hour, name, got, want)
			}
		}
		if got := total(all["nightshift_metrics_overflow_total"], "family", "nightshift_machines"); got == 0 {
			t.Errorf("%02d:00: no series of nightshift_machines was counted as folded", hour)
		}
	}
	began := time.Now()
	answer, err := http.Get(server.URL) //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := 0
	for line := range strings.SplitSeq(read(t, answer.Body), "\n") {
		if line != "" && line[0] != '#' {
			lines++
		}
	}
	t.Logf("%d series in %v", lines, time.Since(began))
	if lines > 2000 {
		t.Errorf("%d series, want at most 2,000", lines)
	}
}

// TestStableSeries reads the estate again and again: what is folded is chosen once a
// day, so that no series comes and goes.
func TestStableSeries(t *testing.T) {
	st := largest(9)
	m := metrics.New(metrics.Options{State: func() *watch.State { return st }, Now: func() time.Time { return st.Made }})
	names := func() map[string]bool {
		groups := map[string]bool{}
		for _, s := range gather(t, m)["nightshift_cost_tag_run_rate_usd"].GetMetric() {
			groups[s.String()[:strings.Index(s.String(), "gauge")]] = true
		}
		return groups
	}
	before := names()
	st = largest(9)
	st.Made = st.Made.Add(5 * time.Minute)
	for _, values := range st.Cost.Tags {
		slices.Reverse(values) // others are the largest now
	}
	if after := names(); fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("the series of tags are others after five minutes")
	}
}

// BenchmarkScrape measures a scrape after a new State, and TestScrapeTime holds it.
func BenchmarkScrape(b *testing.B) {
	states := []*watch.State{largest(10), largest(11)}
	n := 0
	m := busy(func() *watch.State { return states[n%2] }, evening)
	handler := m.Handler()
	for b.Loop() {
		n++
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		if recorder.Code != http.StatusOK {
			b.Fatal(recorder.Code)
		}
	}
}

func TestScrapeTime(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector slows it down")
	}
	states := []*watch.State{largest(10), largest(11)}
	n := 0
	handler := busy(func() *watch.State { return states[n%2] }, evening).Handler()
	best := time.Hour
	for ; n < 10; n++ {
		began := time.Now()
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/metrics", nil))
		best = min(best, time.Since(began))
	}
	t.Logf("a scrape takes %v", best)
	if best > 100*time.Millisecond {
		t.Errorf("a scrape takes %v, want at most 100 ms", best)
	}
}
