package main

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// tag is what finds all dashboards of nightshift.
const tag = "nightshift"

// columns is the width of Grafana's grid.
const columns = 24

// board is a dashboard.
type board struct {
	// file is its name in deploy/grafana, uid what links to it.
	file, uid, title, description string
	tags                          []string
	// since is how far back it looks at first, refresh how often it reads again.
	since, refresh string
	source         source
	variables      []cog.Builder[dashboard.VariableModel]
	annotations    []cog.Builder[dashboard.AnnotationQuery]
	rows           []row
}

// row is a heading and the lines of panels below it.
type row struct {
	title string
	lines []line
}

// line is panels side by side.
type line struct {
	height uint32
	cells  []cell
}

// cell is a panel, and how many columns it has; 0 is its share of those that are left.
type cell struct {
	width uint32
	panel cog.Builder[dashboard.Panel]
}

// source is the kind of the data that a dashboard reads.
type source string

const (
	fromPrometheus source = "prometheus"
	fromCloudWatch source = "cloudwatch"
)

// ref is the data source that the reader has chosen.
func (s source) ref() common.DataSourceRef {
	kind, uid := string(s), "$datasource"
	return common.DataSourceRef{Type: &kind, Uid: &uid}
}

// variable lets the reader choose the data source.
func (s source) variable() cog.Builder[dashboard.VariableModel] {
	return dashboard.NewDatasourceVariableBuilder("datasource").Label("Data source").Type(string(s))
}

// build makes the dashboard. Grafana's newer format is not understood by older ones,
// the one that the library calls deprecated is by all.
//
//nolint:staticcheck // as above
func (b board) build() (dashboard.Dashboard, error) {
	builder := dashboard.NewDashboardBuilder(b.title).Uid(b.uid).Description(b.description).Tags(append([]string{tag}, b.tags...)).
		Timezone(common.TimeZoneBrowser).Readonly().Tooltip(dashboard.DashboardCursorSyncCrosshair).
		Time("now-"+b.since, "now").Refresh(b.refresh).
		Link(dashboard.NewDashboardLinkBuilder("nightshift").Type(dashboard.DashboardLinkTypeDashboards).
			Tags([]string{tag}).Tooltip("The other dashboards of nightshift").IncludeVars(true).KeepTime(true)).
		WithVariable(b.source.variable()).Annotations(b.annotations)
	for _, v := range b.variables {
		builder.WithVariable(v)
	}
	made, err := builder.Build()
	if err != nil {
		return made, err
	}
	// The library would hide both in a menu.
	for n := range made.Links {
		made.Links[n].Placement = nil
	}
	for n := range made.Annotations.List {
		made.Annotations.List[n].Placement = nil
	}
	made.Panels, err = b.panels()
	return made, err
}

// panels places all panels on the grid.
func (b board) panels() ([]dashboard.PanelOrRowPanel, error) {
	var all []dashboard.PanelOrRowPanel
	var y uint32
	for _, r := range b.rows {
		heading := dashboard.NewRowPanel()
		heading.Title, heading.Id = &r.title, uint32(len(all)+1)
		heading.GridPos = &dashboard.GridPos{Y: y, W: columns, H: 1}
		all = append(all, dashboard.PanelOrRowPanel{RowPanel: heading})
		y++
		for _, l := range r.lines {
			var x uint32
			for n, c := range l.cells {
				panel, err := c.panel.Build()
				if err != nil {
					return nil, fmt.Errorf("row %s, panel %d: %w", r.title, n+1, err)
				}
				width := c.width
				if width == 0 {
					width = (columns - x) / uint32(len(l.cells)-n)
				}
				id, ref := uint32(len(all)+1), b.source.ref()
				panel.Id, panel.Datasource = &id, &ref
				panel.GridPos = &dashboard.GridPos{X: x, Y: y, W: width, H: l.height}
				all = append(all, dashboard.PanelOrRowPanel{Panel: &panel})
				x += width
			}
			y += l.height
		}
	}
	return all, nil
}

// across is a line of panels of the same width.
func across(height uint32, panels ...cog.Builder[dashboard.Panel]) line {
	l := line{height: height}
	for _, p := range panels {
		l.cells = append(l.cells, cell{panel: p})
	}
	return l
}

// The heights of lines: of answers, of graphs, of tables.
const (
	low  = 4
	high = 8
	tall = 9
)
