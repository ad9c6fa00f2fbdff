package foreign

import (
	"fmt"
	"strings"

	"nightshift/internal/text"
)

// week is a set of weekdays; bit 0 is Monday.
type week uint8

const everyDay week = 1<<7 - 1

func dayNames() [7]string {
	return [7]string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}
}

func (w week) has(day int) bool { return w&(1<<day) != 0 }

// through is the days from one to another, over the end of the week if need
// be, each step-th of them.
func through(from, to, step int) week {
	var w week
	last := (to - from + 7) % 7
	for i := 0; i <= last; i += step {
		w |= 1 << ((from + i) % 7)
	}
	return w
}

// String writes the set in our notation: "Mon-Fri,Sun"; every day is "".
func (w week) String() string {
	if w == everyDay {
		return ""
	}
	names := dayNames()
	var parts []string
	for day := 0; day < 7; day++ {
		if !w.has(day) {
			continue
		}
		end := day
		for end < 6 && w.has(end+1) {
			end++
		}
		if end-day < 2 {
			parts = append(parts, names[day])
			continue
		}
		parts = append(parts, names[day]+"-"+names[end])
		day = end
	}
	return strings.Join(parts, ",")
}

// dayWords are the spellings of weekdays that dayNumber reads, and more.
func dayWords(more ...string) []string {
	return append([]string{
		"mon", "tue", "wed", "thu", "fri", "sat", "sun",
		"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
	}, more...)
}

// dayNumber reads a weekday's three letters or full name, 0 is Monday.
func dayNumber(word string) (int, bool) {
	return number(word, dayWords()[7:])
}

// monthNumber reads a month's three letters or full name, 0 is January.
func monthNumber(word string) (int, bool) {
	return number(word, monthNames())
}

func monthNames() []string {
	return []string{
		"january", "february", "march", "april", "may", "june", "july",
		"august", "september", "october", "november", "december",
	}
}

func number(word string, names []string) (int, bool) {
	for i, name := range names {
		if strings.EqualFold(word, name) || strings.EqualFold(word, name[:3]) {
			return i, true
		}
	}
	return 0, false
}

// clock writes minutes after midnight as "HH:MM".
func clock(minutes int) string {
	return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60)
}

// parseClock reads "HH:MM" or "H:MM", up to 24:00 if an end is asked for, as
// minutes after midnight.
func parseClock(text string, end bool) (int, bool) {
	hour, minute, found := strings.Cut(text, ":")
	h, okHour := digits(hour, 2)
	m, okMinute := digits(minute, 2)
	if !found || !okHour || !okMinute || len(minute) != 2 {
		return 0, false
	}
	if m > 59 || h > 24 || h == 24 && (m > 0 || !end) {
		return 0, false
	}
	return h*60 + m, true
}

// digits reads a number of at most n digits and nothing else.
func digits(text string, most int) (int, bool) {
	if text == "" || len(text) > most {
		return 0, false
	}
	n := 0
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// meant suggests the nearest of the known words, or nothing if none is near:
// ` (did you mean "mon"?)`.
func meant(word string, known []string) string {
	near := text.Nearest(word, known)
	if near == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", near)
}

// meantDay suggests a weekday or month: what begins like one is near to it.
func meantDay(word string, known []string) string {
	for _, k := range known {
		if len(word) >= 3 && len(k) >= 3 && strings.EqualFold(word[:3], k[:3]) {
			return fmt.Sprintf(" (did you mean %q?)", k)
		}
	}
	return meant(word, known)
}
