package metrics_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"nightshift/internal/amazon"
	"nightshift/internal/app"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/metrics"
	"nightshift/internal/power"
	"nightshift/internal/watch"
)

// TestEstate compares what a small estate gives, family by family.
func TestEstate(t *testing.T) {
	st := estate(t)
	m := of(st)
	m.JobStarted("power")(false)
	m.JobStarted("power")(true)
	m.JobStarted("report")(false)
	for _, o := range []fleet.Outcome{{Action: "stop", Result: fleet.Done}, {Action: "stop", Result: fleet.Done}, {Action: "start", Result: fleet.Failed}, {Result: fleet.Skipped}} {
		m.Observer().Acted(app.Run{}, o)
	}
	m.LeaseHeld("report", true)
	m.Noticed("ops", false)
	m.Noticed("ops", true)
	m.NoticesPending(2)
	for _, c := range []amazon.Call{
		{Service: "EC2", Action: "DescribeInstances", Status: 200, Attempt: 1},
		{Service: "EC2", Action: "DescribeInstances", Status: 503, Code: "RequestLimitExceeded", Attempt: 1},
		{Service: "EC2", Action: "DescribeInstances", Status: 200, Attempt: 2},
		{Service: "S3", Action: "GetObject", Attempt: 1},
	} {
		m.Observer().Called("", c)
	}
	golden, err := os.Open("testdata/estate.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer golden.Close()
	var names []string
	for _, f := range metrics.Families() {
		if f.Name != "nightshift_build_info" {
			names = append(names, f.Name)
		}
	}
	if err := testutil.CollectAndCompare(m, golden, names...); err != nil {
		t.Error(err)
	}
}

// TestStaleTarget: what was read of an account stays when it cannot be reached, with
// its date.
func TestStaleTarget(t *testing.T) {
	st := estate(t)
	m := metrics.New(metrics.Options{State: func() *watch.State { return st }, Now: evening})
	before := total(gather(t, m)["nightshift_machines"])
	down := *st
	down.Targets = append([]watch.Target{}, st.Targets...)
	down.Targets[0].Up = false
	st = &down
	all := gather(t, m)
	if after := total(all["nightshift_machines"]); after != before || after == 0 {
		t.Errorf("%v machines, before %v", after, before)
	}
	if up := total(all["nightshift_target_up"]); up != 0 {
		t.Errorf("%v targets are up", up)
	}
	if at := total(all["nightshift_target_last_read_timestamp_seconds"], "aws_account_id", "111111111111"); at != float64(evening().Unix()) {
		t.Errorf("last read at %v", at)
	}
}

// TestRunsOfOthers counts the records of other processes once each, whatever is read
// again, and never those of this process.
func TestRunsOfOthers(t *testing.T) {
	now := evening()
	st := &watch.State{}
	m := metrics.New(metrics.Options{State: func() *watch.State { return st }, Now: func() time.Time { return now }})
	record := func(job string, started time.Time, outcomes ...journal.Outcome) journal.Record {
		r := journal.Record{Run: started.String(), Job: job, Started: started, Duration: time.Second}
		for _, o := range outcomes {
			r.Add(o)
		}
		return r
	}
	stopped, failed, waits := journal.Outcome{Action: "stop", Result: fleet.Done}, journal.Outcome{Action: "start", Result: fleet.Failed}, journal.Outcome{Action: "stop", Result: fleet.Deferred}
	before := record("power", now.Add(-time.Hour), stopped, stopped)
	sums := func() string {
		all := gather(t, m)
		text := ""
		for _, name := range []string{"job_runs", "job_failures", "transitions", "transition_failures", "transition_deferrals"} {
			text += fmt.Sprint(total(all["nightshift_"+name+"_total"]), " ")
		}
		return text
	}
	check := func(what, want string) {
		t.Helper()
		for range 2 { // a scrape counts nothing
			if got := sums(); got != want {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
		}
	}
	set := func(runs ...journal.Record) { st = &watch.State{Runs: runs} }
	set(before)
	check("what ended before this process began", "0 0 0 0 0 ")
	now = now.Add(5 * time.Minute)
	theirs := record("power", now, stopped, failed, waits)
	set(theirs, before)
	check("a run of another process", "1 1 1 1 1 ")
	set(theirs, before)
	check("the same records in a new State", "1 1 1 1 1 ")
	now = now.Add(5 * time.Minute)
	ended := m.JobStarted("power")
	m.Observer().Acted(app.Run{}, fleet.Outcome{Action: "stop", Result: fleet.Done})
	own := record("power", now.Add(time.Millisecond), stopped)
	set(own, theirs, before)
	now = now.Add(time.Minute)
	check("while its own run has not ended", "1 1 2 1 1 ")
	ended(false)
	check("its own run", "2 1 2 1 1 ")
	now = now.Add(5 * time.Minute)
	narrowed, dry := record("power", now, stopped), record("power", now.Add(time.Second), stopped)
	narrowed.Narrowed, dry.DryRun = "i-1", true
	set(dry, narrowed, own, theirs)
	check("a narrowed run is not one of the job, a dry one is nothing", "2 1 3 1 1 ")
	set(narrowed, own)
	set(record("report", now.Add(time.Hour)), theirs, own) // an old one that was read late
	check("a record that is there again", "3 1 3 1 1 ")
}

// TestMeasuredTags: metrics.tags says of which tags there are metrics.
func TestMeasuredTags(t *testing.T) {
	st := estate(t)
	st.Cost.Tags["Env"] = st.Cost.Tags["Team"]
	for _, c := range []struct {
		keys []string
		want int
	}{{nil, 4}, {[]string{"Env"}, 2}, {[]string{}, 0}, {[]string{"Owner"}, 0}} {
		st.Config.Value.Metrics.Tags = c.keys
		if got := gather(t, of(st))["nightshift_cost_tag_run_rate_usd"].GetMetric(); len(got) != c.want {
			t.Errorf("with %v: %d series, want %d", c.keys, len(got), c.want)
		}
	}
}

// TestConcurrentScrapes scrapes while jobs run and the State changes.
func TestConcurrentScrapes(t *testing.T) {
	var state atomic.Pointer[watch.State]
	state.Store(estate(t))
	m := metrics.New(metrics.Options{State: state.Load, Now: evening})
	handler := m.Handler()
	var work sync.WaitGroup
	for n := range 4 {
		work.Go(func() {
			for range 50 {
				recorder := httptest.NewRecorder()
				handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
				if recorder.Code != http.StatusOK {
					t.Errorf("a scrape answers %d: %s", recorder.Code, recorder.Body)
					return
				}
				state.Store(estate(t))
				ended := m.JobStarted(fmt.Sprint("job-", n))
				m.Observer().Called("", amazon.Call{Service: "EC2", Action: "DescribeInstances"})
				m.Observer().Acted(app.Run{}, fleet.Outcome{Action: "stop", Result: fleet.Done})
				m.LeaseHeld("power", n%2 == 0)
				m.Noticed("ops", true)
				m.NoticesPending(n)
				ended(false)
			}
		})
	}
	work.Wait()
	all := gather(t, m)
	for name, want := range map[string]float64{"nightshift_job_runs_total": 200, "nightshift_aws_requests_total": 200, "nightshift_transitions_total": 200, "nightshift_notices_total": 200} {
		if got := total(all[name]); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

// TestOutSince: how long a machine has been out of schedule counts from the later of
// what its schedule and it did.
func TestOutSince(t *testing.T) {
	now := evening()
	for name, c := range map[string]struct {
		step power.Step
		want time.Time
	}{
		"was not stopped at the end of its window": {power.Step{Machine: fleet.Machine{State: fleet.Running, Started: now.Add(-9 * time.Hour)}, Desired: power.Desired{Since: now}}, now},
		"was started long after that":              {power.Step{Machine: fleet.Machine{State: fleet.Running, Started: now}, Desired: power.Desired{Since: now.Add(-9 * time.Hour)}}, now},
		"was stopped by AWS in its window":         {power.Step{Machine: fleet.Machine{State: fleet.Stopped, Started: now.Add(-2 * time.Hour), Stopped: now}, Desired: power.Desired{Since: now.Add(-time.Hour)}}, now},
		"nothing is known":                         {power.Step{}, time.Time{}},
	} {
		if got := watch.OutSince(c.step); !got.Equal(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
