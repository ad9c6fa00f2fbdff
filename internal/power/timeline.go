package power

import (
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
)

// timeline is the desired state of one machine over time, W(t): its schedule,
// overlaid by its override, with starts advanced by a lead. It is what all
// decisions rest on, and a pure function of time.
type timeline struct {
	schedule *schedule.Schedule
	override fleet.Override
	lead     time.Duration
}

// maxSteps bounds the search for a change of the desired state. Each step goes
// over one transition that an advanced start takes back.
const maxSteps = 10_000

func (tl timeline) at(t time.Time) schedule.State {
	if tl.override.Holds(t) {
		return schedule.State(tl.override.State) // both say running and stopped
	}
	state := tl.schedule.At(t)
	if tl.lead > 0 && state == schedule.Stopped {
		if next, ok := tl.schedule.Next(t); ok && next.State == schedule.Running && !next.At.Add(-tl.lead).After(t) {
			return schedule.Running
		}
	}
	return state
}

// changed reports whether the desired state changes at t. Every transition of a
// start-only or stop-only schedule counts as a change.
func (tl timeline) changed(t time.Time) bool {
	before := t.Add(-1)
	if tl.at(before) != tl.at(t) {
		return true
	}
	if tl.override.Holds(t) {
		return false
	}
	if last, ok := tl.schedule.Last(t); ok && last.At.Equal(t) && (last.State != schedule.Running || tl.lead == 0) {
		return tl.isRepeat(last)
	}
	if tl.lead > 0 {
		start := t.Add(tl.lead)
		if last, ok := tl.schedule.Last(start); ok && last.At.Equal(start) && last.State == schedule.Running {
			return tl.isRepeat(last)
		}
	}
	return false
}

// isRepeat reports whether a transition of the schedule is one that leaves its
// state as it was.
func (tl timeline) isRepeat(t schedule.Transition) bool {
	return tl.schedule.At(t.At.Add(-1)) == t.State
}

// last is the last instant not after now at which the desired state changed;
// the zero time where it never did.
func (tl timeline) last(now time.Time) time.Time {
	for range maxSteps {
		t, ok := tl.before(now)
		if !ok || tl.changed(t) {
			return t
		}
		now = t.Add(-1)
	}
	return time.Time{}
}

// next is the first instant after now at which the desired state changes; the
// zero time where it never does.
func (tl timeline) next(now time.Time) time.Time {
	for range maxSteps {
		t, ok := tl.after(now)
		if !ok || tl.changed(t) {
			return t
		}
		now = t
	}
	return time.Time{}
}

// before is the latest instant not after now at which something happens:
// a transition, an advanced start, an end of the override. Under an override
// nothing else does.
func (tl timeline) before(now time.Time) (latest time.Time, ok bool) {
	if tl.override.Holds(now) {
		return tl.override.Since, true
	}
	consider := func(t time.Time) {
		if !t.IsZero() && !t.After(now) && t.After(latest) {
			latest, ok = t, true
		}
	}
	consider(tl.override.Since)
	consider(tl.override.Until)
	if last, ok := tl.schedule.Last(now); ok {
		consider(last.At)
	}
	if tl.lead > 0 {
		for t := now.Add(tl.lead); ; {
			last, ok := tl.schedule.Last(t)
			if ok && last.State == schedule.Running {
				consider(last.At.Add(-tl.lead))
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
func (tl timeline) after(now time.Time) (first time.Time, ok bool) {
	if tl.override.Holds(now) {
		return tl.override.Until, true
	}
	consider := func(t time.Time) {
		if t.After(now) && (!ok || t.Before(first)) {
			first, ok = t, true
		}
	}
	consider(tl.override.Since)
	consider(tl.override.Until)
	if next, ok := tl.schedule.Next(now); ok {
		consider(next.At)
	}
	for t := now.Add(tl.lead); tl.lead > 0; {
		next, ok := tl.schedule.Next(t)
		if ok && next.State == schedule.Running {
			consider(next.At.Add(-tl.lead))
		}
		if !ok || next.State == schedule.Running {
			break
		}
		t = next.At
	}
	return first, ok
}
