// Package pricelist is the AWS price list as it is kept between
// reports, and as it is read from the bulk offer files that AWS publishes.
//
// Both kinds have the two methods of the price list itself, so that a report
// cannot say where its prices come from, and Notes, which says it to people.
//
// It may import fleet, price and blob. It declares the port PriceList for the
// list behind the cache.
package pricelist

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"nightshift/internal/blob"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// PriceList finds rows of the AWS price list. Both methods may return what they
// found together with an error.
type PriceList interface {
	// Instances returns at least the products that match the keys.
	Instances(ctx context.Context, keys []price.InstanceKey) ([]price.Product, error)
	// Rates returns the products of a region that are billed by one of the
	// dimensions of price.Rates.
	Rates(ctx context.Context, region fleet.Region) ([]price.Product, error)
}

// DefaultFresh is for how long prices are not asked again. AWS changes the price
// list of EC2 several times a week, mostly to add to it.
const DefaultFresh = 24 * time.Hour

// absentShare is the part of the time in which prices are fresh for which it is
// believed that there is no price: that of a new type comes soon.
const absentShare = 4

// regionsAtOnce bounds the regions that are asked about at one time.
const regionsAtOnce = 4

// Options are what a cached price list is made with.
type Options struct {
	// Store keeps the prices between runs. Without one they are kept as long as
	// the list itself.
	Store blob.Store
	// Now is the time of the run.
	Now time.Time
	// Fresh is for how long prices are not asked again: DefaultFresh where it is
	// 0. Where it is below 0 all prices are asked for once more.
	Fresh time.Duration
	// ReadOnly leaves the store as it is.
	ReadOnly bool
}

// Cached is a price list whose answers are kept, region by region. Those
// that are fresh are given without asking. Older ones are asked for again, and
// given only where that fails: Notes says so, and the products carry the
// version of the list that they came from. It is safe for concurrent use; what
// several callers want of a region is asked once.
//
// Products carry the attributes that distinguish prices, and no others.
type Cached struct {
	list     PriceList
	store    blob.Store
	now      time.Time
	fresh    time.Duration
	readOnly bool

	kept *sharedPrices

	mu    sync.Mutex
	notes []string
}

// sharedPrices is what several runs share.
type sharedPrices struct {
	mu      sync.Mutex
	regions map[fleet.Region]*regionPrices
}

// New makes a cached list of one that is asked.
func New(list PriceList, o Options) *Cached {
	c := &Cached{
		list: list, store: o.Store, now: o.Now.UTC(), fresh: o.Fresh, readOnly: o.ReadOnly,
		kept: &sharedPrices{regions: map[fleet.Region]*regionPrices{}},
	}
	if c.fresh == 0 {
		c.fresh = DefaultFresh
	}
	return c
}

// At is the list for another run, which began at now. What the earlier ones have read
// is shared with it and is not read from the store again; notes are each run's own.
func (c *Cached) At(o Options) *Cached {
	other := New(c.list, o)
	other.store, other.kept = c.store, c.kept
	return other
}

// Instances returns the products that match the keys. Keys of Dedicated Hosts
// have none. The error is not nil where a key's products are neither fresh nor
// kept from an earlier run; the answer then holds those of the others.
func (c *Cached) Instances(ctx context.Context, keys []price.InstanceKey) ([]price.Product, error) {
	byRegion := map[fleet.Region][]price.InstanceKey{}
	seen := map[price.InstanceKey]bool{}
	for _, k := range keys {
		if !k.HostBilled() && !seen[k] {
			seen[k] = true
			byRegion[k.Region] = append(byRegion[k.Region], k)
		}
	}
	regions := slices.Sorted(maps.Keys(byRegion))
	found := make([][]price.Product, len(regions))
	failed := make([]error, len(regions))
	var group sync.WaitGroup
	free := make(chan struct{}, regionsAtOnce)
	for n, region := range regions {
		group.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			found[n], failed[n] = c.instances(ctx, region, byRegion[region])
		})
	}
	group.Wait()
	return slices.Concat(found...), errors.Join(failed...)
}

func (c *Cached) instances(ctx context.Context, region fleet.Region, keys []price.InstanceKey) ([]price.Product, error) {
	s, err := c.take(ctx, region)
	if err != nil {
		return nil, err
	}
	defer s.put()
	var ask []price.InstanceKey
	for _, k := range keys {
		if !c.current(s.instances[k]) {
			ask = append(ask, k)
		}
	}
	if len(ask) > 0 {
		products, failure := c.list.Instances(ctx, ask)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		kept := s.receive(ask, products, failure, c)
		c.save(ctx, s)
		c.stale(fmt.Sprintf("%d of %d instance prices", len(kept.answers), len(keys)), region, kept.answers, failure)
		if kept.missing > 0 {
			err = failure
		}
	}
	all := make([]price.Product, 0, len(keys))
	for _, k := range keys {
		all = append(all, s.instances[k].products...)
	}
	return all, err
}

// Rates returns the products of a region that are billed by one of the
// dimensions of price.Rates. The error is not nil where some of them are neither
// fresh nor kept from an earlier run; the answer then holds the others.
func (c *Cached) Rates(ctx context.Context, region fleet.Region) ([]price.Product, error) {
	s, err := c.take(ctx, region)
	if err != nil {
		return nil, err
	}
	defer s.put()
	if !c.current(s.rates) {
		products, failure := c.list.Rates(ctx, region)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if failure == nil && len(products) == 0 && len(s.rates.products) > 0 {
			failure = errors.New("the price list has no prices of this region any more")
		}
		old := s.rates
		complete := s.receiveRates(products, failure, c)
		c.save(ctx, s)
		switch {
		case failure == nil:
		case complete:
			c.stale("some rates", region, []answer{old}, failure)
		default:
			err = failure
		}
	}
	return slices.Clone(s.rates.products), err
}

// current is whether an answer needs no asking.
func (c *Cached) current(a answer) bool {
	if a.run == c {
		return true
	}
	life, age := c.fresh, c.now.Sub(a.fetched)
	if len(a.products) == 0 {
		life /= absentShare
	}
	// What comes from the future was written by a clock that is wrong.
	return a.complete() && age >= 0 && age < life
}

// stale notes what is given although it is not fresh.
func (c *Cached) stale(what string, region fleet.Region, kept []answer, cause error) {
	if len(kept) == 0 {
		return
	}
	oldest := slices.MinFunc(kept, func(a, b answer) int { return a.fetched.Compare(b.fetched) })
	text := fmt.Sprintf("%s of %s are as they were read on %s, %s ago", what, region,
		oldest.fetched.Format("2006-01-02 15:04 UTC"), ageText(c.now.Sub(oldest.fetched)))
	if len(oldest.products) > 0 && oldest.products[0].Version != "" {
		text += fmt.Sprintf(" (price list %s, published %s)", oldest.products[0].Version, oldest.products[0].Published.Format(time.DateOnly))
	}
	c.note(text + ": " + line(cause))
}

func line(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// ageText is an age in words: hours within two days, then days.
func ageText(age time.Duration) string {
	switch {
	case age < time.Hour:
		return "less than an hour"
	case age < 48*time.Hour:
		return fmt.Sprintf("%d h", int(age.Hours()))
	}
	return fmt.Sprintf("%d days", int(age.Hours()/24))
}

func (c *Cached) note(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.notes, text) {
		c.notes = append(c.notes, text)
	}
}

// Notes says what came from an earlier run because it could not be asked for
// again, with its age and the cause, and what is wrong with the cache itself.
func (c *Cached) Notes() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(slices.Values(c.notes))
}

// Entry is what is kept of one question to the price list.
type Entry struct {
	// Key is the instance price that was asked for, or nil for the rates of a
	// region.
	Key *price.InstanceKey
	// Fetched is when the whole answer was read, in UTC. It is zero where only a
	// part of it could be read.
	Fetched time.Time
	// Products are the answer, each with the version and the publication date of
	// the list that it came from. There are none where the list has no price.
	Products []price.Product
}

// All is everything that is kept of a region: its rates, then the prices of
// instances in the order of their types. Nothing is asked for.
func (c *Cached) All(ctx context.Context, region fleet.Region) ([]Entry, error) {
	s, err := c.take(ctx, region)
	if err != nil {
		return nil, err
	}
	defer s.put()
	var all []Entry
	if !s.rates.empty() {
		all = append(all, Entry{nil, s.rates.fetched, slices.Clone(s.rates.products)})
	}
	for _, k := range s.keys() {
		a := s.instances[k]
		all = append(all, Entry{&k, a.fetched, slices.Clone(a.products)})
	}
	return all, nil
}

// Changes are the prices of regions that differed from those kept when they were
// read again, the latest first.
func (c *Cached) Changes(ctx context.Context, regions []fleet.Region) ([]Change, error) {
	all := []Change{}
	for _, region := range regions {
		s, err := c.take(ctx, region)
		if err != nil {
			return nil, err
		}
		all = append(all, s.changes...)
		s.put()
	}
	slices.SortStableFunc(all, func(a, b Change) int { return b.Seen.Compare(a.Seen) })
	return all, nil
}
