package schedule_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/internal/schedule"
)

func TestGoroutinesShareASchedule(t *testing.T) {
	shared := parse(t, "Mon-Fri 08:00-19:00; Sat 22:00-06:00; off 05-05", "Europe/Berlin")
	var wait sync.WaitGroup
	for g := range 8 {
		wait.Go(func() {
			own := parse(t, "Mon-Fri 08:00-19:00; Sat 22:00-06:00; off 05-05", "Europe/Berlin")
			at := time.Date(1999+g%3, time.January, 1, 0, 0, 0, 0, time.UTC)
			for range 2000 {
				at = at.Add(37 * time.Hour)
				next, _ := shared.Next(at)
				last, _ := shared.Last(at)
				if n, _ := own.Next(at); shared.At(at) != own.At(at) || next != n || last.State != own.At(at) {
					// Zones are loaded twice, so only times are compared.
					if !n.At.Equal(next.At) || n.State != next.State || shared.At(at) != own.At(at) || last.State != own.At(at) {
						t.Errorf("at %s: %s, next %v; alone %s, next %v", at, shared.At(at), next, own.At(at), n)
						return
					}
				}
			}
		})
	}
	wait.Wait()
}

// hostile are the slowest schedules that a tag could carry: they match rarely,
// never, or on every day without end.
func hostile() []string {
	var minutes []string
	for i := range 300 {
		minutes = append(minutes, fmt.Sprintf("%02d:%02d-%02d:%02d", i/30, i%30*2, i/30, i%30*2+1))
	}
	return []string{
		"Feb 30",
		"Feb Mon#5",
		"Feb 29 Mon#5",
		"2100-12-31",
		"1970-01-01 00:00-00:01",
		"start 1970-01-02 08:00",
		"start 2100-12-30 08:00; stop Feb 29 Mon 08:00",
		"00:00-12:00; 12:00-00:00",
		"00:00-23:59; 23:00-01:00; off 2100-12-31",
		strings.Repeat("Feb 29 Mon#5;", 36) + "Mon",
		strings.Join(minutes, ";"),
		"Mon-Fri 08:00-19:00; off 1970-01-01..2020-01-01",
		"1W,2W,3W,4W,5W,6W,7W,8W,9W,10W,11W,12W,13W,14W,15W,16W,17W,18W,19W,20W,21W,22W,23W,24W,25W,26W,27W,28W,29W,30W,31W Feb 30 Mon#5",
	}
}

func TestNoTextIsSlow(t *testing.T) {
	at := time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)
	for _, text := range hostile() {
		begin := time.Now()
		s, err := schedule.Parse(text, time.UTC)
		if err == nil {
			s.Next(at)
			s.Last(at)
			s.At(at)
			s.Within(at)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("%.60q took %s", text, took)
		}
	}
}

// office is a day's work with a night and holidays.
const office = "Mon-Fri 08:00-19:00; Sat 22:00-06:00; off 2026-12-25,01-01"

func BenchmarkAt(b *testing.B) {
	for _, zone := range []string{"UTC", "Asia/Seoul", "America/New_York"} {
		b.Run(zone, func(b *testing.B) {
			s := parse(b, office, zone)
			start := time.Date(2026, time.November, 2, 0, 0, 0, 0, time.UTC)
			i := 0
			for b.Loop() {
				s.At(start.Add(time.Duration(i%672) * time.Hour))
				i++
			}
		})
	}
}

// BenchmarkAtCold asks for another block of the time line each time.
func BenchmarkAtCold(b *testing.B) {
	s := parse(b, office, "America/New_York")
	start := time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)
	i := 0
	for b.Loop() {
		s.At(start.AddDate(0, 0, i%900*49))
		i++
	}
}

func BenchmarkNext(b *testing.B) {
	for name, text := range map[string]string{"office": office, "leap days": "Feb 29 Mon", "over": "2020-05-05"} {
		b.Run(name, func(b *testing.B) {
			s := parse(b, text, "America/New_York")
			start := time.Date(2026, time.November, 2, 0, 0, 0, 0, time.UTC)
			i := 0
			for b.Loop() {
				s.Next(start.Add(time.Duration(i%672) * time.Hour))
				i++
			}
		})
	}
}

// BenchmarkFourWeeks lists the transitions of four weeks for 10,000 machines
// with 50 schedules.
func BenchmarkFourWeeks(b *testing.B) {
	zones := []string{"UTC", "Asia/Seoul", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"}
	begin := time.Date(2026, time.November, 2, 0, 0, 0, 0, time.UTC)
	end := begin.AddDate(0, 0, 28)
	for b.Loop() {
		var schedules []*schedule.Schedule
		for i := range 50 {
			schedules = append(schedules, parse(b, fmt.Sprintf("Mon-Fri 08:%02d-19:00; Sat 22:00-06:00; off 12-25", i), zones[i%len(zones)]))
		}
		count := 0
		for machine := range 10_000 {
			s := schedules[machine%len(schedules)]
			for at := begin; ; count++ {
				next, ok := s.Next(at)
				if !ok || !next.At.Before(end) {
					break
				}
				at = next.At
			}
		}
		if count != 10_000*48 {
			b.Fatalf("%d transitions", count)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	zone := parse(b, "always", "Asia/Seoul").Zone()
	for name, text := range map[string]string{"plain": "Mon-Fri 08:00-19:00", "holidays": office, "with zone": "Mon-Fri 08:00-19:00 Asia/Seoul"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := schedule.Parse(text, zone); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkHostile(b *testing.B) {
	for i, text := range hostile() {
		b.Run(fmt.Sprint(i), func(b *testing.B) {
			for b.Loop() {
				if s, err := schedule.Parse(text, time.UTC); err == nil {
					s.Next(time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC))
				}
			}
		})
	}
}
