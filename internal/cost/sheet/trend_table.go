package sheet

import (
	"strings"

	"nightshift/internal/cost/trend"
)

// weeksDetailed is how many of the last weeks the sheet Trend_Detail has: a
// quarter.
const weeksDetailed = 13

// trendTables are the sheets of the trend: weeks, months, and what they are made of.
func trendTables(t *trend.Trend) []Table {
	return []Table{periodsTable("Trend", "Week", t.Weeks), periodsTable("Trend_Months", "Month", t.Months), trendDetailTable(t)}
}

// periodRow is a period next to the one before.
type periodRow struct {
	trend.Period
	change any // nil where the two cannot be compared
}

func periodsTable(name, what string, periods []trend.Period) Table {
	rows := make([]periodRow, len(periods))
	for n, p := range periods {
		rows[n] = periodRow{Period: p}
		if n > 0 && !p.Incomplete && !periods[n-1].Incomplete {
			rows[n].change = p.Total.Add(-*periods[n-1].Total)
		}
	}
	return table(name, 1, rows, []field[periodRow]{
		{what, Text, func(p periodRow) any { return labelOf(p.Period, what) }},
		{"EC2(USD)", Money, func(p periodRow) any { return optional(p.EC2) }},
		{"EBS(USD)", Money, func(p periodRow) any { return optional(p.EBS) }},
		{"Other(USD)", Money, func(p periodRow) any { return optional(p.Other) }},
		{"Total(USD)", Money, func(p periodRow) any { return optional(p.Total) }},
		{"Change(USD)", Money, func(p periodRow) any { return p.change }},
		{"DaysKnown", Count, func(p periodRow) any { return int64(p.Days) }},
		{"Unpriced", Count, func(p periodRow) any { return int64(p.Unpriced) }},
		{"Note", Text, func(p periodRow) any { return p.Note() }},
	})
}

// labelOf is "2026-11" for a month and the Monday of a week.
func labelOf(p trend.Period, what string) string {
	if what == "Month" {
		return strings.TrimSuffix(p.Start.String(), "-01")
	}
	return p.Start.String()
}

// trendDetailTable has a row for every type and every value of a tag, and a column
// for each of the last weeks.
func trendDetailTable(t *trend.Trend) Table {
	first := max(0, len(t.Weeks)-weeksDetailed)
	fields := []field[trend.Series]{
		{"Group", Text, func(s trend.Series) any { return s.Key }},
		{"Item", Text, func(s trend.Series) any { return s.Item }},
		{"Total(USD)", Money, func(s trend.Series) any { return s.Total }},
	}
	for n, week := range t.Weeks[first:] {
		fields = append(fields, field[trend.Series]{week.Start.String() + " (USD)", Money, func(s trend.Series) any { return optional(s.Weeks[first+n]) }})
	}
	var rows []trend.Series
	rows = append(rows, t.Types...)
	for _, s := range t.Tags {
		s.Key = "tag " + s.Key
		if s.Item == "" {
			s.Item = "(none)"
		}
		rows = append(rows, s)
	}
	return table("Trend_Detail", 2, rows, fields)
}
