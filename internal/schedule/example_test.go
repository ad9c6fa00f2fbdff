package schedule_test

import (
	"fmt"
	"strings"
	"time"

	"nightshift/internal/schedule"
)

func Example() {
	zone, err := schedule.LoadZone("Europe/Berlin")
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := schedule.Parse("Mon-Fri 08:00-19:00; off 12-25,12-26", zone)
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Date(2026, time.December, 24, 18, 30, 0, 0, zone)
	fmt.Println(s.At(now), "because of", s.Within(now))
	next, _ := s.Next(now)
	fmt.Println(next.State, "from", next.At.Format(time.RFC3339))
	next, _ = s.Next(next.At)
	fmt.Println(next.State, "from", next.At.Format(time.RFC3339))
	// Output:
	// running because of Mon-Fri 08:00-19:00
	// stopped from 2026-12-24T19:00:00+01:00
	// running from 2026-12-28T08:00:00+01:00
}

func ExampleParseWindow() {
	for _, text := range []string{"monday - friday 8:00 - 19:00", "Fri 20:00-Mon 06:00", "jan/3 mon#1", "tues 08:00-19:00"} {
		w, err := schedule.ParseWindow(text)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(w)
	}
	// Output:
	// Mon-Fri 08:00-19:00
	// Fri 20:00-Mon 06:00
	// Jan,Apr,Jul,Oct Mon#1
	// unknown day "tues": did you mean "Tue"?
}

func ExampleReadICS() {
	holidays, err := schedule.ReadICS(strings.NewReader(`BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
UID:childrens-day
SUMMARY:Children's Day
DTSTART;VALUE=DATE:20260505
RRULE:FREQ=YEARLY;COUNT=2
END:VEVENT
END:VCALENDAR
`))
	fmt.Println(holidays, err)
	// Output: 2026-05-05,2027-05-05 <nil>
}

// A window that the clock skips when summer time begins keeps its length.
func ExampleSchedule_Next() {
	zone, err := schedule.LoadZone("America/New_York")
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := schedule.Parse("02:15-02:45", zone)
	if err != nil {
		fmt.Println(err)
		return
	}
	at := time.Date(2026, time.March, 8, 0, 0, 0, 0, zone)
	for range 2 {
		next, _ := s.Next(at)
		fmt.Println(next.State, next.At.Format(time.RFC3339))
		at = next.At
	}
	// Output:
	// running 2026-03-08T03:00:00-04:00
	// stopped 2026-03-08T03:30:00-04:00
}
