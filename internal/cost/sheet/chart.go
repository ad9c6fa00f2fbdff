package sheet

// ChartKind is a kind of chart.
type ChartKind string

// The kinds of charts.
const (
	BarChart    ChartKind = "bar"    // horizontal, for names
	ColumnChart ChartKind = "column" // upright
	LineChart   ChartKind = "line"   // over time
)

// Chart draws columns of a table. Writers draw it in their own way: the
// workbook as a native chart of the table's cells, the page as SVG.
type Chart struct {
	Title string
	Kind  ChartKind
	// Table names the table, Category the column of names or dates, Values the
	// columns that are drawn, by their headers.
	Table    string
	Category string
	Values   []string
	// Rows is how many rows of the table are drawn, from the first on.
	Rows int
	// Stacked puts the values on top of one another.
	Stacked bool
}
