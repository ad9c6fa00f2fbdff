package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"

	"nightshift/internal/metrics"
)

// known are the functions that queries may use, all of which Prometheus 2.42 has.
func known() []string { return []string{"time", "vector", "rate", "increase"} }

// exported are the labels of all metrics that there are: those of nightshift, and up
// and ALERTS, which Prometheus makes.
func exported() (labels map[string][]string, counters map[string]bool) {
	labels = map[string][]string{
		"up":     {"job", "instance"},
		"ALERTS": {"alertname", "alertstate", "severity", "schedule", "job_name", "aws_account_id", "aws_region", "recipient"},
	}
	counters = map[string]bool{}
	for _, f := range metrics.Families() {
		labels[f.Name] = append([]string{"job", "instance"}, f.Labels...)
		counters[f.Name] = f.Counter
	}
	return labels, counters
}

// queryChecker checks one query.
type queryChecker struct {
	labels   map[string][]string
	counters map[string]bool
	parser   parser.Parser
}

func newQueryChecker() queryChecker {
	c := queryChecker{}
	c.labels, c.counters = exported()
	functions := map[string]*parser.Function{}
	for _, name := range known() {
		functions[name] = parser.Functions[name]
	}
	c.parser = parser.NewParser(parser.Options{Functions: functions})
	return c
}

// ranges finds the ranges of a query as they are written.
func ranges(expr string) []string {
	var all []string
	for _, found := range regexp.MustCompile(`\[([^\]]*)\]`).FindAllStringSubmatch(expr, -1) {
		all = append(all, found[1])
	}
	return all
}

// parse parses a query with a range for the one that Grafana chooses.
func (c queryChecker) parse(expr string) (parser.Expr, error) {
	return c.parser.ParseExpr(strings.ReplaceAll(expr, "$__rate_interval", "5m"))
}

// check gives the labels that the result of a query has.
func (c queryChecker) check(t *testing.T, where, expr string, needsInstance bool) []string {
	t.Helper()
	for _, r := range ranges(expr) {
		if r != "$__rate_interval" {
			t.Errorf("%s: the range %s", where, r)
		}
	}
	parsed, err := c.parse(expr)
	if err != nil {
		t.Errorf("%s: %v\n%s", where, err, expr)
		return nil
	}
	parser.Inspect(parsed, func(node parser.Node, path []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			c.selector(t, where, n, path, needsInstance)
		case *parser.SubqueryExpr:
			t.Errorf("%s: a subquery", where)
		case *parser.AggregateExpr:
			if n.Without {
				t.Errorf("%s: without keeps labels that others add", where)
			}
		}
		return nil
	})
	return c.result(t, where, parsed)
}

func (c queryChecker) selector(t *testing.T, where string, s *parser.VectorSelector, path []parser.Node, needsInstance bool) {
	t.Helper()
	labels, ok := c.labels[s.Name]
	if !ok {
		t.Errorf("%s: there is no metric %q", where, s.Name)
	}
	text := s.String()
	if !strings.Contains(text, `job=~"$job"`) || needsInstance && !strings.Contains(text, `instance=~"$instance"`) {
		t.Errorf("%s: %s does not select job and instance", where, text)
	}
	for _, m := range s.LabelMatchers {
		if m.Name != "__name__" && !slices.Contains(labels, m.Name) {
			t.Errorf("%s: %s has no label %q", where, s.Name, m.Name)
		}
	}
	rated := false
	for _, above := range path {
		if call, is := above.(*parser.Call); is && (call.Func.Name == "rate" || call.Func.Name == "increase") {
			rated = true
		}
	}
	if rated != c.counters[s.Name] {
		t.Errorf("%s: %s is a counter: %t, below rate or increase: %t", where, s.Name, c.counters[s.Name], rated)
	}
}

// result are the labels of what an expression gives, and checks those by which it
// aggregates.
func (c queryChecker) result(t *testing.T, where string, e parser.Expr) []string {
	t.Helper()
	switch e := e.(type) {
	case *parser.AggregateExpr:
		has := c.result(t, where, e.Expr)
		for _, label := range e.Grouping {
			if !slices.Contains(has, label) {
				t.Errorf("%s: %s by %q, of %q", where, e.Op, label, has)
			}
		}
		return e.Grouping
	case *parser.VectorSelector:
		return c.labels[e.Name]
	case *parser.MatrixSelector:
		return c.result(t, where, e.VectorSelector)
	case *parser.ParenExpr:
		return c.result(t, where, e.Expr)
	case *parser.Call:
		for _, arg := range e.Args {
			if has := c.result(t, where, arg); len(has) > 0 {
				return has
			}
		}
		return nil
	case *parser.BinaryExpr:
		left, right := c.result(t, where, e.LHS), c.result(t, where, e.RHS)
		leftIsNumber, rightIsNumber := e.LHS.Type() == parser.ValueTypeScalar, e.RHS.Type() == parser.ValueTypeScalar
		if e.Op != parser.LOR && !leftIsNumber && !rightIsNumber && len(e.VectorMatching.MatchingLabels) == 0 && !sameLabels(left, right) {
			t.Errorf("%s: %q %s %q never match", where, left, e.Op, right)
		}
		if leftIsNumber || len(left) == 0 {
			return right
		}
		return left
	default:
		return nil
	}
}

func sameLabels(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// TestQueries: what the queries name is exported, and they say what the linter asks.
func TestQueries(t *testing.T) {
	c := newQueryChecker()
	braces := regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)
	for _, f := range ofPrometheus(t) {
		for _, p := range f.graphs() {
			for _, q := range p.Targets {
				where := f.name + ", " + p.Title + ", " + q.RefID
				labels := c.check(t, where, q.Expr, true)
				for _, found := range braces.FindAllStringSubmatch(q.LegendFormat, -1) {
					if !slices.Contains(labels, found[1]) {
						t.Errorf("%s: the legend names %q of %q", where, found[1], labels)
					}
				}
				if p.Type == "table" {
					checkColumns(t, where, p, labels)
				}
				if isTrend := p.Type == "timeseries" || p.Type == "state-timeline"; q.Instant == isTrend || q.Range != isTrend {
					t.Errorf("%s: instant %t, range %t in a %s", where, q.Instant, q.Range, p.Type)
				}
			}
		}
	}
}

// TestAllShown: every metric has a place on a dashboard.
func TestAllShown(t *testing.T) {
	shown := ""
	for _, f := range ofPrometheus(t) {
		for _, p := range f.graphs() {
			for _, q := range p.Targets {
				shown += q.Expr
			}
		}
	}
	for _, f := range metrics.Families() {
		if !strings.Contains(shown, f.Name+"{") {
			t.Errorf("no panel shows %s", f.Name)
		}
	}
}

// checkColumns: the rows of a table are joined by the same labels in each query.
func checkColumns(t *testing.T, where string, p panel, labels []string) {
	t.Helper()
	var columns []string
	for name := range maps.Keys(p.Transformations[len(p.Transformations)-1].Options.RenameByName) {
		if !strings.HasPrefix(name, "Value") {
			columns = append(columns, name)
		}
	}
	if !sameLabels(columns, labels) {
		t.Errorf("%s: columns for %q, but the query gives %q", where, columns, labels)
	}
}

// TestVariables: the variables and annotations ask for what is exported.
func TestVariables(t *testing.T) {
	c := newQueryChecker()
	form := regexp.MustCompile(`^"label_values\(((\w+)(\{.*\})?), (\w+)\)"$`)
	for _, f := range ofPrometheus(t) {
		for _, v := range f.Templating.List[1:] {
			found := form.FindStringSubmatch(strings.ReplaceAll(string(v.Query), `\"`, `"`))
			if found == nil {
				t.Errorf("%s: %s is %s", f.name, v.Name, v.Query)
				continue
			}
			if !slices.Contains(c.labels[found[2]], found[4]) {
				t.Errorf("%s: %s: %s has no label %s", f.name, v.Name, found[2], found[4])
			}
			if found[4] != "job" {
				c.check(t, f.name+", "+v.Name, found[1], found[4] != "instance")
			}
		}
		for _, a := range f.Annotations.List {
			if !strings.HasPrefix(a.Expr, "ALERTS{") {
				c.check(t, f.name+", "+a.Name, a.Expr, true)
			} else if _, err := c.parse(a.Expr); err != nil {
				t.Errorf("%s, %s: %v", f.name, a.Name, err)
			}
		}
	}
}
