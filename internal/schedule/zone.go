package schedule

import (
	_ "embed"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the zones come with the program

	"nightshift/internal/fleet"
	"nightshift/internal/text"
)

// zoneNames are the names of the zones in the embedded time zone database,
// one a line. A name outside it is refused also where the machine that the
// program runs on happens to know it, so that a file means the same
// everywhere.
//
//go:embed zones.txt
var zoneNames string

// LoadZone finds a time zone by its IANA name such as "Asia/Seoul". Names are
// case-sensitive. An unknown name is an error of kind fleet.ErrInvalid that
// names the nearest known one; "Local" is unknown, because what it means
// depends on where the program runs.
func LoadZone(name string) (*time.Location, error) {
	if !knownZone(name) {
		if name == "Local" {
			return nil, fleet.Errorf(fleet.ErrInvalid, "time zone %q depends on the machine; give a name such as Asia/Seoul", name)
		}
		if near := text.Nearest(name, ZoneNames()); near != "" {
			return nil, fleet.Errorf(fleet.ErrInvalid, "unknown time zone %q: did you mean %q?", brief(name), near)
		}
		return nil, fleet.Errorf(fleet.ErrInvalid, "unknown time zone %q: use an IANA name such as Asia/Seoul or UTC", brief(name))
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fleet.Errorf(fleet.ErrInvalid, "time zone %q: %w", name, err)
	}
	return zone, nil
}

// ZoneNames are the names that LoadZone knows, sorted.
func ZoneNames() []string { return strings.Fields(zoneNames) }

func knownZone(name string) bool {
	if name == "" || strings.ContainsAny(name, ":\n") {
		return false
	}
	line := name + "\n"
	return strings.HasPrefix(zoneNames, line) || strings.Contains(zoneNames, "\n"+line)
}

// stretch is a part of the time line in which a zone's offset from UTC stays
// the same. Times are Unix seconds.
type stretch struct {
	from, to int64 // to is exclusive
	offset   int64 // seconds east of UTC
}

// wall converts between wall times and instants for a part of the time line.
// A wall time is counted like Unix seconds, as if the zone were UTC.
type wall []stretch

// wallBetween prepares the conversion of instants in [from, to).
func wallBetween(zone *time.Location, from, to int64) wall {
	var w wall
	for at := from; ; {
		t := time.Unix(at, 0).In(zone)
		_, offset := t.Zone()
		_, end := t.ZoneBounds()
		last := end.IsZero() || end.Unix() >= to || end.Unix() <= at
		s := stretch{from: at, to: to, offset: int64(offset)}
		if !last {
			s.to = end.Unix()
		}
		if n := len(w); n > 0 && w[n-1].offset == s.offset {
			w[n-1].to = s.to
		} else {
			w = append(w, s)
		}
		if last {
			return w
		}
		at = s.to
	}
}

// first is the instant at which the clock first shows the wall time or, where
// it skips it, the first instant after the gap.
func (w wall) first(clock int64) int64 {
	for _, s := range w {
		if at := max(s.from, clock-s.offset); at < s.to {
			return at
		}
	}
	return w[len(w)-1].to
}

// last is the instant at which the clock shows the wall time for the last
// time or, where it skips it, the first instant after the gap.
func (w wall) last(clock int64) int64 {
	for _, s := range slices.Backward(w) {
		if s.from <= clock-s.offset {
			return min(clock-s.offset, s.to)
		}
	}
	return w[0].from
}

// until is the instant from which on the clock is never again before the wall
// time. It differs from last where the clock goes back to exactly this time:
// a day that ends at midnight is over when the next one begins, although its
// first hour will come twice.
func (w wall) until(clock int64) int64 {
	for _, s := range slices.Backward(w) {
		if s.from < clock-s.offset {
			return min(clock-s.offset, s.to)
		}
	}
	return w[0].from
}

// offsetAt is the offset from UTC at an instant.
func (w wall) offsetAt(at int64) int64 {
	for _, s := range w {
		if at < s.to {
			return s.offset
		}
	}
	return w[len(w)-1].offset
}

// dayAt is the local day at an instant, in days since 1970-01-01.
func (w wall) dayAt(at int64) int { return floorDay(at + w.offsetAt(at)) }

// exists reports whether the clock ever shows the local day. Zones that moved
// across the date line skipped one.
func (w wall) exists(day int) bool {
	return w.dayAt(w.first(int64(day)*daySeconds)) == day
}

const daySeconds = 24 * 60 * 60

func floorDay(seconds int64) int {
	day := seconds / daySeconds
	if seconds%daySeconds < 0 {
		day--
	}
	return int(day)
}
