package app

import (
	"cmp"
	"context"
	"io"
	"path"
	"time"

	"nightshift/internal/blob"
	"nightshift/internal/config"
	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/pricelist"
	"nightshift/internal/schedule"
)

// CostInput is what a caller says about costs. What it leaves nil or empty is as
// the configuration has it, and else as its default.
type CostInput struct {
	// Timezone is the zone of the month and the date. DefaultTimezone counts where
	// the configuration names none either; UTC is the last resort.
	Timezone, DefaultTimezone string
	// History, Bill and PriceCache are places; "none" as PriceCache keeps the
	// price list nowhere.
	History, Bill, PriceCache *string
	// CostExplorer and CloudWatch are the most requests and metrics that are paid
	// for.
	CostExplorer, CloudWatch *int
	// MinCoverage is the percentage of rows that must have a price.
	MinCoverage *float64
	// Tags are the keys of the tags by which costs are added up.
	Tags []string
	// PriceList is an offer file that is read instead of asking for prices.
	PriceList string
	// RefreshPrices asks for prices that are cached, too.
	RefreshPrices bool
	// ReadPrices takes what is cached at the configured place and writes nothing there.
	ReadPrices bool
}

// costSettings are the settings in force for a job about costs.
type costSettings struct {
	config.Cost
	zone      *time.Location
	priceList string
	refresh   bool
	readOnly  bool // the configured place of the price list is not written
}

// costSettings takes each value from the input, else the configuration, else the
// default.
func (s *Session) costSettings(in CostInput) (costSettings, error) {
	c := costSettings{Cost: config.Cost{CloudWatch: config.DefaultMetrics}, priceList: in.PriceList, refresh: in.RefreshPrices, readOnly: in.ReadPrices}
	if s.Config != nil {
		c.Cost = s.Config.Cost
	}
	override(&c.History, in.History)
	override(&c.Bill, in.Bill)
	override(&c.Prices, in.PriceCache)
	override(&c.CostExplorer, in.CostExplorer)
	override(&c.CloudWatch, in.CloudWatch)
	override(&c.MinCoverage, in.MinCoverage)
	if in.Tags != nil {
		c.Tags = in.Tags
	}
	var err error
	c.zone, err = s.zone(in)
	return c, err
}

func override[T any](value *T, given *T) {
	if given != nil {
		*value = *given
	}
}

// zone is the time zone of the input, else that of the configuration, else UTC.
func (s *Session) zone(in CostInput) (*time.Location, error) {
	if in.Timezone == "" && s.Config != nil && s.Config.ZoneGiven {
		return s.Config.Zone, nil
	}
	return schedule.LoadZone(cmp.Or(in.Timezone, in.DefaultTimezone, time.UTC.String()))
}

// prices is a price list that says what it had to do without.
type prices interface {
	cost.PriceList
	Notes() []string
}

// prices is where prices come from: an offer file, or the AWS price list with what
// is kept of it between runs.
func (s *Session) prices(ctx context.Context, c costSettings) (prices, error) {
	if c.priceList != "" {
		offer, err := pricelist.OpenOffer(c.priceList)
		if err != nil {
			return nil, fleet.Errorf(fleet.ErrInvalid, "--price-list: %w", err)
		}
		return offer, nil
	}
	return s.cachedPrices(ctx, c)
}

// cachedPrices is the AWS price list with what is kept of it between runs.
func (s *Session) cachedPrices(ctx context.Context, c costSettings) (*pricelist.Cached, error) {
	session, err := s.own(ctx)
	if err != nil {
		return nil, err
	}
	o := pricelist.Options{Now: s.app.options.Now(), ReadOnly: c.readOnly && c.Prices != ""}
	if c.refresh {
		o.Fresh = -1
	}
	store, err := s.priceStore(ctx, c, session.CustomEndpoint())
	if err != nil {
		return nil, err
	}
	if store != nil {
		o.Store = store
	}
	source := priceSource{session, c.Prices}
	s.app.mu.Lock()
	defer s.app.mu.Unlock()
	known := s.app.prices[source]
	if known == nil {
		known = pricelist.New(session.Prices(), o)
		s.app.prices[source] = known
	}
	return known.At(o), nil
}

// priceStore is where the price list is kept between runs: where it is said, else
// in the cache directory. The prices of a sandbox are not kept there: they are not
// those of AWS.
func (s *Session) priceStore(ctx context.Context, c costSettings, sandbox bool) (blob.Store, error) {
	switch {
	case c.Prices == "none", c.Prices == "" && (sandbox || s.app.options.CacheDir == ""):
		return nil, nil //nolint:nilnil // no place is no error
	case c.Prices != "":
		return s.store(ctx, c.Prices)
	default:
		return blob.Folder(path.Join(s.app.options.CacheDir, "nightshift", "prices")), nil
	}
}

// pricesOn are the prices of a region on a day, from the offer file that was in
// force.
func (s *Session) pricesOn(ctx context.Context, region fleet.Region, day time.Time) (prices, error) {
	session, err := s.own(ctx)
	if err != nil {
		return nil, err
	}
	return pricelist.Offer(func() (io.ReadCloser, error) { return session.Prices().Offer(ctx, region, day) }), nil
}

// historyStore is the history's place, which a job cannot do without.
func (s *Session) historyStore(ctx context.Context, c costSettings) (blob.Store, error) {
	if c.History == "" {
		return nil, fleet.Errorf(fleet.ErrInvalid, "there is no history: name its place with --history, or as cost: history: in the configuration")
	}
	return s.store(ctx, c.History)
}

// ofAccount is a target whose account is that of our own credentials where none is
// named.
func ofAccount(t fleet.Target, own fleet.Account) fleet.Target {
	t.Account = cmp.Or(t.Account, own)
	return t
}
