package text

import (
	"slices"
	"strings"
)

// longestWord is the number of characters up to which words are compared: what
// is longer is not a misspelt word.
const longestWord = 64

// Nearest is the known word that a misspelt one is closest to, or empty where
// none is close enough to be meant: at most a third of its letters differ, and
// not all of them. Upper and lower case are the same.
func Nearest(word string, known []string) string {
	letters := []rune(strings.ToLower(word))
	best, distance := "", (len(letters)+1)/3+1
	for _, candidate := range known {
		if d := Distance(word, candidate); d < distance && d < len([]rune(candidate)) {
			best, distance = candidate, d
		}
	}
	return best
}

// Distance is the least number of letters to insert, delete, replace or swap
// with their neighbour that makes one word the other (optimal string alignment).
// Upper and lower case are the same. Words that are too long to compare are as
// far apart as the longer one has letters.
func Distance(a, b string) int {
	from, to := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	if len(from) > longestWord || len(to) > longestWord {
		return max(len(from), len(to))
	}
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	above, below := slices.Clone(row), slices.Clone(row)
	for i := range from {
		below[0] = i + 1
		for j := range to {
			replaced := row[j]
			if from[i] != to[j] {
				replaced++
			}
			below[j+1] = min(replaced, row[j+1]+1, below[j]+1)
			if i > 0 && j > 0 && from[i] == to[j-1] && from[i-1] == to[j] {
				below[j+1] = min(below[j+1], above[j-1]+1)
			}
		}
		above, row, below = row, below, above
	}
	return row[len(to)]
}
