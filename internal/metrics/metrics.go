// Package metrics holds every name, label and help text of nightshift's metrics,
// once, and makes them: for Prometheus from what watch knows, and for CloudWatch
// from what a run did.
//
// A scrape asks nobody anything. It puts into numbers what is known, with the dates
// of it, and how old they are is for the reader to say. No label has a value that
// only AWS or a person with the right to set tags bounds: each family has a budget of
// series, and what is beyond it is added to series with the value "other".
//
// It may import fleet, text, price, schedule, power, backup, config, journal, cost, amazon,
// app and watch, and is the only importer of Prometheus's libraries.
package metrics

import (
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"nightshift/internal/watch"
)

// Options are what the metrics are made from.
type Options struct {
	// State gives what is known now; it must not block, and may give nil.
	State func() *watch.State
	// Now is the clock that jobs follow. What ended before this moment is not
	// counted.
	Now func() time.Time
	// Observe says that this process runs no job.
	Observe bool
	// Version and Revision are those of the program.
	Version, Revision string
	// Log, if not nil, gets what goes wrong in a scrape.
	Log *slog.Logger
}

// Metrics makes the metrics of a process. It is a prometheus.Collector, and safe for
// concurrent use. [Metrics.Observer] hears of what the process does.
type Metrics struct {
	options Options
	began   time.Time
	table   table
	descs   map[string]*prometheus.Desc

	mu       sync.Mutex
	counters counters
	limits   map[string]*limit
	top      topTags
	// last is the State that was counted last, and made what is made from it.
	last *watch.State
	made []sample
	// seen are the records that have been counted, own the runs of this process.
	seen map[recordKey]bool
	own  []ownRun
	held map[string]bool // leases by job
	// pending are the notices that could not be sent yet.
	pending int
}

// New makes the metrics of a process.
func New(o Options) *Metrics {
	all := newTable()
	m := &Metrics{
		options: o, began: o.Now(), table: all, descs: map[string]*prometheus.Desc{},
		counters: counters{table: all, values: map[string]map[string]float64{}},
		limits:   map[string]*limit{}, seen: map[recordKey]bool{}, held: map[string]bool{},
	}
	for _, f := range all.list {
		m.descs[f.Name] = prometheus.NewDesc(f.Name, f.Help, f.Labels, nil)
	}
	return m
}

// Handler answers scrapes: with these metrics, those of the Go runtime and those of
// the process.
func (m *Metrics) Handler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(m, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	o := promhttp.HandlerOpts{EnableOpenMetrics: true, ErrorHandling: promhttp.ContinueOnError}
	if m.options.Log != nil {
		o.ErrorLog = slog.NewLogLogger(m.options.Log.Handler(), slog.LevelWarn)
	}
	return promhttp.HandlerFor(registry, o)
}

// Describe gives all families.
func (m *Metrics) Describe(to chan<- *prometheus.Desc) {
	for _, f := range m.table.list {
		to <- m.descs[f.Name]
	}
}

// Collect makes the metrics of one scrape.
func (m *Metrics) Collect(to chan<- prometheus.Metric) {
	for _, s := range m.samples() {
		kind := prometheus.GaugeValue
		if s.family.Counter {
			kind = prometheus.CounterValue
		}
		metric, err := prometheus.NewConstMetric(m.descs[s.family.Name], kind, s.value, s.labels...)
		if err != nil {
			metric = prometheus.NewInvalidMetric(m.descs[s.family.Name], err)
		}
		to <- metric
	}
}

// samples are all of one scrape. Those that follow from the State alone are made
// once for each State.
func (m *Metrics) samples() []sample {
	state, now := m.options.State(), m.options.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if state == nil {
		state = &watch.State{}
	}
	if state != m.last {
		m.count(state)
		m.top.choose(measuredTags(state), now)
		made := m.table.ofState(state, m.top)
		for _, name := range []string{tagMonthToDate, tagRunRate} {
			m.counters.add(overflow, float64(made.folded), name)
		}
		m.made = m.limited(made, now)
		m.last = state
	}
	all := append([]sample{}, m.made...)
	live := m.table.series()
	live.add(buildInfo, 1, m.options.Version, m.options.Revision, runtime.Version())
	live.add(observing, one(m.options.Observe))
	live.transitions(state.Config.Value, now)
	m.ofProcess(live)
	all = append(all, m.limited(live, now)...)
	return append(all, m.counters.samples(state)...)
}

// ofProcess are the gauges that this process knows by itself.
func (m *Metrics) ofProcess(s *series) {
	for job, held := range m.held {
		s.add(leaseHeld, one(held), job)
	}
	s.add(noticesPending, float64(m.pending))
}

// one is 1 for true.
func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
