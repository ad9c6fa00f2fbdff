package app

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/blob"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
)

// Run is what is known of a run itself.
type Run struct {
	// ID is in the user agent of every request of the run, as "run/ID".
	ID       string
	Job      string // "stop", "start", "power", "report", …
	DryRun   bool   `json:",omitempty"` // it changes nothing, and no job is done by it
	Started  time.Time
	Duration time.Duration
	// Name is its name in the journal, empty where it is not there.
	Name string `json:",omitempty"`
	// Calls counts the requests to AWS by service and action, such as
	// "EC2:DescribeInstances", retries included.
	Calls map[string]int
}

// activeRun is a run that has not ended.
type activeRun struct {
	Run
	app     *App
	counter amazon.Counter
}

// begin starts a run. Requests with its context are counted for it and no other.
func (a *App) begin(ctx context.Context, job string) (context.Context, *activeRun) {
	return a.beginRun(ctx, Run{Job: job})
}

// beginRun starts a run of which something is known already.
func (a *App) beginRun(ctx context.Context, known Run) (context.Context, *activeRun) {
	known.ID, known.Started = strings.ToLower(rand.Text()[:12]), a.options.Now()
	r := &activeRun{app: a, Run: known}
	a.observer.RunStarted(r.Run)
	return amazon.WithRun(amazon.WithCounter(ctx, &r.counter), r.ID), r
}

// calls counts the requests so far, those of an earlier part of the run among them.
func (r *activeRun) calls() map[string]int {
	counts := r.counter.Counts()
	for name, n := range r.Calls {
		counts[name] += n
	}
	return counts
}

// end completes what is known of the run.
func (r *activeRun) end(status fleet.Status) Run {
	r.Duration, r.Calls = r.app.options.Now().Sub(r.Started), r.calls()
	r.app.observer.RunEnded(r.Run, status)
	return r.Run
}

// recordTime is how long a record may take where the run's own time is over. The
// function keeps a second for its answer.
const recordTime = 500 * time.Millisecond

// record puts a run into the journal, also one that ran out of time. Without a
// journal nothing is kept; where it cannot be written the run has been no less.
func (s *Session) record(ctx context.Context, run *activeRun, r journal.Record) {
	store := s.journal(ctx)
	if store == nil {
		return
	}
	r.Job, r.Started, r.Duration, r.Calls = run.Job, run.Started, s.app.options.Now().Sub(run.Started), run.calls()
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), recordTime)
		defer cancel()
	}
	key, err := journal.Write(ctx, store, r)
	if err != nil {
		s.app.log.WarnContext(ctx, "the run is not in the journal", "error", err)
	}
	run.Name = journal.NameOf(key)
}

// journal is the journal of the configuration: nil where there is none, or none
// that can be used.
func (s *Session) journal(ctx context.Context) blob.Store {
	if s.Config == nil {
		return nil
	}
	store, err := s.store(ctx, s.Config.Journal)
	if err != nil {
		s.app.log.WarnContext(ctx, "the run is not in the journal", "error", err)
	}
	return store
}

// grace is how long a request that is under way may take to end after the caller
// has given up. Without it nobody would know whether AWS took it.
const grace = 5 * time.Second

// outlive gives a context that ends a little after ctx is cancelled, and at its
// deadline.
func outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	longer := context.WithoutCancel(ctx)
	var cancel context.CancelFunc
	if deadline, ok := ctx.Deadline(); ok {
		longer, cancel = context.WithDeadline(longer, deadline)
	} else {
		longer, cancel = context.WithCancel(longer)
	}
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return longer, func() { stop(); cancel() }
}
