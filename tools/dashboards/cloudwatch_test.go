package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"nightshift/internal/config"
	"nightshift/internal/metrics"
)

// ofLambda are metrics that AWS makes of each function, with their statistics.
func ofLambda() map[string]string {
	return map[string]string{"Duration": "Maximum", "Errors": "Sum", "Throttles": "Sum"}
}

// TestCloudWatch: the dashboard asks for the metrics that the function writes, with
// their dimensions and statistics, and forgets none.
func TestCloudWatch(t *testing.T) {
	all := files(t)
	n := slices.IndexFunc(all, func(f file) bool { return f.name == "nightshift-cloudwatch.json" })
	f := all[n]
	if !f.Templating.List[0].isSource(string(fromCloudWatch)) {
		t.Errorf("its first variable is %+v", f.Templating.List[0])
	}
	shown := map[int]bool{}
	for _, p := range f.graphs() {
		full := false
		for _, q := range p.Targets {
			if !q.MatchExact || q.Region != "$region" || q.Period != "auto" {
				t.Errorf("%s: %+v", p.Title, q)
			}
			if q.Namespace == "AWS/Lambda" {
				if ofLambda()[q.MetricName] != q.Statistic || len(q.Dimensions) != 1 || q.Dimensions["FunctionName"] != "$function" {
					t.Errorf("%s: %+v", p.Title, q)
				}
				continue
			}
			written := metrics.CloudWatchMetrics()
			at := slices.IndexFunc(written, func(m metrics.CloudWatchMetric) bool {
				return m.Name == q.MetricName && sameLabels(m.Dimensions, slices.Collect(maps.Keys(q.Dimensions)))
			})
			if q.Namespace != metrics.Namespace || at < 0 {
				t.Errorf("%s: nobody writes %s with the dimensions %v to %s", p.Title, q.MetricName, q.Dimensions, q.Namespace)
				continue
			}
			shown[at] = true
			full = full || written[at].Level == config.CloudWatchFull
			if q.Statistic != written[at].Statistic || q.Dimensions[metrics.DimensionStack] != "$stack" {
				t.Errorf("%s: %s of %s for %v", p.Title, q.Statistic, q.MetricName, q.Dimensions)
			}
			if job := q.Dimensions[metrics.DimensionJob]; q.MetricName == "ReportAgeSeconds" && job != "power" {
				t.Errorf("%s: only power runs measure the age of reports, not %v", p.Title, job)
			}
		}
		if says := strings.HasSuffix(p.Description, needsFull); says != full {
			t.Errorf("%s: needs full: %t, says so: %t", p.Title, full, says)
		}
	}
	for n, m := range metrics.CloudWatchMetrics() {
		if !shown[n] {
			t.Errorf("no panel shows %s by %q", m.Name, m.Dimensions)
		}
	}
}
