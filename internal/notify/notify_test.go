package notify_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/fleet"
	"nightshift/internal/notify"
	"nightshift/internal/power"
)

// A machine that fails is told of after two ticks, once, again after a day, and when
// it is good again.
func TestAProblemIsToldOnce(t *testing.T) {
	w, s := hook(t, "")
	want := func(when, titlesWanted string) {
		t.Helper()
		if got := titles(s.taken(t)); got != titlesWanted {
			t.Errorf("%s: %q, want %q", when, got, titlesWanted)
		}
	}
	w.run(failed("i-1"))
	want("after one tick", "")
	w.run(failed("i-1"))
	want("after two ticks", "power: 1 problem")
	for range 20 {
		w.run(failed("i-1"))
	}
	want("while it lasts", "")
	w.run(failed("i-1"), failed("i-2"))
	w.run(failed("i-1"), failed("i-2"))
	want("a second one", "power: 1 problem")
	w.now = w.now.Add(22*time.Hour + 30*time.Minute)
	w.run(failed("i-1"), failed("i-2"))
	want("after a day", "power: 2 problems still there")
	w.run(stopped("i-1"), failed("i-2"))
	want("good again", "power: 1 resolved, stopped 1 machine")
	w.run(failed("i-2"))
	want("nothing happened", "")
	w.run()
	want("the other is gone", "power: 1 resolved")
	w.run(failed("i-3"))
	w.run()
	w.run(failed("i-3"))
	want("never in two ticks in a row", "")
}

// A run that is tried again, as Lambda does where all of it failed, is one run.
func TestARunThatIsTriedAgain(t *testing.T) {
	w, s := hook(t, "")
	at := w.now
	run := func(after time.Duration) string {
		w.now = at.Add(after)
		w.notifier.Run(t.Context(), w.session, notify.Result{Job: "power", Err: fleet.ErrUnavailable})
		return titles(s.taken(t))
	}
	if got := run(0) + run(time.Minute) + run(149*time.Second); got != "" {
		t.Errorf("when it was tried again: %q", got)
	}
	if got := run(5 * time.Minute); got != "power: 1 problem" {
		t.Errorf("when the next run failed: %q", got)
	}
}

// A run for the machines with one tag says nothing of those with another.
func TestRunsByTag(t *testing.T) {
	w, s := hook(t, "")
	run := func(tag string, machines ...machine) string {
		w.now = w.now.Add(time.Hour)
		r := w.result(machines...)
		r.Input.Action, r.Input.Tags = power.Stop, []fleet.Tag{{Key: "Team", Value: tag}}
		w.notifier.Run(t.Context(), w.session, notify.Result{Job: "stop", Power: r})
		return titles(s.taken(t))
	}
	if got := run("a", failed("i-1")); got != "stop: 1 problem" {
		t.Errorf("told: %q", got)
	}
	if got := run("b"); got != "" {
		t.Errorf("after a run for other machines: %q", got)
	}
	if got := run("a"); got != "stop: 1 resolved" {
		t.Errorf("when it was looked at again: %q", got)
	}
}

// What a run could not look at is not resolved.
func TestUnreadIsNotResolved(t *testing.T) {
	w, s := hook(t, "")
	w.run(failed("i-1"))
	w.run(failed("i-1"))
	s.take()
	unread := w.result()
	unread.Targets[0].Failure = &app.TargetError{Target: target(), Err: fleet.ErrUnavailable}
	for range 2 {
		w.now = w.now.Add(5 * time.Minute)
		unread.Targets[0].Plan.At = w.now
		w.notifier.Run(t.Context(), w.session, notify.Result{Job: "power", Power: unread})
	}
	w.notifier.Run(t.Context(), w.session, notify.Result{Job: "power", Err: fleet.ErrCredentials})
	w.notifier.Run(t.Context(), w.session, notify.Result{Job: "report", Err: errors.New("no bucket")})
	if got := titles(s.taken(t)); got != "power: 1 problem; report: 1 problem" {
		t.Errorf("told: %q", got)
	}
	w.run()
	if got := titles(s.taken(t)); got != "power: 2 resolved" {
		t.Errorf("when it was read: %q", got)
	}
}

// An account that cannot be opened is a problem until one of its regions is read.
func TestAnAccountCannotBeOpened(t *testing.T) {
	w, s := hook(t, "")
	run := func(change func(*app.PowerResult)) string {
		r := w.result()
		change(r)
		w.now = w.now.Add(5 * time.Minute)
		w.notifier.Run(t.Context(), w.session, notify.Result{Job: "power", Power: r})
		return titles(s.taken(t))
	}
	closed := fleet.Target{Account: "222222222222"}
	unreachable := func(r *app.PowerResult) {
		r.Unreachable = []app.TargetError{{Target: closed, Err: fleet.ErrDenied}}
	}
	if got := run(unreachable) + run(unreachable); got != "power: 1 problem" {
		t.Errorf("told: %q", got)
	}
	unread := func(r *app.PowerResult) {
		other := app.PowerTarget{Plan: power.Plan{Target: fleet.Target{Account: closed.Account, Region: "eu-west-1"}}}
		other.Failure = &app.TargetError{Target: other.Plan.Target, Err: fleet.ErrUnavailable}
		r.Targets = append(r.Targets, other)
	}
	if got := run(func(*app.PowerResult) {}) + run(unread); got != "" {
		t.Errorf("before anything of it was read: %q", got)
	}
	read := func(r *app.PowerResult) { unread(r); r.Targets[1].Failure = nil }
	if got := run(read); got != "power: 1 resolved" {
		t.Errorf("when it was read: %q", got)
	}
}

// The state lies beside the journal: the next process goes on with it, and a lost or
// damaged one is told of once more.
func TestStateIsKept(t *testing.T) {
	w, s := hook(t, "")
	w.run(failed("i-1"))
	w.restart()
	w.run(failed("i-1"))
	if got := titles(s.taken(t)); got != "power: 1 problem" {
		t.Errorf("the next process: %q", got)
	}
	file := filepath.Join(w.dir, "journal", "notify", "open", "audit.json")
	for _, broken := range []func() error{
		func() error { return os.Remove(file) },
		func() error { return os.WriteFile(file, []byte(`{"version":1,"open":[`), 0o600) },
		func() error { return os.WriteFile(file, []byte(`{"version":99}`), 0o600) },
	} {
		if err := broken(); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			w.run(failed("i-1"))
			w.restart()
		}
		if got := titles(s.taken(t)); got != "power: 1 problem" {
			t.Errorf("with a lost state: %q", got)
		}
	}
}

// A journal that cannot be written does not flood: this process remembers.
// Two processes that see the same run tell it once.
func TestTwoProcesses(t *testing.T) {
	w, s := hook(t, "")
	other := w.process()
	for range 2 {
		w.now = w.now.Add(5 * time.Minute)
		r := notify.Result{Job: "power", Power: w.result(failed("i-1"))}
		var group sync.WaitGroup
		for _, n := range []*notify.Notifier{w.notifier, other} {
			group.Go(func() { n.Run(context.Background(), w.session, r) })
		}
		group.Wait()
	}
	if got := titles(s.taken(t)); got != "power: 1 problem" {
		t.Errorf("told: %q", got)
	}
}

// Runs of one process that end together lose nothing, also where nothing is stored.
func TestRunsEndTogether(t *testing.T) {
	w, s := hook(t, "")
	w.open(head + w.config)
	const together, times = 8, 20
	for range times {
		w.now = w.now.Add(5 * time.Minute)
		var group sync.WaitGroup
		for n := range together {
			r := notify.Result{Job: "power", Power: w.result(stopped(fmt.Sprint("i-", n)))}
			group.Go(func() { w.notifier.Run(context.Background(), w.session, r) })
		}
		group.Wait()
	}
	told := len(s.take())
	for range together * times {
		w.run()
		told += len(s.take())
	}
	if told != together*times {
		t.Errorf("%d messages of %d runs", told, together*times)
	}
}

// A service that answers 500 for an hour gets what waited, in order, and no run is
// held up. One that asks for time gets it.
// What waits is bounded in number and in time.
// A clock that was a year ahead for a while holds nothing up.
// A service that never answers does not hold up a run.
// A message goes to those whose routes fit; what is about no machine to those without
// a tag.
func TestRoutes(t *testing.T) {
	one, all := serve(t, anything), serve(t, anything)
	w := newWorld(t, fmt.Sprintf(`notify:
  recipients: { a: { webhook: %q }, ops: { webhook: %q } }
  routes: [{ tag: Team=a, to: a }, { to: ops }]
`, one.URL, all.URL))
	b := stopped("i-2")
	b.team = "b"
	w.run(stopped("i-1"), b)
	w.run(b)
	w.notifier.Run(t.Context(), w.session, notify.Result{Job: "report", Err: errors.New("no bucket")})
	if got := titles(one.taken(t)); got != "power: stopped 1 machine" {
		t.Errorf("team a: %q", got)
	}
	if got := titles(all.taken(t)); got != "power: stopped 2 machines; power: stopped 1 machine; report: 1 problem" {
		t.Errorf("ops: %q", got)
	}
}

// More than a hundred machines that fail are one problem for each reason, and that is
// one message.
func TestManyMachinesFail(t *testing.T) {
	w, s := hook(t, "")
	var many []machine
	for n := range 10_000 {
		many = append(many, failed(fmt.Sprintf("i-%05d", n)))
	}
	w.run(many[:50]...)
	w.run(many[:50]...)
	w.run(many...)
	w.run(many...)
	got := s.taken(t)
	if titles(got) != "power: 50 problems; power: 1 problem" || !strings.Contains(got[1].Groups[0].Heading, "10,000 machines") {
		t.Errorf("told: %s", titles(got))
	}
	if got[0].Groups[0].Heading != "did not start: no capacity" || len(got[0].Groups[0].Lines) != 50 {
		t.Errorf("grouped: %+v", got[0].Groups)
	}
	w.run()
	if got := titles(s.taken(t)); got != "power: 1 resolved" {
		t.Errorf("after it: %s", got)
	}
}

// Nobody is told of a dry run, of a run for some machines, of one that was
// interrupted, nor for a configuration that may be somebody else's.
func TestNothingIsTold(t *testing.T) {
	w, s := hook(t, "")
	dry, narrow := w.result(stopped("i-1")), w.result(stopped("i-1"))
	dry.Input.DryRun, narrow.Input.Only.Machines = true, []string{"i-1"}
	w.notifier.Run(t.Context(), w.session, notify.Result{Job: "power", Power: dry})
	w.notifier.Run(t.Context(), w.session, notify.Result{Job: "power", Power: narrow})
	w.notifier.Run(t.Context(), w.session, notify.Result{Job: "power", Err: context.Canceled})
	w.notifier.Named = false
	w.run(stopped("i-1"))
	w.run(stopped("i-1"))
	if _, err := w.notifier.Test(t.Context(), w.session, ""); !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), "--config") {
		t.Errorf("test: %v", err)
	}
	if got := s.take(); len(got) > 0 {
		t.Errorf("told: %s", got)
	}
	if got := strings.Count(w.log.String(), "somebody else"); got != 1 {
		t.Errorf("said %d times:\n%s", got, w.log.String())
	}
}

// The heartbeat is called after good runs only.
func TestHeartbeat(t *testing.T) {
	ping := serve(t, anything)
	w := newWorld(t, "notify: { heartbeat: { power: env:NIGHTSHIFT_PING } }\n")
	w.env["NIGHTSHIFT_PING"] = ping.URL + "/TOKEN"
	w.run(stopped("i-1"))
	w.run()
	w.run(failed("i-1"))
	w.notifier.Run(t.Context(), w.session, notify.Result{Job: "report"})
	if got := len(ping.take()); got != 2 {
		t.Errorf("called %d times, want 2", got)
	}
}

// No address and no token is in what is logged, stored or reported.
func TestNoSecretIsShown(t *testing.T) {
	services := []*service{serve(t, anything), serve(t, anything)}
	services[0].answering(func(a http.ResponseWriter) bool {
		a.Header().Set("Location", "https://elsewhere.example.com/SECRET-TOKEN")
		a.WriteHeader(http.StatusTemporaryRedirect)
		return true
	})
	services[1].answering(func(a http.ResponseWriter) bool {
		http.Error(a, "no route for /SECRET-TOKEN", http.StatusNotFound)
		return true
	})
	w := newWorld(t, `notify:
  recipients:
    redirected: { slack: env:NIGHTSHIFT_A }
    missing: { teams: env:NIGHTSHIFT_B }
    nowhere: { slack: env:NIGHTSHIFT_C }
    clear: { slack: env:NIGHTSHIFT_D }
    unset: { slack: env:NIGHTSHIFT_E }
    file: { slack: "file:`+filepath.Join(t.TempDir(), "none")+`" }
    pager: { pagerduty: env:NIGHTSHIFT_F, url: "`+services[1].URL+`/v2" }
  heartbeat: { power: env:NIGHTSHIFT_C }
`)
	closed := "http://127.0.0.1:9/SECRET-TOKEN"
	w.env = map[string]string{
		"NIGHTSHIFT_A": services[0].URL + "/SECRET-TOKEN", "NIGHTSHIFT_B": services[1].URL + "/SECRET-TOKEN",
		"NIGHTSHIFT_C": closed, "NIGHTSHIFT_D": "http://example.com/SECRET-TOKEN", "NIGHTSHIFT_F": "SECRET-TOKEN",
	}
	for range 2 {
		w.run(failed("i-1"), stopped("i-2"))
	}
	w.run()
	tested, err := w.notifier.Test(t.Context(), w.session, "")
	listed, listErr := w.notifier.List(t.Context(), w.session)
	if err := errors.Join(err, listErr); err != nil {
		t.Fatal(err)
	}
	out := w.log.String() + fmt.Sprintf("%+v %+v %+v", tested, listed, w.notifier.Counts())
	err = filepath.WalkDir(filepath.Join(w.dir, "journal"), func(file string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(file)
		out += string(body)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out, "SECRET") || strings.Contains(out, "127.0.0.1") {
		t.Errorf("a secret is shown:\n%s", out)
	}
	for recipient, problem := range map[string]string{
		"redirected": "redirects are not followed", "missing": "HTTP 404; check the URL or the key", "nowhere": "nothing answers there",
		"clear": "must begin with https://", "unset": "NIGHTSHIFT_E is not set", "file": "cannot be read", "pager": "HTTP 404",
	} {
		for _, status := range tested {
			if status.Recipient == recipient && !strings.Contains(status.Problem, problem) {
				t.Errorf("%s: %q, want %q", recipient, status.Problem, problem)
			}
		}
	}
}

// A message that a service will never take does not hold up the next ones.
