package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestRules: what Grafana's linter of dashboards asks for, and what makes a dashboard
// work where it is not alone.
func TestRules(t *testing.T) {
	seen := map[string]string{}
	for _, f := range files(t) {
		t.Run(f.name, func(t *testing.T) {
			for _, text := range []string{f.UID, f.Title, f.Description} {
				if text == "" {
					t.Error("has no uid, title or description")
				}
				if seen[text] != "" {
					t.Errorf("%q is also of %s", text, seen[text])
				}
				seen[text] = f.name
			}
			if f.UID+".json" != f.name {
				t.Errorf("its uid is %s", f.UID)
			}
			if f.ID != nil {
				t.Error("has an id, which is that of one Grafana")
			}
			if f.Editable == nil || *f.Editable {
				t.Error("is editable")
			}
			if f.Timezone != "browser" || f.Refresh == "" || f.Time.To != "now" || !strings.HasPrefix(f.Time.From, "now-") {
				t.Errorf("time zone %q, refresh %q, time %v", f.Timezone, f.Refresh, f.Time)
			}
			if !slices.Contains(f.Tags, tag) {
				t.Errorf("its tags are %q", f.Tags)
			}
			if len(f.Links) != 1 || f.Links[0].Type != "dashboards" || !slices.Equal(f.Links[0].Tags, []string{tag}) || !f.Links[0].KeepTime || !f.Links[0].IncludeVars {
				t.Errorf("its links are %v", f.Links)
			}
			checkVariables(t, f)
			for _, p := range f.graphs() {
				checkPanel(t, p)
			}
			checkRows(t, f)
		})
	}
}

func checkVariables(t *testing.T, f file) {
	t.Helper()
	for n, v := range f.Templating.List {
		switch {
		case n == 0:
			if v.Name != "datasource" || v.Label != "Data source" || v.Type != "datasource" {
				t.Errorf("the first variable is %+v", v)
			}
			continue
		case v.Type == "datasource":
			t.Errorf("%s is a second data source", v.Name)
		case v.Datasource.UID != "$datasource":
			t.Errorf("%s is read from %+v", v.Name, v.Datasource)
		case v.Refresh != 2:
			t.Errorf("%s: refresh %d, want 2, at each change of the time", v.Name, v.Refresh)
		}
		if v.Multi && (!v.IncludeAll || v.AllValue != ".+" && f.Templating.List[0].isSource(string(fromPrometheus))) {
			t.Errorf("%s: all is %t, %q", v.Name, v.IncludeAll, v.AllValue)
		}
	}
	for _, a := range f.Annotations.List {
		if a.Datasource.UID != "$datasource" {
			t.Errorf("the annotation %s is read from %+v", a.Name, a.Datasource)
		}
	}
	if !f.Templating.List[0].isSource(string(fromPrometheus)) {
		return
	}
	for n, name := range []string{"job", "instance"} {
		v := f.Templating.List[n+1]
		if v.Name != name || v.Label != name || !v.Multi || !strings.Contains(string(v.Query), ", "+name+")") {
			t.Errorf("variable %d is %+v, want %s", n+1, v, name)
		}
	}
}

func checkPanel(t *testing.T, p panel) {
	t.Helper()
	if p.Title == "" || p.Description == "" || !strings.HasSuffix(p.Description, ".") {
		t.Errorf("panel %q: %q", p.Title, p.Description)
	}
	if p.Datasource == nil || p.Datasource.UID != "$datasource" {
		t.Errorf("panel %q is read from %+v", p.Title, p.Datasource)
	}
	if len(p.Targets) == 0 {
		t.Errorf("panel %q asks nothing", p.Title)
	}
	units := p.FieldConfig.Defaults.Unit
	for _, o := range p.FieldConfig.Overrides {
		for _, property := range o.Properties {
			if property.ID == "unit" {
				units += fmt.Sprint(property.Value)
			}
		}
	}
	if units == "" {
		t.Errorf("panel %q has no unit", p.Title)
	}
	if p.Type == "stat" && len(p.FieldConfig.Defaults.Thresholds.Steps) == 0 {
		t.Errorf("panel %q has no thresholds", p.Title)
	}
	refs := map[string]bool{}
	for _, q := range p.Targets {
		if q.RefID == "" || refs[q.RefID] {
			t.Errorf("panel %q: query %q twice or without a name", p.Title, q.RefID)
		}
		refs[q.RefID] = true
	}
	if p.Type == "table" {
		checkTable(t, p)
	}
}

// checkTable: each column that is named or coloured is there.
func checkTable(t *testing.T, p panel) {
	t.Helper()
	last := p.Transformations[len(p.Transformations)-1]
	if last.ID != "organize" {
		t.Errorf("table %q: its columns are not put in order but by %s", p.Title, last.ID)
	}
	var columns []string
	for _, name := range last.Options.RenameByName {
		if name == "" {
			t.Errorf("table %q: a column without a name", p.Title)
		}
		columns = append(columns, name)
	}
	slices.Sort(columns)
	if len(slices.Compact(slices.Clone(columns))) != len(columns) {
		t.Errorf("table %q: two columns have the same name: %q", p.Title, columns)
	}
	for _, o := range p.FieldConfig.Overrides {
		if o.Matcher.ID == "byName" && !slices.Contains(columns, fmt.Sprint(o.Matcher.Options)) {
			t.Errorf("table %q: there is no column %v", p.Title, o.Matcher.Options)
		}
	}
}

// checkRows: answers come first, then how it came about, then what to do.
func checkRows(t *testing.T, f file) {
	t.Helper()
	row := ""
	var rows []string
	for _, p := range f.Panels {
		switch {
		case p.Type == "row":
			row = p.Title
			rows = append(rows, row)
		case row == "Answers" && p.Type != "stat", row == "To act on" && p.Type != "table",
			row == "Trend" && p.Type != "timeseries" && p.Type != "state-timeline":
			t.Errorf("%q is a %s below %s", p.Title, p.Type, row)
		}
	}
	if !slices.Equal(rows, []string{"Answers", "Trend", "To act on"}) {
		t.Errorf("its rows are %q", rows)
	}
}

// TestGrid: panels fill the grid without gaps, and none lies upon another.
func TestGrid(t *testing.T) {
	for _, f := range files(t) {
		t.Run(f.name, func(t *testing.T) {
			taken := map[[2]int]string{}
			ids := map[int]bool{}
			bottom := 0
			for _, p := range f.Panels {
				g := p.GridPos
				if p.ID == 0 || ids[p.ID] {
					t.Errorf("%q: its id %d is missing or that of another", p.Title, p.ID)
				}
				ids[p.ID] = true
				if len(p.Panels) > 0 {
					t.Errorf("%q: hides panels", p.Title)
				}
				least, most := map[string]int{"row": 1, "stat": 3, "table": 6}[p.Type], map[string]int{"row": 1, "stat": 5}[p.Type]
				if least == 0 {
					least = 6
				}
				if most == 0 {
					most = 12
				}
				if g.H < least || g.H > most {
					t.Errorf("%q is %d high, want %d to %d", p.Title, g.H, least, most)
				}
				if g.W < 3 || p.Type != "stat" && g.W < 8 {
					t.Errorf("%q is %d wide", p.Title, g.W)
				}
				for x := g.X; x < g.X+g.W; x++ {
					for y := g.Y; y < g.Y+g.H; y++ {
						if other := taken[[2]int{x, y}]; other != "" || x >= columns {
							t.Fatalf("%q is upon %q or out of the grid, at %d, %d", p.Title, other, x, y)
						}
						taken[[2]int{x, y}] = p.Title
					}
				}
				bottom = max(bottom, g.Y+g.H)
			}
			if len(taken) != bottom*columns {
				t.Errorf("%d of %d cells are empty", bottom*columns-len(taken), bottom*columns)
			}
		})
	}
}

// TestNothingFixed: no dashboard names a data source, an account or a server.
func TestNothingFixed(t *testing.T) {
	fixed := regexp.MustCompile(`https?://|\b\d{12}\b|"uid": "[A-Za-z0-9]{9,}"`)
	for _, f := range files(t) {
		for _, found := range fixed.FindAllString(string(read(t, committed+"/"+f.name)), -1) {
			t.Errorf("%s: %s", f.name, found)
		}
	}
}
