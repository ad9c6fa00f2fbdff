package cost_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/cost"
	"nightshift/internal/cost/reconcile"
	"nightshift/internal/cost/sheet"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// ran is an instance at 0.10 USD an hour that is known to have run so long.
func ran(id fleet.ResourceID, hours float64) *cost.Instance {
	d := time.Duration(hours * float64(time.Hour))
	return &cost.Instance{ID: id, Name: "web", State: fleet.Running, Type: "m5.large", Hours: d, AtLeast: d, AtMost: d}
}

// priced is report with its targets.
func priced(instances ...*cost.Instance) cost.Report {
	r := report(instances...)
	r.Targets = []fleet.Target{seoul}
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

func TestReconcileExplorer(t *testing.T) {
	covered := fleet.Span{From: now.Add(-13 * 24 * time.Hour), To: now.Add(-24 * time.Hour)}
	i := server("i-1")
	line := boxes(t, "i-1", 288, "20")
	line.Start, line.End, line.Kind, line.Pricing = covered.From, covered.To, "", ""
	late := line
	late.Start, late.End = covered.To, now
	away := line
	away.Resource, away.UsageType, away.Billed = "i-8", "BoxUsage:m5.large", dollars(t, "7")
	billing := &bill{lines: []price.BillLine{line, late, away}, complete: covered}
	r, err := cost.Build(t.Context(), []cost.Source{{
		Target: seoul, Billing: billing, Inventory: estate{instances: []fleet.Instance{i}, volumes: []fleet.Volume{disk("vol-1", fleet.GP3, 100, "i-1")}},
	}}, seoulPrices(t), cost.Options{Now: now, Zone: kst})
	if err != nil {
		t.Fatal(err)
	}
	got := reconcile.WithCostExplorer(r)
	balanced(t, got)
	list := r.Instances[0].Price.Rate.USD.Times(288, 1)
	if len(got.Rows) != 1 || got.Rows[0].BilledHours != 288*time.Hour || got.Rows[0].Hours != 288*time.Hour || *got.Rows[0].List != list {
		t.Fatalf("%+v", got.Rows)
	}
	if want := fmt.Sprintf("unknown %s", dollars(t, "20")-list); texts(got.Rows[0].Causes) != want {
		t.Errorf("%s, want %s", texts(got.Rows[0].Causes), want)
	}
	if !got.From.Equal(covered.From) || !got.To.Equal(covered.To) || len(got.Notes) != 1 || !strings.HasPrefix(got.Notes[0], "1 lines of the bill, 7.00 USD") {
		t.Errorf("%v to %v, notes %q", got.From, got.To, got.Notes)
	}
	if reconcile.WithCostExplorer(priced(ran("i-1", 1))) != nil {
		t.Error("reconciled with a bill that nobody asked for")
	}
}

func TestReconciliationAsTableAndJSON(t *testing.T) {
	r := priced(ran("i-1", 100))
	w := sheet.Workbook{Report: r, Reconciliation: reconcile.WithExport(r, []price.BillLine{boxes(t, "i-1", 90, "9")}, "bills/")}
	text, err := json.Marshal(w.Reconciliation)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"billed_usd":"9.00"`, `"causes":[{"label":"lag","usd":"-1.00"}]`, `"sources":["bills/"]`} {
		if !strings.Contains(string(text), part) {
			t.Errorf("%s lacks %s", text, part)
		}
	}
	found := map[string][][]any{}
	for _, table := range w.Tables() {
		for row := range table.Rows {
			found[table.Name] = append(found[table.Name], slices.Clone(row))
		}
	}
	if rows := found["Reconciliation"]; len(rows) != 1 || rows[0][9] != "lag" || rows[0][10] != 90*time.Hour {
		t.Errorf("%v", rows)
	}
	if rows := found["Reconciliation_By_Label"]; len(rows) != 2 || rows[0][3] != nil || rows[1][3] != dollars(t, "9") {
		t.Errorf("%v", rows)
	}
}
