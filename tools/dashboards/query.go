package main

import (
	"fmt"
	"strings"

	"nightshift/internal/metrics"
)

// queries writes PromQL about the metrics of nightshift.
type queries struct{ families map[string]metrics.Family }

func newQueries() queries {
	q := queries{map[string]metrics.Family{}}
	for _, f := range metrics.Families() {
		q.families[f.Name] = f
	}
	return q
}

// prefix is that of all metrics.
const prefix = "nightshift_"

// pick selects a metric of the processes that the reader has chosen.
func pick(name string, matchers ...string) string {
	return name + "{" + strings.Join(append([]string{`job=~"$job"`, `instance=~"$instance"`}, matchers...), ", ") + "}"
}

// once counts once what several instances of a job say of the same estate, and keeps
// the job and all labels of the metric.
func (q queries) once(name string, matchers ...string) string {
	f, ok := q.families[prefix+name]
	if !ok {
		panic("there is no metric " + prefix + name) // a mistake in this program
	}
	value := pick(f.Name, matchers...)
	if f.Counter {
		value = "increase(" + value + "[$__rate_interval])"
	}
	return fmt.Sprintf("max by (%s) (%s)", strings.Join(append([]string{"job"}, f.Labels...), ", "), value)
}

// sum adds up what once gives, by labels.
func (q queries) sum(by, name string, matchers ...string) string {
	return aggregate("sum", by, q.once(name, matchers...))
}

// own adds up what each process counts of its own doing.
func (q queries) own(by, name string) string {
	if f, ok := q.families[prefix+name]; !ok || !f.Counter {
		panic("there is no counter " + prefix + name) // a mistake in this program
	}
	return aggregate("sum", by, "increase("+pick(prefix+name)+"[$__rate_interval])")
}

// aggregate applies an operator by labels that are separated by spaces.
func aggregate(operator, by, of string) string {
	if by == "" {
		return operator + "(" + of + ")"
	}
	return fmt.Sprintf("%s by (%s) (%s)", operator, strings.Join(strings.Fields(by), ", "), of)
}

// orNone gives 0 where an expression gives nothing.
func orNone(expr string) string { return expr + " or vector(0)" }

// age is how long ago the first of a metric's instants is, where there is one.
func (q queries) age(by, name string, matchers ...string) string {
	return "time() - " + aggregate("min", by, q.once(name, matchers...)+" > 0")
}

// instant is a metric's instant as Grafana has it, in milliseconds.
func (q queries) instant(operator, by, name string, matchers ...string) string {
	return aggregate(operator, by, q.once(name, matchers...)) + " * 1000"
}

// letters name the queries of a panel.
func letter(n int) string { return string(rune('A' + n)) }
