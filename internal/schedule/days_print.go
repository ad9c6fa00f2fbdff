package schedule

import (
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// String is the canonical form, which ParseDays reads; empty for every day.
func (d Days) String() string {
	var parts []string
	add := func(items []string) {
		if len(items) > 0 {
			parts = append(parts, strings.Join(items, ","))
		}
	}
	if d.dated() {
		text := d.from.String()
		if d.to != d.from {
			text += ".." + d.to.String()
		}
		add([]string{text})
	}
	add(runs(12, func(i int) bool { return d.months&(2<<i) != 0 }, func(i int) string {
		return time.Month(i + 1).String()[:3]
	}))
	add(d.monthDayItems())
	add(d.weekdayItems())
	return strings.Join(parts, " ")
}

// MarshalText gives the form of String.
func (d Days) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what ParseDays reads.
func (d *Days) UnmarshalText(text []byte) error {
	parsed, err := ParseDays(string(text))
	if err == nil {
		*d = parsed
	}
	return err
}

func (d Days) monthDayItems() []string {
	var items []string
	for first := 1; first <= 31; first++ {
		if d.monthDays&(1<<first) == 0 {
			continue
		}
		last := first
		for last < 31 && d.monthDays&(2<<last) != 0 {
			last++
		}
		text := strconv.Itoa(first)
		if last > first {
			text += "-" + strconv.Itoa(last)
		}
		items = append(items, text)
		first = last
	}
	if d.lastDay {
		items = append(items, "last")
	}
	for rest := d.nearest &^ 1; rest != 0; rest &= rest - 1 {
		items = append(items, strconv.Itoa(bits.TrailingZeros32(uint32(rest)))+"W")
	}
	if d.nearest&1 != 0 {
		items = append(items, "lastW")
	}
	return items
}

func (d Days) weekdayItems() []string {
	name := func(i int) string { return time.Weekday((i + 1) % 7).String()[:3] }
	items := runs(7, func(i int) bool { return d.weekdays&(1<<((i+1)%7)) != 0 }, name)
	for n, nth := range d.nth {
		for i := range 7 {
			switch {
			case nth&(1<<((i+1)%7)) == 0:
			case n == lastOfMonth:
				items = append(items, "last-"+name(i))
			default:
				items = append(items, name(i)+"#"+strconv.Itoa(n+1))
			}
		}
	}
	return items
}

// runs lists the members of a cycle of n as ranges of three and more and
// single names. A range may run over the end of the cycle.
func runs(n int, has func(int) bool, name func(int) string) []string {
	head, tail := 0, 0
	for head < n && has(head) {
		head++
	}
	for tail < n && has(n-1-tail) {
		tail++
	}
	start := 0
	if head > 0 && tail > 0 && head+tail > 2 {
		start = n - tail
	}
	var items []string
	for i := start; i < start+n; i++ {
		if !has(i % n) {
			continue
		}
		last := i
		for last+1 < start+n && has((last+1)%n) {
			last++
		}
		switch last - i {
		case 0:
			items = append(items, name(i%n))
		case 1:
			items = append(items, name(i%n), name(last%n))
		default:
			items = append(items, name(i%n)+"-"+name(last%n))
		}
		i = last
	}
	return items
}
