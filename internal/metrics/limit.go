package metrics

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"nightshift/internal/watch"
)

// limit keeps a family within its budget. What has series of its own is chosen once a
// day, the largest first, so that series do not come and go with every reading.
type limit struct {
	day time.Time
	// folded says, by the open labels of series, how many of the family's folds apply
	// to them; nil while all fit.
	folded map[string]int
}

// limited holds all families of a scrape to their budgets.
func (m *Metrics) limited(s *series, now time.Time) []sample {
	byFamily := map[string][]sample{}
	for _, one := range s.all {
		byFamily[one.family.Name] = append(byFamily[one.family.Name], one)
	}
	var all []sample
	for _, name := range slices.Sorted(maps.Keys(byFamily)) {
		samples := byFamily[name]
		if m.limits[name] == nil {
			m.limits[name] = &limit{}
		}
		kept := m.limits[name].apply(samples, samples[0].family.Budget, now)
		if folded := len(samples) - len(kept); folded > 0 {
			m.counters.add(overflow, float64(folded), name)
		}
		all = append(all, kept...)
	}
	return all
}

// apply folds samples until they are within the budget.
func (l *limit) apply(samples []sample, budget int, now time.Time) []sample {
	f := samples[0].family
	if day := dayOf(now); !day.Equal(l.day) {
		l.day, l.folded = day, nil
	}
	if len(f.folds) == 0 || l.folded == nil && len(samples) <= budget {
		return samples
	}
	if l.folded != nil {
		if kept := l.fold(samples); len(kept) <= budget {
			return kept
		}
	}
	l.choose(samples, budget)
	return l.fold(samples)
}

// open are the values of the labels that may become other.
func (f *Family) open(labels []string) string {
	var open []string
	for _, n := range f.folds[len(f.folds)-1] {
		open = append(open, labels[n])
	}
	return strings.Join(open, separator)
}

// foldedTo are the labels after so many folds.
func (f *Family) foldedTo(labels []string, folds int) []string {
	if folds == 0 {
		return labels
	}
	labels = slices.Clone(labels)
	for _, n := range f.folds[folds-1] {
		labels[n] = Other
	}
	return labels
}

// fold joins what is folded. What was not there when that was chosen is folded to
// its end.
func (l *limit) fold(samples []sample) []sample {
	out := series{at: map[string]int{}}
	for _, one := range samples {
		folds, ok := l.folded[one.family.open(one.labels)]
		if !ok {
			folds = len(one.family.folds)
		}
		one.labels = one.family.foldedTo(one.labels, folds)
		out.join(one)
	}
	return out.all
}

// room is the share of a budget that a choice uses, in percent, where the number of
// series changes during the day with the states of machines.
const room = 80

// choose folds the smallest of the groups of samples with the same open labels, one
// after the other, until the family is within the budget.
func (l *limit) choose(samples []sample, budget int) {
	f := samples[0].family
	if slices.Contains(f.Labels, labelActual) {
		budget = budget * room / 100
	}
	size := map[string]float64{}
	members := map[string][]sample{}
	for _, one := range samples {
		group := f.open(one.labels)
		size[group] += one.value
		members[group] = append(members[group], one)
	}
	groups := slices.SortedFunc(maps.Keys(members), func(a, b string) int {
		return cmp.Or(cmp.Compare(size[a], size[b]), strings.Compare(b, a))
	})
	l.folded = make(map[string]int, len(groups))
	for _, group := range groups {
		l.folded[group] = 0 // it was looked at
	}
	count := map[string]int{} // how many samples have these labels
	for _, one := range samples {
		count[keyOf("", one.labels)]++
	}
	for fold := range f.folds {
		for _, group := range groups {
			if len(count) <= budget {
				break
			}
			for _, one := range members[group] {
				before := keyOf("", f.foldedTo(one.labels, fold))
				if count[before]--; count[before] == 0 {
					delete(count, before)
				}
				count[keyOf("", f.foldedTo(one.labels, fold+1))]++
			}
			l.folded[group] = fold + 1
		}
	}
}

func dayOf(now time.Time) time.Time { return now.UTC().Truncate(24 * time.Hour) }

// topTags are the values of each tag that have series of their own, chosen once a day.
// Anyone may write tags, so that there may be as many values as resources.
type topTags struct {
	day    time.Time
	values map[string]map[string]bool
}

// choose takes the first values of each key, which are the largest.
func (top *topTags) choose(tags map[string][]watch.NamedAmounts, now time.Time) {
	if day := dayOf(now); !day.Equal(top.day) {
		top.day, top.values = day, map[string]map[string]bool{}
	}
	for key, values := range tags {
		if top.values[key] != nil {
			continue
		}
		chosen := map[string]bool{}
		for _, one := range values[:min(len(values), max(1, min(perTagBudget, tagsBudget/len(tags)))-1)] {
			chosen[one.Name] = true
		}
		top.values[key] = chosen
	}
}
