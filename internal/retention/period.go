package retention

import (
	"fmt"
	"time"
)

// period names the hour, day, week, month or year of a local time.
type period func(time.Time) string

func hour(t time.Time) string { return t.Format("2006-01-02 15h") }

func day(t time.Time) string { return t.Format(time.DateOnly) }

func week(t time.Time) string {
	year, week := t.ISOWeek()
	return fmt.Sprintf("%d-W%02d", year, week)
}

func month(t time.Time) string { return t.Format("2006-01") }

func year(t time.Time) string { return t.Format("2006") }
