package main

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"nightshift/internal/metrics/metricstest"
)

// everythingChosen puts into a query what Grafana does where a reader has chosen all.
func everythingChosen(expr string) string {
	return strings.NewReplacer("$job", ".+", "$instance", ".+", "$schedule", ".+", "$tag_key", "AutoStopStart", "$__rate_interval", "5m").Replace(expr)
}

// TestAnEvening asks a real Prometheus what the dashboards ask, about an evening that
// was recorded of a daemon: every query has an answer, and answers mean what they say.
func TestAnEvening(t *testing.T) {
	metricstest.Program(t, "promtool")
	metricstest.Program(t, "prometheus")
	e := metricstest.Live(t)
	observed(e)
	stuck(e, e.Ends.Add(time.Hour))
	p := e.Serve(t, "../../deploy/prometheus/nightshift-rules.yaml")
	var times []time.Time
	for at := e.Begins.Add(10 * time.Minute); !at.After(e.Ends); at = at.Add(30 * time.Minute) {
		times = append(times, at)
	}
	for _, f := range ofPrometheus(t) {
		for _, graph := range f.graphs() {
			for _, q := range graph.Targets {
				t.Run(f.UID+", "+graph.Title+", "+q.RefID, func(t *testing.T) { checkAnswers(t, p, graph, q, times) })
			}
		}
	}
	for _, c := range []struct {
		uid, title, what string
		at               time.Time
		want             float64
	}{
		{"nightshift-operations", "Scrapes", "both processes answer", e.Ends, 1},
		{"nightshift-operations", "Scrapes", "none does, a quarter of an hour later", e.Ends.Add(15 * time.Minute), 0},
		{"nightshift-operations", "Late jobs", "none before", e.Begins.Add(time.Hour), 0},
		{"nightshift-operations", "Late jobs", "power fails because of one machine", e.Stops.Add(50 * time.Minute), 1},
		{"nightshift-operations", "Late jobs", "none after", e.Ends, 0},
		{"nightshift-operations", "Out of schedule", "none before", e.Begins.Add(time.Hour), 0},
		{"nightshift-operations", "Out of schedule", "one does not stop", e.Stops.Add(30 * time.Minute), 1},
		{"nightshift-operations", "Out of schedule", "none after", e.Ends, 0},
		{"nightshift-operations", "Longest out of schedule", "none before", e.Begins.Add(time.Hour), 0},
		{"nightshift-operations", "Longest out of schedule", "since the transition", e.Stops.Add(30 * time.Minute), 1800},
		{"nightshift-operations", "Unreadable", "none", e.Ends, 0},
		{"nightshift-operations", "Configuration", "in force", e.Ends, 1},
		{"nightshift-fleet", "Out of schedule", "one does not stop", e.Stops.Add(30 * time.Minute), 1},
		{"nightshift-fleet", "In desired state", "none of one, an hour later", e.Ends.Add(time.Hour), 0},
		{"nightshift-fleet", "Machines", "each once", e.Ends, machines(e)},
	} {
		got := p.Query(t, everythingChosen(query(t, c.uid, c.title)), c.at)
		if len(got) != 1 || got[0].Value != c.want {
			t.Errorf("%s, %s: %s at %s: %v, want %v", c.uid, c.title, c.what, c.at.Format("15:04"), got, c.want)
		}
	}
}

// observed adds a second process that observes the same estate, as it is where one
// runs the jobs and another shows them, and something else that is down.
func observed(e *metricstest.Evening) {
	for _, f := range e.Families {
		for _, m := range slices.Clone(f.Metric) {
			second := &dto.Metric{Gauge: m.Gauge, Counter: m.Counter, Untyped: m.Untyped, Summary: m.Summary, Histogram: m.Histogram, TimestampMs: m.TimestampMs}
			for _, l := range m.Label {
				if l.GetName() == "instance" {
					l = &dto.LabelPair{Name: l.Name, Value: new("observer:19847")}
				}
				second.Label = append(second.Label, l)
			}
			f.Metric = append(f.Metric, second)
		}
	}
	for at := e.Begins; !at.After(e.Ends); at = at.Add(time.Minute) {
		e.Families["up"].Metric = append(e.Families["up"].Metric, &dto.Metric{
			Label: []*dto.LabelPair{{Name: new("job"), Value: new("node")}, {Name: new("instance"), Value: new("host:9100")}},
			Gauge: &dto.Gauge{Value: new(0.0)}, TimestampMs: new(at.UnixMilli()),
		})
	}
}

// stuck adds a time at which there is but one machine, which runs and should not.
func stuck(e *metricstest.Evening, at time.Time) {
	m := &dto.Metric{Gauge: &dto.Gauge{Value: new(1.0)}, TimestampMs: new(at.UnixMilli())}
	for name, value := range map[string]string{"job": metricstest.Job, "instance": metricstest.Instance, "schedule": "office-hours", "desired": "stopped", "actual": "running"} {
		m.Label = append(m.Label, &dto.LabelPair{Name: &name, Value: &value})
	}
	e.Families["nightshift_machines"].Metric = append(e.Families["nightshift_machines"].Metric, m)
}

// machines is how many there are at the end, by one process.
func machines(e *metricstest.Evening) float64 {
	all := 0.0
	for _, m := range e.Families["nightshift_machines"].Metric {
		of := slices.ContainsFunc(m.Label, func(l *dto.LabelPair) bool { return l.GetValue() == metricstest.Instance })
		if of && m.GetTimestampMs() == e.Ends.UnixMilli() {
			all += m.GetGauge().GetValue()
		}
	}
	return all
}

// query is the only one of a panel.
func query(t *testing.T, uid, title string) string {
	t.Helper()
	for _, f := range files(t) {
		for _, p := range f.graphs() {
			if f.UID == uid && p.Title == title && len(p.Targets) == 1 {
				return p.Targets[0].Expr
			}
		}
	}
	t.Fatalf("%s has no panel %s with one query", uid, title)
	return ""
}

// checkAnswers: a stat has one number at each time, other panels have some at some.
func checkAnswers(t *testing.T, p *metricstest.Prometheus, graph panel, q target, times []time.Time) {
	t.Helper()
	seen := 0
	for _, at := range times {
		got := p.Query(t, everythingChosen(q.Expr), at)
		seen += len(got)
		for _, s := range got {
			if math.IsNaN(s.Value) || math.IsInf(s.Value, 0) {
				t.Errorf("%v at %s", s, at.Format("15:04"))
			}
		}
		if graph.Type == "stat" && len(got) != 1 {
			t.Errorf("%d numbers at %s", len(got), at.Format("15:04"))
		}
	}
	if seen == 0 {
		t.Errorf("no answer all evening: %s", q.Expr)
	}
}
