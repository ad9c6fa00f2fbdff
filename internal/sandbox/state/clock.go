package state

import (
	"sync"
	"time"
)

// Clock is the account's time: the real time since it was made, sped up, plus
// what it was advanced by. It is the only place that asks for the real time.
type Clock struct {
	real0 time.Time
	Start time.Time
	speed float64

	mu     sync.Mutex
	offset time.Duration
}

// NewClock makes a clock that begins at a time, or now, and runs so much faster
// than real time; below zero it does not move.
func NewClock(start time.Time, speed float64) *Clock {
	now := time.Now()
	if start.IsZero() {
		start = now
	}
	switch {
	case speed == 0:
		speed = 1
	case speed < 0:
		speed = 0
	}
	return &Clock{real0: now, Start: start.UTC().Round(0), speed: speed}
}

// Now is the account's time in UTC.
func (c *Clock) Now() time.Time {
	passed := time.Duration(float64(time.Since(c.real0)) * c.speed)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Start.Add(passed + c.offset)
}

// RealNow is the time of the world outside, by which clients sign.
func RealNow() time.Time { return time.Now().UTC() }

// Since is the time that has passed in the account since t.
func (c *Clock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// Advance moves the clock forward.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}
