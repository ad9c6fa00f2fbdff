package daemon_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/app"
	"nightshift/internal/blob"
	"nightshift/internal/daemon"
	"nightshift/internal/sandbox"
	"nightshift/internal/watch"
)

// follow makes a daemon that follows a configuration elsewhere.
func (w *world) follow(t *testing.T, place string) {
	t.Helper()
	ref, err := blob.ParseRef(place)
	if err != nil {
		t.Fatal(err)
	}
	w.options.Watcher = watch.New(watch.Options{App: w.options.App, Now: w.options.Now, Selection: app.Selection{Config: ref}})
	w.Daemon = daemon.New(w.options)
}

// put writes an object of the bucket.
func (w *world) put(t *testing.T, key, text string) {
	t.Helper()
	s, err := w.options.App.Open(t.Context(), app.Selection{Config: w.ref(), NeedConfig: true})
	if err != nil {
		t.Fatal(err)
	}
	store, err := s.Versions(t.Context())
	if err == nil {
		err = store.Put(t.Context(), key, []byte(text))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A configuration is followed wherever it is, while the daemon runs: a changed one is in
// force at the next pass, one with errors or none at all is not, and the one before stays.
func TestReload(t *testing.T) {
	links := t.TempDir()
	version := 0
	for name, source := range map[string]struct {
		place  string
		write  func(t *testing.T, w *world, text string)
		refuse string // a fault, or none
	}{
		"S3": {
			"s3://" + sandbox.DefaultBucket + "/journal/nightshift.yaml",
			func(t *testing.T, w *world, text string) { w.put(t, "nightshift.yaml", text) }, "s3:GetObject=deny",
		},
		"Systems Manager": {
			"ssm:/nightshift/config",
			func(t *testing.T, w *world, text string) {
				if err := w.SetParameter("us-east-1", sandbox.Parameter{Name: "/nightshift/config", Value: text}); err != nil {
					t.Fatal(err)
				}
			}, "ssm:GetParameter=broken",
		},
		// As the kubelet does it: the file is a link through the link ..data, which is
		// replaced as a whole.
		"ConfigMap": {
			filepath.Join(links, "nightshift.yaml"),
			func(t *testing.T, _ *world, text string) {
				version++
				made := "..version" + string(rune('0'+version))
				next := filepath.Join(links, "..data_tmp")
				for _, err := range []error{
					os.Mkdir(filepath.Join(links, made), 0o700),
					os.WriteFile(filepath.Join(links, made, "nightshift.yaml"), []byte(text), 0o600),
					os.Symlink(made, next), os.Rename(next, filepath.Join(links, "..data")),
				} {
					if err != nil {
						t.Fatal(err)
					}
				}
				_ = os.Symlink(filepath.Join("..data", "nightshift.yaml"), filepath.Join(links, "nightshift.yaml")) // it is there from the first time on
			}, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, at(23, 12, 0), sandbox.Options{})
			named := func(name string) string { return strings.ReplaceAll(officeHours, "office-hours", name) }
			inForce := func(when, name string, rejected bool) {
				t.Helper()
				w.pass(t, 30*time.Second)
				config := w.options.Watcher.State().Config
				if config.Value == nil || len(config.Rejected) > 0 != rejected {
					t.Fatalf("%s: %+v", when, config)
				}
				if got := config.Value.Schedules[0].Name; got != name {
					t.Errorf("%s: the schedule is %s, want %s", when, got, name)
				}
			}
			source.write(t, w, named("first"))
			w.follow(t, source.place)
			inForce("at first", "first", false)
			source.write(t, w, named("second"))
			inForce("changed", "second", false)
			source.write(t, w, strings.Replace(named("third"), "19:00", "25:00", 1))
			inForce("with an error", "second", true)
			if source.refuse != "" {
				w.faults(t, source.refuse)
				inForce("not to be read", "second", true)
				w.faults(t, "")
			}
			source.write(t, w, named("fourth"))
			inForce("mended", "fourth", false)
		})
	}
}

// silent is a server that answers as the sandbox does, or, where told to, accepts
// requests and never answers.
type silent struct {
	*httptest.Server
	hangs atomic.Pointer[string] // part of the path of the requests; nil is none
	asked chan struct{}
}

func newSilent(t *testing.T, account *sandbox.Sandbox) *silent {
	s := &silent{asked: make(chan struct{}, 1)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if part := s.hangs.Load(); part == nil || !strings.Contains(r.URL.Path, *part) {
			account.ServeHTTP(out, r)
			return
		}
		select {
		case s.asked <- struct{}{}:
		default:
		}
		_, _ = io.Copy(io.Discard, r.Body) // before that it is not seen that the client has gone
		<-r.Context().Done()
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *silent) hang(part string) { s.hangs.Store(&part) }

// through makes the daemon reach AWS through another server.
func (w *world) through(s *silent, answer time.Duration) {
	w.options.App = app.New(app.Options{Now: w.options.Now, Endpoint: &amazon.Endpoint{
		URL: s.URL, AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey, ClockScale: 1000, AnswerTime: answer,
	}})
}

// The place of the configuration accepts and does not answer: the one in force is
// followed, and says so.
func TestAConfigurationThatHangs(t *testing.T) {
	w := newWorld(t, at(23, 18, 57), sandbox.Options{})
	w.put(t, "nightshift.yaml", officeHours)
	silent := newSilent(t, w.Sandbox)
	w.through(silent, time.Hour)
	w.options.StoreTime = time.Second
	w.follow(t, "s3://"+sandbox.DefaultBucket+"/journal/nightshift.yaml")
	w.pass(t, 0)
	silent.hang("nightshift.yaml")
	w.pass(t, 5*time.Minute)
	if got, want := w.times(t, "power"), "Mon 18:57, Mon 19:02"; got != want {
		t.Errorf("power ran %s, want %s", got, want)
	}
	if rejected := w.options.Watcher.State().Config.Rejected; len(rejected) != 1 || !strings.Contains(rejected[0], "nightshift.yaml") {
		t.Errorf("%q", rejected)
	}
}

// The process ends at once where the place of the configuration does not answer.
func TestItEndsWhileAConfigurationHangs(t *testing.T) {
	w := newWorld(t, at(23, 18, 57), sandbox.Options{})
	w.put(t, "nightshift.yaml", officeHours)
	silent := newSilent(t, w.Sandbox)
	w.through(silent, time.Hour)
	w.options.StoreTime, w.options.Speed = time.Hour, 1000
	ran := make(chan struct{}, 1)
	w.options.JobStarted = func(string) func(bool) { return func(bool) { ran <- struct{}{} } }
	w.follow(t, "s3://"+sandbox.DefaultBucket+"/journal/nightshift.yaml")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	<-ran
	silent.hang("nightshift.yaml")
	<-silent.asked
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Whether the process is ready does not depend on AWS: the configuration is in force, and
// the machines were tried to be read.
func TestReadyWhileAWSDoesNotAnswer(t *testing.T) {
	w := newWorld(t, at(23, 18, 57), sandbox.Options{})
	silent := newSilent(t, w.Sandbox)
	w.through(silent, time.Hour) // longer than the first sweep is waited for
	w.options.StoreTime, w.options.Observe = 50*time.Millisecond, true
	w.restart()
	server := httptest.NewServer(w.Handler())
	defer server.Close()
	silent.hang("")
	ctx, cancel := context.WithCancel(t.Context())
	w.Pass(ctx)
	for _, path := range []string{"/healthz", "/readyz"} {
		if code, body := get(t, server.URL+path); code != http.StatusOK {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	cancel()
	w.Wait()
}

// For an hour AWS accepts connections and never answers. What was read before is shown
// with its date, each run ends, and the next one after that puts things right.
func TestAnHourInWhichAWSDoesNotAnswer(t *testing.T) {
	w := newWorld(t, at(23, 18, 52), sandbox.Options{})
	silent := newSilent(t, w.Sandbox)
	w.through(silent, 500*time.Millisecond)
	w.options.StoreTime = 100 * time.Millisecond
	w.restart()
	server := httptest.NewServer(w.Handler())
	defer server.Close()
	w.pass(t, 0)
	read := w.options.Watcher.State().Machines.At
	silent.hang("")
	for range 3 {
		w.pass(t, 20*time.Minute)
		if code, _ := get(t, server.URL+"/readyz"); code != http.StatusOK {
			t.Errorf("readyz: %d", code)
		}
	}
	state := w.options.Watcher.State()
	if target := state.Targets[0]; target.Up || !strings.Contains(target.Err, "no answer came within 500ms") || !target.At.Equal(read) || len(target.Steps) == 0 || !state.Machines.At.Equal(read) {
		t.Errorf("target: up %v, of %s, %d machines, %q", target.Up, target.At, len(target.Steps), target.Err)
	}
	if job := state.Jobs[0]; !job.LastSuccess.Before(at(23, 18, 53)) || job.Running {
		t.Errorf("the job: %+v", job)
	}
	silent.hangs.Store(nil)
	w.pass(t, 15*time.Minute)
	state = w.options.Watcher.State()
	if n := w.toStop(); n > 0 || !state.Targets[0].Up || state.Jobs[0].Problem != "" || !state.Jobs[0].LastSuccess.Equal(w.now) {
		t.Errorf("afterwards: %d machines to stop, %+v", n, state.Jobs[0])
	}
}

// A report that cannot be stored is kept for the next try: it may have been paid for.
func TestAReportThatCannotBeStored(t *testing.T) {
	w := newWorld(t, at(30, 6, 58), sandbox.Options{}) // Monday
	w.configure(t, officeHours+"cost: { cost_explorer: { requests: 20 } }\n")
	w.options.Reports.Path = "ec2/"
	w.pass(t, 0)
	const denied = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"},
		{"Effect": "Deny", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::nightshift-practice/ec2/*"}]}`
	if err := w.SetPolicy([]byte(denied)); err != nil {
		t.Fatal(err)
	}
	w.pass(t, 10*time.Minute)
	first := w.paid()
	for range 6 {
		w.pass(t, 10*time.Minute)
	}
	if job := w.options.Watcher.State().Jobs[1]; job.Name != "report" || job.Last != nil || job.Problem == "" {
		t.Errorf("%+v", job)
	}
	if err := w.SetPolicy(nil); err != nil {
		t.Fatal(err)
	}
	w.pass(t, 30*time.Minute)
	if got, want := w.times(t, "report"), "Mon 07:08"; got != want || first == 0 || w.paid() != first {
		t.Errorf("reports were made %s, want %s, with %d paid requests and then %d", got, want, first, w.paid()-first)
	}
	if job := w.options.Watcher.State().Jobs[1]; job.Problem != "" {
		t.Errorf("%q", job.Problem)
	}
}

// paid counts the requests to Cost Explorer.
func (w *world) paid() (n int) {
	for _, call := range w.Calls() {
		if call.Service == "ce" {
			n++
		}
	}
	return n
}
