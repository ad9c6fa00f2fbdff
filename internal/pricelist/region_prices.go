package pricelist

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// regionPrices is what is kept of the prices of one region.
type regionPrices struct {
	region fleet.Region
	// turn holds one token, and who takes it has the prices. Unlike a lock it is
	// not waited for when the caller's context has ended.
	turn   chan struct{}
	loaded bool
	// closed is set where the cache could not be read: it may hold more than
	// what would be written in its place.
	closed bool

	instances map[price.InstanceKey]answer
	rates     answer
	changes   []Change
}

// answer is what the price list answered to one question.
type answer struct {
	// fetched is when the whole answer was read. It is zero where a part of it is
	// missing, which then is asked for again.
	fetched  time.Time
	products []price.Product
	run      *Cached // that read it; nil where it was read from the store
}

func (a answer) complete() bool { return !a.fetched.IsZero() }

// empty is whether the question was never asked.
func (a answer) empty() bool { return !a.complete() && len(a.products) == 0 }

func newRegionPrices(region fleet.Region) *regionPrices {
	s := &regionPrices{region: region, turn: make(chan struct{}, 1), instances: map[price.InstanceKey]answer{}}
	s.put()
	return s
}

// put gives the prices to the next caller.
func (s *regionPrices) put() { s.turn <- struct{}{} }

// keys are those of the instances, in the order of type, operation and tenancy.
func (s *regionPrices) keys() []price.InstanceKey {
	keys := make([]price.InstanceKey, 0, len(s.instances))
	for k := range s.instances {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b price.InstanceKey) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Tenancy, b.Tenancy), cmp.Compare(a.Capacity(), b.Capacity()))
	})
	return keys
}

// take waits for the prices of a region, and reads it the first time.
func (c *Cached) take(ctx context.Context, region fleet.Region) (*regionPrices, error) {
	c.kept.mu.Lock()
	s := c.kept.regions[region]
	if s == nil {
		s = newRegionPrices(region)
		c.kept.regions[region] = s
	}
	c.kept.mu.Unlock()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.turn:
	}
	if !s.loaded {
		if err := c.load(ctx, s); err != nil {
			s.put()
			return nil, err
		}
		s.loaded = true
	}
	return s, nil
}

// load reads what is kept. A cache that cannot be read costs time, not prices.
func (c *Cached) load(ctx context.Context, s *regionPrices) error {
	if c.store == nil {
		return nil
	}
	body, err := c.store.Get(ctx, objectKey(s.region))
	switch {
	case errors.Is(err, fleet.ErrNotFound):
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		s.closed = true
		c.note(fmt.Sprintf("the price cache of %s cannot be read, and is left as it is: %s", s.region, line(err)))
		return nil
	}
	if err := s.decode(body); err != nil {
		c.note(fmt.Sprintf("the price cache of %s is ignored and made anew: %s", s.region, line(err)))
	}
	return nil
}

// save writes what is kept. The run still has it where that fails.
func (c *Cached) save(ctx context.Context, s *regionPrices) {
	if c.store == nil || c.readOnly || s.closed {
		return
	}
	body, err := s.encode()
	if err == nil {
		err = c.store.Put(ctx, objectKey(s.region), body)
	}
	if err != nil {
		c.note(fmt.Sprintf("the prices of %s could not be kept for the next run: %s", s.region, line(err)))
	}
}

// kept is what became of the keys of a question that failed.
type kept struct {
	answers []answer // those of earlier runs, which are given instead
	missing int      // how many keys have neither an answer nor an earlier one
}

// receive files the products that answer a question about keys. Where it failed,
// a key's products may be a part of them only. They are taken for all of them
// where they hold every SKU that the key had before; else they are kept until
// the next time.
func (s *regionPrices) receive(asked []price.InstanceKey, products []price.Product, failure error, run *Cached) kept {
	got := map[price.InstanceKey][]price.Product{}
	for _, p := range products {
		if k, ok := keyOf(p.Attributes); ok {
			got[k] = append(got[k], trim(p))
		}
	}
	var out kept
	for _, k := range asked {
		old, found := s.instances[k], got[k]
		switch {
		case failure == nil, len(old.products) > 0 && old.complete() && covers(found, old.products):
			s.compare(k, old, found, run.now)
			s.instances[k] = answer{fetched: run.now, products: found, run: run}
		case old.complete():
			out.answers = append(out.answers, old)
		case len(found) > 0:
			s.instances[k] = answer{products: found}
		default:
			out.missing++
		}
	}
	return out
}

// covers is whether every SKU of old is among the products.
func covers(products, old []price.Product) bool {
	return !slices.ContainsFunc(old, func(o price.Product) bool {
		return !slices.ContainsFunc(products, func(p price.Product) bool { return p.SKU == o.SKU })
	})
}

// receiveRates files the products of a region's rates, and reports whether all
// are there. Where the question failed, the dimensions that did not come stay as
// they were, and all are asked for again the next time.
func (s *regionPrices) receiveRates(products []price.Product, failure error, run *Cached) (complete bool) {
	next := answer{fetched: run.now, run: run}
	came := map[string]bool{}
	for _, p := range products {
		if dimension, ok := price.DimensionOf(p.Attributes["usagetype"]); ok {
			came[dimension] = true
			next.products = append(next.products, trim(p))
		}
	}
	if failure != nil {
		next.fetched, next.run = s.rates.fetched, nil
		for _, p := range s.rates.products {
			if dimension, _ := price.DimensionOf(p.Attributes["usagetype"]); !came[dimension] {
				next.products = append(next.products, p)
			}
		}
	}
	s.compareRates(next.products, run.now)
	s.rates = next
	return next.complete()
}
