package app

import (
	"context"

	"nightshift/internal/blob"
	"nightshift/internal/cost/history"
	"nightshift/internal/cost/trend"
	"nightshift/internal/fleet"
)

// PastInput says which part of the history to look at.
type PastInput struct {
	CostInput
	// From and To are days; nil is half a year ago, and today.
	From, To *trend.Date
	// Limit is how many of the largest changes are listed.
	Limit int
}

// TrendResult is what was spent by week and month; nil where no day could be read.
type TrendResult struct {
	*trend.Trend
	Errors []TargetError
}

// Trend adds up what was spent by week and month from the rows that reports left in
// the history.
func (s *Session) Trend(ctx context.Context, in PastInput) (TrendResult, error) {
	p, err := s.openPast(ctx, in)
	if err != nil {
		return TrendResult{}, err
	}
	result, errs := history.Trend(ctx, p.store, p.dates, p.tags)
	return TrendResult{result, targetErrors(errs)}, nil
}

// ChangesResult is what changed between two days; nil where they could not be read.
type ChangesResult struct {
	*trend.Changes
	Errors []TargetError
}

// Changes compares two days of the history: the first is the earliest where From is
// given. A day that cannot be read is passed over, with its error.
func (s *Session) Changes(ctx context.Context, in PastInput) (ChangesResult, error) {
	p, err := s.openPast(ctx, in)
	if err != nil {
		return ChangesResult{}, err
	}
	result, errs := history.Changes(ctx, p.store, p.dates, in.From != nil, in.Limit)
	return ChangesResult{result, targetErrors(errs)}, nil
}

// past is the part of the history that is looked at.
type past struct {
	store blob.Store
	dates []trend.Date
	tags  []string
}

func (s *Session) openPast(ctx context.Context, in PastInput) (*past, error) {
	c, err := s.costSettings(in.CostInput)
	if err != nil {
		return nil, err
	}
	store, err := s.historyStore(ctx, c)
	if err != nil {
		return nil, err
	}
	today := trend.DateOf(s.app.options.Now().In(c.zone))
	// Where no zone is given here, that of the reports may be a day ahead.
	first, last := today-history.TrendDays, today+1
	override(&first, in.From)
	override(&last, in.To)
	if last < first {
		return nil, fleet.Errorf(fleet.ErrInvalid, "the history cannot be read from %s back to %s", first, last)
	}
	dates, err := history.Dates(ctx, store, first, last)
	if err != nil {
		return nil, err
	}
	if len(dates) == 0 {
		return nil, fleet.Errorf(fleet.ErrNotFound, "the history has no day from %s to %s; each report leaves one", first, last)
	}
	return &past{store: store, dates: dates, tags: c.Tags}, nil
}
