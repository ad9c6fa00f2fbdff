package schedule

import (
	"strings"
	"time"

	"nightshift/internal/fleet"
)

// maxText bounds the length of a text that is read as one schedule, window
// or list of dates, in bytes. Values of tags are much shorter.
const maxText = 8 << 10

// ParseDays reads the day part of a window or a start or stop time: words that
// are separated by spaces and may be lists with commas. Words of the same sort
// add up, different sorts restrict each other. Upper and lower case are the
// same; names are written in full or with three letters.
//
//	Mon-Fri   Sat,Sun   Fri-Mon   Mon/2        weekdays; /n is every nth from there on
//	Mon#1     last-Fri  FriL                   the nth or last such weekday of the month
//	1-15      1,15      1/7       last    L    days of the month
//	15W       lastW                            the working day (Mon to Fri) nearest to it, in the same month
//	Jan-Mar   Nov-Feb   Jan/3                  months
//	2026-12-24          2026-12-24..2026-12-26 dates
//
// The empty text is every day. Errors are of kind fleet.ErrInvalid.
func ParseDays(text string) (Days, error) {
	if len(text) > maxText {
		return Days{}, tooLong(text)
	}
	return parseDayWords(strings.Fields(tidy(text)))
}

// tidy makes the spellings of ranges and lists one: without spaces around the
// signs.
func tidy(text string) string {
	text = strings.ReplaceAll(text, "–", "-")
	for _, sign := range []string{"-", ",", ".."} {
		if !strings.Contains(text, sign) {
			continue
		}
		parts := strings.Split(text, sign)
		for i, part := range parts {
			if i > 0 {
				part = strings.TrimLeft(part, " \t")
			}
			if i < len(parts)-1 {
				part = strings.TrimRight(part, " \t")
			}
			parts[i] = part
		}
		text = strings.Join(parts, sign)
	}
	return text
}

func parseDayWords(words []string) (Days, error) {
	var d Days
	for _, word := range words {
		for item := range strings.SplitSeq(word, ",") {
			if err := d.add(item); err != nil {
				return Days{}, err
			}
		}
	}
	return d.canonical(), nil
}

// add reads one item such as "Mon-Fri" into the set.
func (d *Days) add(item string) error {
	text := strings.ToLower(item)
	if isDate(text) {
		return d.addDates(item)
	}
	if text == "*" {
		return fleet.Errorf(fleet.ErrInvalid, `"*": leave out the part that matches every day`)
	}
	span, step, err := cutStep(text)
	if err != nil {
		return err
	}
	switch {
	case text == "":
		return fleet.Errorf(fleet.ErrInvalid, "a day is missing beside a comma")
	case d.addNamed(span, step):
		return nil
	case strings.ContainsAny(span[:1], "0123456789") || strings.HasPrefix(span, "last") || span == "l" || span == "lw":
		return d.addMonthDays(item, span, step)
	}
	for part := range strings.SplitSeq(span, "-") {
		name, _, _ := strings.Cut(part, "#")
		if near := suggestDay(name); near != "" && !strings.EqualFold(near, name) {
			return fleet.Errorf(fleet.ErrInvalid, "unknown day %q: did you mean %q?", brief(item), near)
		}
	}
	return fleet.Errorf(fleet.ErrInvalid, "unknown day %q: use for example Mon-Fri, Mon#1, last-Fri, 1-15, last, Jan-Mar or 2026-12-24", brief(item))
}

// cutStep splits "jan/3" into its span and step; the step is 0 where there is
// none.
func cutStep(text string) (span string, step int, err error) {
	span, tail, found := strings.Cut(text, "/")
	if !found {
		return span, 0, nil
	}
	step, ok := number(tail)
	if !ok || step < 1 || step > 31 || span == "" {
		return "", 0, fleet.Errorf(fleet.ErrInvalid, "%q: after the slash stands a step from 1 to 31, as in 1/7", brief(text))
	}
	return span, step, nil
}

// addNamed reads weekdays and months; it reports whether the item is one.
func (d *Days) addNamed(span string, step int) bool {
	if w, nth, ok := nthWeekday(span); ok && step == 0 {
		d.nth[nth] |= 1 << w
		return true
	}
	low, high, isRange := strings.Cut(span, "-")
	if from, ok := weekdayNamed(low); ok {
		to, ok := from, true
		switch {
		case isRange:
			to, ok = weekdayNamed(high)
		case step > 0:
			to = time.Sunday
		}
		// Weeks begin on Monday here.
		for i := 0; ok && i <= (int(to)-int(from)+7)%7; i += max(step, 1) {
			d.weekdays |= 1 << ((int(from) + i) % 7)
		}
		return ok
	}
	if from, ok := monthNamed(low); ok {
		to, ok := from, true
		switch {
		case isRange:
			to, ok = monthNamed(high)
		case step > 0:
			to = time.December
		}
		for i := 0; ok && i <= (int(to)-int(from)+12)%12; i += max(step, 1) {
			d.months |= 1 << ((int(from)-1+i)%12 + 1)
		}
		return ok
	}
	return false
}

// nthWeekday reads "mon#1", "mon#last", "last-fri", "fril" and "1st-mon".
func nthWeekday(text string) (w time.Weekday, index int, ok bool) {
	if name, n, found := strings.Cut(text, "#"); found {
		w, ok = weekdayNamed(name)
		if n == "last" || n == "l" {
			return w, lastOfMonth, ok
		}
		i, isNumber := number(n)
		return w, i - 1, ok && isNumber && i >= 1 && i <= 5
	}
	if ordinal, name, found := strings.Cut(text, "-"); found {
		for i, spellings := range [][2]string{{"1st", "first"}, {"2nd", "second"}, {"3rd", "third"}, {"4th", "fourth"}, {"5th", "fifth"}, {"last", "last"}} {
			if ordinal == spellings[0] || ordinal == spellings[1] {
				w, ok = weekdayNamed(name)
				return w, i, ok
			}
		}
		return 0, 0, false
	}
	if name, found := strings.CutSuffix(text, "l"); found {
		w, ok = weekdayNamed(name)
		return w, lastOfMonth, ok
	}
	return 0, 0, false
}

// addMonthDays reads days of the month.
func (d *Days) addMonthDays(item, span string, step int) error {
	bad := func(why string) error {
		return fleet.Errorf(fleet.ErrInvalid, "%q: %s", brief(item), why)
	}
	if day, found := strings.CutSuffix(span, "w"); found && step == 0 {
		if day == "last" || day == "l" {
			d.nearest |= 1
			return nil
		}
		n, ok := number(day)
		if !ok || n < 1 || n > 31 {
			return bad("before W stands a day of the month from 1 to 31, as in 15W")
		}
		d.nearest |= 1 << n
		return nil
	}
	low, high, isRange := strings.Cut(span, "-")
	if isLast(low) {
		if isRange || step > 0 {
			if near := suggestDay(high); near != "" {
				return bad("did you mean last-" + near + "?")
			}
			return bad("after last- stands a weekday, as in last-Fri")
		}
		d.lastDay = true
		return nil
	}
	from, ok := number(low)
	if ok && len(low) == 2 && low[0] == '0' && from > 0 {
		return bad("days of the month are written without a zero; a date of every year is written as Dec 25")
	}
	if !ok || from < 1 || from > 31 {
		return bad("days of the month go from 1 to 31; times are written as 08:00")
	}
	to := from
	switch {
	case isRange && isLast(high), !isRange && step > 0:
		to = 31
	case isRange:
		if to, ok = number(high); !ok || to < 1 || to > 31 {
			return bad("days of the month go from 1 to 31; times are written as 08:00-19:00")
		}
		if to < from {
			return bad("the range runs backwards; write two, as in 25-31,1-5")
		}
	}
	for day := from; day <= to; day += max(step, 1) {
		d.monthDays |= 1 << day
	}
	return nil
}

func isLast(text string) bool { return text == "last" || text == "l" }

// isDate distinguishes dates from days of the month.
func isDate(text string) bool {
	return len(text) > 4 && text[4] == '-' && strings.Trim(text[:4], "0123456789") == "" && strings.Contains(text[5:], "-")
}

func (d *Days) addDates(item string) error {
	from, to, err := parseDates(item)
	if err != nil {
		return err
	}
	if d.dated() {
		return fleet.Errorf(fleet.ErrInvalid, "%q is the second date: write a window of its own for it", brief(item))
	}
	d.from, d.to = from, to
	return nil
}

// parseDates reads a date or a range of dates.
func parseDates(item string) (from, to Date, err error) {
	low, high, isRange := strings.Cut(item, "..")
	if from, err = ParseDate(low); err != nil {
		return Date{}, Date{}, err
	}
	to = from
	if isRange {
		if to, err = ParseDate(high); err != nil {
			return Date{}, Date{}, err
		}
	}
	if to.number() < from.number() {
		return Date{}, Date{}, fleet.Errorf(fleet.ErrInvalid, "%q: the range ends before it begins", brief(item))
	}
	return from, to, nil
}

// brief shortens what a message quotes.
func brief(text string) string {
	const most = 60
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

func tooLong(text string) error {
	return fleet.Errorf(fleet.ErrInvalid, "%q is %d bytes long, more than %d", brief(text), len(text), maxText)
}
