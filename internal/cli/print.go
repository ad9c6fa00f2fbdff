package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"nightshift/internal/price"
	"nightshift/internal/text"
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
func (a *commandLine) printJSON(v any) error {
	enc := json.NewEncoder(a.Stdout)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("print the answer: %w", err)
	}
	return nil
}

// show prints an answer: for programs as data of a kind, for people by print, and
// with --quiet not at all.
func (a *commandLine) show(kind string, data any, print func()) error {
	if a.json {
		return a.printJSON(envelope{1, kind, data})
	}
	if !a.quiet {
		print()
	}
	return nil
}

// moment is how people read a time.
const moment = "Mon 2006-01-02 15:04 MST"

// table prints rows in aligned columns, below the header if it has one.
type table struct {
	header []string
	rows   [][]string
	// numbers is true where all columns but the first hold numbers, which
	// stand at the right.
	numbers bool
}

func (t *table) add(cells ...string) {
	for n := range cells {
		cells[n] = text.Printable(cells[n])
	}
	t.rows = append(t.rows, cells)
}

// print writes the table, or nothing when it has no rows.
func (t *table) print(w io.Writer) {
	if len(t.rows) == 0 {
		return
	}
	rows := t.rows
	if t.header != nil {
		rows = append([][]string{t.header}, rows...)
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for n, cell := range row {
			widths[n] = max(widths[n], text.Width(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for n, cell := range row {
			gap := strings.Repeat(" ", widths[n]-text.Width(cell))
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
		widest := text.Width(t.header[column])
		for _, row := range t.rows {
			widest = max(widest, text.Width(row[column]))
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

// dollars writes money with two decimals and thousands apart.
func dollars(u price.USD) string {
	digits, cents, _ := strings.Cut(u.Cents().String(), ".")
	for n := len(digits) - 3; n > len(digits)-len(strings.TrimLeft(digits, "-")); n -= 3 {
		digits = digits[:n] + "," + digits[n:]
	}
	return "$" + digits + "." + cents
}

// splitList cuts a list at commas and white space.
func splitList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' })
}
