package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/fleet"
	"nightshift/internal/notify"
)

// pager is a world with PagerDuty.
func pager(t *testing.T) (*world, *service) {
	t.Helper()
	s := serve(t, pagerDutyTakes)
	w := newWorld(t, fmt.Sprintf("notify: { recipients: { pager: { pagerduty: env:NIGHTSHIFT_PAGER, url: %q } } }\n", s.URL))
	w.env["NIGHTSHIFT_PAGER"] = strings.Repeat("0f", 16)
	return w, s
}

// events are those that PagerDuty got, each its action and its key.
func (s *service) events(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, body := range s.take() {
		var e struct {
			EventAction string `json:"event_action"`
			DedupKey    string `json:"dedup_key"`
		}
		if err := json.Unmarshal(body, &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e.EventAction+" "+e.DedupKey)
	}
	return all
}

// A pager is told of more problems than can wait, too, in several runs.
func TestPagerDutyHearsOfAll(t *testing.T) {
	w, s := pager(t)
	var results []*app.PowerResult
	for n := range 3 {
		var many []machine
		for k := range 90 {
			many = append(many, failed(fmt.Sprintf("i-%d-%d", n, k)))
		}
		r := w.result(many...)
		r.Targets[0].Plan.Target.Region = fleet.Region(fmt.Sprint("eu-west-", n+1))
		results = append(results, r)
	}
	all := *results[0]
	all.Targets = append(all.Targets, results[1].Targets[0], results[2].Targets[0])
	for range 14 {
		w.now = w.now.Add(5 * time.Minute)
		all.Targets[0].Plan.At = w.now
		w.notifier.Run(t.Context(), w.session, notify.Result{Job: "power", Power: &all})
	}
	if got := len(s.take()); got != 270 {
		t.Errorf("%d events for 270 problems", got)
	}
}

// PagerDuty hears of a problem that two runs found, and of its end, under one key; a
// failed run alone pages nobody, nor does a stop.
func TestPagerDuty(t *testing.T) {
	w, s := pager(t)
	broken := notify.Result{Job: "report", Err: errors.New("no bucket")}
	w.run(stopped("i-1"), failed("i-2"))
	w.notifier.Run(t.Context(), w.session, broken)
	if got := s.take(); len(got) > 0 {
		t.Errorf("paged for one run: %s", got)
	}
	w.run(failed("i-2"))
	w.notifier.Run(t.Context(), w.session, broken)
	w.now = w.now.Add(48 * time.Hour)
	w.run(failed("i-2"))
	w.run()
	keys := s.events(t)
	want := []string{
		"trigger nightshift|power|111111111111|eu-west-1|i-2", "trigger nightshift|report|||failed",
		"resolve nightshift|power|111111111111|eu-west-1|i-2",
	}
	if !slices.Equal(keys, want) {
		t.Errorf("got %q, want %q", keys, want)
	}
}

// An incident is resolved, too, when its machine becomes one of many, and when it is for
// somebody else from now on.
func TestPagerDutyResolvesWhatItHearsNoMore(t *testing.T) {
	w, s := pager(t)
	var many []machine
	for n := range 120 {
		many = append(many, failed(fmt.Sprintf("i-%03d", n)))
	}
	w.run(many[:60]...)
	for range 3 {
		w.run(many[:60]...)
	}
	if got := s.events(t); len(got) != 60 {
		t.Fatalf("%d events for 60 problems", len(got))
	}
	for range 5 {
		w.run(many...)
	}
	got := s.events(t)
	whole := slices.Index(got, "trigger nightshift|power|111111111111|eu-west-1|InsufficientInstanceCapacity")
	if len(got) != 61 || whole < 0 {
		t.Errorf("%d events when 120 fail: %q", len(got), got)
	}
	w.run(many[:1]...) // the one for all is gone
	w.run(many[:1]...)
	if got, want := s.events(t), []string{strings.Replace(got[whole], "trigger", "resolve", 1), "trigger nightshift|power|111111111111|eu-west-1|i-000"}; !slices.Equal(got, want) {
		t.Errorf("when one fails: %q, want %q", got, want)
	}
	w.configure(strings.Replace(w.config, " } } }", " } }, routes: [{ tag: Team=b, to: pager }] }", 1))
	w.run(many[:1]...)
	if got, want := s.events(t), []string{"resolve nightshift|power|111111111111|eu-west-1|i-000"}; !slices.Equal(got, want) {
		t.Errorf("when it is for somebody else: %q, want %q", got, want)
	}
}

// An event that could not be sent for a day is sent all the same when PagerDuty is there
// again: the begin of what still exists, and the end of what it was told of.
func TestPagerDutyIsDownForLong(t *testing.T) {
	w, s := pager(t)
	w.run(failed("i-1"))
	w.run(failed("i-1"))
	if got := s.events(t); len(got) != 1 {
		t.Fatalf("told: %q", got)
	}
	s.answering(func(a http.ResponseWriter) bool { a.WriteHeader(http.StatusInternalServerError); return true })
	w.run(failed("i-2"), failed("i-3"))
	w.run(failed("i-2"), failed("i-3")) // i-1 is resolved, and two begin
	w.now = w.now.Add(25 * time.Hour)
	w.run(failed("i-2"))
	s.answering(nil)
	w.run(failed("i-2"))
	w.run(failed("i-2"))
	want := []string{"resolve nightshift|power|111111111111|eu-west-1|i-1", "trigger nightshift|power|111111111111|eu-west-1|i-2"}
	if got := s.events(t); !slices.Equal(got, want) {
		t.Errorf("told: %q, want %q", got, want)
	}
}

// PagerDuty answers 400 to a wrong key: the event waits for the right one.
func TestPagerDutyWithAWrongKey(t *testing.T) {
	w, s := pager(t)
	s.answering(func(a http.ResponseWriter) bool { http.Error(a, "{}", http.StatusBadRequest); return true })
	w.run(failed("i-1"))
	w.run(failed("i-1"))
	if got := w.log.String(); !strings.Contains(got, "HTTP 400; check the key") || strings.Contains(got, "dropped") {
		t.Errorf("logged: %s", got)
	}
	w.env["NIGHTSHIFT_PAGER"] = strings.Repeat("1e", 16)
	s.answering(nil)
	w.run(failed("i-1"))
	bodies := s.take()
	if len(bodies) != 1 || !strings.Contains(string(bodies[0]), w.env["NIGHTSHIFT_PAGER"]) {
		t.Errorf("with the right key: %s", bodies)
	}
}

// What is being sent is not taken back: the end follows it.
func TestPagerDutyWhileItIsSent(t *testing.T) {
	w, s := pager(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	w.run(failed("i-1"))
	s.answering(func(http.ResponseWriter) bool { close(arrived); <-release; return false })
	w.now = w.now.Add(5 * time.Minute)
	begun := w.result(failed("i-1"))
	var group sync.WaitGroup
	group.Go(func() {
		w.notifier.Run(context.Background(), w.session, notify.Result{Job: "power", Power: begun})
	})
	<-arrived
	w.process().Run(t.Context(), w.session, notify.Result{Job: "power", Power: w.result()})
	s.answering(nil)
	close(release)
	group.Wait()
	w.run()
	want := []string{"trigger nightshift|power|111111111111|eu-west-1|i-1", "resolve nightshift|power|111111111111|eu-west-1|i-1"}
	if got := s.events(t); !slices.Equal(got, want) {
		t.Errorf("told: %q, want %q", got, want)
	}
}
