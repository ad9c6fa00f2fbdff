package app_test

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/app"
)

// stack is an observer that keeps the functions of ours that led to the first
// StopInstances, the innermost first.
type stack struct {
	app.NopObserver
	mu     sync.Mutex
	frames []string
}

func (s *stack) Called(_ string, c amazon.Call) {
	if c.Action != "StopInstances" {
		return
	}
	pcs := make([]uintptr, 200)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.frames != nil {
		return
	}
	for {
		f, more := frames.Next()
		if name, ours := strings.CutPrefix(f.Function, "nightshift/internal/"); ours {
			s.frames = append(s.frames, name)
		}
		if !more {
			return
		}
	}
}

// The way from a target to the SDK is short enough to be read. What does not count: the
// middleware, which sees the request again on its way out, and what the compiler makes of
// loops over iterators.
func TestFewFramesLeadToAWS(t *testing.T) {
	var s stack
	w := newObservedWorld(t, &s)
	if _, err := w.open(t).Power(t.Context(), app.PowerInput{Wait: time.Minute}); err != nil {
		t.Fatal(err)
	}
	const most = 8
	var way []string
	for _, f := range s.frames {
		middleware := strings.HasPrefix(f, "amazon.(*Session).") || strings.HasPrefix(f, "amazon.Open.") || strings.HasPrefix(f, "app.(*App).session.")
		loop := strings.Contains(f, "-range") || strings.Contains(f, "batches.func") || strings.Contains(f, ".Chunk[")
		if !middleware && !loop {
			way = append(way, f)
		}
	}
	if len(way) == 0 || len(way) > most {
		t.Errorf("%d frames lead to StopInstances, want at most %d:\n%s", len(way), most, strings.Join(way, "\n"))
	}
}
