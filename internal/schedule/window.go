package schedule

import (
	"fmt"
	"strings"
	"time"

	"nightshift/internal/fleet"
)

const (
	dayMinutes = 24 * 60
	// maxSpanDays bounds how long one window may be.
	maxSpanDays = 366
)

// Window is one line of a schedule: the days on which something begins, the
// local time at which it begins and the local time at which it ends, which may
// lie on a later day. It belongs to the day on which it begins; its end is
// exclusive. Windows can be compared with ==; the zero value is invalid.
type Window struct {
	days   Days
	always bool
	begin  int // minutes after midnight
	// end is minutes after the midnight of the day that is endDay days after
	// the first one; dayMinutes is 24:00, which is when that day is over.
	end, endDay int
}

// Always is the window that never ends.
func Always() Window { return Window{always: true} }

// ParseWindow reads a window; see ParseDays for the days, and
// Without a time the whole day is meant.
//
//	Mon-Fri 08:00-19:00
//	22:00-06:00                               every night
//	Fri 20:00-Mon 06:00                       one weekday to another
//	2026-12-24 20:00-2026-12-26 06:00         one date to another
//	Sat,Sun                                   whole days
//	always
//
// 24:00 is the end of the day. A window that begins where it ends is an error,
// as are days that do not exist; all errors are of kind fleet.ErrInvalid and
// name the nearest right spelling.
func ParseWindow(text string) (Window, error) {
	if len(text) > maxText {
		return Window{}, tooLong(text)
	}
	words := strings.Fields(tidy(text))
	clock := len(words)
	for i, word := range words {
		if strings.Contains(word, ":") {
			clock = i
			break
		}
	}
	switch {
	case len(words) == 0:
		return Window{}, fleet.Errorf(fleet.ErrInvalid, "the window is empty: write for example Mon-Fri 08:00-19:00")
	case len(words) == 1 && strings.EqualFold(words[0], "always"):
		return Always(), nil
	}
	days, err := parseDayWords(words[:clock])
	if err != nil {
		return Window{}, err
	}
	w := Window{days: days, end: dayMinutes}
	switch rest := words[clock:]; len(rest) {
	case 0:
		err = noHours(words)
	case 1, 2:
		err = w.readTimes(rest)
	default:
		err = fleet.Errorf(fleet.ErrInvalid, "%q: days stand before the time, and windows are separated by ;", brief(strings.Join(rest, " ")))
	}
	if err != nil {
		return Window{}, err
	}
	return w, nil
}

// noHours refuses "Mon-Fri 8-19": it would mean the 8th to the 19th.
func noHours(words []string) error {
	last := words[len(words)-1]
	low, high, isRange := strings.Cut(last, "-")
	from, okFrom := number(low)
	to, okTo := number(high)
	if len(words) > 1 && isRange && okFrom && okTo && from <= 24 && to <= 24 {
		return fleet.Errorf(fleet.ErrInvalid, "%q could be hours or days of the month: write %02d:00-%02d:00, or add 00:00-24:00", last, from, to)
	}
	return nil
}

// readTimes reads "08:00-19:00" or "20:00-Mon", "06:00".
func (w *Window) readTimes(words []string) error {
	low, high, isRange := strings.Cut(words[0], "-")
	if !isRange {
		return fleet.Errorf(fleet.ErrInvalid, "%q: a window needs its end, as in 08:00-19:00", words[0])
	}
	var err error
	if w.begin, err = parseClock(low); err != nil {
		return err
	}
	if w.begin == dayMinutes {
		return fleet.Errorf(fleet.ErrInvalid, "%q: 24:00 is only an end; begin at 00:00 of the next day", words[0])
	}
	if len(words) == 1 {
		if w.end, err = parseClock(high); err != nil {
			return err
		}
		if w.end == w.begin {
			return fleet.Errorf(fleet.ErrInvalid, "%q begins where it ends; write 00:00-24:00 for the whole day", words[0])
		}
		if w.end < w.begin {
			w.endDay = 1
		}
		return nil
	}
	if w.end, err = parseClock(words[1]); err != nil {
		return err
	}
	if isDate(high) {
		return w.endOnDate(high)
	}
	return w.endOnWeekday(high)
}

func (w *Window) endOnDate(text string) error {
	end, err := ParseDate(text)
	if err != nil {
		return err
	}
	if !w.days.dated() || w.days.from != w.days.to {
		return fleet.Errorf(fleet.ErrInvalid, "a window that ends on %s must begin on one date, as in 2026-12-24 20:00-2026-12-26 06:00", end)
	}
	w.endDay = end.number() - w.days.from.number()
	switch {
	case w.endDay < 0, w.endDay == 0 && w.end <= w.begin:
		return fleet.Errorf(fleet.ErrInvalid, "the window ends on %s before it begins", end)
	case w.endDay > maxSpanDays:
		return fleet.Errorf(fleet.ErrInvalid, "the window is longer than %d days", maxSpanDays)
	}
	return nil
}

func (w *Window) endOnWeekday(text string) error {
	end, ok := weekdayNamed(strings.ToLower(text))
	if !ok {
		if near := suggestDay(text); near != "" {
			return fleet.Errorf(fleet.ErrInvalid, "unknown weekday %q: did you mean %q?", brief(text), near)
		}
		return fleet.Errorf(fleet.ErrInvalid, "unknown weekday %q: a window that lasts for days is written Fri 20:00-Mon 06:00", brief(text))
	}
	begin, ok := w.days.onlyWeekday()
	if !ok {
		return fleet.Errorf(fleet.ErrInvalid, "a window that ends on %s must begin on one weekday, as in Fri 20:00-Mon 06:00", end.String()[:3])
	}
	w.endDay = (int(end) - int(begin) + 7) % 7
	if w.endDay == 0 && w.end <= w.begin {
		if w.end == w.begin {
			return fleet.Errorf(fleet.ErrInvalid, "the window begins where it ends; write always if it never ends")
		}
		w.endDay = 7
	}
	return nil
}

// parseClock reads "08:00" into minutes after midnight; 24:00 is allowed.
func parseClock(text string) (int, error) {
	hour, minute, found := strings.Cut(text, ":")
	h, okHour := number(hour)
	m, okMinute := number(minute)
	if !found || !okHour || !okMinute || len(hour) > 2 || len(minute) != 2 {
		return 0, fleet.Errorf(fleet.ErrInvalid, "%q is not a time: write it as 08:00 or 19:30", brief(text))
	}
	if m > 59 || h*60+m > dayMinutes {
		return 0, fleet.Errorf(fleet.ErrInvalid, "%q: times go from 00:00 to 24:00", text)
	}
	return h*60 + m, nil
}

func clockText(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

// Days is the day part; of Always it is every day.
func (w Window) Days() Days { return w.days }

// String is the canonical form, which ParseWindow reads.
func (w Window) String() string {
	days := w.days.String()
	switch {
	case w.always:
		return "always"
	case w == Window{}:
		return ""
	case days != "" && w.wholeDay():
		return days
	case days != "":
		days += " "
	}
	text := days + clockText(w.begin) + "-"
	if w.endDay > 1 || w.endDay == 1 && w.end >= w.begin {
		if w.days.dated() && w.days.from == w.days.to {
			text += dateOf(w.days.from.number()+w.endDay).String() + " "
		} else if begin, ok := w.days.onlyWeekday(); ok {
			text += time.Weekday((int(begin) + w.endDay) % 7).String()[:3] + " "
		}
	}
	return text + clockText(w.end)
}

func (w Window) wholeDay() bool { return w.begin == 0 && w.end == dayMinutes && w.endDay == 0 }

// MarshalText gives the form of String.
func (w Window) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText reads what ParseWindow reads.
func (w *Window) UnmarshalText(text []byte) error {
	parsed, err := ParseWindow(string(text))
	if err == nil {
		*w = parsed
	}
	return err
}

// interval is the part of the time line that the window takes when it begins
// on a day; false where that day does not exist. The wall must reach from
// that day to the window's end.
func (w Window) interval(clocks wall, day int) (from, to int64, ok bool) {
	if !clocks.exists(day) {
		return 0, 0, false
	}
	begin := int64(day)*daySeconds + int64(w.begin)*60
	end := int64(day+w.endDay)*daySeconds + int64(w.end)*60
	from = clocks.first(begin)
	if w.end == dayMinutes {
		to = clocks.until(end)
	} else {
		to = clocks.last(end)
	}
	if to <= from {
		// The clock skips all of the window: it keeps its length and begins
		// after the gap.
		to = from + end - begin
	}
	return from, to, true
}

// DayTime is a time on certain days at which a schedule starts or stops, with
// nothing said about the time after it. DayTimes can be compared with ==.
type DayTime struct {
	days  Days
	set   bool // distinguishes 00:00 on every day from the zero value
	clock int  // minutes after midnight
}

// ParseDayTime reads a start or stop time such as "Mon-Fri 19:00" or "06:30";
// see ParseDays for the days. 24:00 is the end of the day and possible only for
// stops. Errors are of kind fleet.ErrInvalid.
func ParseDayTime(text string) (DayTime, error) {
	if len(text) > maxText {
		return DayTime{}, tooLong(text)
	}
	words := strings.Fields(tidy(text))
	if len(words) == 0 {
		return DayTime{}, fleet.Errorf(fleet.ErrInvalid, "the time is missing: write for example Mon-Fri 19:00")
	}
	last := words[len(words)-1]
	if strings.Contains(last, "-") && strings.Contains(last, ":") {
		return DayTime{}, fleet.Errorf(fleet.ErrInvalid, "%q is a window; a start or a stop is one time, as in Mon-Fri 19:00", brief(last))
	}
	clock, err := parseClock(last)
	if err != nil {
		return DayTime{}, err
	}
	days, err := parseDayWords(words[:len(words)-1])
	if err != nil {
		return DayTime{}, err
	}
	return DayTime{days: days, set: true, clock: clock}, nil
}

// Days is the day part.
func (e DayTime) Days() Days { return e.days }

// Clock is the wall time; 24:00 is hour 24.
func (e DayTime) Clock() (hour, minute int) { return e.clock / 60, e.clock % 60 }

// String is the canonical form, which ParseDayTime reads.
func (e DayTime) String() string {
	if !e.set {
		return ""
	}
	return strings.TrimLeft(e.days.String()+" "+clockText(e.clock), " ")
}

// MarshalText gives the form of String.
func (e DayTime) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads what ParseDayTime reads.
func (e *DayTime) UnmarshalText(text []byte) error {
	parsed, err := ParseDayTime(string(text))
	if err == nil {
		*e = parsed
	}
	return err
}

// instant is when the start or stop comes on a day; false where the day does not
// exist.
func (e DayTime) instant(clocks wall, day int, stop bool) (at int64, ok bool) {
	if !clocks.exists(day) {
		return 0, false
	}
	clock := int64(day)*daySeconds + int64(e.clock)*60
	switch {
	case !stop:
		return clocks.first(clock), true
	case e.clock == dayMinutes:
		return clocks.until(clock), true
	}
	return clocks.last(clock), true
}
