package retention_test

import (
	"fmt"
	"time"

	"nightshift/internal/retention"
)

func ExampleApply() {
	keep, err := retention.ParseKeep("daily=2,weekly=2")
	if err != nil {
		panic(err)
	}
	monday := time.Date(2026, 5, 4, 2, 0, 0, 0, time.UTC)
	var copies []time.Time
	for n := range 6 {
		copies = append(copies, monday.AddDate(0, 0, -n))
	}
	for _, v := range retention.Apply(copies, func(t time.Time) time.Time { return t }, keep, time.UTC, monday.Add(time.Hour)) {
		fmt.Println(v.Time.Format("Mon 02"), v.Keep, v.Reasons)
	}
	// Output:
	// Mon 04 true [daily 1 of 2: 2026-05-04 weekly 1 of 2: 2026-W19]
	// Sun 03 true [daily 2 of 2: 2026-05-03 weekly 2 of 2: 2026-W18]
	// Sat 02 false [daily: the newest 2 are kept weekly: the newest 2 are kept]
	// Fri 01 false [daily: the newest 2 are kept weekly: the newest 2 are kept]
	// Thu 30 false [daily: the newest 2 are kept weekly: the newest 2 are kept]
	// Wed 29 false [daily: the newest 2 are kept weekly: the newest 2 are kept]
}
