package daemon_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/app"
	"nightshift/internal/blob"
	"nightshift/internal/daemon"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
	"nightshift/internal/watch"
)

const officeHours = `timezone: Asia/Seoul
regions: [ap-northeast-2]
journal: s3://nightshift-practice/journal
schedules:
  office-hours: Mon-Fri 08:00-19:00
power:
  rules:
    - { tag: AutoStopStart=Yes, schedule: office-hours }
`

// world is a sandbox whose clock stands still unless it is moved, and a daemon.
type world struct {
	*sandbox.Sandbox
	now     time.Time
	config  string
	journal blob.Store
	options daemon.Options
	*daemon.Daemon
}

// at is a time in Seoul in the week of Monday, 23 November 2026.
func at(day, hour, minute int) time.Time {
	return time.Date(2026, 11, day, hour, minute, 0, 0, time.FixedZone("KST", 9*3600))
}

func newWorld(t *testing.T, now time.Time, o sandbox.Options) *world {
	t.Helper()
	w := &world{now: now}
	o.Start, o.Speed = w.now, -1
	server := sandboxtest.Start(t, o)
	w.Sandbox = server.Sandbox()
	dir := t.TempDir()
	w.config = filepath.Join(dir, "nightshift.yaml")
	w.configure(t, officeHours)
	w.options = daemon.Options{
		Now: func() time.Time { return w.now }, Tag: fleet.Tag{Key: "AutoStopStart", Value: "Yes"},
		Reports: blob.Ref{Scheme: blob.S3, Bucket: sandbox.DefaultBucket, Path: "ec2/"}, Costs: 1000 * time.Hour,
	}
	w.options.App = app.New(app.Options{
		Now: w.options.Now, Endpoint: &amazon.Endpoint{URL: server.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey, ClockScale: 1000},
	})
	w.restart()
	s, err := w.options.App.Open(t.Context(), app.Selection{Config: w.ref(), NeedConfig: true})
	if err == nil {
		w.journal, err = s.Versions(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) ref() blob.Ref { return blob.Ref{Scheme: blob.File, Path: w.config} }

// restart makes a daemon that knows nothing but what is in AWS and in the journal.
func (w *world) restart() {
	w.options.Watcher = watch.New(watch.Options{
		App: w.options.App, Now: w.options.Now, Selection: app.Selection{Config: w.ref()},
	})
	w.Daemon = daemon.New(w.options)
}

func (w *world) configure(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(w.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// sleep lets the time of both clocks go by.
func (w *world) sleep(d time.Duration) {
	w.now = w.now.Add(d)
	w.Advance(d)
}

// pass lets time go by, looks once, and waits until all is done.
func (w *world) pass(t *testing.T, d time.Duration) {
	t.Helper()
	w.sleep(d)
	w.Pass(t.Context())
	w.Wait()
}

// runs are the runs of a job in the journal, the oldest first.
func (w *world) runs(t *testing.T, job string) (list []journal.Record) {
	t.Helper()
	read, errs := journal.Read(t.Context(), w.journal, journal.Query{Job: job})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	for _, r := range slices.Backward(read) {
		list = append(list, r)
	}
	return list
}

// times are the times of those runs in Seoul.
func (w *world) times(t *testing.T, job string) string {
	t.Helper()
	var list []string
	for _, r := range w.runs(t, job) {
		list = append(list, r.Started.In(at(1, 0, 0).Location()).Format("Mon 15:04"))
	}
	return strings.Join(list, ", ")
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	answer, err := http.Get(url) //nolint:noctx // it is our own server
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func TestAnEvening(t *testing.T) {
	w := newWorld(t, at(23, 18, 57), sandbox.Options{})
	server := httptest.NewServer(w.Handler())
	defer server.Close()
	if code, body := get(t, server.URL+"/healthz"); code != http.StatusOK || body != "ok\n" {
		t.Errorf("healthz: %d %s", code, body)
	}
	if code, _ := get(t, server.URL+"/readyz"); code != http.StatusServiceUnavailable {
		t.Errorf("readyz before anything was read: %d", code)
	}
	w.pass(t, 0)
	if code, _ := get(t, server.URL+"/readyz"); code != http.StatusOK {
		t.Errorf("readyz: %d", code)
	}
	for range 16 {
		w.pass(t, 30*time.Second)
	}
	if got, want := w.times(t, "power"), "Mon 18:57, Mon 19:00, Mon 19:05"; got != want {
		t.Errorf("power ran %s, want %s", got, want)
	}
	if r := w.runs(t, "power")[1]; r.Done == 0 {
		t.Errorf("nothing was stopped at seven: %+v", r)
	}
	state := w.options.Watcher.State()
	if len(state.Runs) != 3 || state.Jobs[0].Last.Run != w.runs(t, "power")[2].Run || state.Jobs[0].Running {
		t.Errorf("%d runs, %+v", len(state.Runs), state.Jobs[0])
	}
}
