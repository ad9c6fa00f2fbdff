package app

import (
	"context"
	"errors"
	"os"
	"sync"
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
	// lost is closed when nothing new may be started: another process has the lease, or
	// the caller says so.
	lost chan struct{}

	held    *lease.Lease
	session *Session
	stop    context.CancelFunc
	renewed sync.WaitGroup
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

// renew keeps the lease until it is lost or released.
func (l *jobLease) renew(ctx context.Context, job string, closing <-chan struct{}) {
	defer close(l.lost)
	every := time.NewTicker(renewEvery)
	defer every.Stop()
	for {
		select {
		case <-closing:
			return
		case <-ctx.Done():
			return
		case <-every.C:
		}
		err := l.held.Renew(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, fleet.ErrConflict):
			l.session.app.log.WarnContext(ctx, "the lease of a job was lost while the job runs; nothing new is begun", "job", job, "error", err)
			return
		case err != nil:
			l.session.app.log.WarnContext(ctx, "the lease of a job was not renewed", "job", job, "error", err)
		}
	}
}

// release gives the lease back, so that nobody has to wait until it is too old.
func (l *jobLease) release(ctx context.Context) {
	l.stop()
	l.renewed.Wait()
	if err := l.held.Release(ctx); err != nil {
		l.session.app.log.WarnContext(ctx, "the lease of a job was not released", "error", err)
	}
}
