package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// ofTag selects the tag that the reader has chosen.
const ofTag = `tag_key="$tag_key"`

// costs shows what the estate costs and what nightshift saves.
func costs(q queries) board {
	key := `label_values(nightshift_cost_tag_run_rate_usd{job=~"$job", instance=~"$instance"}, tag_key)`
	tagKey := dashboard.NewQueryVariableBuilder("tag_key").Label("Tag").Datasource(fromPrometheus.ref()).
		Query(dashboard.StringOrMap{String: &key}).Definition(key).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).Sort(dashboard.VariableSortNaturalAsc)
	return forPrometheus(board{
		file: "nightshift-cost.json", uid: "nightshift-cost", title: "nightshift / Cost and savings",
		description: "What the estate costs at list prices, what nightshift saves, and what could cost less.",
		since:       "30d", refresh: "15m",
		rows: []row{
			{"Answers", []line{across(low, costAnswers(q)...)}},
			{"Trend", []line{
				across(high, q.month(), q.saved()),
				across(high, q.services(), q.accounts()),
				across(high, q.byTag()),
			}},
			{"To act on", []line{
				across(tall, q.recommended(), q.tagValues()),
				across(tall, q.costTargets(), q.costServices()),
			}},
		},
	}, tagKey)
}

func costAnswers(q queries) []cog.Builder[dashboard.Panel] {
	usd := func(title, description, expr string) cog.Builder[dashboard.Panel] {
		return amount(title, description, dollars, expr).Decimals(0)
	}
	return []cog.Builder[dashboard.Panel]{
		usd("Month to date", "Cost of this month until now at list prices.", q.sum("", "cost_month_to_date_usd")),
		usd("Forecast", "Cost of this month up to its end: month to date, and what the schedules make of what exists now.", q.sum("", "cost_forecast_usd")),
		usd("Run rate", "Cost of 730 hours of what exists now, as though the month were all like now.", q.sum("", "cost_run_rate_usd")),
		usd("Saved this month", "What was saved this month because nightshift stopped machines: compute less what volumes and addresses cost meanwhile.", q.sum("", "savings_usd")),
		usd("Could be saved", "What following all recommendations would save in a month. They are not all independent of each other.", orNone(q.sum("", "recommendations_saving_usd"))),
		answer("Rows with a price", "Share of the rows of the cost report that have a price. Below 100% the sums are too low.",
			share, "min("+q.once("price_coverage_ratio")+")", thresholds(bad, step{0.95, warning}, step{1, good})),
		answer("Calculated", "How long ago the costs were calculated, which is done every six hours and after each report. All of this page is as old as that.",
			seconds, "max(time() - ("+q.once("cost_last_success_timestamp_seconds")+" > 0))", thresholds(good, step{43200, warning}, step{86400, bad})),
	}
}

func (q queries) month() cog.Builder[dashboard.Panel] {
	return graph("This month", "Month to date, forecast and run rate. The forecast becomes the month to date at the end of the month; a step in the run rate is something that was made or removed.",
		dollars, series{q.sum("", "cost_month_to_date_usd"), "month to date"}, series{q.sum("", "cost_forecast_usd"), "forecast"},
		series{q.sum("", "cost_run_rate_usd"), "run rate"})
}

func (q queries) saved() cog.Builder[dashboard.Panel] {
	return stacked("Saved this month by schedule", "Compute less what volumes and addresses cost meanwhile, by schedule. It begins at 0 with each month.",
		dollars, series{q.sum("schedule", "savings_usd"), "{{schedule}}"})
}

func (q queries) services() cog.Builder[dashboard.Panel] {
	return stacked("Run rate by service", "Cost of 730 hours of what exists now, by service.",
		dollars, series{q.sum("aws_service", "cost_service_run_rate_usd"), "{{aws_service}}"})
}

func (q queries) accounts() cog.Builder[dashboard.Panel] {
	return stacked("Run rate by account", "Cost of 730 hours of what exists now, by account.",
		dollars, series{q.sum("aws_account_id", "cost_run_rate_usd"), "{{aws_account_id}}"})
}

func (q queries) byTag() cog.Builder[dashboard.Panel] {
	return stacked("Run rate by $tag_key", "Cost of 730 hours of what exists now, by the value of the tag that was chosen. (none) is what does not have it, other all beyond the largest values.",
		dollars, series{q.sum("tag_value", "cost_tag_run_rate_usd", ofTag), "{{tag_value}}"})
}

func (q queries) recommended() cog.Builder[dashboard.Panel] {
	by := "code"
	return list("Recommendations", "What could cost less, by the code of the recommendation. The command nightshift cost recommendations names the resources, with the command for each.", by,
		column{expr: q.sum(by, "recommendations_saving_usd"), name: "Saving per month", unit: dollars},
		column{expr: q.sum(by, "recommendations"), name: "Recommendations", unit: count})
}

func (q queries) tagValues() cog.Builder[dashboard.Panel] {
	by := "tag_value"
	return list("Values of $tag_key", "Costs by the value of the tag that was chosen. What has none is nobody's: give it to somebody.", by,
		column{expr: q.sum(by, "cost_tag_month_to_date_usd", ofTag), name: "Month to date", unit: dollars},
		column{expr: q.sum(by, "cost_tag_run_rate_usd", ofTag), name: "Run rate", unit: dollars})
}

func (q queries) costTargets() cog.Builder[dashboard.Panel] {
	by := "aws_account_id aws_region"
	return list("Accounts and regions", "Costs of each account and region, the dearest first.", by,
		column{expr: q.sum(by, "cost_forecast_usd"), name: "Forecast", unit: dollars},
		column{expr: q.sum(by, "cost_month_to_date_usd"), name: "Month to date", unit: dollars},
		column{expr: q.sum(by, "cost_run_rate_usd"), name: "Run rate", unit: dollars})
}

func (q queries) costServices() cog.Builder[dashboard.Panel] {
	by := "aws_service"
	return list("Services", "Costs of each service, the dearest first.", by,
		column{expr: q.sum(by, "cost_service_month_to_date_usd"), name: "Month to date", unit: dollars},
		column{expr: q.sum(by, "cost_service_run_rate_usd"), name: "Run rate", unit: dollars})
}
