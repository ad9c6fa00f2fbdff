package sandbox

import (
	"sync"
	"time"
)

// clock is the account's time: the real time since it was made, sped up, plus
// what it was advanced by. It is the only place that asks for the real time.
type clock struct {
	real0 time.Time
	start time.Time
	speed float64

	mu     sync.Mutex
	offset time.Duration
}

func newClock(start time.Time, speed float64) *clock {
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
	return &clock{real0: now, start: start.UTC().Round(0), speed: speed}
}

// Now is the account's time in UTC.
func (c *clock) Now() time.Time {
	passed := time.Duration(float64(time.Since(c.real0)) * c.speed)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.start.Add(passed + c.offset)
}

// realNow is the time of the world outside, by which clients sign.
func realNow() time.Time { return time.Now().UTC() }

// Since is the time that has passed in the account since t.
func (c *clock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}
