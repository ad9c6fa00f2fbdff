package xlsx

import (
	"fmt"
	"math"
	"slices"

	"github.com/xuri/excelize/v2"

	"nightshift/internal/cost/sheet"
	"nightshift/internal/price"
)

// The size of charts. One is seven columns wide and a bit less, so that there is
// a gap to the next.
const (
	chartColumns     = 7
	chartColumnWidth = 8.43 // characters, which are 64 pixels
	chartPixels      = chartColumns*64 - 16
	namesShown       = 6  // below a line chart
	rowPixels        = 18 // of a row of the default height, as excelize calculates
)

// chartHeight is how high a chart is in points: the bars of names need space.
func chartHeight(c sheet.Chart) float64 {
	if c.Kind == sheet.BarChart {
		return 75 + 20*float64(max(c.Rows, 4))
	}
	return 260
}

// seriesOf are the columns of a table's first sheet that a chart draws.
func seriesOf(c sheet.Chart, table placed) ([]excelize.ChartSeries, error) {
	first := table.sheets[0]
	last := min(c.Rows, first.rows) + 1
	column := func(header string) (string, error) {
		n := slices.IndexFunc(table.Columns, func(c sheet.Column) bool { return c.Header == header })
		if n < 0 {
			return "", fmt.Errorf("table %s has no column %s", table.Name, header)
		}
		return excelize.ColumnNumberToName(n + 1)
	}
	names, err := column(c.Category)
	if err != nil {
		return nil, err
	}
	var series []excelize.ChartSeries
	for n, header := range c.Values {
		values, err := column(header)
		if err != nil {
			return nil, err
		}
		colors := seriesColors()
		color := colors[n%len(colors)]
		series = append(series, excelize.ChartSeries{
			Name:       fmt.Sprintf("'%s'!$%s$1", first.name, values),
			Categories: fmt.Sprintf("'%s'!$%s$2:$%s$%d", first.name, names, names, last),
			Values:     fmt.Sprintf("'%s'!$%s$2:$%s$%d", first.name, values, values, last),
			Fill:       fill(color),
			Line:       excelize.LineOptions{Width: 2.25},
			Marker:     excelize.ChartMarker{Symbol: "circle", Size: 5, Fill: fill(color)},
		})
	}
	return series, nil
}

// addChart draws a chart of a table's cells. It is as high as a number of rows
// from its cell on, whatever their heights: excelize calculates with rows of the
// default height.
func (b *workbook) addChart(cell string, rows int, c sheet.Chart, table placed) error {
	series, err := seriesOf(c, table)
	if err != nil {
		return err
	}
	gap, full := uint(40), 100
	unit, marks := step(highest(c, table.Table)), countFormat
	if unit != math.Trunc(unit) {
		marks = moneyFormat
	}
	axis := excelize.Font{Size: 9, Color: grey}
	chart := &excelize.Chart{
		Type: chartType(c), Series: series, GapWidth: &gap,
		Title:     excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: c.Title, Font: &excelize.Font{Bold: true, Size: 11, Color: dark}}}},
		Legend:    excelize.ChartLegend{Position: "none"},
		Dimension: excelize.ChartDimension{Width: chartPixels, Height: uint(rows * rowPixels)},
		XAxis:     excelize.ChartAxis{Font: axis},
		YAxis: excelize.ChartAxis{
			Font: axis, MajorGridLines: true, MajorUnit: unit, NumFmt: excelize.ChartNumFmt{CustomNumFmt: marks},
		},
		Border: excelize.LineOptions{Type: excelize.LineSolid, Width: 0.75, Fill: fill("D9D9D9")},
		Format: excelize.GraphicOptions{AltText: c.Title + ", from sheet " + table.sheets[0].name},
	}
	if len(series) > 1 {
		chart.Legend = excelize.ChartLegend{Position: "bottom"}
	}
	if c.Stacked {
		chart.Overlap = &full
	}
	if c.Kind == sheet.LineChart {
		chart.XAxis.TickLabelSkip = (c.Rows + namesShown - 1) / namesShown
	}
	if c.Kind == sheet.BarChart {
		// Bars are drawn from the bottom up; the first row belongs at the top.
		chart.XAxis.ReverseOrder = true
		chart.YAxis.TickLabelPosition = excelize.ChartTickLabelHigh
	}
	return b.file.AddChart(summarySheet, cell, chart)
}

// highest is the greatest value that the chart shows, or sum of values where
// they are stacked.
func highest(c sheet.Chart, table sheet.Table) float64 {
	var most float64
	left := c.Rows
	for values := range table.Rows {
		if left--; left < 0 {
			break
		}
		var sum float64
		for n, column := range table.Columns {
			usd, ok := values[n].(price.USD)
			if !ok || !slices.Contains(c.Values, column.Header) {
				continue
			}
			if !c.Stacked {
				sum = 0
			}
			sum += usd.Float()
			most = max(most, sum)
		}
	}
	return most
}

// step is the distance of an axis's marks: 1, 2, 2.5 or 5 times a power of ten, so
// that there are four at most.
func step(highest float64) float64 {
	if highest <= 0 {
		return 0 // the program's own choice
	}
	power := math.Pow(10, math.Floor(math.Log10(highest/4)))
	for _, times := range []float64{1, 2, 2.5, 5} {
		if times*power*4 >= highest {
			return times * power
		}
	}
	return 10 * power
}

func chartType(c sheet.Chart) excelize.ChartType {
	switch {
	case c.Kind == sheet.LineChart:
		return excelize.Line
	case c.Kind == sheet.BarChart && c.Stacked:
		return excelize.BarStacked
	case c.Kind == sheet.BarChart:
		return excelize.Bar
	case c.Stacked:
		return excelize.ColStacked
	default:
		return excelize.Col
	}
}
