package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"nightshift/internal/blob"
	"nightshift/internal/cost"
	"nightshift/internal/cost/history"
	"nightshift/internal/cost/sheet"
	"nightshift/internal/cost/trend"
	"nightshift/internal/fleet"
)

// The history that a report looks at: half a year, and of each week and month
// the last day.
const trendDays = 26 * 7

// moversShown is how many movers a report lists.
const moversShown = 50

// remember keeps the report's rows in the history, and makes trend and movers
// from it. What cannot be read is a problem of the report.
func (c *crew) remember(ctx context.Context, store blob.Store, report *sheet.Workbook, tags []string, keep bool) {
	fail := func(what string, err error) {
		report.Problems = append(report.Problems, cost.Problem{What: what, Err: err})
	}
	today := trend.DayOf(report.Report)
	if keep {
		var err error
		if today, err = write(ctx, store, report.Report); err != nil {
			fail("rows of this report", err)
		}
	}
	dates, err := history.Dates(ctx, store, today.Date-trendDays, today.Date-1)
	if err != nil {
		fail("trend", err)
		return
	}
	day := func(date trend.Date) trend.Day {
		if date == today.Date {
			return today
		}
		return trend.Day{Date: date, Rows: history.Read(ctx, store, date)}
	}
	dates = append(trend.Milestones(dates), today.Date)
	builder := trend.NewBuilder(tags)
	var sound []trend.Date
	for _, date := range dates {
		spent := today
		if date != today.Date {
			spent = trend.Day{Date: date, Rows: history.ReadSpending(ctx, store, date)}
		}
		if err := builder.Add(spent); err != nil {
			fail(fmt.Sprintf("trend on %s", date), err)
			continue
		}
		sound = append(sound, date)
	}
	report.Trend = builder.Trend()
	if from, to, ok := trend.PickDays(sound); ok {
		read := seenBy(report.Report)
		if report.Changes, err = trend.Compare(read.of(day(from)), read.of(day(to)), moversShown); err != nil {
			fail("movers", err)
		}
	}
}

// seen are the accounts and regions that a report has read, true where it has
// read them without any problem.
type seen map[fleet.Target]bool

func seenBy(r cost.Report) seen {
	s := seen{}
	for _, t := range r.Targets {
		s[t] = true
	}
	for _, p := range r.Problems {
		if s[p.Target] {
			s[p.Target] = false
		}
	}
	return s
}

// of is a day with those accounts and regions only that were read without a
// problem: of the others nobody knows what changed.
func (s seen) of(day trend.Day) trend.Day {
	return trend.Day{Date: day.Date, Rows: func(yield func(trend.Row, error) bool) {
		for row, err := range day.Rows {
			if (err != nil || s[targetOf(row)]) && !yield(row, err) {
				return
			}
		}
	}}
}

func targetOf(row trend.Row) fleet.Target {
	return fleet.Target{Account: row.Account, Region: row.Region}
}

// write puts the rows of a report into the history and gives the day as it is
// there now. A rerun replaces its day; where it did not read an account or a
// region, or not all of it, what an earlier run of the day has of it stays.
func write(ctx context.Context, store blob.Store, report cost.Report) (trend.Day, error) {
	today := trend.DayOf(report)
	earlier, err := kept(history.Read(ctx, store, today.Date), report)
	if err != nil && !errors.Is(err, fleet.ErrNotFound) && !errors.Is(err, fleet.ErrInvalid) {
		return today, err
	}
	rows := func(yield func(trend.Row) bool) {
		for row := range trend.RowsOf(report) {
			if !yield(row) {
				return
			}
		}
		for _, row := range earlier {
			if !yield(row) {
				return
			}
		}
	}
	if _, err := history.Write(ctx, store, today.Date, rows); err != nil {
		return today, err
	}
	today.Rows = func(yield func(trend.Row, error) bool) {
		for row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
	return today, nil
}

// rowID is what is unique in a day.
type rowID struct {
	target fleet.Target
	kind   trend.RowKind
	id     string
}

// kept are the rows of an earlier run of the day that a report does not replace.
// A file that is damaged has none.
func kept(rows iter.Seq2[trend.Row, error], report cost.Report) ([]trend.Row, error) {
	whole := seenBy(report)
	had := map[rowID]bool{}
	if slices.Contains(slices.Collect(maps.Values(whole)), false) {
		for row := range trend.RowsOf(report) {
			had[rowID{targetOf(row), row.Kind, row.ID}] = true
		}
	}
	var stay []trend.Row
	for row, err := range rows {
		if err != nil {
			return nil, err
		}
		if !whole[targetOf(row)] && !had[rowID{targetOf(row), row.Kind, row.ID}] {
			stay = append(stay, row)
		}
	}
	return stay, nil
}
