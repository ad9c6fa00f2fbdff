package metrics

import (
	"nightshift/internal/watch"
)

// untagged is the value of a tag that a resource does not have.
const untagged = "(none)"

// costs says what the estate costs; nothing while no costs have been calculated.
func (s *series) costs(st *watch.State, top topTags) {
	c := st.Cost
	s.add(costLastSuccess, seconds(c.At))
	if c.At.IsZero() {
		return
	}
	for _, t := range c.Targets {
		s.add(costMonthToDate, t.MonthToDate.Float(), string(t.Account), string(t.Region))
		s.add(costForecast, t.Forecast.Float(), string(t.Account), string(t.Region))
		s.add(costRunRate, t.RunRate.Float(), string(t.Account), string(t.Region))
	}
	for _, one := range c.Services {
		s.add(serviceMonthToDate, one.MonthToDate.Float(), one.Name)
		s.add(serviceRunRate, one.RunRate.Float(), one.Name)
	}
	for key, values := range measuredTags(st) {
		s.tag(key, values, top.values[key])
	}
	if c.Rows > 0 {
		s.add(priceCoverage, float64(c.Priced)/float64(c.Rows))
	} else {
		s.add(priceCoverage, 1)
	}
	known := scheduleLabels(st.Config.Value)
	if c.Savings != nil {
		for _, name := range known.all(st.Config.Value) {
			s.add(savings, 0, name)
		}
		for _, saved := range c.Savings.Schedules {
			s.add(savings, saved.Net.Float(), known.of(saved.Schedule, false))
		}
	}
	for _, r := range c.Recommendations {
		s.add(recommendations, 1, r.Code)
		if r.Saving.Known {
			s.add(recommendedSaving, r.Saving.USD.Float(), r.Code)
		}
	}
}

// measuredTags are the costs by tags of which there are metrics: of those that
// metrics.tags names, else of all.
func measuredTags(st *watch.State) map[string][]watch.NamedAmounts {
	if st.Config.Value == nil || st.Config.Value.Metrics.Tags == nil {
		return st.Cost.Tags
	}
	tags := map[string][]watch.NamedAmounts{}
	for _, key := range st.Config.Value.Metrics.Tags {
		if values, ok := st.Cost.Tags[key]; ok {
			tags[key] = values
		}
	}
	return tags
}

// tag splits the costs up by the values of a tag. Those that are not among the largest
// are summed up.
func (s *series) tag(key string, values []watch.NamedAmounts, chosen map[string]bool) {
	var rest watch.Amounts
	folded := 0
	for _, one := range values {
		if !chosen[one.Name] && len(values) > len(chosen)+1 {
			rest.MonthToDate, rest.RunRate = rest.MonthToDate.Add(one.MonthToDate), rest.RunRate.Add(one.RunRate)
			folded++
			continue
		}
		if one.Name == "" {
			one.Name = untagged
		}
		s.add(tagMonthToDate, one.MonthToDate.Float(), key, one.Name)
		s.add(tagRunRate, one.RunRate.Float(), key, one.Name)
	}
	if folded > 0 {
		s.add(tagMonthToDate, rest.MonthToDate.Float(), key, Other)
		s.add(tagRunRate, rest.RunRate.Float(), key, Other)
	}
	s.folded += folded
}
