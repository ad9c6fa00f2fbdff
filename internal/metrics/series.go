package metrics

import (
	"strings"
	"unicode/utf8"

	"nightshift/internal/text"
)

// sample is a value of a family.
type sample struct {
	family *Family
	labels []string
	value  float64
}

// series collects the samples of a scrape. Samples of a family with the same labels
// are joined.
type series struct {
	table table
	all   []sample
	at    map[string]int // in all, by family and labels
	// folded is how many values of tags have no series of their own.
	folded int
}

func (t table) series() *series { return &series{table: t, at: map[string]int{}} }

// longestLabel is how many characters of a label's value are kept.
const longestLabel = 120

// labelValue makes a label's value of a text that anyone may have written.
func labelValue(s string) string {
	if len(s) <= longestLabel && utf8.ValidString(s) {
		return s
	}
	return text.Clip(strings.ToValidUTF8(s, "\uFFFD"), longestLabel)
}

// separator is between the parts of keys; no valid UTF-8 has it.
const separator = "\xff"

func keyOf(name string, labels []string) string {
	var key strings.Builder
	size := len(name)
	for _, l := range labels {
		size += len(separator) + len(l)
	}
	key.Grow(size)
	key.WriteString(name)
	for _, l := range labels {
		key.WriteString(separator)
		key.WriteString(l)
	}
	return key.String()
}

// add adds a sample.
func (s *series) add(name string, value float64, labels ...string) {
	for n := range labels {
		labels[n] = labelValue(labels[n])
	}
	s.join(sample{s.table.byName[name], labels, value})
}

func (s *series) join(one sample) {
	key := keyOf(one.family.Name, one.labels)
	if n, ok := s.at[key]; ok {
		s.all[n].value = one.family.join(s.all[n].value, one.value)
		return
	}
	s.at[key] = len(s.all)
	s.all = append(s.all, one)
}
