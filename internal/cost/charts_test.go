package cost_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"nightshift/internal/cost"
	"nightshift/internal/cost/sheet"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// TestChartsDrawWhatIsThere: every chart draws columns and rows that its table
// has.
func TestChartsDrawWhatIsThere(t *testing.T) {
	r := full(t)
	var titles []string
	for _, c := range r.Charts() {
		titles = append(titles, c.Title)
		for _, header := range append([]string{c.Category}, c.Values...) {
			table, _, ok := column(r, c.Table, header)
			if !ok || table.Len < c.Rows || c.Rows == 0 {
				t.Errorf("%s draws %d rows of %s of %s, which has %d (there: %v)", c.Title, c.Rows, header, c.Table, table.Len, ok)
			}
		}
	}
	if diff := cmp.Diff([]string{
		"EC2 by instance type, month to date (USD)", "EBS by volume type, full month (USD)", "Cost by week (USD)", "Top 9 by cost, month to date (USD)",
	}, titles); diff != "" {
		t.Errorf("charts (-want +got):\n%s", diff)
	}
}

// TestTypesBeyondTheTwelfthAreOneRow: no bar is missing, and the rows add up.
func TestTypesBeyondTheTwelfthAreOneRow(t *testing.T) {
	for n, want := range map[int]int{1: 1, 12: 12, 13: 13, 14: 13, 40: 13} {
		r := cost.Report{}
		var sum price.USD
		for k := range n {
			i := &cost.Instance{Type: fleet.InstanceType(fmt.Sprintf("t%02d", k)), State: fleet.Running, Price: &cost.Price{}, Hours: 3600e9}
			i.Price.Status, i.Price.Rate.USD = price.Exact, price.Dollar*price.USD(k+1)
			r.Instances = append(r.Instances, i)
			sum = sum.Add(i.EC2().USD)
		}
		_, rows := rowsOf(t, r, "By_Type")
		if len(rows) != want {
			t.Errorf("%d types take %d rows, want %d", n, len(rows), want)
		}
		var got price.USD
		instances := 0
		for _, row := range rows {
			got = got.Add(dollars(t, row[3].(string)))
			instances += int(row[1].(int64))
		}
		if got != sum || instances != n {
			t.Errorf("%d types: %d instances at %v, want %d at %v", n, instances, got, n, sum)
		}
		if last := rows[len(rows)-1][0].(string); (last == fmt.Sprintf("%d other types", n-12)) != (n > 13) {
			t.Errorf("%d types: the last row is %s", n, last)
		}
	}
}

// TestTop20AreTheDearest compares with sorting everything.
func TestTop20AreTheDearest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r cost.Report
		var want []price.USD
		for n, cents := range rapid.SliceOfN(rapid.Int64Range(0, 30), 0, 60).Draw(t, "cents") {
			usd := price.Dollar * price.USD(cents) / 100
			amount := cost.Amount{USD: usd, Known: true}
			switch n % 3 {
			case 0:
				i := &cost.Instance{Price: &cost.Price{}, EBSToDate: amount}
				r.Instances = append(r.Instances, i)
				r.Volumes = append(r.Volumes, &cost.Volume{BilledTo: "i-1", ToDate: amount}) // is on the instance's row
			case 1:
				r.Volumes = append(r.Volumes, &cost.Volume{ToDate: amount})
			default:
				r.Lines = append(r.Lines, &cost.Line{ToDate: amount, Price: &cost.Price{}})
			}
			if usd > 0 {
				want = append(want, usd)
			}
		}
		slices.SortFunc(want, func(a, b price.USD) int { return int(b - a) })
		want = want[:min(len(want), 20)]
		table, n, ok := column(sheet.Workbook{Report: r}, "Top_20", "MonthToDate(USD)")
		if !ok {
			t.Fatal("no table Top_20")
		}
		var got []price.USD
		for values := range table.Rows {
			got = append(got, values[n].(price.USD))
		}
		if !slices.Equal(want, got) {
			t.Fatalf("top %v, want %v", got, want)
		}
	})
}

// TestLabelsAreShortAndStraight: names do not turn the text of a chart around.
func TestLabelsAreShortAndStraight(t *testing.T) {
	names := []string{"\u202eevil\u2066", strings.Repeat("long", 100), "two\nlines", "결제-서버"}
	var r cost.Report
	for n, name := range names {
		i := &cost.Instance{Name: name, Type: "m5.large", Price: &cost.Price{}}
		i.EBSToDate = cost.Amount{USD: price.USD(100 - n), Known: true}
		r.Instances = append(r.Instances, i)
	}
	_, rows := rowsOf(t, r, "Top_20")
	for n, want := range []string{"evil (m5.large)", "longlonglonglonglon… (m5.large)", "twolines (m5.large)", "결제-서버 (m5.large)"} {
		if rows[n][0] != want {
			t.Errorf("%q is called %q, want %q", names[n], rows[n][0], want)
		}
	}
}

// TestOnlyUsesThatAreThereAreDrawn: a legend does not name what is all zero.
func TestOnlyUsesThatAreThereAreDrawn(t *testing.T) {
	uses := func(volumes ...fleet.Volume) []string {
		r := build(t, estate{instances: []fleet.Instance{server("i-1")}, volumes: volumes}, seoulPrices(t), cost.Options{})
		for _, c := range (sheet.Workbook{Report: r}).Charts() {
			if c.Table == "By_Volume_Type" {
				return c.Values
			}
		}
		return nil
	}
	attached, free, other := disk("vol-1", fleet.GP3, 10, "i-1"), disk("vol-2", fleet.GP3, 10), disk("vol-3", fleet.GP3, 10, "i-gone")
	for n, got := range [][]string{uses(attached), uses(attached, free), uses(attached, free, other), uses()} {
		want := [][]string{{"Attached(USD)"}, {"Attached(USD)", "Unattached(USD)"}, {"Attached(USD)", "Unattached(USD)", "Of instances left out(USD)"}, nil}[n]
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("uses (-want +got):\n%s", diff)
		}
	}
}
