package trend_test

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"nightshift/internal/cost"
	"nightshift/internal/cost/trend"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

var seoul = fleet.Target{Account: "123456789012", Region: "ap-northeast-2"}

// rowsOf yields rows, then the error if there is one.
func rowsOf(rows []trend.Row, err error) iter.Seq2[trend.Row, error] {
	return func(yield func(trend.Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
		if err != nil {
			yield(trend.Row{}, err)
		}
	}
}

func date(t testing.TB, s string) trend.Date {
	t.Helper()
	d, err := trend.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// spent is the row of an instance of one type; unknown amounts are negative.
func spent(id string, toDate, forecast price.USD) trend.Row {
	return trend.Row{
		Account: seoul.Account, Region: seoul.Region, Kind: trend.InstanceRow, ID: id, Type: "m5.large",
		Tags:   fleet.Tags{"Team": "team of " + id},
		ToDate: amountOf(toDate), Forecast: amountOf(forecast),
	}
}

func amountOf(u price.USD) cost.Amount {
	if u < 0 {
		return cost.Amount{}
	}
	return cost.Amount{USD: u, Known: true}
}

func dayOf(d trend.Date, rows ...trend.Row) trend.Day {
	return trend.Day{Date: d, Rows: rowsOf(rows, nil)}
}

func trendOf(t testing.TB, days ...trend.Day) *trend.Trend {
	t.Helper()
	b := trend.NewBuilder([]string{"Team"})
	for _, d := range days {
		if err := b.Add(d); err != nil {
			t.Fatal(err)
		}
	}
	return b.Trend()
}

// brief is a period in one line.
func brief(p trend.Period) string {
	total := "-"
	if p.Total != nil {
		total = p.Total.String()
	}
	return fmt.Sprintf("%s %s %d %s", p.Start, total, p.Days, p.Note())
}

func checkPeriods(t *testing.T, got []trend.Period, want ...string) {
	t.Helper()
	var list []string
	for _, p := range got {
		list = append(list, brief(p))
	}
	if !slices.Equal(list, want) {
		t.Errorf("got\n%q, want\n%q", list, want)
	}
}

func TestTrendOfOneDay(t *testing.T) {
	// 21 dollars in 21 days; the 1st is a Sunday.
	got := trendOf(t, dayOf(date(t, "2026-11-21"), spent("i-1", 21*price.Dollar, 30*price.Dollar)))
	checkPeriods(t, got.Months, "2026-11-01 21.00 21 incomplete")
	checkPeriods(t, got.Weeks,
		"2026-10-26 1.00 1 incomplete, partly estimated", "2026-11-02 7.00 7 partly estimated",
		"2026-11-09 7.00 7 partly estimated", "2026-11-16 6.00 6 incomplete, partly estimated")
}

func TestTrendAcrossTheMonthsEnd(t *testing.T) {
	got := trendOf(t,
		dayOf(date(t, "2026-10-28"), spent("i-1", 28*price.Dollar, 31*price.Dollar), spent("gone", 10*price.Dollar, 20*price.Dollar)),
		dayOf(date(t, "2026-11-04"), spent("i-1", 8*price.Dollar, 60*price.Dollar), spent("new", 4*price.Dollar, 9*price.Dollar)),
		dayOf(date(t, "2026-11-08"), spent("i-1", 16*price.Dollar, 60*price.Dollar), spent("new", 5*price.Dollar, 9*price.Dollar)))
	// October: 28 + 10, and 3 forecast. November: 16 + 5.
	checkPeriods(t, got.Months, "2026-10-01 41.00 31 partly estimated", "2026-11-01 21.00 8 incomplete")
	// The week of 26 October: 3 days at 1.00 and 10.00 × 3 ÷ 28, and the last
	// day has what the division left; 3 forecast days at 1.00; and 12.00 ÷ 4.
	checkPeriods(t, got.Weeks[4:],
		"2026-10-26 10.0714285725 7 partly estimated", "2026-11-02 18.00 7 incomplete")
}

func TestGapsAreNotZero(t *testing.T) {
	got := trendOf(t,
		dayOf(date(t, "2026-08-31"), spent("i-1", 31*price.Dollar, 31*price.Dollar)),
		dayOf(date(t, "2026-11-02"), spent("i-1", 2*price.Dollar, 30*price.Dollar)))
	gap := "gap: the history has no day for it"
	checkPeriods(t, got.Months,
		"2026-08-01 31.00 31 partly estimated", "2026-09-01 - 0 "+gap, "2026-10-01 - 0 "+gap, "2026-11-01 2.00 2 incomplete")
	if w := got.Weeks[6]; w.Start != date(t, "2026-09-07") || w.Total != nil || w.Days != 0 {
		t.Error(brief(w))
	}
	for _, series := range [][]trend.Series{got.Types, got.Tags} {
		if s := series[0]; s.Weeks[6] != nil || s.Months[1] != nil || s.Months[3] == nil || s.Total != 33*price.Dollar {
			t.Errorf("%+v", s)
		}
	}
}

// TestWhatComesBackIsNotSpentAgain leaves a resource out of a day, as a failed
// target does, and does not know the cost of another.
func TestWhatComesBackIsNotSpentAgain(t *testing.T) {
	got := trendOf(t,
		dayOf(date(t, "2026-11-03"), spent("i-1", 3*price.Dollar, 30*price.Dollar), spent("i-2", 3*price.Dollar, 30*price.Dollar)),
		dayOf(date(t, "2026-11-10"), spent("i-2", -1, -1)),
		dayOf(date(t, "2026-11-17"), spent("i-1", 17*price.Dollar, 30*price.Dollar), spent("i-2", 17*price.Dollar, -1)),
		dayOf(date(t, "2026-12-01"), spent("i-1", 1*price.Dollar, 31*price.Dollar), spent("i-2", 1*price.Dollar, -1)))
	checkPeriods(t, got.Months, "2026-11-01 47.00 30 partly estimated", "2026-12-01 2.00 1 incomplete")
	if n := got.Months[0].Unpriced; n != 1 {
		t.Errorf("%d unpriced, want 1", n)
	}
}

// TestNothingKnownIsNotZero: a day without a single price is as good as none.
func TestNothingKnownIsNotZero(t *testing.T) {
	got := trendOf(t,
		dayOf(date(t, "2026-11-03"), spent("i-1", 3*price.Dollar, -1)),
		dayOf(date(t, "2026-11-10"), spent("i-1", -1, -1)),
		dayOf(date(t, "2026-12-02"), spent("i-1", 2*price.Dollar, -1)),
		dayOf(date(t, "2026-12-03"), spent("i-1", -1, -1)))
	checkPeriods(t, got.Months, "2026-11-01 3.00 3 incomplete", "2026-12-01 2.00 2 incomplete")
	if got := trendOf(t, dayOf(date(t, "2026-11-03"), spent("i-1", -1, -1))); len(got.Months) != 0 {
		t.Errorf("%+v", got.Months)
	}
}

func TestDamagedDayIsLeftOut(t *testing.T) {
	damage := errors.New("damaged")
	first := dayOf(date(t, "2026-11-03"), spent("i-1", 3*price.Dollar, 30*price.Dollar))
	last := dayOf(date(t, "2026-11-17"), spent("i-1", 17*price.Dollar, 30*price.Dollar))
	b := trend.NewBuilder(nil)
	if err := b.Add(first); err != nil {
		t.Fatal(err)
	}
	broken := trend.Day{Date: date(t, "2026-11-10"), Rows: rowsOf([]trend.Row{spent("i-1", 900*price.Dollar, 0), spent("i-9", 1, 1)}, damage)}
	if err := b.Add(broken); !errors.Is(err, damage) {
		t.Error(err)
	}
	if err := b.Add(last); err != nil {
		t.Fatal(err)
	}
	checkPeriods(t, b.Trend().Months, "2026-11-01 17.00 17 incomplete")
	checkPeriods(t, b.Trend().Weeks,
		"2026-10-26 1.00 1 incomplete", "2026-11-02 7.00 7 partly estimated",
		"2026-11-09 7.00 7 partly estimated", "2026-11-16 2.00 2 incomplete, partly estimated")
	if err := b.Add(first); err == nil {
		t.Error("an earlier day was taken")
	}
	if got := trend.NewBuilder(nil).Trend(); len(got.Weeks)+len(got.Months) != 0 {
		t.Errorf("no days: %+v", got)
	}
}

// TestTrendAddsUp lives through random months and calculates every month in
// another way: what each resource had cost when the month's last day with a
// known cost was stored, and what was still to come then if the next stored day
// had it, too.
func TestTrendAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var days []trend.Day
		var rows []map[string]trend.Row
		var dates []trend.Date
		at := trend.Date(rapid.IntRange(20_000, 20_800).Draw(t, "start"))
		for range rapid.IntRange(1, 12).Draw(t, "days") {
			today := map[string]trend.Row{}
			for n := range rapid.IntRange(0, 4).Draw(t, "resources") {
				id := fmt.Sprintf("i-%d", n)
				row := spent(id, price.USD(rapid.Int64Range(-1e10, 1e13).Draw(t, "to date")), price.USD(rapid.Int64Range(0, 1e13).Draw(t, "forecast")))
				row.Kind = rapid.SampledFrom([]trend.RowKind{trend.InstanceRow, trend.VolumeRow, trend.RowKind(cost.HostLine)}).Draw(t, "kind")
				row.Type = rapid.SampledFrom([]string{"a", "b"}).Draw(t, "type")
				today[string(row.Kind)+id] = row
			}
			days = append(days, dayOf(at, slices.Collect(maps.Values(today))...))
			if len(today) == 0 || slices.ContainsFunc(slices.Collect(maps.Values(today)), func(r trend.Row) bool { return r.ToDate.Known }) {
				rows, dates = append(rows, today), append(dates, at)
			}
			at += trend.Date(rapid.IntRange(1, 40).Draw(t, "gap"))
		}
		b := trend.NewBuilder([]string{"Team"})
		for _, d := range days {
			if err := b.Add(d); err != nil {
				t.Fatal(err)
			}
		}
		got := b.Trend()

		want := map[string]price.USD{}
		for n, today := range rows {
			month := dates[n].String()[:7]
			last := n+1 == len(rows) || dates[n+1].String()[:7] != month
			for key, row := range today {
				if row.ToDate.Known && !laterKnown(rows[n+1:], dates[n+1:], key, month) {
					want[month] += row.ToDate.USD
				}
				if last && n+1 < len(rows) && row.ToDate.Known && row.Forecast.Known {
					if _, stays := rows[n+1][key]; stays {
						want[month] += row.Forecast.USD - row.ToDate.USD
					}
				}
			}
		}
		var months, weeks, all price.USD
		for _, m := range got.Months {
			if m.Total == nil {
				continue
			}
			months += *m.Total
			if got := *m.Total; got != want[m.Start.String()[:7]] || got != *m.EC2+*m.EBS+*m.Other {
				t.Errorf("%s: %v, want %v", m.Start, got, want[m.Start.String()[:7]])
			}
		}
		for _, w := range got.Weeks {
			if w.Total != nil {
				weeks += *w.Total
			}
		}
		for _, usd := range want {
			all += usd
		}
		if months != all || weeks != all || total(got.Types) != all || total(got.Tags) != all {
			t.Errorf("months %v, weeks %v, types %v, tags %v, want %v", months, weeks, total(got.Types), total(got.Tags), all)
		}
	})
}

// laterKnown is true where a later day of the month knows the cost.
func laterKnown(rows []map[string]trend.Row, dates []trend.Date, key, month string) bool {
	for n, today := range rows {
		if row, ok := today[key]; ok && row.ToDate.Known && dates[n].String()[:7] == month {
			return true
		}
	}
	return false
}

// total adds up the weeks of all series.
func total(series []trend.Series) price.USD {
	var sum price.USD
	for _, s := range series {
		for _, w := range s.Weeks {
			if w != nil {
				sum += *w
			}
		}
	}
	return sum
}

func TestSmallSeriesAreSummedUp(t *testing.T) {
	var rows []trend.Row
	for n := range 60 {
		rows = append(rows, spent(fmt.Sprintf("i-%02d", n), price.USD(n)*price.Dollar, 0))
	}
	got := trendOf(t, dayOf(date(t, "2026-11-17"), rows...))
	if len(got.Tags) != 41 || got.Tags[0].Item != "team of i-59" || got.Tags[40].Item != "(others)" || got.Tags[40].Total != 190*price.Dollar {
		t.Errorf("%d series, the last %+v", len(got.Tags), got.Tags[len(got.Tags)-1])
	}
	if total(got.Tags) != 1770*price.Dollar {
		t.Error(total(got.Tags))
	}
}

// fleetOf yields the rows of a large fleet without holding them.
func fleetOf(n int, day trend.Date) iter.Seq2[trend.Row, error] {
	return func(yield func(trend.Row, error) bool) {
		for i := range n {
			row := spent(fmt.Sprintf("i-%017x", i), price.USD(day)*1000+price.USD(i), 1e9)
			row.Tags = fleet.Tags{"Team": "a"}
			row.Parts = []trend.RowPart{{Dimension: "m5.large", Quantity: 730, SKU: "SKU", Rate: row.ToDate, Monthly: row.ToDate}}
			row.SecondsElapsed, row.Seconds = 3600, 1800
			if !yield(row, nil) {
				return
			}
		}
	}
}

func BenchmarkTrend(b *testing.B) {
	for b.Loop() {
		builder := trend.NewBuilder([]string{"Team"})
		for d := range trend.Date(10) {
			if err := builder.Add(trend.Day{Date: 20_400 + d, Rows: fleetOf(300_000, d)}); err != nil {
				b.Fatal(err)
			}
		}
		if len(builder.Trend().Weeks) == 0 {
			b.Fatal("no weeks")
		}
	}
}

func BenchmarkChanges(b *testing.B) {
	for b.Loop() {
		m, err := trend.Compare(trend.Day{Rows: fleetOf(300_000, 1)}, trend.Day{Rows: fleetOf(300_000, 2)}, 20)
		if err != nil || m.Total.Count != 300_000 {
			b.Fatal(m, err)
		}
	}
}

// TestTrendKnowsTheTimeOfDay: three reports at 8:00, on the Fridays 20 and 27
// November and 4 December. Something that costs 24 a day, in November and in
// December, costs 168 in every week.
func TestTrendKnowsTheTimeOfDay(t *testing.T) {
	builder := trend.NewBuilder(nil)
	for _, one := range []struct {
		day                       string
		elapsed, toDate, forecast int64 // hours and dollars
	}{
		{"2026-11-20", 19*24 + 8, 19*24 + 8, 720},
		{"2026-11-27", 26*24 + 8, 26*24 + 8, 720},
		{"2026-12-04", 3*24 + 8, 3*24 + 8, 744},
	} {
		date, err := trend.ParseDate(one.day)
		if err != nil {
			t.Fatal(err)
		}
		row := trend.Row{
			Account: "1", Region: "r", Kind: trend.InstanceRow, ID: "i-1", SecondsElapsed: one.elapsed * 3600,
			ToDate:   cost.Amount{USD: price.Dollar.Times(one.toDate, 1), Known: true},
			Forecast: cost.Amount{USD: price.Dollar.Times(one.forecast, 1), Known: true},
		}
		if err := builder.Add(trend.Day{Date: date, Rows: func(yield func(trend.Row, error) bool) { yield(row, nil) }}); err != nil {
			t.Fatal(err)
		}
	}
	weeks := builder.Trend().Weeks
	if len(weeks) != 6 {
		t.Fatalf("%d weeks, want 6", len(weeks))
	}
	for _, w := range weeks[1:5] {
		if got := w.Total.Cents().String(); got != "168.00" {
			t.Errorf("the week of %s cost %s, want 168.00", w.Start, got)
		}
	}
	for n, want := range map[int]string{0: "24.00", 5: "104.00"} { // a Sunday; Monday to Friday at 8:00
		if got := weeks[n].Total.Cents().String(); got != want {
			t.Errorf("week %d cost %s, want %s", n, got, want)
		}
	}
}
