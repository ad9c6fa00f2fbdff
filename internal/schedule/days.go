package schedule

import (
	"math/bits"
	"time"
)

// Days says on which days something happens: weekdays, the nth weekdays of a
// month, days of the month, months and dates. A day must satisfy every part
// that is given; within a part one match is enough. The zero value is every
// day. Days are made by ParseDays and can be compared with ==.
type Days struct {
	weekdays  uint8    // bit w is time.Weekday(w)
	nth       [6]uint8 // nth[i] are the weekdays whose i+1st of the month is meant; nth[5], the last
	monthDays days     // bit d is day d
	lastDay   bool
	nearest   days   // bit d: the working day nearest to day d; bit 0: to the last day
	months    uint16 // bit m is time.Month(m)
	from, to  Date   // inclusive; zero where no date is given
}

const (
	allWeekdays  = 1<<7 - 1
	allMonths    = 1<<13 - 2
	allMonthDays = days(1<<32 - 2)
	lastOfMonth  = 5 // the index in nth
)

// canonical drops what says nothing, so that equal sets are equal values.
func (d Days) canonical() Days {
	if d.weekdays == allWeekdays {
		d.weekdays, d.nth = 0, [6]uint8{}
	}
	for i := range d.nth {
		d.nth[i] &^= d.weekdays
	}
	if d.months == allMonths {
		d.months = 0
	}
	if d.monthDays == allMonthDays {
		d.monthDays, d.lastDay, d.nearest = 0, false, 0
	}
	return d
}

func (d Days) anyWeekday() bool  { return d.weekdays == 0 && d.nth == [6]uint8{} }
func (d Days) anyMonthDay() bool { return d.monthDays == 0 && !d.lastDay && d.nearest == 0 }
func (d Days) dated() bool       { return d.from != Date{} }

// in is the set of matching days of a month. Days in sundays count as a plain
// Sunday: they are neither the weekday nor the nth weekday that they are in
// the calendar, and no working days.
func (d Days) in(m month, sundays days) days {
	if d.months != 0 && d.months&(1<<m.month) == 0 {
		return 0
	}
	set := m.all()
	if d.dated() {
		set &= m.between(d.from.number(), d.to.number())
	}
	if set == 0 {
		return 0
	}
	if !d.anyMonthDay() {
		set &= d.monthDaysIn(m, sundays)
	}
	if !d.anyWeekday() {
		set &= d.weekdaysIn(m, sundays)
	}
	return set
}

func (d Days) monthDaysIn(m month, sundays days) days {
	set := d.monthDays
	if d.lastDay {
		set |= 1 << m.length
	}
	if d.nearest != 0 {
		working := m.all() &^ m.weekday(time.Saturday) &^ m.weekday(time.Sunday) &^ sundays
		for rest := d.nearest; rest != 0; rest &= rest - 1 {
			day := bits.TrailingZeros32(uint32(rest))
			if day == 0 {
				day = m.length
			}
			set |= nearestIn(working, day, m.length)
		}
	}
	return set
}

// nearestIn is the working day nearest to a day of the month, within the
// month; the earlier of two that are equally near. A month that does not have
// the day has none.
func nearestIn(working days, day, length int) days {
	if day > length {
		return 0
	}
	for distance := range length {
		if before := day - distance; before >= 1 && working&(1<<before) != 0 {
			return 1 << before
		}
		if after := day + distance; after <= length && working&(1<<after) != 0 {
			return 1 << after
		}
	}
	return 0
}

func (d Days) weekdaysIn(m month, sundays days) days {
	var set days
	for w := time.Sunday; w <= time.Saturday; w++ {
		bit := uint8(1) << w
		on := m.weekday(w)
		if d.weekdays&bit != 0 {
			set |= on &^ sundays
			if w == time.Sunday {
				set |= sundays
			}
			continue
		}
		for i, nth := range d.nth {
			if nth&bit == 0 {
				continue
			}
			week := days(0xfe) << (7 * i)
			if i == lastOfMonth {
				week = m.all() &^ (m.all() >> 7)
			}
			set |= on & week &^ sundays
		}
	}
	return set
}

// onlyWeekday is the one weekday on which all matching days fall, if there is
// one.
func (d Days) onlyWeekday() (time.Weekday, bool) {
	all := d.weekdays
	for _, nth := range d.nth {
		all |= nth
	}
	return time.Weekday(bits.TrailingZeros8(all)), bits.OnesCount8(all) == 1
}
