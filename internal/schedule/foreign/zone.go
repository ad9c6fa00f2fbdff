package foreign

import (
	"strings"
	"time"

	"nightshift/internal/schedule"
)

// loadZone finds a zone by its IANA name. The tools accept names in small
// letters, which we do not.
func loadZone(name string) (*time.Location, error) {
	for _, known := range schedule.ZoneNames() {
		if strings.EqualFold(name, known) {
			name = known
			break
		}
	}
	return schedule.LoadZone(name)
}

// warnChanges adds a warning if the clocks of a zone skip or repeat one of the
// wall times (minutes after midnight) at any change from 2020 to 2037, the
// years for which today's rules are written out.
func (r *Reading) warnChanges(tool string, zone *time.Location, times ...int) {
	if zone == nil {
		return
	}
	at := time.Date(2020, time.January, 1, 0, 0, 0, 0, zone)
	limit := time.Date(2037, time.December, 31, 0, 0, 0, 0, zone)
	for {
		_, end := at.ZoneBounds()
		if end.IsZero() || end.After(limit) {
			return
		}
		// The wall times that are skipped or repeated lie between what the
		// clocks show on both sides of the change.
		before, after := wall(end.Add(-time.Nanosecond))+1, wall(end)
		for _, m := range times {
			if m %= dayMinutes; inside(m, min(before, after), max(before, after)) {
				r.warn("the clocks of %s skip or repeat %s when they change: %s then loses, splits or repeats the time, nightshift keeps it once and whole", zone, clock(m), tool)
				return
			}
		}
		at = end
	}
}

// inside reports whether a time of day lies in [from, to). No change of the
// clocks is longer than half a day: what looks longer goes over midnight.
func inside(minute, from, to int) bool {
	if to-from > dayMinutes/2 {
		return minute >= to || minute < from
	}
	return minute >= from && minute < to
}

func wall(t time.Time) int { return t.Hour()*60 + t.Minute() }
