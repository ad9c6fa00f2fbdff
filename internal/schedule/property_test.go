package schedule_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nightshift/internal/schedule"
)

// drawDefinition draws an inline schedule of any sort.
func drawDefinition(t *rapid.T) string {
	var parts []string
	lines := rapid.IntRange(1, 3).Draw(t, "lines")
	dayTimes := rapid.IntRange(0, 3).Draw(t, "dayTimes") == 0
	for range lines {
		if dayTimes {
			days, _ := drawDays(t)
			side := rapid.SampledFrom([]string{"start", "stop"}).Draw(t, "side")
			clock := clockText(rapid.IntRange(0, 24*60-1).Draw(t, "clock"))
			parts = append(parts, strings.Join(strings.Fields(side+" "+days+" "+clock), " "))
			continue
		}
		keyword := ""
		if len(parts) > 0 && rapid.Bool().Draw(t, "unmanaged") {
			keyword = "unmanaged "
		}
		parts = append(parts, keyword+drawWindow(t).text)
	}
	for _, keyword := range []string{"weekend", "off", "on"} {
		if rapid.IntRange(0, 2).Draw(t, keyword) == 0 {
			parts = append(parts, keyword+" "+drawDates(t))
		}
	}
	return strings.Join(parts, rapid.SampledFrom([]string{"; ", ";", " + "}).Draw(t, "separator"))
}

func drawDates(t *rapid.T) string {
	at := time.Date(1970, time.January, 2, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 130*365).Draw(t, "date"))
	end := at.AddDate(0, 0, rapid.IntRange(1, 9).Draw(t, "length"))
	const year = "2006-01-02"
	return rapid.SampledFrom([]string{
		at.Format(year),
		at.Format(year) + ".." + end.Format(year),
		at.Format("01-02") + "," + end.Format(year),
		at.Format("01-02") + ".." + end.Format("01-02"),
	}).Draw(t, "dates")
}

func TestAtAgreesWithNextAndLast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone, at := drawInstant(t)
		text := drawDefinition(t)
		s, err := schedule.Parse(text, zone)
		if err != nil {
			t.Skip(err)
		}
		dayTimes := len(s.Definition().Start)+len(s.Definition().Stop) > 0
		for range 5 {
			state := s.At(at)
			next, ok := s.Next(at)
			if !ok {
				next = schedule.Transition{At: at.AddDate(1, 0, 0), State: state}
			}
			if ok && !next.At.After(at) {
				t.Fatalf("%s in %s: after %s comes %s", text, zone, at, next.At)
			}
			between := at.Add(time.Duration(rapid.Float64Range(0, 0.999).Draw(t, "part") * float64(next.At.Sub(at))))
			last, hasLast := s.Last(between)
			switch {
			case s.At(between) != state:
				t.Fatalf("%s in %s: %s at %s, %s at %s, but the next transition is at %s", text, zone, state, at, s.At(between), between, next.At)
			case hasLast && (last.At.After(at) || last.State != state):
				t.Fatalf("%s in %s: last of %s is %v, state %s", text, zone, between, last, state)
			case !ok:
				return
			case s.At(next.At) != next.State || !dayTimes && next.State == state:
				t.Fatalf("%s in %s: from %s to %s at %s", text, zone, state, s.At(next.At), next.At)
			case s.At(next.At.Add(-1)) != state:
				t.Fatalf("%s in %s: already %s just before %s", text, zone, s.At(next.At.Add(-1)), next.At)
			}
			if again, ok := s.Last(next.At); !ok || again != next {
				t.Fatalf("%s in %s: Next is %v, Last there %v", text, zone, next, again)
			}
			at = next.At
		}
	})
}

func TestEachDayHasItsWindowOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone, at := drawInstant(t)
		from, to := at.AddDate(0, 0, -6), at.AddDate(0, 0, 6)
		if !calm(zone, from) || !calm(zone, to) || to.Year() > 2100 {
			t.Skip("clocks change at the borders")
		}
		begin := rapid.IntRange(0, 24*60-1).Draw(t, "begin")
		length := rapid.IntRange(1, 18*60).Draw(t, "length")
		text := clockText(begin) + "-" + clockText((begin+length)%(24*60))
		s, err := schedule.Parse(text, zone)
		if err != nil {
			t.Fatal(err)
		}
		want := daysShown(zone, from, to, begin)
		got := 0
		for at := from.Add(-1); ; {
			next, ok := s.Next(at)
			if !ok || !next.At.Before(to) {
				break
			}
			if next.State == schedule.Running {
				got++
			}
			at = next.At
		}
		if got != want {
			t.Fatalf("%s in %s: %d windows on %d days from %s to %s", text, zone, got, want, from, to)
		}
	})
}

// daysShown counts the days on which the clock shows some hour and whose
// minute begin, shown or not, lies between two wall times.
func daysShown(zone *time.Location, from, to time.Time, begin int) int {
	wall := func(at time.Time) time.Time {
		return at.Add(time.Duration(offset(zone, at)) * time.Second).UTC()
	}
	shown := make(map[time.Time]bool)
	for at := from.AddDate(0, 0, -2); at.Before(to.AddDate(0, 0, 2)); at = at.Add(30 * time.Minute) {
		shown[wall(at).Truncate(24*time.Hour)] = true
	}
	count := 0
	for day := range shown {
		start := day.Add(time.Duration(begin) * time.Minute)
		if !start.Before(wall(from)) && start.Before(wall(to)) {
			count++
		}
	}
	return count
}

func TestWholeWeeksChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone, at := drawInstant(t)
		weekday := time.Weekday(rapid.IntRange(0, 6).Draw(t, "weekday"))
		other := time.Weekday(rapid.IntRange(0, 6).Draw(t, "other"))
		begin := rapid.IntRange(0, 24*60-2).Draw(t, "begin")
		text := fmt.Sprintf("%s,%s %s-%s", weekday, other, clockText(begin), clockText(rapid.IntRange(begin+1, 24*60).Draw(t, "end")))
		s, err := schedule.Parse(text, zone)
		if err != nil {
			t.Fatal(err)
		}
		at = at.Add(time.Duration(rapid.IntRange(0, 7*24*60).Draw(t, "minutes")) * time.Minute)
		moved := at.Add(time.Duration(rapid.IntRange(-200, 200).Draw(t, "weeks")) * 7 * 24 * time.Hour)
		if moved.Year() < 1971 || moved.Year() > 2099 || !calm(zone, at) || !calm(zone, moved) || offset(zone, at) != offset(zone, moved) {
			t.Skip("clocks differ")
		}
		if s.At(at) != s.At(moved) {
			t.Fatalf("%s in %s: %s at %s, %s at %s", text, zone, s.At(at), at, s.At(moved), moved)
		}
	})
}

func offset(zone *time.Location, at time.Time) int {
	_, seconds := at.In(zone).Zone()
	return seconds
}

// calm reports whether no clock change is near.
func calm(zone *time.Location, at time.Time) bool {
	return offset(zone, at.AddDate(0, 0, -3)) == offset(zone, at) && offset(zone, at.AddDate(0, 0, 3)) == offset(zone, at)
}

func TestTextsReadAsTheyPrint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawDefinition(t)
		if rapid.Bool().Draw(t, "with a zone") {
			text += " " + rapid.SampledFrom(schedule.ZoneNames()).Draw(t, "zone")
		}
		d, err := schedule.ParseDefinition(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		again, err := schedule.ParseDefinition(d.String())
		if err != nil || !again.Equal(d) || again.String() != d.String() {
			t.Fatalf("%q prints %q, which reads %q, %v", text, d, again, err)
		}
		for _, w := range d.Running {
			again, err := schedule.ParseWindow(w.String())
			days, err2 := schedule.ParseDays(w.Days().String())
			if err != nil || again != w || err2 != nil || days != w.Days() {
				t.Fatalf("%q reads %q, %v; its days %q, %v", w, again, err, days, err2)
			}
		}
		for _, e := range append(d.Start, d.Stop...) {
			if again, err := schedule.ParseDayTime(e.String()); err != nil || again != e {
				t.Fatalf("%q reads %q, %v", e, again, err)
			}
		}
	})
}

func TestRunningCountsWhatAtSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone, at := drawInstant(t)
		s, err := schedule.Parse(drawDefinition(t), zone)
		if err != nil {
			t.Skip(err)
		}
		at = at.Truncate(time.Minute)
		to := at.Add(time.Duration(rapid.IntRange(0, 3*24*60).Draw(t, "minutes")) * time.Minute)
		var want time.Duration
		for m := at; m.Before(to); m = m.Add(time.Minute) {
			if s.At(m) == schedule.Running {
				want += time.Minute
			}
		}
		if got := s.Running(at, to); offset(zone, at)%60 == 0 && offset(zone, to)%60 == 0 && got != want {
			t.Fatalf("%s in %s from %s to %s: %s, want %s", s.Definition(), zone, at, to, got, want)
		}
	})
}
