package xlsx

import (
	"fmt"
	"runtime"
	"strconv"
	"time"

	"github.com/xuri/excelize/v2"
	"golang.org/x/sync/errgroup"

	"nightshift/internal/cost"
	"nightshift/internal/price"
)

// addTables adds the sheets of all tables. What all sheets share is set up one
// after the other; the rows of several tables are written at the same time.
func (b *workbook) addTables() error {
	sheets := make([][]*excelize.StreamWriter, len(b.order))
	for n, name := range b.order {
		table := b.tables[name]
		fitted := widths(table.Table)
		for part := range table.sheets {
			sheet, err := b.begin(table, part, fitted)
			if err != nil {
				return fmt.Errorf("sheet %s: %w", name, err)
			}
			sheets[n] = append(sheets[n], sheet)
		}
	}
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for n, name := range b.order {
		group.Go(func() error {
			if err := b.fill(b.tables[name], sheets[n]); err != nil {
				return fmt.Errorf("sheet %s: %w", name, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for n, name := range b.order {
		for _, sheet := range sheets[n] {
			if err := sheet.Flush(); err != nil {
				return fmt.Errorf("sheet %s: %w", name, err)
			}
		}
	}
	return nil
}

// fill writes the rows of a table into its sheets, one after the other.
func (b *workbook) fill(table placed, sheets []*excelize.StreamWriter) error {
	cells := make([]excelize.Cell, len(table.Columns))
	row := make([]any, len(table.Columns))
	part, line := 0, 1
	for values := range table.Rows {
		if line > table.sheets[part].rows {
			part, line = part+1, 1
		}
		line++
		for n, value := range values {
			row[n] = nil
			if value == nil || value == "" {
				continue
			}
			cells[n].Value, cells[n].StyleID = cellValue(value), b.styles.of(table.Columns[n].Format, value)
			row[n] = &cells[n]
		}
		if err := sheets[part].SetRow("A"+strconv.Itoa(line), row); err != nil {
			return err
		}
	}
	return nil
}

// begin adds the n-th sheet of a table with its header. Everything that stands
// before the rows in the file must be set before the first row is written, and
// what stands behind them before the sheet is flushed.
func (b *workbook) begin(table placed, n int, widths []float64) (*excelize.StreamWriter, error) {
	s := table.sheets[n]
	if _, err := b.file.NewSheet(s.name); err != nil {
		return nil, err
	}
	if err := b.layOut(s, table.Table); err != nil {
		return nil, err
	}
	sheet, err := b.file.NewStreamWriter(s.name)
	if err != nil {
		return nil, err
	}
	if err := setView(sheet, table.Frozen, widths); err != nil {
		return nil, err
	}
	last, err := excelize.CoordinatesToCellName(len(table.Columns), s.rows+1)
	if err != nil {
		return nil, err
	}
	if err := b.file.AutoFilter(s.name, "A1:"+last, nil); err != nil {
		return nil, err
	}
	if err := b.shade(s, table.Table); err != nil {
		return nil, err
	}
	header := make([]any, len(table.Columns))
	for n, column := range table.Columns {
		header[n] = excelize.Cell{StyleID: b.styles.heading(column.Format), Value: column.Header}
	}
	return sheet, sheet.SetRow("A1", header, excelize.RowOpts{Height: 20})
}

// layOut sets up printing: landscape A4, the printed columns as wide as one
// page, the header on every page, page numbers at the foot.
func (b *workbook) layOut(s part, table cost.Table) error {
	if err := b.paper(s.name, 0); err != nil {
		return err
	}
	if table.Printed > 0 {
		last, err := excelize.CoordinatesToCellName(table.Printed, s.rows+1, true)
		if err != nil {
			return err
		}
		if err := b.file.SetDefinedName(&excelize.DefinedName{
			Name: "_xlnm.Print_Area", RefersTo: "'" + s.name + "'!$A$1:" + last, Scope: s.name,
		}); err != nil {
			return err
		}
	}
	return b.file.SetDefinedName(&excelize.DefinedName{
		Name: "_xlnm.Print_Titles", RefersTo: "'" + s.name + "'!$1:$1", Scope: s.name,
	})
}

// paper is landscape A4, one page wide and at most so many pages high, 0 being
// any number.
func (b *workbook) paper(sheet string, high int) error {
	fit, a4, landscape, one := true, 9, "landscape", 1
	if err := b.file.SetSheetProps(sheet, &excelize.SheetPropsOptions{FitToPage: &fit}); err != nil {
		return err
	}
	if err := b.file.SetPageLayout(sheet, &excelize.PageLayoutOptions{
		Size: &a4, Orientation: &landscape, FitToWidth: &one, FitToHeight: &high,
	}); err != nil {
		return err
	}
	side, end := 0.4, 0.6 // inches
	if err := b.file.SetPageMargins(sheet, &excelize.PageLayoutMarginsOptions{
		Left: &side, Right: &side, Top: &side, Bottom: &end, Footer: &side,
	}); err != nil {
		return err
	}
	return b.file.SetHeaderFooter(sheet, &excelize.HeaderFooterOptions{OddFooter: b.footer})
}

// setView freezes the header with the first columns and sets the widths.
func setView(sheet *excelize.StreamWriter, frozen int, widths []float64) error {
	corner, err := excelize.CoordinatesToCellName(frozen+1, 2)
	if err != nil {
		return err
	}
	if err := sheet.SetPanes(&excelize.Panes{
		Freeze: true, XSplit: frozen, YSplit: 1, TopLeftCell: corner, ActivePane: "bottomRight",
		Selection: []excelize.Selection{{SQRef: corner, ActiveCell: corner, Pane: "bottomRight"}},
	}); err != nil {
		return err
	}
	for n, width := range widths {
		if err := sheet.SetColWidth(n+1, n+1, width); err != nil {
			return err
		}
	}
	return nil
}

// shaded is the column of a table whose amounts are the darker the higher they
// are, one a sheet so that it does not shout; empty where there is none.
func shaded(table string) string {
	switch table {
	case "EC2_Detail_Costs":
		return "TotalMonthly(USD)"
	case "EBS_Summary":
		return "TotalMonthlyUSD"
	case "By_Type":
		return "EC2MonthToDate(USD)"
	case "Top_20":
		return "MonthToDate(USD)"
	case "Unattached_Volumes", "Other_Costs":
		return "Monthly(USD)"
	case "Findings":
		return "SavingMonthly(USD)"
	default:
		return ""
	}
}

// shade colours the cells of the shaded column.
func (b *workbook) shade(s part, table cost.Table) error {
	for n, column := range table.Columns {
		if column.Header != shaded(table.Name) || s.rows == 0 {
			continue
		}
		letter, err := excelize.ColumnNumberToName(n + 1)
		if err != nil {
			return err
		}
		return b.file.SetConditionalFormat(s.name, fmt.Sprintf("%s2:%s%d", letter, letter, s.rows+1), []excelize.ConditionalFormatOptions{{
			Type: "2_color_scale", Criteria: "=", MinType: "num", MinValue: "0", MinColor: "#FFFFFF",
			// A few that are far dearer than all others must not leave those white.
			MaxType: "percentile", MaxValue: "95", MaxColor: "#" + paleBlue,
		}})
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
