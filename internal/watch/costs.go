package watch

import (
	"cmp"
	"context"
	"slices"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/config"
	"nightshift/internal/cost"
	"nightshift/internal/cost/recommend"
	"nightshift/internal/cost/trend"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// SweepCosts reads what the targets hold and prices it. Nothing that is paid for by the
// request is asked, and nothing is stored but prices, where it does not only observe.
func (w *Watcher) SweepCosts(ctx context.Context) error {
	w.pricing.Lock()
	defer w.pricing.Unlock()
	began := time.Now()
	costs, err := w.costs(ctx)
	w.change(func(s *State) {
		part := s.Cost.tried(w.o.Now(), time.Since(began), err)
		if err == nil {
			s.Cost = costs
		}
		s.Cost.Part = part
	})
	return err
}

// costs makes a report and keeps its sums only: the report of a large estate is larger
// than all else that is known of it.
func (w *Watcher) costs(ctx context.Context) (Cost, error) {
	s, err := w.o.App.Open(ctx, w.Selection())
	if err != nil {
		return Cost{}, err
	}
	none, nowhere := 0, ""
	result, err := s.Report(ctx, app.ReportInput{Past: true, CostInput: app.CostInput{
		DefaultTimezone: w.o.Timezone, CostExplorer: &none, CloudWatch: &none, Bill: &nowhere, Tags: tagKeys(s.Config), ReadPrices: w.o.Observe,
	}})
	if err != nil {
		return Cost{}, err
	}
	c := Cost{
		Month: result.Month, Priced: len(result.Instances) + len(result.Volumes) + len(result.Lines),
		Savings: result.Savings, Recommendations: recommend.List(result.Recommendations), Trend: result.Trend, Changes: result.Changes,
		Notes: result.Notes,
	}
	c.Rows, c.Priced = c.Priced, c.Priced-result.Missing()
	for _, p := range result.Problems {
		c.Notes = append(c.Notes, p.Error())
	}
	for _, t := range result.Totals {
		sum := Amounts{MonthToDate: t.TotalToDate, RunRate: t.RunRate, Forecast: t.Forecast}
		if t.Target == (fleet.Target{}) {
			c.Total = sum
		} else {
			c.Targets = append(c.Targets, TargetCost{t.Target, sum})
		}
	}
	c.split(result.Report, s.Config)
	return c, nil
}

// tagKeys are the keys by which costs are split up: those of the report, and those that
// are measured.
func tagKeys(c *config.Config) []string {
	keys := slices.Concat(c.Cost.Tags, c.Metrics.Tags)
	slices.Sort(keys)
	return slices.Compact(keys)
}

// split adds the rows of a report up by service and by tag.
func (c *Cost) split(r cost.Report, cfg *config.Config) {
	services := map[string]Amounts{}
	tags := map[string]map[string]Amounts{}
	for _, key := range tagKeys(cfg) {
		tags[key] = map[string]Amounts{}
	}
	for row := range trend.RowsOf(r) {
		amounts := Amounts{known(row.ToDate), known(row.Monthly), known(row.Forecast)}
		name := serviceOf(row.Kind)
		services[name] = services[name].plus(amounts)
		for key, values := range tags {
			values[row.Tags[key]] = values[row.Tags[key]].plus(amounts)
		}
	}
	c.Services, c.Tags = largestFirst(services), map[string][]NamedAmounts{}
	for key, values := range tags {
		c.Tags[key] = largestFirst(values)
	}
}

// serviceOf is the service under which AWS bills a row.
func serviceOf(kind trend.RowKind) string {
	switch kind {
	case trend.VolumeRow, trend.RowKind(cost.SnapshotLine), trend.RowKind(cost.ArchiveLine):
		return "EBS"
	case trend.RowKind(cost.AddressLine):
		return "VPC"
	case trend.RowKind(cost.MonitoringLine):
		return "CloudWatch"
	default:
		return "EC2"
	}
}

// known is an amount, or nothing where it is not known.
func known(a cost.Amount) price.USD {
	if !a.Known {
		return 0
	}
	return a.USD
}

func (a Amounts) plus(b Amounts) Amounts {
	return Amounts{a.MonthToDate.Add(b.MonthToDate), a.RunRate.Add(b.RunRate), a.Forecast.Add(b.Forecast)}
}

// largestFirst are the amounts by run rate.
func largestFirst(sums map[string]Amounts) []NamedAmounts {
	list := make([]NamedAmounts, 0, len(sums))
	for name, amounts := range sums {
		list = append(list, NamedAmounts{name, amounts})
	}
	slices.SortFunc(list, func(a, b NamedAmounts) int {
		return cmp.Or(cmp.Compare(b.RunRate, a.RunRate), cmp.Compare(b.MonthToDate, a.MonthToDate), cmp.Compare(a.Name, b.Name))
	})
	return list
}
