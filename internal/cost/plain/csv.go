package plain

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"nightshift/internal/cost/sheet"
)

// Detail is the table that WriteCSV writes where none is named.
const Detail = "EC2_Detail_Costs"

// WriteCSV writes one table of the report as in RFC 4180: UTF-8 without a byte
// order mark, commas, lines that end in CR LF, the headers of the columns first.
// Money has all its digits, hours are decimal, times are as in RFC 3339; what is
// not known is empty. Carriage returns inside of a text are left out. An empty
// name is Detail; one that the report does not have is an error.
//
// Spreadsheets take a text that begins like a formula for one, and run it. Such a
// text gets an apostrophe in front: see guarded. Numbers never do.
func WriteCSV(w io.Writer, r sheet.Workbook, name string) error {
	if name == "" {
		name = Detail
	}
	table, err := find(r, name)
	if err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	row := make([]string, len(table.Columns))
	for n, column := range table.Columns {
		row[n] = guarded(column.Header)
	}
	if err := out.Write(row); err != nil {
		return fmt.Errorf("table %s as CSV: %w", table.Name, err)
	}
	for values := range table.Rows {
		for n, value := range values {
			row[n] = exact(value)
			if text, ok := value.(string); ok {
				row[n] = guarded(text)
			}
		}
		if err := out.Write(row); err != nil {
			return fmt.Errorf("table %s as CSV: %w", table.Name, err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("table %s as CSV: %w", table.Name, err)
	}
	return nil
}

// guarded keeps spreadsheets from taking a text for a formula: one that begins
// with = + - @, their full-width forms, a tab or a line break gets an apostrophe
// in front, and so does what follows a tab, a semicolon or a line break inside of
// it, because some settings begin a new cell there. A reader that wants the text
// as it was drops apostrophes before these characters.
// See "CSV Injection" of the Open Worldwide Application Security Project.
func guarded(text string) string {
	if !strings.ContainsAny(text, formulas) {
		return text
	}
	var b strings.Builder
	first := true
	for _, r := range text {
		if first && strings.ContainsRune(formulas, r) {
			b.WriteByte('\'')
		}
		b.WriteRune(r)
		first = strings.ContainsRune("\t\r\n;", r)
	}
	return b.String()
}

// formulas are the characters with which a formula or a hidden new cell begins.
const formulas = "=+-@\t\r\n＝＋－＠"
