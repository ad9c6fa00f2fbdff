package sandbox

import (
	"strings"
	"time"
)

// What the account pays with beside money. An EC2 Instance Savings Plan covers
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
	tags      tags
	product   *product // nil: the price list has none
	// payment is how it is paid for: by what the list says, by a spot price or
	// by a Savings Plan. credited is what credits paid of it.
	payment  payment
	quantity float64 // of the unit
	list     listPrice
	cost     listPrice // effective
	credited listPrice
}

type payment int

const (
	onDemandPayment payment = iota
	spotPayment
	planPayment
)

// biller works out charges. It is for one call.
type biller struct {
	account  *account
	month    time.Time // of list
	list     *catalog
	products map[priceKey]*product
}

func (a *account) biller() *biller { return &biller{account: a, products: map[priceKey]*product{}} }

// prices is the price list that was in force at an instant. Prices come into
// force with a month.
func (b *biller) prices(at time.Time) *catalog {
	if month := monthOf(at); b.list == nil || !month.Equal(b.month) {
		b.month, b.list = month, b.account.catalog
		if then, err := b.list.at(month); err == nil && then != nil {
			b.list = then
		}
	}
	return b.list
}

// product is the row by which a usage type was billed at an instant; nil where
// there is none. Kind is the instance type of the usage, and operation its
// software; os is that of CPU credits. They are empty where they do not matter.
func (b *biller) product(at time.Time, region, usage, kind, operation, os string) *product {
	list := b.prices(at)
	key := priceKey{list.version, region, usage, operation, os}
	p, known := b.products[key]
	if !known {
		p = list.billedBy(key, kind)
		b.products[key] = p
	}
	return p
}

// prefix begins the usage types of a region.
func (b *biller) prefix(region string) string {
	if place, ok := b.account.catalog.places[region]; ok {
		return place.prefix
	}
	return strings.ToUpper(region) + "-"
}

// instance lists what an instance was charged for in a span of time, which lies
// in one month.
func (b *biller) instance(r *region, i *instance, from, to time.Time) []charge {
	var kinds []string
	ran := map[string]time.Duration{}
	for one := range i.runs(from, to) {
		if ran[one.kind] == 0 {
			kinds = append(kinds, one.kind)
		}
		ran[one.kind] += one.to.Sub(one.from)
	}
	var list []charge
	for _, kind := range kinds {
		seconds := int64(ran[kind] / time.Second)
		c := charge{
			from: from, to: to, region: r.name, zone: i.zone, resource: i.id, kind: kind, tenancy: "Shared",
			service: computeService, operation: i.system.operation, unit: "Hrs", tags: i.tags,
			quantity: float64(seconds) / 3600,
		}
		box := "BoxUsage:"
		switch i.tenancy {
		case "dedicated":
			box, c.tenancy = "DedicatedUsage:", "Dedicated"
		case "host":
			box, c.tenancy = "HostBoxUsage:", "Host"
		}
		c.usage = b.prefix(r.name) + box + kind
		if c.product = b.product(from, r.name, c.usage, kind, c.operation, ""); c.product != nil {
			c.list = c.product.usd.times(seconds, 3600)
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
func (b *biller) pay(c *charge, i *instance) {
	c.cost = c.list
	family, _, _ := strings.Cut(c.kind, ".")
	spec, _ := b.account.types.spec(c.kind)
	switch {
	case i.spot != nil:
		c.payment = spotPayment
		c.usage = b.prefix(c.region) + "SpotUsage:" + c.kind
		c.cost = b.spotCost(*c, i, spec)
		c.operation += ":SV001"
	case family == "m5" && spec.VCPU >= 8 && c.tenancy == "Shared":
		c.payment = planPayment
		c.cost = c.list.times(planPercent, 100)
	case family == "t4g":
		c.credited = c.list.times(creditPercent, 100)
	}
}

// spotCost is what the runs of a Spot Instance cost by the spot price history.
func (b *biller) spotCost(c charge, i *instance, spec typeSpec) listPrice {
	product := i.system.details
	if spotProducts()[product] == "" {
		product = "Linux/UNIX"
	}
	usd, _ := b.account.catalog.onDemand(c.region, spec, spotProducts()[product])
	s := spotSeries{kind: c.kind, zone: i.zone, product: product, onDemand: usd}
	var sum listPrice
	for one := range i.runs(c.from, c.to) {
		stretch := one.from.Unix()/int64(spotStretch/time.Second) - 1
		for at, price := s.change(stretch); at.Before(one.to); stretch++ {
			until, next := s.change(stretch + 1)
			if span := earlier(until, one.to).Sub(later(at, one.from)); span > 0 && one.kind == c.kind {
				sum += price.times(int64(span/time.Second), 3600)
			}
			at, price = until, next
		}
	}
	return sum
}

// surplusPrice is what an hour of a vCPU costs above what a burstable instance
// earns, where the price list does not say: the price of Linux, in most regions.
const surplusPrice = listDollar / 20

// surplus is the charge for the CPU credits that CloudWatch tells as
// CPUSurplusCreditsCharged. 60 credits are an hour of a vCPU.
func (b *biller) surplus(r *region, i *instance, from, to time.Time) (charge, bool) {
	if i.creditOption() != creditsUnlimited {
		return charge{}, false
	}
	m, _ := i.metric("CPUSurplusCreditsCharged")
	var credits float64
	for one := range i.runs(from, to) {
		for hour := one.from.Truncate(time.Hour); hour.Before(one.to); hour = hour.Add(time.Hour) {
			if each := m.value(hour.Unix()); each > 0 {
				p := m.sample(later(hour, one.from), earlier(hour.Add(time.Hour), one.to), true)
				credits += each * float64(p.count)
			}
		}
	}
	if credits == 0 {
		return charge{}, false
	}
	c := charge{
		from: from, to: to, region: r.name, zone: i.zone, resource: i.id, kind: i.kind.Name, tenancy: "Shared",
		service: computeService, operation: i.system.operation, unit: "vCPU-Hours", tags: i.tags,
		usage: b.prefix(r.name) + "CPUCredits:" + i.kind.Family,
	}
	halves := int64(2 * credits) // a sample has whole halves
	c.quantity = credits / 60
	usd, os := surplusPrice, "Linux"
	if i.system.windows {
		os = "Windows"
	}
	if c.product = b.product(from, r.name, c.usage, "", "", os); c.product != nil {
		usd = c.product.usd
	}
	c.list = usd.times(halves, 120)
	c.cost = c.list
	return c, true
}
