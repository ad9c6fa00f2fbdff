package schedule

import (
	"math/bits"
	"time"
)

// DayParts are the parts of Days, for other notations of them. A day must satisfy
// every part that is not empty, and within a part one match is enough.
type DayParts struct {
	Months    []time.Month
	MonthDays []int // days of the month in order; -1 is the last
	Nearest   []int // the working days nearest to them; -1 is the last
	Weekdays  []time.Weekday
	Nth       []NthWeekday
	From, To  Date // both zero where no date is given
}

// NthWeekday is a weekday of a month, counted from 1; -1 is the last.
type NthWeekday struct {
	Weekday time.Weekday
	N       int
}

// Parts are the parts of the set. Weeks begin on Monday.
func (d Days) Parts() DayParts {
	p := DayParts{From: d.from, To: d.to}
	for m := time.January; m <= time.December; m++ {
		if d.months&(1<<m) != 0 {
			p.Months = append(p.Months, m)
		}
	}
	p.MonthDays, p.Nearest = numbers(d.monthDays), numbers(d.nearest&^1)
	if d.lastDay {
		p.MonthDays = append(p.MonthDays, -1)
	}
	if d.nearest&1 != 0 {
		p.Nearest = append(p.Nearest, -1)
	}
	for i := range 7 {
		w := time.Weekday((i + 1) % 7)
		if d.weekdays&(1<<w) != 0 {
			p.Weekdays = append(p.Weekdays, w)
		}
		for n, nth := range d.nth {
			switch {
			case nth&(1<<w) == 0:
			case n == lastOfMonth:
				p.Nth = append(p.Nth, NthWeekday{w, -1})
			default:
				p.Nth = append(p.Nth, NthWeekday{w, n + 1})
			}
		}
	}
	return p
}

func numbers(set days) []int {
	var list []int
	for ; set != 0; set &= set - 1 {
		list = append(list, bits.TrailingZeros32(uint32(set)))
	}
	return list
}
