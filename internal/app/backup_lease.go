package app

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"nightshift/internal/blob"
	"nightshift/internal/fleet"
	"nightshift/internal/lease"
)

const (
	// leaseTTL is how old a lease is when another process may take it over.
	leaseTTL = 10 * time.Minute
	// renewEvery is how often it is renewed while a job runs.
	renewEvery = leaseTTL / 4
)

// jobLease is the lease of a job while it runs.
type jobLease struct {
	// lost is closed when nothing new may be started: another process has the lease or may
	// have it, or the caller says so.
	lost chan struct{}

	held    *lease.Lease
	session *Session
	stop    context.CancelFunc
	renewed sync.WaitGroup
	// taken, if not nil, is why the lease was lost.
	taken atomic.Pointer[error]
}

// why is why the lease was lost while the job ran; nil where it was not.
func (l *jobLease) why() error {
	if l == nil {
		return nil // the caller has it
	}
	if err := l.taken.Load(); err != nil {
		return *err
	}
	return nil
}

// takeLease takes the lease of a job in the account of our own credentials, and renews it
// until it is released.
func (s *Session) takeLease(ctx context.Context, store blob.Versioned, job string, closing <-chan struct{}) (*jobLease, error) {
	account, err := s.Account(ctx)
	if err != nil {
		return nil, err
	}
	owner, err := os.Hostname()
	if err != nil {
		owner = "nightshift"
	}
	held, err := lease.Take(ctx, store, lease.Key(job, account), leaseTTL, owner)
	if err != nil {
		return nil, err
	}
	l := &jobLease{lost: make(chan struct{}), held: held, session: s}
	renewing, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop = stop
	l.renewed.Go(func() { l.renew(renewing, job, closing) })
	return l, nil
}

// renew keeps the lease until it is lost or released. One that could not be renewed for as
// long as it lasts counts as lost: another process may have taken it over.
func (l *jobLease) renew(ctx context.Context, job string, closing <-chan struct{}) {
	defer func() {
		close(l.lost)
		if err := l.why(); err != nil {
			l.session.app.log.WarnContext(ctx, "the lease of a job was lost while the job runs; nothing new is begun", "job", job, "error", err)
		}
	}()
	scale := l.session.clockScale()
	every := time.NewTicker(scaled(renewEvery, scale))
	defer every.Stop()
	renewed, lasts := time.Now(), scaled(leaseTTL, scale) //nolint:forbidigo // how long it has been, not what time it is
	for {
		select {
		case <-closing:
			return
		case <-ctx.Done():
			return
		case <-every.C:
		}
		asked := time.Now() //nolint:forbidigo // how long it has been, not what time it is
		err := l.renewBefore(ctx, renewed.Add(lasts))
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			renewed = asked
		case errors.Is(err, fleet.ErrConflict) || time.Since(renewed) >= lasts: //nolint:forbidigo // how long it has been, not what time it is
			l.taken.Store(&err)
			return
		default:
			l.session.app.log.WarnContext(ctx, "the lease of a job was not renewed", "job", job, "error", err)
		}
	}
}

// renewBefore renews the lease, and gives up when it may be another's.
func (l *jobLease) renewBefore(ctx context.Context, end time.Time) error {
	ctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	return l.held.Renew(ctx)
}

// clockScale is how much faster than ours the clock runs by which leases grow old.
func (s *Session) clockScale() float64 {
	if scale := s.app.options.ClockScale; scale > 1 && s.aws.Emulated() {
		return scale
	}
	return 1
}

// scaled is a time by our clock; never so short that renewing a lease is all that is done.
func scaled(d time.Duration, scale float64) time.Duration {
	return max(time.Duration(float64(d)/scale), 5*time.Millisecond)
}

// release gives the lease back, so that nobody has to wait until it is too old.
func (l *jobLease) release(ctx context.Context) {
	l.stop()
	l.renewed.Wait()
	if err := l.held.Release(ctx); err != nil {
		l.session.app.log.WarnContext(ctx, "the lease of a job was not released", "error", err)
	}
}
