package schedule

import (
	"strings"
	"time"

	"nightshift/internal/fleet"
)

// longestEvery bounds the interval of a recurrence.
const longestEvery = 31 * 24 * time.Hour

// Recurrence says when a job runs: every so many minutes, or at one wall time on
// certain days. The zero value says never.
//
// A wall time that a clock change skips means the first instant after the gap,
// one that comes twice its first occurrence. EventBridge Scheduler differs in the
// first: it leaves out a time that does not exist.
type Recurrence struct {
	every time.Duration
	times *Schedule // with a single start time
}

// Every is a recurrence in an interval of whole minutes. It counts from a Monday
// at midnight in UTC, so that it does not depend on when it was first asked.
func Every(interval time.Duration) (Recurrence, error) {
	switch {
	case interval < time.Minute || interval > longestEvery:
		return Recurrence{}, fleet.Errorf(fleet.ErrInvalid, "every %s: an interval lies between 1m and %s", interval, longestEvery)
	case interval%time.Minute != 0:
		return Recurrence{}, fleet.Errorf(fleet.ErrInvalid, "every %s: an interval has whole minutes", interval)
	}
	return Recurrence{every: interval}, nil
}

// At is a recurrence at a wall time in a zone. Days that never come and 24:00 are
// errors of kind fleet.ErrInvalid, as is a zone that is missing.
func At(when DayTime, zone *time.Location) (Recurrence, error) {
	if when.clock == dayMinutes {
		return Recurrence{}, fleet.Errorf(fleet.ErrInvalid, "%q: 24:00 is only an end; write 00:00 of the next day", when)
	}
	if zone == nil {
		return Recurrence{}, fleet.Errorf(fleet.ErrInvalid, "%q has no time zone", when)
	}
	times, err := New(Definition{Start: []DayTime{when}}, zone)
	return Recurrence{times: times}, err
}

// ParseRecurrence reads "every 5m" or a time such as "Mon-Fri 19:00 Asia/Seoul";
// see ParseDays for the days. zone is used where the text names none.
func ParseRecurrence(text string, zone *time.Location) (Recurrence, error) {
	if len(text) > maxText {
		return Recurrence{}, tooLong(text)
	}
	if word, rest, _ := strings.Cut(strings.TrimSpace(text), " "); strings.EqualFold(word, "every") {
		interval, err := time.ParseDuration(strings.TrimSpace(rest))
		if err != nil {
			return Recurrence{}, fleet.Errorf(fleet.ErrInvalid, "%q: after every stands a length of time such as 5m or 1h", brief(text))
		}
		return Every(interval)
	}
	rest, own, err := cutZone(strings.Join(strings.Fields(text), " "))
	if err != nil {
		return Recurrence{}, err
	}
	if own != nil {
		zone = own
	}
	when, err := ParseDayTime(rest)
	if err != nil {
		return Recurrence{}, err
	}
	return At(when, zone)
}

// Interval is the length of time between two runs, 0 where the recurrence is at
// a wall time.
func (r Recurrence) Interval() time.Duration { return r.every }

// Time is the wall time and its zone; the zone is nil where the recurrence is an
// interval.
func (r Recurrence) Time() (DayTime, *time.Location) {
	if r.times == nil {
		return DayTime{}, nil
	}
	return r.times.def.Start[0], r.times.zone
}

// Next is the first run after a time, false where there is none: the package
// knows no days after 2100.
func (r Recurrence) Next(t time.Time) (time.Time, bool) {
	switch {
	case r.every > 0:
		return t.Truncate(r.every).Add(r.every), true
	case r.times != nil:
		next, ok := r.times.Next(t)
		return next.At, ok
	}
	return time.Time{}, false
}

// Last is the latest run that is not after a time, false where there is none: the
// package knows no days before 1970.
func (r Recurrence) Last(t time.Time) (time.Time, bool) {
	switch {
	case r.every > 0:
		return t.Truncate(r.every), true
	case r.times != nil:
		last, ok := r.times.Last(t)
		return last.At, ok
	}
	return time.Time{}, false
}

// String is the form that ParseRecurrence reads; empty for the zero value.
func (r Recurrence) String() string {
	switch {
	case r.every > 0:
		text := r.every.String()
		for _, zeros := range []string{"m0s", "h0m"} {
			if strings.HasSuffix(text, zeros) {
				text = text[:len(text)-len(zeros)+1]
			}
		}
		return "every " + text
	case r.times != nil:
		return r.times.def.Start[0].String() + " " + r.times.zone.String()
	}
	return ""
}

// Equal reports whether two recurrences say the same.
func (r Recurrence) Equal(other Recurrence) bool { return r.String() == other.String() }

// IsZero reports whether the recurrence says never.
func (r Recurrence) IsZero() bool { return r.every == 0 && r.times == nil }

// MarshalText gives the form of String.
func (r Recurrence) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
