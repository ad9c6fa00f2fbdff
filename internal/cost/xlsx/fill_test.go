package xlsx_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"nightshift/internal/cost"
	"nightshift/internal/cost/recommend"
	"nightshift/internal/cost/sheet"
	"nightshift/internal/price"
)

// full is a report with rows on every sheet that needs no history.
func full(t testing.TB, e estate) sheet.Workbook {
	t.Helper()
	r := reportOf(t, e)
	r.Recommendations = []recommend.Recommendation{{Target: seoul, Code: "unattached-volume", Resource: "vol-1", Reason: "a < b && c", Saving: price.Dollar * 3, Certain: true}}
	r.Lines = []*cost.Line{{Kind: cost.SnapshotLine, ID: "snap-1", Price: &cost.Price{}, Since: now}}
	r.Problems = []cost.Problem{{Target: seoul, What: "spot", Err: errBell}}
	return r
}

// TestEveryCellIsThatOfItsTable reads every cell back, on one sheet a table and
// on several.
func TestEveryCellIsThatOfItsTable(t *testing.T) {
	for name, r := range map[string]sheet.Workbook{"many": full(t, many(25)), "hostile": full(t, named(hostile()))} {
		for _, limit := range []int{11, 1000} {
			t.Run(name+" "+strconv.Itoa(limit), func(t *testing.T) {
				f := limited(t, r, limit)
				for _, table := range r.Tables() {
					var want [][]string
					for values := range table.Rows {
						var row []string
						for _, value := range values {
							row = append(row, content(t, value))
						}
						want = append(want, row)
					}
					if len(want) != table.Len {
						t.Fatalf("%s has %d rows and says %d", table.Name, len(want), table.Len)
					}
					if diff := cmp.Diff(want, cells(t, f, table, limit)); diff != "" {
						t.Errorf("%s (-want +got):\n%s", table.Name, diff)
					}
				}
			})
		}
	}
}

// content is what a cell must hold, after its kind: a text, a number or
// nothing.
func content(t *testing.T, value any) string {
	t.Helper()
	var number float64
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		if v == "" {
			return ""
		}
		for _, name := range hostile() {
			if v == name[0] {
				v = name[1]
			}
		}
		return "text " + strings.ReplaceAll(v, "\a", "␇")
	case int64:
		number = float64(v)
	case float64:
		number = v
	case price.USD:
		number = v.Float()
	case time.Duration:
		number = v.Hours()
	case time.Time:
		_, offset := v.Zone()
		wall := v.Add(time.Duration(offset) * time.Second)
		number = float64(wall.Unix()-time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).Unix()) / 86400
	default:
		t.Fatalf("a table holds a %T", v)
	}
	return "number " + strconv.FormatFloat(number, 'f', -1, 64)
}

// cells are the contents of a table's sheets below their headers.
func cells(t *testing.T, f *excelize.File, table sheet.Table, limit int) [][]string {
	t.Helper()
	var all [][]string
	for n, left := 1, table.Len; left > 0; n++ {
		sheet := table.Name
		if n > 1 {
			sheet += "_" + strconv.Itoa(n)
		}
		rows := min(left, limit-1)
		left -= rows
		last, err := excelize.CoordinatesToCellName(len(table.Columns), rows+1)
		if err != nil {
			t.Fatal(err)
		}
		if area, err := f.GetSheetDimension(sheet); err != nil || area != "A1:"+last {
			t.Errorf("%s says that it is %s, %v; want A1:%s", sheet, area, err, last)
		}
		for x, column := range table.Columns {
			if got := cellContent(t, f, sheet, x+1, 1); got != "text "+column.Header {
				t.Errorf("%s: column %d is %s, want %s", sheet, x+1, got, column.Header)
			}
		}
		for y := range rows {
			var row []string
			for x := range table.Columns {
				row = append(row, cellContent(t, f, sheet, x+1, y+2))
			}
			all = append(all, row)
		}
	}
	return all
}

func cellContent(t *testing.T, f *excelize.File, sheet string, column, row int) string {
	t.Helper()
	cell, err := excelize.CoordinatesToCellName(column, row)
	if err != nil {
		t.Fatal(err)
	}
	value, err := f.GetCellValue(sheet, cell, excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	kind, err := f.GetCellType(sheet, cell)
	if err != nil {
		t.Fatal(err)
	}
	style, err := f.GetCellStyle(sheet, cell)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case value == "":
		return ""
	case style == 0:
		return "without a style: " + value
	case kind == excelize.CellTypeInlineString:
		return "text " + value
	case kind == excelize.CellTypeUnset:
		return "number " + value
	default:
		return "other " + value
	}
}
