package history

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"

	"nightshift/internal/blob"
	"nightshift/internal/cost"
	"nightshift/internal/cost/trend"
	"nightshift/internal/fleet"
)

// Keep puts the rows of a report into the history and gives the day as it is
// there now. A rerun replaces its day; where it did not read an account or a
// region, or not all of it, what an earlier run of the day has of it stays.
func Keep(ctx context.Context, store blob.Store, report cost.Report) (trend.Day, error) {
	today := trend.DayOf(report)
	earlier, err := earlierRows(Read(ctx, store, today.Date), report)
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
	if _, err := Write(ctx, store, today.Date, rows); err != nil {
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

// readTargets are the accounts and regions that a report has read, true where it
// has read them without any problem.
type readTargets map[fleet.Target]bool

func targetsOf(r cost.Report) readTargets {
	s := readTargets{}
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
func (s readTargets) of(day trend.Day) trend.Day {
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

// rowID is what is unique in a day.
type rowID struct {
	target fleet.Target
	kind   trend.RowKind
	id     string
}

// earlierRows are the rows of an earlier run of the day that a report does not replace.
// A file that is damaged has none.
func earlierRows(rows iter.Seq2[trend.Row, error], report cost.Report) ([]trend.Row, error) {
	whole := targetsOf(report)
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
