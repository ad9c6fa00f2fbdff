package cli_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/sandbox"
)

const (
	backupEvent = `{"action":"backup"}`
	elsewhereIs = "another process does this job"
)

// copyingFunction is a function that makes copies of some instances of an account whose
// clock stands still, at the beginning a few seconds after two in the night.
type copyingFunction struct {
	*runtimeAPI
	*sandbox.Sandbox
	t    *testing.T
	gate *createGate
}

func newCopyingFunction(t *testing.T, delete string, machines ...string) *copyingFunction {
	t.Helper()
	server := quickAccount(t, sandbox.Options{Speed: -1, Start: time.Date(2026, 11, 20, 2, 0, 30, 0, time.UTC)})
	f := &copyingFunction{Sandbox: server.Sandbox(), t: t}
	f.gate = &createGate{account: f.Sandbox, reached: make(chan struct{}), open: make(chan struct{})}
	for _, name := range machines {
		i, _ := f.Named(sandbox.DefaultRegion, name)
		if !f.SetTags(i.ID, map[string]string{"Backup": "daily"}) {
			t.Fatalf("there is no %s", name)
		}
	}
	if err := f.SetParameter(sandbox.DefaultRegion, sandbox.Parameter{Name: "/nightshift", Value: `
timezone: UTC
journal: s3://` + sandbox.DefaultBucket + `/journal
backup:
  delete: ` + delete + `
  policies: [ { id: daily, tag: Backup=daily, resource: instance, schedule: { at: "02:00" }, keep: { last: 1 } } ]
`}); err != nil {
		t.Fatal(err)
	}
	f.runtimeAPI = f.another()
	return f
}

// another is another process of the same function, by way of the gate.
func (f *copyingFunction) another() *runtimeAPI {
	f.t.Helper()
	endpoint := httptest.NewServer(f.gate)
	f.t.Cleanup(endpoint.Close)
	return functionAt(f.t, endpoint.URL, "NIGHTSHIFT_CONFIG=ssm:/nightshift")
}

// asks sends an event to a process and gives what it answers.
func (f *copyingFunction) asks(api *runtimeAPI, event string, timeout time.Duration) app.BackupSummary {
	f.t.Helper()
	return f.read(api.invoke(f.t, event, timeout))
}

func (f *copyingFunction) read(answer string) app.BackupSummary {
	f.t.Helper()
	var got struct {
		Kind string
		Data app.BackupSummary
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil || got.Kind != "backup" {
		f.t.Fatalf("%v: %s", err, answer)
	}
	return got.Data
}

// sets counts the sets of copies that there are.
func (f *copyingFunction) sets() int {
	sets := map[string]bool{}
	for _, s := range f.Snapshots(sandbox.DefaultRegion) {
		for _, tag := range s.Tags {
			if tag.Key == backup.TagSet {
				sets[tag.Value] = true
			}
		}
	}
	return len(sets)
}

// createGate stands before an account. It holds the first copy that is asked for until it
// is opened, where it is closed.
type createGate struct {
	account *sandbox.Sandbox
	reached chan struct{} // closed by the first copy that is asked for
	open    chan struct{}

	mu     sync.Mutex
	closed bool
}

func (g *createGate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

func (g *createGate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body))
	if strings.HasPrefix(form.Get("Action"), "CreateSnapshot") {
		g.mu.Lock()
		holds := g.closed
		g.closed = false
		g.mu.Unlock()
		if holds {
			close(g.reached)
			<-g.open
		}
	}
	g.account.ServeHTTP(w, r)
}

// The backup job of the function, from event to answer: a dry run changes nothing, a late
// event does what is due, and the same event again makes no copy twice.
func TestFunctionMakesBackups(t *testing.T) {
	t.Parallel()
	f := newCopyingFunction(t, "unattended", "배치서버", "야간-리포트")
	f.ResetCalls()
	if got := f.asks(f.runtimeAPI, `{"action":"backup","dry_run":true}`, time.Minute); got.Status != "would copy 2" || !got.DryRun || f.sets() != 0 {
		t.Errorf("%+v, and %d sets", got, f.sets())
	}
	for _, c := range f.Calls() {
		if strings.HasPrefix(c.Action, "Create") || strings.HasPrefix(c.Action, "Put") || strings.HasPrefix(c.Action, "Delete") {
			t.Errorf("a dry run calls %s", c.Action)
		}
	}
	for _, step := range []struct {
		event  string
		status string
		sets   int
		later  time.Duration // until the next one
	}{
		{`{"action":"backup","scheduled_at":"2026-11-19T02:00:00Z"}`, "copied 2", 2, 0},
		{backupEvent, "copied 0", 2, 15 * time.Minute},
		{backupEvent, "copied 0", 2, 24 * time.Hour},
		{backupEvent, "copied 2", 4, 15 * time.Minute},
		{backupEvent, "copied 0, marked 2", 4, 24 * time.Hour}, // the older ones are not kept
		{backupEvent, "copied 2, deleted 2", 4, 0},
		{backupEvent, "copied 0", 4, 0},
	} {
		got := f.asks(f.runtimeAPI, step.event, time.Minute)
		if got.Status != step.status || f.sets() != step.sets {
			t.Errorf("%s: %s, %d sets; want %s, %d sets\n%+v", f.Now().Format(time.DateTime), got.Status, f.sets(), step.status, step.sets, got)
		}
		f.Advance(step.later)
	}
}

// Only a person approves deletions, unless the configuration says otherwise.
func TestFunctionLeavesDeletionsToPeople(t *testing.T) {
	t.Parallel()
	f := newCopyingFunction(t, "approved", "배치서버")
	for _, want := range []string{"copied 1", "copied 1", "copied 0, 1 deletion waits for approval"} {
		if got := f.asks(f.runtimeAPI, backupEvent, time.Minute); got.Status != want {
			t.Errorf("%s, want %s: %+v", got.Status, want, got)
		}
		wait := 15 * time.Minute
		if f.sets() == 1 {
			wait = 24 * time.Hour
		}
		f.Advance(wait)
	}
}

// "The same event twice": AWS Lambda gives an event to two processes at once. One of them
// makes the copies. A second one that comes while the first is at work does nothing, and is
// no failure.
func TestFunctionGetsAnEventTwice(t *testing.T) {
	t.Parallel()
	f := newCopyingFunction(t, "unattended", "배치서버", "야간-리포트")
	f.gate.close()
	first := make(chan string, 1)
	go func() { first <- f.invoke(t, backupEvent, time.Minute) }()
	<-f.gate.reached
	other := f.another()
	if got := f.asks(other, backupEvent, time.Minute); !strings.HasPrefix(got.Status, elsewhereIs) || len(got.Copied)+len(got.Failed) > 0 {
		t.Errorf("while another one is at work: %+v", got)
	}
	close(f.gate.open)
	if got := f.read(<-first); got.Status != "copied 2" {
		t.Errorf("%+v", got)
	}
	f.Advance(24 * time.Hour)
	var both sync.WaitGroup
	answers := make([]string, 2)
	for n, api := range []*runtimeAPI{f.runtimeAPI, other} {
		both.Go(func() { answers[n] = api.invoke(t, backupEvent, time.Minute) })
	}
	both.Wait()
	copied := 0
	for _, answer := range answers {
		got := f.read(answer)
		copied += len(got.Copied)
		if len(got.Failed)+len(got.Errors) > 0 {
			t.Errorf("at once: %+v", got)
		}
	}
	if copied != 2 || f.sets() != 4 {
		t.Errorf("at once: %d copies, and %d sets", copied, f.sets())
	}
}

// Before its time is over the function begins no other copy and says what is left; the next
// run finishes it, and nothing is made twice.
func TestFunctionRunsOutOfTimeForBackups(t *testing.T) {
	t.Parallel()
	f := newCopyingFunction(t, "unattended", "배치서버", "야간-리포트", "개발-웹서버-1")
	f.gate.close()
	go func() {
		<-f.gate.reached
		time.Sleep(8 * time.Second) // of the 10, after which nothing new is begun
		close(f.gate.open)
	}()
	got := f.asks(f.runtimeAPI, backupEvent, 10*time.Second)
	if len(got.Deferred) < 2 || len(got.Failed)+len(got.Errors) > 0 || f.sets() > 1 {
		t.Errorf("out of time: %+v, and %d sets", got, f.sets())
	}
	for _, act := range got.Deferred {
		if act.Code != "not-tried" && act.Code != "unclear" {
			t.Errorf("%+v", act)
		}
	}
	f.Advance(15 * time.Minute)
	if got := f.asks(f.runtimeAPI, backupEvent, time.Minute); len(got.Deferred) > 0 || f.sets() != 3 {
		t.Errorf("afterwards: %+v, and %d sets", got, f.sets())
	}
}
