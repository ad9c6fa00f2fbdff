package schedule

import (
	"strings"
	"time"
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
func suggestDay(text string) string {
	text = strings.ToLower(text)
	best, distance := "", 3
	try := func(candidate, canonical string) {
		d := editDistance(text, candidate, distance)
		switch {
		case len(text) >= 3 && strings.HasPrefix(candidate, text):
			d = 0
		case d > max(1, len(text)/3):
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

// nearest is the candidate with the smallest edit distance to text, at most
// a third of its length, or "".
func nearest(text string, candidates []string) string {
	best, distance := "", max(1, len(text)/3)+1
	lower := strings.ToLower(text)
	for _, candidate := range candidates {
		if d := editDistance(lower, strings.ToLower(candidate), distance); d < distance {
			best, distance = candidate, d
		}
	}
	return best
}

// editDistance counts the letters to insert, delete, change or swap with
// their neighbour to make one text the other; it is limit where that many or
// more are needed. Texts are compared by bytes, long ones not at all.
func editDistance(a, b string, limit int) int {
	const longest = 64
	if len(a) > longest || len(b) > longest || len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	var above, row, below [longest + 1]int
	for j := range len(b) + 1 {
		row[j] = j
	}
	for i := range len(a) {
		below[0] = i + 1
		for j := range len(b) {
			change := row[j]
			if a[i] != b[j] {
				change++
			}
			below[j+1] = min(change, row[j+1]+1, below[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				below[j+1] = min(below[j+1], above[j-1]+1)
			}
		}
		above, row = row, below
	}
	return min(row[len(b)], limit)
}
