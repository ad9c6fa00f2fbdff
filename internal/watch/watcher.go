package watch

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
)

// Options are what a Watcher works with.
type Options struct {
	App *app.App
	// Selection says where to look. Its configuration is followed: Reload reads it
	// anew.
	Selection app.Selection
	// Now is the clock that jobs follow.
	Now func() time.Time
	// Log, if not nil, gets what is worth a line.
	Log *slog.Logger
	// Timezone is that of costs where the configuration names none.
	Timezone string
	// Sweep is how often the machines are read where no job has done so; 0 is as often
	// as power runs, and at least every five minutes.
	Sweep time.Duration
	// Observe leaves all places as they are: the prices that the configuration keeps are
	// read there, and those that were asked for are not stored.
	Observe bool
}

// mostSweep is how old the machines are at most where nothing else is said.
const mostSweep = 5 * time.Minute

// Watcher makes the State. It is safe for concurrent use.
type Watcher struct {
	o     Options
	log   *slog.Logger
	state atomic.Pointer[State]

	// sweeping, pricing and copying are held by the one sweep of its kind that is under way.
	sweeping, pricing, copying sync.Mutex
	own                        fleet.Account  // of our own credentials; of who holds sweeping
	past                       app.PastCopies // of who holds copying

	mu sync.Mutex // of all below, and of who replaces the state
	// reading is the configuration in force, valid one without errors.
	reading app.Reading
	runs    runs
	here    map[string]ownJob // the jobs in this process
}

// ownJob is what this process says of a job.
type ownJob struct {
	running bool
	problem string
}

// New makes a Watcher. Nothing is read yet.
func New(o Options) *Watcher {
	w := &Watcher{o: o, log: o.Log, here: map[string]ownJob{}, runs: newRuns()}
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	w.state.Store(&State{Made: o.Now(), Config: Config{Ref: o.Selection.Config.String()}, SweepEvery: w.sweepEvery(nil)})
	return w
}

// State is what is known now. It never waits and is never nil.
func (w *Watcher) State() *State { return w.state.Load() }

// change replaces the state by a copy with changes.
func (w *Watcher) change(edit func(*State)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changeLocked(edit)
}

func (w *Watcher) changeLocked(edit func(*State)) {
	s := *w.state.Load()
	edit(&s)
	s.Made = w.o.Now()
	s.Jobs = w.jobs(&s)
	s.SweepEvery = w.sweepEvery(s.Jobs)
	w.state.Store(&s)
}

// sweepEvery is how often the machines are read with these jobs.
func (w *Watcher) sweepEvery(jobs []Job) time.Duration {
	if w.o.Sweep > 0 {
		return w.o.Sweep
	}
	for _, j := range jobs {
		if every := j.When.Interval(); j.Name == "power" && every > 0 {
			return min(every, mostSweep)
		}
	}
	return mostSweep
}

// Selection is where to work, with the configuration that is in force.
func (w *Watcher) Selection() app.Selection {
	w.mu.Lock()
	defer w.mu.Unlock()
	sel := w.o.Selection
	sel.NeedConfig = true
	if reading := w.reading; reading.Config != nil {
		sel.Reading = &reading
	}
	return sel
}

// Reload reads the configuration and puts it in force where it is another than before
// and has no errors. The first one is put in force whatever its errors: what those are
// about is skipped. It is an error only where there is none to put in force. One that
// does not come before the deadline cannot be read.
func (w *Watcher) Reload(ctx context.Context) (changed bool, err error) {
	read := w.o.App.ReadConfig(ctx, w.o.Selection.Config)
	if errors.Is(ctx.Err(), context.Canceled) {
		return false, ctx.Err() // it says nothing about the configuration
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.reading
	same := before.Config != nil && read.Hash != "" && read.Hash == before.Hash
	changed = !same && read.Config != nil && (read.Err == nil || before.Config == nil || before.Err != nil)
	if changed {
		w.reading = read
	}
	problems := problemsOf(read.Err)
	if changed || !slices.Equal(problems, w.state.Load().Config.Rejected) {
		w.logReading(ctx, read, changed, before.Config != nil)
	}
	w.changeLocked(func(s *State) {
		s.Config.Checked, s.Config.Rejected = w.o.Now(), problems
		switch {
		case len(problems) == 0:
			s.Config.RejectedSince = time.Time{}
		case s.Config.RejectedSince.IsZero():
			s.Config.RejectedSince = s.Config.Checked
		}
		if changed {
			s.Config.Loaded, s.Config.Hash, s.Config.Value = s.Config.Checked, read.Hash, read.Config
			s.Backups.Tried = time.Time{} // its policies may say something else
			if !s.Config.HasBackups() {
				s.Backups = Backups{}
			}
		}
	})
	if w.reading.Config == nil {
		return false, read.Err
	}
	return changed, nil
}

// logReading says what became of a configuration that is another than before.
func (w *Watcher) logReading(ctx context.Context, read app.Reading, taken, before bool) {
	switch {
	case read.Err != nil && taken:
		w.log.ErrorContext(ctx, "the configuration has errors; what they are about is skipped", "configuration", w.o.Selection.Config.String(), "errors", problemsOf(read.Err))
	case read.Err != nil:
		w.log.ErrorContext(ctx, "the new configuration is not used, because it has errors; the one before stays in force", "configuration", w.o.Selection.Config.String(), "errors", problemsOf(read.Err))
	case taken && before:
		w.log.InfoContext(ctx, "a new configuration is in force", "configuration", w.o.Selection.Config.String())
	case !taken:
		w.log.InfoContext(ctx, "the configuration is again the one in force", "configuration", w.o.Selection.Config.String())
	}
}

// Running says that this process has begun or ended a job.
func (w *Watcher) Running(job string, running bool) {
	w.change(func(*State) {
		own := w.here[job]
		own.running = running
		w.here[job] = own
	})
}

// Problem says why this process does not do a job, or does it late; empty where
// nothing is in the way.
func (w *Watcher) Problem(job, problem string) {
	w.change(func(*State) {
		own := w.here[job]
		own.problem = problem
		w.here[job] = own
	})
}

// Ran says what this process has done, so that it is known also where the journal
// cannot be written or there is none.
func (w *Watcher) Ran(r journal.Record) {
	w.change(func(s *State) {
		now := w.o.Now()
		w.runs.add(now, []journal.Record{r})
		w.runs.show(s, now)
	})
}

// jobs are those of the configuration, with what is known of their runs.
func (w *Watcher) jobs(s *State) []Job {
	if s.Config.Value == nil {
		return nil
	}
	now := w.o.Now()
	w.runs.followJobs(now)
	list := make([]Job, 0, len(s.Config.Value.Jobs))
	for _, j := range s.Config.Value.Jobs {
		own, known := w.here[j.Name], w.runs.jobs[j.Name]
		job := Job{Name: j.Name, When: j.When, Last: known.last, LastSuccess: known.success, Running: own.running, Problem: own.problem}
		job.Next, _ = j.When.Next(now)
		list = append(list, job)
	}
	return list
}

// tried completes what is known about a part that was read, or was not.
func (p Part) tried(at time.Time, took time.Duration, err error) Part {
	p.Tried, p.Duration, p.Err = at, took, ""
	if err == nil {
		p.At = at
	} else {
		p.Err = err.Error()
	}
	return p
}

// errorsOf joins what went wrong with targets.
func errorsOf(list []app.TargetError) error {
	var errs []error
	for _, e := range list {
		errs = append(errs, e.Err)
	}
	return errors.Join(errs...)
}

// isOf reports whether a target is the one that an error is about, or one of several.
func isOf(t fleet.Target, of fleet.Target) bool {
	return t.Account == of.Account && (of.Region == "" || t.Region == of.Region)
}

// problemsOf are the errors of a configuration.
func problemsOf(err error) []string {
	list, ok := errors.AsType[config.Errors](err)
	switch {
	case err == nil:
		return nil
	case !ok:
		return []string{err.Error()}
	}
	texts := make([]string, len(list))
	for n, e := range list {
		e.Source = "" // its line may hold what a page must not show
		texts[n] = e.String()
	}
	return texts
}
