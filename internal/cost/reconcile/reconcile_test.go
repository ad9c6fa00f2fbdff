package reconcile_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"nightshift/internal/cost"
	"nightshift/internal/cost/reconcile"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

var (
	seoul = fleet.Target{Account: "123456789012", Region: "ap-northeast-2"}
	kst   = time.FixedZone("KST", 9*3600)
	// now is a Sunday morning in Seoul.
	now        = time.Date(2026, 11, 22, 9, 0, 0, 0, kst)
	monthStart = time.Date(2026, 11, 1, 0, 0, 0, 0, kst)
)

func dollars(t testing.TB, text string) price.USD {
	t.Helper()
	usd, err := price.ParseUSD(text)
	if err != nil {
		t.Fatal(err)
	}
	return usd
}

// ran is an instance at 0.10 USD an hour that is known to have run so long.
func ran(id fleet.ResourceID, hours float64) *cost.Instance {
	d := time.Duration(hours * float64(time.Hour))
	return &cost.Instance{ID: id, Name: "web", State: fleet.Running, Type: "m5.large", Hours: d, AtLeast: d, AtMost: d}
}

// priced is report with its targets.
func priced(instances ...*cost.Instance) cost.Report {
	r := cost.Report{Month: cost.MonthOf(now), Instances: instances, Targets: []fleet.Target{seoul}}
	for _, i := range instances {
		i.Target = seoul
		i.Price = &cost.Price{Quote: price.Quote{Status: price.Exact, Rate: price.Rate{USD: price.Dollar / 10, Unit: "Hrs"}}}
	}
	return r
}

// boxes are hours of an instance in the bill, from the beginning of the month on.
func boxes(t testing.TB, id string, hours float64, billed string) price.BillLine {
	t.Helper()
	return price.BillLine{
		Account: seoul.Account, Region: seoul.Region, Resource: id, UsageType: "APN2-BoxUsage:m5.large", Start: monthStart, End: now,
		Quantity: hours, Unit: "Hrs", Billed: dollars(t, billed), Kind: "Usage", Pricing: "Standard",
	}
}

func usd(t testing.TB, s string) *price.USD {
	t.Helper()
	amount := dollars(t, s)
	return &amount
}

func TestLabels(t *testing.T) {
	line := func(change func(*price.BillLine)) price.BillLine {
		l := boxes(t, "i-1", 100, "10")
		change(&l)
		return l
	}
	for name, c := range map[string]struct {
		hours  float64 // by the report
		lines  []price.BillLine
		label  reconcile.Label
		causes string
	}{
		"as listed":        {100, []price.BillLine{line(func(*price.BillLine) {})}, "", ""},
		"less than a cent": {100, []price.BillLine{line(func(l *price.BillLine) { l.Billed = dollars(t, "9.9901") })}, "", "unknown -0.0099"},
		"a Savings Plan": {100, []price.BillLine{line(func(l *price.BillLine) {
			l.Billed, l.Effective, l.Pricing, l.Commitment = 0, usd(t, "7.2"), "Committed", "arn:plan"
		})}, reconcile.Commitment, "commitment -10.00"},
		"a reservation":                  {100, []price.BillLine{line(func(l *price.BillLine) { l.Billed, l.Effective, l.Commitment = dollars(t, "2"), usd(t, "6"), "ri-1" })}, reconcile.Commitment, "commitment -8.00"},
		"a commitment that is not named": {100, []price.BillLine{line(func(l *price.BillLine) { l.Billed, l.Effective, l.Pricing, l.Kind = 0, usd(t, "6"), "", "" })}, reconcile.Commitment, "commitment -10.00"},
		"a purchase":                     {100, []price.BillLine{line(func(*price.BillLine) {}), line(func(l *price.BillLine) { l.Kind, l.Billed = "Purchase", dollars(t, "5") })}, reconcile.Commitment, "commitment 5.00"},
		"Spot by category":               {100, []price.BillLine{line(func(l *price.BillLine) { l.Billed, l.Pricing = dollars(t, "3"), "Dynamic" })}, reconcile.Spot, "spot -7.00"},
		"Spot by usage": {100, []price.BillLine{line(func(l *price.BillLine) {
			l.Billed, l.Pricing, l.UsageType = dollars(t, "3"), "", "APN2-SpotUsage:m5.large"
		})}, reconcile.Spot, "spot -7.00"},
		"a credit":         {100, []price.BillLine{line(func(*price.BillLine) {}), line(func(l *price.BillLine) { l.Kind, l.Billed = "Credit", dollars(t, "-4") })}, reconcile.Credit, "credit -4.00"},
		"a refund":         {100, []price.BillLine{line(func(*price.BillLine) {}), line(func(l *price.BillLine) { l.Kind, l.Billed = "Adjustment", dollars(t, "-4") })}, reconcile.Credit, "credit -4.00"},
		"the free tier":    {100, []price.BillLine{line(func(l *price.BillLine) { l.Billed = 0 })}, reconcile.Credit, "credit -10.00"},
		"tax":              {100, []price.BillLine{line(func(*price.BillLine) {}), line(func(l *price.BillLine) { l.Kind, l.Billed = "Tax", dollars(t, "1") })}, reconcile.Tax, "tax 1.00"},
		"a discount apart": {100, []price.BillLine{line(func(*price.BillLine) {}), line(func(l *price.BillLine) { l.Quantity, l.Billed = 0, dollars(t, "-0.6") })}, reconcile.PrivateRate, "private-rate -0.60"},
		"data transfer": {100, []price.BillLine{line(func(*price.BillLine) {}), line(func(l *price.BillLine) {
			l.UsageType, l.Unit, l.Billed = "APN2-DataTransfer-Out-Bytes", "GB", dollars(t, "2")
		})}, reconcile.OtherUsage, "other-usage 2.00"},
		"another list":            {100, []price.BillLine{line(func(l *price.BillLine) { l.Billed, l.List = dollars(t, "12"), usd(t, "12") })}, reconcile.ListPrice, "list-price 2.00"},
		"another list and a plan": {100, []price.BillLine{line(func(l *price.BillLine) { l.Billed, l.List, l.Commitment = 0, usd(t, "12"), "plan" })}, reconcile.Commitment, "commitment -12.00 list-price 2.00"},
		"dearer":                  {100, []price.BillLine{line(func(l *price.BillLine) { l.Billed = dollars(t, "11") })}, reconcile.Unknown, "unknown 1.00"},
		"more hours":              {60, []price.BillLine{line(func(*price.BillLine) {})}, reconcile.Hours, "hours 4.00"},
		"fewer hours":             {200, []price.BillLine{line(func(*price.BillLine) {})}, reconcile.Hours, "hours -7.60 lag -2.40"},
		"the last day":            {124, []price.BillLine{line(func(*price.BillLine) {})}, reconcile.Lag, "lag -2.40"},
		"a bill that ends":        {172, []price.BillLine{line(func(l *price.BillLine) { l.End = now.Add(-72 * time.Hour) })}, reconcile.Lag, "lag -7.20"},
		"not in the bill":         {300, []price.BillLine{line(func(l *price.BillLine) { l.Resource = "vol-9" })}, reconcile.OnlyInList, "only-in-list -30.00"},
		"new today":               {5, []price.BillLine{line(func(l *price.BillLine) { l.Resource = "vol-9" })}, reconcile.Lag, "lag -0.50"},
		"without the account":     {300, nil, reconcile.OnlyInList, "only-in-list -30.00"},
		"without categories":      {100, []price.BillLine{line(func(l *price.BillLine) { l.UsageType, l.Kind, l.Pricing = "", "", "" })}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := reconcile.WithExport(priced(ran("i-1", c.hours)), c.lines, "s3://bills/focus")
			at := slices.IndexFunc(got.Rows, func(row reconcile.Row) bool { return row.Resource == "i-1" })
			if at < 0 {
				t.Fatalf("%+v", got)
			}
			row := got.Rows[at]
			if causes := texts(row.Causes); row.Label != c.label || causes != c.causes {
				t.Errorf("%s: %q, want %s: %q", row.Label, causes, c.label, c.causes)
			}
			balanced(t, got)
		})
	}
}

func texts(causes []reconcile.Cause) string {
	var list []string
	for _, c := range causes {
		list = append(list, fmt.Sprintf("%s %s", c.Label, c.USD))
	}
	return strings.Join(list, " ")
}

// balanced holds the sums against each other.
func balanced(t interface{ Errorf(string, ...any) }, b *reconcile.Reconciliation) {
	var all reconcile.Sum
	labels := map[reconcile.Label]price.USD{}
	for _, row := range b.Rows {
		var sum price.USD
		for _, c := range row.Causes {
			sum = sum.Add(c.USD)
			labels[c.Label] = labels[c.Label].Add(c.USD)
		}
		list := price.USD(0)
		if row.List != nil {
			list = *row.List
		}
		if row.Difference != row.Billed-list || sum != row.Difference {
			t.Errorf("%s: billed %v, list %v, difference %v, causes %v", row.Resource, row.Billed, list, row.Difference, row.Causes)
		}
		all.Billed, all.List, all.Difference = all.Billed+row.Billed, all.List+list, all.Difference+row.Difference
	}
	if b.Total.Billed != all.Billed || b.Total.List != all.List || b.Total.Difference != all.Difference || b.Total.Rows != len(b.Rows) {
		t.Errorf("total %+v of rows %+v", b.Total, all)
	}
	for _, l := range b.Labels {
		if labels[l.Label] != l.Difference {
			t.Errorf("%s: %v of rows %v", l.Label, l.Difference, labels[l.Label])
		}
		delete(labels, l.Label)
	}
	if len(labels) > 0 {
		t.Errorf("no sums of %v", slices.Collect(maps.Keys(labels)))
	}
}

func TestVolumesAndLinesAgainstTheBill(t *testing.T) {
	r := priced(ran("i-1", 513))
	rate := func(item, usd string) *cost.Price {
		return &cost.Price{Item: item, Quote: price.Quote{Status: price.Exact, Rate: price.Rate{USD: dollars(t, usd)}}}
	}
	known := func(s string) cost.Amount { return cost.Amount{USD: dollars(t, s), Known: true} }
	r.Volumes = []*cost.Volume{{
		Volume: fleet.Volume{Target: seoul, ID: "vol-1", Type: fleet.GP3}, Name: "data",
		Monthly: known("100"), ToDate: known("71.25"), Status: price.Exact,
		Parts: []cost.Part{{Price: rate("EBS:VolumeUsage.gp3", "0.0912"), Quantity: 1000}, {Price: rate("EBS:VolumeP-IOPS.gp3", "0.0057"), Quantity: 1544}},
	}, {
		Volume: fleet.Volume{Target: seoul, ID: "vol-2"}, Name: "no price", Status: price.Missing,
	}}
	r.Lines = []*cost.Line{
		{Target: seoul, Kind: cost.SnapshotLine, ID: "snap-1", Price: rate(price.SnapshotStorage, "0.05"), Status: price.Fallback, Monthly: known("0"), ToDate: known("0")},
		{Target: seoul, Kind: cost.HostLine, ID: "h-1", Price: rate("HostUsage:m5", "5"), Status: price.Exact, Monthly: known("3650"), ToDate: known("2565")},
		{Target: seoul, Kind: cost.CreditsLine, ID: "i-1", Price: rate("CPUCredits:t3", "0.05"), Status: price.Exact, Monthly: known("2"), ToDate: known("1")},
	}
	line := func(id, usage, unit string, quantity float64, billed string) price.BillLine {
		l := boxes(t, id, quantity, billed)
		l.UsageType, l.Unit = usage, unit
		return l
	}
	got := reconcile.WithExport(r, []price.BillLine{
		line("i-1", "APN2-BoxUsage:m5.large", "Hrs", 513, "51.3"),
		line("i-1", "APN2-CPUCredits:t3", "vCPU-Hours", 20, "1"),
		line("vol-1", "APN2-EBS:VolumeUsage.gp3", "GB-Mo", 700, "63.84"),
		line("vol-1", "APN2-EBS:VolumeP-IOPS.gp3", "IOPS-Mo", 1300, "7.41"),
		line("vol-2", "APN2-EBS:VolumeUsage.gp9", "GB-Mo", 10, "1.5"),
		line("snap-1", "APN2-EBS:SnapshotUsage", "GB-Mo", 40, "2"),
		line("h-1", "APN2-HostUsage:m5", "Hrs", 500, "2500"),
		line("i-gone", "APN2-BoxUsage:m5.large", "Hrs", 12, "1.2"),
	})
	balanced(t, got)
	text := map[string]string{}
	for _, row := range got.Rows {
		text[row.Kind+" "+row.Resource] = texts(row.Causes)
	}
	if diff := cmp.Diff(map[string]string{
		"instance i-1": "", "surplus-credits i-1": "", "volume vol-1": "",
		"volume vol-2": "unknown 1.50", "snapshot snap-1": "estimate 2.00", "dedicated-host h-1": "lag -65.00", "instance i-gone": "only-in-bill 1.20",
	}, text); diff != "" {
		t.Error(diff)
	}
}

// TestPrivateRate needs one discount on everything that is paid on demand.
func TestPrivateRate(t *testing.T) {
	r := priced(ran("i-1", 100), ran("i-2", 200), ran("i-3", 50), ran("i-4", 100))
	plan := boxes(t, "i-4", 100, "0")
	plan.Pricing, plan.Commitment = "Committed", "plan"
	lines := []price.BillLine{boxes(t, "i-1", 100, "9.3"), boxes(t, "i-2", 200, "18.6"), boxes(t, "i-3", 50, "4.65"), plan}
	got := reconcile.WithExport(r, lines)
	balanced(t, got)
	if want := "commitment -10.00|private-rate -1.40|private-rate -0.70|private-rate -0.35"; rows(got) != want {
		t.Errorf("%s, want %s", rows(got), want)
	}
	if len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "7.00 %") {
		t.Errorf("notes %q", got.Notes)
	}
	lines[2].Billed = dollars(t, "4")
	if got, want := rows(reconcile.WithExport(r, lines)), "commitment -10.00|unknown -1.40|unknown -1.00|unknown -0.70"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func rows(b *reconcile.Reconciliation) string {
	var list []string
	for _, row := range b.Rows {
		list = append(list, texts(row.Causes))
	}
	return strings.Join(list, "|")
}

func TestWhatIsNotOfTheReport(t *testing.T) {
	before, after, elsewhere, away := boxes(t, "i-1", 1, "100"), boxes(t, "i-1", 1, "100"), boxes(t, "i-9", 1, "3"), boxes(t, "i-8", 1, "4")
	before.Start = monthStart.Add(-time.Hour)
	after.Start = now
	elsewhere.Account = "210987654321"
	away.Region = "us-east-1"
	got := reconcile.WithExport(priced(ran("i-1", 100)), []price.BillLine{before, boxes(t, "i-1", 100, "10"), after, elsewhere, away})
	if len(got.Rows) != 1 || got.Total.Billed != dollars(t, "10") || len(got.Notes) != 1 || !strings.HasPrefix(got.Notes[0], "2 lines of the bill, 7.00 USD") {
		t.Errorf("%+v", got)
	}
}

// TestCausesAddUp makes bills that nobody would send.
func TestCausesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.Custom(func(t *rapid.T) price.USD {
			return price.USD(rapid.Int64Range(-100*int64(price.Dollar), 1000*int64(price.Dollar)).Draw(t, "usd"))
		})
		ids := []string{"i-1", "i-2", "i-3", "vol-1", "snap-1", "eni-1", "h-1"}
		pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
		r := priced()
		for _, id := range ids[:3] {
			i := ran(fleet.ResourceID(id), rapid.Float64Range(0, 513).Draw(t, "hours"))
			i.Target = seoul
			i.Price = &cost.Price{Quote: price.Quote{Status: price.Status(pick("status", "exact", "missing")), Rate: price.Rate{USD: max(amount.Draw(t, "rate"), 0)}}}
			r.Instances = append(r.Instances, i)
		}
		r.Lines = []*cost.Line{{
			Target: seoul, Kind: cost.SnapshotLine, ID: "snap-1", Price: r.Instances[0].Price, Status: price.Fallback,
			ToDate: cost.Amount{USD: amount.Draw(t, "to date"), Known: rapid.Bool().Draw(t, "known")}, Monthly: cost.Amount{USD: amount.Draw(t, "monthly"), Known: true},
		}}
		var lines []price.BillLine
		for range rapid.IntRange(0, 12).Draw(t, "lines") {
			start := monthStart.Add(time.Duration(rapid.IntRange(-10, 520).Draw(t, "start")) * time.Hour)
			line := price.BillLine{
				Account: seoul.Account, Resource: pick("id", ids...), Start: start, End: start.Add(time.Hour), Quantity: rapid.Float64Range(-1, 800).Draw(t, "quantity"),
				UsageType: pick("usage", "", "APN2-BoxUsage:m5.large", "SpotUsage:m5.large", "EBS:SnapshotUsage", "EBS:VolumeUsage.gp3", "DataTransfer-Out-Bytes", "CPUCredits:t3"),
				Unit:      pick("unit", "Hrs", "GB-Mo", "GB"), Billed: amount.Draw(t, "billed"),
				Kind: pick("kind", "", "Usage", "Tax", "Credit", "Purchase", "Adjustment"), Pricing: pick("pricing", "", "Standard", "Committed", "Dynamic"),
			}
			if rapid.Bool().Draw(t, "amounts") {
				effective, list := amount.Draw(t, "effective"), amount.Draw(t, "list")
				line.Effective, line.List = &effective, &list
			}
			lines = append(lines, line)
		}
		balanced(t, reconcile.WithExport(r, lines))
	})
}
