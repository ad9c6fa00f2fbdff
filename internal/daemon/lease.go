package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/lease"
	"nightshift/internal/watch"
)

const (
	// ttl is how old a lease is at least when another process may take it over. That of
	// power is two of its intervals, for it is kept from run to run.
	ttl = 10 * time.Minute
	// renewEvery is how often a lease is renewed while a job runs.
	renewEvery = ttl / 4
)

// Why a job is not run: another process does it, or has just done it.
var (
	errElsewhere = errors.New("not run here")
	errDone      = errors.New("already done")
)

// heldLease is a lease with what it was taken by. Where that is another one by now, so
// is the lease.
type heldLease struct {
	*lease.Lease
	journal string // the place; empty for a file of this machine
	ttl     time.Duration
}

// holding is the lease of a job while it runs.
type holding struct {
	// fresh is true where it was taken, and another process may have had it before.
	fresh bool
	// lost is closed when another process has it, or may have it.
	lost chan struct{}
	// release is to be called afterwards.
	release func()
}

// hold takes or renews the lease of a job. Where the store of leases cannot be reached,
// stops and starts go on without one: two at the same time do no harm, and none at all
// does. A report and backups wait.
func (d *Daemon) hold(ctx context.Context, s *app.Session, job watch.Job) (holding, error) {
	without := holding{lost: make(chan struct{}), release: func() {}}
	held, fresh, err := d.take(ctx, s, job)
	switch {
	case errors.Is(err, fleet.ErrConflict):
		d.forgetLease(job.Name)
		return without, fmt.Errorf("%w: %w", errElsewhere, err)
	case err != nil:
		d.showLease(job.Name, false) // it may still be ours, and is renewed the next time
		if job.Name == config.JobReport || job.Name == config.JobBackup {
			return without, err
		}
		d.log.WarnContext(ctx, "a job runs without its lease, perhaps at the same time as in another process", "job", job.Name, "error", err)
		return without, nil
	}
	d.keepLease(job.Name, held)
	renewing, stop := context.WithCancel(ctx)
	var renewed sync.WaitGroup
	lost := make(chan struct{})
	renewed.Go(func() { d.renew(renewing, job.Name, held, sync.OnceFunc(func() { close(lost) })) })
	return holding{fresh, lost, func() {
		stop()
		renewed.Wait()
		// The next run of power is soon. Without a journal no other process knows what
		// was done, so that none may do it again.
		if job.Name != config.JobPower && held.journal != "" {
			d.giveBack(ctx, job.Name, held)
		}
	}}, nil
}

// take renews the lease that this process has, or takes it.
func (d *Daemon) take(ctx context.Context, s *app.Session, job watch.Job) (held heldLease, fresh bool, err error) {
	want := heldLease{journal: s.Config.Journal, ttl: max(ttl, 2*job.When.Interval())}
	d.mu.Lock()
	held, have := d.leases[job.Name]
	d.mu.Unlock()
	switch {
	case have && held.journal == want.journal && held.ttl == want.ttl:
		if err := d.inTime(ctx, held.Renew); !errors.Is(err, fleet.ErrConflict) {
			return held, false, err
		}
	case have:
		d.giveBack(ctx, job.Name, held)
	}
	err = d.inTime(ctx, func(ctx context.Context) (err error) {
		want.Lease, err = d.takeNew(ctx, s, job.Name, want.ttl)
		return err
	})
	return want, true, err
}

// takeNew takes a lease that this process does not have.
func (d *Daemon) takeNew(ctx context.Context, s *app.Session, job string, ttl time.Duration) (*lease.Lease, error) {
	store, err := s.Versions(ctx)
	if err != nil {
		return nil, err
	}
	account, err := d.account(ctx, s)
	if err != nil {
		return nil, err
	}
	key := lease.Key(job, account)
	if store != nil {
		return lease.Take(ctx, store, key, ttl, owner())
	}
	d.warnLocal.Do(func() {
		d.log.WarnContext(ctx, "without a journal only the processes of this machine are kept from doing the same job twice; add the line journal: s3://bucket/prefix")
	})
	return lease.Lock(filepath.Join(d.o.Locks, filepath.FromSlash(key)))
}

// inTime asks the store of leases, and does not wait for longer than StoreTime.
func (d *Daemon) inTime(ctx context.Context, ask func(context.Context) error) error {
	short, cancel := context.WithTimeout(ctx, d.o.StoreTime)
	defer cancel()
	err := ask(short)
	if err != nil && short.Err() != nil && ctx.Err() == nil {
		return fleet.Errorf(fleet.ErrUnavailable, "the store of the lease did not answer within %s", d.o.StoreTime)
	}
	return err
}

// account is that of our own credentials, which is asked for once.
func (d *Daemon) account(ctx context.Context, s *app.Session) (fleet.Account, error) {
	d.mu.Lock()
	known := d.own
	d.mu.Unlock()
	if known != "" {
		return known, nil
	}
	account, err := s.Account(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.own = cmp.Or(account, d.own)
	return account, err
}

// owner is what this process calls itself.
func owner() string {
	host, err := os.Hostname()
	if err != nil {
		return "nightshift"
	}
	return host
}

// renew keeps a lease until the context ends, or until another process has it: then it is
// lost. One that could not be renewed for as long as it lasts may be, too.
func (d *Daemon) renew(ctx context.Context, job string, held heldLease, lost func()) {
	for renewed := time.Now(); ; { //nolint:forbidigo // how long it has been, not what time it is
		select {
		case <-ctx.Done():
			return
		case <-time.After(d.scaled(renewEvery)):
		}
		asked := time.Now() //nolint:forbidigo // how long it has been, not what time it is
		err := d.inTime(ctx, held.Renew)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, fleet.ErrConflict):
			lost()
			d.log.WarnContext(ctx, "the lease of a job was lost while the job runs", "job", job, "error", err)
			d.forgetLease(job)
			return
		case err == nil:
			renewed = asked
		default:
			if time.Since(renewed) >= d.scaled(held.ttl) { //nolint:forbidigo // how long it has been, not what time it is
				lost()
			}
			d.log.WarnContext(ctx, "the lease of a job was not renewed", "job", job, "error", err)
		}
		d.showLease(job, err == nil)
	}
}

// scaled is a time of the clock that jobs follow by the one of the machine.
func (d *Daemon) scaled(t time.Duration) time.Duration {
	return time.Duration(float64(t) / d.o.Speed)
}

// keepLease notes that this process holds the lease of a job.
func (d *Daemon) keepLease(job string, held heldLease) {
	d.mu.Lock()
	d.leases[job] = held
	d.mu.Unlock()
	d.showLease(job, true)
}

// forgetLease notes that this process does not hold the lease of a job.
func (d *Daemon) forgetLease(job string) {
	d.mu.Lock()
	delete(d.leases, job)
	d.mu.Unlock()
	d.showLease(job, false)
}

func (d *Daemon) showLease(job string, held bool) {
	if d.o.LeaseHeld != nil {
		d.o.LeaseHeld(job, held)
	}
}

// giveBack releases a lease, so that nobody has to wait until it is too old. The time
// for that is its own: the process may have none left.
func (d *Daemon) giveBack(ctx context.Context, job string, held heldLease) {
	if err := d.inTime(context.WithoutCancel(ctx), held.Release); err != nil {
		d.log.WarnContext(ctx, "the lease of a job was not released", "job", job, "error", err)
	}
	d.forgetLease(job)
}

// giveAllBack releases all leases.
func (d *Daemon) giveAllBack(ctx context.Context) {
	d.mu.Lock()
	all := maps.Clone(d.leases)
	d.mu.Unlock()
	var given sync.WaitGroup
	for job, held := range all {
		given.Go(func() { d.giveBack(ctx, job, held) })
	}
	given.Wait()
}
