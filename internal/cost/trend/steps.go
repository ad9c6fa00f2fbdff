package trend

import (
	"math"
	"slices"
	"unique"

	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// figure is what a comparison needs of a row.
type figure struct {
	name   string
	config unique.Handle[configuration]
	hours  hoursShare
	parts  []figurePart
}

// configuration is what decides about the price of an instance or a volume
// next to its size.
type configuration struct {
	typ, tenancy, operation string
	lifecycle               fleet.Lifecycle
}

// sku names a price of the price list.
type sku struct{ dimension, sku string }

type figurePart struct {
	id       sku
	quantity float64
	rate     cost.Amount
	monthly  cost.Amount
}

func figureOf(row Row) figure {
	f := figure{
		name:   row.Name,
		config: unique.Make(configuration{row.Type, row.Tenancy, row.Operation, row.Lifecycle}),
		hours:  row.hours(),
		parts:  make([]figurePart, len(row.Parts)),
	}
	for n, p := range row.Parts {
		f.parts[n] = figurePart{sku{p.Dimension, p.SKU}, p.Quantity, p.Rate, p.Monthly}
	}
	return f
}

// monthly is a full month at its own prices; false where a part has none.
func (f figure) monthly() (price.USD, bool) {
	sum := cost.Known(0)
	for _, p := range f.parts {
		sum = sum.Plus(p.monthly)
	}
	return sum.USD, sum.Known && len(f.parts) > 0
}

// cost is what a month costs at the pace of the month so far, or nil where that
// is not known.
func (f figure) cost() *price.USD {
	monthly, ok := f.monthly()
	if !ok {
		return nil
	}
	usd := f.hours.of(monthly)
	return &usd
}

func (f figure) part(dimension string) (figurePart, bool) {
	for _, p := range f.parts {
		if p.id.dimension == dimension {
			return p, true
		}
	}
	return figurePart{}, false
}

func changeOf(name rowKey, f figure) ResourceChange {
	s := name.scope.Value()
	return ResourceChange{Account: s.account, Region: s.region, Kind: s.kind, ID: name.id, Name: f.name, Type: f.config.Value().typ}
}

// gone is a resource that the second day does not have.
func gone(name rowKey, f figure) ResourceChange {
	m := changeOf(name, f)
	if m.Before = f.cost(); m.Before != nil {
		m.Change.Gone = -*m.Before
	}
	return m
}

// changed is a resource that the second day has.
func (c *comparison) changed(name rowKey, before, after figure, had bool) ResourceChange {
	m := changeOf(name, after)
	m.After = after.cost()
	if !had {
		if m.After != nil {
			m.Change.New = *m.After
		}
		return m
	}
	m.Before = before.cost()
	if was := before.config.Value().typ; was != m.Type {
		m.Type = was + " → " + m.Type
	}
	switch {
	case m.Before == nil && m.After == nil:
	case m.Before == nil:
		m.Change.Other = *m.After
	case m.After == nil:
		m.Change.Other = -*m.Before
	default:
		m.Change = c.steps(before, after, *m.Before, *m.After)
	}
	return m
}

// steps goes from the first cost to the second one.
func (c *comparison) steps(before, after figure, first, last price.USD) Change {
	var change Change
	configured := before.hours.of(c.atOldPrices(before, after))
	if before.config != after.config {
		change.Type = configured.Add(-first)
	} else {
		change.Size = configured.Add(-first)
	}
	monthly, _ := after.monthly()
	priced := before.hours.of(monthly)
	if repriced(before, after) {
		change.Price = priced.Add(-configured)
	} else { // such as a snapshot that carries its volume's cost now
		change.Other = priced.Add(-configured)
	}
	change.Hours = last.Add(-priced)
	return change
}

// repriced is true where a part has another price than before, or was not there.
func repriced(before, after figure) bool {
	return slices.ContainsFunc(after.parts, func(now figurePart) bool {
		was, ok := before.part(now.id.dimension)
		return !ok || was.rate != now.rate
	})
}

// atOldPrices is a full month of the second day's configuration at the first
// day's prices: those of the resource itself, else those that another resource
// had for the same SKU. What nobody paid for on the first day has the second
// day's price.
func (c *comparison) atOldPrices(before, after figure) price.USD {
	var sum price.USD
	for _, now := range after.parts {
		was, ok := before.part(now.id.dimension)
		switch {
		case ok && before.config == after.config:
			sum = sum.Add(was.forQuantity(now))
		default:
			rate, listed := c.rates[now.id]
			sum = sum.Add(now.atRate(rate, listed))
		}
	}
	return sum
}

// forQuantity is what another quantity would cost in a full month at the price
// of p.
func (p figurePart) forQuantity(now figurePart) price.USD {
	switch {
	case p.quantity == now.quantity:
		return p.monthly.USD
	case p.rate.Known && now.rate.Known && now.rate.USD != 0:
		return now.atRate(p.rate.USD, true)
	case p.quantity != 0:
		return p.monthly.USD.Times(millionths(now.quantity), millionths(p.quantity))
	}
	return now.monthly.USD
}

// atRate is the part at another rate, where that is known.
func (p figurePart) atRate(rate price.USD, ok bool) price.USD {
	if !ok || !p.rate.Known || p.rate.USD == 0 {
		return p.monthly.USD
	}
	return p.monthly.USD.Times(int64(rate), int64(p.rate.USD))
}

// millionths is a quantity as a whole number. It is not money: quantities come
// as floating-point numbers.
func millionths(quantity float64) int64 {
	return int64(math.Round(max(1e-6, min(quantity, 1e12)) * 1e6))
}
