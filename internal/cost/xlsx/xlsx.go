// Package xlsx writes the cost report as an Office Open XML workbook for Excel,
// LibreOffice and their like. It streams: memory does not grow with the cells.
//
// It may import cost, fleet and price, and is the only package that imports
// excelize.
package xlsx

import (
	"archive/zip"
	"compress/flate"
	"fmt"
	"io"
	"time"

	"github.com/xuri/excelize/v2"

	"nightshift/internal/cost"
	"nightshift/internal/price"
)

// maxRows is how many rows a sheet holds, its header included.
const maxRows = 1_048_576

// Write writes the report's tables as one workbook, a sheet each. Numbers are
// numbers, text is text whatever it begins with, and there are no formulas. A
// table that is longer than a sheet can be is an error.
func Write(w io.Writer, r cost.Report) (err error) {
	f := excelize.NewFile()
	defer func() {
		// Closing removes the temporary files of long sheets.
		if closeErr := f.Close(); err == nil && closeErr != nil {
			err = fmt.Errorf("workbook: %w", closeErr)
		}
	}()
	// The archive goes straight to w: excelize would keep all of it in memory.
	f.SetZipWriter(func(io.Writer) excelize.ZipWriter { return fastZip(w) })
	styles, err := newStyles(f)
	if err != nil {
		return fmt.Errorf("workbook: %w", err)
	}
	for n, table := range r.Tables() {
		if err := addSheet(f, n, table, styles); err != nil {
			return fmt.Errorf("workbook: sheet %s: %w", table.Name, err)
		}
	}
	if err := f.SetDocProps(&excelize.DocProperties{
		Title: "EC2 and EBS costs " + r.Month.Start.Format("2006-01"), Creator: "nightshift",
		Created: r.Generated.UTC().Format(time.RFC3339), Modified: r.Generated.UTC().Format(time.RFC3339),
	}); err != nil {
		return fmt.Errorf("workbook: %w", err)
	}
	if err := f.Write(io.Discard); err != nil {
		return fmt.Errorf("workbook: %w", err)
	}
	return nil
}

// fastZip compresses at the fastest level, which takes a third of the time and
// makes files only a little larger: rows of a report are much alike.
func fastZip(w io.Writer) *zip.Writer {
	z := zip.NewWriter(w)
	z.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(out, flate.BestSpeed)
	})
	return z
}

// addSheet adds the n-th sheet. Everything that stands before the rows in the
// file must be set before the first row is written.
func addSheet(f *excelize.File, n int, table cost.Table, styles styles) error {
	if table.Len >= maxRows {
		return fmt.Errorf("%d rows do not fit on one sheet; report fewer regions or accounts at once", table.Len)
	}
	if n == 0 {
		if err := f.SetSheetName("Sheet1", table.Name); err != nil {
			return err
		}
	} else if _, err := f.NewSheet(table.Name); err != nil {
		return err
	}
	if err := layOut(f, table); err != nil {
		return err
	}
	sheet, err := f.NewStreamWriter(table.Name)
	if err != nil {
		return err
	}
	if err := setView(sheet, table); err != nil {
		return err
	}
	if err := writeRows(sheet, table, styles); err != nil {
		return err
	}
	last, err := excelize.CoordinatesToCellName(len(table.Columns), table.Len+1)
	if err != nil {
		return err
	}
	if err := f.AutoFilter(table.Name, "A1:"+last, nil); err != nil {
		return err
	}
	return sheet.Flush()
}

// layOut sets up printing: landscape A4, the printed columns as wide as one
// page, the header on every page.
func layOut(f *excelize.File, table cost.Table) error {
	fit, a4, landscape, one, many := true, 9, "landscape", 1, 0
	if err := f.SetSheetProps(table.Name, &excelize.SheetPropsOptions{FitToPage: &fit}); err != nil {
		return err
	}
	if err := f.SetPageLayout(table.Name, &excelize.PageLayoutOptions{
		Size: &a4, Orientation: &landscape, FitToWidth: &one, FitToHeight: &many,
	}); err != nil {
		return err
	}
	if table.Printed > 0 {
		last, err := excelize.CoordinatesToCellName(table.Printed, table.Len+1, true)
		if err != nil {
			return err
		}
		if err := f.SetDefinedName(&excelize.DefinedName{
			Name: "_xlnm.Print_Area", RefersTo: "'" + table.Name + "'!$A$1:" + last, Scope: table.Name,
		}); err != nil {
			return err
		}
	}
	return f.SetDefinedName(&excelize.DefinedName{
		Name: "_xlnm.Print_Titles", RefersTo: "'" + table.Name + "'!$1:$1", Scope: table.Name,
	})
}

// setView freezes the header with the first columns and sets the widths.
func setView(sheet *excelize.StreamWriter, table cost.Table) error {
	corner, err := excelize.CoordinatesToCellName(table.Frozen+1, 2)
	if err != nil {
		return err
	}
	if err := sheet.SetPanes(&excelize.Panes{
		Freeze: true, XSplit: table.Frozen, YSplit: 1, TopLeftCell: corner, ActivePane: "bottomRight",
		Selection: []excelize.Selection{{SQRef: corner, ActiveCell: corner, Pane: "bottomRight"}},
	}); err != nil {
		return err
	}
	for n, width := range widths(table) {
		if err := sheet.SetColWidth(n+1, n+1, width); err != nil {
			return err
		}
	}
	return nil
}

func writeRows(sheet *excelize.StreamWriter, table cost.Table, styles styles) error {
	header := make([]any, len(table.Columns))
	cells := make([]excelize.Cell, len(table.Columns))
	row := make([]any, len(table.Columns))
	for n, column := range table.Columns {
		header[n] = excelize.Cell{StyleID: styles.heading(column.Format), Value: column.Header}
	}
	if err := sheet.SetRow("A1", header, excelize.RowOpts{Height: 20}); err != nil {
		return err
	}
	line := 1
	for values := range table.Rows {
		line++
		for n, value := range values {
			row[n] = nil
			if value == nil || value == "" {
				continue
			}
			cells[n].Value, cells[n].StyleID = cellValue(value), styles.of(table.Columns[n].Format, value)
			row[n] = &cells[n]
		}
		if err := sheet.SetRow(fmt.Sprintf("A%d", line), row); err != nil {
			return err
		}
	}
	return nil
}

// cellValue is a value as a spreadsheet holds it. Only here does money become
// a floating-point number. A time keeps the wall clock of its zone: cells have
// no zone.
func cellValue(value any) any {
	switch v := value.(type) {
	case string:
		return safeText(v)
	case price.USD:
		return v.Float()
	case time.Duration:
		return v.Hours()
	case time.Time:
		return serial(v)
	default:
		return v
	}
}

// serial is a time as days since 1899-12-30, the way spreadsheets count (ECMA-376
// part 1, 18.17.4).
func serial(t time.Time) float64 {
	_, offset := t.Zone()
	const unixEpoch = 25569
	return unixEpoch + float64(t.Unix()+int64(offset))/86400
}
