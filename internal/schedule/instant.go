package schedule

import (
	"strconv"
	"strings"
	"time"

	"nightshift/internal/fleet"
)

// ParseInstant reads a time that a person writes: RFC 3339, or without an offset,
// which is then in the zone; a time of day is the next one, a duration such as
// 3h counts from now, and nothing is now.
func ParseInstant(text string, now time.Time, zone *time.Location) (time.Time, error) {
	if text == "" {
		return now, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(d), nil
	}
	for _, layout := range []string{"2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at, nil
		}
	}
	if at, err := time.Parse("15:04", text); err == nil {
		year, month, day := now.In(zone).Date()
		today := time.Date(year, month, day, at.Hour(), at.Minute(), 0, 0, zone)
		if today.After(now) {
			return today, nil
		}
		return time.Date(year, month, day+1, at.Hour(), at.Minute(), 0, 0, zone), nil
	}
	return time.Time{}, fleet.Errorf(fleet.ErrInvalid, "%q is not a time; write 2026-12-24T20:00, 20:00, 3h or 2026-12-24T20:00:00+09:00", text)
}

// ParsePast reads a time that has been: a duration counts back from now, a time of
// day is the last one, and nothing is the beginning.
func ParsePast(text string, now time.Time, zone *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	at, err := ParseInstant(text, now, zone)
	if err != nil {
		return time.Time{}, fleet.Errorf(fleet.ErrInvalid, "%q is not a time; write 24h, 7d, 08:00, 2026-11-22 or 2026-11-22T08:00:00+09:00", text)
	}
	if _, err := time.Parse("15:04", text); err == nil {
		at = at.AddDate(0, 0, -1)
	}
	return at, nil
}
