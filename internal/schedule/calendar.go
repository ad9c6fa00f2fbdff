package schedule

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"nightshift/internal/fleet"
)

// maxDates bounds the days of one calendar.
const maxDates = 20_000

// Calendar is a set of local dates: single dates, ranges, and days that come
// back every year. The zero value has no dates. A Calendar does not change.
type Calendar struct {
	ranges []dayRange // sorted, apart from each other by at least a day
	yearly [13]days   // by month
}

// dayRange is a range of day numbers, inclusive.
type dayRange struct{ from, to int }

// ParseDates reads a list of dates, separated by commas or spaces: "2026-05-05",
// "2026-12-24..2026-12-26", and without a year, for every year, "12-25" or
// "12-30..01-02". 02-29 comes in leap years only. Errors are of kind
// fleet.ErrInvalid.
func ParseDates(text string) (Calendar, error) {
	if len(text) > maxText {
		return Calendar{}, tooLong(text)
	}
	var c Calendar
	var ranges []dayRange
	for item := range strings.SplitSeq(strings.Join(strings.Fields(tidy(text)), ","), ",") {
		if len(item) == len("12-25") || len(item) == len("12-24..12-26") {
			if err := c.addYearly(item); err != nil {
				return Calendar{}, err
			}
			continue
		}
		from, to, err := parseDates(item)
		if err != nil {
			return Calendar{}, err
		}
		ranges = append(ranges, dayRange{from.number(), to.number()})
	}
	return c.with(ranges)
}

func (c *Calendar) addYearly(item string) error {
	low, high, isRange := strings.Cut(item, "..")
	from, ok := yearDay(low)
	to := from
	if isRange && ok {
		to, ok = yearDay(high)
	}
	if !ok {
		return fleet.Errorf(fleet.ErrInvalid, "%q is not a date: write it as 2026-12-25, or as 12-25 for every year", brief(item))
	}
	// 2000 is a leap year, so all days that there can be are in it.
	for at := from; ; at = at.AddDate(0, 0, 1) {
		c.yearly[at.Month()] |= 1 << at.Day()
		if at.Month() == to.Month() && at.Day() == to.Day() {
			return nil
		}
	}
}

// yearDay reads "12-25" as a day of the year 2000.
func yearDay(text string) (time.Time, bool) {
	at, err := time.Parse("2006-01-02", "2000-"+text)
	return at, err == nil
}

// with adds ranges of day numbers.
func (c Calendar) with(more []dayRange) (Calendar, error) {
	all := slices.Concat(c.ranges, more)
	slices.SortFunc(all, func(a, b dayRange) int { return a.from - b.from })
	c.ranges = nil
	count := 0
	for _, r := range all {
		if n := len(c.ranges); n > 0 && r.from <= c.ranges[n-1].to+1 {
			last := &c.ranges[n-1]
			count += max(r.to-last.to, 0)
			last.to = max(last.to, r.to)
		} else {
			c.ranges = append(c.ranges, r)
			count += r.to - r.from + 1
		}
		if count > maxDates {
			return Calendar{}, fleet.Errorf(fleet.ErrInvalid, "the calendar has more than %d days", maxDates)
		}
	}
	return c, nil
}

// union is the calendar of all dates in any of calendars.
func union(calendars []Calendar) (Calendar, error) {
	var c Calendar
	var ranges []dayRange
	for _, more := range calendars {
		for m := range c.yearly {
			c.yearly[m] |= more.yearly[m]
		}
		ranges = append(ranges, more.ranges...)
	}
	return c.with(ranges)
}

// empty reports whether there are no dates.
func (c Calendar) empty() bool { return len(c.ranges) == 0 && c.yearly == [13]days{} }

// in is the set of the calendar's days in a month.
func (c Calendar) in(m month) days {
	set := c.yearly[m.month] & m.all()
	last := m.first + m.length - 1
	i := sort.Search(len(c.ranges), func(i int) bool { return c.ranges[i].to >= m.first })
	for ; i < len(c.ranges) && c.ranges[i].from <= last; i++ {
		set |= m.between(c.ranges[i].from, c.ranges[i].to)
	}
	return set
}

// Has reports whether a date is in the calendar.
func (c Calendar) Has(d Date) bool {
	if d.check() != nil {
		return false
	}
	return c.in(monthAt(monthIndex(d.number())))&(1<<d.Day) != 0
}

// Equal reports whether two calendars have the same dates written in the same
// way: a day of every year is not the same as its dates of all years.
func (c Calendar) Equal(other Calendar) bool {
	return c.yearly == other.yearly && slices.Equal(c.ranges, other.ranges)
}

// String is the canonical form, which ParseDates reads where it is not longer
// than 8 KiB.
func (c Calendar) String() string {
	var items []string
	for _, r := range c.ranges {
		text := dateOf(r.from).String()
		if r.to > r.from {
			text += ".." + dateOf(r.to).String()
		}
		items = append(items, text)
	}
	const leapYear = 2000
	begin := Date{leapYear, time.January, 1}.number()
	yearDays := func(i int) bool { d := dateOf(begin + i); return c.yearly[d.Month]&(1<<d.Day) != 0 }
	for i := 0; i < 366; i++ {
		if !yearDays(i) {
			continue
		}
		first := i
		for i+1 < 366 && yearDays(i+1) {
			i++
		}
		from, to := dateOf(begin+first), dateOf(begin+i)
		text := fmt.Sprintf("%02d-%02d", int(from.Month), from.Day)
		if i > first {
			text += fmt.Sprintf("..%02d-%02d", int(to.Month), to.Day)
		}
		items = append(items, text)
	}
	return strings.Join(items, ",")
}

// MarshalText gives the form of String.
func (c Calendar) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what ParseDates reads.
func (c *Calendar) UnmarshalText(text []byte) error {
	parsed, err := ParseDates(string(text))
	if err == nil {
		*c = parsed
	}
	return err
}
