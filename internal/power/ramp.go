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
// buckets on and rounded up to a minute. What is done within a minute is no
// reason to begin early.
func rampTime(n int) time.Duration {
	requests := (n+batchSize-1)/batchSize - startRequests
	tokens := max(0, requests, n-startIDs)
	d := time.Duration(tokens) * time.Second / startsASecond
	if d < time.Minute {
		return 0
	}
	return (d + time.Minute - 1).Truncate(time.Minute)
}

// Prepare counts the instances that schedules start at the same instant, so that
// large groups are started early enough. It counts all that follow a schedule,
// running or not: the lead must not change while a group starts.
func (rs *RuleSet) Prepare(machines []fleet.Machine, now time.Time) {
	starts := map[*schedule.Schedule]time.Time{}
	counts := map[time.Time]int{}
	for _, m := range machines {
		n, ok := rs.rule(m)
		if !ok || m.Kind != fleet.KindInstance || m.Ineligible != (fleet.Reason{}) || rs.rules.Rules[n].Ignore {
			continue
		}
		named, err := rs.named(n, m)
		if err != nil || named.Ignore {
			continue
		}
		start, known := starts[named.Schedule]
		if !known {
			start = firstStartAfter(named.Schedule, now)
			starts[named.Schedule] = start
		}
		if !start.IsZero() {
			counts[start.UTC()]++
		}
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	clear(rs.leads)
	for s, start := range starts {
		if ramp := rampTime(counts[start.UTC()]); ramp > 0 {
			rs.leads[s] = ramp + cmp.Or(rs.rules.Tick, defaultTick) // the tick that begins may come this late
		}
	}
}

// foresight is how far ahead a start can matter: the buckets let 170,000
// instances start in a day.
const foresight = 24 * time.Hour

// firstStartAfter is the next instant at which the schedule begins to want its
// machines running; zero where there is none soon.
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

// lead is by how much starts of a schedule are advanced under a rule.
func (rs *RuleSet) lead(s *schedule.Schedule, r Rule) time.Duration {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.leads[s] + r.Ready
}
