package metrics_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"nightshift/internal/amazon"
	"nightshift/internal/metrics/metricstest"
)

// The steps of TestAlertsOnALongDay are of five minutes. The second report comes 25 hours
// after the first, because the clock is set back, and from then on something is wrong for
// three hours. Seven hours later nothing is raised any more.
const (
	step      = 300
	goesWrong = 25 * 3600 / step
	mended    = goesWrong + 3*3600/step
	longEnds  = mended + 7*3600/step
)

// values are those of a series by step; a negative one is none.
type values func(n int) float64

func always(v float64) values { return func(int) float64 { return v } }

// wrongly has other values while something is wrong.
func wrongly(wrong, right values) values {
	return func(n int) float64 {
		if n >= goesWrong && n < mended {
			return wrong(n)
		}
		return right(n)
	}
}

// onTime is the time of a step, reported that of the last report before it.
func onTime(n int) float64 { return float64(n * step) }

func reported(n int) float64 { return onTime(n / goesWrong * goesWrong) }

// counted grows with each step in which something is wrong.
func counted(n int) float64 { return float64(min(max(n-goesWrong, 0), mended-goesWrong)) }

// wrongSeries are what is wrong for each alert, by the beginnings of series.
func wrongSeries() map[string]map[string]values {
	missing, off, one := always(-1), wrongly(always(0), always(1)), wrongly(always(1), always(0))
	const home = `aws_account_id="111111111111",aws_region="eu-west-1",`
	late := wrongly(always(onTime(goesWrong-1)), onTime)
	return map[string]map[string]values{
		"NightshiftDown":               {`up{`: off},
		"NightshiftNotScraped":         {`up{`: wrongly(missing, always(1))},
		"NightshiftObserverDown":       {`up{`: off, `nightshift_observer{`: always(1)},
		"NightshiftMetricsMissing":     {`nightshift_out_of_schedule_oldest_`: wrongly(missing, always(0))},
		"NightshiftPowerNotRunning":    {`nightshift_job_last_run_timestamp_seconds{job_name="power"`: late},
		"NightshiftJournalStale":       {`nightshift_journal_last_read_`: late},
		"NightshiftJobFailing":         {`nightshift_job_last_success_timestamp_seconds{job_name="power"`: late},
		"NightshiftOutOfSchedule":      {`nightshift_out_of_schedule_oldest_timestamp_seconds{schedule="office"`: wrongly(late, always(0))},
		"NightshiftTransitionsFailing": {`nightshift_transition_failures_total{action="stop"`: counted},
		"NightshiftTargetDown":         {`nightshift_target_up{`: off},
		"NightshiftStateStale":         {`nightshift_target_last_read_`: late},
		"NightshiftConfigRejected":     {`nightshift_config_valid{`: off},
		"NightshiftInvalidTags":        {`nightshift_invalid_tags{`: one},
		"NightshiftThrottled":          {`nightshift_aws_requests_total{`: onTime, `nightshift_aws_throttles_total{`: func(n int) float64 { return counted(n) * step / 2 }},
		"NightshiftPriceCoverage":      {`nightshift_price_coverage_ratio{`: wrongly(always(0.9), always(1))},
		"NightshiftCostsStale":         {`nightshift_cost_last_success_`: wrongly(always(0), onTime)},
		"NightshiftNoticesFailing":     {`nightshift_notice_failures_total{recipient="ops"`: counted},
		"NightshiftNoticesPending":     {`nightshift_notices_pending{`: one},
		"NightshiftLeaseNotHeld":       {`nightshift_lease_held{job_name="power"`: off},
		"NightshiftMetricsOverflow":    {`nightshift_metrics_overflow_total{family="nightshift_machines"`: counted},
		"NightshiftBackupNotRunning":   {`nightshift_job_last_run_timestamp_seconds{job_name="backup"`: late},
		"NightshiftBackupStatusStale":  {`nightshift_backup_last_read_`: late},
		"NightshiftBackupRPOMissed":    {`nightshift_backup_rpo_missed_volumes{` + home + `policy="daily"`: one},
		"NightshiftBackupCopyFailed":   {`nightshift_backup_copies{` + home + `policy="daily",state="error"`: one},
		"NightshiftBackupPending":      {`nightshift_backup_pending_oldest_`: wrongly(always(step), always(0))},
		"NightshiftPublicSnapshot":     {`nightshift_backup_public_snapshots{`: one},
		"NightshiftSnapshotQuota":      {`nightshift_backup_snapshots{`: wrongly(always(801), always(800))},
		"NightshiftKeyUnusable":        {`nightshift_backup_unusable_keys{`: one},
		"NightshiftUnusualChanges":     {`nightshift_backup_unusual_changes{` + home + `policy="daily"`: one},
	}
}

// healthySeries are the series that a process exports, with values that raise nothing.
func healthySeries(t *testing.T) map[string]values {
	t.Helper()
	m := of(estate(t))
	m.LeaseHeld("power", true)
	m.Noticed("ops", true)
	m.Observer().Called("", amazon.Call{Service: "EC2", Action: "DescribeInstances", Status: 200, Attempt: 1})
	all := map[string]values{`up{job="nightshift",instance="a"}`: always(1), `process_start_time_seconds{job="nightshift",instance="a"}`: always(0)}
	for name, f := range gather(t, m) {
		for _, one := range f.GetMetric() {
			labels := ""
			for _, l := range one.GetLabel() {
				labels += l.GetName() + "=" + strconv.Quote(l.GetValue()) + ","
			}
			series := func(labels string) string { return name + "{" + labels + `job="nightshift",instance="a"}` }
			all[series(labels)] = healthy(name)
			if labels == `job_name="power",` {
				all[series(`job_name="report",`)], all[series(`job_name="backup",`)] = healthyReport(name), healthy(name)
			}
		}
	}
	return all
}

func healthy(name string) values {
	switch {
	case strings.HasSuffix(name, "_interval_seconds"):
		return always(step)
	case strings.Contains(name, "_last_"):
		return onTime
	case slices.Contains([]string{"build_info", "config_valid", "target_up", "price_coverage_ratio", "lease_held"}, strings.TrimPrefix(name, "nightshift_")):
		return always(1)
	case name == "nightshift_backup_snapshot_quota":
		return always(1000)
	default:
		return always(0)
	}
}

func healthyReport(name string) values {
	switch {
	case strings.HasSuffix(name, "_interval_seconds"):
		return always(goesWrong * step)
	case strings.Contains(name, "_last_"):
		return reported
	default:
		return always(0)
	}
}

// longDay is the test of an alert in the language of promtool: it alone is raised.
func longDay(alert string, all map[string]values) string {
	text := "  - name: " + alert + "\n    interval: 5m\n    input_series:\n"
	for _, series := range slices.Sorted(maps.Keys(all)) {
		list := make([]string, 0, longEnds+1)
		for n := range longEnds + 1 {
			if v := all[series](n); v < 0 {
				list = append(list, "_")
			} else {
				list = append(list, strconv.FormatFloat(v, 'f', -1, 64))
			}
		}
		text += fmt.Sprintf("      - { series: '%s', values: '%s' }\n", series, strings.Join(list, " "))
	}
	text += "    promql_expr_test:\n"
	for _, c := range []struct {
		at     int
		raised string
	}{{goesWrong, "[]"}, {mended - 1, fmt.Sprintf("[{ labels: '{alertname=%q}', value: 1 }]", alert)}, {longEnds, "[]"}} {
		text += fmt.Sprintf("      - { eval_time: %dm, expr: 'group by (alertname) (ALERTS{alertstate=\"firing\"})', exp_samples: %s }\n", c.at*step/60, c.raised)
	}
	return text
}

// TestAlertsOnALongDay raises each alert on the day on which the clock is set back, no
// other with it, and then no more. The series are those that a process exports.
func TestAlertsOnALongDay(t *testing.T) {
	if testing.Short() {
		t.Skip("the tests of the rules take a minute")
	}
	promtool := metricstest.Program(t, "promtool")
	rules, err := filepath.Abs(prometheusDir + "/nightshift-rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(rules)
	if err != nil {
		t.Fatal(err)
	}
	tests := fmt.Sprintf("rule_files: [%q]\ngroup_eval_order: [nightshift-recording, nightshift]\nevaluation_interval: 5m\ntests:\n", rules)
	wrong, healthy := wrongSeries(), healthySeries(t)
	maps.DeleteFunc(healthy, func(series string, _ values) bool { // no rule asks for the others, which take time
		name, _, _ := strings.Cut(series, "{")
		return !regexp.MustCompile(`\b` + name + `\b`).Match(text)
	})
	for _, alert := range slices.Sorted(maps.Keys(wrong)) {
		all := maps.Clone(healthy)
		for beginning, v := range wrong[alert] {
			found := 0
			for series := range all {
				if strings.HasPrefix(series, beginning) {
					all[series] = v
					found++
				}
			}
			if found == 0 {
				t.Errorf("%s: no series begins with %s", alert, beginning)
			}
		}
		tests += longDay(alert, all)
	}
	if got := strings.Count(string(text), "- alert: "); got != len(wrong) {
		t.Errorf("%d alerts, and a long day of %d", got, len(wrong))
	}
	file := filepath.Join(t.TempDir(), "days.yaml")
	if err := os.WriteFile(file, []byte(tests), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), promtool, "test", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}
