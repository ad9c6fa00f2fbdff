package schedule_test

import (
	"fmt"
	"testing"
	"time"

	"nightshift/internal/schedule"
)

func BenchmarkAt(b *testing.B) {
	zone, err := schedule.LoadZone("Asia/Seoul")
	if err != nil {
		b.Fatal(err)
	}
	s, err := schedule.Parse("Mon-Fri 08:00-19:00; Sat 10:00-14:00", zone)
	if err != nil {
		b.Fatal(err)
	}
	start := time.Date(2026, time.November, 2, 0, 0, 0, 0, time.UTC)
	running := 0
	i := 0
	for b.Loop() {
		if s.At(start.Add(time.Duration(i%672)*time.Hour)) == schedule.Running {
			running++
		}
		i++
	}
	if b.N > 1000 && running == 0 {
		b.Fatal("it never ran")
	}
}

func Example() {
	zone, _ := schedule.LoadZone("Europe/Berlin")
	s, err := schedule.Parse("Mon-Fri 08:00-19:00; off 12-25,12-26", zone)
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Date(2026, time.December, 24, 18, 30, 0, 0, zone)
	next, _ := s.Next(now)
	fmt.Println(s.At(now), "because of", s.Within(now))
	fmt.Println(next.State, "from", next.At.Format(time.RFC3339))
	again, _ := s.Next(next.At)
	fmt.Println(again.State, "from", again.At.Format(time.RFC3339))
	// Output:
	// running because of Mon-Fri 08:00-19:00
	// stopped from 2026-12-24T19:00:00+01:00
	// running from 2026-12-28T08:00:00+01:00
}
