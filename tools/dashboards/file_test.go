package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// committed is where the dashboards are in the repository.
const committed = "../../deploy/grafana"

// file is what the rules look at of a dashboard.
type file struct {
	name string

	ID                      *int64
	UID, Title, Description string
	Tags                    []string
	Timezone, Refresh       string
	Editable                *bool
	Time                    struct{ From, To string }
	Links                   []struct {
		Type                  string
		Tags                  []string
		IncludeVars, KeepTime bool
	}
	Templating  struct{ List []variable }
	Annotations struct{ List []annotation }
	Panels      []panel
}

type annotation struct {
	Name, Expr string
	Datasource reference
}

type reference struct{ Type, UID string }

// variable is a choice of the reader.
type variable struct {
	Name, Label, Type, AllValue string
	Query                       json.RawMessage
	Datasource                  reference
	Refresh                     int
	Multi, IncludeAll           bool
}

// panel is a panel, or the heading of a row.
type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               *reference
	GridPos                  struct{ X, Y, W, H int }
	Targets                  []target
	Panels                   []panel
	Transformations          []struct {
		ID      string
		Options struct {
			RenameByName map[string]string
			IndexByName  map[string]int
		}
	}
	FieldConfig struct {
		Defaults struct {
			Unit       string
			Mappings   []json.RawMessage
			Thresholds struct{ Steps []json.RawMessage }
		}
		Overrides []struct {
			Matcher struct {
				ID      string
				Options any
			}
			Properties []struct {
				ID    string
				Value any
			}
		}
	}
}

// target is a query of a panel.
type target struct {
	RefID, Expr, LegendFormat, Format string
	Instant, Range                    bool

	Namespace, MetricName, Statistic, Period, Region, Alias, Expression string
	Dimensions                                                          map[string]any
	MatchExact                                                          bool
}

// files are the dashboards of the repository.
func files(t *testing.T) []file {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(committed, "*.json"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no dashboards: %v", err)
	}
	var all []file
	for _, name := range names {
		f := file{name: filepath.Base(name)}
		if err := json.Unmarshal(read(t, name), &f); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, f)
	}
	return all
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// ofPrometheus are those for Prometheus.
func ofPrometheus(t *testing.T) []file {
	t.Helper()
	var all []file
	for _, f := range files(t) {
		if f.Templating.List[0].isSource(string(fromPrometheus)) {
			all = append(all, f)
		}
	}
	if len(all) != 4 {
		t.Fatalf("%d dashboards for Prometheus, want 4", len(all))
	}
	return all
}

func (v variable) isSource(kind string) bool {
	return v.Type == "datasource" && string(v.Query) == `"`+kind+`"`
}

// graphs are the panels but for the headings of rows.
func (f file) graphs() []panel {
	var all []panel
	for _, p := range f.Panels {
		if p.Type != "row" {
			all = append(all, p)
		}
	}
	return all
}

// TestWritten: the files are what the program makes, and there are no others.
func TestWritten(t *testing.T) {
	made, err := render()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range made {
		if !bytes.Equal(text, read(t, filepath.Join(committed, name))) {
			t.Errorf("%s: not what this program makes; run make dashboards", name)
		}
	}
	for _, f := range files(t) {
		if made[f.name] == nil {
			t.Errorf("%s: nothing makes it", f.name)
		}
	}
}
