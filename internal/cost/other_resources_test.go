package cost_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// belongings are the other resources of a target in memory.
type belongings struct {
	snapshots    []fleet.Snapshot
	addresses    []fleet.Address
	hosts        []fleet.Host
	reservations []fleet.Reservation
	err          error // of all of them
}

func (b belongings) Snapshots(context.Context) iter.Seq2[fleet.Snapshot, error] {
	return items(b.snapshots, b.err)
}

func (b belongings) Addresses(context.Context) ([]fleet.Address, error) { return b.addresses, b.err }
func (b belongings) Hosts(context.Context) ([]fleet.Host, error)        { return b.hosts, b.err }
func (b belongings) Reservations(context.Context) ([]fleet.Reservation, error) {
	return b.reservations, b.err
}

// spotMarket has spot prices and credits in memory.
type spotMarket struct {
	spots     []price.SpotPrice
	unlimited map[fleet.ResourceID]bool
}

func (b spotMarket) SpotPrices(context.Context, []fleet.InstanceType, []string, time.Time) ([]price.SpotPrice, error) {
	return b.spots, nil
}

func (b spotMarket) Unlimited(context.Context, []fleet.ResourceID) (map[fleet.ResourceID]bool, error) {
	return b.unlimited, nil
}

// more adds the prices of Seoul that are neither instances' nor volumes'.
func more(t testing.TB, l *list) *list {
	t.Helper()
	add := func(usage, unit, usd string, changes ...string) {
		p := price.Product{
			SKU: usage, Attributes: map[string]string{"regionCode": "ap-northeast-2", "locationType": "AWS Region", "usagetype": "APN2-" + usage},
			Rates: []price.Rate{{Unit: unit, USD: dollars(t, usd), Begin: "0", End: "Inf"}},
		}
		for n := 0; n < len(changes); n += 2 {
			p.Attributes[changes[n]] = changes[n+1]
		}
		l.products = append(l.products, p)
	}
	add("EBS:SnapshotUsage", "GB-Mo", "0.05")
	add("EBS:SnapshotArchiveStorage", "GB-Mo", "0.0125")
	add("PublicIPv4:InUseAddress", "Hrs", "0.005")
	add("PublicIPv4:IdleAddress", "Hrs", "0.005")
	add("HostUsage:m5", "Hrs", "6.228")
	add("CPUCredits:t3", "vCPU-Hours", "0.05", "operatingSystem", "Linux")
	add("CPUCredits:t3", "vCPU-Hours", "0.096", "operatingSystem", "Windows")
	add("CW:MetricMonitorUsage", "Metrics", "0.3")
	add("UnusedBox:m5.xlarge", "Hrs", "0.236", "instanceType", "m5.xlarge", "operation", "RunInstances",
		"tenancy", "Shared", "capacitystatus", "UnusedCapacityReservation", "marketoption", "OnDemand")
	return l
}

func linesOf(t testing.TB, source cost.Source) (cost.Report, map[string]*cost.Line) {
	t.Helper()
	source.Target = seoul
	r, err := cost.Build(t.Context(), []cost.Source{source}, more(t, seoulPrices(t)), cost.Options{Now: now, Zone: kst, Tags: []string{"Team"}})
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]*cost.Line{}
	for _, l := range r.Lines {
		byID[string(l.Kind)+" "+l.ID] = l
	}
	return r, byID
}

// TestOtherCostsByHand calculates November 2026 in Seoul: 720 hours, of which 513
// have passed; a full month is 730 hours.
func TestOtherCostsByHand(t *testing.T) {
	const full = 100 << 30
	before := monthStart.AddDate(0, -3, 0)
	withIP := server("i-1")
	withIP.PublicIPs, withIP.Detailed = []string{"198.51.100.1", "203.0.113.7"}, true
	off := server("i-2")
	off.State, off.Stopped = fleet.Stopped, before
	burst := server("i-3")
	burst.Type = "t3.nano"
	guest := server("i-4")
	guest.Tenancy, guest.Host = "host", "h-1"
	r, lines := linesOf(t, cost.Source{
		Inventory: estate{instances: []fleet.Instance{withIP, off, burst, guest}},
		OtherResources: belongings{
			snapshots: []fleet.Snapshot{
				{ID: "snap-1", Volume: "vol-1", State: "completed", Started: before, SizeGiB: 200, FullBytes: full / 2},
				{ID: "snap-2", Volume: "vol-1", State: "completed", Started: before, SizeGiB: 200, FullBytes: full, Tags: fleet.Tags{"Team": "db", "Other": "x"}},
				{ID: "snap-3", Volume: "vol-2", State: "completed", Started: before, SizeGiB: 100, FullBytes: full, Archived: true},
				{ID: "snap-4", Volume: "vol-3", State: "completed", Started: before, SizeGiB: 10},
			},
			addresses: []fleet.Address{
				{ID: "eipalloc-1", IP: "203.0.113.7", Instance: "i-1", Interface: "eni-1"},
				{ID: "eipalloc-2", IP: "203.0.113.8"},
				{ID: "eipalloc-own", IP: "192.0.2.1", BYOIP: true},
				{ID: "eipalloc-3", IP: "203.0.113.9", Instance: "i-2", Interface: "eni-2"},
				{ID: "eipalloc-4", IP: "203.0.113.10", Interface: "eni-nat"},
			},
			hosts: []fleet.Host{
				{ID: "h-1", Family: "m5", State: "available", Allocated: before, Instances: []fleet.ResourceID{"i-4"}},
				{ID: "h-2", Family: "m5", State: "released", Allocated: before},
			},
			reservations: []fleet.Reservation{
				{Target: seoul, ID: "cr-1", Type: "m5.xlarge", Platform: "Linux/UNIX", Tenancy: "default", State: "active", Total: 3, Available: 2, Created: before},
				{Target: seoul, ID: "cr-2", Type: "m5.xlarge", Platform: "Linux/UNIX", Tenancy: "default", State: "active", Total: 3, Created: before},
				{Target: seoul, ID: "cr-3", Type: "m5.xlarge", Platform: "Linux/UNIX", Tenancy: "default", State: "expired", Total: 3, Available: 3, Created: before},
			},
		},
		Credits: spotMarket{unlimited: map[fleet.ResourceID]bool{"i-3": true}},
		Metrics: &samples{asked: map[fleet.ResourceID]fleet.Span{}, surplus: map[fleet.ResourceID]float64{"i-3": 1200}},
	})
	for id, want := range map[string][3]string{ // to date, a month, this month
		"snapshot snap-1":          {"0.00", "0.00", "0.00"},
		"snapshot snap-2":          {"3.5625", "5.00", "5.00"}, // × 513 ÷ 720
		"archived-snapshot snap-3": {"0.890625", "1.25", "1.25"},
		"snapshot snap-4":          {"0.35625", "0.50", "0.50"},
		"public-ipv4 eipalloc-1":   {"2.565", "3.65", "3.60"},
		"public-ipv4 eipalloc-2":   {"2.565", "3.65", "3.60"},
		"public-ipv4 eipalloc-3":   {"2.565", "3.65", "3.60"},
		"public-ipv4 eipalloc-4":   {"2.565", "3.65", "3.60"},
		"public-ipv4 198.51.100.1": {"2.565", "3.65", "3.60"},
		"dedicated-host h-1":       {"3194.964", "4546.44", "4484.16"},
		"unused-capacity cr-1":     {"242.136", "344.56", "339.84"},
		"surplus-credits i-3":      {"1.00", "1.4230019493", "1.4035087719"}, // 20 vCPU-hours; × 730 ÷ 513; × 720 ÷ 513
		"detailed-monitoring i-1":  {"1.49625", "2.10", "2.10"},
	} {
		l := lines[id]
		if l == nil {
			t.Errorf("there is no line for %s", id)
			continue
		}
		got := [3]string{l.ToDate.USD.String(), l.Monthly.USD.String(), l.Forecast.USD.String()}
		if got != want || !l.Status.Usable() {
			t.Errorf("%s: %v %s (%s), want %v", id, got, l.Status, l.Note, want)
		}
		delete(lines, id)
	}
	for id := range lines {
		t.Errorf("a line too many: %s", id)
	}
	for id, idle := range map[string]bool{"eipalloc-1": false, "eipalloc-2": true, "eipalloc-3": true, "eipalloc-4": false} {
		for _, l := range r.Lines {
			if l.ID == id && l.Idle() != idle {
				t.Errorf("%s is %s", id, l.State)
			}
		}
	}
	if host := r.Instances[3]; host.EC2().USD != 0 || host.PriceNote != "host billed" {
		t.Errorf("the host's guest costs %s by itself: %s", host.EC2().USD, host.PriceNote)
	}
	if diff := cmp.Diff(fleet.Tags{"Team": "db"}, r.Lines[1].Tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	var other price.USD
	for _, l := range r.Lines {
		other = other.Add(l.ToDate.USD)
	}
	if total := r.Totals[1]; total.OtherToDate != other || total.Lines != 13 {
		t.Errorf("the total has %s in %d lines, want %s in 13", total.OtherToDate, total.Lines, other)
	}
}

func TestOtherResourcesFailOnTheirOwn(t *testing.T) {
	denied := errors.New("denied")
	r, lines := linesOf(t, cost.Source{
		Inventory:      estate{instances: []fleet.Instance{server("i-1")}},
		OtherResources: belongings{err: denied, addresses: []fleet.Address{{ID: "eipalloc-1", IP: "203.0.113.8"}}},
	})
	if len(r.Problems) != 4 || len(lines) != 1 || len(r.Instances) != 1 {
		t.Errorf("%d problems, %d lines, %d instances; want 4, 1, 1: %v", len(r.Problems), len(lines), len(r.Instances), r.Problems)
	}
}

func TestLineWithoutPriceIsMissing(t *testing.T) {
	r, lines := linesOf(t, cost.Source{
		Inventory:      estate{},
		OtherResources: belongings{hosts: []fleet.Host{{ID: "h-1", Family: "z9", State: "available", Allocated: monthStart}}},
	})
	l := lines["dedicated-host h-1"]
	if l == nil || l.Status != price.Missing || l.Monthly.Known || r.Missing() != 1 || r.Complete() || r.Coverage() != 0 {
		t.Errorf("%+v, %d missing, coverage %v; want one missing", l, r.Missing(), r.Coverage())
	}
}

// TestSpotByHand: 200 hours at 2 cents, 300 at 4, and since the 13 hours before
// now at 3; the instance has been running since 100 hours after the month began.
func TestSpotByHand(t *testing.T) {
	i := server("i-1")
	i.Lifecycle, i.LaunchTime = fleet.Spot, monthStart.Add(100*time.Hour)
	i.FirstLaunch = i.LaunchTime
	row := func(hours int, usd string, zone fleet.Zone) price.SpotPrice {
		return price.SpotPrice{Type: "m5.large", Zone: zone, Product: "Linux/UNIX", USD: dollars(t, usd), At: monthStart.Add(time.Duration(hours) * time.Hour)}
	}
	r, _ := linesOf(t, cost.Source{
		Inventory: estate{instances: []fleet.Instance{i}},
		Spot: spotMarket{spots: []price.SpotPrice{
			row(500, "0.03", "ap-northeast-2a"), row(-9, "0.02", "ap-northeast-2a"), row(200, "0.04", "ap-northeast-2a"), row(0, "9", "ap-northeast-2c"),
		}},
	})
	got := r.Instances[0]
	// 100 × 0.02 + 300 × 0.04 + 13 × 0.03 = 14.39; a month at what it costs now.
	if got.EC2().USD.Cents().String() != "14.39" || got.IfRunning().USD.String() != "21.90" || got.PriceStatus != price.Exact {
		t.Errorf("%s so far, %s a month, %s: %s", got.EC2().USD, got.IfRunning().USD, got.PriceStatus, got.PriceNote)
	}
	if got.Price.Kind != "spot" || got.Price.Uses != 1 {
		t.Errorf("priced by %+v", got.Price)
	}
}

func TestSpotWithoutHistoryIsABound(t *testing.T) {
	i := server("i-1")
	i.Lifecycle = fleet.Spot
	r, _ := linesOf(t, cost.Source{Inventory: estate{instances: []fleet.Instance{i}}, Spot: spotMarket{}, Credits: spotMarket{}})
	if got := r.Instances[0]; got.PriceStatus != price.Fallback || got.Price.Rate.USD.String() != "0.118" {
		t.Errorf("%s %s (%s), want the on-demand price as a fallback", got.Price.Rate.USD, got.PriceStatus, got.PriceNote)
	}
}

// TestSnapshotsOfAVolumeCostTheirLargest: whenever a snapshot was made, so far
// the volume's snapshots have cost at least the largest of those that were there
// at each time. One whose size EC2 does not know yet adds to the others.
func TestSnapshotsOfAVolumeCostTheirLargest(t *testing.T) {
	const full = 1 << 30
	snap := func(id string, hours int, gib int64) fleet.Snapshot {
		return fleet.Snapshot{ID: fleet.SnapshotID(id), Volume: "vol-1", State: "completed", Started: monthStart.Add(time.Duration(hours) * time.Hour), SizeGiB: 200, FullBytes: gib * full}
	}
	_, lines := linesOf(t, cost.Source{Inventory: estate{}, OtherResources: belongings{snapshots: []fleet.Snapshot{
		snap("snap-new", 360, 120), snap("snap-pending", 512, 0), snap("snap-old", -300, 100), snap("snap-less", 200, 90), snap("snap-same", 500, 120),
	}}})
	// (100 GiB × 360 h + 120 GiB × 153 h) × 0.05 ÷ 720 h; to come 120 × 0.05 × 207 ÷ 720
	want := [3]string{"3.775", "6.00", "5.50"}
	l := lines["snapshot snap-new"]
	if got := [3]string{l.ToDate.USD.String(), l.Monthly.USD.String(), l.Forecast.USD.String()}; got != want {
		t.Errorf("the snapshots cost %v, want %v", got, want)
	}
	for _, id := range []string{"snap-pending", "snap-old", "snap-less", "snap-same"} {
		if l := lines["snapshot "+id]; !l.Monthly.Known || l.Monthly.USD != 0 || l.ToDate.USD != 0 || l.Status != price.Fallback {
			t.Errorf("%s costs %s, %s a month, %s", id, l.ToDate.USD, l.Monthly.USD, l.Status)
		}
	}
}

// TestWholeMonthForecastIsTheMonth: what is there all month costs a full month in
// the end, at whatever fraction of a second the report is made.
func TestWholeMonthForecastIsTheMonth(t *testing.T) {
	e := estate{instances: []fleet.Instance{server("i-1")}, volumes: []fleet.Volume{disk("vol-1", fleet.GP3, 500, "i-1")}}
	for _, fraction := range []time.Duration{0, 1, 500 * time.Millisecond, time.Second - 1} {
		r, err := cost.Build(t.Context(), []cost.Source{{Target: seoul, Inventory: e}}, seoulPrices(t), cost.Options{Now: now.Add(fraction), Zone: kst})
		if err != nil {
			t.Fatal(err)
		}
		if v, i := r.Volumes[0], r.Instances[0]; v.Forecast != v.Monthly || i.EC2Forecast().USD != i.Price.Rate.USD.Times(720, 1) {
			t.Errorf("at %v: the volume's forecast is %s, the instance's %s", fraction, v.Forecast.USD, i.EC2Forecast().USD)
		}
	}
}

// TestScheduledStartIsMonitored: what is off now and will run this month has
// metrics then.
func TestScheduledStartIsMonitored(t *testing.T) {
	off := server("i-1")
	off.State, off.Stopped, off.Detailed = fleet.Stopped, monthStart.AddDate(0, 0, -1), true
	r, err := cost.Build(t.Context(), []cost.Source{{Target: seoul, Inventory: estate{instances: []fleet.Instance{off}}}}, more(t, seoulPrices(t)), cost.Options{
		Now: now, Zone: kst, Planned: alike(72*time.Hour, "weekdays"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Lines) != 1 || r.Lines[0].Forecast.USD.String() != "0.21" || r.Lines[0].ToDate.USD != 0 { // 2.10 × 72 ÷ 720
		t.Errorf("lines %+v", r.Lines)
	}
}

// TestAssumedForecastStaysInTheMonth: assumed hours count all of today, which is
// not to come once more.
func TestAssumedForecastStaysInTheMonth(t *testing.T) {
	last := monthStart.AddDate(0, 1, -1).Add(time.Hour)
	r, err := cost.Build(t.Context(), []cost.Source{{Target: seoul, Inventory: estate{instances: []fleet.Instance{server("i-1")}}}}, seoulPrices(t),
		cost.Options{Now: last, Zone: kst, Hours: cost.AssumedHours})
	if err != nil {
		t.Fatal(err)
	}
	if i := r.Instances[0]; i.Hours+i.Planned != 720*time.Hour {
		t.Errorf("%s so far and %s to come, of 720 hours", i.Hours, i.Planned)
	}
}

// TestReservationsOfAnUnknownAccountCount: where nobody knows whose
// credentials these are, what they see is theirs.
func TestReservationsOfAnUnknownAccountCount(t *testing.T) {
	lent := fleet.Reservation{Target: seoul, ID: "cr-1", Type: "m5.xlarge", Platform: "Linux/UNIX", Tenancy: "default", State: "active", Total: 1, Available: 1, Created: monthStart}
	for account, want := range map[fleet.Account]int{"": 1, seoul.Account: 1, "210987654321": 0} {
		r, err := cost.Build(t.Context(), []cost.Source{{
			Target: fleet.Target{Account: account, Region: seoul.Region}, Inventory: estate{}, OtherResources: belongings{reservations: []fleet.Reservation{lent}},
		}}, more(t, seoulPrices(t)), cost.Options{Now: now, Zone: kst})
		if err != nil || len(r.Lines) != want {
			t.Errorf("in the account %q there are %d lines, want %d (%v)", account, len(r.Lines), want, err)
		}
	}
}
