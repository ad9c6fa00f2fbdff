package metrics

import (
	"maps"
	"slices"
	"strings"

	"nightshift/internal/power"
	"nightshift/internal/watch"
)

// counters are the values of all counters, by family and labels. A counter cannot
// move to another series: who comes first has one of its own, until the budget is
// used up.
type counters struct {
	table  table
	values map[string]map[string]float64
}

// add counts.
func (c counters) add(name string, by float64, labels ...string) {
	f := c.table.byName[name]
	for n := range labels {
		labels[n] = labelValue(labels[n])
	}
	values := c.values[name]
	if values == nil {
		values = map[string]float64{}
		c.values[name] = values
	}
	// The last series of a budget are for what is folded. Without folds the labels have
	// a fixed number of values, and nothing is beyond the budget.
	key := strings.Join(labels, separator)
	for fold := 0; fold <= len(f.folds) && len(f.folds) > 0; fold++ {
		key = strings.Join(f.foldedTo(labels, fold), separator)
		if _, ok := values[key]; ok || len(values) < f.Budget*(room+10*fold)/100 {
			break
		}
		if name != overflow && fold == 0 {
			c.add(overflow, 1, name)
		}
	}
	values[key] += by
}

// samples are all counters of this process. What is known beforehand starts at 0.
func (c counters) samples(st *watch.State) []sample {
	for _, j := range st.Jobs {
		c.add(jobRuns, 0, j.Name)
		c.add(jobFailures, 0, j.Name)
	}
	for _, action := range []power.Action{power.Stop, power.Start} {
		for _, name := range []string{transitions, transitionFailures, transitionDeferred} {
			c.add(name, 0, string(action))
		}
	}
	if st.Config.Value != nil {
		for _, r := range st.Config.Value.Notify.Recipients {
			c.add(notices, 0, r.Name)
			c.add(noticeFailures, 0, r.Name)
		}
	}
	for _, other := range c.table.list {
		if len(other.folds) > 0 {
			c.add(overflow, 0, other.Name)
		}
	}
	var all []sample
	for n := range c.table.list {
		f := &c.table.list[n]
		for _, key := range slices.Sorted(maps.Keys(c.values[f.Name])) {
			var labels []string
			if len(f.Labels) > 0 {
				labels = strings.Split(key, separator)
			}
			all = append(all, sample{f, labels, c.values[f.Name][key]})
		}
	}
	return all
}
