package schedule

import (
	"strings"
	"time"

	"nightshift/internal/text"
)

// word is a name that stands for a number: a weekday or a month.
type word struct {
	name  string // in full and lower case; its first three letters are the short form
	value int
}

func weekdayWords() []word {
	return []word{
		{"monday", 1},
		{"tuesday", 2},
		{"wednesday", 3},
		{"thursday", 4},
		{"friday", 5},
		{"saturday", 6},
		{"sunday", 0},
	}
}

func monthWords() []word {
	return []word{
		{"january", 1},
		{"february", 2},
		{"march", 3},
		{"april", 4},
		{"may", 5},
		{"june", 6},
		{"july", 7},
		{"august", 8},
		{"september", 9},
		{"october", 10},
		{"november", 11},
		{"december", 12},
	}
}

// lookUp finds a name in full or by its first three letters; lower case only.
func lookUp(words []word, text string) (int, bool) {
	for _, w := range words {
		if text == w.name || text == w.name[:3] {
			return w.value, true
		}
	}
	return 0, false
}

func weekdayNamed(text string) (time.Weekday, bool) {
	n, ok := lookUp(weekdayWords(), text)
	return time.Weekday(n), ok
}

func monthNamed(text string) (time.Month, bool) {
	n, ok := lookUp(monthWords(), text)
	return time.Month(n), ok
}

// suggestDay names the weekday, month or keyword that a mistyped word most
// likely means, or "".
func suggestDay(mistyped string) string {
	mistyped = strings.ToLower(mistyped)
	best, distance := "", 3
	try := func(candidate, canonical string) {
		d := text.Distance(mistyped, candidate)
		switch {
		case len(mistyped) >= 3 && strings.HasPrefix(candidate, mistyped):
			d = 0
		case d > max(1, len(mistyped)/3):
			return
		}
		if d < distance {
			best, distance = canonical, d
		}
	}
	for _, words := range [][]word{weekdayWords(), monthWords()} {
		for _, w := range words {
			canonical := strings.ToUpper(w.name[:1]) + w.name[1:3]
			try(w.name, canonical)
			try(w.name[:3], canonical)
		}
	}
	for _, keyword := range keywords() {
		try(keyword, keyword)
	}
	return best
}
