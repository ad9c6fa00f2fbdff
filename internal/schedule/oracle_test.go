package schedule_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nightshift/internal/schedule"
)

// The oracle knows nothing of offsets and bounds of zones: it looks at the
// clock on the wall, minute by minute.

// oracleWindow is a window as a text and as what it means.
type oracleWindow struct {
	text       string
	on         func(day time.Time) bool // of a day in UTC
	begin, end int                      // minutes
	endDay     int
}

// minute is one minute of real time and what the clock shows then, held as
// if it were UTC.
type minute struct{ at, wall time.Time }

func minutes(zone *time.Location, from, to time.Time) []minute {
	var list []minute
	for at := from.Truncate(time.Minute); at.Before(to); at = at.Add(time.Minute) {
		local := at.In(zone)
		list = append(list, minute{at, time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), 0, 0, time.UTC)})
	}
	return list
}

// interval finds the window of a day by reading the clock; false where the
// clock never shows the day.
func (w oracleWindow) interval(clock []minute, day time.Time) (from, to time.Time, ok bool) {
	next := day.AddDate(0, 0, 1)
	begin := day.Add(time.Duration(w.begin) * time.Minute)
	end := day.AddDate(0, 0, w.endDay).Add(time.Duration(w.end) * time.Minute)
	for _, m := range clock {
		if !m.wall.Before(day) && m.wall.Before(next) {
			ok = true
		}
		if from.IsZero() && !m.wall.Before(begin) {
			from = m.at
		}
		shown := m.wall.Equal(end) && w.end != 24*60
		if m.wall.Before(end) || shown {
			to = time.Time{}
		}
		if shown || to.IsZero() && !m.wall.Before(end) {
			to = m.at
		}
	}
	if !to.After(from) {
		to = from.Add(end.Sub(begin))
	}
	return from, to, ok
}

func clockText(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

// drawDays draws a day part with its meaning.
func drawDays(t *rapid.T) (string, func(time.Time) bool) {
	weekday := rapid.IntRange(0, 6).Draw(t, "weekday")
	name := strings.ToLower(time.Weekday(weekday).String()[:3])
	n := rapid.IntRange(1, 28).Draw(t, "n")
	isLast := func(day time.Time) bool { return day.AddDate(0, 0, 1).Day() == 1 }
	switch rapid.IntRange(0, 9).Draw(t, "sort of days") {
	case 0, 1, 2:
		return "", func(time.Time) bool { return true }
	case 3, 4:
		length := rapid.IntRange(1, 5).Draw(t, "length")
		return name + "-" + time.Weekday((weekday+length)%7).String(), func(day time.Time) bool {
			return (int(day.Weekday())-weekday+7)%7 <= length
		}
	case 5:
		nth := rapid.IntRange(1, 5).Draw(t, "nth")
		return fmt.Sprintf("%s#%d", name, nth), func(day time.Time) bool {
			return int(day.Weekday()) == weekday && day.AddDate(0, 0, -7*(nth-1)).Month() == day.Month() && day.AddDate(0, 0, -7*nth).Month() != day.Month()
		}
	case 6:
		return "last-" + name, func(day time.Time) bool {
			return int(day.Weekday()) == weekday && day.AddDate(0, 0, 7).Month() != day.Month()
		}
	case 7:
		return fmt.Sprintf("%d-last %s,%s", n, name, time.Weekday((weekday+1)%7)), func(day time.Time) bool {
			return day.Day() >= n && (int(day.Weekday())-weekday+7)%7 <= 1
		}
	case 8:
		return "last", isLast
	}
	return fmt.Sprintf("%dW", n), func(day time.Time) bool {
		target := time.Date(day.Year(), day.Month(), n, 0, 0, 0, 0, time.UTC)
		switch {
		case target.Weekday() == time.Saturday && n == 1:
			target = target.AddDate(0, 0, 2)
		case target.Weekday() == time.Saturday:
			target = target.AddDate(0, 0, -1)
		case target.Weekday() == time.Sunday && isLast(target):
			target = target.AddDate(0, 0, -2)
		case target.Weekday() == time.Sunday:
			target = target.AddDate(0, 0, 1)
		}
		return day.Equal(target)
	}
}

func drawWindow(t *rapid.T) oracleWindow {
	w := oracleWindow{
		begin: rapid.IntRange(0, 24*60-1).Draw(t, "begin"),
		end:   rapid.IntRange(0, 24*60).Draw(t, "end"),
	}
	if rapid.Bool().Draw(t, "small hours") {
		// Clocks are changed at night, mostly by an hour at a full one.
		w.begin, w.end = w.begin%8*30, w.begin/8%9*30
	}
	if rapid.IntRange(0, 9).Draw(t, "to midnight") == 0 {
		w.end = 24 * 60
	}
	days, on := drawDays(t)
	w.on = on
	if w.begin == w.end {
		w.end++
	}
	if rapid.IntRange(0, 5).Draw(t, "for days") == 0 {
		weekday := time.Weekday(rapid.IntRange(0, 6).Draw(t, "first day"))
		w.endDay = rapid.IntRange(1, 6).Draw(t, "nights")
		w.on = func(day time.Time) bool { return day.Weekday() == weekday }
		last := (weekday + time.Weekday(w.endDay)) % 7
		w.text = fmt.Sprintf("%s %s-%s %s", weekday, clockText(w.begin), last, clockText(w.end))
		return w
	}
	if w.end < w.begin {
		w.endDay = 1
	}
	w.text = strings.TrimSpace(fmt.Sprintf("%s %s-%s", days, clockText(w.begin), clockText(w.end)))
	return w
}

// drawInstant draws a zone and an instant, mostly near a change of its clock.
func drawInstant(t *rapid.T) (*time.Location, time.Time) {
	zone, err := schedule.LoadZone(rapid.SampledFrom(schedule.ZoneNames()).Draw(t, "zone"))
	if err != nil {
		t.Fatal(err)
	}
	day := rapid.IntRange(20, 131*365).Draw(t, "day since 1970")
	at := time.Unix(int64(day)*24*60*60, 0).In(zone)
	if start, end := at.ZoneBounds(); rapid.IntRange(0, 4).Draw(t, "anywhere") > 0 {
		switch {
		case start.Year() > 1970:
			at = start
		case !end.IsZero() && end.Year() < 2100:
			at = end
		}
	}
	return zone, at
}

func TestWindowsAreAsTheClockOnTheWallShows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone, at := drawInstant(t)
		w := drawWindow(t)
		reach := w.endDay + 3
		clock := minutes(zone, at.AddDate(0, 0, -reach), at.AddDate(0, 0, reach))
		if offset(zone, at)%60 != 0 || offset(zone, at.Add(-1))%60 != 0 {
			t.Skip("the oracle reads minutes")
		}
		s, err := schedule.Parse(w.text+"; off 2100-12-31", zone) // so that it stops some day
		if err != nil {
			t.Fatalf("%s: %v", w.text, err)
		}
		middle := at.In(zone)
		running := make(map[time.Time]bool)
		noon := time.Date(middle.Year(), middle.Month(), middle.Day(), 0, 0, 0, 0, time.UTC)
		for i := -reach + 1; i < reach; i++ {
			day := noon.AddDate(0, 0, i)
			if !w.on(day) {
				continue
			}
			if from, to, ok := w.interval(clock, day); ok {
				for ; from.Before(to); from = from.Add(time.Minute) {
					running[from] = true
				}
			}
		}
		for _, m := range clock {
			if m.at.Before(at.AddDate(0, 0, -1)) || m.at.After(at.AddDate(0, 0, 1)) {
				continue
			}
			if got := s.At(m.at) == schedule.Running; got != running[m.at] {
				t.Fatalf("%s in %s at %s (%s): running %v, the oracle says %v", w.text, zone, m.at.UTC(), m.wall, got, running[m.at])
			}
		}
	})
}
