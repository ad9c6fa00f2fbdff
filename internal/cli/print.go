package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"nightshift/internal/price"
)

// envelope is around all JSON of this command but the answers of stop, start
// and report, whose shape is older than it. Version changes when a reader of
// Data would notice.
type envelope struct {
	Version int    `json:"version"`
	Kind    string `json:"kind"`
	Data    any    `json:"data"`
}

// printJSON prints a value on a line of its own. HTML characters stay as they
// are, so that names are readable.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.Stdout)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("print the answer: %w", err)
	}
	return nil
}

// table prints rows in aligned columns.
type table struct {
	header []string
	rows   [][]string
	// numbers is true where all columns but the first hold numbers, which
	// stand at the right.
	numbers bool
}

func (t *table) add(cells ...string) {
	for n := range cells {
		cells[n] = printable(cells[n])
	}
	t.rows = append(t.rows, cells)
}

// print writes the table, or nothing when it has no rows.
func (t *table) print(w io.Writer) {
	if len(t.rows) == 0 {
		return
	}
	widths := make([]int, len(t.header))
	rows := append([][]string{t.header}, t.rows...)
	for _, row := range rows {
		for n, cell := range row {
			widths[n] = max(widths[n], columns(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for n, cell := range row {
			gap := strings.Repeat(" ", widths[n]-columns(cell))
			if t.numbers && n > 0 {
				line.WriteString(gap + cell + "  ")
			} else {
				line.WriteString(cell + gap + "  ")
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// fit leaves out columns of these names, one after the other, until the table is
// as wide as the screen. A screen of no width is none: everything is printed.
func (t *table) fit(screen int, names ...string) {
	for _, name := range names {
		column := slices.Index(t.header, name)
		if screen == 0 || column < 0 || t.width() <= screen {
			continue
		}
		t.header = slices.Delete(slices.Clone(t.header), column, column+1)
		for n := range t.rows {
			t.rows[n] = slices.Delete(t.rows[n], column, column+1)
		}
	}
}

// width is how many columns of a terminal the table takes.
func (t *table) width() int {
	sum := 0
	for column := range t.header {
		widest := columns(t.header[column])
		for _, row := range t.rows {
			widest = max(widest, columns(row[column]))
		}
		sum += widest + 2
	}
	return sum - 2
}

// idle are the names of the columns that say nothing in any row.
func (t *table) idle() []string {
	var names []string
	for column, name := range t.header {
		if !slices.ContainsFunc(t.rows, func(row []string) bool { return row[column] != "-" && row[column] != "" }) {
			names = append(names, name)
		}
	}
	return names
}

// columns is the width of a text on a terminal: Korean, Chinese and Japanese
// characters take two columns, combining marks none.
func columns(s string) int {
	n := 0
	for _, r := range s {
		switch k := width.LookupRune(r).Kind(); {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case k == width.EastAsianWide || k == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

// printable makes a text safe for a terminal: characters that would move the
// cursor or change colours become visible escapes. Tags are written by anyone.
func printable(s string) string {
	if strings.IndexFunc(s, unsafe) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unsafe(r) {
			fmt.Fprintf(&b, "\\u%04x", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func unsafe(r rune) bool { return !unicode.IsPrint(r) }

// dollars writes money with two decimals and thousands apart.
func dollars(u price.USD) string {
	digits, cents, _ := strings.Cut(u.Cents().String(), ".")
	for n := len(digits) - 3; n > len(digits)-len(strings.TrimLeft(digits, "-")); n -= 3 {
		digits = digits[:n] + "," + digits[n:]
	}
	return "$" + digits + "." + cents
}
