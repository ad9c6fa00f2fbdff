package cost_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"nightshift/internal/cost"
	"nightshift/internal/cost/sheet"
	"nightshift/internal/cost/trend"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// withHistory is a report that has a trend with a gap, changes and savings.
func withHistory(t *testing.T) sheet.Workbook {
	t.Helper()
	r := sheet.Workbook{Report: report(&cost.Instance{ID: "i-1", Name: "web", State: fleet.Stopped, LaunchTime: nov(1, 0)})}
	r.Trend = trendOf(t,
		dayOf(date(t, "2026-10-12"), spent("i-1", 12*price.Dollar, -1)),
		dayOf(date(t, "2026-11-09"), spent("i-1", 9*price.Dollar, 30*price.Dollar)),
		dayOf(date(t, "2026-11-15"), spent("i-1", 15*price.Dollar, 30*price.Dollar)),
		dayOf(date(t, "2026-11-22"), spent("i-1", 29*price.Dollar, 30*price.Dollar)))
	r.Changes = compare(t, 1,
		[]trend.Row{machineRow("i-1", "m5.large", price.Dollar, 100), diskRow("vol-1", 100, 0)},
		[]trend.Row{machineRow("i-1", "m5.large", price.Dollar, 40), diskRow("vol-1", 200, 0)})
	r.Savings = cost.SavingsOf(r.Report, []fleet.Act{stop("i-1", nov(22, 0))}, november())
	return r
}

// cellsOf finds a column by its header.
func cellsOf(t *testing.T, headers []string, rows [][]any, name string) []any {
	t.Helper()
	n := slices.Index(headers, name)
	if n < 0 {
		t.Fatalf("no column %q in %q", name, headers)
	}
	var values []any
	for _, row := range rows {
		values = append(values, row[n])
	}
	return values
}

func TestSheetsOfTheHistory(t *testing.T) {
	r := withHistory(t)
	for _, c := range []struct {
		sheet, column string
		want          []any
	}{
		{"Trend", "Week", []any{"2026-09-28", "2026-10-05", "2026-10-12", "2026-10-19", "2026-10-26", "2026-11-02", "2026-11-09", "2026-11-16"}},
		{"Trend", "Total(USD)", []any{4 * price.Dollar, 7 * price.Dollar, price.Dollar, nil, price.Dollar, 7 * price.Dollar, 7 * price.Dollar, 14 * price.Dollar}},
		{"Trend", "Change(USD)", []any{nil, nil, nil, nil, nil, nil, price.USD(0), nil}},
		{"Trend", "EBS(USD)", []any{price.USD(0), price.USD(0), price.USD(0), nil, price.USD(0), price.USD(0), price.USD(0), price.USD(0)}},
		{"Trend_Months", "Month", []any{"2026-10", "2026-11"}},
		{"Trend_Months", "Note", []any{"incomplete", "incomplete"}},
		{"Trend_Detail", "Group", []any{"EC2", "tag Team"}},
		{"Trend_Detail", "Item", []any{"m5.large", "team of i-1"}},
		{"Trend_Detail", "2026-11-16 (USD)", []any{14 * price.Dollar, 14 * price.Dollar}},
		{"Movers", "Name", []any{"name of i-1", "All others that changed", "All resources"}},
		{"Movers", "MainCause", []any{"hours", "size", "hours"}},
		{"Movers", "Difference(USD)", []any{-438 * price.Dollar, 10 * price.Dollar, -428 * price.Dollar}},
		{"Movers", "Resized(USD)", []any{price.USD(0), 10 * price.Dollar, 10 * price.Dollar}},
		{"Movers", "Before 2026-11-15 (USD/month)", []any{730 * price.Dollar, 10 * price.Dollar, 740 * price.Dollar}},
		{"Savings", "InstanceId", []any{"i-1"}},
		{"Savings", "Net(USD)", []any{9 * price.Dollar / 10}},
		{"Savings_By_Schedule", "Schedule", []any{"(none)", "All"}},
		{"Savings_By_Schedule", "Net(USD)", []any{9 * price.Dollar / 10, 9 * price.Dollar / 10}},
	} {
		headers, rows := tableOf(t, r, c.sheet)
		if got := cellsOf(t, headers, rows, c.column); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s, %s: %v, want %v", c.sheet, c.column, got, c.want)
		}
	}
}

// TestGapIsAnEmptyCell draws nothing where nothing is known.
func TestGapIsAnEmptyCell(t *testing.T) {
	r := withHistory(t)
	r.Trend = trendOf(t,
		dayOf(date(t, "2026-08-31"), spent("i-1", 31*price.Dollar, 31*price.Dollar)),
		dayOf(date(t, "2026-10-02"), spent("i-1", 2*price.Dollar, 30*price.Dollar)))
	headers, rows := tableOf(t, r, "Trend_Months")
	for _, name := range []string{"EC2(USD)", "EBS(USD)", "Other(USD)", "Total(USD)", "Change(USD)"} {
		if got := cellsOf(t, headers, rows, name)[1]; got != nil {
			t.Errorf("%s of a gap is %v", name, got)
		}
	}
}

// TestTrendIsExactInJSON: amounts are decimal strings, gaps null.
func TestTrendIsExactInJSON(t *testing.T) {
	got := trendOf(t,
		dayOf(date(t, "2026-08-31"), spent("i-1", 31*price.Dollar, 31*price.Dollar)),
		dayOf(date(t, "2026-10-02"), spent("i-1", price.Dollar/3, 30*price.Dollar)))
	text, err := json.Marshal(got.Months[1:])
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"start":"2026-09-01","last":"2026-09-30","ec2_usd":null,"ebs_usd":null,"other_usd":null,"total_usd":null,"days":0,"incomplete":true,"estimated":false,"unpriced":0},` +
		`{"start":"2026-10-01","last":"2026-10-31","ec2_usd":"0.3333333333","ebs_usd":"0.00","other_usd":"0.00","total_usd":"0.3333333333","days":2,"incomplete":true,"estimated":false,"unpriced":0}]`
	if string(text) != want {
		t.Errorf("got\n%s, want\n%s", text, want)
	}
	var back []trend.Period
	if err := json.Unmarshal(text, &back); err != nil || back[1].Start != date(t, "2026-10-01") || *back[1].EC2 != price.Dollar/3 {
		t.Error(back, err)
	}
}
