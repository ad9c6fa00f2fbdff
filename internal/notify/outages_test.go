package notify_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nightshift/internal/notify"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

func TestJournalCannotBeWritten(t *testing.T) {
	w, s := hook(t, "")
	w.run(failed("i-1"))
	folder := filepath.Join(w.dir, "journal")
	if err := errors.Join(os.RemoveAll(folder), os.WriteFile(folder, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		w.run(failed("i-1"))
	}
	if got := titles(s.taken(t)); got != "power: 1 problem" {
		t.Errorf("told: %q", got)
	}
	if err := os.Remove(folder); err != nil {
		t.Fatal(err)
	}
	w.run(failed("i-1"))
	w.restart()
	w.run(failed("i-1"))
	if got := titles(s.taken(t)); got != "" {
		t.Errorf("when it is back: %q", got)
	}
}

func TestAServiceIsDown(t *testing.T) {
	w, s := hook(t, "")
	s.answering(func(a http.ResponseWriter) bool { a.WriteHeader(http.StatusInternalServerError); return true })
	for n := range 12 {
		w.run(stopped(fmt.Sprint("i-", n)))
	}
	if got := w.notifier.Counts()["audit"]; got.Pending != 12 || got.Sent != 0 || got.Failed != 12 || !strings.Contains(w.log.String(), "HTTP 500") {
		t.Errorf("counts: %+v", got)
	}
	s.answering(nil)
	var all []notify.Message
	for range 3 {
		w.run()
		all = append(all, s.taken(t)...)
	}
	if len(all) != 12 || !all[0].At.Before(all[11].At) {
		t.Errorf("%d messages came: %s", len(all), titles(all))
	}
	asked := 0
	s.answering(func(a http.ResponseWriter) bool {
		asked++
		a.Header().Set("Retry-After", "1200")
		a.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	for range 4 {
		w.run(stopped("i-1"))
	}
	if asked != 1 {
		t.Errorf("asked %d times within the time that it wanted", asked)
	}
	s.answering(nil)
	w.run()
	if got := len(s.take()); got != 4 {
		t.Errorf("%d messages after it", got)
	}
}

func TestPendingIsBounded(t *testing.T) {
	w, s := hook(t, "")
	s.answering(func(a http.ResponseWriter) bool { a.WriteHeader(http.StatusBadGateway); return true })
	for range 130 {
		w.run(stopped("i-1"))
	}
	if got := w.notifier.Counts()["audit"].Pending; got != 100 {
		t.Errorf("%d wait", got)
	}
	s.answering(nil)
	w.run()
	first := s.taken(t)[0]
	if last := first.Groups[len(first.Groups)-1]; last.Heading != "30 earlier messages were dropped: they were too many, too old or refused" {
		t.Errorf("%+v", last)
	}
	w.now = w.now.Add(30 * time.Hour)
	w.run()
	if got := s.take(); len(got) > 0 || w.notifier.Counts()["audit"].Pending != 0 {
		t.Errorf("%d messages of the day before", len(got))
	}
	w.run(stopped("i-2"))
	if got := s.taken(t); len(got) != 1 || !strings.HasPrefix(got[0].Groups[len(got[0].Groups)-1].Heading, "95 earlier messages were dropped") {
		t.Errorf("the next one does not say how many were dropped: %+v", got)
	}
}

func TestAClockThatJumps(t *testing.T) {
	w, s := hook(t, "")
	s.answering(func(a http.ResponseWriter) bool {
		a.Header().Set("Retry-After", "60")
		a.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	right := w.now
	w.now = w.now.AddDate(1, 0, 0)
	w.run(failed("i-1"))
	w.run(failed("i-1"), stopped("i-2"))
	w.now = right
	s.answering(nil)
	w.restart()
	w.run(failed("i-1"), failed("i-3"))
	w.run(failed("i-1"), failed("i-3"))
	if got := titles(s.taken(t)); got != "power: 1 problem, stopped 1 machine; power: 1 problem" {
		t.Errorf("told: %q", got)
	}
}

func TestAServiceHangs(t *testing.T) {
	w, s := hook(t, "")
	release := make(chan struct{})
	s.answering(func(http.ResponseWriter) bool { <-release; return true })
	defer close(release)
	w.notifier.Time = time.Second
	began := time.Now()
	w.run(stopped("i-1"))
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	if got := w.notifier.Counts()["audit"]; got.Pending != 1 || !strings.Contains(w.log.String(), "no answer came in time") {
		t.Errorf("counts: %+v", got)
	}
}

func TestRefusedMessagesAreDropped(t *testing.T) {
	w, s := hook(t, "")
	s.answering(func(a http.ResponseWriter) bool {
		s.answering(nil) // the next one is taken
		http.Error(a, "invalid_payload", http.StatusBadRequest)
		return true
	})
	w.run(stopped("i-1"))
	if got := w.notifier.Counts()["audit"]; got.Pending != 0 || !strings.Contains(w.log.String(), "invalid_payload") {
		t.Errorf("counts: %+v", got)
	}
	w.run(stopped("i-2"))
	if got := s.taken(t); titles(got) != "power: stopped 1 machine" || !strings.Contains(got[0].Plain(), "1 earlier message was dropped") {
		t.Errorf("told: %+v", got)
	}
	if !bytes.Contains(w.log.Bytes(), []byte("it is dropped")) {
		t.Error("nobody hears that it was dropped")
	}
}

func TestTheStoreHangs(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{})
	w, s := hook(t, "")
	w.openIn(server, w.config)
	w.notifier.Time = 2 * time.Second
	w.run()
	if err := server.Sandbox().SetFaults([]sandbox.Fault{{Action: "s3:*", Kind: sandbox.Delay, For: time.Minute}}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		began := time.Now()
		w.run(failed("i-1"))
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("it took %s", took)
		}
	}
	if got := titles(s.taken(t)); got != "power: 1 problem" {
		t.Errorf("told: %q", got)
	}
}
