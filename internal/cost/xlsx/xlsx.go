// Package xlsx writes the cost report as an Office Open XML workbook for Excel,
// LibreOffice and their like. It streams: memory does not grow with the cells.
// excelize makes the workbook and its summary; the rows of all other sheets are
// written here, into the parts that excelize has made.
//
// It may import cost/sheet and price, and is the only package that imports
// excelize.
package xlsx

import (
	"fmt"
	"io"
	"sort"
	"time"

	"github.com/xuri/excelize/v2"

	"nightshift/internal/cost/sheet"
)

// maxRows is how many rows a sheet holds, its header included.
const maxRows = 1_048_576

// Write writes the report as one workbook: a summary, then a sheet for each of
// its tables. Numbers are numbers, text is text whatever it begins with, and
// the only formulas are the sums of the summary. A table that is longer than a
// sheet can be goes on in the next: EC2_Detail_Costs_2, EC2_Detail_Costs_3.
// The same report gives the same bytes.
func Write(w io.Writer, r sheet.Workbook) error {
	return write(w, r, maxRows)
}

func write(w io.Writer, r sheet.Workbook, limit int) (err error) {
	b := workbook{file: excelize.NewFile(), tables: map[string]placed{}}
	defer func() {
		if closeErr := b.file.Close(); err == nil && closeErr != nil {
			err = fmt.Errorf("workbook: %w", closeErr)
		}
	}()
	parts := archive{}
	defer func() {
		if removeErr := parts.remove(); err == nil && removeErr != nil {
			err = fmt.Errorf("workbook: %w", removeErr)
		}
	}()
	b.file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return parts })
	if b.styles, err = newStyles(b.file); err != nil {
		return fmt.Errorf("workbook: %w", err)
	}
	summary := r.Summary()
	// At the foot of printed pages are what the report is, the sheet, the page.
	b.footer = "&L" + summary.Title + ", as of " + r.Month.Now.Format("2006-01-02") + "&C&A&RPage &P of &N"
	for _, table := range r.Tables() {
		b.assign(table, limit)
	}
	if err := b.addSummary(summary, r.Charts()); err != nil {
		return fmt.Errorf("workbook: sheet %s: %w", summarySheet, err)
	}
	if err := b.addTables(); err != nil {
		return fmt.Errorf("workbook: %w", err)
	}
	if err := b.file.SetDocProps(&excelize.DocProperties{
		Title: summary.Title, Creator: "nightshift",
		Created: r.Month.Now.UTC().Format(time.RFC3339), Modified: r.Month.Now.UTC().Format(time.RFC3339),
	}); err != nil {
		return fmt.Errorf("workbook: %w", err)
	}
	b.sortContentTypes()
	if err := b.file.Write(io.Discard); err != nil {
		return fmt.Errorf("workbook: %w", err)
	}
	if err := b.fill(parts); err != nil {
		return fmt.Errorf("workbook: %w", err)
	}
	if err := parts.writeTo(w); err != nil {
		return fmt.Errorf("workbook: %w", err)
	}
	return nil
}

// sortContentTypes gives the list of file extensions an order. With the first
// chart excelize adds those of images in the order of a map.
func (b *workbook) sortContentTypes() {
	if b.file.ContentTypes == nil {
		return
	}
	list := b.file.ContentTypes.Defaults
	sort.Slice(list, func(i, j int) bool { return list[i].Extension < list[j].Extension })
}

// workbook is a file that is being written.
type workbook struct {
	file   *excelize.File
	styles styles
	footer string
	// tables are placed before the first sheet is written, so that the summary
	// can refer to all of them; order is theirs.
	tables map[string]placed
	order  []string
}

// placed is a table with the sheets that hold it.
type placed struct {
	sheet.Table
	sheets []part
}

// part is a sheet with a number of rows below its header.
type part struct {
	name string
	rows int
}

// assign says which sheets hold a table if each holds at most limit rows, the
// header included.
func (b *workbook) assign(table sheet.Table, limit int) {
	p := placed{Table: table}
	for rest := table.Len; rest > 0 || len(p.sheets) == 0; rest -= limit - 1 {
		name := table.Name
		if len(p.sheets) > 0 {
			name = fmt.Sprintf("%s_%d", table.Name, len(p.sheets)+1)
		}
		p.sheets = append(p.sheets, part{name, min(rest, limit-1)})
	}
	b.tables[table.Name] = p
	b.order = append(b.order, table.Name)
}

// ranges are the cells of a column's first rows, or of all where rows is 0, on
// every sheet of the table. There are none where the table is empty, and it is
// false where there is no such column.
func (b *workbook) ranges(table, column string, rows int) ([]string, bool) {
	p, ok := b.tables[table]
	if !ok {
		return nil, false
	}
	for n, c := range p.Columns {
		if c.Header != column {
			continue
		}
		letter, err := excelize.ColumnNumberToName(n + 1)
		if err != nil {
			return nil, false
		}
		if rows == 0 {
			rows = p.Len
		}
		var found []string
		for _, s := range p.sheets {
			if have := min(rows, s.rows); have > 0 {
				found = append(found, fmt.Sprintf("'%s'!$%s$2:$%s$%d", s.name, letter, letter, have+1))
				rows -= have
			}
		}
		return found, true
	}
	return nil, false
}
