package cost_test

import (
	"testing"

	"nightshift/internal/cost"
	"nightshift/internal/cost/trend"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

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
	return trend.Day{Date: d, Rows: items(rows, nil)}
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

// machineRow is an instance of a price that ran a share of the month so far, in
// hundredths.
func machineRow(id, kind string, hourly price.USD, share int64) trend.Row {
	return trend.Row{
		Account: seoul.Account, Region: seoul.Region, Kind: trend.InstanceRow, ID: id, Name: "name of " + id, Type: kind,
		Tenancy: "Shared", Operation: "RunInstances", State: "running", Seconds: share, SecondsElapsed: 100,
		Parts: []trend.RowPart{part(kind, "sku of "+kind, 730, hourly)},
	}
}

func part(dimension, sku string, quantity int64, rate price.USD) trend.RowPart {
	p := trend.RowPart{Dimension: dimension, SKU: sku, Quantity: float64(quantity)}
	if rate >= 0 {
		p.Rate, p.Monthly = amountOf(rate), amountOf(rate.Times(quantity, 1))
	}
	return p
}

// diskRow is a volume of 0.10 USD a GiB and 0.01 USD an IOPS.
func diskRow(id string, gib, iops int64) trend.Row {
	row := trend.Row{
		Account: seoul.Account, Region: seoul.Region, Kind: trend.VolumeRow, ID: id, Name: id, Type: "gp3",
		Parts: []trend.RowPart{part("storage", "SKU1", gib, price.Dollar/10)},
	}
	if iops > 0 {
		row.Parts = append(row.Parts, part("iops", "SKU2", iops, price.Dollar/100))
	}
	return row
}

func compare(t testing.TB, n int, before, after []trend.Row) *trend.Changes {
	t.Helper()
	m, err := trend.Compare(dayOf(date(t, "2026-11-15"), before...), dayOf(date(t, "2026-11-22"), after...), n)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
