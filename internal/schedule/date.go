package schedule

import (
	"fmt"
	"strconv"
	"time"

	"nightshift/internal/fleet"
)

// The years that schedules know. Instants outside them have no transitions.
const (
	firstYear = 1970
	lastYear  = 2100
)

// Date is a day of the Gregorian calendar in no particular zone.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads "2026-12-25". Years before 1970 or after 2100 and days that
// do not exist are errors of kind fleet.ErrInvalid.
func ParseDate(text string) (Date, error) {
	if len(text) == len("2006-01-02") && text[4] == '-' && text[7] == '-' {
		year, okY := number(text[:4])
		month, okM := number(text[5:7])
		day, okD := number(text[8:])
		if okY && okM && okD {
			d := Date{year, time.Month(month), day}
			return d, d.check()
		}
	}
	return Date{}, fleet.Errorf(fleet.ErrInvalid, "%q is not a date: write it as 2026-12-25", brief(text))
}

func (d Date) check() error {
	switch {
	case d.Year < firstYear || d.Year > lastYear:
		return fleet.Errorf(fleet.ErrInvalid, "%s: the year must lie between %d and %d", d, firstYear, lastYear)
	case d.Month < 1 || d.Month > 12:
		return fleet.Errorf(fleet.ErrInvalid, "%s: there is no month %d", d, int(d.Month))
	case d.Day < 1 || d.Day > daysIn(d.Year, d.Month):
		return fleet.Errorf(fleet.ErrInvalid, "%s: %s %d has %d days", d, d.Month, d.Year, daysIn(d.Year, d.Month))
	}
	return nil
}

// String is the form that ParseDate reads.
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day) }

// number is the date in days since 1970-01-01.
func (d Date) number() int {
	return floorDay(time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Unix())
}

// dateOf is the date of a day number.
func dateOf(day int) Date {
	y, m, d := time.Unix(int64(day)*daySeconds, 0).UTC().Date()
	return Date{y, m, d}
}

func daysIn(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// number reads one to nine decimal digits.
func number(text string) (int, bool) {
	if text == "" || len(text) > 9 {
		return 0, false
	}
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// month is a month of a certain year with what matching its days needs.
type month struct {
	year   int
	month  time.Month
	first  int // the day number of its first day
	length int
}

// monthAt is the month at index year*12 + month-1.
func monthAt(index int) month {
	m := month{year: index / 12, month: time.Month(index%12 + 1)}
	m.first = Date{m.year, m.month, 1}.number()
	m.length = Date{(index + 1) / 12, time.Month((index+1)%12 + 1), 1}.number() - m.first
	return m
}

// monthIndex is the index of the month in which a day lies.
func monthIndex(day int) int {
	d := dateOf(day)
	return d.Year*12 + int(d.Month) - 1
}

// monthsBetween are the months that the days from first to last touch.
func monthsBetween(first, last int) []month {
	from, to := monthIndex(first), monthIndex(last)
	months := make([]month, 0, to-from+1)
	for i := from; i <= to; i++ {
		months = append(months, monthAt(i))
	}
	return months
}

// days is a set of days of one month: bit d is day d.
type days uint32

// all is every day of the month.
func (m month) all() days { return days(1)<<(m.length+1) - 2 }

// weekday is every day of the month that falls on w.
func (m month) weekday(w time.Weekday) days {
	// 1970-01-01 was a Thursday.
	first := 1 + (int(w)-(m.first+int(time.Thursday))%7+14)%7
	var set days
	for d := first; d <= m.length; d += 7 {
		set |= 1 << d
	}
	return set
}

// between is every day of the month from one day number to another, inclusive.
func (m month) between(from, to int) days {
	low, high := max(from-m.first+1, 1), min(to-m.first+1, m.length)
	if low > high {
		return 0
	}
	return days(1)<<(high+1) - days(1)<<low
}
