package cost_test

import (
	"testing"
	"time"

	"nightshift/internal/cost"
	"nightshift/internal/cost/trend"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// TestRestartsAndSnapshotsMoveNoMoney: an instance that is started each morning
// has another public address each day, and each night's snapshot may be the
// largest of its volume. Neither is spent again, and neither moves a price.
func TestRestartsAndSnapshotsMoveNoMoney(t *testing.T) {
	night := func(n int) time.Time { return monthStart.AddDate(0, 0, n) }
	i := prod(server("i-1"))
	var snapshots []fleet.Snapshot
	builder := trend.NewBuilder(nil)
	var days []trend.Day
	var report cost.Report
	for n := range 5 {
		i.PublicIPs = []string{"198.51.100." + string(rune('1'+n)), "203.0.113." + string(rune('1'+n))}
		snapshots = append(snapshots, fleet.Snapshot{
			ID: fleet.SnapshotID("snap-" + string(rune('1'+n))), Volume: "vol-1", State: "completed", Started: night(n), SizeGiB: 200, FullBytes: int64(100+n) << 30,
		})
		var err error
		report, err = cost.Build(t.Context(), []cost.Source{{
			Target: seoul, Inventory: estate{instances: []fleet.Instance{i}, volumes: []fleet.Volume{disk("vol-1", fleet.GP3, 200, "i-1")}},
			OtherResources: belongings{snapshots: snapshots},
		}}, more(t, seoulPrices(t)), cost.Options{Now: night(n).Add(12 * time.Hour), Zone: kst})
		if err != nil {
			t.Fatal(err)
		}
		days = append(days, trend.DayOf(report))
		if err := builder.Add(trend.DayOf(report)); err != nil {
			t.Fatal(err)
		}
	}
	var spent price.USD
	for _, m := range builder.Trend().Months {
		spent = spent.Add(*m.Total)
	}
	if want := report.Totals[0].TotalToDate; spent != want {
		t.Errorf("the trend has %s, the report %s", spent, want)
	}
	changes, err := trend.Compare(days[0], days[4], 10)
	if err != nil {
		t.Fatal(err)
	}
	if c := changes.Total.Change; c.Price != 0 || c.Gone != 0 || c.Sum().String() != "0.20" { // 4 GiB of snapshots
		t.Errorf("changed: %+v", c)
	}
}
