package schedule_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"nightshift/internal/schedule"
)

func TestCalendarDays(t *testing.T) {
	for _, c := range []struct {
		name, text, from, to string
		want                 []string
	}{
		{
			"a holiday is a Sunday", "Mon-Fri 08:00-19:00; Sun 10:00-11:00; weekend 2026-05-05", "2026-05-04T12:00:00Z", "2026-05-06T12:00:00Z",
			[]string{"05-04T19:00Z stopped", "05-05T10:00Z running", "05-05T11:00Z stopped", "05-06T08:00Z running"},
		},
		{
			"a holiday is no nth weekday", "Tue#1; Sun#1; Fri; weekend 2026-05-05", "2026-05-04T12:00:00Z", "2026-05-08T12:00:00Z",
			[]string{"05-08T00:00Z running"},
		},
		{
			"a holiday is no working day", "15W; weekend 2026-05-15", "2026-05-12T00:00:00Z", "2026-05-20T12:00:00Z",
			[]string{"05-14T00:00Z running", "05-15T00:00Z stopped"},
		},
		{
			"a night before a day off is cut", "22:00-06:00; off 12-25", "2026-12-24T12:00:00Z", "2026-12-26T12:00:00Z",
			[]string{"12-24T22:00Z running", "12-25T00:00Z stopped", "12-26T00:00Z running", "12-26T06:00Z stopped"},
		},
		{
			"a day on runs through", "08:00-19:00; on 2026-05-05", "2026-05-04T12:00:00Z", "2026-05-06T12:00:00Z",
			[]string{"05-04T19:00Z stopped", "05-05T00:00Z running", "05-06T00:00Z stopped", "05-06T08:00Z running"},
		},
		{
			"on wins over off", "08:00-19:00; off 2026-05-01..2026-05-10; on 2026-05-05", "2026-05-02T12:00:00Z", "2026-05-09T12:00:00Z",
			[]string{"05-05T00:00Z running", "05-06T00:00Z stopped"},
		},
		{
			"off wins over hands off", "08:00-19:00; unmanaged Sat; off 2026-05-09", "2026-05-08T12:00:00Z", "2026-05-09T12:00:00Z",
			[]string{"05-08T19:00Z stopped"},
		},
		{
			"running wins over hands off", "08:00-19:00; unmanaged Sat", "2026-05-08T12:00:00Z", "2026-05-10T12:00:00Z",
			[]string{"05-08T19:00Z stopped", "05-09T00:00Z unmanaged", "05-09T08:00Z running", "05-09T19:00Z unmanaged", "05-10T00:00Z stopped", "05-10T08:00Z running"},
		},
		{
			"always, but for holidays", "always; off 2026-05-05", "2026-05-01T12:00:00Z", "2026-06-01T12:00:00Z",
			[]string{"05-05T00:00Z stopped", "05-06T00:00Z running"},
		},
		{
			"never, but for the exam", "never; on 2026-05-05", "2026-05-01T12:00:00Z", "2026-06-01T12:00:00Z",
			[]string{"05-05T00:00Z running", "05-06T00:00Z stopped"},
		},
		{
			"no start on a day off", "start Mon-Fri 08:00; stop 19:00; off 2026-05-05", "2026-05-04T20:00:00Z", "2026-05-06T12:00:00Z",
			[]string{"05-05T19:00Z stopped", "05-06T08:00Z running"},
		},
		{
			"no stop on a day on", "start 08:00; stop 19:00; on 2026-05-05", "2026-05-04T20:00:00Z", "2026-05-06T12:00:00Z",
			[]string{"05-05T08:00Z running", "05-06T08:00Z running"},
		},
		{
			"both freeze", "start 08:00; stop 19:00; on 2026-05-05; off 2026-05-05", "2026-05-04T20:00:00Z", "2026-05-06T12:00:00Z",
			[]string{"05-06T08:00Z running"},
		},
		{
			"start and stop of a holiday are a Sunday's", "start Mon-Fri 08:00; stop Sun 10:00; weekend 2026-05-05", "2026-05-04T12:00:00Z", "2026-05-06T12:00:00Z",
			[]string{"05-05T10:00Z stopped", "05-06T08:00Z running"},
		},
		{
			"a start and a stop at once", "start Mon 08:00; stop 08:00", "2026-05-04T00:00:00Z", "2026-05-05T12:00:00Z",
			[]string{"05-04T08:00Z running", "05-05T08:00Z stopped"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := transitions(t, parse(t, c.text, "UTC"), c.from, c.to)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.text, diff)
			}
		})
	}
}

func TestCalendarsAsTheClockOnTheWallShows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone, at := drawInstant(t)
		if offset(zone, at)%60 != 0 || offset(zone, at.Add(-1))%60 != 0 {
			t.Skip("the oracle reads minutes")
		}
		clock := minutes(zone, at.AddDate(0, 0, -3), at.AddDate(0, 0, 3))
		middle := clock[len(clock)/2].wall.Truncate(24 * time.Hour)
		covered := func(name string) (texts []string, set map[time.Time]bool) {
			set = make(map[time.Time]bool)
			for i := -1; i <= 1; i++ {
				if !rapid.Bool().Draw(t, fmt.Sprint(name, i)) {
					continue
				}
				day := middle.AddDate(0, 0, i)
				texts = append(texts, day.Format("2006-01-02"))
				var during []time.Time
				for _, m := range clock {
					if m.wall.Truncate(24 * time.Hour).Equal(day) {
						during = append(during, m.at)
					}
				}
				for i := range during {
					for m := during[i]; !m.After(during[len(during)-1]) && !set[m]; m = m.Add(time.Minute) {
						set[m] = true
					}
				}
			}
			return texts, set
		}
		offTexts, off := covered("off")
		onTexts, on := covered("on")
		text := "Mon,Wed,Fri,Sun 22:00-06:00"
		plain := parseIn(t, text, zone)
		if len(offTexts) > 0 {
			text += "; off " + strings.Join(offTexts, ",")
		}
		if len(onTexts) > 0 {
			text += "; on " + strings.Join(onTexts, ",")
		}
		s := parseIn(t, text, zone)
		for _, m := range clock {
			want := plain.At(m.at)
			if off[m.at] {
				want = schedule.Stopped
			}
			if on[m.at] {
				want = schedule.Running
			}
			if got := s.At(m.at); got != want {
				t.Fatalf("%s in %s at %s (%s): %s, want %s", text, zone, m.at.UTC(), m.wall, got, want)
			}
		}
	})
}

func parseIn(t *rapid.T, text string, zone *time.Location) *schedule.Schedule {
	s, err := schedule.Parse(text, zone)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

func TestStartAndStopTimesDecideUntilTheNext(t *testing.T) {
	start := parse(t, "start Mon-Fri 08:00; off 2026-05-05", "Asia/Seoul")
	at := instant(t, "2026-05-06T07:59:59+09:00")
	last, ok := start.Last(at)
	if !ok || !last.At.Equal(instant(t, "2026-05-04T08:00:00+09:00")) || last.State != schedule.Running || last.At.Location() != start.Zone() {
		t.Errorf("the last start or stop is %v", last)
	}
	if !start.OneSided() || parse(t, "start 08:00; stop 19:00", "UTC").OneSided() || parse(t, "08:00-19:00", "UTC").OneSided() {
		t.Error("OneSided is wrong")
	}
	once := parse(t, "start 2026-05-05 08:00", "UTC")
	for text, want := range map[string]schedule.State{
		"1960-01-01T00:00:00Z": schedule.Unmanaged,
		"2026-05-05T07:59:59Z": schedule.Unmanaged,
		"2026-05-05T08:00:00Z": schedule.Running,
		"2030-05-05T08:00:00Z": schedule.Running,
		"2222-05-05T08:00:00Z": schedule.Running,
	} {
		if got := once.At(instant(t, text)); got != want {
			t.Errorf("at %s: %s, want %s", text, got, want)
		}
	}
	if next, ok := once.Next(instant(t, "2026-05-05T08:00:00Z")); ok {
		t.Errorf("after its only start or stop comes %v", next)
	}
	if last, ok := once.Last(instant(t, "2026-05-05T07:59:59Z")); ok {
		t.Errorf("before its only start or stop comes %v", last)
	}
	midnight := parse(t, "stop Mon-Fri 24:00", "Asia/Seoul")
	if next, _ := midnight.Next(instant(t, "2026-05-08T23:00:00+09:00")); !next.At.Equal(instant(t, "2026-05-09T00:00:00+09:00")) {
		t.Errorf("24:00 is %s", next.At)
	}
}

func TestTheEndsOfTime(t *testing.T) {
	always, never := parse(t, "always", "Asia/Seoul"), parse(t, "never", "Asia/Seoul")
	office := parse(t, "Mon-Fri 08:00-19:00", "Asia/Seoul")
	for _, at := range []time.Time{{}, time.Unix(-1<<60, 0), time.Unix(0, 0), time.Unix(1<<40, 0), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if always.At(at) != schedule.Running || never.At(at) != schedule.Stopped {
			t.Errorf("at %s: always is %s, never is %s", at, always.At(at), never.At(at))
		}
		if _, ok := always.Next(at); ok {
			t.Errorf("always changes after %s", at)
		}
		if _, ok := never.Last(at); ok {
			t.Errorf("never has changed before %s", at)
		}
		office.At(at)
		office.Within(at)
		if next, ok := office.Next(at); ok && next.At.Year() > 2100 {
			t.Errorf("after %s comes %s", at, next.At)
		}
	}
	if first, ok := office.Next(time.Time{}); !ok || first.At.Year() != 1970 {
		t.Errorf("the first transition is %v", first)
	}
	if last, ok := office.Last(time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC)); !ok || last.At.Year() < 2100 {
		t.Errorf("the last transition is %v", last)
	}
	if got := always.Running(time.Unix(0, 0), time.Unix(3600, 0)); got != time.Hour {
		t.Errorf("always runs %s an hour", got)
	}
}

func TestWithinNamesWhatDecides(t *testing.T) {
	for _, c := range []struct{ text, at, want string }{
		{"Mon-Fri 08:00-19:00; Sat 10:00-14:00", "2026-05-04T12:00:00Z", "Mon-Fri 08:00-19:00"},
		{"Mon-Fri 08:00-19:00; Sat 10:00-14:00", "2026-05-09T12:00:00Z", "Sat 10:00-14:00"},
		{"Mon-Fri 08:00-19:00", "2026-05-04T19:00:00Z", "outside all windows"},
		{"Mon-Fri 08:00-19:00; weekend 05-05", "2026-05-05T12:00:00Z", "outside all windows (2026-05-05 counts as a Sunday)"},
		{"Mon-Fri 08:00-19:00; off 12-25", "2026-12-25T12:00:00Z", "off 2026-12-25"},
		{"Mon-Fri 08:00-19:00; off 12-25; on 2026-12-25", "2026-12-25T12:00:00Z", "on 2026-12-25"},
		{"Fri 20:00-Mon 06:00", "2026-05-10T12:00:00Z", "Fri 20:00-Mon 06:00"},
		{"always", "2026-05-10T12:00:00Z", "always"},
		{"never", "2026-05-10T12:00:00Z", "never"},
		{"Mon; unmanaged Sun", "2026-05-10T12:00:00Z", "unmanaged Sun"},
		{"start 08:00; stop Mon-Fri 19:00; stop 20:00", "2026-05-04T19:30:00Z", "stop Mon-Fri 19:00"},
		{"start 08:00; stop Mon-Fri 19:00; stop 20:00", "2026-05-04T23:30:00Z", "stop 20:00"},
		{"start 08:00; stop Mon-Fri 19:00", "2026-05-04T08:00:00Z", "start 08:00"},
		{"start 2026-05-04 08:00", "2026-05-04T07:00:00Z", "before the first start or stop"},
	} {
		if got := parse(t, c.text, "UTC").Within(instant(t, c.at)); got != c.want {
			t.Errorf("%s at %s: %q, want %q", c.text, c.at, got, c.want)
		}
	}
}

func TestDates(t *testing.T) {
	for text, want := range map[string]string{
		"2026-05-05":                        "2026-05-05",
		"2026-12-24..2026-12-26":            "2026-12-24..2026-12-26",
		"2026-12-25,2026-12-24, 2026-12-26": "2026-12-24..2026-12-26",
		"12-25":                             "12-25",
		" 2026-05-05  12-25 ":               "2026-05-05,12-25",
		"12-30..01-02":                      "01-01..01-02,12-30..12-31",
		"02-29,2026-05-05":                  "2026-05-05,02-29",
	} {
		c, err := schedule.ParseDates(text)
		if err != nil || c.String() != want {
			t.Errorf("%q reads %q, %v; want %q", text, c, err, want)
		}
	}
	for _, text := range []string{"", "12-25-2026", "25.12.2026", "12-32", "02-30", "2026-12-26..2026-12-24", "12-25..", "12-25,", "12-25,,12-26", "2026-12-24..12-26", "1970-01-01..2100-12-31"} {
		if c, err := schedule.ParseDates(text); err == nil {
			t.Errorf("%q reads %q", text, c)
		}
	}
	leap, err := schedule.ParseDates("02-29")
	if err != nil || leap.Has(schedule.Date{Year: 2026, Month: 3, Day: 1}) || !leap.Has(schedule.Date{Year: 2028, Month: 2, Day: 29}) || leap.Has(schedule.Date{Year: 2026, Month: 2, Day: 29}) {
		t.Error("29 February comes in leap years only")
	}
}
