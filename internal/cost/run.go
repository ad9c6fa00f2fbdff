package cost

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// fact is one row of the Run sheet.
type fact struct {
	name  string
	value any
	note  string
}

// runTable says when, of what and from what the report was made, and what its
// columns mean.
func (r Report) runTable() Table {
	facts := []fact{
		{"Generated", r.Generated, "in the time zone below"},
		{"Time zone", r.Generated.Location().String(), r.Generated.Format("UTC-07:00") + " when generated"},
		{"Month", r.Month.Start.Format("2006-01"), "from " + r.Month.Start.Format(time.RFC3339) + " to " + r.Month.End.Format(time.RFC3339)},
		{"Hours in month", r.Month.End.Sub(r.Month.Start), ""},
		{"Hours so far", r.Month.Now.Sub(r.Month.Start), ""},
		{"Hours mode", string(r.Hours), r.Hours.meaning()},
	}
	for _, t := range r.Targets {
		facts = append(facts, fact{"Target", string(t.Account), string(t.Region)})
	}
	facts = append(facts,
		fact{"Instances", int64(len(r.Instances)), ""},
		fact{"Instances left out", int64(r.Excluded), "by their tag Platform"},
		fact{"Volumes", int64(len(r.Volumes)), ""})
	counts := r.Statuses()
	for _, s := range []price.Status{price.Exact, price.Fallback, price.Ambiguous, price.Missing} {
		facts = append(facts, fact{"Price " + string(s), int64(counts[s]), statusMeaning(s)})
	}
	facts = append(facts, fact{"Coverage (%)", math.Round(r.Coverage()*100) / 100, "share of the rows that have a price"})
	sources := r.sources()
	for _, s := range slices.Sorted(maps.Keys(sources)) {
		facts = append(facts, fact{"Hours from " + string(s), int64(sources[s]), s.meaning()})
	}
	for _, s := range r.Spend {
		facts = append(facts,
			fact{"Paid " + s.Service + " " + s.Unit, int64(s.Used), fmt.Sprintf("counted before they were sent; no more than %d are", s.Cap)},
			fact{"Cost of " + s.Service + " (USD)", s.USD, "what AWS charges for this report's own requests"})
	}
	total := 0
	for _, n := range r.Calls {
		total += n
	}
	facts = append(facts, fact{"API calls", int64(total), ""})
	for _, name := range slices.Sorted(maps.Keys(r.Calls)) {
		facts = append(facts, fact{"API calls " + name, int64(r.Calls[name]), ""})
	}
	for _, note := range r.Notes {
		facts = append(facts, fact{"Note", "", note})
	}
	for _, p := range r.Problems {
		facts = append(facts, fact{"Problem", p.Error(), "what is missing on the other sheets"})
	}
	facts = append(facts, meanings()...)
	return table("Run", 1, facts, []field[fact]{
		{"Fact", Text, func(f fact) any { return f.name }},
		{"Value", Mixed, func(f fact) any { return f.value }},
		{"Note", Text, func(f fact) any { return f.note }},
	})
}

func (m HoursMode) meaning() string {
	if m == AssumedHours {
		return "24 hours × day of month for what is running, 0 for all else"
	}
	return "the best source for each instance; HoursSource names it"
}

// sources counts the instances by where their hours come from.
func (r Report) sources() map[HoursSource]int {
	counts := map[HoursSource]int{}
	for _, i := range r.Instances {
		counts[i.Source]++
	}
	return counts
}

// meaning says how far the hours can be trusted.
func (s HoursSource) meaning() string {
	switch s {
	case FromBill:
		return "instances, as AWS billed them"
	case FromLaunchTime, FromFirstLaunch, FromStopTime, FromEarlierStop:
		return "instances, exact: EC2 tells the last start and stop"
	case FromJournal:
		return "instances, exact unless somebody else acted in between unseen"
	case FromMetrics:
		return "instances, to five minutes at each start and stop"
	case LowerBound:
		return "instances that ran at least so long; HoursAtMost has the upper bound"
	case Assumed:
		return "instances of which nothing is certain"
	}
	return "instances, one source for each part of the month"
}

func statusMeaning(s price.Status) string {
	switch s {
	case price.Exact:
		return "exactly one price matches"
	case price.Fallback:
		return "a part was assumed or left out; the note says which"
	case price.Ambiguous:
		return "several prices match and differ; none was used"
	default:
		return "no price was found; the cells are empty, not zero"
	}
}

// meanings explains the columns whose names do not.
func meanings() []fact {
	return []fact{
		{"EC2Monthly(USD)", "month to date", "Hourly(USD) × Hours"},
		{"EBSMonthly(USD)", "full month", "storage, IOPS and throughput at list prices"},
		{"TotalMonthly(USD)", "mixed", "EC2Monthly + EBSMonthly; TotalMonthToDate(USD) has both on one basis"},
		{"EBSMonthToDate(USD)", "month to date", "by the real hours of the month, from the volume's creation"},
		{"EC2AtLeast(USD)", "month to date", "Hourly(USD) × HoursAtLeast: what is certain where Hours is assumed"},
		{"RunRateMonthly(USD)", "730 hours", "what runs now, with its volumes"},
		{"IfRunningMonthly(USD)", "730 hours", "the same as though it ran"},
		{"OtherMonthlyUSD", "full month", "volumes of instances that are left out of the report"},
		{"ForecastMonth(USD)", "whole month", "month to date, and what is to come: instances by their schedule, all else as it is now"},
		{"HoursToCome", "to the month's end", "by the schedule, else all the time for what runs now"},
		{"Other_Costs", "month", "snapshots, addresses, hosts, reserved capacity, credits, monitoring"},
		{"Prices", "list prices", "before discounts, Savings Plans, credits and tax"},
	}
}

// Answer is what the report's callers get: the two keys that the report
// has always answered with, and more beside them.
type Answer struct {
	StatusCode int            `json:"statusCode"`
	Body       string         `json:"body"`
	Complete   bool           `json:"complete"`
	Instances  int            `json:"instances"`
	Volumes    int            `json:"volumes"`
	Prices     map[string]int `json:"prices"` // rows by price status
	Total      price.USD      `json:"totalMonthToDateUSD"`
	RunRate    price.USD      `json:"runRateMonthlyUSD"`
	Problems   []string       `json:"problems,omitempty"`
	Forecast   price.USD      `json:"forecastMonthUSD"`
	Coverage   float64        `json:"coveragePercent"`
	Targets    []fleet.Target `json:"targets"`
	Month      string         `json:"month"`
}

// Uploaded is the answer for a report that lies in a bucket.
func (r Report) Uploaded(bucket, key string) Answer {
	return r.answer(fmt.Sprintf("Report uploaded to s3://%s/%s", bucket, key))
}

// Written is the answer for a report that was written to a file.
func (r Report) Written(path string) Answer {
	return r.answer("Report written to " + path)
}

func (r Report) answer(body string) Answer {
	all := Total{}
	if len(r.Totals) > 0 {
		all = r.Totals[len(r.Totals)-1]
	}
	a := Answer{
		StatusCode: 200, Body: body, Complete: r.Complete(),
		Instances: len(r.Instances), Volumes: len(r.Volumes), Prices: map[string]int{},
		Total: all.TotalToDate.Cents(), RunRate: all.RunRate.Cents(), Forecast: all.Forecast.Cents(),
		Coverage: math.Round(r.Coverage()*100) / 100,
		Targets:  r.Targets, Month: r.Month.Start.Format("2006-01"),
	}
	for status, n := range r.Statuses() {
		a.Prices[string(status)] = n
	}
	for _, p := range r.Problems {
		a.Problems = append(a.Problems, p.Error())
	}
	return a
}

// Key is the object key of a report: the date is that of now in its zone. A
// workbook's ending is ".xlsx".
func Key(prefix string, now time.Time, ending string) string {
	return prefix + "ec2_monthly_costs_" + now.Format("20060102") + ending
}
