package billing

import (
	"strings"
	"time"

	"nightshift/internal/sandbox/catalog"
	"nightshift/internal/sandbox/state"
)

// What the account pays with besides money. An EC2 Instance Savings Plan covers
// the m5 instances of 8 vCPUs and more that are neither Spot nor dedicated, at
// planPercent of the list price; its commitment fits to the cent. Promotional
// credits pay creditPercent of what t4g instances cost.
const (
	planPercent   = 72
	creditPercent = 50
)

// The names that Cost Explorer has for services.
const (
	computeService = "Amazon Elastic Compute Cloud - Compute"
	otherService   = "EC2 - Other"
	planService    = "Savings Plans for AWS Compute usage"
	planUsage      = "EC2SP:m5.1yrNoUpfront"
)

// charge is what one resource was charged for one usage type in a span of time.
type charge struct {
	from, to  time.Time
	region    string
	zone      string
	resource  string
	kind      string // instance type; empty for volumes
	tenancy   string
	service   string // Cost Explorer's
	usage     string // "APN2-BoxUsage:m5.large"
	operation string
	unit      string
	tags      state.Tags
	product   *catalog.Product // nil: the price list has none
	// payment is how it is paid for: by what the list says, by a spot price or
	// by a Savings Plan. credited is what credits paid of it.
	payment  payment
	quantity float64 // of the unit
	list     catalog.Price
	cost     catalog.Price // effective
	credited catalog.Price
}

type payment int

const (
	onDemandPayment payment = iota
	spotPayment
	planPayment
)

// biller works out charges. It is for one call.
type biller struct {
	account  *state.Account
	month    time.Time // of list
	list     *catalog.PriceList
	products map[catalog.PriceKey]*catalog.Product
}

func newBiller(a *state.Account) *biller {
	return &biller{account: a, products: map[catalog.PriceKey]*catalog.Product{}}
}

// prices is the price list that was in force at an instant. Prices come into
// force with a month.
func (b *biller) prices(at time.Time) *catalog.PriceList {
	if month := monthOf(at); b.list == nil || !month.Equal(b.month) {
		b.month, b.list = month, b.account.Catalog
		if then, err := b.list.At(month); err == nil && then != nil {
			b.list = then
		}
	}
	return b.list
}

// product is the row by which a usage type was billed at an instant; nil where
// there is none. Kind is the instance type of the usage, and operation its
// software; os is that of CPU credits. They are empty where they do not matter.
func (b *biller) product(at time.Time, region, usage, kind, operation, os string) *catalog.Product {
	list := b.prices(at)
	key := catalog.PriceKey{Version: list.Version, Region: region, Usage: usage, Operation: operation, OS: os}
	p, known := b.products[key]
	if !known {
		p = list.BilledBy(key, kind)
		b.products[key] = p
	}
	return p
}

// prefix begins the usage types of a region.
func (b *biller) prefix(region string) string {
	if location, ok := b.account.Catalog.Locations[region]; ok {
		return location.Prefix
	}
	return strings.ToUpper(region) + "-"
}

// instance lists what an instance was charged for in a span of time, which lies
// in one month.
func (b *biller) instance(r *state.Region, i *state.Instance, from, to time.Time) []charge {
	var kinds []string
	ran := map[string]time.Duration{}
	for one := range i.Runs(from, to) {
		if ran[one.Kind] == 0 {
			kinds = append(kinds, one.Kind)
		}
		ran[one.Kind] += one.To.Sub(one.From)
	}
	var list []charge
	for _, kind := range kinds {
		seconds := int64(ran[kind] / time.Second)
		c := charge{
			from: from, to: to, region: r.Name, zone: i.Zone, resource: i.ID, kind: kind, tenancy: "Shared",
			service: computeService, operation: i.System.UsageOperation, unit: "Hrs", tags: i.Tags,
			quantity: float64(seconds) / 3600,
		}
		box := "BoxUsage:"
		switch i.Tenancy {
		case "dedicated":
			box, c.tenancy = "DedicatedUsage:", "Dedicated"
		case "host":
			box, c.tenancy = "HostBoxUsage:", "Host"
		}
		c.usage = b.prefix(r.Name) + box + kind
		if c.product = b.product(from, r.Name, c.usage, kind, c.operation, ""); c.product != nil {
			c.list = c.product.USD.Times(seconds, 3600)
		}
		b.pay(&c, i)
		list = append(list, c)
	}
	if c, some := b.surplus(r, i, from, to); some {
		list = append(list, c)
	}
	return list
}

// pay settles how the hours of an instance are paid for.
func (b *biller) pay(c *charge, i *state.Instance) {
	c.cost = c.list
	family, _, _ := strings.Cut(c.kind, ".")
	spec, _ := b.account.Types.Spec(c.kind)
	switch {
	case i.Spot != nil:
		c.payment = spotPayment
		c.usage = b.prefix(c.region) + "SpotUsage:" + c.kind
		c.cost = b.spotCost(*c, i, spec)
		c.operation += ":SV001"
	case family == "m5" && spec.VCPU >= 8 && c.tenancy == "Shared":
		c.payment = planPayment
		c.cost = c.list.Times(planPercent, 100)
	case family == "t4g":
		c.credited = c.list.Times(creditPercent, 100)
	}
}

// spotCost is what the runs of a Spot Instance cost by the spot price history.
func (b *biller) spotCost(c charge, i *state.Instance, spec catalog.Type) catalog.Price {
	product := i.System.PlatformDetails
	if catalog.SpotProducts()[product] == "" {
		product = "Linux/UNIX"
	}
	usd, _ := b.account.Catalog.OnDemand(c.region, spec, catalog.SpotProducts()[product])
	s := catalog.SpotSeries{Kind: c.kind, Zone: i.Zone, Product: product, OnDemand: usd}
	var sum catalog.Price
	for one := range i.Runs(c.from, c.to) {
		stretch := one.From.Unix()/int64(catalog.SpotStretch/time.Second) - 1
		for at, price := s.Change(stretch); at.Before(one.To); stretch++ {
			until, next := s.Change(stretch + 1)
			if span := state.Earlier(until, one.To).Sub(state.Later(at, one.From)); span > 0 && one.Kind == c.kind {
				sum += price.Times(int64(span/time.Second), 3600)
			}
			at, price = until, next
		}
	}
	return sum
}

// surplusPrice is what an hour of a vCPU costs above what a burstable instance
// earns, where the price list does not say: the price of Linux, in most regions.
const surplusPrice = catalog.Dollar / 20

// surplus is the charge for the CPU credits that CloudWatch reports as
// CPUSurplusCreditsCharged. 60 credits are an hour of a vCPU.
func (b *biller) surplus(r *state.Region, i *state.Instance, from, to time.Time) (charge, bool) {
	if i.CreditOption() != state.CreditsUnlimited {
		return charge{}, false
	}
	m, _ := i.Metric("CPUSurplusCreditsCharged")
	var credits float64
	for one := range i.Runs(from, to) {
		for hour := one.From.Truncate(time.Hour); hour.Before(one.To); hour = hour.Add(time.Hour) {
			if each := m.Value(hour.Unix()); each > 0 {
				p := m.Sample(state.Later(hour, one.From), state.Earlier(hour.Add(time.Hour), one.To), true)
				credits += each * float64(p.Count)
			}
		}
	}
	if credits == 0 {
		return charge{}, false
	}
	c := charge{
		from: from, to: to, region: r.Name, zone: i.Zone, resource: i.ID, kind: i.Type.Name, tenancy: "Shared",
		service: computeService, operation: i.System.UsageOperation, unit: "vCPU-Hours", tags: i.Tags,
		usage: b.prefix(r.Name) + "CPUCredits:" + i.Type.Family,
	}
	halves := int64(2 * credits) // a sample has whole halves
	c.quantity = credits / 60
	usd, os := surplusPrice, "Linux"
	if i.System.Windows {
		os = "Windows"
	}
	if c.product = b.product(from, r.Name, c.usage, "", "", os); c.product != nil {
		usd = c.product.USD
	}
	c.list = usd.Times(halves, 120)
	c.cost = c.list
	return c, true
}
