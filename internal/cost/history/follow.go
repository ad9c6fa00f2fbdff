package history

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"nightshift/internal/blob"
	"nightshift/internal/cost"
	"nightshift/internal/cost/trend"
	"nightshift/internal/fleet"
)

// TrendDays is how far back trend and changes look where nobody says how far:
// half a year.
const TrendDays = 26 * 7

// Options say how a report uses the history.
type Options struct {
	Tags []string // by which the trend is split up
	// Keep puts the report's rows into the history.
	Keep bool
	// Changes is how many of the largest changes are listed.
	Changes int
}

// Past is what the history makes of a report.
type Past struct {
	Trend   *trend.Trend
	Changes *trend.Changes // nil where there is but one day
	// Problems are what could not be read or kept.
	Problems []cost.Problem
}

// Follow compares a report with the half year before it, and keeps its rows if it
// should. Only accounts and regions that were read without a problem are
// compared: of the others nobody knows what changed.
func Follow(ctx context.Context, store blob.Store, report cost.Report, o Options) Past {
	var past Past
	fail := func(what string, err error) {
		past.Problems = append(past.Problems, cost.Problem{What: what, Err: err})
	}
	today := trend.DayOf(report)
	if o.Keep {
		var err error
		if today, err = Keep(ctx, store, report); err != nil {
			fail("rows of this report", err)
		}
	}
	dates, err := Dates(ctx, store, today.Date-TrendDays, today.Date-1)
	if err != nil {
		fail("trend", err)
		return past
	}
	builder := trend.NewBuilder(o.Tags)
	var sound []trend.Date
	for _, date := range append(trend.Milestones(dates), today.Date) {
		spent := today
		if date != today.Date {
			spent = trend.Day{Date: date, Rows: ReadSpending(ctx, store, date)}
		}
		if err := builder.Add(spent); err != nil {
			fail(fmt.Sprintf("trend on %s", date), err)
			continue
		}
		sound = append(sound, date)
	}
	past.Trend = builder.Trend()
	if from, to, ok := trend.PickDays(sound); ok {
		day := func(date trend.Date) trend.Day {
			if date == today.Date {
				return targetsOf(report).of(today)
			}
			return targetsOf(report).of(Day(ctx, store, date))
		}
		if past.Changes, err = trend.Compare(day(from), day(to), o.Changes); err != nil {
			fail("movers", err)
		}
	}
	return past
}

// Day is a stored day, which is read when its rows are.
func Day(ctx context.Context, store blob.Store, date trend.Date) trend.Day {
	return trend.Day{Date: date, Rows: Read(ctx, store, date)}
}

// Trend is what was spent by week and month according to the days at some dates,
// which are in order. A day that cannot be read is passed over, with its error.
func Trend(ctx context.Context, store blob.Store, dates []trend.Date, tags []string) (*trend.Trend, []error) {
	builder := trend.NewBuilder(tags)
	var errs []error
	for _, date := range trend.Milestones(dates) {
		if err := builder.Add(trend.Day{Date: date, Rows: ReadSpending(ctx, store, date)}); err != nil {
			errs = append(errs, unreadable(err))
		}
	}
	return builder.Trend(), errs
}

// Changes compares two days: the last one with the first, where earliest is true,
// else with one a week before. The n largest changes are listed. A day that
// cannot be read is passed over, with its error; there are no changes where
// fewer than two are left.
func Changes(ctx context.Context, store blob.Store, dates []trend.Date, earliest bool, n int) (*trend.Changes, []error) {
	var errs []error
	dates = slices.Clone(dates)
	for len(dates) > 0 {
		first, last, ok := trend.PickDays(dates)
		switch {
		case !ok:
			return nil, append(errs, fleet.Errorf(fleet.ErrNotFound, "the history has one day only, %s; a change needs two", dates[0]))
		case earliest:
			first = dates[0]
		}
		changes, err := trend.Compare(Day(ctx, store, first), Day(ctx, store, last), n)
		if err == nil {
			return changes, errs
		}
		damaged := last
		if sound(ctx, store, last) {
			damaged = first
		}
		errs = append(errs, unreadable(err))
		if ctx.Err() != nil {
			return nil, errs
		}
		dates = slices.DeleteFunc(dates, func(d trend.Date) bool { return d == damaged })
	}
	return nil, errs
}

// sound reports whether a day can be read to its end.
func sound(ctx context.Context, store blob.Store, date trend.Date) bool {
	for _, err := range Read(ctx, store, date) {
		if err != nil {
			return false
		}
	}
	return true
}

// unreadable is the error of a day that cannot be read. A damaged one is not a
// usage error.
func unreadable(err error) error {
	if errors.Is(err, fleet.ErrInvalid) {
		return errors.New(err.Error())
	}
	return err
}
