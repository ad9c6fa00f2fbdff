package cost_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/cost"
	"nightshift/internal/cost/recommend"
	"nightshift/internal/cost/reconcile"
	"nightshift/internal/cost/sheet"
	"nightshift/internal/cost/trend"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// full is a report with something in each of its parts: two regions, an instance
// without a price, unattached volumes, lines, recommendations, problems, a past.
func full(t *testing.T) sheet.Workbook {
	t.Helper()
	stopped, strange, large := server("i-2"), server("i-3"), server("i-4")
	stopped.State, stopped.Stopped = fleet.Stopped, now.AddDate(0, 0, -10)
	strange.Type = "z9.huge"
	large.Type = "m5.xlarge"
	e := estate{
		instances: []fleet.Instance{server("i-1"), stopped, strange, large},
		volumes: []fleet.Volume{
			disk("vol-1", fleet.GP3, 33, "i-1"), disk("vol-2", fleet.GP2, 17), disk("vol-3", fleet.GP2, 19, "i-2"), disk("vol-4", fleet.GP3, 1000, "i-other"),
		},
	}
	r, err := cost.Build(t.Context(), []cost.Source{{Target: seoul, Inventory: e}, {Target: tokyo, Inventory: estate{volumesErr: fleet.ErrDenied}}},
		seoulPrices(t), cost.Options{Now: now, Zone: kst})
	if err != nil {
		t.Fatal(err)
	}
	line := func(kind cost.LineKind, id, state, toDate, monthly string) *cost.Line {
		return &cost.Line{
			Target: seoul, Kind: kind, ID: id, State: state, Price: &cost.Price{Quote: price.Quote{Status: price.Exact}}, Status: price.Exact,
			ToDate: amountOf(dollars(t, toDate)), Monthly: amountOf(dollars(t, monthly)), Forecast: amountOf(dollars(t, monthly)),
		}
	}
	r.Lines = []*cost.Line{
		line(cost.SnapshotLine, "snap-1", "completed", "1.25", "2.5"), line(cost.AddressLine, "eipalloc-1", "idle", "2.565", "3.65"),
		line(cost.AddressLine, "eipalloc-2", "in-use", "2.565", "3.65"), line(cost.ReservationLine, "cr-1", "active", "60.534", "86.14"),
	}
	for n := range r.Totals {
		if target := r.Totals[n].Target; target != seoul && target.Region != "" {
			continue
		}
		for _, l := range r.Lines {
			all := &r.Totals[n]
			all.Lines++
			all.OtherToDate = all.OtherToDate.Add(l.ToDate.USD)
			all.TotalToDate = all.TotalToDate.Add(l.ToDate.USD)
			all.RunRate = all.RunRate.Add(l.Monthly.USD)
			all.Forecast = all.Forecast.Add(l.Forecast.USD)
			all.TotalAtMost = all.TotalAtMost.Add(l.ToDate.USD)
		}
	}
	w := sheet.Workbook{Report: r}
	for _, saving := range []price.USD{7, 6, 5, 4, 3, 2, 1} {
		w.Recommendations = append(w.Recommendations, recommend.Recommendation{Code: "idle-address", Resource: "eipalloc", Reason: "nobody uses it", Saving: saving * price.Dollar, Certain: saving != 6})
	}
	w.Spend = []cost.Spend{{Service: "CloudWatch", Unit: "metrics", Used: 1500, Cap: 10_000, USD: price.Dollar / 200}}
	first, second := spent("i-1", 10*price.Dollar, 10*price.Dollar), spent("i-1", 30*price.Dollar, 30*price.Dollar)
	w.Trend = trendOf(t, dayOf(date(t, "2026-11-05"), first), dayOf(date(t, "2026-11-15"), second))
	before := dollars(t, "1000")
	w.Changes = &trend.Changes{
		From: date(t, "2026-11-15"), To: date(t, "2026-11-22"),
		Top:   []trend.ResourceChange{{ID: "i-9", Type: "m5.large", Before: &before, Change: trend.Change{Gone: -before}}},
		Total: trend.ChangeSum{Count: 1, Before: before, Change: trend.Change{Gone: -before}},
	}
	w.Reconciliation = reconcile.WithExport(r, []price.BillLine{
		{Account: seoul.Account, Region: seoul.Region, Resource: "i-1", Start: monthStart, End: now, Quantity: 513, Billed: dollars(t, "50.50")},
	}, "a bill")
	net := price.Dollar * 12
	w.Savings = &cost.Savings{
		From: monthStart, To: now, Instances: []cost.Saved{{ID: "i-2", Stops: 2, Off: 240 * time.Hour, Net: &net}},
		Total: cost.SavedSum{Instances: 1, Off: 240 * time.Hour, Net: net},
	}
	return w
}

// figuresOf are all figures by their labels.
func figuresOf(t *testing.T, s sheet.Summary) map[string]sheet.Figure {
	t.Helper()
	all := map[string]sheet.Figure{}
	add := func(list []sheet.Figure) {
		for _, f := range list {
			if _, twice := all[f.Label]; twice && !strings.HasPrefix(f.Label, "idle-address") {
				t.Errorf("two figures are called %s", f.Label)
			}
			all[f.Label] = f
		}
	}
	add(s.Headline)
	for _, b := range s.Blocks {
		add(b.Figures)
	}
	return all
}

func TestSummaryAnswers(t *testing.T) {
	r := full(t)
	s := r.Summary()
	if s.Title != "EC2 and EBS costs, November 2026" || s.Scope != "account 123456789012 · ap-northeast-1, ap-northeast-2 · 2026-11-22 09:00 KST" {
		t.Errorf("title %q, scope %q", s.Title, s.Scope)
	}
	var labels []string
	for _, f := range s.Headline {
		labels = append(labels, f.Label)
	}
	if diff := cmp.Diff([]string{"Month to date", "Forecast for November", "Run rate"}, labels); diff != "" {
		t.Errorf("headline (-want +got):\n%s", diff)
	}
	all := figuresOf(t, s)
	for label, want := range map[string]struct {
		value any
		note  string
	}{
		"Month to date":                {r.Totals[2].TotalToDate, "513 of the month's 720 hours"},
		"Forecast for November":        {r.Totals[2].Forecast, "if all stays as it is and schedules are followed"},
		"Run rate":                     {r.Totals[2].RunRate, "730 hours of what is running and stored now"},
		"EC2 instances":                {r.Totals[2].EC2, "4 instances, 3 running"},
		"EBS volumes":                  {r.Totals[2].EBSToDate, "4 volumes"},
		"Other":                        {dollars(t, "66.914"), "unused-capacity, public-ipv4, snapshot"},
		"Billed":                       {dollars(t, "50.5"), "list prices come to"},
		"Unattached volumes":           {dollars(t, "1.938"), "1 volume"},
		"Volumes of stopped instances": {dollars(t, "2.166"), "1 stopped instance"},
		"Idle public IPv4 addresses":   {dollars(t, "3.65"), "1 address"},
		"Unused reserved capacity":     {dollars(t, "86.14"), "1 reservation"},
		"All findings":                 {28 * price.Dollar, "7 findings; those of one resource may overlap"},
		"All resources":                {-1000 * price.Dollar, "1 of them changed, from 1,000.00 to 0.00"},
		"i-9 (m5.large)":               {-1000 * price.Dollar, "gone, from 1,000.00 to 0.00"},
		"Not spent":                    {12 * price.Dollar, "1 instance off for 240 hours from 2026-11-01 to 2026-11-22"},
		"Without a price":              {int64(1), "instances, volumes and others that are in no sum"},
		"Problems":                     {int64(1), "123456789012 ap-northeast-1: volumes: access denied"},
		"Paid for this report":         {dollars(t, "0.005"), "CloudWatch: 1,500 metrics of at most 10,000"},
	} {
		f, ok := all[label]
		if !ok || f.Value != want.value || !strings.Contains(f.Note, want.note) {
			t.Errorf("%s is %v (%s), want %v (%s)", label, f.Value, f.Note, want.value, want.note)
		}
	}
	named := 0
	for _, b := range s.Blocks {
		for _, f := range b.Figures {
			if f.Sheet == "Findings" && f.Label != "All findings" {
				named++
				if atMost := strings.HasPrefix(f.Note, "at most: "); atMost != (f.Value == 6*price.Dollar) {
					t.Errorf("finding of %v: %s", f.Value, f.Note)
				}
			}
		}
	}
	if named != 5 {
		t.Errorf("%d findings are named, want 5", named)
	}
}

// TestSummaryAddsUp: the parts of the month to date are all of it, and every
// figure that is a sum of cells is exactly that sum.
func TestSummaryAddsUp(t *testing.T) {
	r := full(t)
	s := r.Summary()
	all := figuresOf(t, s)
	var sum price.USD
	for _, label := range []string{"EC2 instances", "EBS volumes", "Other"} {
		usd, ok := all[label].Value.(price.USD)
		if !ok {
			t.Fatalf("%s is %v, want an amount", label, all[label].Value)
		}
		sum = sum.Add(usd)
	}
	if all["Month to date"].Value != sum {
		t.Errorf("the parts add up to %v, the month to date is %v", sum, all["Month to date"].Value)
	}
	sums := 0
	for label, f := range all {
		if _, _, ok := column(r, f.Sheet, ""); f.Sheet != "" && !ok {
			t.Errorf("%s refers to sheet %s, which is not there", label, f.Sheet)
		}
		var sum price.USD
		for _, ref := range f.Sum {
			table, n, ok := column(r, ref.Table, ref.Column)
			if !ok {
				t.Errorf("%s adds up %s of %s, which is not there", label, ref.Column, ref.Table)
				continue
			}
			row := 0
			for values := range table.Rows {
				if row++; ref.Rows > 0 && row > ref.Rows {
					break
				}
				if usd, ok := values[n].(price.USD); ok {
					sum = sum.Add(usd)
				}
			}
		}
		if len(f.Sum) > 0 {
			sums++
			if f.Value != sum {
				t.Errorf("%s is %v, its cells add up to %v", label, f.Value, sum)
			}
		}
	}
	if sums < 9 {
		t.Errorf("%d figures are sums of cells, want 9 at least", sums)
	}
}

// column finds a column; without a header it finds the table.
func column(r sheet.Workbook, table, header string) (sheet.Table, int, bool) {
	for _, t := range r.Tables() {
		if t.Name != table {
			continue
		}
		for n, c := range t.Columns {
			if c.Header == header || header == "" {
				return t, n, true
			}
		}
	}
	return sheet.Table{}, 0, false
}

func TestExactShare(t *testing.T) {
	e := estate{instances: []fleet.Instance{server("i-1"), server("i-2"), server("i-3")}}
	e.instances[1].UsageOperation = "" // priced by its platform details
	e.instances[2].Type = "z9.huge"    // not priced at all
	r := build(t, e, seoulPrices(t), cost.Options{})
	exact, all := r.ExactShare()
	if exact != dollars(t, "60.534") || all != dollars(t, "121.068") {
		t.Errorf("%v of %v are exact, want 60.534 of 121.068", exact, all)
	}
	if got := figuresOf(t, sheet.Workbook{Report: r}.Summary())["Exactly priced"]; got.Value != "50.0 %" {
		t.Errorf("exactly priced: %v, want 50.0 %%", got.Value)
	}
	// A cent that is not exact among many thousand dollars is not nothing.
	r = build(t, estate{instances: []fleet.Instance{server("i-1"), server("i-2")}}, seoulPrices(t), cost.Options{})
	r.Instances[0].Hours, r.Instances[1].Hours = 100_000*time.Hour, time.Minute
	r.Instances[1].PriceStatus = price.Fallback
	if got := figuresOf(t, sheet.Workbook{Report: r}.Summary())["Exactly priced"]; got.Value != "99.9 %" {
		t.Errorf("exactly priced: %v, want 99.9 %%", got.Value)
	}
}

// TestDoubtIsAnAmount: an instance that was restarted in the month ran for some
// of it only.
func TestDoubtIsAnAmount(t *testing.T) {
	restarted := server("i-1")
	restarted.LaunchTime = now.Add(-10 * time.Hour)
	r := build(t, estate{instances: []fleet.Instance{restarted}}, seoulPrices(t), cost.Options{})
	got := figuresOf(t, sheet.Workbook{Report: r}.Summary())["Hours not certain"]
	// 513 h − 10 h at 0.118, and the bounds.
	if got.Value != dollars(t, "59.354") || got.Note != "the month to date is between 1.18 and 60.53" {
		t.Errorf("doubt %v (%s), want 59.354 between 1.18 and 60.53", got.Value, got.Note)
	}
	if _, ok := figuresOf(t, sheet.Workbook{Report: build(t, estate{instances: []fleet.Instance{server("i-1")}}, seoulPrices(t), cost.Options{})}.Summary())["Hours not certain"]; ok {
		t.Error("a report whose hours are all exact doubts them")
	}
}

func TestSummaryOfNothing(t *testing.T) {
	for name, report := range map[string]cost.Report{
		"empty account": build(t, estate{}, seoulPrices(t), cost.Options{}),
		"no report":     {Month: cost.MonthOf(now)},
	} {
		r := sheet.Workbook{Report: report}
		s := r.Summary()
		all := figuresOf(t, s)
		if all["Month to date"].Value != price.USD(0) || all["Problems"].Value != int64(0) {
			t.Errorf("%s: %+v", name, all)
		}
		for _, b := range s.Blocks {
			if len(b.Figures) == 0 {
				t.Errorf("%s: block %q is empty", name, b.Title)
			}
		}
		if len(r.Charts()) != 0 {
			t.Errorf("%s: charts %+v", name, r.Charts())
		}
	}
}

func TestManyTargetsAreCounted(t *testing.T) {
	r := cost.Report{Month: cost.MonthOf(now)}
	for _, account := range []fleet.Account{"111111111111", "222222222222"} {
		for _, region := range []fleet.Region{"a", "b", "c", "d"} {
			r.Targets = append(r.Targets, fleet.Target{Account: account, Region: region})
		}
	}
	if got := (sheet.Workbook{Report: r}).Summary().Scope; got != "2 accounts · 4 regions · 2026-11-22 09:00 KST" {
		t.Errorf("scope %q", got)
	}
}

func TestProblemsBeyondTheFirstAreCounted(t *testing.T) {
	r := cost.Report{Month: cost.MonthOf(now), Problems: []cost.Problem{{What: "volumes", Err: errors.New("one")}, {What: "volumes", Err: errors.New("two")}}}
	if got := figuresOf(t, sheet.Workbook{Report: r}.Summary())["Problems"]; got.Value != int64(2) || got.Note != "volumes: one; and 1 more" {
		t.Errorf("problems %v (%s)", got.Value, got.Note)
	}
}
