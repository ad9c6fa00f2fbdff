package xlsx

import (
	"encoding/xml"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"nightshift/internal/cost/sheet"
	"nightshift/internal/price"
)

// sheetRow is a row as other programs read it.
type sheetRow struct {
	Row   int `xml:"r,attr"`
	Cells []struct {
		Ref    string  `xml:"r,attr"`
		Style  int     `xml:"s,attr"`
		Type   string  `xml:"t,attr"`
		Number *string `xml:"v"`
		Text   *struct {
			Space string `xml:"http://www.w3.org/XML/1998/namespace space,attr"`
			Text  string `xml:",chardata"`
		} `xml:"is>t"`
	} `xml:"c"`
}

// read writes a row of values in columns of one format and reads it again.
func read(t rapid.TB, format sheet.Format, values ...any) sheetRow {
	t.Helper()
	w, err := newRowWriter(make([]sheet.Column, len(values)), styles{text: 1, textAmongNumbers: 2, count: 3, decimal: 4, money: 5, rate: 6, hours: 7, moment: 8})
	if err != nil {
		t.Fatal(err)
	}
	for n := range w.columns {
		w.columns[n].Format = format
	}
	b, err := w.appendRow(nil, 42, values)
	if err != nil {
		t.Fatal(err)
	}
	var row sheetRow
	if err := xml.Unmarshal(b, &row); err != nil {
		t.Fatalf("%q: %v", b, err)
	}
	return row
}

var spreadsheetEscape = regexp.MustCompile(`_x([0-9A-Fa-f]{4})_`)

// TestAnyTextIsWellFormedXML writes texts of any characters and bytes, with what
// means something to XML and to spreadsheets among them, and reads them as they
// do.
func TestAnyTextIsWellFormedXML(t *testing.T) {
	piece := rapid.OneOf(rapid.String(), rapid.StringMatching(`_?x?[0-9A-Fa-f]{0,5}_?`), rapid.StringMatching(`[<>&"' \t\r\n\]]{0,4}`),
		rapid.SampledFrom([]string{"_x005F_", "_x0041_", "_xD800_", "]]>", "<!--", "</row>", "\x00", "\xff", "\ufffe", "😀", "_"}))
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(piece, 1, 8).Draw(t, "pieces"), "")
		if text == "" {
			return
		}
		cells := read(t, sheet.Text, text).Cells
		if len(cells) != 1 || cells[0].Type != "inlineStr" || cells[0].Text == nil {
			t.Fatalf("cells %+v, want one text", cells)
		}
		got := spreadsheetEscape.ReplaceAllStringFunc(cells[0].Text.Text, func(escape string) string {
			r, err := strconv.ParseUint(escape[2:6], 16, 16)
			if err != nil {
				t.Fatal(err)
			}
			return string(rune(r))
		})
		if want := safeText(text); got != want {
			t.Errorf("%q reads %q, want %q", text, got, want)
		}
		if kept := cells[0].Text.Space == "preserve"; !kept && strings.Trim(got, " \t\n") != got {
			t.Errorf("%q may lose the blanks at its ends", text)
		}
	})
}

func TestNumbersInCells(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.FixedZone("KST", 9*3600))
	row := read(t, sheet.Decimal, int64(math.MinInt64), nil, 1e21, "", price.Dollar/10_000_000_000, 90*time.Minute, noon, -0.1, math.NaN(), math.Inf(-1))
	var got []string
	for _, c := range row.Cells {
		value := "text"
		if c.Number != nil && c.Type == "" {
			value = *c.Number
		}
		if c.Text != nil && c.Type == "inlineStr" {
			value += " " + c.Text.Text
		}
		got = append(got, c.Ref+" "+strconv.Itoa(c.Style)+" "+value)
	}
	want := []string{
		"A42 3 -9223372036854775808", "C42 4 1000000000000000000000", "E42 5 0.0000000001", "F42 7 1.5", "G42 8 46348.5", "H42 4 -0.1",
		"I42 4 text NaN", "J42 4 text -Inf",
	}
	if diff := cmp.Diff(want, got); diff != "" || row.Row != 42 {
		t.Errorf("row %d (-want +got):\n%s", row.Row, diff)
	}
}

func TestUnknownValuesAreNotWritten(t *testing.T) {
	w, err := newRowWriter([]sheet.Column{{Header: "Odd"}}, styles{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.appendRow(nil, 2, []any{struct{}{}}); err == nil || !strings.Contains(err.Error(), "column Odd") {
		t.Errorf("error %v, want one that names the column", err)
	}
}

// TestHeadersAreAnyText holds that headers are as safe as values are.
func TestHeadersAreAnyText(t *testing.T) {
	w, err := newRowWriter([]sheet.Column{{Header: "a<b\x00"}, {}}, styles{})
	if err != nil {
		t.Fatal(err)
	}
	var row sheetRow
	if err := xml.Unmarshal(w.appendHeader(nil), &row); err != nil {
		t.Fatal(err)
	}
	if len(row.Cells) != 2 || row.Cells[0].Text.Text != "a<b␀" || row.Cells[1].Text.Text != "" {
		t.Errorf("header %+v", row)
	}
}

// TestSheetsHaveTheRowsTheySay: a table that counts its rows wrongly is not a
// workbook that lacks some.
func TestSheetsHaveTheRowsTheySay(t *testing.T) {
	three := sheet.Table{Name: "Three", Columns: []sheet.Column{{Header: "Row", Format: sheet.Count}}, Rows: func(yield func([]any) bool) {
		for n := range int64(3) {
			if !yield([]any{n}) {
				return
			}
		}
	}}
	for rows, want := range map[int]string{2: "more than 2 rows", 3: "", 4: "only 1 of 2 rows"} {
		b := workbook{tables: map[string]placed{}}
		three.Len = rows
		b.assign(three, 3)
		d, err := newDeflater()
		if err != nil {
			t.Fatal(err)
		}
		var sheets []*entry
		for range b.tables["Three"].sheets {
			sheets = append(sheets, &entry{})
			sheets[len(sheets)-1].made.WriteString("<worksheet><sheetData></sheetData></worksheet>")
		}
		err = b.fillTable(d, b.tables["Three"], sheets)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%d rows: error %v, want %q", rows, err, want)
		}
	}
}
