package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
)

// ofSchedules selects the schedules that the reader has chosen.
const ofSchedules = `schedule=~"$schedule"`

// fleet shows the machines and what their schedules ask for.
func fleet(q queries) board {
	return forPrometheus(board{
		file: "nightshift-fleet.json", uid: "nightshift-fleet", title: "nightshift / Fleet and schedules",
		description: "The machines by schedule, account and state: what runs, what should not, and what comes next.",
		since:       "24h", refresh: "1m",
		rows: []row{
			{"Answers", []line{across(low, fleetAnswers(q)...)}},
			{"Trend", []line{
				across(high, q.states(), q.compliance()),
				across(high, q.timeline()),
				across(high, q.exceptions(), q.kinds()),
			}},
			{"To act on", []line{
				across(tall, q.schedules()),
				{tall, []cell{{10, q.outOfScheduleList()}, {14, q.perTarget()}}},
			}},
		},
	}, chosen("schedule", "Schedule", `label_values(nightshift_machines_out_of_schedule{job=~"$job", instance=~"$instance"}, schedule)`))
}

func fleetAnswers(q queries) []cog.Builder[dashboard.Panel] {
	return []cog.Builder[dashboard.Panel]{
		amount("Machines", "Machines that rules select, of the schedules that were chosen.", count, q.sum("", "machines", ofSchedules)),
		amount("Running", "Machines that run now.", count, orNone(q.sum("", "machines", ofSchedules, `actual="running"`))),
		answer("In desired state", "Share of the machines with a schedule that are in the state which it asks for. Machines that a person started or stopped count as not.",
			share, q.inDesiredState(), thresholds(bad, step{0.9, warning}, step{0.98, good})),
		answer("Out of schedule", "Machines that nightshift would stop or start.",
			count, q.sum("", "machines_out_of_schedule", ofSchedules), thresholds(good, step{1, warning})),
		answer("Manual", "Machines that a person started or stopped against their schedule. That is respected until the schedule changes.",
			count, q.sum("", "machines_manual", ofSchedules), thresholds(good, step{1, plain})),
		answer("Overrides", "Overrides that hold now, of all schedules.",
			count, q.sum("", "overrides"), thresholds(good, step{1, plain})),
		answer("Invalid tags", "Machines that are skipped because a tag or the definition of their schedule cannot be read, of all schedules. The command nightshift power plan names them.",
			count, q.sum("", "invalid_tags"), thresholds(good, step{1, warning})),
	}
}

// inDesiredState is the share of the scheduled machines that are as they should be: 0
// where there are only others.
func (q queries) inDesiredState() string {
	return "(" + orNone(aggregate("sum", "", q.once("machines", ofSchedules, `desired="running"`, `actual="running"`)+
		" or "+q.once("machines", ofSchedules, `desired="stopped"`, `actual="stopped"`))) + ") / " +
		q.sum("", "machines", ofSchedules, `desired=~"running|stopped"`)
}

func (q queries) states() cog.Builder[dashboard.Panel] {
	p := stacked("Machines by state", "All machines of the schedules that were chosen, by their actual state.",
		count, series{q.sum("actual", "machines", ofSchedules), "{{actual}}"}).Decimals(0)
	return coloured(coloured(coloured(p, "running", good), "stopped", plain), "pending|stopping", warning)
}

func (q queries) compliance() cog.Builder[dashboard.Panel] {
	return graph("In desired state", "Share of the machines with a schedule that are in the state which it asks for. It falls at each transition and comes back within a run or two.",
		share, series{q.inDesiredState(), "in desired state"}).Max(1)
}

func (q queries) timeline() cog.Builder[dashboard.Panel] {
	expr := q.sum("schedule", "machines_out_of_schedule", ofSchedules)
	return statetimeline.NewPanelBuilder().Title("Out of schedule over time").
		Description("How many machines of each schedule were out of schedule. A bar that does not end is a machine that nightshift cannot stop or start.").
		Unit(count).Decimals(0).Thresholds(thresholds(good, step{1, warning}, step{10, bad})).
		ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdThresholds)).
		MergeValues(true).ShowValue(common.VisibilityModeAuto).RowHeight(0.8).FillOpacity(70).LineWidth(0).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(false).DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom)).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending)).
		WithTarget(prometheus.NewDataqueryBuilder().Expr(expr).LegendFormat("{{schedule}}").Range().RefId(letter(0)))
}

func (q queries) exceptions() cog.Builder[dashboard.Panel] {
	return graph("Manual and overridden", "Machines that a person started or stopped, by their state, and overrides of all schedules by the state that they ask for.",
		count, series{q.sum("actual", "machines_manual", ofSchedules), "manual, {{actual}}"},
		series{q.sum("state", "overrides"), "override, {{state}}"}).Decimals(0)
}

func (q queries) kinds() cog.Builder[dashboard.Panel] {
	return stacked("Running by kind", "Machines that run, by what they are.",
		count, series{q.sum("kind", "machines", ofSchedules, `actual="running"`), "{{kind}}"}).Decimals(0)
}

func (q queries) schedules() cog.Builder[dashboard.Panel] {
	by := "schedule"
	return list("Schedules", "Each schedule, the one with the most machines out of schedule first. inline is what is written into tags, unknown is no schedule or one that cannot be read.", by,
		column{expr: q.sum(by, "machines_out_of_schedule", ofSchedules), name: "Out of schedule", unit: count, levels: thresholds(good, step{1, warning})},
		column{expr: q.age(by, "out_of_schedule_oldest_timestamp_seconds", ofSchedules), name: "Longest", unit: seconds, levels: thresholds(good, step{900, warning}, step{1800, bad})},
		column{expr: q.sum(by, "machines", ofSchedules), name: "Machines", unit: count},
		column{expr: q.sum(by, "machines", ofSchedules, `actual="running"`), name: "Running", unit: count},
		column{expr: q.sum(by, "machines_manual", ofSchedules), name: "Manual", unit: count},
		column{expr: q.instant("min", by, "schedule_next_transition_timestamp_seconds", ofSchedules, `desired="stopped"`), name: "Stops", unit: instant},
		column{expr: q.instant("min", by, "schedule_next_transition_timestamp_seconds", ofSchedules, `desired="running"`), name: "Starts", unit: instant},
	)
}

func (q queries) outOfScheduleList() cog.Builder[dashboard.Panel] {
	by := "schedule desired actual"
	return list("Machines to look at", "What is out of schedule now, by schedule, desired and actual state. The command nightshift power plan names the machines and says why.", by,
		column{expr: q.sum(by, "machines_out_of_schedule", ofSchedules) + " > 0", name: "Machines", unit: count, levels: thresholds(good, step{1, warning})})
}

func (q queries) perTarget() cog.Builder[dashboard.Panel] {
	by := "aws_account_id aws_region"
	return list("Accounts and regions", "Machines of each account and region, those with the most that run first.", by,
		column{expr: q.sum(by, "machines", ofSchedules, `actual="running"`), name: "Running", unit: count},
		column{expr: q.sum(by, "machines", ofSchedules, `actual="stopped"`), name: "Stopped", unit: count},
		column{expr: q.sum(by, "machines", ofSchedules, `desired="unmanaged"`), name: "Unmanaged", unit: count},
		column{expr: q.sum(by, "machines", ofSchedules), name: "Machines", unit: count})
}
