package sheet

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"nightshift/internal/cost"
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
func (w Workbook) runTable() Table {
	facts := []fact{
		{"Generated", w.Month.Now, "in the time zone below"},
		{"Time zone", w.Month.Now.Location().String(), w.Month.Now.Format("UTC-07:00") + " when generated"},
		{"Month", w.Month.Start.Format("2006-01"), "from " + w.Month.Start.Format(time.RFC3339) + " to " + w.Month.End.Format(time.RFC3339)},
		{"Hours in month", w.Month.End.Sub(w.Month.Start), ""},
		{"Hours so far", w.Month.Now.Sub(w.Month.Start), ""},
		{"Hours mode", string(w.Hours), meaningOfMode(w.Hours)},
	}
	for _, t := range w.Targets {
		facts = append(facts, fact{"Target", string(t.Account), string(t.Region)})
	}
	facts = append(facts,
		fact{"Instances", int64(len(w.Instances)), ""},
		fact{"Instances left out", int64(w.Excluded), "by their tag Platform"},
		fact{"Volumes", int64(len(w.Volumes)), ""})
	counts := w.Statuses()
	for _, s := range []price.Status{price.Exact, price.Fallback, price.Ambiguous, price.Missing} {
		facts = append(facts, fact{"Price " + string(s), int64(counts[s]), meaningOfStatus(s)})
	}
	facts = append(facts, fact{"Coverage (%)", math.Round(w.Coverage()*100) / 100, "share of the rows that have a price"})
	sources := w.sources()
	for _, s := range slices.Sorted(maps.Keys(sources)) {
		facts = append(facts, fact{"Hours from " + string(s), int64(sources[s]), meaningOfSource(s)})
	}
	for _, s := range w.Spend {
		facts = append(facts,
			fact{"Paid " + s.Service + " " + s.Unit, int64(s.Used), fmt.Sprintf("counted before they were sent; no more than %d are", s.Cap)},
			fact{"Cost of " + s.Service + " (USD)", s.USD, "what AWS charges for this report's own requests"})
	}
	total := 0
	for _, n := range w.Calls {
		total += n
	}
	facts = append(facts, fact{"API calls", int64(total), ""})
	for _, name := range slices.Sorted(maps.Keys(w.Calls)) {
		facts = append(facts, fact{"API calls " + name, int64(w.Calls[name]), ""})
	}
	for _, note := range w.Notes {
		facts = append(facts, fact{"Note", "", note})
	}
	for _, p := range w.Problems {
		facts = append(facts, fact{"Problem", p.Error(), "what is missing on the other sheets"})
	}
	facts = append(facts, meanings()...)
	return table("Run", 1, facts, []field[fact]{
		{"Fact", Text, func(f fact) any { return f.name }},
		{"Value", Mixed, func(f fact) any { return f.value }},
		{"Note", Text, func(f fact) any { return f.note }},
	})
}

func meaningOfMode(m cost.HoursMode) string {
	if m == cost.AssumedHours {
		return "24 hours × day of month for what is running, 0 for all else"
	}
	return "the best source for each instance; HoursSource names it"
}

// sources counts the instances by where their hours come from.
func (w Workbook) sources() map[cost.HoursSource]int {
	counts := map[cost.HoursSource]int{}
	for _, i := range w.Instances {
		counts[i.Source]++
	}
	return counts
}

// meaning says how far the hours can be trusted.
func meaningOfSource(s cost.HoursSource) string {
	switch s {
	case cost.FromBill:
		return "instances, as AWS billed them"
	case cost.FromLaunchTime, cost.FromFirstLaunch, cost.FromStopTime, cost.FromEarlierStop:
		return "instances, exact: EC2 tells the last start and stop"
	case cost.FromJournal:
		return "instances, exact unless somebody else acted in between unseen"
	case cost.FromMetrics:
		return "instances, to five minutes at each start and stop"
	case cost.LowerBound:
		return "instances that ran at least so long; HoursAtMost has the upper bound"
	case cost.Assumed:
		return "instances of which nothing is certain"
	}
	return "instances, one source for each part of the month"
}

func meaningOfStatus(s price.Status) string {
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
