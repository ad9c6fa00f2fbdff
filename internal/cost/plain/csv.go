package plain

import (
	"encoding/csv"
	"fmt"
	"io"

	"nightshift/internal/cost/sheet"
	"nightshift/internal/text"
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
// text gets an apostrophe in front: see text.Cell. Numbers never do.
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
		row[n] = text.Cell(column.Header)
	}
	if err := out.Write(row); err != nil {
		return fmt.Errorf("table %s as CSV: %w", table.Name, err)
	}
	for values := range table.Rows {
		for n, value := range values {
			row[n] = exact(value)
			if s, ok := value.(string); ok {
				row[n] = text.Cell(s)
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
