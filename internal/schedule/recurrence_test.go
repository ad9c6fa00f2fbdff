package schedule_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
)

func TestRecurrence(t *testing.T) {
	seoul, err := schedule.LoadZone("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		text, canonical, at, next string
	}{
		{"every 5m", "every 5m", "2026-11-30T10:02:03Z", "2026-11-30T10:05:00Z"},
		{"every 5m", "every 5m", "2026-11-30T10:05:00Z", "2026-11-30T10:10:00Z"},
		{"Every 60m", "every 1h", "2026-11-30T10:02:03+09:00", "2026-11-30T11:00:00+09:00"},
		{"every 90m", "every 1h30m", "2026-11-30T00:00:00Z", "2026-11-30T01:30:00Z"},
		{"every 168h", "every 168h", "2026-11-29T00:00:00Z", "2026-11-30T00:00:00Z"}, // a Monday
		{"Mon 07:00", "Mon 07:00 Asia/Seoul", "2026-11-30T07:00:00+09:00", "2026-12-07T07:00:00+09:00"},
		{"mon-fri 19:00 Europe/London", "Mon-Fri 19:00 Europe/London", "2026-11-27T19:00:00Z", "2026-11-30T19:00:00Z"},
		{"06:30", "06:30 Asia/Seoul", "2026-11-30T00:00:00+09:00", "2026-11-30T06:30:00+09:00"},
		{"last 06:30", "last 06:30 Asia/Seoul", "2026-12-01T00:00:00+09:00", "2026-12-31T06:30:00+09:00"},
		// New York skips 02:30 on 8 March 2026 and shows 01:30 twice on 1 November.
		{"02:30 America/New_York", "02:30 America/New_York", "2026-03-08T00:00:00-05:00", "2026-03-08T03:00:00-04:00"},
		{"01:30 America/New_York", "01:30 America/New_York", "2026-11-01T00:00:00-04:00", "2026-11-01T01:30:00-04:00"},
		{"01:30 America/New_York", "01:30 America/New_York", "2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"},
		{"2026-12-24 08:00", "2026-12-24 08:00 Asia/Seoul", "2026-12-24T08:00:00+09:00", ""},
	} {
		r, err := schedule.ParseRecurrence(tt.text, seoul)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if r.String() != tt.canonical {
			t.Errorf("%s is %q, want %q", tt.text, r, tt.canonical)
		}
		at, err := time.Parse(time.RFC3339, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		next, ok := r.Next(at)
		if got := next.Format(time.RFC3339); ok != (tt.next != "") || ok && got != tt.next {
			t.Errorf("%s after %s: %s, want %s", tt.text, tt.at, got, tt.next)
		}
	}
}

func TestRecurrenceRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "the time is missing",
		"every":                    "stands a length of time",
		"every day":                "stands a length of time",
		"every 30s":                "between 1m and",
		"every 90s":                "whole minutes",
		"every 1000h":              "between 1m and",
		"Mno 07:00":                `did you mean "Mon"?`,
		"Mon 07:00 Asia/Soul":      `did you mean "Asia/Seoul"?`,
		"Mon 08:00-19:00":          "is a window",
		"Mon 24:00":                "24:00 is only an end",
		"Feb 30 07:00 UTC":         "never happens",
		"Mon 07:00":                "has no time zone",
		"Mon 07:00; Tue 08:00 UTC": "",
	} {
		_, err := schedule.ParseRecurrence(text, nil)
		if !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if r := (schedule.Recurrence{}); !r.IsZero() || r.String() != "" {
		t.Errorf("the zero value is %q", r)
	} else if at, ok := r.Next(time.Now()); ok {
		t.Errorf("the zero value comes at %s", at)
	}
}

// TestRecurrenceNext compares the next run with what the clock on the wall shows,
// minute by minute: each matching day has one run, at its wall time or, where the
// clock skips that, when it is first past it.
func TestRecurrenceNext(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone, at := drawInstant(t)
		if offset(zone, at)%60 != 0 {
			t.Skip("the clock does not show whole minutes")
		}
		days, on := drawDays(t)
		clock := rapid.IntRange(0, 24*60-1).Draw(t, "clock")
		text := strings.TrimLeft(days+" "+clockText(clock), " ")
		r, err := schedule.ParseRecurrence(text, zone)
		if err != nil {
			t.Skip(err)
		}
		if again, err := schedule.ParseRecurrence(r.String(), nil); err != nil || !again.Equal(r) {
			t.Fatalf("%q reads as %q, %v", r, again, err)
		}
		end := at.AddDate(0, 0, 4)
		shown := minutes(zone, at.AddDate(0, 0, -3), end.AddDate(0, 0, 1))
		var want time.Time
		begun := map[time.Time]bool{}
		for i, m := range shown {
			day := m.wall.Truncate(24 * time.Hour)
			if begun[day] || !on(day) {
				continue
			}
			begun[day] = true
			for _, later := range shown[i:] {
				if later.wall.Before(day.Add(time.Duration(clock) * time.Minute)) {
					continue
				}
				if later.at.After(at) && (want.IsZero() || later.at.Before(want)) {
					want = later.at
				}
				break
			}
		}
		next, ok := r.Next(at)
		if !ok || next.After(end) {
			next = time.Time{}
		}
		if want.After(end) {
			want = time.Time{}
		}
		if !next.Equal(want) {
			t.Fatalf("%s in %s after %s: %s, want %s", text, zone, at, next, want)
		}
	})
}

func TestDayParts(t *testing.T) {
	for text, want := range map[string]schedule.DayParts{
		"":        {},
		"Fri-Sun": {Weekdays: []time.Weekday{time.Friday, time.Saturday, time.Sunday}},
		"Jan,Mar 1-2,last 15W,lastW": {
			Months: []time.Month{time.January, time.March}, MonthDays: []int{1, 2, -1}, Nearest: []int{15, -1},
		},
		"Mon#1 last-Fri": {Nth: []schedule.NthWeekday{{Weekday: time.Monday, N: 1}, {Weekday: time.Friday, N: -1}}},
		"2026-12-24..2026-12-26": {
			From: schedule.Date{Year: 2026, Month: time.December, Day: 24}, To: schedule.Date{Year: 2026, Month: time.December, Day: 26},
		},
	} {
		days, err := schedule.ParseDays(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, days.Parts()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", text, diff)
		}
	}
}

// The last run before a next one is the one before it, in both zones' clock changes,
// too.
func TestRecurrenceLast(t *testing.T) {
	for _, text := range []string{"every 6h", "02:30 Europe/Berlin", "Mon 02:30 America/New_York", "every 45m"} {
		r, err := schedule.ParseRecurrence(text, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		before, _ := r.Next(at)
		for before.Year() == 2026 {
			next, _ := r.Next(before)
			for _, moment := range []time.Time{before, before.Add(time.Second), next.Add(-time.Second)} {
				if last, ok := r.Last(moment); !ok || !last.Equal(before) {
					t.Fatalf("%s: the last run by %s is %s, want %s", text, moment, last, before)
				}
			}
			before = next
		}
	}
	if _, ok := (schedule.Recurrence{}).Last(time.Now()); ok {
		t.Error("what never runs has run")
	}
}
