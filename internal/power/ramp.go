package power

import (
	"cmp"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
)

// EC2's documented token buckets for StartInstances in one account and region
// ("Request throttling for the Amazon EC2 API", EC2 Developer Guide): 5
// requests, refilled at 2 a second, and 1,000 instances, refilled at 2 a
// second.
const (
	startRequests = 5
	startIDs      = 1000
	startsASecond = 2
)

// rampTime is how long the buckets take to let n instances start, from full
// buckets on and rounded up to a minute. What is done within a minute does not
// need an earlier start.
func rampTime(n int) time.Duration {
	requests := (n+batchSize-1)/batchSize - startRequests
	tokens := max(0, requests, n-startIDs)
	d := time.Duration(tokens) * time.Second / startsASecond
	if d < time.Minute {
		return 0
	}
	return (d + time.Minute - 1).Truncate(time.Minute)
}

// Ramp says by how much starts are advanced, so that a large group that starts
// at one instant is up by then. Its keys are those of a RuleSet for schedules;
// nil advances nothing.
type Ramp map[string]time.Duration

// Ramp counts the instances that schedules start at the same instant, so that
// large groups are started early enough.
func (rs *RuleSet) Ramp(machines []fleet.Machine, now time.Time) Ramp {
	counter := rs.RampCounter(now)
	for _, m := range machines {
		counter.Add(m)
	}
	return counter.Ramp()
}

// RampCounter makes a Ramp from machines that come one by one.
type RampCounter struct {
	rules  *RuleSet
	now    time.Time
	starts map[string]time.Time // of each schedule; zero where there is none soon
	counts map[time.Time]int
}

// RampCounter counts the machines of one target for a ramp as of now.
func (rs *RuleSet) RampCounter(now time.Time) *RampCounter {
	return &RampCounter{rules: rs, now: now, starts: map[string]time.Time{}, counts: map[time.Time]int{}}
}

// Add counts a machine, if it follows a schedule, running or not: the ramp must
// not change while a group starts.
func (c *RampCounter) Add(m fleet.Machine) {
	n, ok := c.rules.rule(m)
	if !ok || m.Kind != fleet.KindInstance || !c.rules.rules.Rules[n].include(m).Eligible() || c.rules.rules.Rules[n].Ignore {
		return
	}
	a := c.rules.named(n, m)
	if a.err != nil || a.named.Ignore {
		return
	}
	start, known := c.starts[a.key]
	if !known {
		start = firstStartAfter(a.named.Schedule, c.now).UTC()
		c.starts[a.key] = start
	}
	if !start.IsZero() {
		c.counts[start]++
	}
}

// Ramp is the ramp for the machines that were counted.
func (c *RampCounter) Ramp() Ramp {
	ramp := Ramp{}
	for key, start := range c.starts {
		if d := rampTime(c.counts[start]); d > 0 {
			ramp[key] = d + cmp.Or(c.rules.rules.Tick, defaultTick) // the tick that begins may come this late
		}
	}
	return ramp
}

// foresight is how far ahead a start can matter: the buckets let 170,000
// instances start in a day.
const foresight = 24 * time.Hour

// firstStartAfter is the next instant at which the schedule starts its machines; zero where there is none soon.
func firstStartAfter(s *schedule.Schedule, now time.Time) time.Time {
	for at := now; ; {
		next, ok := s.Next(at)
		switch {
		case !ok || next.At.Sub(now) > foresight:
			return time.Time{}
		case next.State == schedule.Running:
			return next.At
		}
		at = next.At
	}
}
