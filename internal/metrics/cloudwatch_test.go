package metrics_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/config"
	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/metrics"
	"nightshift/internal/power"
	"nightshift/internal/price"
	"nightshift/internal/schedule"
	"nightshift/internal/stack"
)

// event is a line of the embedded metric format as CloudWatch reads it.
type event struct {
	AWS struct {
		Timestamp         int64
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct{ Name, Unit string }
		}
	} `json:"_aws"`
	members map[string]any
}

// events reads the lines of a run, and holds each to what CloudWatch takes.
func events(t *testing.T, r metrics.FunctionRun) []event {
	t.Helper()
	lines, err := r.Lines()
	if err != nil {
		t.Fatal(err)
	}
	var all []event
	for _, line := range lines {
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(line, &e.members); err != nil {
			t.Fatal(err)
		}
		if len(line) > 1<<20 || strings.Count(string(line), "\n") != 1 || e.members["level"] != "INFO" || len(e.AWS.CloudWatchMetrics) != 1 {
			t.Errorf("not an event of the log: %s", line)
		}
		for _, d := range e.AWS.CloudWatchMetrics {
			if d.Namespace != stack.MetricNamespace || len(d.Metrics) > 100 || len(d.Dimensions) != 1 {
				t.Errorf("%+v", d)
			}
			for _, dimension := range d.Dimensions[0] {
				value, ok := e.members[dimension].(string)
				if !ok || value == "" || len(value) > 1024 || strings.Trim(value, " ") == "" || value[0] == ':' {
					t.Errorf("the dimension %s is %q", dimension, e.members[dimension])
				}
			}
			for _, m := range d.Metrics {
				if _, ok := e.members[m.Name].(float64); !ok {
					t.Errorf("%s is %v", m.Name, e.members[m.Name])
				}
			}
		}
		all = append(all, e)
	}
	return all
}

// series are the metrics that are paid for: each name with each combination of values of
// its dimensions.
func (e event) series() []string {
	var all []string
	for _, d := range e.AWS.CloudWatchMetrics {
		key := ""
		for _, name := range d.Dimensions[0] {
			key += fmt.Sprint(" ", name, "=", e.members[name])
		}
		for _, m := range d.Metrics {
			all = append(all, m.Name+key)
		}
	}
	return all
}

// everyRun are runs of all jobs of the largest configuration, at several times of a day.
func everyRun(level config.CloudWatchMetrics) []metrics.FunctionRun {
	var runs []metrics.FunctionRun
	for _, hour := range []int{3, 9, 20} {
		st := largest(hour)
		cfg := st.Config.Value
		cfg.Metrics.CloudWatch = level
		result := &app.PowerResult{Unreachable: []app.TargetError{{}}}
		for _, t := range st.Targets {
			outcomes := make([]fleet.Outcome, len(t.Steps))
			for n, s := range t.Steps {
				outcomes[n] = fleet.Outcome{Action: string(s.Action), Result: []fleet.Result{fleet.Done, fleet.Failed, fleet.Deferred}[n%3]}
			}
			result.Targets = append(result.Targets, app.PowerTarget{Plan: power.Plan{Target: t.Target, Steps: t.Steps}, Outcomes: outcomes})
		}
		report := &app.ReportResult{}
		report.Totals = []cost.Total{{TotalToDate: 12 * price.Dollar, RunRate: 34 * price.Dollar}}
		for _, job := range []string{"power", "report", "stop", "start", "check", "backup"} {
			r := metrics.FunctionRun{Stack: "night", Job: job, At: evening(), Succeeded: true, Config: cfg}
			switch job {
			case "power":
				r.NewestReport, r.Power = evening().AddDate(0, 0, -1), result
			case "report":
				r.Report = report
			case "backup":
				r.Backup = &app.BackupResult{Targets: []app.BackupTarget{{}}}
			case "stop", "start":
				byTag := *result
				byTag.Input.Action = power.Action(job)
				r.Power = &byTag
			}
			runs = append(runs, r)
		}
	}
	return runs
}

// TestCloudWatchCost counts what the largest configuration pays for: $0.30 a month for
// each metric of the first ten thousand (Amazon CloudWatch pricing).
func TestCloudWatchCost(t *testing.T) {
	for _, c := range []struct {
		level config.CloudWatchMetrics
		most  int
	}{{config.CloudWatchOff, 0}, {config.CloudWatchBasic, 13}, {config.CloudWatchFull, 60}} {
		t.Run(string(c.level), func(t *testing.T) {
			var series []string
			for _, r := range everyRun(c.level) {
				for _, e := range events(t, r) {
					series = append(series, e.series()...)
				}
			}
			slices.Sort(series)
			series = slices.Compact(series)
			if len(series) > c.most || len(series) < c.most-2 {
				t.Errorf("%d metrics, want about %d:\n%s", len(series), c.most, strings.Join(series, "\n"))
			}
			if cents := len(series) * 30; cents > 1800 {
				t.Errorf("%d cents a month", cents)
			}
		})
	}
}

// TestCloudWatchRun follows the values of one run.
func TestCloudWatchRun(t *testing.T) {
	cfg := configuration(t)
	cfg.Metrics.CloudWatch = config.CloudWatchFull
	step := func(state fleet.State, action power.Action, name string) power.Step {
		return power.Step{Machine: fleet.Machine{State: state}, Action: action, Desired: power.Desired{State: schedule.Stopped, Schedule: name}}
	}
	result := &app.PowerResult{
		Targets: []app.PowerTarget{{
			Plan: power.Plan{Steps: []power.Step{
				step(fleet.Running, power.Stop, "office"), step(fleet.Running, power.Stop, "office"), step(fleet.Running, power.None, "office"),
				step(fleet.Stopped, power.Start, "Mon-Fri 08:00-19:00"),
				{Machine: fleet.Machine{State: fleet.Running}, Invalid: true},
			}},
			Outcomes: []fleet.Outcome{
				{Action: "stop", Result: fleet.Done}, {Action: "stop", Result: fleet.Failed}, {Result: fleet.Skipped}, {Action: "start", Result: fleet.Done}, {Result: fleet.Skipped},
			},
		}},
		Unreachable: []app.TargetError{{}},
	}
	got := map[string]string{}
	for _, e := range events(t, metrics.FunctionRun{Stack: "night", Job: "power", At: evening(), Failed: true, Config: cfg, Power: result}) {
		for _, s := range e.series() {
			name, _, _ := strings.Cut(s, " ")
			got[s] = fmt.Sprint(e.members[name])
		}
		if e.AWS.Timestamp != evening().UnixMilli() {
			t.Errorf("at %d", e.AWS.Timestamp)
		}
	}
	want := map[string]string{
		"Succeeded Stack=night Job=power": "0", "Failed Stack=night Job=power": "1",
		"Stops Stack=night": "1", "Starts Stack=night": "1", "TransitionFailures Stack=night": "1",
		"MachinesOutOfSchedule Stack=night": "1", "MachinesRunning Stack=night": "4", "InvalidTags Stack=night": "1", "TargetsDown Stack=night": "1",
		"MachinesOutOfSchedule Stack=night Schedule=office": "1", "MachinesRunning Stack=night Schedule=office": "2",
		"MachinesOutOfSchedule Stack=night Schedule=inline": "0", "MachinesRunning Stack=night Schedule=inline": "1",
		"MachinesOutOfSchedule Stack=night Schedule=unknown": "0", "MachinesRunning Stack=night Schedule=unknown": "1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestCloudWatchBackups: what a run of backups did, and how the policies were doing. Where
// nothing could be read there is no number that could be taken for none.
func TestCloudWatchBackups(t *testing.T) {
	cfg := configuration(t)
	cfg.Metrics.CloudWatch = config.CloudWatchFull
	cfg.Backup.Policies = []backup.Policy{{ID: "daily", Resource: backup.Volumes, Tags: []fleet.Tag{{Key: "Backup"}}, RPO: time.Hour}}
	outcome := func(did backup.Action, result fleet.Result) backup.Outcome {
		return backup.Outcome{Action: did, Result: result}
	}
	read := app.BackupTarget{
		Waiting: 3,
		Outcomes: []backup.Outcome{
			outcome(backup.DidCopy, fleet.Done), outcome(backup.DidCopy, fleet.Done), outcome(backup.DidCopy, fleet.Failed),
			outcome(backup.DidDelete, fleet.Done), outcome(backup.DidDelete, fleet.Failed), outcome(backup.DidCopy, fleet.Deferred),
		},
	}
	read.Inventory.At = evening()
	for id, tags := range map[fleet.VolumeID]fleet.Tags{"vol-1": {"Backup": "x"}, "vol-2": {}} {
		read.Inventory.Volumes = append(read.Inventory.Volumes, fleet.Volume{ID: id, State: "available", Tags: tags})
	}
	unread := app.BackupTarget{Failure: &app.TargetError{}}
	for name, c := range map[string]struct {
		targets []app.BackupTarget
		want    map[string]string
	}{
		"read":     {[]app.BackupTarget{read, unread}, map[string]string{"Copies": "2", "CopyFailures": "2", "VolumesRPOMissed": "1", "DeletionsWaiting": "3"}},
		"not read": {[]app.BackupTarget{unread}, map[string]string{"Copies": "0", "CopyFailures": "0"}},
	} {
		got := map[string]string{}
		for _, e := range events(t, metrics.FunctionRun{Stack: "night", Job: "backup", At: evening(), Config: cfg, Backup: &app.BackupResult{Targets: c.targets}}) {
			for _, s := range e.series() {
				if name, of, _ := strings.Cut(s, " "); of == "Stack=night" {
					got[name] = fmt.Sprint(e.members[name])
				}
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

// TestCloudWatchNames: each metric has a statistic that suits it, and a name and
// dimensions of its own.
func TestCloudWatchNames(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range metrics.CloudWatchMetrics() {
		key := m.Name + fmt.Sprint(m.Dimensions)
		if seen[key] || strings.HasSuffix(strings.ToLower(m.Name), "total") || m.Help == "" || m.Dimensions[0] != metrics.DimensionStack {
			t.Errorf("%+v", m)
		}
		if m.Statistic != metrics.Sum && m.Statistic != metrics.Maximum {
			t.Errorf("%s is read by %s", m.Name, m.Statistic)
		}
		seen[key] = true
	}
	if metrics.Namespace != stack.MetricNamespace {
		t.Errorf("the alarms of the stack read %s", stack.MetricNamespace)
	}
}
