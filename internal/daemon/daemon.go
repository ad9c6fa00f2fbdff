// Package daemon runs the jobs of a configuration at their times for as long as the
// process lives, keeps an eye on the estate meanwhile, and serves what it knows over
// HTTP: metrics, health and the page.
//
// Jobs are those of app, at the times of the configuration's section jobs. A pass looks
// at the wall clock and at what has been done so far, at least twice a minute, so that
// neither a machine that slept nor a clock that was set makes a job late for longer.
// With Observe no job is run: then it only reads, as beside a deployed function.
//
// It may import fleet, blob, power, config, app, watch, lease and notify. Metrics and the
// page are handed to it.
package daemon

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/blob"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/notify"
	"nightshift/internal/watch"
)

// Options are what a Daemon works with.
type Options struct {
	App     *app.App
	Watcher *watch.Watcher
	// Now is the clock that jobs follow, Speed how much faster than real time it runs;
	// 0 means 1.
	Now   func() time.Time
	Speed float64
	Log   *slog.Logger
	// Observe runs no job.
	Observe bool
	// Costs is how often what machines cost is calculated, 0 every six hours.
	Costs time.Duration
	// Reports is the prefix in a bucket to which reports go; the zero Ref is nowhere.
	Reports blob.Ref
	// Tag chooses the machines of the jobs stop and start.
	Tag fleet.Tag
	// CostInput is what is said of the costs of reports beside the configuration.
	CostInput app.CostInput
	// Locks is a folder for the leases of jobs where there is no journal.
	Locks string
	// StoreTime is how long the store of leases and that of the configuration may take
	// before a job goes on without their answer; 0 means 10 seconds.
	StoreTime time.Duration
	// Metrics and Page, if not nil, answer at /metrics and everywhere else.
	Metrics, Page http.Handler
	// JobStarted, if not nil, hears of each run of a job; what it returns hears of its
	// end. LeaseHeld hears whether this process has the lease of a job.
	JobStarted func(job string) (ended func(failed bool))
	LeaseHeld  func(job string, held bool)
	// Ended, if not nil, tells people what became of a run. The session may be nil.
	Ended func(context.Context, *app.Session, notify.Result)
}

const (
	// pause is how long at most nobody looks at the clock, and shortest how long at
	// least where the clock is a sandbox's and runs fast.
	pause    = 30 * time.Second
	shortest = 100 * time.Millisecond
	// costsEvery is how old at most the costs are where nothing else is said.
	costsEvery = 6 * time.Hour
	// storeTime is how long a lease or a configuration is waited for where nothing else
	// is said. The first sweep has three times as long before jobs begin without it.
	storeTime = 10 * time.Second
	// grace is how long what has begun may take to end when the process is told to.
	grace = 40 * time.Second
)

// Daemon is a process that watches and runs jobs.
type Daemon struct {
	o   Options
	log *slog.Logger
	// closing is closed when nothing new may begin, swept when the machines were read for
	// the first time, or could not be.
	closing, swept chan struct{}
	firstSweep     sync.Once
	work           sync.WaitGroup

	// unstored is a report that could not be stored; of the job report.
	unstored *app.ReportResult

	mu sync.Mutex
	// began is when it was made: what was due before then and was never done is not
	// made up for.
	began    time.Time
	attempts map[string]attempt
	// problems are the times of jobs for which a problem is shown.
	problems map[string]time.Time
	running  map[string]bool
	again    map[string]bool // once more after what is under way
	ready    bool
	leases   map[string]heldLease
	own      fleet.Account // of our own credentials

	warnLocal sync.Once
}

// attempt is the last time that this process began a job.
type attempt struct {
	at time.Time
	// failed counts the tries since the last one that began.
	failed int
}

// New makes a Daemon. Nothing is read yet.
func New(o Options) *Daemon {
	if o.Speed <= 0 {
		o.Speed = 1
	}
	if o.Costs <= 0 {
		o.Costs = costsEvery
	}
	d := &Daemon{
		o: o, log: o.Log, began: o.Now(), closing: make(chan struct{}), swept: make(chan struct{}),
		attempts: map[string]attempt{}, problems: map[string]time.Time{}, running: map[string]bool{}, again: map[string]bool{}, leases: map[string]heldLease{},
	}
	if d.o.StoreTime <= 0 {
		d.o.StoreTime = storeTime
	}
	if d.o.JobStarted == nil {
		d.o.JobStarted = func(string) func(bool) { return func(bool) {} }
	}
	if d.o.Ended == nil {
		d.o.Ended = func(context.Context, *app.Session, notify.Result) {}
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	return d
}

// Run watches and runs jobs until the context ends. Then nothing new begins, and what
// has begun has 40 seconds to end. It is an error where there is no configuration that can be
// followed.
func (d *Daemon) Run(ctx context.Context) error {
	// What has begun goes on when the context ends.
	working, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	if _, err := d.o.Watcher.Reload(ctx); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() {
		close(d.closing)
		over := time.NewTimer(grace)
		defer over.Stop()
		select {
		case <-over.C:
			cancel()
		case <-working.Done():
		}
	})
	defer stop()
	for ctx.Err() == nil {
		d.Pass(working)
		select {
		case <-ctx.Done():
		case <-time.After(d.pause()):
		}
	}
	d.Wait()
	d.giveAllBack(working)
	return nil
}

// pause is how long to wait until the next pass.
func (d *Daemon) pause() time.Duration {
	return max(shortest, time.Duration(float64(pause)/d.o.Speed))
}

// Wait waits until all that has begun has ended.
func (d *Daemon) Wait() { d.work.Wait() }

// Pass looks once at the clock: it reads the configuration again, begins what is due and
// returns. The first pass waits until it is known what was done before, but not for
// long: power does what is to be done now, and nothing else was ever due.
func (d *Daemon) Pass(ctx context.Context) {
	if err := d.reload(ctx); err != nil {
		if !d.closed() {
			d.log.ErrorContext(ctx, "no configuration", "error", err)
		}
		return
	}
	if !d.Ready() {
		d.sweepSoon(ctx)
		select {
		case <-d.swept:
		case <-d.closing:
		case <-time.After(3 * d.o.StoreTime):
		}
		d.mu.Lock()
		d.ready = true
		d.mu.Unlock()
	}
	if !d.o.Observe {
		for _, job := range d.o.Watcher.State().Jobs {
			d.begin(ctx, job)
		}
	}
	state, now := d.o.Watcher.State(), d.o.Now()
	every := state.SweepEvery
	if d.working() {
		every *= 2 // each job ends with a sweep
	}
	if old(state.Machines, now, every) && !d.isRunning(sweeping) {
		d.sweepSoon(ctx)
	}
	if d.copiesDue(state, now) {
		d.soon(ctx, copies, d.copies)
	}
	if old(state.Cost.Part, now, d.o.Costs) {
		d.once(ctx, "costs", d.costs)
	}
}

// reload reads the configuration. Where its store does not answer, the one in force
// stays.
func (d *Daemon) reload(ctx context.Context) error {
	ctx, cancel := d.untilClosing(ctx)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, d.o.StoreTime)
	defer cancel()
	_, err := d.o.Watcher.Reload(ctx)
	return err
}

// Ready is true once a configuration is in force and the machines were read for the
// first time, or could not be in the time for that.
func (d *Daemon) Ready() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ready
}

// old reports whether a part was last tried too long ago, or lies in the future because
// the clock was set back.
func old(p watch.Part, now time.Time, every time.Duration) bool {
	age := now.Sub(p.Tried)
	return age >= every || age < 0
}

// untilClosing gives a context for what only reads: it ends as soon as the process is to
// end.
func (d *Daemon) untilClosing(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-d.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// sweeping and copies are what the readings of machines and of backups are called among
// what runs.
const (
	sweeping = "sweep"
	copies   = "backups"
)

// sweepSoon reads the machines in the background.
func (d *Daemon) sweepSoon(ctx context.Context) { d.soon(ctx, sweeping, d.sweep) }

// soon reads in the background. Where that is under way it is done once more, for
// something may have been read before it was changed.
func (d *Daemon) soon(ctx context.Context, what string, read func(context.Context)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.again[what] = true
	if d.running[what] {
		return
	}
	d.running[what] = true
	d.work.Go(func() {
		for d.takeAgain(what) {
			read(ctx)
		}
	})
}

// takeAgain reports whether something is to be read once more. Where it is not, the
// reading has ended.
func (d *Daemon) takeAgain(what string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running[what], d.again[what] = d.again[what], false
	return d.running[what]
}

func (d *Daemon) sweep(ctx context.Context) {
	ctx, cancel := d.untilClosing(ctx)
	defer cancel()
	defer d.firstSweep.Do(func() { close(d.swept) })
	if err := d.o.Watcher.Sweep(ctx); err != nil && ctx.Err() == nil {
		d.log.WarnContext(ctx, "the machines cannot be read", "error", err)
	}
}

// copiesDue reports whether it is time to read which volumes have a copy. The job that
// makes copies ends with that.
func (d *Daemon) copiesDue(state *watch.State, now time.Time) bool {
	return state.Config.HasBackups() && !d.isRunning(config.JobBackup) && !d.isRunning(copies) &&
		old(state.Backups.Part, now, max(watch.BackupsEvery, state.SweepEvery))
}

func (d *Daemon) copies(ctx context.Context) {
	ctx, cancel := d.untilClosing(ctx)
	defer cancel()
	if err := d.o.Watcher.SweepBackups(ctx); err != nil && ctx.Err() == nil {
		d.log.WarnContext(ctx, "the backups cannot be read", "error", err)
	}
}

func (d *Daemon) costs(ctx context.Context) {
	ctx, cancel := d.untilClosing(ctx)
	defer cancel()
	if err := d.o.Watcher.SweepCosts(ctx); err != nil && ctx.Err() == nil {
		d.log.WarnContext(ctx, "the costs cannot be calculated", "error", err)
	}
}

// working is true while a job runs.
func (d *Daemon) working() bool {
	return slices.ContainsFunc(d.o.Watcher.State().Jobs, func(j watch.Job) bool { return d.isRunning(j.Name) })
}

func (d *Daemon) isRunning(what string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.running[what]
}

// once does something in the background, unless it is under way.
func (d *Daemon) once(ctx context.Context, what string, do func(context.Context)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.running[what] {
		return
	}
	d.running[what] = true
	d.work.Go(func() {
		defer func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.running[what] = false
		}()
		do(ctx)
	})
}
