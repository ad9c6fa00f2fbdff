package app_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/amazon"
	"nightshift/internal/app"
	"nightshift/internal/blob"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/power"
	"nightshift/internal/sandbox"
)

// monday evening in Seoul, when the machines of the sandbox run.
func evening() time.Time { return time.Date(2026, 11, 23, 20, 0, 0, 0, time.FixedZone("KST", 9*3600)) }

// world is a sandbox with an App that works in it.
type world struct {
	sandbox *sandbox.Sandbox
	app     *app.App
	heard   *heard
	runs    *runs
	config  blob.Ref
	url     string
}

// runs counts the requests that the sandbox got, by the run that their user agent
// names.
type runs struct {
	mu       sync.Mutex
	requests map[string]int
}

func (r *runs) count(e sandbox.Exchange) {
	id := regexp.MustCompile(`run/(\w+)`).FindStringSubmatch(e.RequestHeader.Get("User-Agent"))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.requests == nil {
		r.requests = map[string]int{}
	}
	if id != nil {
		r.requests[id[1]]++
	}
}

const officeHours = `timezone: Asia/Seoul
regions: [ap-northeast-2]
journal: JOURNAL
schedules:
  office-hours: Mon-Fri 08:00-19:00
power:
  rules:
    - { tag: AutoStopStart=Yes, schedule: office-hours }
`

func newWorld(t *testing.T) *world {
	t.Helper()
	h := &heard{}
	w := newObservedWorld(t, h)
	w.heard = h
	return w
}

func newObservedWorld(t *testing.T, observer app.Observer) *world {
	t.Helper()
	w := &world{runs: &runs{}}
	now := evening()
	account, err := sandbox.New(sandbox.Options{Start: now, Speed: 100, Tap: w.runs.count})
	if err != nil {
		t.Fatal(err)
	}
	server, err := account.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	file := filepath.Join(t.TempDir(), "nightshift.yaml")
	text := strings.ReplaceAll(officeHours, "JOURNAL", filepath.Join(t.TempDir(), "journal"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w.sandbox, w.url, w.config = account, server.URL(), blob.Ref{Scheme: blob.File, Path: file}
	w.app = app.New(app.Options{
		Now: func() time.Time { return now }, Observer: observer,
		Endpoint: &amazon.Endpoint{URL: server.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey, ClockScale: 100},
	})
	return w
}

func (w *world) open(t *testing.T) *app.Session {
	t.Helper()
	s, err := w.app.Open(t.Context(), app.Selection{Config: w.config, NeedConfig: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// heard is an observer that keeps what it hears.
type heard struct {
	app.NopObserver
	mu       sync.Mutex
	planned  int
	outcomes []fleet.Outcome
	calls    map[string]int
	ended    []fleet.Status
}

func (h *heard) Planned(_ app.Run, p power.Plan) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.planned += p.Actionable()
}

func (h *heard) Acted(_ app.Run, o fleet.Outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.outcomes = append(h.outcomes, o)
}

func (h *heard) RunEnded(_ app.Run, s fleet.Status) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = append(h.ended, s)
}

func (h *heard) Called(run string, _ amazon.Call) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.calls == nil {
		h.calls = map[string]int{}
	}
	h.calls[run]++
}

// The plan is a dry run of what is then done: the same code, the same machines.
func TestPowerDoesWhatItPlans(t *testing.T) {
	w := newWorld(t)
	s := w.open(t)
	plan, err := s.Power(t.Context(), app.PowerInput{DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	if plan.Status() != fleet.StatusDone || len(plan.Summary.Stopped) == 0 || plan.Targets[0].Outcomes != nil {
		t.Fatalf("%s: %+v", plan.Status(), plan.Summary)
	}
	done, err := s.Power(t.Context(), app.PowerInput{Wait: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	ids := func(acts []power.Act) (list []fleet.ResourceID) {
		for _, a := range acts {
			list = append(list, a.ID)
		}
		return list
	}
	// That a machine has stop protection is only known once it is asked to stop.
	protected := slices.DeleteFunc(slices.Clone(done.Summary.Skipped), func(a power.Act) bool { return a.Code != "stop-protected" })
	want := slices.DeleteFunc(ids(plan.Summary.Stopped), func(id fleet.ResourceID) bool { return slices.Contains(ids(protected), id) })
	if diff := cmp.Diff(want, ids(done.Summary.Stopped)); diff != "" || len(protected) != 1 {
		t.Error(diff, protected)
	}
	heard := slices.DeleteFunc(slices.Clone(w.heard.outcomes), func(o fleet.Outcome) bool { return o.Result != fleet.Done })
	if w.heard.planned != 2*len(plan.Summary.Stopped) || len(heard) != len(want) {
		t.Errorf("of %d stops %d plans and %d outcomes were heard", len(want), w.heard.planned, len(heard))
	}
	again, err := s.Power(t.Context(), app.PowerInput{})
	if err != nil || again.Summary.Changes() != 0 {
		t.Errorf("a second run changes %+v, %v", again.Summary, err)
	}
	history, err := s.History(t.Context(), app.HistoryInput{Query: journal.Query{}})
	if err != nil || len(history.Runs) != 2 || len(history.Errors) != 0 {
		t.Fatalf("%+v, %v", history, err)
	}
	kept := history.Runs[0].Done + history.Runs[1].Done // of the same second, in any order
	if kept != len(want) || history.Runs[0].Job != "power" {
		t.Errorf("the journal says %+v", history.Runs)
	}
	// Each stop has the time at which AWS accepted it, and the second run is idle by
	// its key alone.
	acts := journal.Acts(history.Runs)
	for _, act := range acts {
		if act.Doubt != 0 || !act.Stop || act.At.Before(evening().Add(-time.Second)) {
			t.Errorf("the journal has the act %+v", act)
		}
	}
	quick, err := s.History(t.Context(), app.HistoryInput{Query: journal.Query{Acts: true}})
	if err != nil || len(acts) != len(want) {
		t.Errorf("%d acts for %d stops, %v", len(acts), len(want), err)
	}
	if read := slices.DeleteFunc(slices.Clone(quick.Runs), func(r journal.Record) bool { return r.Seen == 0 }); len(quick.Runs) != 2 || len(read) != 1 || read[0].Done != len(want) {
		t.Errorf("without the idle runs the journal says %+v", quick.Runs)
	}
}

// Runs at the same time on one App count their own calls, and roles are assumed once.
func TestRunsAtTheSameTimeCountTheirOwnCalls(t *testing.T) {
	w := newWorld(t)
	s := w.open(t)
	var group sync.WaitGroup
	var first, second app.PowerResult
	var report app.ReportResult
	run := func(do func(context.Context) error) {
		group.Go(func() {
			if err := do(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	run(func(ctx context.Context) (err error) {
		first, err = s.Power(ctx, app.PowerInput{DryRun: true})
		return err
	})
	run(func(ctx context.Context) (err error) {
		second, err = s.Power(ctx, app.PowerInput{DryRun: true})
		return err
	})
	run(func(ctx context.Context) (err error) { report, err = s.Report(ctx, app.ReportInput{}); return err })
	group.Wait()
	for _, r := range []app.Run{first.Run, second.Run, report.Run} {
		n := 0
		for _, calls := range r.Calls {
			n += calls
		}
		if n == 0 || n != w.runs.requests[r.ID] || n != w.heard.calls[r.ID] {
			t.Errorf("%s %s made %d calls; the sandbox got %d, and %d were heard", r.Job, r.ID, n, w.runs.requests[r.ID], w.heard.calls[r.ID])
		}
	}
	if diff := cmp.Diff(first.Calls, second.Calls); diff != "" {
		t.Error(diff)
	}
	if len(report.Instances) == 0 || report.Status() != fleet.StatusDone {
		t.Errorf("%s: %v", report.Status(), report.Err())
	}
}

// A second report asks for no price that the first one has read.
func TestPricesOutliveARun(t *testing.T) {
	w := newWorld(t)
	s := w.open(t)
	ask := func() (report app.ReportResult) {
		t.Helper()
		report, err := s.Report(t.Context(), app.ReportInput{})
		if err != nil || report.Status() != fleet.StatusDone {
			t.Fatal(report.Status(), report.Err(), err)
		}
		return report
	}
	first, second := ask(), ask()
	if n := first.Calls["Pricing:GetProducts"]; n == 0 {
		t.Errorf("the first report asked for no prices: %v", first.Calls)
	}
	if n := second.Calls["Pricing:GetProducts"]; n != 0 {
		t.Errorf("the second report asked for prices %d times", n)
	}
	if first.Totals[0].RunRate != second.Totals[0].RunRate {
		t.Errorf("run rates %v and %v", first.Totals[0].RunRate, second.Totals[0].RunRate)
	}
}
