package cost

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// spotAndCredits is what was read of one target in addition to its inventory:
// prices that are not fixed, and what burstable instances use beyond their
// credits.
type spotAndCredits struct {
	prices map[spotKey][]price.SpotPrice
	// surplus are the credits charged this month by instance.
	surplus map[fleet.ResourceID]float64

	spotErr, surplusErr error
}

// spotKey names one spot price.
type spotKey struct {
	region  fleet.Region
	kind    fleet.InstanceType
	zone    fleet.Zone
	product string
}

// spotName names one spot price of the report: several operations have the same.
type spotName struct {
	spotKey
	operation string
}

// readSpotAndCredits reads the spot prices and surplus credits of all targets.
func (b *builder) readSpotAndCredits(ctx context.Context, sources []Source) {
	each(sources, func(n int) {
		s := &b.targets[n]
		var both sync.WaitGroup
		both.Go(func() { s.readSpots(ctx, sources[n], b.month) })
		both.Go(func() { s.readSurplus(ctx, sources[n], b.month) })
		both.Wait()
	})
}

func (s *targetData) readSpots(ctx context.Context, source Source, m Month) {
	if source.Spot == nil {
		return
	}
	var types []fleet.InstanceType
	var products []string
	for _, i := range s.found {
		if product, _, ok := spotProduct(i); ok {
			types, products = append(types, i.Type), append(products, product)
		}
	}
	if len(types) == 0 {
		return
	}
	slices.Sort(types)
	slices.Sort(products)
	var rows []price.SpotPrice
	rows, s.spot.spotErr = source.Spot.SpotPrices(ctx, slices.Compact(types), slices.Compact(products), m.Start)
	s.spot.prices = map[spotKey][]price.SpotPrice{}
	for _, row := range rows {
		key := spotKey{source.Target.Region, row.Type, row.Zone, row.Product}
		s.spot.prices[key] = append(s.spot.prices[key], row)
	}
}

// spotProduct is the product under which a Spot instance's price is listed, and
// its operation; false for other instances.
func spotProduct(i *fleet.Instance) (product, operation string, ok bool) {
	if i.Lifecycle != fleet.Spot {
		return "", "", false
	}
	key, _, _ := price.KeyFor(*i, fleet.TypeInfo{})
	product, ok = price.SpotProduct(key.Operation)
	return product, key.Operation, ok
}

// readSurplus asks for the surplus credits of the burstable instances that may
// have paid for some.
func (s *targetData) readSurplus(ctx context.Context, source Source, m Month) {
	if source.Credits == nil || source.Metrics == nil || !m.Now.After(m.Start) {
		return
	}
	var burstable []fleet.ResourceID
	for _, i := range s.found {
		if _, ok := burstableFamily(i.Type); ok && i.State != fleet.Terminated && !i.LaunchTime.IsZero() {
			if i.State == fleet.Running || i.Stopped.After(m.Start) {
				burstable = append(burstable, i.ID)
			}
		}
	}
	if len(burstable) == 0 {
		return
	}
	unlimited, err := source.Credits.Unlimited(ctx, burstable)
	s.spot.surplusErr = err
	ids := slices.DeleteFunc(burstable, func(id fleet.ResourceID) bool { return !unlimited[id] })
	if len(ids) == 0 {
		return
	}
	s.spot.surplus, err = source.Metrics.Surplus(ctx, ids, m.Start, m.Now)
	if s.spot.surplusErr == nil {
		s.spot.surplusErr = err
	}
}

// burstableFamily is the family of a burstable type: "t3".
func burstableFamily(t fleet.InstanceType) (string, bool) {
	family, _, _ := strings.Cut(string(t), ".")
	return family, slices.Contains([]string{"t2", "t3", "t3a", "t4g"}, family)
}

// priceSpot gives a Spot instance the price of the Spot market in its zone;
// false where that is not known.
func (b *builder) priceSpot(s *targetData, i *Instance, found *fleet.Instance) bool {
	product, operation, ok := spotProduct(found)
	if !ok {
		return false
	}
	key := spotKey{i.Target.Region, i.Type, i.Zone, product}
	until := b.month.Now
	if i.State != fleet.Running && !found.Stopped.IsZero() {
		until = found.Stopped
	}
	mean, _, ok := price.SpotMean(s.spot.prices[key], latest(b.month.Start, found.LaunchTime), latest(until, b.month.Start))
	if !ok {
		return false
	}
	name := spotName{key, operation}
	if b.spots[name] == nil {
		_, last, _ := price.SpotMean(s.spot.prices[key], b.month.Start, b.month.Now)
		b.spots[name] = &Price{
			Kind: "spot", Region: key.region, Item: string(key.kind) + " in " + string(key.zone), Tenancy: "Shared", Operation: operation, Platform: product,
			Quote: price.Quote{Status: price.Exact, Note: "the spot price of now in this zone", Rate: price.Rate{Unit: "Hrs", USD: last, Effective: changed(s.spot.prices[key], b.month.Now)}},
		}
	}
	i.Price = b.spots[name]
	if mean != i.Price.Rate.USD {
		i.Mean = mean
	}
	onDemand := *found
	onDemand.Lifecycle = fleet.OnDemand
	_, i.PriceStatus, i.PriceNote = price.KeyFor(onDemand, s.types[i.Type])
	if i.Mean != 0 {
		i.PriceNote = join(i.PriceNote, "spot: the mean this month was "+mean.String()+" an hour")
	}
	return true
}

// changed is when the price of now came into force.
func changed(rows []price.SpotPrice, now time.Time) time.Time {
	var last time.Time
	for _, row := range rows {
		if !row.At.After(now) {
			last = latest(last, row.At)
		}
	}
	return last
}
