package foreign_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nightshift/internal/schedule"
	"nightshift/internal/schedule/foreign"
)

// drawClock is a time on a quarter of an hour, from 00:00 to 23:45.
func drawClock(t *rapid.T, label string) int {
	return 15 * rapid.IntRange(0, 95).Draw(t, label)
}

func clock(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

// drawInstant is a minute of the years 2023 and 2024, in UTC.
func drawInstant(t *rapid.T) time.Time {
	return time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 731*24*60-1).Draw(t, "minute")) * time.Minute)
}

// TestInstanceSchedulerOracle compares schedules with the tool's own rules,
// asked minute by minute: a period is on from begin to end of its days, open
// where it has no bound, and on beats open beats off.
func TestInstanceSchedulerOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type period struct {
			begin, end   int // -1: none
			days, months map[int]bool
		}
		var periods []period
		in := foreign.InstanceSchedule{Name: "s", Timezone: "UTC"}
		for range rapid.IntRange(1, 3).Draw(t, "periods") {
			p, written := period{begin: -1, end: -1}, foreign.Period{Name: "p"}
			if rapid.Bool().Draw(t, "begins") {
				p.begin = drawClock(t, "begin")
				written.BeginTime = clock(p.begin)
			}
			if rapid.Bool().Draw(t, "ends") {
				p.end = 15 * rapid.IntRange(p.begin/15+1, 96).Draw(t, "end")
				written.EndTime = clock(p.end)
			}
			set := func(label string, first, last int) (map[int]bool, string) {
				from, to := rapid.IntRange(first, last).Draw(t, label+" from"), rapid.IntRange(first, last).Draw(t, label+" to")
				step := rapid.IntRange(1, 3).Draw(t, label+" step")
				in := make(map[int]bool)
				size := last - first + 1
				for i := 0; i <= (to-from+size)%size; i += step {
					in[first+(from-first+i)%size] = true
				}
				return in, fmt.Sprintf("%d-%d/%d", from, to, step)
			}
			p.days, written.WeekDays = set("weekday", 0, 6)
			p.months, written.Months = set("month", 1, 12)
			periods, in.Periods = append(periods, p), append(in.Periods, written)
		}
		reading, err := foreign.InstanceScheduler(in)
		if err != nil {
			t.Fatal(err)
		}
		s, err := schedule.New(reading.Definition, nil)
		if err != nil {
			t.Skip(err) // never stops
		}
		for range 20 {
			at := drawInstant(t)
			want, minute := schedule.Stopped, at.Hour()*60+at.Minute()
			for _, p := range periods {
				if !p.days[(int(at.Weekday())+6)%7] || !p.months[int(at.Month())] {
					continue
				}
				switch {
				case p.end < 0 && minute >= p.begin, p.begin >= 0 && minute >= p.begin && minute < p.end:
					want = schedule.Running
				case want == schedule.Stopped && (p.begin < 0 && minute < p.end || p.end < 0 && minute < p.begin):
					want = schedule.Unmanaged
				}
			}
			if got := s.At(at); got != want {
				t.Fatalf("%+v at %s: %s, want %s\nread as %s", in.Periods, at.Format("Mon "+time.RFC3339), got, want, reading.Definition)
			}
		}
	})
}

// TestDownscalerOracle compares uptime and downtime with membership of their
// spans.
func TestDownscalerOracle(t *testing.T) {
	names := []string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}
	rapid.Check(t, func(t *rapid.T) {
		spans := func(label string) (string, func(time.Time) bool) {
			var texts []string
			var covers []func(time.Time) bool
			for range rapid.IntRange(0, 3).Draw(t, label) {
				if rapid.IntRange(0, 4).Draw(t, "kind") == 0 {
					from := drawInstant(t)
					to := from.Add(time.Duration(rapid.IntRange(1, 5*24*60).Draw(t, "length")) * time.Minute)
					texts = append(texts, from.Format(time.RFC3339)+"-"+to.Format(time.RFC3339))
					covers = append(covers, func(at time.Time) bool { return !at.Before(from) && at.Before(to) })
					continue
				}
				first, last := rapid.IntRange(0, 6).Draw(t, "first"), rapid.IntRange(0, 6).Draw(t, "last")
				from, to := drawClock(t, "from"), 15*rapid.IntRange(1, 96).Draw(t, "to")
				if from == to {
					to = 1440
				}
				texts = append(texts, fmt.Sprintf("%s-%s %s-%s UTC", names[first], names[last], clock(from), clock(to)))
				on := func(day time.Weekday) bool { return (int(day)-first+7)%7 <= (last-first+7)%7 }
				covers = append(covers, func(at time.Time) bool {
					minute, day := at.Hour()*60+at.Minute(), at.Weekday()
					if from < to {
						return on(day) && from <= minute && minute < to
					}
					return on(day) && minute >= from || on((day+6)%7) && minute < to
				})
			}
			return strings.Join(texts, ","), func(at time.Time) bool {
				for _, c := range covers {
					if c(at) {
						return true
					}
				}
				return false
			}
		}
		up, isUp := spans("up")
		down, isDown := spans("down")
		if up == "" && down == "" {
			t.Skip("nothing is said")
		}
		reading, err := foreign.Downscaler(up, down, time.UTC)
		if err != nil {
			t.Skip(err) // the downtime covers all
		}
		s, err := schedule.New(reading.Definition, nil)
		if err != nil {
			t.Skip(err) // never runs or never stops
		}
		for range 20 {
			at := drawInstant(t)
			want := schedule.Stopped
			if (up == "" || isUp(at)) && !isDown(at) {
				want = schedule.Running
			}
			if got := s.At(at); got != want {
				t.Fatalf("uptime %q downtime %q at %s: %s, want %s\nread as %s", up, down, at.Format("Mon "+time.RFC3339), got, want, reading.Definition)
			}
		}
	})
}
