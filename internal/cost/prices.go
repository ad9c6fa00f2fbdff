package cost

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// instancePrices looks up every distinct key once.
func (b *builder) instancePrices(ctx context.Context, prices PriceList) {
	b.quoted = map[price.InstanceKey]*Price{}
	var ask []price.InstanceKey
	want := func(key price.InstanceKey) {
		if b.quoted[key] != nil {
			return
		}
		kind := "instance"
		if key.Unused {
			kind = string(ReservationLine)
		}
		b.quoted[key] = &Price{
			Kind: kind, Region: key.Region, Item: string(key.Type),
			Tenancy: key.Tenancy, Operation: key.Operation, Platform: price.Platform(key.Operation),
		}
		if !key.HostBilled() {
			ask = append(ask, key)
		}
	}
	for n := range b.targets { // by index: other fields are being written meanwhile
		for _, i := range b.targets[n].found {
			key, _, _ := price.KeyFor(*i, fleet.TypeInfo{})
			want(key)
			if newer, ok := SuccessorKey(key); ok {
				want(newer) // for a recommendation
			}
		}
		for _, r := range b.targets[n].others.reservations {
			if unused(r) {
				want(reservationKey(r, r.Target.Region))
			}
		}
	}
	var products []price.Product
	var err error
	if len(ask) > 0 {
		products, err = prices.Instances(ctx, ask)
	}
	if err != nil {
		b.fail(Problem{What: "instance prices", Err: err})
	}
	listed := price.NewIndex(products)
	for key, p := range b.quoted {
		p.Quote = unread(listed.Pick(key), err)
	}
}

// unread changes the note of a missing price where the price list failed: it
// may well have a row.
func unread(q price.Quote, err error) price.Quote {
	if err != nil && q.Status == price.Missing {
		q.Note = "the price list could not be read: " + err.Error()
	}
	return q
}

// prices are all prices that something of the report has, in a stable order.
func (b *builder) prices() []*Price {
	var all []*Price
	all = slices.AppendSeq(all, maps.Values(b.quoted))
	all = slices.AppendSeq(all, maps.Values(b.parts))
	all = slices.AppendSeq(all, maps.Values(b.spots))
	all = slices.DeleteFunc(all, func(p *Price) bool { return p.Uses == 0 })
	slices.SortFunc(all, func(a, b *Price) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), cmp.Compare(a.Region, b.Region),
			strings.Compare(a.Item, b.Item), strings.Compare(a.Tenancy, b.Tenancy), strings.Compare(a.Operation, b.Operation))
	})
	return all
}

func (b *builder) priceInstances(s *targetData) {
	infos := make(map[fleet.InstanceType]*fleet.TypeInfo, len(s.types))
	for name, info := range s.types {
		infos[name] = &info
	}
	for n, i := range s.instances {
		found := s.found[n]
		i.Info = infos[i.Type]
		if !b.priceSpot(s, i, found) {
			key, status, note := price.KeyFor(*found, s.types[i.Type])
			i.Price = b.quoted[key]
			i.PriceStatus = price.Worst(status, i.Price.Status)
			i.PriceNote = join(note, i.Price.Note)
		}
		if other := b.retyped(i); other != "" {
			i.PriceStatus, i.PriceNote = price.Worst(i.PriceStatus, price.Fallback), join(i.PriceNote, other)
		}
		i.Price.Uses++
		known := b.hoursOf(found)
		i.Hours, i.AtLeast, i.AtMost, i.Source = known.hours, known.atLeast, known.atMost, known.source
		if i.Source == Assumed { // which may count the rest of this day, too
			i.Planned = min(i.Planned, max(b.month.End.Sub(b.month.Start)-i.Hours, 0))
		}
	}
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}
