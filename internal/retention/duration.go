package retention

import (
	"fmt"
	"strings"
	"time"

	"nightshift/internal/fleet"
)

// Duration is a length of time in calendar units, as "1y2m3d4h" writes it: m is a
// month, as in restic. The units are whole and not negative.
type Duration struct {
	Years, Months, Days, Hours int
}

// mostUnits bounds each number of a Duration: no AWS account is that old.
const mostUnits = 100_000

// ParseDuration reads numbers with the units y, m, d and h, each at most once and the
// larger before the smaller. Errors are of kind fleet.ErrInvalid.
func ParseDuration(s string) (Duration, error) {
	var d Duration
	units := []struct {
		letter string
		value  *int
	}{{"y", &d.Years}, {"m", &d.Months}, {"d", &d.Days}, {"h", &d.Hours}}
	rest := s
	for _, u := range units {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		if digits == 0 || !strings.HasPrefix(rest[digits:], u.letter) {
			continue
		}
		n := 0
		for _, c := range rest[:digits] {
			if n = n*10 + int(c-'0'); n > mostUnits {
				return Duration{}, fleet.Errorf(fleet.ErrInvalid, "%q is too long: each number may be %d at most", s, mostUnits)
			}
		}
		*u.value, rest = n, rest[digits+1:]
	}
	switch {
	case strings.HasPrefix(rest, "-"):
		return Duration{}, fleet.Errorf(fleet.ErrInvalid, "%q is negative; a length of time is positive, such as 30d or 1y6m", s)
	case s == "" || rest != "":
		return Duration{}, fleet.Errorf(fleet.ErrInvalid, "%q is no length of time; write years, months, days and hours in this order, such as 1y6m, 30d or 12h (m is a month)", s)
	case d == Duration{}:
		return Duration{}, fleet.Errorf(fleet.ErrInvalid, "%q is no time at all; leave the rule out instead", s)
	}
	return d, nil
}

// String is the form that ParseDuration reads; empty for the zero Duration.
func (d Duration) String() string {
	var b strings.Builder
	for _, u := range []struct {
		n      int
		letter string
	}{{d.Years, "y"}, {d.Months, "m"}, {d.Days, "d"}, {d.Hours, "h"}} {
		if u.n != 0 {
			fmt.Fprintf(&b, "%d%s", u.n, u.letter)
		}
	}
	return b.String()
}

// Before is the instant that lies d before t: years, months and days by the calendar
// of t's zone, at the same time of day, then hours. Where the month has no such day
// it is its last one.
func (d Duration) Before(t time.Time) time.Time {
	first := time.Date(t.Year()-d.Years, t.Month()-time.Month(d.Months), 1, 0, 0, 0, 0, t.Location())
	last := first.AddDate(0, 1, -1).Day()
	hour, minute, second := t.Clock()
	day := min(t.Day(), last) - d.Days
	return time.Date(first.Year(), first.Month(), day, hour, minute, second, t.Nanosecond(), t.Location()).
		Add(-time.Duration(d.Hours) * time.Hour)
}
