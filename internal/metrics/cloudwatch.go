package metrics

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/watch"
)

// Namespace is that of the metrics in CloudWatch.
const Namespace = "nightshift"

// The dimensions of CloudWatch's metrics. Every combination of their values is a
// metric that is paid for, so that none has the id of anything.
const (
	DimensionStack    = "Stack"
	DimensionJob      = "Job"
	DimensionSchedule = "Schedule"
)

// The statistics by which CloudWatch's metrics are read. What counts is what one run
// did: its sum is that of a time. Of a gauge the largest counts.
const (
	Sum     = "Sum"
	Maximum = "Maximum"
)

// CloudWatchMetric is all that is said of a metric of CloudWatch but its values.
type CloudWatchMetric struct {
	Name, Unit, Statistic string
	Dimensions            []string
	// Level is the least of metrics.cloudwatch with which it is written.
	Level config.CloudWatchMetrics
	Help  string
}

// The names of the metrics in CloudWatch.
const (
	runSucceeded    = "Succeeded"
	runFailed       = "Failed"
	reportAge       = "ReportAgeSeconds"
	runStops        = "Stops"
	runStarts       = "Starts"
	runActsFailed   = "TransitionFailures"
	stateOut        = "MachinesOutOfSchedule"
	stateRunning    = "MachinesRunning"
	stateInvalid    = "InvalidTags"
	stateDown       = "TargetsDown"
	costToDateUSD   = "CostMonthToDateUSD"
	costRunRateUSD  = "CostRunRateUSD"
	runCopies       = "Copies"
	runCopiesFailed = "CopyFailures"
	stateMissed     = "VolumesRPOMissed"
	stateWaiting    = "DeletionsWaiting"
	unitCount       = "Count"
	unitSeconds     = "Seconds"
	unitNone        = "None"
	schedulesInFull = 17 // values of the dimension Schedule, other among them
)

// CloudWatchMetrics are all metrics of CloudWatch.
func CloudWatchMetrics() []CloudWatchMetric {
	job, stack, schedule := []string{DimensionStack, DimensionJob}, []string{DimensionStack}, []string{DimensionStack, DimensionSchedule}
	basic, full := config.CloudWatchBasic, config.CloudWatchFull
	return []CloudWatchMetric{
		{runSucceeded, unitCount, Sum, job, basic, "1 where the run ended without an error of the whole, else 0."},
		{runFailed, unitCount, Sum, job, basic, "1 where the run failed as a whole or in part, else 0."},
		{reportAge, unitSeconds, Maximum, job, basic, "How old the newest report is; of power runs only."},
		{runStops, unitCount, Sum, stack, full, "Machines that the run stopped."},
		{runStarts, unitCount, Sum, stack, full, "Machines that the run started."},
		{runActsFailed, unitCount, Sum, stack, full, "Stops and starts of the run that failed."},
		{stateOut, unitCount, Maximum, stack, full, "Machines that were not in their desired state when the run ended, and that the next one would change."},
		{stateRunning, unitCount, Maximum, stack, full, "Machines that ran when the run ended."},
		{stateInvalid, unitCount, Maximum, stack, full, "Machines that were skipped because a tag or the definition of their schedule cannot be read."},
		{stateDown, unitCount, Maximum, stack, full, "Accounts and regions that could not be read."},
		{costToDateUSD, unitNone, Maximum, stack, full, "Cost of the month until the report."},
		{costRunRateUSD, unitNone, Maximum, stack, full, "Cost of 730 hours of what existed at the time of the report."},
		{runCopies, unitCount, Sum, stack, full, "Sets of copies that the run of backups began."},
		{runCopiesFailed, unitCount, Sum, stack, full, "Copies and deletions of the run that failed."},
		{stateMissed, unitCount, Maximum, stack, full, "Volumes of backup policies without a good copy younger than the RPO, when the run began."},
		{stateWaiting, unitCount, Maximum, stack, full, "Sets of copies whose deletion waited for a person."},
		{stateOut, unitCount, Maximum, schedule, full, "As above, by schedule."},
		{stateRunning, unitCount, Maximum, schedule, full, "As above, by schedule."},
	}
}

// FunctionRun is what a run of the function says to CloudWatch.
type FunctionRun struct {
	Stack, Job string
	At         time.Time
	// Succeeded is true where there was no error of the whole, Failed where the whole
	// or a part failed.
	Succeeded, Failed bool
	// NewestReport is the date of the newest report, zero where it is not known.
	NewestReport time.Time
	// Config is the configuration; without one only what is basic is written.
	Config *config.Config
	// Power, Report and Backup are what came of a run of that kind, else nil.
	Power  *app.PowerResult
	Report *app.ReportResult
	Backup *app.BackupResult
}

// line is a line of CloudWatch's embedded metric format: the values of metrics that
// have the same dimensions.
type line struct {
	dimensions map[string]string
	values     map[string]float64
}

// Lines are the lines of a run for CloudWatch, each an event of the log of its own.
func (r FunctionRun) Lines() ([][]byte, error) {
	level := config.CloudWatchBasic
	if r.Config != nil {
		level = r.Config.Metrics.CloudWatch
	}
	if level == config.CloudWatchOff {
		return nil, nil
	}
	lines := []line{r.basic()}
	if level == config.CloudWatchFull {
		lines = append(lines, r.full()...)
	}
	texts := make([][]byte, 0, len(lines))
	for _, l := range lines {
		text, err := l.encode(r.At)
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return texts, nil
}

// basic is what the alarms of the stack need.
func (r FunctionRun) basic() line {
	l := line{
		map[string]string{DimensionStack: r.Stack, DimensionJob: r.Job},
		map[string]float64{runSucceeded: one(r.Succeeded), runFailed: one(r.Failed)},
	}
	if !r.NewestReport.IsZero() {
		l.values[reportAge] = float64(max(r.At.Sub(r.NewestReport), 0) / time.Second)
	}
	return l
}

// full is what the dashboard shows.
func (r FunctionRun) full() []line {
	all := line{map[string]string{DimensionStack: r.Stack}, map[string]float64{}}
	var lines []line
	if r.Power != nil {
		if r.Power.Input.Action == power.None { // a stop or a start by a tag knows no schedules
			lines = r.bySchedule(all)
		}
		r.acts(all)
	}
	if r.Report != nil {
		for _, t := range r.Report.Totals {
			if t.Target == (fleet.Target{}) {
				all.values[costToDateUSD], all.values[costRunRateUSD] = t.TotalToDate.Float(), t.RunRate.Float()
			}
		}
	}
	if r.Backup != nil {
		r.backups(all)
	}
	if len(all.values) > 0 {
		lines = append([]line{all}, lines...)
	}
	return lines
}

// acts counts what the run did.
func (r FunctionRun) acts(all line) {
	for _, name := range []string{runStops, runStarts, runActsFailed} {
		all.values[name] = 0
	}
	for _, t := range r.Power.Targets {
		for _, o := range t.Outcomes {
			switch {
			case o.Action == "":
			case o.Result == fleet.Failed:
				all.values[runActsFailed]++
			case o.Result == fleet.Done && o.Action == string(power.Start):
				all.values[runStarts]++
			case o.Result == fleet.Done:
				all.values[runStops]++
			}
		}
	}
}

// backups counts what the run did, and how the policies were doing where they could be
// read.
func (r FunctionRun) backups(all line) {
	all.values[runCopies], all.values[runCopiesFailed] = 0, 0
	for n := range r.Backup.Targets {
		t := &r.Backup.Targets[n]
		for _, o := range t.Outcomes {
			all.values[runCopies] += one(o.Result == fleet.Done && o.Action == backup.DidCopy)
			all.values[runCopiesFailed] += one(o.Result == fleet.Failed)
		}
		if t.Failure != nil {
			continue
		}
		all.values[stateWaiting] += float64(t.Waiting)
		all.values[stateMissed] += 0
		for _, p := range backup.MakeStatus(t.Inventory, r.Config.Backup, backup.StatusOptions{}).Policies {
			if p.Policy != "" {
				all.values[stateMissed] += float64(p.Missed)
			}
		}
	}
}

// bySchedule counts the machines as the run left them, by schedule and all together.
func (r FunctionRun) bySchedule(all line) []line {
	known := scheduleLabels(r.Config)
	lines := map[string]line{}
	names := r.schedules(known)
	for _, name := range names {
		lines[name] = line{
			map[string]string{DimensionStack: r.Stack, DimensionSchedule: name}, map[string]float64{stateOut: 0, stateRunning: 0},
		}
	}
	for _, name := range []string{stateOut, stateRunning, stateInvalid} {
		all.values[name] = 0
	}
	all.values[stateDown] = float64(len(r.Power.Unreachable))
	for _, t := range r.Power.Targets {
		all.values[stateDown] += one(t.Failure != nil)
		for n, step := range t.Plan.Steps {
			running, out := leftAs(step, t.Outcomes, n)
			name := known.of(step.Desired.Schedule, step.Invalid)
			if _, ok := lines[name]; !ok {
				name = Other
			}
			for _, values := range []map[string]float64{all.values, lines[name].values} {
				values[stateRunning] += one(running)
				values[stateOut] += one(out)
			}
			all.values[stateInvalid] += one(step.Invalid)
		}
	}
	list := make([]line, 0, len(names))
	for _, name := range names {
		list = append(list, lines[name])
	}
	return list
}

// schedules are the values of the dimension: the first of the configuration, so that
// they are the same in every run. A metric that comes up once is paid for.
func (r FunctionRun) schedules(known scheduleLabel) []string {
	names := known.all(r.Config) // inline and unknown are the last two
	if len(names) <= schedulesInFull {
		return names
	}
	rest := names[len(names)-2:]
	return slices.Concat(names[:schedulesInFull-3], rest, []string{Other})
}

// leftAs is whether the run left a machine running, and out of its schedule.
func leftAs(step power.Step, outcomes []fleet.Outcome, n int) (running, out bool) {
	running = step.Machine.State == fleet.Running || step.Machine.State == fleet.Pending
	out = watch.OutOfSchedule(step)
	if n < len(outcomes) && outcomes[n].Result == fleet.Done && outcomes[n].Action != "" {
		return outcomes[n].Action == string(power.Start), false
	}
	return running, out
}

// encode writes the line.
func (l line) encode(at time.Time) ([]byte, error) {
	type metric struct{ Name, Unit string }
	type directive struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []metric
	}
	d := directive{Namespace: Namespace}
	members := map[string]any{"level": "INFO"} // else a filter of the log's level would drop it
	for _, m := range CloudWatchMetrics() {
		value, ok := l.values[m.Name]
		if !ok || !sameKeys(m.Dimensions, l.dimensions) {
			continue
		}
		d.Dimensions = [][]string{m.Dimensions}
		d.Metrics = append(d.Metrics, metric{m.Name, m.Unit})
		members[m.Name] = value
	}
	if len(d.Metrics) != len(l.values) {
		return nil, fmt.Errorf("metrics for CloudWatch: %v are not all declared for %v", slices.Sorted(maps.Keys(l.values)), slices.Sorted(maps.Keys(l.dimensions)))
	}
	for name, value := range l.dimensions {
		members[name] = dimensionValue(value)
	}
	members["_aws"] = map[string]any{"Timestamp": at.UnixMilli(), "CloudWatchMetrics": []directive{d}}
	text, err := json.Marshal(members)
	return append(text, '\n'), err
}

func sameKeys(names []string, of map[string]string) bool {
	if len(names) != len(of) {
		return false
	}
	for _, name := range names {
		if _, ok := of[name]; !ok {
			return false
		}
	}
	return true
}

// dimensionValue makes a value that CloudWatch takes: printable ASCII that does not
// begin with a colon.
func dimensionValue(s string) string {
	out := []byte{}
	for n, r := range s {
		if r < ' ' || r > '~' || n == 0 && r == ':' {
			r = '?'
		}
		out = append(out, byte(r))
	}
	if len(out) == 0 {
		return "?"
	}
	return string(out[:min(len(out), longestLabel)])
}
