package trend_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"nightshift/internal/cost/trend"
	"nightshift/internal/price"
)

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

func TestChangesNameTheCause(t *testing.T) {
	const dollar = price.Dollar
	otherwise := diskRow("vol-1", 100, 0)
	otherwise.Type, otherwise.Parts = "io2", []trend.RowPart{part("io2 storage", "SKU3", 100, dollar/5)}
	unknown := diskRow("vol-1", 100, 0)
	unknown.Parts = []trend.RowPart{part("storage", "SKU1", 100, -1)}
	windows := machineRow("i-1", "m5.large", 3*dollar, 50)
	windows.Operation, windows.Parts[0].SKU = "RunInstances:0002", "sku of Windows"
	for name, c := range map[string]struct {
		before, after []trend.Row
		want          trend.Change
		main          string
	}{
		"nothing": {
			[]trend.Row{machineRow("i-1", "m5.large", dollar, 50)},
			[]trend.Row{machineRow("i-1", "m5.large", dollar, 50)},
			trend.Change{},
			"",
		},
		"new": {nil, []trend.Row{machineRow("i-1", "m5.large", dollar, 50)}, trend.Change{New: 365 * dollar}, "new"},
		"gone": {
			[]trend.Row{machineRow("i-1", "m5.large", dollar, 50)},
			nil,
			trend.Change{Gone: -365 * dollar},
			"gone",
		},
		"hours": {
			[]trend.Row{machineRow("i-1", "m5.large", dollar, 100)},
			[]trend.Row{machineRow("i-1", "m5.large", dollar, 40)},
			trend.Change{Hours: -438 * dollar},
			"hours",
		},
		"price": {
			[]trend.Row{machineRow("i-1", "m5.large", 2*dollar, 50)},
			[]trend.Row{machineRow("i-1", "m5.large", dollar, 50)},
			trend.Change{Price: -365 * dollar},
			"price",
		},
		"type": {
			[]trend.Row{machineRow("i-1", "m5.large", dollar, 50)},
			[]trend.Row{machineRow("i-1", "m5.xlarge", 2*dollar, 50)},
			trend.Change{Type: 365 * dollar},
			"type",
		},
		"platform": {
			[]trend.Row{machineRow("i-1", "m5.large", dollar, 50)},
			[]trend.Row{windows},
			trend.Change{Type: 730 * dollar},
			"type",
		},
		// m5.xlarge cost 2.00 before, as the other instance shows, and 1.50 now:
		// 1.00 → 2.00 by the type, 2.00 → 1.50 by the price.
		"type and price and hours": {
			[]trend.Row{machineRow("i-1", "m5.large", dollar, 50), machineRow("i-2", "m5.xlarge", 2*dollar, 50)},
			[]trend.Row{machineRow("i-1", "m5.xlarge", 3*dollar/2, 100), machineRow("i-2", "m5.xlarge", 3*dollar/2, 50)},
			trend.Change{Type: 365 * dollar, Price: -365*dollar/2 - 365*dollar/2, Hours: 3 * 365 * dollar / 2},
			"hours",
		},
		"size":            {[]trend.Row{diskRow("vol-1", 100, 0)}, []trend.Row{diskRow("vol-1", 150, 0)}, trend.Change{Size: 5 * dollar}, "size"},
		"IOPS":            {[]trend.Row{diskRow("vol-1", 100, 0)}, []trend.Row{diskRow("vol-1", 100, 3000)}, trend.Change{Size: 30 * dollar}, "size"},
		"less IOPS":       {[]trend.Row{diskRow("vol-1", 100, 100)}, []trend.Row{diskRow("vol-1", 100, 0)}, trend.Change{Size: -dollar}, "size"},
		"volume type":     {[]trend.Row{diskRow("vol-1", 100, 0)}, []trend.Row{otherwise}, trend.Change{Type: 10 * dollar}, "type"},
		"price not known": {[]trend.Row{diskRow("vol-1", 100, 0)}, []trend.Row{unknown}, trend.Change{Other: -10 * dollar}, "other"},
		"price known now": {[]trend.Row{unknown}, []trend.Row{diskRow("vol-1", 100, 0)}, trend.Change{Other: 10 * dollar}, "other"},
		"never known":     {[]trend.Row{unknown}, []trend.Row{unknown}, trend.Change{}, ""},
		"new, not known":  {nil, []trend.Row{unknown}, trend.Change{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := compare(t, 10, c.before, c.after)
			if diff := cmp.Diff(c.want, m.Total.Change); diff != "" {
				t.Error(diff)
			}
			if got := m.Total.Change.Cause(); got != c.main {
				t.Errorf("cause %q, want %q", got, c.main)
			}
			if got, want := m.Total.Change.Sum(), m.Total.After-m.Total.Before; got != want {
				t.Errorf("sum %v, difference %v", got, want)
			}
		})
	}
}

func TestChangesAreTheLargestFirst(t *testing.T) {
	var before, after []trend.Row
	for n := range int64(50) {
		id := fmt.Sprintf("i-%02d", n)
		before = append(before, machineRow(id, "m5.large", price.Dollar, 50))
		after = append(after, machineRow(id, "m5.large", price.Dollar, 50+(n%2*2-1)*n))
	}
	m := compare(t, 3, before, after)
	var ids []string
	for _, top := range m.Top {
		ids = append(ids, top.ID)
	}
	if !slices.Equal(ids, []string{"i-49", "i-48", "i-47"}) || m.Total.Count != 49 || m.Others.Count != 46 {
		t.Error(ids, m.Total.Count, m.Others.Count)
	}
	if top := m.Top[0]; top.Name != "name of i-49" || top.Type != "m5.large" || top.Account != seoul.Account || top.Region != seoul.Region ||
		*top.Before != 365*price.Dollar || *top.After != top.Before.Times(99, 50) {
		t.Errorf("%+v", top)
	}
	resized := machineRow("i-01", "m5.xlarge", 2*price.Dollar, 50)
	if got := compare(t, 1, before[1:2], []trend.Row{resized}).Top[0].Type; got != "m5.large → m5.xlarge" {
		t.Error(got)
	}
}

// TestPriceAloneResizesNothing has amounts that the rounding to 1e-10 dollars
// moves: 1500 ÷ 1024 and 600 ÷ 1024 of them are both 1.
func TestPriceAloneResizesNothing(t *testing.T) {
	throughput := func(rate price.USD) []trend.Row {
		row := diskRow("vol-1", 100, 0)
		row.Parts = []trend.RowPart{{Dimension: "throughput", SKU: "SKU4", Quantity: 1, Rate: amountOf(rate), Monthly: amountOf(rate.Times(1, 1024))}}
		return []trend.Row{row}
	}
	if got := compare(t, 1, throughput(1500), throughput(600)).Total.Change; got != (trend.Change{}) {
		t.Errorf("%+v", got)
	}
	if got := compare(t, 1, throughput(1500), throughput(6000)).Total.Change; got != (trend.Change{Price: 5}) {
		t.Errorf("%+v", got)
	}
}

// TestChangesInTheFirstSecond: nothing of the month has gone by, and the state
// decides.
func TestChangesInTheFirstSecond(t *testing.T) {
	running := machineRow("i-1", "m5.large", price.Dollar, 0)
	running.SecondsElapsed = 0
	stopped := running
	stopped.State = "stopped"
	if got := compare(t, 1, []trend.Row{running}, []trend.Row{stopped}).Total.Change; got != (trend.Change{Hours: -730 * price.Dollar}) {
		t.Errorf("%+v", got)
	}
}

func TestChangesOfADamagedDay(t *testing.T) {
	damage := errors.New("damaged")
	good, bad := dayOf(20_000), trend.Day{Date: 20_007, Rows: rowsOf([]trend.Row{diskRow("vol-1", 1, 1)}, damage)}
	for _, pair := range [][2]trend.Day{{good, bad}, {bad, good}} {
		if m, err := trend.Compare(pair[0], pair[1], 5); !errors.Is(err, damage) || m != nil {
			t.Error(m, err)
		}
	}
}

func TestComparedDays(t *testing.T) {
	for _, c := range []struct {
		dates    []trend.Date
		from, to trend.Date
		ok       bool
	}{
		{nil, 0, 0, false},
		{[]trend.Date{5}, 0, 0, false},
		{[]trend.Date{5, 6}, 5, 6, true},
		{[]trend.Date{1, 8, 14, 15, 22}, 15, 22, true},
		{[]trend.Date{1, 8, 16, 22}, 8, 22, true},
		{[]trend.Date{18, 20, 22}, 18, 22, true},
	} {
		if from, to, ok := trend.PickDays(c.dates); from != c.from || to != c.to || ok != c.ok {
			t.Errorf("%v: %d, %d, %v", c.dates, from, to, ok)
		}
	}
}

// TestPartsAddUp compares random days: parts add up to the difference to the
// last digit, of each resource and of all, and a part is zero where its cause
// did not change.
func TestPartsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rates := [2]map[string]price.USD{{}, {}}
		stable := rapid.Bool().Draw(t, "stable prices")
		for _, item := range []string{"a", "b", "c"} {
			rate := price.USD(rapid.Int64Range(0, 5e10).Draw(t, "rate"))
			rates[0][item], rates[1][item] = rate, rate
			if !stable {
				rates[1][item] = price.USD(rapid.Int64Range(0, 5e10).Draw(t, "rate"))
			}
		}
		var days [2][]trend.Row
		for n := range rapid.IntRange(1, 5).Draw(t, "resources") {
			kind := rapid.SampledFrom([]trend.RowKind{trend.InstanceRow, trend.VolumeRow}).Draw(t, "kind")
			for d := range days {
				if rapid.IntRange(0, 5).Draw(t, "there") == 0 {
					continue
				}
				row := trend.Row{Kind: kind, ID: fmt.Sprintf("r-%d", n), SecondsElapsed: rapid.SampledFrom([]int64{86_400, 604_801}).Draw(t, "elapsed")}
				row.Type = rapid.SampledFrom([]string{"x", "x", "y"}).Draw(t, "type")
				row.Seconds = rapid.SampledFrom([]int64{0, 3601, row.SecondsElapsed}).Draw(t, "seconds")
				for _, item := range []string{"a", "b", "c"} {
					if quantity := rapid.SampledFrom([]int64{0, 7, 730}).Draw(t, "quantity"); quantity > 0 {
						rate := rates[d][item]
						if rapid.IntRange(0, 9).Draw(t, "known") == 0 {
							rate = -1
						}
						p := part(item, "sku of "+item, quantity, rate)
						if item == "c" && p.Rate.Known { // stated for another unit, as throughput is
							p.Monthly = amountOf(rate.Times(quantity, 1024))
						}
						row.Parts = append(row.Parts, p)
					}
				}
				days[d] = append(days[d], row)
			}
		}
		m, err := trend.Compare(dayOf(1, days[0]...), dayOf(8, days[1]...), rapid.IntRange(0, 6).Draw(t, "n"))
		if err != nil {
			t.Fatal(err)
		}
		before, after := map[string]trend.Row{}, map[string]trend.Row{}
		for _, row := range days[0] {
			before[row.ID] = row
		}
		for _, row := range days[1] {
			after[row.ID] = row
		}
		var sum price.USD
		for _, top := range m.Top {
			was, had := before[top.ID]
			is, has := after[top.ID]
			checkParts(t, top, had, has, was, is, stable)
			sum += top.Change.Sum()
		}
		if all := m.Total; all.Change.Sum() != all.After-all.Before || all.Change.Sum() != sum+m.Others.Change.Sum() ||
			m.Others.Change.Sum() != m.Others.After-m.Others.Before {
			t.Errorf("%+v does not add up", m)
		}
	})
}

func checkParts(t *rapid.T, m trend.ResourceChange, had, has bool, was, is trend.Row, stable bool) {
	c := m.Change
	var difference price.USD
	if m.After != nil {
		difference += *m.After
	}
	if m.Before != nil {
		difference -= *m.Before
	}
	same := func(of func(trend.Row) any) bool { return cmp.Equal(of(was), of(is)) }
	quantities := func(r trend.Row) any {
		list := map[string]float64{}
		for _, p := range r.Parts {
			list[p.Dimension] = p.Quantity
		}
		return list
	}
	for name, wrong := range map[string]bool{
		"sum":           c.Sum() != difference,
		"new":           had && c.New != 0,
		"gone":          has && c.Gone != 0,
		"steps":         (!had || !has) && (c.Type != 0 || c.Size != 0 || c.Price != 0 || c.Hours != 0 || c.Other != 0),
		"other":         m.Before != nil && m.After != nil && c.Other != 0,
		"type":          was.Type == is.Type && c.Type != 0,
		"size":          (was.Type != is.Type || same(quantities)) && c.Size != 0,
		"price":         stable && c.Price != 0,
		"hours":         same(func(r trend.Row) any { return [2]int64{r.Seconds, r.SecondsElapsed} }) && c.Hours != 0,
		"hours of disk": is.Kind == trend.VolumeRow && c.Hours != 0,
	} {
		if wrong {
			t.Errorf("%s is wrong: %+v → %+v: %+v", name, was, is, m)
		}
	}
}
