package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/price"
	"nightshift/internal/text"
)

// ForecastInput says for how long to look ahead.
type ForecastInput struct {
	CostInput
	From time.Time // zero is now
	Days int
}

// ForecastResult is how long machines will run by their schedules, and what that
// costs and saves.
type ForecastResult struct {
	power.Forecast
	// LeftAlone counts the machines that no schedule is for, or that cannot be
	// stopped; Mistakes those that are skipped because of an error in a tag.
	LeftAlone int `json:"left_alone"`
	Mistakes  int `json:"mistakes"`
	// MissingPrices counts the instances without a price, OtherKinds the databases
	// and groups, for which there is no money. Assumed counts the instances in whose
	// price something is assumed.
	MissingPrices int      `json:"missing_prices"`
	OtherKinds    int      `json:"other_kinds"`
	Assumed       int      `json:"assumed_prices"`
	Notes         []string `json:"notes"`
	// Errors say what could not be read, Missing why prices are missing.
	Errors  []TargetError `json:"errors,omitempty"`
	Missing []string      `json:"missing,omitempty"`
	// Unread is true where nothing could be read: then there is nothing to show.
	Unread bool `json:"unread,omitempty"`
}

// Forecast reads the machines of all targets and the prices of the instances among
// them, by the price list of reports.
func (s *Session) Forecast(ctx context.Context, in ForecastInput) (ForecastResult, error) {
	if err := s.needRules(); err != nil {
		return ForecastResult{}, err
	}
	c, err := s.costSettings(in.CostInput)
	if err != nil {
		return ForecastResult{}, err
	}
	ctx, run := s.app.begin(ctx, "forecast")
	from := s.clock(in.From)().In(s.Config.Zone)
	var f ForecastResult
	var items []scheduledItem
	for _, r := range ForEachTarget(ctx, s, func(ctx context.Context, t Target) (targetForecast, error) {
		return s.forecastIn(ctx, t, from)
	}) {
		if r.Err != nil {
			f.Errors = append(f.Errors, TargetError{r.Target, r.Err})
		}
		f.LeftAlone, f.Mistakes, f.OtherKinds = f.LeftAlone+r.Value.leftAlone, f.Mistakes+r.Value.mistakes, f.OtherKinds+r.Value.otherKinds
		items = append(items, r.Value.items...)
	}
	f.Errors = append(f.Errors, s.Unreachable...)
	if err := s.priceItems(ctx, c, items, &f); err != nil {
		f.Errors = append(f.Errors, TargetError{Err: err})
	}
	scheduled := make([]power.Scheduled, len(items))
	for n, item := range items {
		scheduled[n] = item.Scheduled
	}
	f.Forecast = power.MakeForecast(scheduled, from, from.AddDate(0, 0, in.Days))
	f.Notes, f.Unread = f.notes(), f.unread()
	run.end(f.Status())
	return f, nil
}

// targetForecast is what one target adds to a forecast.
type targetForecast struct {
	items                           []scheduledItem
	leftAlone, mistakes, otherKinds int
}

// scheduledItem is a machine that follows a schedule and, of an instance, the key of
// its price.
type scheduledItem struct {
	power.Scheduled
	key    *price.InstanceKey
	status price.Status
}

func (s *Session) forecastIn(ctx context.Context, t Target, from time.Time) (targetForecast, error) {
	rules := s.Config.Rules()
	ruleSet := power.NewRuleSet(rules)
	plan, err := power.MakePlan(ctx, t.clients(rules.Kinds()), ruleSet, s.clock(from))
	var f targetForecast
	instances := map[fleet.ResourceID]int{}
	for _, step := range plan.Steps {
		item, ok := ruleSet.Scheduled(step.Machine, plan.Ramp)
		switch {
		case ok && item.Kind == fleet.KindInstance:
			instances[step.Machine.ID] = len(f.items)
		case ok:
			f.otherKinds++
		case step.Invalid:
			f.mistakes++
			continue
		default:
			f.leftAlone++
			continue
		}
		f.items = append(f.items, scheduledItem{Scheduled: item})
	}
	if len(instances) == 0 {
		return f, err
	}
	for i, readErr := range t.session.Fleet(t.Region).Instances(ctx) {
		if readErr != nil {
			return f, errors.Join(err, readErr)
		}
		if n, ok := instances[i.ID]; ok {
			key, status, _ := price.KeyFor(i, fleet.TypeInfo{})
			f.items[n].key, f.items[n].status = &key, status
		}
	}
	return f, err
}

// priceItems looks up all distinct keys at once.
func (s *Session) priceItems(ctx context.Context, c costSettings, items []scheduledItem, f *ForecastResult) error {
	var keys []price.InstanceKey
	for _, item := range items {
		if item.key != nil && !item.key.HostBilled() && !slices.Contains(keys, *item.key) {
			keys = append(keys, *item.key)
		}
	}
	list, err := s.prices(ctx, c)
	var products []price.Product
	if err == nil {
		products, err = list.Instances(ctx, keys)
		f.Notes = list.Notes()
	}
	quotes := map[price.InstanceKey]price.Quote{}
	for n, item := range items {
		if item.key == nil {
			if item.Kind == fleet.KindInstance {
				f.MissingPrices++
			}
			continue
		}
		quote, known := quotes[*item.key]
		if !known {
			quote = price.Pick(products, *item.key)
			quotes[*item.key] = quote
			if !quote.Status.Usable() && err == nil {
				f.Missing = append(f.Missing, quote.Note)
			}
		}
		items[n].Hourly, items[n].Priced = quote.Rate.USD, quote.Status.Usable()
		switch {
		case !quote.Status.Usable():
			f.MissingPrices++
		case price.Worst(quote.Status, item.status) != price.Exact:
			f.Assumed++
		}
	}
	slices.Sort(f.Missing)
	return err
}

// notes say what the numbers leave out.
func (f ForecastResult) notes() []string {
	notes := slices.Clone(f.Notes)
	add := func(n int, one, many string) {
		if n > 0 {
			notes = append(notes, text.Count(n, one, many))
		}
	}
	if f.Total.Unknown > 0 {
		notes = append(notes, fmt.Sprintf("in %s h of the wanted hours people decide; the machines are assumed to run", text.Commas(fmt.Sprintf("%.0f", f.Total.Unknown.Hours()))))
	}
	add(f.OtherKinds, "database or group is counted in hours only", "databases and groups are counted in hours only")
	add(f.MissingPrices, "instance has no price and is counted in hours only", "instances have no price and are counted in hours only")
	add(f.Assumed, "price has something assumed in it, such as that of a Spot Instance, which is the on-demand price",
		"prices have something assumed in them, such as those of Spot Instances, which are on-demand prices")
	add(f.LeftAlone, "machine with a tag of the rules is skipped and not counted", "machines with a tag of the rules are skipped and not counted")
	add(f.Mistakes, "machine is skipped because of an error in its tag; `nightshift power plan` shows it", "machines are skipped because of errors in their tags; `nightshift power plan` shows them")
	return append(notes,
		"list prices, before discounts, Savings Plans and tax; volumes cost the same whether machines run or not and are not in it",
		"overrides and manual stops and starts are not foreseen")
}

// unread is true where nothing could be read.
func (f ForecastResult) unread() bool {
	return len(f.Errors) > 0 && len(f.Lines) == 0 && f.LeftAlone+f.Mistakes == 0
}

// Status is how the forecast went as a whole.
func (f ForecastResult) Status() fleet.Status {
	errs := errorsOf(f.Errors)
	switch {
	case f.Unread:
		return fleet.StatusOf(joinAlike(errs))
	case len(errs)+f.MissingPrices+f.Mistakes > 0:
		return fleet.StatusPartial
	default:
		return fleet.StatusDone
	}
}

// Err is what the forecast lacks, a line for each cause; nil where it is complete.
func (f ForecastResult) Err() error {
	errs := errorsOf(f.Errors)
	if f.Unread {
		return joinAlike(errs)
	}
	if f.MissingPrices > 0 {
		errs = append(errs, fmt.Errorf("%d of %d instances have no price; the money is too low by them", f.MissingPrices, f.Total.Machines-f.OtherKinds))
		for _, why := range f.Missing {
			errs = append(errs, errors.New(why))
		}
	}
	if f.Mistakes > 0 {
		errs = append(errs, fmt.Errorf("%s skipped because of errors in tags; `nightshift power plan` shows them", text.Count(f.Mistakes, "machine is", "machines are")))
	}
	return errors.Join(errs...)
}
