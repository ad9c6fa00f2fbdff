package xlsx

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"

	"nightshift/internal/cost/sheet"
)

const summarySheet = "Summary"

// The columns of the summary, the first being a margin. The charts are
// to the right of the notes.
const (
	labelColumn = iota + 2
	valueColumn
	unitColumn
	noteColumn
	gapColumn
	chartColumn
)

// summaryWidths are the widths of the columns, those below the charts included:
// what is not set differs from program to program.
func summaryWidths() []float64 {
	all := []float64{2, 30, 15, 13, 46, 2}
	for range 2 * chartColumns {
		all = append(all, chartColumnWidth)
	}
	return all
}

// Heights of rows in points.
const (
	plainHeight = 15.0
	cardHeight  = 33.0
	titleHeight = 28.0
)

// page is the summary while its rows are written one below the other.
type page struct {
	*workbook
	sheet   *excelize.StreamWriter
	heights []float64 // of the rows so far
	links   []link
}

// link leads from a cell to a sheet.
type link struct{ cell, sheet string }

// addSummary adds the first sheet: the answer, charts and the way to the other
// sheets.
func (b *workbook) addSummary(summary sheet.Summary, charts []sheet.Chart) error {
	if err := b.file.SetSheetName("Sheet1", summarySheet); err != nil {
		return err
	}
	if err := b.paper(summarySheet, 1); err != nil {
		return err
	}
	grid := false
	if err := b.file.SetSheetView(summarySheet, 0, &excelize.ViewOptions{ShowGridLines: &grid}); err != nil {
		return err
	}
	sheet, err := b.file.NewStreamWriter(summarySheet)
	if err != nil {
		return err
	}
	for n, width := range summaryWidths() {
		if err := sheet.SetColWidth(n+1, n+1, width); err != nil {
			return err
		}
	}
	p := page{workbook: b, sheet: sheet}
	if err := p.figures(summary); err != nil {
		return err
	}
	if err := p.contents(); err != nil {
		return err
	}
	for _, l := range p.links {
		if err := b.file.SetCellHyperLink(summarySheet, l.cell, "'"+l.sheet+"'!A1", "Location"); err != nil {
			return err
		}
	}
	if err := p.charts(charts); err != nil {
		return err
	}
	return sheet.Flush()
}

// row writes the next row, from the second column on.
func (p *page) row(height float64, cells ...any) error {
	p.heights = append(p.heights, height)
	return p.sheet.SetRow(p.cell(labelColumn), cells, excelize.RowOpts{Height: height})
}

// cell is the name of a cell of the row that was written last.
func (p *page) cell(column int) string {
	name, err := excelize.CoordinatesToCellName(column, len(p.heights))
	if err != nil {
		return "" // the columns are constants
	}
	return name
}

func (p *page) figures(s sheet.Summary) error {
	st := p.styles
	for _, line := range []struct {
		text   string
		style  int
		height float64
	}{{s.Title, st.title, titleHeight}, {s.Scope, st.quiet, plainHeight}, {s.Basis, st.quiet, plainHeight}, {"", st.quiet, plainHeight}} {
		if err := p.row(line.height, excelize.Cell{StyleID: line.style, Value: safeText(line.text)}); err != nil {
			return err
		}
	}
	if err := p.headline(s.Headline); err != nil {
		return err
	}
	for _, block := range s.Blocks {
		if err := p.section(block.Title); err != nil {
			return err
		}
		for _, f := range block.Figures {
			if err := p.figure(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// headline shows the figures side by side: over the labels, over values
// and units, over the notes.
func (p *page) headline(figures []sheet.Figure) error {
	columns := []int{labelColumn, valueColumn, noteColumn}
	lines := [3][]any{}
	for n := range lines {
		lines[n] = make([]any, noteColumn-labelColumn+1)
	}
	for n, f := range figures[:min(len(figures), len(columns))] {
		at := columns[n] - labelColumn
		lines[0][at] = excelize.Cell{StyleID: p.styles.quiet, Value: safeText(f.Label + " (" + f.Unit + ")")}
		lines[1][at] = excelize.Cell{StyleID: p.styles.big, Value: cellValue(f.Value), Formula: p.formula(f)}
		lines[2][at] = excelize.Cell{StyleID: p.styles.underBig, Value: safeText(f.Note)}
	}
	for n, height := range []float64{plainHeight, cardHeight, 2 * plainHeight} {
		if err := p.row(height, lines[n]...); err != nil {
			return err
		}
		if err := p.sheet.MergeCell(p.cell(valueColumn), p.cell(unitColumn)); err != nil {
			return err
		}
	}
	return nil
}

// section is an empty row and a title.
func (p *page) section(title string) error {
	if err := p.row(plainHeight); err != nil {
		return err
	}
	cells := make([]any, noteColumn-labelColumn+1)
	for n := range cells {
		cells[n] = excelize.Cell{StyleID: p.styles.section}
	}
	cells[0] = excelize.Cell{StyleID: p.styles.section, Value: title}
	return p.row(plainHeight+5, cells...)
}

func (p *page) figure(f sheet.Figure) error {
	label := p.styles.label
	to, linked := p.tables[f.Sheet]
	if linked {
		label = p.styles.link
	}
	lines := max(linesOf(f.Note, summaryWidths()[noteColumn-1]), linesOf(f.Label, summaryWidths()[labelColumn-1]))
	if err := p.row(plainHeight*float64(lines)+3,
		excelize.Cell{StyleID: label, Value: safeText(f.Label)},
		excelize.Cell{StyleID: p.styles.figure(f.Format), Value: cellValue(f.Value), Formula: p.formula(f)},
		excelize.Cell{StyleID: p.styles.quiet, Value: f.Unit},
		excelize.Cell{StyleID: p.styles.quietWrapped, Value: safeText(f.Note)},
	); err != nil {
		return err
	}
	if linked {
		p.links = append(p.links, link{p.cell(labelColumn), to.sheets[0].name})
	}
	return nil
}

// formula adds up what the figure adds up; empty where it is not a sum of cells.
func (p *page) formula(f sheet.Figure) string {
	var cells []string
	for _, sum := range f.Sum {
		found, ok := p.ranges(sum.Table, sum.Column, sum.Rows)
		if !ok {
			return ""
		}
		cells = append(cells, found...)
	}
	if len(cells) == 0 {
		return ""
	}
	return "SUM(" + strings.Join(cells, ",") + ")"
}

// contents lists the sheets, two in a row.
func (p *page) contents() error {
	if err := p.section("Sheets"); err != nil {
		return err
	}
	var all []part
	for _, name := range p.order {
		all = append(all, p.tables[name].sheets...)
	}
	for two := range slices.Chunk(all, 2) {
		cells := make([]any, noteColumn-labelColumn+1)
		for n, s := range two {
			name := excelize.Cell{StyleID: p.styles.link, Value: s.name}
			if n == 0 {
				cells[0] = name
				cells[valueColumn-labelColumn] = excelize.Cell{StyleID: p.styles.count, Value: s.rows}
				cells[unitColumn-labelColumn] = excelize.Cell{StyleID: p.styles.quiet, Value: "rows"}
			} else {
				name.Value = fmt.Sprintf("%s, %d rows", s.name, s.rows)
				cells[noteColumn-labelColumn] = name
			}
		}
		if err := p.row(plainHeight, cells...); err != nil {
			return err
		}
		for n, s := range two {
			column := []int{labelColumn, noteColumn}[n]
			p.links = append(p.links, link{p.cell(column), s.name})
		}
	}
	return nil
}

// linesOf is about how many lines a text takes in a column, three at most. Most
// letters are narrower than the digits by which columns are measured.
func linesOf(text string, width float64) int {
	columns := 0
	for _, r := range text {
		columns++
		if wideRune(r) {
			columns++
		}
	}
	return min(1+int(float64(columns)/width/1.1), 3)
}

// charts puts the charts to the right of the figures in two columns.
func (p *page) charts(charts []sheet.Chart) error {
	below := [2]int{1, 1} // the next free row of each column
	for _, c := range charts {
		t, ok := p.tables[c.Table]
		if !ok || c.Rows == 0 {
			continue
		}
		column := 0
		if below[1] < below[0] {
			column = 1
		}
		first := below[column]
		last := p.down(first, chartHeight(c))
		below[column] = last + 2
		cell, err := excelize.CoordinatesToCellName(chartColumn+column*chartColumns, first)
		if err != nil {
			return err
		}
		if err := p.addChart(cell, last-first+1, c, t); err != nil {
			return fmt.Errorf("chart %q: %w", c.Title, err)
		}
	}
	return nil
}

// down is the row at whose end something ends that begins with a row and is so
// many points high.
func (p *page) down(row int, points float64) int {
	for ; ; row++ {
		height := plainHeight
		if row <= len(p.heights) {
			height = p.heights[row-1]
		}
		if points -= height; points <= height/2 {
			return row
		}
	}
}
