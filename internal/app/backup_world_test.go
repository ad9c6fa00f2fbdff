package app_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/blob"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
)

// estate is a sandbox with a few machines and policies for them. Each run is one of a new
// process, which a gate can kill.
type estate struct {
	t       testing.TB
	sandbox *sandbox.Sandbox
	gate    *gate
	config  blob.Ref
	behind  time.Duration // of the clock of the machine that runs nightshift
}

const policies = `regions: [ap-northeast-2]
journal: s3://nightshift-practice/journal
backup:
  delete: unattended
  policies:
    - { id: daily, tag: Backup=daily, resource: instance, schedule: { at: "02:00", timezone: UTC }, keep: { daily: 3 } }
    - { id: disks, tag: Disk=yes, resource: volume, schedule: { at: "02:00", timezone: UTC }, keep: { last: 3 } }
`

// night is when the first copies of most tests are due.
func night() time.Time { return time.Date(2026, 11, 20, 2, 0, 30, 0, time.UTC) }

func newEstate(t testing.TB, text string, o sandbox.Options) *estate {
	t.Helper()
	if o.Start.IsZero() {
		o.Start = night()
	}
	o.Speed, o.Seed, o.Fleet, o.EmptyPages = -1, 7, 3, -1
	account, err := sandbox.New(o)
	if err != nil {
		t.Fatal(err)
	}
	e := &estate{t: t, sandbox: account, gate: &gate{account: account}}
	server := httptest.NewServer(e.gate)
	t.Cleanup(server.Close)
	e.gate.url = server.URL
	file := filepath.Join(t.TempDir(), "nightshift.yaml")
	e.config = blob.Ref{Scheme: blob.File, Path: file}
	e.configure(text)
	return e
}

func (e *estate) configure(text string) {
	e.t.Helper()
	if err := os.WriteFile(e.config.Path, []byte(text), 0o600); err != nil {
		e.t.Fatal(err)
	}
}

// open is a session of a new process.
func (e *estate) open(ctx context.Context) *app.Session { return e.openWith(ctx, app.Options{}) }

// openWith is one with options of its own.
func (e *estate) openWith(ctx context.Context, o app.Options) *app.Session {
	e.t.Helper()
	o.Now = func() time.Time { return e.sandbox.Now().Add(-e.behind) }
	o.Endpoint = &amazon.Endpoint{URL: e.gate.url, AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey, ClockScale: 1e6}
	s, err := app.New(o).Open(ctx, app.Selection{Config: e.config, NeedConfig: true})
	if err != nil {
		e.t.Fatal(err)
	}
	return s
}

// inventory is all that there is.
func (e *estate) inventory() backup.Inventory {
	e.t.Helper()
	results := e.open(e.t.Context()).Inventories(e.t.Context())
	if len(results) != 1 || results[0].Err != nil {
		e.t.Fatalf("%+v", results)
	}
	return results[0].Value
}

// choose tags instances with Backup=daily and volumes with Disk=yes.
func (e *estate) choose(instances, volumes int) (chosen []fleet.ResourceID) {
	e.t.Helper()
	inv := e.inventory()
	for _, i := range inv.Instances[:instances] {
		// CreateTags takes ids of anything.
		if err := e.copies().TagCopies(e.t.Context(), []fleet.SnapshotID{fleet.SnapshotID(i.ID)}, fleet.Tags{"Backup": "daily", "Name": "web"}); err != nil {
			e.t.Fatal(err)
		}
		chosen = append(chosen, i.ID)
	}
	left := volumes
	for _, v := range inv.Volumes {
		if left == 0 || len(v.AttachedTo) > 0 && containsID(chosen, v.AttachedTo[0]) {
			continue
		}
		left--
		e.sandbox.SetVolumeTags(sandbox.DefaultRegion, string(v.ID), sandbox.Tags{{Key: "Disk", Value: "yes"}})
		chosen = append(chosen, fleet.ResourceID(v.ID))
	}
	if left > 0 {
		e.t.Fatalf("%d volumes too few", left)
	}
	return chosen
}

func containsID(list []fleet.ResourceID, id fleet.ResourceID) bool {
	return slices.Contains(list, id)
}

// copies are the snapshots, as a person changes them.
func (e *estate) copies() *amazon.Copies {
	e.t.Helper()
	session, err := amazon.Open(e.t.Context(), amazon.Options{Region: sandbox.DefaultRegion, Endpoint: &amazon.Endpoint{
		URL: e.gate.url, AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey, ClockScale: 1e6,
	}})
	if err != nil {
		e.t.Fatal(err)
	}
	return session.Copies(sandbox.DefaultRegion)
}

// run is a scheduled run of a new process.
func (e *estate) run() app.BackupResult {
	e.t.Helper()
	return e.runWith(app.BackupInput{})
}

func (e *estate) runWith(in app.BackupInput) app.BackupResult {
	e.t.Helper()
	result, err := e.open(e.t.Context()).Backup(e.t.Context(), in)
	if err != nil {
		e.t.Fatalf("%s, after a kill at %s (%q): %v", e.sandbox.Now().Format(time.DateTime), e.gate.last, e.gate.seen, err)
	}
	return result
}

// killed is a run that ends at its nth call that changes something, before AWS has got it
// or after it was carried out. It says whether there were so many.
func (e *estate) killed(n int, after bool) bool {
	e.t.Helper()
	ctx, cancel := context.WithCancel(e.t.Context())
	defer cancel()
	s := e.open(ctx)
	e.gate.arm(n, after, cancel)
	_, err := s.Backup(ctx, app.BackupInput{})
	if !e.gate.disarm() {
		if err != nil {
			e.t.Fatal(err)
		}
		return false
	}
	return true
}

// sets are the sets that there really are, also those that calls do not show yet.
func (e *estate) sets() []backup.Set {
	var list []fleet.Snapshot
	for _, s := range e.sandbox.Snapshots(sandbox.DefaultRegion) {
		list = append(list, fleet.Snapshot{
			ID: fleet.SnapshotID(s.ID), Volume: fleet.VolumeID(s.Volume), State: s.Status(e.sandbox.Now()), Started: s.Started,
			Completed: s.Finished, Tags: tagsOf(s.Tags),
		})
	}
	sets, _ := backup.Sets(list, e.sandbox.Now())
	return sets
}

func tagsOf(list sandbox.Tags) fleet.Tags {
	tags := fleet.Tags{}
	for _, t := range list {
		tags[t.Key] = t.Value
	}
	return tags
}

// gate stands before a sandbox and kills whoever asks it.
type gate struct {
	account *sandbox.Sandbox
	url     string

	mu     sync.Mutex
	left   int // calls that change something until the kill; 0 is never
	after  bool
	cancel func()
	dead   bool
	last   string // the action of the call at which it was killed
	seen   []string
	asked  func(action string) // if not nil, called before each call of EC2 is answered
}

func (g *gate) arm(n int, after bool, cancel func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left, g.after, g.cancel, g.dead, g.last, g.seen = n, after, cancel, false, "", nil
}

// disarm says whether somebody was killed.
func (g *gate) disarm() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	killed := g.dead
	g.left, g.dead = 0, false
	return killed
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	action := changing(r)
	g.mu.Lock()
	asked := g.asked
	g.mu.Unlock()
	if asked != nil {
		asked(called(r))
	}
	g.mu.Lock()
	dead, now := g.dead, false
	if action != "" && !dead {
		g.seen = append(g.seen, action)
		if g.left--; g.left == 0 {
			g.dead, g.last, now = true, action, true
		}
	}
	after, cancel := g.after, g.cancel
	g.mu.Unlock()
	if now {
		if after {
			g.account.ServeHTTP(httptest.NewRecorder(), r)
		}
		cancel()
	}
	if dead || now {
		panic(http.ErrAbortHandler)
	}
	g.account.ServeHTTP(w, r)
}

// changing is the action of a request that changes something; else it is empty.
func changing(r *http.Request) string {
	if r.Method == http.MethodPut || r.Method == http.MethodDelete {
		return fmt.Sprintf("%s %s", r.Method, r.URL.Path)
	}
	action := called(r)
	for _, verb := range []string{"Create", "Delete", "Modify"} {
		if strings.HasPrefix(action, verb) {
			return action
		}
	}
	return ""
}

// called is the action of a request to EC2; else it is empty.
func called(r *http.Request) string {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return ""
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return ""
	}
	return form.Get("Action")
}
