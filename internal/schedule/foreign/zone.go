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
			return schedule.LoadZone(known)
		}
	}
	return schedule.LoadZone(name)
}

// changes tells whether the clocks of a zone skip or repeat a wall time
// (minutes after midnight) at any change between 2000 and 2037, the years in
// which the rules of today's zones are written out.
func changes(zone *time.Location, minute int) bool {
	if zone == nil {
		return false
	}
	at := time.Date(2000, time.January, 1, 0, 0, 0, 0, zone)
	limit := time.Date(2037, time.December, 31, 0, 0, 0, 0, zone)
	for {
		_, end := at.ZoneBounds()
		if end.IsZero() || end.After(limit) {
			return false
		}
		before, after := wall(end.Add(-time.Nanosecond))+1, wall(end)
		from, to := min(before, after), max(before, after)
		// A change is rarely longer than three hours; a longer way round is
		// one over midnight.
		if to-from > 12*60 {
			if minute >= to || minute < from {
				return true
			}
		} else if minute >= from && minute < to {
			return true
		}
		at = end
	}
}

func wall(t time.Time) int { return t.Hour()*60 + t.Minute() }

// warnChanges adds a warning for wall times that a change of the clocks skips
// or repeats.
func (r *Reading) warnChanges(tool string, zone *time.Location, minutes ...int) {
	for _, m := range minutes {
		if changes(zone, m%(24*60)) {
			r.warn("the clocks of %s skip or repeat %s when they change: %s then loses, splits or repeats the time, nightshift keeps it once and whole", zone, clock(m), tool)
			return
		}
	}
}
