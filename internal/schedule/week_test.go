package schedule_test

import (
	"math"
	"testing"
	"time"

	"nightshift/internal/schedule"
)

// Days are whole local days, whatever the clocks do at midnight, and a day that
// a zone skipped has no hours. The parts of the days add up to the week.
func TestWeekInUnusualZones(t *testing.T) {
	for _, tt := range []struct {
		zone, first, unusual string
		hours                float64
	}{
		{"Asia/Seoul", "2026-11-16", "2026-11-18", 24},
		{"America/Sao_Paulo", "2018-11-01", "2018-11-04", 23}, // midnight does not exist
		{"America/Sao_Paulo", "2018-02-14", "2018-02-17", 25}, // 23 o'clock comes twice
		{"Australia/Lord_Howe", "2026-10-01", "2026-10-04", 23.5},
		{"Pacific/Apia", "2011-12-27", "2011-12-30", 0},
		{"America/New_York", "2026-03-02", "2026-03-08", 23},
	} {
		first, err := time.Parse(time.DateOnly, tt.first)
		if err != nil {
			t.Fatal(err)
		}
		w := parse(t, "Mon-Fri 08:00-19:00", tt.zone).Week("office", first)
		sum, running := 0.0, 0.0
		for _, d := range w.Days {
			sum, running = sum+d.Hours, running+d.Running
			if d.Date == tt.unusual && d.Hours != tt.hours || d.Date != tt.unusual && d.Hours != 24 {
				t.Errorf("%s: %s has %v hours", tt.zone, d.Date, d.Hours)
			}
		}
		if len(w.Days) != 7 || w.Days[0].Date != tt.first || sum != w.To.Sub(w.From).Hours() || math.Abs(running-w.Running) > 0.01 {
			t.Errorf("%s: %d days of %v hours from %s to %s, %v of %v running", tt.zone, len(w.Days), sum, w.From, w.To, running, w.Running)
		}
		for _, aDay := range []int{4, 24, 48} {
			var whole, on time.Duration
			for _, day := range w.Parts(aDay) {
				for _, p := range day {
					whole, on = whole+p.Whole, on+p.Running
				}
			}
			if whole != w.To.Sub(w.From) || math.Abs(on.Hours()-w.Running) > 0.01 {
				t.Errorf("%s in %d parts a day: %s, of which %s running", tt.zone, aDay, whole, on)
			}
		}
	}
}

// A schedule that only stops leaves machines to people; its times are in the
// part of the day in which they are.
func TestWeekOfAScheduleThatOnlyStops(t *testing.T) {
	s := parse(t, "stop Mon-Fri 19:00", "Asia/Seoul")
	w := s.Week("evening", schedule.Monday(time.Date(2026, 11, 25, 1, 0, 0, 0, s.Zone())))
	if !w.OneSided || w.Running != 0 || w.Unmanaged != 168 || len(w.Transitions) != 5 || w.Days[0].Date != "2026-11-23" {
		t.Fatalf("%+v", w)
	}
	for n, day := range w.Parts(24) {
		for hour, p := range day {
			if want := n < 5 && hour == 19; p.Stops != want || p.Starts {
				t.Errorf("day %d, %d o'clock: %+v", n, hour, p)
			}
		}
	}
	if day, part := w.Place(w.Transitions[4].At.UTC(), 48); day != 4 || part != 38 {
		t.Errorf("Friday 19:00 is part %d of day %d", part, day)
	}
}

func TestOutlook(t *testing.T) {
	s := parse(t, "Mon-Fri 08:00-19:00", "Asia/Seoul")
	now := time.Date(2026, 11, 20, 3, 0, 0, 5, time.UTC) // Friday noon
	o := s.Outlook("office", now, 3)
	if o.Schedule != "office" || o.Zone != "Asia/Seoul" || o.State != schedule.Running || o.At.Format(time.RFC3339Nano) != "2026-11-20T12:00:00+09:00" {
		t.Errorf("%+v", o)
	}
	if o.Last == nil || o.Last.Format(time.RFC3339) != "2026-11-20T08:00:00+09:00" || o.Next == nil || !o.Next.Equal(o.Transitions[0].At) {
		t.Errorf("last %v, next %v", o.Last, o.Next)
	}
	var list []string
	for _, next := range o.Transitions {
		list = append(list, next.At.Format("Mon 15:04 ")+string(next.State))
	}
	if len(list) != 3 || list[0] != "Fri 19:00 stopped" || list[1] != "Mon 08:00 running" || list[2] != "Mon 19:00 stopped" {
		t.Errorf("%q", list)
	}
	if never := parse(t, "always", "UTC").Outlook("always", now, 3); never.Next != nil || never.Transitions == nil || len(never.Transitions) != 0 {
		t.Errorf("%+v", never)
	}
}
