package cost_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/cost"
	"nightshift/internal/cost/trend"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// TestRowsAddUpToTheReport holds that rows leave nothing out and have nothing
// twice.
func TestRowsAddUpToTheReport(t *testing.T) {
	stopped := server("i-2")
	stopped.State, stopped.Stopped = fleet.Stopped, now.Add(-30*time.Hour)
	e := estate{
		instances: []fleet.Instance{server("i-1"), stopped},
		volumes: []fleet.Volume{
			disk("vol-1", fleet.GP3, 33, "i-1", "i-2"), disk("vol-2", fleet.GP2, 17), disk("vol-3", "gp9", 5, "i-2"),
		},
	}
	r := build(t, e, seoulPrices(t), cost.Options{})
	seen := map[string]bool{}
	var toDate, monthly, forecast price.USD
	for row := range trend.RowsOf(r) {
		key := string(row.Kind) + row.ID
		if seen[key] || row.Account != seoul.Account || row.Region != seoul.Region || !row.Generated.Equal(now) {
			t.Errorf("%+v", row)
		}
		seen[key] = true
		toDate, monthly, forecast = toDate.Add(row.ToDate.USD), monthly.Add(row.Monthly.USD), forecast.Add(row.Forecast.USD)
		var parts price.USD
		for _, p := range row.Parts {
			parts = parts.Add(p.Monthly.USD)
		}
		if row.Kind == trend.VolumeRow && parts != row.Monthly.USD {
			t.Errorf("%s: parts are %v, the month %v", row.ID, parts, row.Monthly.USD)
		}
		if row.ID == "vol-3" && (row.Monthly.Known || row.ToDate.Known || row.PriceStatus != "missing") {
			t.Errorf("a volume without a price: %+v", row)
		}
	}
	all := r.Totals[len(r.Totals)-1]
	if len(seen) != 5 || toDate != all.TotalToDate || monthly != all.RunRate || forecast != all.Forecast {
		t.Errorf("%d rows with %v, %v, %v, want %v, %v, %v", len(seen), toDate, monthly, forecast, all.TotalToDate, all.RunRate, all.Forecast)
	}
}

func TestRowSaysWhatItIs(t *testing.T) {
	big := disk("vol-1", fleet.GP3, 1000, "i-1")
	big.IOPS, big.ThroughputMiBps = 16_000, 1000
	r := build(t, estate{instances: []fleet.Instance{server("i-1")}, volumes: []fleet.Volume{big}}, seoulPrices(t), cost.Options{})
	var rows []trend.Row
	for row, err := range trend.DayOf(r).Rows {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	if trend.DayOf(r).Date.String() != "2026-11-22" || len(rows) != 2 {
		t.Fatal(trend.DayOf(r).Date, len(rows))
	}
	usd := func(s string) cost.Amount { return cost.Amount{USD: dollars(t, s), Known: true} }
	want := []trend.Row{
		{
			Generated: now, Account: seoul.Account, Region: seoul.Region, Kind: trend.InstanceRow, ID: "i-1", Name: "name of i-1",
			Type: "m5.large", State: "running", Zone: "ap-northeast-2a", Tenancy: "Shared", Operation: "RunInstances",
			Seconds: 513 * 3600, SecondsElapsed: 513 * 3600, SecondsMonth: 720 * 3600, HoursSource: "launch-time", PriceStatus: "exact",
			Parts: []trend.RowPart{
				{Dimension: "m5.large", Quantity: 730, Unit: "Hrs", Rate: usd("0.118"), SKU: "m5.large/RunInstances", Monthly: usd("86.14")},
			},
			ToDate: usd("60.534"), Monthly: usd("86.14"), Forecast: usd("84.96"),
		},
		{
			Generated: now, Account: seoul.Account, Region: seoul.Region, Kind: trend.VolumeRow, ID: "vol-1", Name: "vol-1",
			Type: "gp3", State: "in-use", Zone: "ap-northeast-2a", ParentID: "i-1",
			Seconds: 513 * 3600, SecondsElapsed: 513 * 3600, SecondsMonth: 720 * 3600, PriceStatus: "exact",
			Parts: []trend.RowPart{
				{Dimension: "EBS:VolumeUsage.gp3", Quantity: 1000, Unit: "GiB", Rate: usd("0.0912"), SKU: "EBS:VolumeUsage.gp3", Monthly: usd("91.2")},
				{Dimension: "EBS:VolumeP-IOPS.gp3", Quantity: 13000, Unit: "IOPS", Rate: usd("0.0057"), SKU: "EBS:VolumeP-IOPS.gp3", Monthly: usd("74.1")},
				{Dimension: "EBS:VolumeP-Throughput.gp3", Quantity: 875, Unit: "MiB/s", Rate: usd("46.6944"), SKU: "EBS:VolumeP-Throughput.gp3", Monthly: usd("39.9")},
			},
			// 513 of 720 hours of 205.20.
			ToDate: usd("146.205"), Monthly: usd("205.2"), Forecast: usd("205.2"),
		},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
}

func TestDatesAreDays(t *testing.T) {
	late := time.Date(2026, 11, 22, 23, 59, 0, 0, kst)
	if d := trend.DateOf(late); d.String() != "2026-11-22" || trend.DateOf(late.UTC()) != d {
		t.Error(d)
	}
	if d := trend.DateOf(late.Add(time.Minute)); d.String() != "2026-11-23" || d != trend.DateOf(late)+1 {
		t.Error(d)
	}
	for _, s := range []string{"1969-12-31", "1970-01-01", "2024-02-29", "2026-11-22"} {
		var d trend.Date
		if err := d.UnmarshalText([]byte(s)); err != nil || d.String() != s {
			t.Error(s, d, err)
		}
	}
	for _, s := range []string{"", "2026-02-29", "2026-1-1", "22.11.2026", "2026-11-22T00:00:00Z"} {
		if d, err := trend.ParseDate(s); err == nil {
			t.Errorf("%q was read as %s", s, d)
		}
	}
}
