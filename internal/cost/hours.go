package cost

import (
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

// The sources, best first. All but the last are exact.
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
	// Assumed: what EC2 tells does not settle it. It is taken to have run all of
	// the time in which it may have: EC2 keeps the last start only, so one that
	// was restarted this month counts from its first launch or the month's
	// beginning. A stopped one of which not even the stop is known counts 0.
	Assumed HoursSource = "assumed"
)

// assumedHours reckons as the first report did, without any knowledge of the
// past: 24 hours × day of month for what runs, 0 for all else.
func assumedHours(i fleet.Instance, m Month) time.Duration {
	if i.State != fleet.Running {
		return 0
	}
	return time.Duration(m.Now.Day()) * 24 * time.Hour
}

// hoursOf says how long an instance has run in the month so far, how much of
// that is certain, and from what it is known.
//
// EC2 tells the last start (LaunchTime), the last stop where a person or an
// API call caused it (Stopped) and the first launch. What happened between
// first launch and last start is not known.
func hoursOf(i fleet.Instance, m Month) (hours, atLeast time.Duration, source HoursSource) {
	end, started, earliest := m.Now, i.LaunchTime, i.FirstLaunch
	running := i.State == fleet.Running || i.State == fleet.Pending
	if !running {
		stop := i.Stopped
		switch {
		case stop.IsZero():
			return 0, 0, Assumed
		case !stop.After(m.Start):
			return 0, 0, FromEarlierStop
		case stop.Before(m.Now):
			end = stop
		}
	}
	span := m.since(started, end)
	switch {
	case started.IsZero() || started.After(end):
		return m.since(earliest, end), 0, Assumed
	case !started.After(m.Start):
		source = FromLaunchTime
	case sameMoment(started, earliest):
		span, source = max(span, time.Minute), FromFirstLaunch
	case i.State == fleet.Terminated && earliest.IsZero():
		// EC2 has forgotten when it began; most were never restarted.
		return span, span, Assumed
	default:
		span = max(span, time.Minute)
		return max(span, m.since(earliest, end)), span, Assumed
	}
	if !running {
		source = FromStopTime
	}
	return span, span, source
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

func seconds(d time.Duration) int64 { return max(int64(d/time.Second), 0) }
