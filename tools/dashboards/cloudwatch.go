package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cloudwatch"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"

	"nightshift/internal/metrics"
)

// needsFull ends the description of what is only there with that setting.
const needsFull = " Needs metrics.cloudwatch: full."

// cloudWatch shows the deployed function by its metrics in CloudWatch.
func cloudWatch() board {
	answers := []cog.Builder[dashboard.Panel]{
		forCloudWatch("Failed runs", "Runs of each job that failed as a whole or in part, in the time that is shown.", count,
			reduced("sum"), thresholds(good, step{1, bad}), byJob("Failed")),
		forCloudWatch("Runs", "Runs of each job that ended without an error of the whole, in the time that is shown.", count,
			reduced("sum"), thresholds(bad, step{1, plain}), byJob("Succeeded")),
		forCloudWatch("Newest report", "How old the newest cost report is. The stack's alarm goes off after eight days.", seconds,
			reduced("lastNotNull"), thresholds(good, step{604800, warning}, step{691200, bad}), ofPower("ReportAgeSeconds")),
		forCloudWatch("Out of schedule", "Machines that the last run left out of their desired state and that the next one would change."+needsFull, count,
			reduced("lastNotNull"), thresholds(good, step{1, warning}), ofStack("MachinesOutOfSchedule", "")),
		forCloudWatch("Down", "Accounts and regions that the last run could not read."+needsFull, count,
			reduced("lastNotNull"), thresholds(good, step{1, bad}), ofStack("TargetsDown", "")),
		forCloudWatch("Invalid tags", "Machines that are skipped because a tag or the definition of their schedule cannot be read."+needsFull, count,
			reduced("lastNotNull"), thresholds(good, step{1, warning}), ofStack("InvalidTags", "")),
	}
	trend := []line{
		across(high,
			measured("Runs", "Runs of each job that ended without an error of the whole.", count, true, byJob("Succeeded")),
			coloured(measured("Failed runs over time", "Runs of each job that failed as a whole or in part.", count, true, byJob("Failed")), ".*", bad)),
		across(high,
			coloured(measured("Stops and starts", "What runs stopped and started, and what failed."+needsFull, count, true,
				ofStack("Stops", "stops"), ofStack("Starts", "starts"), ofStack("TransitionFailures", "failed")), "failed", bad),
			measured("Out of schedule by schedule", "Machines that runs left out of their desired state, by schedule."+needsFull, count, false, bySchedule("MachinesOutOfSchedule"))),
		across(high,
			measured("Running", "Machines that ran when runs ended: all, and by schedule."+needsFull, count, false,
				ofStack("MachinesRunning", "all"), bySchedule("MachinesRunning")),
			measured("Cost", "Cost of the month until the last report, and of 730 hours of what existed then."+needsFull, dollars, false,
				ofStack("CostMonthToDateUSD", "month to date"), ofStack("CostRunRateUSD", "run rate")).SpanNulls(common.BoolOrFloat64{Bool: yes()})),
		across(high,
			coloured(measured("Copies", "Sets of copies that runs of backups began, and what failed."+needsFull, count, true,
				ofStack("Copies", "begun"), ofStack("CopyFailures", "failed")), "failed", bad),
			measured("Backups to look at", "Volumes of backup policies without a good copy younger than the RPO, and deletions that wait for a person."+needsFull, count, false,
				ofStack("VolumesRPOMissed", "RPO missed"), ofStack("DeletionsWaiting", "deletions waiting"))),
		across(high,
			measured("Duration of the function", "The longest run of the function in each interval. The function has 15 minutes.", "ms", false, ofFunction("Duration", metrics.Maximum, "longest")),
			measured("Errors of the function", "Runs that ended with an error, and calls that found no concurrency free.", count, true,
				ofFunction("Errors", metrics.Sum, "errors"), ofFunction("Throttles", metrics.Sum, "throttled"))),
	}
	return board{
		file: "nightshift-cloudwatch.json", uid: "nightshift-cloudwatch", title: "nightshift / CloudWatch",
		description: "The deployed function by its metrics in CloudWatch, where there is no Prometheus.",
		tags:        []string{"cloudwatch"}, since: "24h", refresh: "5m", source: fromCloudWatch,
		variables: cloudWatchVariables(),
		rows: []row{
			{"Answers", []line{across(low, answers...)}},
			{"Trend", trend},
			{"To act on", []line{across(tall,
				tally("Runs that failed", "Each job, the one with the most failed runs first. The log of the function names what failed.", "Job", "Failed runs", "sum", byJob("Failed")),
				tally("Schedules", "Each schedule, the one of which most machines are out of schedule first."+needsFull, "Schedule", "Out of schedule", "lastNotNull", bySchedule("MachinesOutOfSchedule")),
			)}},
		},
	}
}

func yes() *bool { return new(true) }

// cloudWatchVariables are region, stack and function.
func cloudWatchVariables() []cog.Builder[dashboard.VariableModel] {
	from := func(name, label string, query map[string]any) *dashboard.QueryVariableBuilder {
		query["refId"] = "CloudWatchVariableQueryEditor-VariableQuery"
		return dashboard.NewQueryVariableBuilder(name).Label(label).Datasource(fromCloudWatch.ref()).
			Query(dashboard.StringOrMap{Map: query}).Refresh(dashboard.VariableRefreshOnTimeRangeChanged).Sort(dashboard.VariableSortNaturalAsc)
	}
	values := func(namespace, metric, dimension string) map[string]any {
		return map[string]any{
			"queryType": "dimensionValues", "region": "$region", "namespace": namespace, "metricName": metric,
			"dimensionKey": dimension, "dimensionFilters": map[string]any{},
		}
	}
	return []cog.Builder[dashboard.VariableModel]{
		from("region", "Region", map[string]any{"queryType": "regions"}),
		from("stack", "Stack", values(metrics.Namespace, "Succeeded", metrics.DimensionStack)),
		// The template lets CloudFormation name the function after the stack.
		from("function", "Function", values("AWS/Lambda", "Invocations", "FunctionName")).Regex("/^$stack/"),
	}
}

// measure is a metric of CloudWatch with its dimensions and the name of its lines.
type measure struct {
	namespace, name, statistic, label string
	dimensions                        map[string]string
}

// statistic is that by which a metric of nightshift is read.
func statistic(name string) string {
	for _, m := range metrics.CloudWatchMetrics() {
		if m.Name == name {
			return m.Statistic
		}
	}
	panic("there is no metric " + name + " in CloudWatch") // a mistake in this program
}

func byJob(name string) measure {
	return measure{metrics.Namespace, name, statistic(name), "${PROP('Dim.Job')}", map[string]string{metrics.DimensionStack: "$stack", metrics.DimensionJob: "*"}}
}

func ofPower(name string) measure {
	return measure{metrics.Namespace, name, statistic(name), "", map[string]string{metrics.DimensionStack: "$stack", metrics.DimensionJob: "power"}}
}

func ofStack(name, label string) measure {
	return measure{metrics.Namespace, name, statistic(name), label, map[string]string{metrics.DimensionStack: "$stack"}}
}

func bySchedule(name string) measure {
	return measure{metrics.Namespace, name, statistic(name), "${PROP('Dim.Schedule')}", map[string]string{metrics.DimensionStack: "$stack", metrics.DimensionSchedule: "*"}}
}

func ofFunction(name, statistic, label string) measure {
	return measure{"AWS/Lambda", name, statistic, label, map[string]string{"FunctionName": "$function"}}
}

// query asks CloudWatch for a metric.
func (m measure) query(n int) *cloudwatch.MetricsQueryOrLogsQueryOrAnnotationQueryBuilder {
	dimensions := cloudwatch.Dimensions{}
	for name, value := range m.dimensions {
		dimensions[name] = cloudwatch.StringOrArrayOfString{String: &value}
	}
	q := cloudwatch.NewMetricsQueryBuilder().RefId(letter(n)).Id("").Region("$region").Namespace(m.namespace).MetricName(m.name).
		Dimensions(dimensions).MatchExact(true).Statistic(m.statistic).Period("auto").Label(m.label).
		QueryMode(cloudwatch.QueryModeMetrics).MetricQueryType(cloudwatch.MetricQueryTypeSearch).MetricEditorMode(cloudwatch.MetricEditorModeBuilder)
	return cloudwatch.NewMetricsQueryOrLogsQueryOrAnnotationQueryBuilder().MetricsQuery(q)
}

func reduced(by string) cog.Builder[common.ReduceDataOptions] {
	return common.NewReduceDataOptionsBuilder().Calcs([]string{by}).Values(false)
}

// forCloudWatch is an answer from a metric of CloudWatch.
func forCloudWatch(title, description, unit string, by cog.Builder[common.ReduceDataOptions], levels cog.Builder[dashboard.ThresholdsConfig], m measure) *stat.PanelBuilder {
	return stat.NewPanelBuilder().Title(title).Description(description).Unit(unit).Thresholds(levels).
		ColorMode(common.BigValueColorModeBackground).GraphMode(common.BigValueGraphModeNone).
		ReduceOptions(by).Orientation(common.VizOrientationAuto).NoValue("no data").WithTarget(m.query(0))
}

// measured is a graph of metrics of CloudWatch: bars of what happened, or lines.
func measured(title, description, unit string, happened bool, all ...measure) *timeseries.PanelBuilder {
	p := graph(title, description, unit)
	if happened {
		p = bars(title, description)
	}
	for n, m := range all {
		p.WithTarget(m.query(n))
	}
	return p
}

// tally is a table with a row for each line of a metric, the largest first.
func tally(title, description, row, value, by string, m measure) *table.PanelBuilder {
	column := map[string]string{"sum": "Total", "lastNotNull": "Last *"}[by]
	return table.NewPanelBuilder().Title(title).Description(description).Unit(count).NoValue("").CellHeight(common.TableCellHeightSm).
		WithTarget(m.query(0)).
		WithTransformation(dashboard.DataTransformerConfig{Id: "reduce", Options: map[string]any{"mode": "seriesToRows", "reducers": []string{by}}}).
		WithTransformation(dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{
			"renameByName": map[string]string{"Field": row, column: value}, "indexByName": map[string]int{"Field": 0, column: 1},
		}}).
		SortBy([]cog.Builder[common.TableSortByFieldState]{common.NewTableSortByFieldStateBuilder().DisplayName(value).Desc(true)})
}
