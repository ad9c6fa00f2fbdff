package catalog

import (
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
)

// box is a way in which the price list charges for an instance: usage type,
// capacitystatus and what the description calls it.
type box struct{ usage, capacity, words string }

// boxesOf are the rows in the list for one instance price. All but
// the one with capacitystatus Used are about On-Demand Capacity Reservations:
// an unused one costs as much as an instance, and an instance in one is billed
// as Used next to an Allocated row of zero.
func boxesOf(tenancy string) []box {
	switch tenancy {
	case "Dedicated":
		return []box{
			{"DedicatedUsage", "Used", "Dedicated"},
			{"UnusedDed", "UnusedCapacityReservation", "Unused Reservation Dedicated"},
			{"DedicatedRes", "AllocatedCapacityReservation", "Dedicated Reservation"},
		}
	case "Host":
		return []box{{"HostBoxUsage", "Used", "Dedicated Host"}}
	default:
		return []box{
			{"BoxUsage", "Used", "On Demand"},
			{"UnusedBox", "UnusedCapacityReservation", "Unused Reservation"},
			{"Reservation", "AllocatedCapacityReservation", "Reservation"},
		}
	}
}

// computeSection holds the products of one instance type in one place.
func (c *PriceList) computeSection(location priceLocation, spec Type) *Section {
	common := typeAttributes(location, spec)
	return &Section{
		Service: EC2Offer,
		Region:  location.code,
		Common:  common,
		Own: map[string]bool{
			"tenancy": true, "operatingSystem": true, "preInstalledSw": true, "licenseModel": true,
			"usagetype": true, "operation": true, "capacitystatus": true, "marketoption": true,
			"instancesku": true, "productFamily": true, "sku": true,
		},
		Make: func() []*Product { return c.computeProducts(location, spec, common) },
	}
}

func (c *PriceList) computeProducts(location priceLocation, spec Type, common []attribute) []*Product {
	family := "Compute Instance"
	if spec.BareMetal {
		family = "Compute Instance (bare metal)"
	}
	var products []*Product
	add := func(l licence, tenancy, market string, b box, usd Price, sku, usedSKU string) string {
		operation, usage := l.operation, location.Prefix+b.usage+":"+spec.Name
		own := []attribute{
			{"tenancy", tenancy},
			{"operatingSystem", l.os},
			{"preInstalledSw", l.software},
			{"licenseModel", l.model},
			{"operation", operation},
			{"usagetype", usage},
			{"capacitystatus", b.capacity},
			{"marketoption", market},
		}
		if usedSKU != "" {
			own = append(own, attribute{"instancesku", usedSKU})
		}
		p := newProduct(Product{
			SKU: sku, Family: family, common: common, own: own, USD: usd, Unit: "Hrs", begin: "0",
			Per: strings.Join([]string{b.words, softwareName(l), spec.Name, "Instance Hour"}, " "),
		}, strings.Join([]string{location.code, usage, operation, tenancy, market}, "|"))
		if usage == location.Prefix+"BoxUsage:"+spec.Name && operation == LinuxOperation && market == "OnDemand" {
			p.reserved = c.reservedFor(location.code, spec, usd)
		}
		products = append(products, p)
		return p.SKU
	}
	offered := c.licencesFor(spec)
	for _, l := range offered {
		for _, tenancy := range []string{"Shared", "Dedicated", "Host"} {
			if tenancy == "Host" && spec.BareMetal {
				continue
			}
			listed := c.price(location.code, spec, offered, l, tenancy)
			var used string
			for _, b := range boxesOf(tenancy) {
				switch b.capacity {
				case "Used":
					used = add(l, tenancy, "OnDemand", b, listed.USD, listed.SKU, "")
				case "UnusedCapacityReservation":
					add(l, tenancy, "OnDemand", b, listed.USD, listed.unusedSKU, used)
				default:
					add(l, tenancy, "OnDemand", b, 0, "", used)
				}
			}
		}
		if spec.Family == "p4d" && l.operation == LinuxOperation {
			// Capacity Blocks are paid for in advance: the hour itself is free.
			add(l, "Shared", "CapacityBlock", box{"BoxUsage", "Used", "Capacity Block"}, 0, "", "")
		}
	}
	return products
}

// licencesFor returns what can run on the type, one entry an operation.
func (c *PriceList) licencesFor(spec Type) []licence {
	var found []licence
	for _, l := range c.licences {
		if len(found) > 0 && found[len(found)-1].operation == l.operation {
			continue // the first pattern that matches decides
		}
		if matched, _ := path.Match(l.types, spec.Name); !matched { // loadLicences checked the pattern
			continue
		}
		if spec.Architecture == "arm64" && !l.arm || spec.MemoryMiB < l.minMemoryMiB {
			continue
		}
		found = append(found, l)
	}
	return found
}

// price returns the listed price of an instance, or the one derived from
// Linux by the rules of data/README.md. offered are the licences for the type.
func (c *PriceList) price(location string, spec Type, offered []licence, l licence, tenancy string) listedPrice {
	if tenancy == "Host" {
		return listedPrice{synthetic: true} // billed by the host
	}
	if listed, ok := c.Listed[InstanceKey{location, spec.Name, l.operation, tenancy}]; ok {
		return listed
	}
	if tenancy == "Dedicated" && l.operation == LinuxOperation {
		shared := c.Listed[InstanceKey{location, spec.Name, LinuxOperation, "Shared"}]
		return listedPrice{USD: shared.USD * 11 / 10, synthetic: true}
	}
	under := LinuxOperation
	if l.os == "Windows" && l.software != "NA" {
		under = WindowsOperation
	}
	var base Price
	for _, b := range offered {
		if b.operation == under {
			base = c.price(location, spec, offered, b, tenancy).USD
		}
	}
	vcpus := max(spec.VCPU, l.minVCPUs)
	return listedPrice{USD: base + l.flat + l.perVCPU*Price(vcpus), synthetic: true}
}

// reservedLike is the type whose reserved terms are published in all places
// that have any.
const reservedLike = "x2iedn.32xlarge"

// reservedFor returns the reserved terms of a type at its on-demand price: the
// published ones or, for some common families, those of reservedLike with the
// same discounts, so that a client meets such terms in the rows that it reads
// every day. Nil for all others.
func (c *PriceList) reservedFor(location string, spec Type, usd Price) []reservedOffer {
	if listed := c.reserved[typeKey{location, spec.Name}]; listed != nil {
		return listed
	}
	model := c.Listed[InstanceKey{location, reservedLike, LinuxOperation, "Shared"}].USD
	if !slices.Contains([]string{"c5", "m5", "r5", "t3"}, spec.Family) || model == 0 {
		return nil
	}
	var offers []reservedOffer
	for _, offer := range c.reserved[typeKey{location, reservedLike}] {
		offer.effective = Price(math.Round(float64(usd) * float64(offer.effective) / float64(model)))
		offers = append(offers, offer)
	}
	return offers
}

// WindowsOperation is Windows with the licence included.
const WindowsOperation = "RunInstances:0002"

// softwareName is how descriptions name an operating system and what is
// installed on it.
func softwareName(l licence) string {
	name := l.os
	if l.model == "Bring your own license" {
		name += " BYOL"
	}
	if l.software != "NA" {
		name += " with " + l.software
	}
	return name
}

// typeAttributes are the attributes that all products of one type in one place
// share.
func typeAttributes(location priceLocation, spec Type) []attribute {
	yes := func(b bool) string {
		if b {
			return "Yes"
		}
		return "No"
	}
	intel := yes(strings.Contains(spec.Processor, "Intel"))
	return []attribute{
		{"servicecode", EC2Offer},
		{"servicename", "Amazon Elastic Compute Cloud"},
		{"regionCode", location.code},
		{"location", location.Location},
		{"locationType", location.LocationType},
		{"instanceType", spec.Name},
		{"instanceFamily", spec.Category},
		{"currentGeneration", yes(spec.CurrentGeneration)},
		{"vcpu", strconv.Itoa(spec.VCPU)},
		{"memory", memoryText(spec.MemoryMiB)},
		{"storage", spec.Storage},
		{"physicalProcessor", spec.Processor},
		{"clockSpeed", spec.Clock},
		{"networkPerformance", spec.Network},
		{"processorArchitecture", "64-bit"},
		{"normalizationSizeFactor", SizeFactor(spec.Size())},
		{"enhancedNetworkingSupported", yes(spec.Hypervisor != "xen")},
		{"intelAvxAvailable", intel},
		{"intelAvx2Available", intel},
		{"intelTurboAvailable", intel},
		{"ecu", "NA"},
		{"gpuMemory", "NA"},
		{"availabilityzone", "NA"},
		{"classicnetworkingsupport", "false"},
		{"vpcnetworkingsupport", "true"},
	}
}

// memoryText writes memory as the list does: "0.5 GiB", "3,904 GiB".
func memoryText(mib int64) string {
	text := strconv.FormatFloat(math.Round(float64(mib)/1024*100)/100, 'f', -1, 64)
	if mib >= 1000*1024 {
		text = text[:len(text)-3] + "," + text[len(text)-3:]
	}
	return text + " GiB"
}

// SizeFactor is the normalization factor of a size: "4" for large. Bare metal
// has none here.
func SizeFactor(size string) string {
	small := map[string]string{
		"nano": "0.25", "micro": "0.5", "small": "1", "medium": "2", "large": "4", "xlarge": "8",
	}
	if f, ok := small[size]; ok {
		return f
	}
	n, err := strconv.Atoi(strings.TrimSuffix(size, "xlarge"))
	if err != nil {
		return "NA"
	}
	return strconv.Itoa(8 * n)
}
