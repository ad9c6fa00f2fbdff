package cost

import (
	"strings"
	"time"

	"nightshift/internal/fleet"
)

// Month is the calendar month of a report in its time zone. Start and End are
// instants, so that a month with a change to or from summer time has its real
// hours.
type Month struct {
	Start, End, Now time.Time
}

// MonthOf is the month in which now falls in the zone of now.
func MonthOf(now time.Time) Month {
	year, month, _ := now.Date()
	return Month{
		Start: time.Date(year, month, 1, 0, 0, 0, 0, now.Location()),
		End:   time.Date(year, month+1, 1, 0, 0, 0, 0, now.Location()),
		Now:   now,
	}
}

// Hours is the real length of the month.
func (m Month) Hours() float64 { return m.End.Sub(m.Start).Hours() }

// share is how much of the month lies between t and now, as a fraction.
func (m Month) share(t time.Time) (num, den int64) {
	return seconds(m.Now.Sub(latest(t, m.Start))), seconds(m.End.Sub(m.Start))
}

// HoursSource names where an instance's hours come from.
type HoursSource string

// The sources, best first. All but the last two are exact.
const (
	// FromLaunchTime: it has been running since before the month began.
	FromLaunchTime HoursSource = "launch-time"
	// FromFirstLaunch: it was launched for the first time this month and has
	// been running since.
	FromFirstLaunch HoursSource = "new"
	// FromStopTime: it ran from before the month began, or from its first
	// launch, until it was stopped.
	FromStopTime HoursSource = "stop-time"
	// FromEarlierStop: it was stopped before the month began.
	FromEarlierStop HoursSource = "stopped-before-month"
	// LowerBound: the time since or until the last known change counts; it may
	// have run before that, too.
	LowerBound HoursSource = "lower-bound"
	// Assumed: nothing is known. 24 hours × day of month if it runs, else 0.
	Assumed HoursSource = "assumed"
)

// assumedHours reckons without any knowledge of the past.
func assumedHours(i fleet.Instance, m Month) time.Duration {
	if i.State != fleet.Running {
		return 0
	}
	return time.Duration(m.Now.Day()) * 24 * time.Hour
}

// hoursOf bounds how long an instance has run in the month so far, and says
// from what.
//
// EC2 tells the last start (LaunchTime), the last stop where a person or an
// API call caused it (Transition) and the first launch. What happened between
// first launch and last start is not known; where that matters the lower bound
// counts from the last start, the upper one from the first launch.
func hoursOf(i fleet.Instance, m Month) (atLeast, atMost time.Duration, source HoursSource) {
	end, started := m.Now, i.LaunchTime
	running := i.State == fleet.Running || i.State == fleet.Pending
	if !running {
		stop, ok := stopTime(i.Transition)
		switch {
		case ok && !stop.After(m.Start):
			return 0, 0, FromEarlierStop
		case ok && stop.Before(m.Now):
			end = stop
		case !ok:
			return 0, m.since(i.FirstLaunch, end), Assumed
		}
	}
	earliest := i.FirstLaunch
	switch {
	case started.IsZero() || started.After(end):
		if running && started.IsZero() {
			assumed := assumedHours(i, m)
			return assumed, max(assumed, m.since(earliest, end)), Assumed
		}
		return 0, m.since(earliest, end), LowerBound
	case !started.After(m.Start):
		span := m.since(started, end)
		if running {
			return span, span, FromLaunchTime
		}
		return span, span, FromStopTime
	case sameMoment(started, earliest):
		span := max(m.since(started, end), time.Minute)
		if running {
			return span, span, FromFirstLaunch
		}
		return span, span, FromStopTime
	}
	span := max(m.since(started, end), time.Minute)
	return span, max(span, m.since(earliest, end)), LowerBound
}

// since is the time between from and end that lies in the month; a zero from
// means for ever. EC2 bills by the second, a minute at least after each start.
func (m Month) since(from, end time.Time) time.Duration {
	return max(end.Sub(latest(from, m.Start)), 0).Truncate(time.Second)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// sameMoment allows for EC2 stamping the launch and the attachment of the
// network interface a moment apart.
func sameMoment(a, b time.Time) bool {
	return !b.IsZero() && a.Sub(b).Abs() <= time.Minute
}

// stopTime reads the time at the end of a StateTransitionReason such as
// "User initiated (2026-11-20 10:00:00 GMT)". EC2 writes GMT, emulators also
// write UTC. Other reasons carry no time.
func stopTime(transition string) (time.Time, bool) {
	open := strings.LastIndexByte(transition, '(')
	if open < 0 || !strings.HasSuffix(transition, ")") {
		return time.Time{}, false
	}
	text := transition[open+1 : len(transition)-1]
	for _, zone := range []string{" GMT", " UTC"} {
		if wall, ok := strings.CutSuffix(text, zone); ok {
			t, err := time.Parse(time.DateTime, wall)
			return t, err == nil
		}
	}
	return time.Time{}, false
}

func seconds(d time.Duration) int64 { return max(int64(d/time.Second), 0) }
