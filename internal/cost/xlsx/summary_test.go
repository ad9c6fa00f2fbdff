package xlsx_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"nightshift/internal/cost"
	"nightshift/internal/cost/recommend"
	"nightshift/internal/cost/sheet"
	"nightshift/internal/cost/xlsx"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

func limited(t testing.TB, r sheet.Workbook, rows int) *excelize.File {
	t.Helper()
	var b bytes.Buffer
	if err := xlsx.WriteLimited(&b, r, rows); err != nil {
		t.Fatal(err)
	}
	return open(t, b.Bytes())
}

// TestLongTablesGoOnInTheNextSheet writes 25 instances to sheets of ten rows
// below the header.
func TestLongTablesGoOnInTheNextSheet(t *testing.T) {
	r := reportOf(t, many(25))
	f := limited(t, r, 11)
	var got []string
	for _, sheet := range []string{"EC2_Detail_Costs", "EC2_Detail_Costs_2", "EC2_Detail_Costs_3"} {
		rows, err := f.GetRows(sheet)
		if err != nil {
			t.Fatal(err)
		}
		if rows[0][1] != "InstanceId" {
			t.Errorf("%s begins with %v, want the header", sheet, rows[0])
		}
		for _, row := range rows[1:] {
			got = append(got, row[1])
		}
		panes, err := f.GetPanes(sheet)
		if err != nil || !panes.Freeze {
			t.Errorf("%s: panes %+v, %v; want the header frozen", sheet, panes, err)
		}
		if area := definedName(f, sheet, "_xlnm.Print_Area"); !strings.HasSuffix(area, fmt.Sprintf("$M$%d", len(rows))) {
			t.Errorf("%s prints %q, want its %d rows", sheet, area, len(rows))
		}
	}
	var want []string
	for _, i := range r.Instances {
		want = append(want, string(i.ID))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if n, err := f.GetSheetIndex("EC2_Detail_Costs_4"); err != nil || n >= 0 {
		t.Errorf("there is a fourth sheet: %d, %v", n, err)
	}
	if formula := formulaOf(t, f, "EC2 instances"); strings.Count(formula, "EC2_Detail_Costs") != 3 {
		t.Errorf("EC2 is %s, want a sum over three sheets", formula)
	}
}

// TestFullSheetsNeedNoNext holds the limit: a table that fits exactly.
func TestFullSheetsNeedNoNext(t *testing.T) {
	f := limited(t, reportOf(t, many(20)), 21)
	if n, err := f.GetSheetIndex("EC2_Detail_Costs_2"); err != nil || n >= 0 {
		t.Errorf("20 rows and a header on sheets of 21 rows take a second sheet: %d, %v", n, err)
	}
}

func definedName(f *excelize.File, sheet, name string) string {
	for _, d := range f.GetDefinedName() {
		if d.Scope == sheet && d.Name == name {
			return d.RefersTo
		}
	}
	return ""
}

// cellOf is the cell of the value of a figure on the summary.
func cellOf(t testing.TB, f *excelize.File, label string) string {
	t.Helper()
	found := find(t, f, label)
	if len(found) != 1 || found[0][0] != 'B' {
		t.Fatalf("%q stands in the cells %v of the summary, want one of column B", label, found)
	}
	return "C" + found[0][1:]
}

// find are the cells of the summary that hold a text.
func find(t testing.TB, f *excelize.File, text string) []string {
	t.Helper()
	rows, err := f.GetRows("Summary")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for y, row := range rows {
		for x, cell := range row {
			if cell != text {
				continue
			}
			name, err := excelize.CoordinatesToCellName(x+1, y+1)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, name)
		}
	}
	return found
}

func formulaOf(t testing.TB, f *excelize.File, label string) string {
	t.Helper()
	formula, err := f.GetCellFormula("Summary", cellOf(t, f, label))
	if err != nil {
		t.Fatal(err)
	}
	return formula
}

// TestSumsAreFormulasWithTheirValues calculates every formula of the summary and
// compares the result with the value that is kept next to it, on one sheet a
// table and on several.
func TestSumsAreFormulasWithTheirValues(t *testing.T) {
	r := reportOf(t, many(25))
	r.Recommendations = []recommend.Recommendation{{Target: seoul, Code: "unattached-volume", Resource: "vol-1", Saving: price.Dollar * 3, Certain: true}}
	for _, limit := range []int{7, 1000} {
		f := limited(t, r, limit)
		formulas := 0
		for row := 1; row < 60; row++ {
			for _, column := range []string{"B", "C", "E"} {
				cell := column + strconv.Itoa(row)
				formula, err := f.GetCellFormula("Summary", cell)
				if err != nil {
					t.Fatal(err)
				}
				if formula == "" {
					continue
				}
				formulas++
				kept, err := f.GetCellValue("Summary", cell, excelize.Options{RawCellValue: true})
				if err != nil {
					t.Fatal(err)
				}
				calculated, err := f.CalcCellValue("Summary", cell, excelize.Options{RawCellValue: true})
				if err != nil {
					t.Fatal(err)
				}
				if math.Abs(number(t, kept)-number(t, calculated)) > 1e-6 || number(t, kept) == 0 {
					t.Errorf("sheets of %d rows: %s is %s, which is %s; beside it stands %s", limit, cell, formula, calculated, kept)
				}
			}
		}
		if formulas < 4 {
			t.Errorf("sheets of %d rows: %d formulas, want month to date, run rate, EC2 and EBS at least", limit, formulas)
		}
	}
}

func number(t testing.TB, text string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSummaryOpensOnTheAnswer(t *testing.T) {
	r := reportOf(t, many(25))
	f := open(t, write(t, r))
	if f.GetActiveSheetIndex() != 0 || f.GetSheetName(0) != "Summary" {
		t.Errorf("the workbook opens on sheet %d, %s", f.GetActiveSheetIndex(), f.GetSheetName(0))
	}
	s := r.Summary()
	for cell, want := range map[string]string{"B1": s.Title, "B2": s.Scope, "B5": "Month to date (USD)", "C5": "Forecast for November (USD)", "E5": "Run rate (USD a month)"} {
		if got, err := f.GetCellValue("Summary", cell); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", cell, got, err, want)
		}
	}
	for _, table := range r.Tables() {
		found := append(find(t, f, table.Name), find(t, f, fmt.Sprintf("%s, %d rows", table.Name, table.Len))...)
		if len(found) != 1 {
			t.Errorf("%s stands in %v, want one cell", table.Name, found)
			continue
		}
		linked, to, err := f.GetCellHyperLink("Summary", found[0])
		if err != nil || !linked || to != "'"+table.Name+"'!A1" {
			t.Errorf("the name %s leads to %q, %v", table.Name, to, err)
		}
	}
}

// TestChartsDrawCells compares what the charts refer to with the tables.
func TestChartsDrawCells(t *testing.T) {
	r := reportOf(t, many(25))
	workbook := write(t, r)
	all := parts(t, workbook)
	if len(r.Charts()) < 3 {
		t.Fatalf("charts %+v, want three at least", r.Charts())
	}
	for n, c := range r.Charts() {
		text := all[fmt.Sprintf("xl/charts/chart%d.xml", n+1)]
		if want := fmt.Sprintf("&#39;%s&#39;!$A$2:$A$%d", c.Table, c.Rows+1); !strings.Contains(text, want) {
			t.Errorf("chart %d does not draw %s", n+1, want)
		}
		if !strings.Contains(text, c.Title) {
			t.Errorf("chart %d does not have the title %q", n+1, c.Title)
		}
	}
	if !strings.Contains(all["xl/worksheets/sheet1.xml"], "<drawing ") {
		t.Error("the charts do not stand on the summary")
	}
}

func TestSheetsArePrintable(t *testing.T) {
	r := reportOf(t, many(3))
	workbook := write(t, r)
	for part, text := range parts(t, workbook) {
		if strings.Contains(text, "filterMode") {
			t.Errorf("%s says that a filter hides rows", part)
		}
	}
	f := open(t, workbook)
	for _, sheet := range sheetsOf(r) {
		layout, err := f.GetPageLayout(sheet)
		if err != nil || *layout.Size != 9 || *layout.Orientation != "landscape" || *layout.FitToWidth != 1 {
			t.Errorf("%s: layout %+v, %v; want landscape A4, one page wide", sheet, layout, err)
		}
		props, err := f.GetSheetProps(sheet)
		if err != nil || !*props.FitToPage {
			t.Errorf("%s does not fit its columns to the page: %v", sheet, err)
		}
		foot, err := f.GetHeaderFooter(sheet)
		if err != nil || !strings.Contains(foot.OddFooter, "Page &P of &N") {
			t.Errorf("%s: foot %+v, %v; want page numbers", sheet, foot, err)
		}
		if sheet != "Summary" && !strings.HasSuffix(definedName(f, sheet, "_xlnm.Print_Titles"), "!$1:$1") {
			t.Errorf("%s does not repeat its header", sheet)
		}
	}
}

// TestShadedColumns: the amounts that matter are shaded where there are any.
func TestShadedColumns(t *testing.T) {
	r := reportOf(t, many(3))
	r.Recommendations = []recommend.Recommendation{{Code: "unattached-volume", Saving: price.Dollar}}
	r.Lines = []*cost.Line{{Kind: cost.SnapshotLine, Price: &cost.Price{}}}
	f := open(t, write(t, r))
	for sheet, want := range map[string]string{
		"EC2_Detail_Costs": "M2:M4", "EBS_Summary": "B2:B2", "By_Type": "D2:D4", "Top_20": "F2:F4", "Findings": "D2:D2", "Other_Costs": "L2:L2", "Unattached_Volumes": "", "Prices": "",
	} {
		formats, err := f.GetConditionalFormats(sheet)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := formats[want]; ok != (want != "") || len(formats) > 1 {
			t.Errorf("%s: formats %v, want one of %q", sheet, formats, want)
		}
	}
}

// TestSummaryShowsNamesAsText puts hostile text into everything that the summary
// quotes.
func TestSummaryShowsNamesAsText(t *testing.T) {
	r := reportOf(t, many(3))
	r.Problems = []cost.Problem{{Target: fleet.Target{}, What: "=1+1", Err: errBell}}
	for _, name := range []string{"=cmd|'/c calc'!A1", "<b>&amp;"} {
		r.Recommendations = append(r.Recommendations, recommend.Recommendation{Code: "+x", Name: name, Reason: "@" + name, Saving: price.Dollar, Certain: true})
	}
	f := open(t, write(t, r))
	for text, where := range map[string]string{"+x: =cmd|'/c calc'!A1": "B", "+x: <b>&amp;": "B", "@<b>&amp;": "E", "=1+1: bell␇": "E"} {
		found := find(t, f, text)
		if len(found) != 1 || found[0][:1] != where {
			t.Errorf("%q stands in %v, want column %s", text, found, where)
			continue
		}
		if formula, err := f.GetCellFormula("Summary", found[0]); err != nil || formula != "" {
			t.Errorf("%q is the formula %s, %v", text, formula, err)
		}
	}
}

var errBell = errors.New("bell\a")
