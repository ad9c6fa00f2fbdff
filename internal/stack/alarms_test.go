package stack_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
	"nightshift/internal/stack"
)

// sample is a value of a metric at a minute.
type sample struct {
	minute int
	metric string
	value  float64
}

// shippedAlarm is an alarm of the template as CloudWatch would have it, by the state
// of the schedules.
type shippedAlarm struct {
	name                string
	metric, statistic   string
	filled, actions     bool
	period              int // in minutes
	above               bool
	threshold           float64
	missing             string
	alarmTo, okTo       string
	dimensions, current string
}

// shippedAlarms reads the alarms of the template with rules.
func shippedAlarms(t *testing.T, enabled bool) []*shippedAlarm {
	t.Helper()
	var read struct {
		Resources map[string]struct {
			Type       string    `yaml:"Type"`
			Properties yaml.Node `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	text := template(t, &stack.Schedules{Rules: []stack.Bound{{Tag: fleet.Tag{Key: "Schedule"}}}})
	if err := yaml.Unmarshal([]byte(text), &read); err != nil {
		t.Fatal(err)
	}
	var list []*shippedAlarm
	for _, name := range slices.Sorted(maps.Keys(read.Resources)) {
		r := read.Resources[name]
		if r.Type != "AWS::CloudWatch::Alarm" {
			continue
		}
		value := func(path ...string) string { return valueAt(&r.Properties, enabled, path...) }
		a := &shippedAlarm{
			name: name, metric: value("MetricName"), statistic: value("Statistic"), actions: value("ActionsEnabled") == "true",
			above: value("ComparisonOperator") == "GreaterThanThreshold", missing: value("TreatMissingData"),
			alarmTo: value("AlarmActions", "0"), okTo: value("OKActions", "0"), dimensions: value("Dimensions", "0", "Name"), current: "INSUFFICIENT_DATA",
		}
		period := value("Period")
		if a.metric == "" {
			const stat = "MetricStat"
			a.filled = value("Metrics", "0", "Expression") == "FILL(succeeded, 0)" && value("Metrics", "1", "Id") == "succeeded"
			a.metric, a.statistic = value("Metrics", "1", stat, "Metric", "MetricName"), value("Metrics", "1", stat, "Stat")
			a.dimensions, period = value("Metrics", "1", stat, "Metric", "Dimensions", "0", "Name"), value("Metrics", "1", stat, "Period")
		}
		if period == "PowerPeriod" {
			period = "900"
		}
		seconds, err := strconv.Atoi(period)
		if err == nil {
			a.period = seconds / 60
			a.threshold, err = strconv.ParseFloat(value("Threshold"), 64)
		}
		if err != nil || value("EvaluationPeriods") != "1" {
			t.Fatalf("%s: %v", name, err)
		}
		list = append(list, a)
	}
	return list
}

// valueAt is the text at a path below a value; of !If it takes the branch that the
// condition Enabled says, and the first of any other.
func valueAt(n *yaml.Node, enabled bool, path ...string) string {
	if n.Tag == "!If" {
		branch := 1
		if n.Content[0].Value == "Enabled" && !enabled {
			branch = 2
		}
		return valueAt(n.Content[branch], enabled, path...)
	}
	if len(path) == 0 {
		return n.Value
	}
	if n.Kind == yaml.SequenceNode {
		i, err := strconv.Atoi(path[0])
		if err != nil || i >= len(n.Content) {
			return ""
		}
		return valueAt(n.Content[i], enabled, path[1:]...)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == path[0] {
			return valueAt(n.Content[i+1], enabled, path[1:]...)
		}
	}
	return ""
}

// evaluate gives the state at a minute, from the samples of the period before it.
func (a *shippedAlarm) evaluate(minute int, series []sample) string {
	var values []float64
	for _, s := range series {
		if s.metric == a.metric && s.minute >= minute-a.period && s.minute < minute {
			values = append(values, s.value)
		}
	}
	if len(values) == 0 && a.filled {
		values = []float64{0}
	}
	if len(values) == 0 {
		return map[string]string{"breaching": "ALARM", "notBreaching": "OK"}[a.missing]
	}
	var sum float64
	for _, v := range values {
		sum += v
	}
	got := map[string]float64{"Sum": sum, "Maximum": slices.Max(values), "Minimum": slices.Min(values)}[a.statistic]
	if a.above && got > a.threshold || !a.above && got < a.threshold {
		return "ALARM"
	}
	return "OK"
}

// told are the messages that a series causes from a minute to another, while the
// schedules are enabled or not. The alarms keep their states.
func told(alarms []*shippedAlarm, series []sample, from, to int) []string {
	var all []string
	for minute := from; minute < to; minute++ {
		for _, a := range alarms {
			state := a.evaluate(minute, series)
			if state != a.current && a.actions {
				all = append(all, fmt.Sprint(minute, " ", a.name, " ", state))
			}
			a.current = state
		}
	}
	return all
}

// runs are power runs every five minutes.
func runs(from, to int, succeeded, failed float64) []sample {
	var all []sample
	for m := from; m < to; m += 5 {
		all = append(all, sample{m, "Succeeded", succeeded}, sample{m, "Failed", failed}, sample{m, "ReportAgeSeconds", 86400})
	}
	return all
}

// installed are the alarms after a first deployment: ten minutes with disabled
// schedules, of which the last brought a dry run.
func installed(t *testing.T) []*shippedAlarm {
	t.Helper()
	alarms := shippedAlarms(t, false)
	if quiet := told(alarms, runs(9, 10, 1, 0), 0, 10); len(quiet) > 0 {
		t.Fatalf("while the schedules are disabled: %s", quiet)
	}
	return enabled(t, alarms)
}

// enabled are the alarms after the schedules were enabled: an alarm that is updated
// keeps its state.
func enabled(t *testing.T, before []*shippedAlarm) []*shippedAlarm {
	t.Helper()
	alarms := shippedAlarms(t, true)
	for n, a := range alarms {
		a.current = before[n].current
	}
	return alarms
}

// TestAlarms evaluates the alarms of the template over recorded series, as CloudWatch
// documents it: one period, missing data as the alarm says, messages where the state
// changes and actions are enabled.
func TestAlarms(t *testing.T) {
	healthy := runs(9, 300, 1, 0)
	for _, tt := range []struct {
		name   string
		series []sample
		want   string
	}{
		{"a fresh installation, and nothing happens", healthy, ""},
		{"power is not called any more, and then it is", slices.Concat(runs(9, 60, 1, 0), runs(100, 300, 1, 0)), "75 PowerAlarm ALARM, 101 PowerAlarm OK"},
		{
			"power fails as a whole, and then it does not", slices.Concat(runs(9, 60, 1, 0), runs(64, 100, 0, 1), runs(104, 300, 1, 0)),
			"75 PowerAlarm ALARM, 75 PowerFailedAlarm ALARM, 105 PowerAlarm OK, 105 PowerFailedAlarm OK",
		},
		{"each run fails in part", slices.Concat(runs(9, 60, 1, 0), runs(64, 100, 1, 1), runs(104, 300, 1, 0)), "75 PowerFailedAlarm ALARM, 105 PowerFailedAlarm OK"},
		{"one run fails in part", slices.Concat(runs(9, 60, 1, 0), runs(64, 65, 1, 1), runs(69, 300, 1, 0)), ""},
		{"the newest report is nine days old", slices.Concat(healthy, []sample{{100, "ReportAgeSeconds", 9 * 86400}}), "101 ReportAlarm ALARM, 161 ReportAlarm OK"},
		{"the newest report is seven days and a bit old", slices.Concat(healthy, []sample{{100, "ReportAgeSeconds", 7*86400 + 25200}}), ""},
		{"a run fails", slices.Concat(healthy, []sample{{100, "Errors", 1}}), "101 ErrorsAlarm ALARM, 106 ErrorsAlarm OK"},
		{"no run fails", slices.Concat(healthy, []sample{{100, "Errors", 0}}), ""},
		{"an event is in the queue for ten minutes", slices.Concat(healthy, []sample{
			{100, "ApproximateNumberOfMessagesVisible", 1}, {105, "ApproximateNumberOfMessagesVisible", 1}, {110, "ApproximateNumberOfMessagesVisible", 0},
		}), "101 UndeliveredAlarm ALARM, 111 UndeliveredAlarm OK"},
		{"no concurrency is free", slices.Concat(healthy, []sample{{100, "Throttles", 3}}), "101 ThrottlesAlarm ALARM, 106 ThrottlesAlarm OK"},
		{"a run takes 13 minutes of 15", slices.Concat(healthy, []sample{{100, "Duration", 780_000}}), "101 DurationAlarm ALARM, 106 DurationAlarm OK"},
		{"a run takes 11 minutes of 15", slices.Concat(healthy, []sample{{100, "Duration", 660_000}}), ""},
		{"a call is dropped", slices.Concat(healthy, []sample{{100, "InvocationDroppedCount", 1}}), "101 DroppedAlarm ALARM, 106 DroppedAlarm OK"},
	} {
		if got := strings.Join(told(installed(t), tt.series, 10, 200), ", "); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestAlarmsWhileDisabled: nobody is called while the schedules are disabled,
// whatever happens. Where no run comes after they are enabled again, somebody is.
func TestAlarmsWhileDisabled(t *testing.T) {
	var wrong []sample
	for _, metric := range []string{"Errors", "Throttles", "InvocationDroppedCount", "ApproximateNumberOfMessagesVisible", "Failed"} {
		wrong = append(wrong, sample{20, metric, 1})
	}
	wrong = append(wrong, sample{20, "Duration", 900_000}, sample{20, "ReportAgeSeconds", 9 * 86400})
	alarms := shippedAlarms(t, false)
	if got := told(alarms, wrong, 0, 200); len(got) > 0 {
		t.Errorf("while disabled: %s", got)
	}
	if got := strings.Join(told(enabled(t, alarms), wrong, 200, 300), ", "); got != "200 PowerAlarm ALARM" {
		t.Errorf("enabled, and no run comes: %q", got)
	}
}

// TestAlarmsReachSomebody: each alarm calls the topic when it fires and when it is in
// order again, on metrics of this stack alone; there are not more than are free.
func TestAlarmsReachSomebody(t *testing.T) {
	alarms := shippedAlarms(t, true)
	if len(alarms) != 8 {
		t.Errorf("there are %d alarms", len(alarms))
	}
	for _, a := range alarms {
		if a.alarmTo != "AlarmTopic" || a.okTo != "AlarmTopic" || !a.actions {
			t.Errorf("%s calls %q and %q", a.name, a.alarmTo, a.okTo)
		}
		if !slices.Contains([]string{"Stack", "FunctionName", "QueueName", "ScheduleGroup"}, a.dimensions) {
			t.Errorf("%s is on %q", a.name, a.dimensions)
		}
		if a.period > 24*60 {
			t.Errorf("%s has a period of %d minutes", a.name, a.period)
		}
	}
}

// TestScheduleParameters holds the period of the alarm and the rate of power
// together, and the parameters to those of the template.
func TestScheduleParameters(t *testing.T) {
	rules := template(t, &stack.Schedules{Rules: []stack.Bound{{Tag: fleet.Tag{Key: "Schedule"}}}})
	for every, period := range map[string]string{"1m": "180", "5m": "900", "90m": "16200", "24h": "259200"} {
		got, err := stack.ScheduleParameters(times(t, map[string]string{"power": "every " + every, "report": "Mon 07:00 Asia/Seoul", "start": "Mon-Fri 08:00 Asia/Tokyo"}))
		if err != nil {
			t.Fatal(err)
		}
		rate := got["PowerSchedule"]
		delete(got, "PowerSchedule")
		want := map[string]string{
			"PowerPeriod": period, "PowerTimeZone": "", "ReportSchedule": "cron(0 7 ? * MON *)", "ReportTimeZone": "Asia/Seoul",
			"TagStartSchedule": "cron(0 8 ? * MON,TUE,WED,THU,FRI *)", "TagStartTimeZone": "Asia/Tokyo", "TagStopSchedule": "", "TagStopTimeZone": "",
		}
		if diff := cmp.Diff(want, got); diff != "" || !strings.HasPrefix(rate, "rate(") {
			t.Errorf("every %s: %s (-want +got)\n%s", every, rate, diff)
		}
		for name := range got {
			if !strings.Contains(rules, "\n  "+name+":\n") {
				t.Errorf("the template has no parameter %s", name)
			}
		}
	}
	// The defaults of the template are one, too.
	got, err := stack.ScheduleParameters(times(t, map[string]string{"power": "every 5m"}))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"PowerSchedule", "PowerPeriod"} {
		if !strings.Contains(rules, "  "+name+":\n    Type: "+map[string]string{"PowerSchedule": "String", "PowerPeriod": "Number"}[name]+"\n    Default: "+got[name]+"\n") {
			t.Errorf("%s is not %s by default", name, got[name])
		}
	}
	for text, job := range map[string]string{"Mon 1-7 07:00 UTC": "report", "Mon 07:00 UTC": "prove"} {
		if _, err := stack.ScheduleParameters(times(t, map[string]string{job: text})); err == nil || !strings.Contains(err.Error(), job) {
			t.Errorf("%s at %s: %v", job, text, err)
		}
	}
}

// TestBackupsInTemplate: with policies the template has a schedule that can be left out,
// an alarm where no run comes for two intervals, and one for runs that fail. Without any it
// has nothing of that.
func TestBackupsInTemplate(t *testing.T) {
	copies := stack.Backups{Policies: []stack.Copied{{Policy: "daily", Tags: []fleet.Tag{{Key: "Backup", Value: "daily"}}}}}
	text := template(t, &stack.Schedules{Rules: []stack.Bound{{Tag: fleet.Tag{Key: "Schedule"}}}, Backups: copies})
	for _, want := range []string{"BackupOnTime", "BackupAlarm", "BackupFailedAlarm"} {
		r, found := resources(t, text)[want]
		if !found || want != "BackupFailedAlarm" && r.Condition != "HasBackup" {
			t.Errorf("%s: %t, condition %q", want, found, r.Condition)
		}
	}
	if without := template(t, &stack.Schedules{Rules: []stack.Bound{{Tag: fleet.Tag{Key: "Schedule"}}}}); strings.Contains(without, "Backup") {
		t.Error("a template without policies has backups")
	}
	if alone := template(t, &stack.Schedules{Backups: copies}); !strings.Contains(alone, "BackupOnTime") || strings.Contains(alone, "PowerOnTime") {
		t.Error("policies need no rules")
	}
	got, err := stack.ScheduleParameters(times(t, map[string]string{"backup": "every 15m"}))
	if err != nil || got["BackupSchedule"] != "rate(15 minutes)" || got["BackupPeriod"] != "1800" {
		t.Errorf("%v, %v", got, err)
	}
	for _, name := range []string{"BackupSchedule", "BackupPeriod"} {
		if !strings.Contains(text, "Default: "+got[name]+"\n") {
			t.Errorf("%s is not %s by default", name, got[name])
		}
	}
	never := times(t, nil)
	never["backup"] = schedule.Recurrence{}
	if got, err := stack.ScheduleParameters(never); err != nil || got["BackupSchedule"] != "" || got["BackupPeriod"] != "" {
		t.Errorf("never: %v, %v", got, err)
	}
}
