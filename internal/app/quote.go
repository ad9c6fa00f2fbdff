package app

import (
	"context"
	"time"

	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/pricelist"
)

// QuoteInput says what to price.
type QuoteInput struct {
	CostInput
	// Items are what to price. The region of an instance's key is filled in.
	Items []cost.QuoteItem
	// AsOf is the day whose prices are asked for; zero is now.
	AsOf time.Time
}

// QuoteResult has a quotation for each region, in their order.
type QuoteResult struct {
	Run
	Quotations []cost.Quotation
	// Unknown counts the regions without all prices.
	Unknown int
	// Errors say why prices of a region are missing.
	Errors []TargetError
}

// Quote prices what does not exist yet, in each region. With an offer file nothing is
// asked of AWS.
func (s *Session) Quote(ctx context.Context, in QuoteInput) (QuoteResult, error) {
	c, err := s.costSettings(in.CostInput)
	if err != nil {
		return QuoteResult{}, err
	}
	list, err := s.prices(ctx, c)
	if err != nil {
		return QuoteResult{}, err
	}
	ctx, run := s.app.begin(ctx, "quote")
	var result QuoteResult
	for _, region := range s.Regions {
		q, err := s.quote(ctx, list, region, in)
		if err != nil {
			result.Errors = append(result.Errors, TargetError{fleet.Target{Region: region}, err})
		}
		result.Quotations = append(result.Quotations, q)
		if !q.Monthly.Known {
			result.Unknown++
		}
	}
	result.Run = run.end(result.Status())
	return result, nil
}

func (s *Session) quote(ctx context.Context, list prices, region fleet.Region, in QuoteInput) (cost.Quotation, error) {
	if !in.AsOf.IsZero() {
		var err error
		if list, err = s.pricesOn(ctx, region, in.AsOf); err != nil {
			return cost.Quotation{Region: region, Parts: []cost.QuotationPart{}, Status: price.Missing}, err
		}
	}
	items := make([]cost.QuoteItem, len(in.Items))
	for n, item := range in.Items {
		if item.Instance != nil {
			key := *item.Instance
			key.Region = region
			item.Instance = &key
		}
		items[n] = item
	}
	q, err := cost.Quote(ctx, list, region, items)
	q.Notes = append(q.Notes, list.Notes()...)
	return q, err
}

// Status is how the quotes went as a whole.
func (r QuoteResult) Status() fleet.Status {
	switch unknown := r.Unknown; {
	case unknown > 0 && unknown == len(r.Quotations) && len(r.Errors) > 0:
		return fleet.StatusOf(joinAlike(errorsOf(r.Errors)))
	case unknown > 0 && unknown == len(r.Quotations):
		return fleet.StatusFailed
	case unknown > 0 || len(r.Errors) > 0:
		return fleet.StatusPartial
	default:
		return fleet.StatusDone
	}
}

// KeptPrices reads the prices that are kept between runs, of each region, and what has
// changed in them since they are kept. AWS is asked nothing.
func (s *Session) KeptPrices(ctx context.Context, in CostInput) ([]cost.ListedPrice, []pricelist.Change, error) {
	c, err := s.costSettings(in)
	if err != nil {
		return nil, nil, err
	}
	store, err := s.priceStore(ctx, c, s.aws.CustomEndpoint())
	switch {
	case err != nil:
		return nil, nil, err
	case store == nil:
		return nil, nil, fleet.Errorf(fleet.ErrInvalid, "no prices are kept: name their place with --price-cache, or as cost: prices: in the configuration")
	}
	cached, err := s.cachedPrices(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	changes, err := cached.Changes(ctx, s.Regions)
	if err != nil {
		return nil, nil, err
	}
	kept := []cost.ListedPrice{}
	for _, region := range s.Regions {
		entries, err := cached.All(ctx, region)
		if err != nil {
			return nil, nil, err
		}
		for _, e := range entries {
			kept = append(kept, cost.KeptPrices(region, e.Key, e.Products, e.Fetched)...)
		}
	}
	return kept, changes, nil
}

// ListPrices are the prices of a report, with those that were in force on another
// day unless it is zero. What the offer file of that day does not have is unknown.
func (s *Session) ListPrices(ctx context.Context, r ReportResult, day time.Time) ([]cost.ListedPrice, error) {
	then := map[int]price.Quote{}
	if !day.IsZero() {
		var err error
		ctx, run := s.app.begin(ctx, "prices")
		then, err = s.quotesOn(ctx, r.Prices, day)
		run.end(fleet.StatusOf(err))
		if err != nil {
			return nil, err
		}
	}
	list := []cost.ListedPrice{}
	for n, p := range r.Prices {
		list = append(list, p.Listed(then[n]))
	}
	return list, nil
}
