package foreign

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// item is one element of a day field: a value, a range, and a step.
type item struct {
	from, to string // to is "" where there is no range
	step     int    // 0: none
}

// items splits a field; no items mean no restriction.
func (r *Reading) items(field, text string) ([]item, error) {
	if err := checkLength(field, text); err != nil {
		return nil, err
	}
	text = strings.TrimSpace(text)
	if text == "" || text == "*" || text == "?" {
		return nil, nil
	}
	var list []item
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "*" || part == "?" {
			return nil, nil
		}
		span, stepText, stepped := strings.Cut(part, "/")
		var it item
		if stepped {
			step, ok := digits(strings.TrimSpace(stepText), 2)
			if !ok || step == 0 {
				return nil, invalid("%s: the step of %q must be a number from 1", field, clip(part))
			}
			it.step = step
			if step > 9 {
				r.warn("%s %s: the step is %d; %s reads only its last digit (%d)", field, clip(part), step, instanceScheduler, step%10)
			}
		}
		from, to, ranged := strings.Cut(span, "-")
		it.from, it.to = strings.TrimSpace(from), strings.TrimSpace(to)
		if it.from == "" || ranged && it.to == "" {
			return nil, invalid("%s: %q is not understood", field, clip(part))
		}
		list = append(list, it)
	}
	return list, nil
}

// months reads "jan", "1", "nov-feb", "jan/3": months are written out.
func (r *Reading) months(text string) (string, error) {
	list, err := r.items("months", text)
	if err != nil || list == nil {
		return "", err
	}
	month := func(word string) (int, error) {
		if n, ok := monthNumber(word); ok {
			return n, nil
		}
		if n, ok := digits(word, 2); ok && n >= 1 && n <= 12 {
			return n - 1, nil
		}
		return 0, invalid("months: unknown month %q%s", clip(word), meantDay(word, monthNames()))
	}
	var set [12]bool
	for _, it := range list {
		from, to, err := it.bounds(month, 11)
		if err != nil {
			return "", err
		}
		for i := 0; i <= (to-from+12)%12; i += max(it.step, 1) {
			set[(from+i)%12] = true
		}
	}
	var names []string
	for i, in := range set {
		if in {
			name := monthNames()[i]
			names = append(names, strings.ToUpper(name[:1])+name[1:3])
		}
	}
	if len(names) == len(set) {
		return "", nil
	}
	return strings.Join(names, ","), nil
}

// bounds are an item's first and last value: a step without a range goes on
// to the last one there is.
func (it item) bounds(value func(string) (int, error), last int) (from, to int, err error) {
	if from, err = value(it.from); err != nil {
		return 0, 0, err
	}
	switch {
	case it.to != "":
		to, err = value(it.to)
	case it.step > 0:
		to = last
	default:
		to = from
	}
	return from, to, err
}

var (
	nearest  = regexp.MustCompile(`^(\d{1,2})[wW]$`)
	numbered = regexp.MustCompile(`^(.+)#(.+)$`)
)

// monthDays reads "1", "1-15", "1/7", "L", "20-L" and "15W".
func (r *Reading) monthDays(text string) (string, error) {
	list, err := r.items("monthdays", text)
	if err != nil || list == nil {
		return "", err
	}
	day := func(word string) (int, error) {
		if n, ok := digits(word, 2); ok && n >= 1 && n <= 31 {
			return n, nil
		}
		return 0, invalid("monthdays: %q must be 1 to 31, L, or like 15W", clip(word))
	}
	var set [32]bool
	var special []string
	for _, it := range list {
		plain := it.to == "" && it.step == 0
		if m := nearest.FindStringSubmatch(it.from); m != nil && plain {
			n, err := day(m[1])
			if err != nil {
				return "", err
			}
			if n > 29 {
				r.warn("monthdays %dW selects nothing in a month without that day; %s fails there for every machine of the region", n, instanceScheduler)
			}
			special = append(special, strconv.Itoa(n)+"W")
			continue
		}
		if strings.EqualFold(it.from, "L") && plain {
			special = append(special, "last")
			continue
		}
		// A range to the last day ends where the month does: a day that a month
		// does not have selects nothing.
		if strings.EqualFold(it.to, "L") {
			it.to = "31"
		}
		from, to, err := it.bounds(day, 31)
		if err != nil {
			return "", err
		}
		if from > to {
			return "", invalid("monthdays: %s-%s runs backwards: write %s-L,1-%s", it.from, it.to, it.from, it.to)
		}
		for n := from; n <= to; n += max(it.step, 1) {
			set[n] = true
		}
	}
	return monthDayText(set, special), nil
}

// monthDayText writes month days in our notation: "1-15,20,last,15W".
func monthDayText(set [32]bool, special []string) string {
	var parts []string
	for n := 1; n <= 31; n++ {
		if !set[n] {
			continue
		}
		end := n
		for end < 31 && set[end+1] {
			end++
		}
		switch {
		case n == 1 && end == 31:
			return ""
		case end-n < 2:
			parts = append(parts, strconv.Itoa(n))
		default:
			parts = append(parts, fmt.Sprintf("%d-%d", n, end))
			n = end
		}
	}
	return strings.Join(append(parts, special...), ",")
}

// weekDays reads "mon", "monday", "0" (Monday), "mon-fri", "sat-mon", "mon/2",
// "mon#1", "friL" and "L" (Sunday).
func (r *Reading) weekDays(text string) (string, error) {
	list, err := r.items("weekdays", text)
	if err != nil || list == nil {
		return "", err
	}
	day := func(word string) (int, error) {
		if n, ok := dayNumber(word); ok {
			return n, nil
		}
		if n, ok := digits(word, 1); ok && n <= 6 {
			return n, nil
		}
		return 0, invalid("weekdays: unknown day %q%s: use mon to sun, or 0 (Monday) to 6", clip(word), meantDay(word, dayWords()))
	}
	var set week
	var special []string
	for _, it := range list {
		plain := it.to == "" && it.step == 0
		nth, prefix := numbered.FindStringSubmatch(it.from), strings.TrimRight(it.from, "lL")
		switch {
		case plain && nth != nil:
			n, err := day(strings.TrimSpace(nth[1]))
			if err != nil {
				return "", err
			}
			count, ok := digits(nth[2], 1)
			if !ok || count < 1 || count > 5 {
				return "", invalid("weekdays: the number of %q must be 1 to 5", clip(it.from))
			}
			special = append(special, fmt.Sprintf("%s#%d", dayNames()[n], count))
			continue
		case plain && strings.EqualFold(it.from, "L"):
			set |= 1 << 6
			continue
		case plain && len(it.from) == len(prefix)+1 && prefix != "":
			n, err := day(prefix)
			if err != nil {
				return "", err
			}
			special = append(special, "last-"+dayNames()[n])
			continue
		}
		from, to, err := it.bounds(day, 6)
		if err != nil {
			return "", err
		}
		set |= through(from, to, max(it.step, 1))
	}
	if set == everyDay {
		return "", nil
	}
	parts := slices.DeleteFunc([]string{set.String()}, func(s string) bool { return s == "" })
	return strings.Join(append(parts, special...), ","), nil
}
