// Package app is what nightshift does, for every caller: it opens the accounts
// and regions to work in and runs the jobs there. The command line, the function
// and the daemon are thin callers; they parse, call and print.
//
// Jobs take values and give values. An error means that the job could not begin;
// what goes wrong later is in its result. No terminal, flag or environment is
// touched here: callers pass what they read there.
//
// It may import every package but the callers and the sandbox.
package app

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/fleet"
	"nightshift/internal/pricelist"
)

// Options are what all jobs of a process share.
type Options struct {
	// Now is the clock of this machine.
	Now func() time.Time
	// Getenv reads an environment variable. Only external ids are read from it,
	// from variables whose names begin with NIGHTSHIFT_.
	Getenv func(name string) string
	// Log, if not nil, gets what is worth a line while a job works.
	Log *slog.Logger
	// Endpoint, if not nil, is a sandbox that replaces the SDK's default chain.
	Endpoint *amazon.Endpoint
	// ClockScale is how much faster than ours the clock of a sandbox runs that
	// the default chain leads to; 0 means 1.
	ClockScale float64
	// CacheDir is where the price list is kept between runs if nothing else is
	// said; empty keeps it nowhere.
	CacheDir string
	// Observer, if not nil, hears of what jobs do.
	Observer Observer
}

// App runs jobs. It keeps sessions with their credentials, the roles that they
// assumed and their token buckets, and the prices that were read, from run to run. It
// is safe for concurrent runs.
type App struct {
	options  Options
	log      *slog.Logger
	observer Observer

	mu       sync.Mutex
	sessions map[regions]*amazon.Session
	prices   map[priceSource]*pricelist.Cached

	programFile string // from which lastProgram was read
	lastProgram []byte // to deploy; nil before one is read
}

// priceSource is where prices come from, and where they are kept between processes.
type priceSource struct {
	session *amazon.Session
	place   string
}

// regions are the regions by which sessions differ: the one that is named, and
// the one to use where the default chain names none.
type regions struct{ named, fallback fleet.Region }

// New makes an App. Nothing is asked of AWS.
func New(o Options) *App {
	a := &App{options: o, log: o.Log, observer: o.Observer, sessions: map[regions]*amazon.Session{}, prices: map[priceSource]*pricelist.Cached{}}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	if a.observer == nil {
		a.observer = NopObserver{}
	}
	return a
}

// session is the session of our own credentials, which are there and can be
// read. It is opened once.
func (a *App) session(ctx context.Context, r regions) (*amazon.Session, error) {
	a.mu.Lock()
	session := a.sessions[r]
	a.mu.Unlock()
	if session == nil {
		var err error
		session, err = amazon.Open(ctx, amazon.Options{
			Region: r.named, Fallback: r.fallback, Endpoint: a.options.Endpoint, ClockScale: a.options.ClockScale,
			Now: a.options.Now, Agent: "nightshift", Log: a.log,
			Called: func(c amazon.Call) { a.observer.Called(c.Run, c) },
		})
		if err != nil {
			return nil, err
		}
		a.mu.Lock()
		if other := a.sessions[r]; other != nil {
			session = other // another run was faster
		} else {
			a.sessions[r] = session
		}
		a.mu.Unlock()
	}
	if session.Region() == "" {
		return session, nil // the caller says what is missing
	}
	return session, session.Authenticate(ctx)
}
