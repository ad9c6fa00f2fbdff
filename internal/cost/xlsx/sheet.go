package xlsx

import (
	"fmt"
	"time"

	"github.com/xuri/excelize/v2"

	"nightshift/internal/cost/sheet"
	"nightshift/internal/price"
)

// addTables adds the sheets of all tables, with everything but their rows.
func (b *workbook) addTables() error {
	for _, name := range b.order {
		table := b.tables[name]
		fitted := widths(table.Table)
		for n := range table.sheets {
			if err := b.addSheet(table.Table, table.sheets[n], fitted); err != nil {
				return fmt.Errorf("sheet %s: %w", name, err)
			}
		}
	}
	return nil
}

// addSheet adds one sheet of a table.
func (b *workbook) addSheet(table sheet.Table, s part, widths []float64) error {
	if _, err := b.file.NewSheet(s.name); err != nil {
		return err
	}
	last, err := excelize.CoordinatesToCellName(len(table.Columns), s.rows+1)
	if err != nil {
		return err
	}
	// This comes first: it replaces the sheet's properties.
	if err := b.file.AutoFilter(s.name, "A1:"+last, nil); err != nil {
		return err
	}
	if err := b.file.SetSheetDimension(s.name, "A1:"+last); err != nil {
		return err
	}
	if err := b.layOut(s, table); err != nil {
		return err
	}
	if err := b.setView(s, table.Frozen, widths); err != nil {
		return err
	}
	return b.shade(s, table)
}

// layOut sets up printing: landscape A4, the printed columns as wide as one
// page, the header on every page, page numbers at the foot.
func (b *workbook) layOut(s part, table sheet.Table) error {
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

// paper is landscape A4, one page wide and at most n pages high, 0 being
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
func (b *workbook) setView(s part, frozen int, widths []float64) error {
	corner, err := excelize.CoordinatesToCellName(frozen+1, 2)
	if err != nil {
		return err
	}
	if err := b.file.SetPanes(s.name, &excelize.Panes{
		Freeze: true, XSplit: frozen, YSplit: 1, TopLeftCell: corner, ActivePane: "bottomRight",
		Selection: []excelize.Selection{{SQRef: corner, ActiveCell: corner, Pane: "bottomRight"}},
	}); err != nil {
		return err
	}
	for n, width := range widths {
		letter, err := excelize.ColumnNumberToName(n + 1)
		if err != nil {
			return err
		}
		if err := b.file.SetColWidth(s.name, letter, letter, width); err != nil {
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
	case "Unattached_Volumes", "Other_Costs", "Backups":
		return "Monthly(USD)"
	case "Findings":
		return "SavingMonthly(USD)"
	default:
		return ""
	}
}

// shade colours the cells of the shaded column.
func (b *workbook) shade(s part, table sheet.Table) error {
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

// cellValue is a value as a spreadsheet holds it.
func cellValue(value any) any {
	if text, ok := value.(string); ok {
		return safeText(text)
	}
	if number, ok := number(value); ok {
		return number
	}
	return value
}

// number is a value that is not a whole number as a spreadsheet holds it. Only
// here does money become a floating-point number. A time keeps the wall clock of
// its zone: cells have no zone.
func number(value any) (float64, bool) {
	switch v := value.(type) {
	case price.USD:
		return v.Float(), true
	case time.Duration:
		return v.Hours(), true
	case time.Time:
		return serial(v), true
	case float64:
		return v, true
	default:
		return 0, false
	}
}

// serial is a time as days since 1899-12-30, the way spreadsheets count (ECMA-376
// part 1, 18.17.4).
func serial(t time.Time) float64 {
	_, offset := t.Zone()
	const unixEpoch = 25569
	return unixEpoch + float64(t.Unix()+int64(offset))/86400
}
