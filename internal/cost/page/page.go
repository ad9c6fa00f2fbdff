// Package page writes the cost report as one HTML file that needs nothing else:
// no script, no other file, no request. Charts are inline SVG.
//
// It may import cost/sheet, price and text.
package page

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"

	"nightshift/internal/cost/sheet"
	"nightshift/internal/text"
)

// rowsShown is how many rows of a table the page has at most.
const rowsShown = 200

//go:embed page.html
var layout string

//go:embed page.css
var style string

// Write writes the report as a page. Of a long table it shows the first 200 rows
// and says how many more there are. All text of the report is escaped. The same
// report gives the same bytes.
func Write(w io.Writer, r sheet.Workbook) error {
	t, err := template.New("page").Parse(layout)
	if err != nil {
		return fmt.Errorf("page: %w", err)
	}
	tables := r.Tables()
	p := view{
		Style:     template.CSS(style), //nolint:gosec // it is our own and holds nothing of the report
		Generated: r.Month.Now.Format("2006-01-02 15:04 MST"),
	}
	p.summary(r.Summary())
	for n, c := range r.Charts() {
		at := slices.IndexFunc(tables, func(t sheet.Table) bool { return t.Name == c.Table })
		if at < 0 {
			continue
		}
		if drawn, ok := draw(c, tables[at]); ok {
			drawn.ID = fmt.Sprintf("chart-%d", n+1)
			p.Charts = append(p.Charts, drawn)
		}
	}
	for _, table := range tables {
		p.Tables = append(p.Tables, viewOf(table))
	}
	for n := range p.Blocks {
		p.Blocks[n].link(tables)
	}
	if err := t.Execute(w, p); err != nil {
		return fmt.Errorf("page: %w", err)
	}
	return nil
}

// view is the report in the words of the layout.
type view struct {
	Style               template.CSS
	Title, Scope, Basis string
	Generated           string
	Headline            []figure
	Blocks              []block
	Charts              []picture
	Tables              []tableView
}

type block struct {
	Title   string
	Figures []figure
}

type figure struct {
	Label, Value, Unit, Note string
	Sheet                    string // the table to link to, empty where there is none
}

// link drops links to tables that are not there.
func (b block) link(tables []sheet.Table) {
	for n, f := range b.Figures {
		if !slices.ContainsFunc(tables, func(t sheet.Table) bool { return t.Name == f.Sheet }) {
			b.Figures[n].Sheet = ""
		}
	}
}

func (p *view) summary(s sheet.Summary) {
	p.Title, p.Scope, p.Basis = s.Title, s.Scope, s.Basis
	p.Headline = figures(s.Headline)
	for _, b := range s.Blocks {
		p.Blocks = append(p.Blocks, block{b.Title, figures(b.Figures)})
	}
}

func figures(list []sheet.Figure) []figure {
	all := make([]figure, len(list))
	for n, f := range list {
		all[n] = figure{f.Label, shown(f.Format, f.Value), f.Unit, f.Note, f.Sheet}
	}
	return all
}

// tableView is a table of the page.
type tableView struct {
	Name    string
	Len     string
	Columns []header
	Wide    bool // has more columns on paper than fit in plain size
	Rows    [][]cell
	More    string // how many rows it leaves out, empty for none
}

// header is the head of a column: words between which a line may be broken.
type header struct {
	Words []string
	Class string
}

// cell is a text with the class that it is styled by.
type cell struct{ Text, Class string }

func viewOf(table sheet.Table) tableView {
	s := tableView{Name: table.Name, Len: text.Count(table.Len, "row", "rows")}
	s.Wide = cmp.Or(table.Printed, len(table.Columns)) > 10
	classes := make([]string, len(table.Columns))
	for n, column := range table.Columns {
		classes[n] = classOf(column.Format)
		if table.Printed > 0 && n >= table.Printed {
			classes[n] += " screen" // not on paper
		}
		s.Columns = append(s.Columns, header{words(column.Header), classes[n]})
	}
	for values := range table.Rows {
		if len(s.Rows) == rowsShown {
			s.More = grouped(fmt.Sprint(table.Len - rowsShown))
			break
		}
		row := make([]cell, len(values))
		for n, value := range values {
			format := table.Columns[n].Format
			row[n] = cell{shown(format, value), classes[n] + more(format, value)}
		}
		s.Rows = append(s.Rows, row)
	}
	return s
}
