// Package sandboxtest starts sandboxes for tests and holds every
// exchange with them against AWS's official service models, so that neither
// nightshift nor the sandbox drifts from what AWS speaks.
//
// It imports sandbox only, and only tests import it.
package sandboxtest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"nightshift/internal/sandbox"
)

// requireModels is the environment variable that makes a missing model a
// failure instead of a skipped check.
const requireModels = "NIGHTSHIFT_REQUIRE_MODELS"

// Start serves the account that o describes on a free port of 127.0.0.1 until
// the test ends. Each request to a service whose model is known, and each
// answer, is checked against it; the test fails with every kind of
// violation. o.Tap still sees every exchange.
//
// The models are read from the Go module cache. Without network, and where the
// module has never been downloaded, the check is skipped and the log says so,
// unless NIGHTSHIFT_REQUIRE_MODELS=1.
func Start(t testing.TB, o sandbox.Options) *sandbox.Server {
	t.Helper()
	found := watch(t, &o)
	s, err := sandbox.New(o)
	if err != nil {
		t.Fatalf("build the sandbox: %v", err)
	}
	server, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatalf("serve the sandbox: %v", err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("close the sandbox: %v", err)
		}
		found.report(t)
	})
	return server
}

// StartOrganization is Start for a sandbox with the member accounts
// sandbox.Members(2) in addition to those of o.
func StartOrganization(t testing.TB, o sandbox.Options) *sandbox.Server {
	t.Helper()
	o.Accounts = append(sandbox.Members(2), o.Accounts...)
	return Start(t, o)
}

// Watch adds the check to o.Tap for accounts that a test serves in its own
// way. Violations are reported when the test ends.
func Watch(t testing.TB, o *sandbox.Options) {
	t.Helper()
	found := watch(t, o)
	t.Cleanup(func() { found.report(t) })
}

func watch(t testing.TB, o *sandbox.Options) *violations {
	t.Helper()
	found := &violations{counts: map[string]int{}}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	known, err := models.get(ctx)
	if err != nil {
		//nolint:forbidigo // a switch of the test run, not of nightshift
		if os.Getenv(requireModels) == "1" {
			t.Fatalf("%s=1, but the service models cannot be had: %v", requireModels, err)
		}
		models.logged.Do(func() { t.Logf("exchanges are not checked against the service models: %v", err) })
		return found
	}
	tap := o.Tap
	o.Tap = func(e sandbox.Exchange) {
		found.add(e, check(known, e))
		if tap != nil {
			tap(e)
		}
	}
	return found
}

// violations collects violations, each kind once.
type violations struct {
	mu     sync.Mutex
	order  []string
	counts map[string]int
}

func (f *violations) add(e sandbox.Exchange, violations []violation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, v := range violations {
		text := fmt.Sprintf("%s %s: %s", e.Service, e.Action, v)
		if f.counts[text] == 0 {
			f.order = append(f.order, text)
		}
		f.counts[text]++
	}
}

func (f *violations) report(t testing.TB) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, text := range f.order {
		t.Errorf("%s (%d times)", text, f.counts[text])
	}
}
