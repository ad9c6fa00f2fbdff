package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// nearest is the known word that is closest to a misspelt one, or empty where
// none is close enough to be meant. Case does not count.
func nearest(word string, known []string) string {
	const longest = 64
	text := []rune(strings.ToLower(word))
	if len(text) == 0 || len(text) > longest {
		return ""
	}
	best, distance := "", (len(text)+1)/3+1
	for _, candidate := range known {
		letters := []rune(strings.ToLower(candidate))
		if len(letters) > longest || max(len(letters)-len(text), len(text)-len(letters)) >= distance {
			continue
		}
		if d := edits(text, letters); d < distance {
			best, distance = candidate, d
		}
	}
	return best
}

// edits is the least number of letters to insert, remove, replace or swap with
// their neighbour that makes b of a (the optimal string alignment distance).
func edits(a, b []rune) int {
	var before, row, next []int
	for j := range len(b) + 1 {
		row = append(row, j)
	}
	before, next = slices.Clone(row), slices.Clone(row)
	for i := range a {
		next[0] = i + 1
		for j := range b {
			replaced := row[j]
			if a[i] != b[j] {
				replaced++
			}
			next[j+1] = min(row[j+1]+1, next[j]+1, replaced)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}

// meant is a hint at the nearest of the known words, or at all of them where
// they are few. It follows a sentence without its full stop.
func meant(word string, known []string) string {
	if near := nearest(word, known); near != "" {
		return fmt.Sprintf(": did you mean %q?", near)
	}
	if len(known) == 0 || len(known) > 16 {
		return ""
	}
	return "; known are " + strings.Join(known, ", ")
}

// places says at which level each key of the file belongs.
func places() map[string][]string {
	return map[string][]string{
		"the top level": topKeys(), "a schedule": scheduleKeys(), "power": powerKeys(), "a rule": ruleKeys(), "override": overrideKeys(),
		"an account": accountKeys(), "cost": costKeys(), "cost_explorer": {requestsKey}, "cloudwatch": {metricsKey},
	}
}

// belongs is a hint at the key that was meant among the known ones, or at the
// level of the file at which this one is known.
func belongs(key string, known []string) string {
	if nearest(key, known) == "" {
		all := places()
		for _, place := range slices.Sorted(maps.Keys(all)) {
			if slices.Contains(all[place], key) {
				return "; it belongs to " + place
			}
		}
	}
	return meant(key, known)
}
