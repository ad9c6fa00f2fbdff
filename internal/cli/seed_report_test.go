package cli_test

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// The cells that differ on purpose stand in reportDifferences; TestSeedReport
// fails on any other, and on one that no longer differs as it says.

// difference is a cell in which nightshift's report differs from the script's.
type difference struct {
	row    string // the first cell of the row; the same name may be on several
	column string
	// script and ours are what the two write: a number, a text or a formula.
	script, ours any
	why          string
}

// formula is a cell that a spreadsheet computes.
type formula string

// The reasons.
const (
	firstSKU  = "MaxResults=1 takes the first SKU that comes, here reserved capacity at $0.00"
	licence   = "the script knows no platform but Linux and Windows: the licence is not in its price"
	dedicated = "MaxResults=1 takes the first SKU that comes, and only of shared tenancy"
	iops      = "IOPS and throughput beyond the free ones are billed"
	ioTable   = "the script's table has 0.138 for io1 and io2, the list 0.1278; IOPS are billed"
	shared    = "a Multi-Attach volume is one volume: its cost stands at its first instance only"
	coldTable = "the script's table has 0.030 for sc1, the list 0.0174, and nothing for standard, which it takes for 0.1; the list has 0.08"
	liveText  = "the text of a tag is text, whatever it begins with"
)

// soFar is the script's month so far in hours: 24 for each day, today's included.
const soFar = 22 * 24

// The list prices of Seoul that the differences come from.
const (
	gp3, gp3IOPS, gp3MiBps = 0.0912, 0.0057, 46.6944 / 1024
	piops, piopsIOPS       = 0.1278, 0.0666 // io1, and io2 up to 32,000 IOPS
)

// reportDifferences are all cells of the default account that differ on
// purpose. Prices an hour are those of the price list.
func reportDifferences() []difference {
	return []difference{
		{"개발-WAS-1", "EC2Monthly(USD)", 0.0, soFar * 0.118, firstSKU},
		{"qa-windows-01", "EC2Monthly(USD)", 0.0, soFar * 0.42, firstSKU},
		{"web-asg", "EC2Monthly(USD)", 0.0, soFar * 0.026, firstSKU},
		{"vpn-gateway", "EC2Monthly(USD)", 0.0, soFar * 0.026, firstSKU},
		{"=cmd|'/c calc'!A1", "EC2Monthly(USD)", 0.0, soFar * 0.0234, firstSKU},
		{"new-service", "EC2Monthly(USD)", 0.0, soFar * (0.26018 + 4*0.00175), firstSKU + "; " + licence},
		{"analytics-rhel", "EC2Monthly(USD)", soFar * 0.13009, soFar * (0.13009 + 2*0.0201), licence},
		{"sap-suse", "EC2Monthly(USD)", soFar * 0.67032, soFar * (0.67032 + 0.125), licence},
		{"hsm-dedicated", "EC2Monthly(USD)", 0.0, soFar * 0.118 * 1.1, dedicated},

		{"개발-WAS-1", "EBSMonthly(USD)", 150 * gp3, 150*gp3 + (4000-3000)*gp3IOPS + (250-125)*gp3MiBps, iops},
		{"회계-SQL서버", "EBSMonthly(USD)", 500*gp3 + 100*0.138, 500*gp3 + (6000-3000)*gp3IOPS + (500-125)*gp3MiBps + 100*piops + 2000*piopsIOPS, iops + "; " + ioTable},
		{"운영-DB-1", "EBSMonthly(USD)", 50*gp3 + 200*0.138, 50*gp3 + 200*piops + 5000*piopsIOPS, ioTable},
		{"운영-DB-2", "EBSMonthly(USD)", 200*0.138 + 50*gp3, 50 * gp3, shared},
		{"old-archive", "EBSMonthly(USD)", 40*0.1 + 1000*0.030, 40*0.08 + 1000*0.0174, coldTable},
		{"sap-suse", "EBSMonthly(USD)", 1124 * gp3, 1124*gp3 + (12000-3000)*gp3IOPS + (500-125)*gp3MiBps, iops},

		{"gp3", "TotalMonthlyUSD", 2672 * gp3, 2672*gp3 + (1000+3000+9000)*gp3IOPS + (125+375+375)*gp3MiBps, iops},
		{"io1", "TotalMonthlyUSD", 100 * 0.138, 100*piops + 2000*piopsIOPS, ioTable},
		{"io2", "TotalMonthlyUSD", 2 * 200 * 0.138, 200*piops + 5000*piopsIOPS, ioTable + "; " + shared},
		{"sc1", "TotalMonthlyUSD", 1000 * 0.030, 1000 * 0.0174, coldTable},
		{"standard", "TotalMonthlyUSD", 40 * 0.1, 40 * 0.08, coldTable},

		{"=cmd|'/c calc'!A1", "Name", formula("cmd|'/c calc'!A1"), "=cmd|'/c calc'!A1", liveText},
	}
}

// TestSeedReport writes the report of the default account with the script and
// with nightshift, both to the bucket, and compares the workbooks cell by cell.
func TestSeedReport(t *testing.T) {
	scripts := findSeed(t)
	theirs, ours := reports(t, scripts, practice(t), practice(t))
	list := reportDifferences()
	found := make([]bool, len(list))
	compare(t, theirs, ours, func(row, column string, script, our any) {
		if column == "TotalMonthly(USD)" {
			return // held by checkTotals
		}
		if column == "EC2Monthly(USD)" && strings.HasPrefix(row, "spot-") {
			// The script takes the on-demand price of what runs on Spot.
			ours, _ := our.(float64)
			if theirs, _ := script.(float64); ours <= 0 || ours >= theirs {
				t.Errorf("%s: %v at the spot price, and the script writes %v", row, our, script)
			}
			return
		}
		n := slices.IndexFunc(list, func(d difference) bool { return d.row == row && d.column == column })
		if n < 0 {
			t.Errorf("%s, %s: the script writes %v, nightshift %v; this difference is not intended", row, column, script, our)
			return
		}
		found[n] = true
		if d := list[n]; !sameCell(cents(d.script), script) || !sameCell(cents(d.ours), our) {
			t.Errorf("%s, %s: the script writes %v, nightshift %v; want %v and %v, because %s", row, column, script, our, cents(d.script), cents(d.ours), d.why)
		}
	})
	for n, d := range list {
		if !found[n] {
			t.Errorf("%s, %s: no difference any more; there was one because %s", d.row, d.column, d.why)
		}
	}
	checkTotals(t, theirs)
	checkTotals(t, ours)
}

// TestSeedReportOfFleet compares what the reports say about a generated fleet,
// except for the amounts.
func TestSeedReportOfFleet(t *testing.T) {
	scripts := findSeed(t)
	fleet := func() *sandbox.Server {
		return sandboxtest.Start(t, sandbox.Options{Start: evening(), Speed: -1, Fleet: 300, Buckets: []string{seedBucket}})
	}
	theirs, ours := reports(t, scripts, fleet(), fleet())
	compare(t, theirs, ours, func(row, column string, script, our any) {
		switch column {
		case "EC2Monthly(USD)", "EBSMonthly(USD)", "TotalMonthly(USD)", "TotalMonthlyUSD":
		default:
			t.Errorf("%s, %s: the script writes %v, nightshift %v", row, column, script, our)
		}
	})
	checkTotals(t, theirs)
	checkTotals(t, ours)
}

// reports runs the script on one account and nightshift on another that is
// alike, and reads both workbooks from the bucket.
func reports(t *testing.T, scripts seed, theirs, ours *sandbox.Server) (script, our *excelize.File) {
	t.Helper()
	key := "ec2/ec2_monthly_costs_" + evening().Format("20060102") + ".xlsx"
	want := map[string]any{"statusCode": 200.0, "body": "Report uploaded to s3://" + seedBucket + "/" + key}
	answer := scripts.call(t, theirs, "cost_report.py", "{}")
	if diff := cmp.Diff(want, answer); diff != "" {
		t.Errorf("the script's answer (-want +got)\n%s", diff)
	}
	answer, code := command(t, ours, "report", "--bucket", seedBucket, "--hours", "assumed", "--timezone", "UTC")
	for name, value := range want {
		if answer[name] != value {
			t.Errorf("%s is %v, want %v", name, answer[name], value)
		}
	}
	if code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	return workbook(t, theirs, key), workbook(t, ours, key)
}

func workbook(t *testing.T, account *sandbox.Server, key string) *excelize.File {
	t.Helper()
	object, ok := account.Sandbox().Object(seedBucket, key)
	if !ok {
		t.Fatalf("no object %s in %s", key, seedBucket)
	}
	f, err := excelize.OpenReader(bytes.NewReader(object))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// compare calls differs for each cell of the script's workbook that is not the
// same in ours. Sheets, columns and rows must be the same, in the same order;
// ours may have more columns behind them, and more sheets.
func compare(t *testing.T, theirs, ours *excelize.File, differs func(row, column string, script, our any)) {
	t.Helper()
	sheets := theirs.GetSheetList()
	kept := slices.DeleteFunc(ours.GetSheetList(), func(name string) bool { return !slices.Contains(sheets, name) })
	if diff := cmp.Diff(sheets, kept); diff != "" {
		t.Fatalf("sheets (-script +nightshift)\n%s", diff)
	}
	for _, sheet := range sheets {
		script, our := cells(t, theirs, sheet), cells(t, ours, sheet)
		if len(script) != len(our) {
			t.Fatalf("%s: %d rows, the script has %d", sheet, len(our), len(script))
		}
		header := script[0]
		if diff := cmp.Diff(header, our[0][:len(header)]); diff != "" {
			t.Fatalf("%s: header (-script +nightshift)\n%s", sheet, diff)
		}
		for n := 1; n < len(script); n++ {
			for column, name := range header {
				if a, b := script[n][column], our[n][column]; !sameCell(a, b) {
					differs(fmt.Sprint(our[n][0]), fmt.Sprint(name), a, b)
				}
			}
		}
	}
}

// cells reads a sheet: numbers as float64, text as string, formulas as formula,
// empty cells as nil. All rows are as long as the header.
func cells(t *testing.T, f *excelize.File, sheet string) [][]any {
	t.Helper()
	rows, err := f.GetRows(sheet, excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	out := make([][]any, len(rows))
	for r := range rows {
		for c := range rows[0] {
			name, err := excelize.CoordinatesToCellName(c+1, r+1)
			if err != nil {
				t.Fatal(err)
			}
			out[r] = append(out[r], cell(t, f, sheet, name))
		}
	}
	return out
}

func cell(t *testing.T, f *excelize.File, sheet, name string) any {
	t.Helper()
	value, err := f.GetCellValue(sheet, name, excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	computed, err := f.GetCellFormula(sheet, name)
	if err != nil {
		t.Fatal(err)
	}
	kind, err := f.GetCellType(sheet, name)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case computed != "":
		return formula(computed)
	case kind == excelize.CellTypeNumber || kind == excelize.CellTypeUnset:
		if value == "" {
			return nil
		}
		var number float64
		if _, err := fmt.Sscan(value, &number); err != nil {
			t.Fatalf("%s!%s: %q is not a number: %v", sheet, name, value, err)
		}
		return number
	default:
		return value
	}
}

// sameCell compares two cells. The script adds up floating-point numbers.
func sameCell(a, b any) bool {
	x, isNumber := a.(float64)
	y, areNumbers := b.(float64)
	if isNumber && areNumbers {
		return math.Abs(x-y) < 1e-6
	}
	return a == b
}

// cents rounds an expected amount, as both reports do.
func cents(cell any) any {
	if usd, ok := cell.(float64); ok {
		return math.Round(usd*100) / 100
	}
	return cell
}

// checkTotals holds TotalMonthly(USD) to be the sum of the two cells before it.
func checkTotals(t *testing.T, f *excelize.File) {
	t.Helper()
	for n, row := range cells(t, f, "EC2_Detail_Costs") {
		if n == 0 {
			continue
		}
		sum := row[10].(float64) + row[11].(float64)
		if !sameCell(sum, row[12]) {
			t.Errorf("%v: TotalMonthly(USD) is %v, want %v + %v", row[0], row[12], row[10], row[11])
		}
	}
}
