package cost

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// targetsAtOnce bounds how many targets are read at the same time.
const targetsAtOnce = 8

// Build reads the sources and the price list and makes the report. Targets do
// not affect each other: what cannot be read becomes a Problem and the rest is
// reported. The error is not nil where the context ends or where no target's
// instances could be read at all.
//
// Distinct keys are looked up once, in one call for all targets.
func Build(ctx context.Context, sources []Source, prices PriceList, o Options) (Report, error) {
	b := builder{options: o, shelves: make([]shelf, len(sources)), rates: map[fleet.Region]rates{}}
	if o.Zone != nil {
		b.options.Now = o.Now.In(o.Zone)
	} else {
		b.options.Now = o.Now.UTC()
	}
	b.month = MonthOf(b.options.Now)
	b.read(ctx, sources, prices)
	if err := ctx.Err(); err != nil {
		return Report{}, fmt.Errorf("cost report not finished: %w", err)
	}
	if err := b.nothing(); err != nil {
		return Report{}, err
	}
	var described sync.WaitGroup
	described.Go(func() { b.describeTypes(ctx, sources) })
	keyed := b.instancePrices(ctx, prices)
	described.Wait()
	if err := ctx.Err(); err != nil {
		return Report{}, fmt.Errorf("cost report not finished: %w", err)
	}
	return b.report(sources, keyed), nil
}

// shelf is what was read of one target.
type shelf struct {
	// instances are the rows, found what they are made of. The latter has no
	// tags but where the price needs them.
	instances []*Instance
	found     []*fleet.Instance
	excluded  int
	volumes   []*Volume
	types     map[fleet.InstanceType]fleet.TypeInfo

	instancesErr, volumesErr, typesErr error
}

// rates are the EBS rates of a region, or as many as came before the error.
type rates struct {
	price.Rates
	err error
}

type builder struct {
	options  Options
	month    Month
	shelves  []shelf
	rates    map[fleet.Region]rates
	problems []Problem
}

// read fills the shelves, and the EBS rates of all regions meanwhile. Errors
// stay with what they belong to, so the group never ends early.
func (b *builder) read(ctx context.Context, sources []Source, prices PriceList) {
	var group errgroup.Group
	group.SetLimit(targetsAtOnce)
	var mu sync.Mutex
	regions := map[fleet.Region]bool{}
	for _, s := range sources {
		if regions[s.Target.Region] {
			continue
		}
		regions[s.Target.Region] = true
		group.Go(func() error {
			products, err := prices.Rates(ctx, s.Target.Region)
			mu.Lock()
			defer mu.Unlock()
			b.rates[s.Target.Region] = rates{price.PickRates(products, s.Target.Region), err}
			return nil
		})
	}
	for n, s := range sources {
		group.Go(func() error {
			b.shelves[n].read(ctx, s, b.options.ExcludePlatform)
			return nil
		})
	}
	_ = group.Wait()
}

// read takes the target from the source: EC2 does not say whose a volume is.
func (s *shelf) read(ctx context.Context, source Source, exclude string) {
	inventory := source.Inventory
	var volumes sync.WaitGroup
	volumes.Go(func() {
		for v, err := range inventory.Volumes(ctx) {
			if err != nil {
				s.volumesErr = err
				return
			}
			v.Target = source.Target
			name := v.Name()
			v.Tags = nil
			s.volumes = append(s.volumes, &Volume{Volume: v, Name: name})
		}
	})
	defer volumes.Wait()
	for i, err := range inventory.Instances(ctx) {
		if err != nil {
			s.instancesErr = err
			break
		}
		i.Target = source.Target
		platform := platformTag(i)
		if exclude != "" && strings.EqualFold(platform, exclude) {
			s.excluded++
			continue
		}
		s.instances = append(s.instances, &Instance{
			Target: i.Target, ID: i.ID, Type: i.Type, State: i.State, Zone: i.Zone,
			Lifecycle: i.Lifecycle, LaunchTime: i.LaunchTime, Name: i.Name(), Platform: platform,
		})
		if i.UsageOperation != "" {
			i.Tags = nil // many tags would be half of the memory
		}
		s.found = append(s.found, &i)
	}
}

// describeTypes asks each target once for the types of its instances.
func (b *builder) describeTypes(ctx context.Context, sources []Source) {
	var group errgroup.Group
	group.SetLimit(targetsAtOnce)
	for n := range b.shelves {
		s := &b.shelves[n]
		seen := map[fleet.InstanceType]bool{}
		var types []fleet.InstanceType
		for _, i := range s.found {
			if !seen[i.Type] {
				seen[i.Type] = true
				types = append(types, i.Type)
			}
		}
		if len(types) == 0 {
			continue
		}
		group.Go(func() error {
			s.types, s.typesErr = sources[n].Inventory.Types(ctx, types)
			return nil
		})
	}
	_ = group.Wait() // errors stay with their target
}

// nothing is the reason where no target's instances could be read.
func (b *builder) nothing() error {
	var errs []error
	for _, s := range b.shelves {
		if s.instancesErr == nil || len(s.instances) > 0 {
			return nil
		}
		errs = append(errs, s.instancesErr)
	}
	return errors.Join(errs...)
}

// quoted is the price of a key with what is wrong about all of the list.
type quoted map[price.InstanceKey]*Price

// instancePrices looks up every distinct key once.
func (b *builder) instancePrices(ctx context.Context, prices PriceList) quoted {
	found := quoted{}
	var ask []price.InstanceKey
	for n := range b.shelves { // by index: the types are being written meanwhile
		for _, i := range b.shelves[n].found {
			key, _, _ := price.KeyFor(*i, fleet.TypeInfo{})
			if found[key] != nil {
				continue
			}
			found[key] = &Price{
				Kind: "instance", Region: key.Region, Item: string(key.Type),
				Tenancy: key.Tenancy, Operation: key.Operation, Platform: price.Platform(key.Operation),
			}
			if !key.HostBilled() {
				ask = append(ask, key)
			}
		}
	}
	var products []price.Product
	var err error
	if len(ask) > 0 {
		products, err = prices.Instances(ctx, ask)
	}
	if err != nil {
		b.problems = append(b.problems, Problem{What: "instance prices", Err: err})
	}
	for key, p := range found {
		p.Quote = unread(price.Pick(products, key), err)
	}
	return found
}

// unread changes the note of a missing price where the price list failed: it
// may well have a row.
func unread(q price.Quote, err error) price.Quote {
	if err != nil && q.Status == price.Missing {
		q.Note = "the price list could not be read: " + err.Error()
	}
	return q
}

// report joins everything. Problems come in the order of the targets.
func (b *builder) report(sources []Source, keyed quoted) Report {
	r := Report{Generated: b.month.Now, Month: b.month, Hours: cmp.Or(b.options.Hours, BestHours)}
	parts := map[partKey]*Price{}
	faulty := map[fleet.Region]bool{}
	for n := range b.shelves {
		s, target := &b.shelves[n], sources[n].Target
		r.Targets = append(r.Targets, target)
		r.Excluded += s.excluded
		for _, p := range []Problem{
			{target, "instances", s.instancesErr},
			{target, "volumes", s.volumesErr},
			{target, "instance types", s.typesErr},
			{fleet.Target{Region: target.Region}, "volume prices", b.rates[target.Region].err},
		} {
			if p.Err == nil || p.What == "volume prices" && faulty[target.Region] {
				continue
			}
			faulty[target.Region] = faulty[target.Region] || p.What == "volume prices"
			r.Problems = append(r.Problems, p)
		}
		b.priceInstances(s, keyed)
		for _, v := range s.volumes {
			b.priceVolume(v, parts)
		}
		s.attach()
		r.Instances = append(r.Instances, s.instances...)
		r.Volumes = append(r.Volumes, s.volumes...)
		*s = shelf{}
	}
	r.Problems = append(r.Problems, b.problems...)
	for _, p := range keyed {
		r.Prices = append(r.Prices, p)
	}
	for _, p := range parts {
		r.Prices = append(r.Prices, p)
	}
	slices.SortFunc(r.Prices, func(a, b *Price) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), cmp.Compare(a.Region, b.Region),
			strings.Compare(a.Item, b.Item), strings.Compare(a.Tenancy, b.Tenancy), strings.Compare(a.Operation, b.Operation))
	})
	r.Types = summarize(r)
	r.Totals = totals(r)
	return r
}

func (b *builder) priceInstances(s *shelf, keyed quoted) {
	infos := make(map[fleet.InstanceType]*fleet.TypeInfo, len(s.types))
	for name, info := range s.types {
		infos[name] = &info
	}
	for n, i := range s.instances {
		found := *s.found[n]
		i.Info = infos[i.Type]
		key, status, note := price.KeyFor(found, s.types[i.Type])
		i.Price = keyed[key]
		i.Price.Uses++
		i.PriceStatus = price.Worst(status, i.Price.Status)
		i.PriceNote = join(note, i.Price.Note)
		if b.options.Hours == AssumedHours {
			i.Hours, i.Source = assumedHours(found, b.month), Assumed
		} else {
			i.Hours, i.AtLeast, i.Source = hoursOf(found, b.month)
		}
	}
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}
