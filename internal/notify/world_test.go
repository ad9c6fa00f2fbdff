package notify_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/blob"
	"nightshift/internal/fleet"
	"nightshift/internal/notify"
	"nightshift/internal/power"
)

// world is a process with a configuration, whose runs are made by hand, and services
// that take messages.
type world struct {
	t        *testing.T
	dir      string
	config   string
	now      time.Time
	fast     time.Duration // by which the clock of this machine is ahead of AWS's
	env      map[string]string
	log      bytes.Buffer
	session  *app.Session
	notifier *notify.Notifier
}

func newWorld(t *testing.T, config string) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), now: time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC), env: map[string]string{}}
	w.configure(config)
	w.restart()
	return w
}

const head = `timezone: Asia/Seoul
schedules: { office: Mon-Fri 08:00-19:00 }
power: { tick: 5m, rules: [{ tag: Schedule }] }
`

// configure writes the configuration and opens it.
func (w *world) configure(config string) { w.configureWith(head, config) }

func (w *world) configureWith(head, config string) {
	w.t.Helper()
	w.config = config
	w.open(head + "journal: " + filepath.Join(w.dir, "journal") + "\n" + config)
}

// open opens a configuration.
func (w *world) open(text string) {
	w.t.Helper()
	file := filepath.Join(w.dir, "nightshift.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	ref, err := blob.ParseRef(file)
	if err != nil {
		w.t.Fatal(err)
	}
	a := app.New(app.Options{Now: func() time.Time { return w.now }, Getenv: func(string) string { return "" }})
	if w.session, err = a.Open(w.t.Context(), app.Selection{Config: ref, NeedConfig: true, NoTargets: true}); err != nil {
		w.t.Fatal(err)
	}
	if len(w.session.Errors) > 0 {
		w.t.Fatal(w.session.Errors)
	}
}

// restart begins a new process, which remembers nothing.
func (w *world) restart() { w.notifier = w.process() }

func (w *world) process() *notify.Notifier {
	return notify.New(notify.Options{
		Now: func() time.Time { return w.now }, Getenv: func(name string) string { return w.env[name] },
		Log: slog.New(slog.NewJSONHandler(&w.log, nil)), Named: true,
	})
}

// machine is one of a run, with how it ended.
type machine struct {
	id, team string
	result   fleet.Result
	action   power.Action
	reason   fleet.Reason
}

func failed(id string) machine {
	return machine{id: id, team: "a", result: fleet.Failed, action: power.Start, reason: fleet.Reason{Code: "InsufficientInstanceCapacity", Text: "no capacity"}}
}

func stopped(id string) machine {
	return machine{id: id, team: "a", result: fleet.Done, action: power.Stop}
}

func target() fleet.Target { return fleet.Target{Account: "111111111111", Region: "eu-west-1"} }

// result is that of a run with these machines.
func (w *world) result(machines ...machine) *app.PowerResult {
	r := app.PowerResult{}
	t := app.PowerTarget{Plan: power.Plan{Target: target(), At: w.now}, Outcomes: []fleet.Outcome{}}
	for _, m := range machines {
		step := power.Step{
			Machine: fleet.Machine{ID: fleet.ResourceID(m.id), Kind: fleet.KindInstance, Target: target(), Tags: fleet.Tags{"Name": "web " + m.id, "Team": m.team, "Schedule": "office"}},
			Action:  m.action, Reason: m.reason,
		}
		o := fleet.Outcome{Target: target(), ID: step.Machine.ID, Name: step.Machine.Name(), Action: string(m.action), Result: m.result, Reason: m.reason}
		if m.result == fleet.Done {
			o.At = w.now
		}
		t.Plan.Steps, t.Outcomes = append(t.Plan.Steps, step), append(t.Outcomes, o)
	}
	r.Targets = []app.PowerTarget{t}
	r.Summary = power.Summarize([]power.Plan{t.Plan}, [][]fleet.Outcome{t.Outcomes}, nil)
	return &r
}

// run tells of a run with these machines, five minutes after the last one.
func (w *world) run(machines ...machine) {
	w.t.Helper()
	w.now = w.now.Add(5 * time.Minute)
	w.notifier.Run(w.t.Context(), w.session, notify.Result{Job: "power", Power: w.result(machines...)})
}

// service takes messages as one of the real ones does.
type service struct {
	*httptest.Server
	mu     sync.Mutex
	bodies [][]byte
	heads  []http.Header
	answer func(http.ResponseWriter) bool // false: the service goes on
}

// serve starts a service that refuses what check says.
func serve(t *testing.T, check func(h http.Header, body []byte) error) *service {
	t.Helper()
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s.mu.Lock()
		answer := s.answer
		s.mu.Unlock()
		if answer != nil && answer(w) {
			return
		}
		if err := check(r.Header, body); err != nil {
			t.Errorf("refused: %v\n%s", err, body)
			http.Error(w, "invalid_payload", http.StatusBadRequest)
			return
		}
		s.mu.Lock()
		s.bodies, s.heads = append(s.bodies, body), append(s.heads, r.Header.Clone())
		s.mu.Unlock()
		_, _ = io.WriteString(w, "ok")
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *service) answering(answer func(http.ResponseWriter) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

// take gives the bodies that came since the last time.
func (s *service) take() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.bodies, s.heads = nil, nil }()
	return s.bodies
}

// taken are the messages that a webhook got.
func (s *service) taken(t *testing.T) []notify.Message {
	t.Helper()
	var all []notify.Message
	for _, body := range s.take() {
		var e struct{ Data notify.Message }
		if err := json.Unmarshal(body, &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e.Data)
	}
	return all
}

func titles(messages []notify.Message) string {
	var all []string
	for _, m := range messages {
		all = append(all, m.Title)
	}
	return strings.Join(all, "; ")
}

func anything(http.Header, []byte) error { return nil }

// hook is a world with one webhook.
func hook(t *testing.T, more string) (*world, *service) {
	t.Helper()
	s := serve(t, anything)
	return newWorld(t, fmt.Sprintf("notify:\n  recipients: { audit: { webhook: %q } }\n%s", s.URL+"/hook/TOKEN", more)), s
}
