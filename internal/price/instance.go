package price

import (
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/fleet"
)

// hostTenancy is the price list's word for instances on a Dedicated Host.
const hostTenancy = "Host"

// KeyFor is the key of an instance's price. The status is Exact where the
// instance itself says everything that the price depends on, else Fallback,
// and the note says what was assumed or what the price leaves out. The type's
// description serves to recognise CPU options that are not the default; its
// zero value means that it is not known.
func KeyFor(i fleet.Instance, info fleet.TypeInfo) (InstanceKey, Status, string) {
	var notes []string
	operation, assumed := operationOf(i)
	if assumed != "" {
		notes = append(notes, assumed)
	}
	key := InstanceKey{Region: i.Target.Region, Type: i.Type, Tenancy: tenancyOf(i), Operation: operation}
	if elsewhere := outsideRegion(i.Target.Region, i.Zone); elsewhere != "" {
		notes = append(notes, elsewhere)
	}
	switch i.Lifecycle {
	case fleet.OnDemand:
	case fleet.Spot:
		notes = append(notes, "spot price not read; the on-demand price is the upper bound")
	case fleet.CapacityBlock:
		notes = append(notes, "a capacity block is paid up front; this is the on-demand price")
	case fleet.Scheduled:
		notes = append(notes, "a scheduled reservation has its own price; this is the on-demand price")
	}
	if len(i.ProductCodes) > 0 {
		notes = append(notes, "software from AWS Marketplace is not in this price: "+strings.Join(i.ProductCodes, ", "))
	}
	if licensed(operation) && cutDown(i, info) {
		notes = append(notes, fmt.Sprintf("CPU options %d×%d differ from the type's %d×%d; the licence may cost less",
			i.Cores, i.ThreadsPerCore, info.Cores, info.ThreadsPerCore))
	}
	if len(notes) > 0 {
		return key, Fallback, strings.Join(notes, "; ")
	}
	return key, Exact, ""
}

// outsideRegion says what to know of the price of something that is not in one of
// its region's Availability Zones, which are named like the region with a letter
// behind: in a Local Zone, a Wavelength Zone or on an Outpost. Their prices are
// others, and the list has them under names of their own.
func outsideRegion(region fleet.Region, zone fleet.Zone) string {
	letter, ok := strings.CutPrefix(string(zone), string(region))
	if zone == "" || region == "" || ok && len(letter) == 1 {
		return ""
	}
	return fmt.Sprintf("%s is no Availability Zone of %s; this is the region's price, and that there is another", zone, region)
}

// HostBilled is true for an instance on a Dedicated Host: the host is billed,
// the instance is not, and there is nothing to look up.
func (k InstanceKey) HostBilled() bool { return k.Tenancy == hostTenancy }

// Capacity is the price list's word for the capacity that the key is about.
func (k InstanceKey) Capacity() string {
	if k.Unused {
		return "UnusedCapacityReservation"
	}
	return "Used"
}

// operationOf is the instance's operation and, where EC2 did not report it, what
// was assumed.
func operationOf(i fleet.Instance) (operation, assumed string) {
	if i.UsageOperation != "" {
		return i.UsageOperation, ""
	}
	if code, ok := operationOfPlatform(i.PlatformDetails); ok {
		return code, fmt.Sprintf("usage operation taken from the platform details %q", i.PlatformDetails)
	}
	tag, tagged := i.Tags["Platform"]
	code, known := operationOfTag(tag)
	switch {
	case known && i.Windows && !strings.Contains(Platform(code), "Windows"):
		return windows, fmt.Sprintf("platform taken from the flag \"windows\" of the instance, which contradicts its tag Platform=%q", tag)
	case known:
		return code, fmt.Sprintf("platform taken from the tag Platform=%q", tag)
	case i.Windows:
		operation, assumed = windows, "platform taken from the flag \"windows\" of the instance"
	default:
		operation, assumed = linux, "platform assumed to be Linux/UNIX"
	}
	if tagged {
		assumed += fmt.Sprintf("; the tag Platform=%q names no platform", tag)
	}
	return operation, assumed
}

func tenancyOf(i fleet.Instance) string {
	switch i.Tenancy {
	case "", "default":
		return "Shared"
	case "dedicated":
		return "Dedicated"
	case "host":
		return hostTenancy
	}
	return i.Tenancy
}

// cutDown is true where the instance runs with other CPU options than its
// type's default.
func cutDown(i fleet.Instance, info fleet.TypeInfo) bool {
	return i.Cores > 0 && info.Cores > 0 && i.Cores != info.Cores ||
		i.ThreadsPerCore > 0 && info.ThreadsPerCore > 0 && i.ThreadsPerCore != info.ThreadsPerCore
}

// Index is a set of products in which prices of instances are found quickly.
type Index map[indexKey][]Product

type indexKey struct{ region, kind, operation string }

// NewIndex makes an index of products.
func NewIndex(products []Product) Index {
	index := Index{}
	for _, p := range products {
		key := indexKey{p.Attributes["regionCode"], p.Attributes["instanceType"], p.Attributes["operation"]}
		index[key] = append(index[key], p)
	}
	return index
}

// Pick finds the price that a key names, as the function Pick does.
func (x Index) Pick(key InstanceKey) Quote {
	return Pick(x[indexKey{string(key.Region), string(key.Type), key.Operation}], key)
}

// Pick finds the one price that a key names among products. The rows that
// mislead (capacity reservations, Local Zones, capacity blocks, other
// tenancies and licences) do not match the full key. An instance on a
// Dedicated Host costs nothing of its own.
//
// Rows of the licence model "License Included - Infrastructure" are for
// instances whose licence is billed apart, by the core. They count only where
// there is no row with the licence in its price.
func Pick(products []Product, key InstanceKey) Quote {
	if key.HostBilled() {
		return Quote{Status: Exact, Note: "host billed", Rate: Rate{Unit: "Hrs"}}
	}
	var found, apart []Quote
	for _, p := range products {
		switch {
		case !p.matches(key):
		case p.Attributes["licenseModel"] == "License Included - Infrastructure":
			apart = append(apart, p.quotes("Hrs")...)
		default:
			found = append(found, p.quotes("Hrs")...)
		}
	}
	if len(found) == 0 {
		found = apart
	}
	what := fmt.Sprintf("%s %s %s %s", key.Region, key.Type, key.Tenancy, key.Operation)
	return settle(what, found)
}

func (p Product) matches(key InstanceKey) bool {
	a := p.Attributes
	return a["instanceType"] == string(key.Type) &&
		a["operation"] == key.Operation &&
		a["tenancy"] == key.Tenancy &&
		a["regionCode"] == string(key.Region) &&
		a["locationType"] == "AWS Region" &&
		a["capacitystatus"] == key.Capacity() &&
		(a["marketoption"] == "OnDemand" || a["marketoption"] == "")
}

// quotes are the product's rates in one of the given units, without the free
// tiers below the last one.
func (p Product) quotes(units ...string) []Quote {
	var quotes []Quote
	for _, r := range p.Rates {
		free := r.USD == 0 && r.End != "" && r.End != "Inf"
		if !free && slices.ContainsFunc(units, func(unit string) bool { return strings.EqualFold(unit, r.Unit) }) {
			quotes = append(quotes, Quote{Status: Exact, SKU: p.SKU, Rate: r, Version: p.Version, Published: p.Published})
		}
	}
	return quotes
}

// settle makes one quote of the candidates for what. Differing prices are
// never chosen between, and a price of zero is not believed.
func settle(what string, found []Quote) Quote {
	if len(found) == 0 {
		return Quote{Status: Missing, Note: "the price list has no row for " + what}
	}
	slices.SortFunc(found, func(a, b Quote) int { return strings.Compare(a.SKU, b.SKU) })
	first := found[0]
	var list []string
	same := true
	for _, q := range found {
		list = append(list, fmt.Sprintf("%s %v", q.SKU, q.Rate.USD))
		same = same && q.Rate.USD == first.Rate.USD && strings.EqualFold(q.Rate.Unit, first.Rate.Unit)
	}
	switch {
	case !same:
		return Quote{Status: Ambiguous, Note: fmt.Sprintf("%d prices match %s: %s", len(found), what, strings.Join(list, ", "))}
	case first.Rate.USD <= 0:
		return Quote{Status: Missing, SKU: first.SKU, Note: "the price list states no charge for " + what}
	case len(found) > 1:
		first.Note = fmt.Sprintf("%d rows agree on this price: %s", len(found), strings.Join(list, ", "))
	}
	return first
}

// Usable is true where the quote has a price to calculate with.
func (s Status) Usable() bool { return s == Exact || s == Fallback }

// Worst is the less trustworthy of two statuses.
func Worst(a, b Status) Status {
	order := []Status{Exact, Fallback, Ambiguous, Missing}
	return order[max(slices.Index(order, a), slices.Index(order, b), 0)]
}
