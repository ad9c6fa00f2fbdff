// Package metricstest records the metrics of a daemon that lives an evening, and gives
// the recording to a real Prometheus, so that tests can ask it what alerts and
// dashboards ask.
//
// It is for tests, and may import amazon, app, blob, daemon, fleet, metrics, power,
// schedule, watch, sandbox and sandbox/sandboxtest.
package metricstest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"nightshift/internal/amazon"
	"nightshift/internal/app"
	"nightshift/internal/blob"
	"nightshift/internal/daemon"
	"nightshift/internal/fleet"
	"nightshift/internal/metrics"
	"nightshift/internal/power"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
	"nightshift/internal/schedule"
	"nightshift/internal/watch"
)

const configuration = `timezone: Asia/Seoul
regions: [ap-northeast-2]
journal: s3://nightshift-practice/journal
schedules:
  office-hours: Mon-Fri 08:00-19:00
power:
  rules:
    - { tag: AutoStopStart=Yes, schedule: office-hours }
backup:
  policies:
    - { id: nightly, tag: AutoStopStart=Yes, resource: instance, schedule: { at: "02:00" }, keep: { daily: 7 } }
jobs:
  report: { at: Mon 21:00 }
cost:
  tags: [AutoStopStart]
notify:
  recipients:
    ops: { webhook: http://127.0.0.1:9/hook }
`

// Evening is what was recorded, minute by minute.
type Evening struct {
	// Begins, Stops, Repaired and Ends are 17:00, 19:00, 20:02 and 23:00 in Seoul. At
	// Stops the schedule stops all machines, and one of them refuses until Repaired.
	Begins, Stops, Repaired, Ends time.Time
	// Families are all samples of the evening, each with its time.
	Families map[string]*dto.MetricFamily
	// Handler answers scrapes with what there was at the end, and Observer with what a
	// process knew then that only observed the other.
	Handler, Observer http.Handler
}

// Live lives the evening: a daemon and a sandbox share a clock that is moved by
// minutes, and each minute the daemon is scraped.
func Live(t testing.TB) *Evening {
	t.Helper()
	seoul := time.FixedZone("KST", 9*3600)
	at := func(hour, minute int) time.Time { return time.Date(2026, 11, 23, hour, minute, 0, 0, seoul) }
	e := &Evening{Begins: at(17, 0), Stops: at(19, 0), Repaired: at(20, 2), Ends: at(23, 0), Families: map[string]*dto.MetricFamily{}}
	now := e.Begins
	server := sandboxtest.Start(t, sandbox.Options{Start: now, Speed: -1})
	file := filepath.Join(t.TempDir(), "nightshift.yaml")
	if err := os.WriteFile(file, []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return now }
	process := func(observe bool) (*daemon.Daemon, *watch.Watcher, http.Handler) {
		var watcher *watch.Watcher
		m := metrics.New(metrics.Options{State: func() *watch.State { return watcher.State() }, Now: clock, Observe: observe, Version: "0.0", Revision: "evening"})
		work := app.New(app.Options{
			Now: clock, Observer: m.Observer(),
			Endpoint: &amazon.Endpoint{URL: server.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey, ClockScale: 1000},
		})
		watcher = watch.New(watch.Options{App: work, Now: clock, Selection: app.Selection{Config: blob.Ref{Scheme: blob.File, Path: file}}})
		return daemon.New(daemon.Options{
			App: work, Watcher: watcher, Now: clock, Tag: fleet.Tag{Key: "AutoStopStart", Value: "Yes"}, Observe: observe,
			Reports:    blob.Ref{Scheme: blob.S3, Bucket: sandbox.DefaultBucket, Path: "ec2/"},
			JobStarted: m.JobStarted, LeaseHeld: m.LeaseHeld,
			// The last are of 22:32, when no job runs: what a job changes meanwhile is in the
			// costs or not yet.
			Costs: 5*time.Hour + 32*time.Minute,
		}), watcher, m.Handler()
	}
	d, watcher, handler := process(false)
	beside, _, observer := process(true)
	e.Handler, e.Observer = handler, observer
	for ; !now.After(e.Ends); now = now.Add(time.Minute) {
		switch {
		case now.Equal(e.Stops):
			e.refuse(t, server.Sandbox(), watcher.State())
		case now.Equal(e.Repaired):
			if err := server.Sandbox().SetFaults(nil); err != nil {
				t.Fatal(err)
			}
		}
		for _, one := range []*daemon.Daemon{d, beside} {
			one.Pass(t.Context())
			one.Wait()
		}
		e.Record(t, now)
		server.Sandbox().Advance(time.Minute)
	}
	return e
}

// refuse has AWS refuse the stop of one machine that is due.
func (e *Evening) refuse(t testing.TB, world *sandbox.Sandbox, st *watch.State) {
	t.Helper()
	for _, target := range st.Targets {
		for _, s := range target.Steps {
			if s.Action != power.None || s.Desired.State != schedule.Running || s.Machine.State != fleet.Running || !s.Machine.Eligible() {
				continue
			}
			faults, err := sandbox.ParseFaults(fmt.Sprintf("ec2:StopInstances=refuse,id=%s,code=UnauthorizedOperation", s.Machine.ID))
			if err == nil {
				err = world.SetFaults(faults)
			}
			if err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatal("no machine runs that the schedule will stop")
}

// The labels that Prometheus gives to what it scrapes.
const (
	Job      = "nightshift"
	Instance = "127.0.0.1:19847"
)

// Record notes what a scrape of the handler at a time answers.
func (e *Evening) Record(t testing.TB, at time.Time) {
	t.Helper()
	families := Scrape(t, e.Handler)
	families["up"] = &dto.MetricFamily{
		Name: new("up"), Type: dto.MetricType_GAUGE.Enum(), Metric: []*dto.Metric{{Gauge: &dto.Gauge{Value: new(1.0)}}},
	}
	for name, f := range families {
		if e.Families[name] == nil {
			e.Families[name] = &dto.MetricFamily{Name: f.Name, Help: f.Help, Type: f.Type}
		}
		for _, metric := range f.GetMetric() {
			metric.TimestampMs = new(at.UnixMilli())
			metric.Label = append(metric.Label, &dto.LabelPair{Name: new("job"), Value: new(Job)}, &dto.LabelPair{Name: new("instance"), Value: new(Instance)})
		}
		e.Families[name].Metric = append(e.Families[name].Metric, f.GetMetric()...)
	}
}

// Scrape is what a handler answers now, by family.
func Scrape(t testing.TB, from http.Handler) map[string]*dto.MetricFamily {
	t.Helper()
	recorder := httptest.NewRecorder()
	from.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(recorder.Body)
	if err != nil || recorder.Code != http.StatusOK {
		t.Fatalf("a scrape: %d %v", recorder.Code, err)
	}
	return families
}
