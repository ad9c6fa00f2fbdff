package daemon_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/metrics"
	"nightshift/internal/notify"
	"nightshift/internal/sandbox"
	"nightshift/internal/watch"
	"nightshift/internal/web"
)

// hook keeps the messages that it receives.
type hook struct {
	*httptest.Server
	mu       sync.Mutex
	messages []string
}

func newHook(t *testing.T) *hook {
	h := &hook{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.messages = append(h.messages, string(body))
	}))
	t.Cleanup(h.Close)
	return h
}

// new are the messages since it was asked last.
func (h *hook) new() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	text := strings.Join(h.messages, "\n")
	h.messages = nil
	return text
}

// serve gives the daemon metrics, notices and a page, and answers.
func (w *world) serve(t *testing.T) *httptest.Server {
	t.Helper()
	var watcher *watch.Watcher
	state := func() *watch.State { return watcher.State() }
	m := metrics.New(metrics.Options{State: state, Now: w.options.Now})
	n := notify.New(notify.Options{Now: w.options.Now, Getenv: func(string) string { return "" }, Log: w.options.Log, Named: true})
	access := web.Access{Listen: "127.0.0.1:0"}
	w.options.Metrics, w.options.JobStarted = m.Handler(), m.JobStarted
	w.options.Ended = func(ctx context.Context, s *app.Session, r notify.Result) { n.Run(ctx, s, r) }
	w.options.Page = web.New(web.Options{State: state, Now: w.options.Now, Guard: web.NewGuard(access, w.options.Now, w.options.Log), Log: w.options.Log})
	w.restart()
	watcher = w.options.Watcher
	server := httptest.NewServer(w.Handler())
	t.Cleanup(server.Close)
	return server
}

// A machine that does not start is in the metrics, on the page and in a notice within two
// ticks, and in none of them any more when it runs.
func TestAMachineThatDoesNotStart(t *testing.T) {
	const name = "배치서버"
	late := func(text string) string {
		return regexp.MustCompile(`nightshift_machines_out_of_schedule\{actual="(?:stopped|pending)",desired="running",schedule="office-hours"\} [1-9]`).FindString(text)
	}
	hook := newHook(t)
	w := newWorld(t, at(24, 7, 50), sandbox.Options{})
	w.configure(t, officeHours+"notify: { recipients: { ops: { webhook: '"+hook.URL+"' } }, routes: [{ to: [ops] }] }\n")
	server := w.serve(t)
	w.pass(t, 0)
	w.pass(t, 5*time.Minute)
	var id string
	for _, step := range w.options.Watcher.State().Targets[0].Steps {
		if step.Machine.Name() == name {
			id = string(step.Machine.ID)
		}
	}
	w.faults(t, "ec2:StartInstances=failstart,id="+id+",code=Server.InternalError")
	w.pass(t, 5*time.Minute) // it is due at eight
	hook.new()
	for range 2 {
		w.pass(t, 5*time.Minute)
	}
	_, text := get(t, server.URL+"/metrics")
	_, page := get(t, server.URL+"/")
	since := fmt.Sprintf("nightshift_out_of_schedule_oldest_timestamp_seconds{schedule=%q} %v", "office-hours", float64(at(24, 8, 0).Unix()))
	if late(text) == "" || !strings.Contains(page, name) || !strings.Contains(text, since) {
		t.Errorf("metrics and page do not have it:\n%s\nwant %s", lines(text, "out_of_schedule"), since)
	}
	if told := hook.new(); !strings.Contains(told, id) || !strings.Contains(told, "does not stay started") {
		t.Errorf("nobody is told: %s", told)
	}
	w.faults(t, "")
	for range 8 { // the pause between two tries grows with each
		w.pass(t, 5*time.Minute)
	}
	_, text = get(t, server.URL+"/metrics")
	_, page = get(t, server.URL+"/")
	if late(text) != "" || strings.Contains(page, name) {
		t.Errorf("it runs, and metrics or page have it still:\n%s", lines(text, "out_of_schedule"))
	}
	if told := hook.new(); !strings.Contains(told, "resolved") {
		t.Errorf("nobody is told that it is over: %s", told)
	}
}

// lines are those of a text that contain a word.
func lines(text, word string) string {
	var list []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			list = append(list, line)
		}
	}
	return strings.Join(list, "")
}
