package daemon

import (
	"cmp"
	"context"
	"errors"
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

// errElsewhere is why a job is not run: another process does it, or has just done it.
var errElsewhere = errors.New("another process does it")

// hold takes or renews the lease of a job; fresh is true where it was taken, and another
// process may have had it before. Afterwards release is to be called. Where the store of
// leases cannot be reached, stops and starts go on without one: two at the same time do
// no harm, and none at all does. A report waits.
func (d *Daemon) hold(ctx context.Context, s *app.Session, job watch.Job) (fresh bool, release func(), err error) {
	nothing := func() {}
	held, fresh, err := d.take(ctx, s, job)
	switch {
	case errors.Is(err, fleet.ErrConflict):
		d.noteLease(job.Name, nil)
		d.o.Watcher.Problem(job.Name, err.Error())
		return false, nothing, errElsewhere
	case err != nil && job.Name == config.JobReport:
		return false, nothing, err
	case err != nil:
		d.log.WarnContext(ctx, "a job runs without its lease, perhaps at the same time as in another process", "job", job.Name, "error", err)
		return false, nothing, nil
	}
	d.noteLease(job.Name, held)
	renewing, stop := context.WithCancel(ctx)
	var renewed sync.WaitGroup
	renewed.Go(func() { d.renew(renewing, job.Name, held) })
	return fresh, func() {
		stop()
		renewed.Wait()
		if job.Name != config.JobPower { // its next run is soon
			d.giveBack(ctx, job.Name, held)
		}
	}, nil
}

// take renews the lease that this process has, or takes it.
func (d *Daemon) take(ctx context.Context, s *app.Session, job watch.Job) (held *lease.Lease, fresh bool, err error) {
	d.mu.Lock()
	held = d.leases[job.Name]
	d.mu.Unlock()
	if held != nil {
		if err := held.Renew(ctx); !errors.Is(err, fleet.ErrConflict) {
			return held, false, err
		}
	}
	store, err := s.Versions(ctx)
	if err != nil {
		return nil, false, err
	}
	account, err := d.account(ctx, s)
	if err != nil {
		return nil, false, err
	}
	key := lease.Key(job.Name, account)
	if store != nil {
		held, err = lease.Take(ctx, store, key, max(ttl, 2*job.When.Interval()), owner())
		return held, true, err
	}
	d.warnLocal.Do(func() {
		d.log.WarnContext(ctx, "without a journal only the processes of this machine are kept from doing the same job twice; add the line journal: s3://bucket/prefix")
	})
	held, err = lease.Lock(filepath.Join(d.o.Locks, filepath.FromSlash(key)))
	return held, true, err
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

// renew keeps a lease until the context ends, or until another process has it.
func (d *Daemon) renew(ctx context.Context, job string, held *lease.Lease) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(float64(renewEvery) / d.o.Speed)):
		}
		if err := held.Renew(ctx); err != nil && ctx.Err() == nil {
			d.log.WarnContext(ctx, "the lease of a job was not renewed", "job", job, "error", err)
			if errors.Is(err, fleet.ErrConflict) {
				return
			}
		}
	}
}

// noteLease notes whether this process holds the lease of a job.
func (d *Daemon) noteLease(job string, held *lease.Lease) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if held == nil {
		delete(d.leases, job)
	} else {
		d.leases[job] = held
	}
	if d.o.LeaseHeld != nil {
		d.o.LeaseHeld(job, held != nil)
	}
}

// giveBack releases a lease, so that nobody has to wait until it is too old.
func (d *Daemon) giveBack(ctx context.Context, job string, held *lease.Lease) {
	if err := held.Release(ctx); err != nil {
		d.log.WarnContext(ctx, "the lease of a job was not released", "job", job, "error", err)
	}
	d.noteLease(job, nil)
}

// giveAllBack releases all leases.
func (d *Daemon) giveAllBack(ctx context.Context) {
	d.mu.Lock()
	all := maps.Clone(d.leases)
	d.mu.Unlock()
	for job, held := range all {
		d.giveBack(ctx, job, held)
	}
}
