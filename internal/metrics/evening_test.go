package metrics_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/metrics/metricstest"
)

// TestAnEvening: a daemon lives an evening on which a machine does not stop, and later
// does. A real Prometheus is asked what the alerts would have said at each time.
func TestAnEvening(t *testing.T) {
	e := metricstest.Live(t)
	t.Run("observed", func(t *testing.T) { observed(t, e) })
	p := e.Serve(t, prometheusDir+"/nightshift-rules.yaml")
	minutes := func(at time.Time, n int) time.Time { return at.Add(time.Duration(n) * time.Minute) }
	for _, c := range []struct {
		what string
		at   time.Time
		want string
	}{
		{"an hour after the start", minutes(e.Begins, 60), ""},
		{"the first run has not stopped one machine", minutes(e.Stops, 1), ""},
		{"the second has not, either", minutes(e.Stops, 6), ""},
		{"after two runs", minutes(e.Stops, 11), "NightshiftOutOfSchedule"},
		{"after most of an hour", minutes(e.Stops, 55), "NightshiftJobFailing NightshiftOutOfSchedule NightshiftTransitionsFailing"},
		{"after the run that stopped it", minutes(e.Repaired, 4), "NightshiftTransitionsFailing"},
		{"at the end", e.Ends, ""},
	} {
		if got := strings.Join(slices.Sorted(slices.Values(p.Firing(t, c.at))), " "); got != c.want {
			t.Errorf("%s (%s): %q, want %q", c.what, c.at.Format("15:04"), got, c.want)
		}
	}
	for _, c := range []struct {
		expression string
		at         time.Time
		want       float64
	}{
		{`sum(nightshift_machines_out_of_schedule)`, minutes(e.Begins, 30), 0},
		{`sum(nightshift_machines_out_of_schedule{schedule="office-hours",desired="stopped",actual="running"})`, minutes(e.Stops, 30), 1},
		{`sum(nightshift_machines_out_of_schedule)`, minutes(e.Ends, 0), 0},
		{`max(nightshift_out_of_schedule_oldest_timestamp_seconds)`, minutes(e.Stops, 30), float64(e.Stops.Unix())},
		{`sum(increase(nightshift_transition_failures_total{action="stop"}[2h])) > bool 0`, minutes(e.Repaired, 30), 1},
		{`nightshift_schedule_next_transition_timestamp_seconds{desired="stopped"}`, minutes(e.Begins, 30), float64(e.Stops.Unix())},
		{`nightshift_job_expected_interval_seconds{job_name="power"}`, e.Begins, 300},
		{`nightshift_lease_held{job_name="power"}`, e.Ends, 1},
		{`nightshift_config_valid`, e.Ends, 1},
		{`sum(nightshift_target_up)`, e.Ends, 1},
		{`sum(nightshift_cost_run_rate_usd) - sum(nightshift_cost_service_run_rate_usd) < bool 0.01`, e.Ends, 1},
		{`sum(nightshift_cost_run_rate_usd) - sum(nightshift_cost_tag_run_rate_usd) < bool 0.01`, e.Ends, 1},
	} {
		got := p.Query(t, c.expression, c.at)
		if len(got) != 1 || got[0].Value != c.want {
			t.Errorf("%s at %s: %v, want %v", c.expression, c.at.Format("15:04"), got, c.want)
		}
	}
	families := p.Query(t, `count by (__name__) ({__name__=~"nightshift_.*"})`, e.Ends)
	t.Logf("%d metrics of nightshift have data at the end", len(families))
	if len(families) < 40 {
		t.Errorf("%d metrics of nightshift have data", len(families))
	}
	liveScrape(t, p)
}

// observed compares what a process that only observes says with what the one says that
// does the work: all but what is of the process itself.
func observed(t *testing.T, e *metricstest.Evening) {
	own := regexp.MustCompile("^(go_|process_|promhttp_|nightshift_(aws_|lease_|observer|build_|config_last|metrics_))")
	values := func(from http.Handler) map[string]float64 {
		all := map[string]float64{}
		for name, f := range metricstest.Scrape(t, from) {
			for _, m := range f.GetMetric() {
				if !own.MatchString(name) {
					all[fmt.Sprint(name, m.GetLabel())] = valueOf(m)
				}
			}
		}
		return all
	}
	want, got := values(e.Handler), values(e.Observer)
	for _, c := range []struct {
		from http.Handler
		want float64
	}{{e.Handler, 0}, {e.Observer, 1}} {
		if got := total(metricstest.Scrape(t, c.from)["nightshift_observer"]); got != c.want {
			t.Errorf("nightshift_observer is %v, want %v", got, c.want)
		}
	}
	if len(want) < 50 || total(metricstest.Scrape(t, e.Observer)["nightshift_transitions_total"]) == 0 {
		t.Errorf("%d series", len(want))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-worker +observer)\n%s", diff)
	}
}

// liveScrape waits until Prometheus has scraped the daemon itself.
func liveScrape(t *testing.T, p *metricstest.Prometheus) {
	t.Helper()
	for range 100 {
		time.Sleep(200 * time.Millisecond)
		if got := p.Query(t, `up{job="live"} == 1 and on () nightshift_build_info{job="live",revision="evening"}`, time.Now()); len(got) == 1 {
			return
		}
	}
	t.Error("Prometheus has not scraped the daemon within 20 seconds")
}
