package power

import (
	"time"

	"nightshift/internal/schedule"
)

// course is the wanted state of one machine over time, W(t): its schedule,
// overlaid by its override, with starts advanced by a lead. It is what all
// decisions rest on, and a pure function of time.
type course struct {
	schedule *schedule.Schedule
	keep     Keep
	lead     time.Duration
}

// maxSteps bounds the search for a change of the wanted state. Each step goes
// over one transition that an advanced start takes back.
const maxSteps = 10_000

func (c course) at(t time.Time) schedule.State {
	if c.keep.at(t) {
		return c.keep.State
	}
	state := c.schedule.At(t)
	if c.lead > 0 && state == schedule.Stopped {
		if next, ok := c.schedule.Next(t); ok && next.State == schedule.Running && !next.At.Add(-c.lead).After(t) {
			return schedule.Running
		}
	}
	return state
}

// changed reports whether the wanted state changes at t. Every edge of a
// start-only or stop-only schedule counts as a change.
func (c course) changed(t time.Time) bool {
	before := t.Add(-1)
	if c.at(before) != c.at(t) {
		return true
	}
	if c.keep.at(t) {
		return false
	}
	if last, ok := c.schedule.Last(t); ok && last.At.Equal(t) && (last.State != schedule.Running || c.lead == 0) {
		return c.isEdge(last)
	}
	if c.lead > 0 {
		start := t.Add(c.lead)
		if last, ok := c.schedule.Last(start); ok && last.At.Equal(start) && last.State == schedule.Running {
			return c.isEdge(last)
		}
	}
	return false
}

// isEdge reports whether a transition of the schedule is one that leaves its
// state as it was.
func (c course) isEdge(t schedule.Transition) bool {
	return c.schedule.At(t.At.Add(-1)) == t.State
}

// last is the last instant not after now at which the wanted state changed;
// the zero time where it never did.
func (c course) last(now time.Time) time.Time {
	for range maxSteps {
		t, ok := c.before(now)
		if !ok || c.changed(t) {
			return t
		}
		now = t.Add(-1)
	}
	return time.Time{}
}

// next is the first instant after now at which the wanted state changes; the
// zero time where it never does.
func (c course) next(now time.Time) time.Time {
	for range maxSteps {
		t, ok := c.after(now)
		if !ok || c.changed(t) {
			return t
		}
		now = t
	}
	return time.Time{}
}

// before is the latest instant not after now at which something happens:
// a transition, an advanced start, an end of the override. Under an override
// nothing else does.
func (c course) before(now time.Time) (latest time.Time, ok bool) {
	if c.keep.at(now) {
		return c.keep.Since, true
	}
	consider := func(t time.Time) {
		if !t.IsZero() && !t.After(now) && t.After(latest) {
			latest, ok = t, true
		}
	}
	consider(c.keep.Since)
	consider(c.keep.Until)
	if last, ok := c.schedule.Last(now); ok {
		consider(last.At)
	}
	if c.lead > 0 {
		for t := now.Add(c.lead); ; {
			last, ok := c.schedule.Last(t)
			if ok && last.State == schedule.Running {
				consider(last.At.Add(-c.lead))
			}
			if !ok || !last.At.After(now) {
				break
			}
			t = last.At.Add(-1)
		}
	}
	return latest, ok
}

// after is the first instant after now at which something happens.
func (c course) after(now time.Time) (first time.Time, ok bool) {
	if c.keep.at(now) {
		return c.keep.Until, true
	}
	consider := func(t time.Time) {
		if t.After(now) && (!ok || t.Before(first)) {
			first, ok = t, true
		}
	}
	consider(c.keep.Since)
	consider(c.keep.Until)
	if next, ok := c.schedule.Next(now); ok {
		consider(next.At)
	}
	for t := now.Add(c.lead); c.lead > 0; {
		next, ok := c.schedule.Next(t)
		if ok && next.State == schedule.Running {
			consider(next.At.Add(-c.lead))
		}
		if !ok || next.State == schedule.Running {
			break
		}
		t = next.At
	}
	return first, ok
}
