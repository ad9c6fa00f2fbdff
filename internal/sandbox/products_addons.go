package sandbox

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The services of the price list beside EC2.
const (
	vpcOffer   = "AmazonVPC"
	watchOffer = "AmazonCloudWatch"
)

// serviceName is what the price list calls a service.
func serviceName(code string) string {
	switch code {
	case vpcOffer:
		return "Amazon Virtual Private Cloud"
	case watchOffer:
		return "AmazonCloudWatch"
	}
	return "Amazon Elastic Compute Cloud"
}

// addonShelves make the products of addons.csv: a shelf for each service and
// place. Rows of one usage type and operating system that follow each other are
// the tiers of one product.
func (c *catalog) addonShelves() ([]*shelf, error) {
	kinds := map[string][]string{}
	if err := eachRow("addon_dimensions.csv", 9, func(r []string) error {
		kinds[r[0]] = r
		return nil
	}); err != nil {
		return nil, err
	}
	var shelves []*shelf
	byPlace := map[string]*shelf{}
	products := map[*shelf]map[string]*product{}
	err := eachRow("addons.csv", 9, func(r []string) error {
		place, ok := c.places[r[2]]
		if !ok {
			return fmt.Errorf("no such region: %s", r[2])
		}
		kind, ok := kinds[r[0]]
		if !ok {
			return fmt.Errorf("%s is not in addon_dimensions.csv", r[0])
		}
		usd, err := parseListPrice(r[3])
		if err != nil {
			return err
		}
		s := byPlace[kind[1]+place.code]
		if s == nil {
			s = newAddonShelf(kind[1], place)
			byPlace[kind[1]+place.code], products[s] = s, map[string]*product{}
			shelves = append(shelves, s)
		}
		p := products[s][r[0]+r[1]]
		if p == nil {
			p = addonProduct(place, s.common, kind, r[1], r[6])
			p.usd, p.begin = usd, r[4] // of the first tier
			products[s][r[0]+r[1]] = p
			s.add(p)
		}
		p.tiers = append(p.tiers, priceTier{r[4], r[5], usd})
		return nil
	})
	return shelves, err
}

func newAddonShelf(service string, place pricePlace) *shelf {
	return &shelf{
		service: service,
		region:  place.code,
		common: []attribute{
			{"servicecode", service},
			{"servicename", serviceName(service)},
			{"regionCode", place.code},
			{"location", place.location},
			{"locationType", place.locationType},
		},
		own:  map[string]bool{"productFamily": true, "sku": true},
		make: func() []*product { return nil },
	}
}

// add puts a product on the shelf.
func (s *shelf) add(p *product) {
	list := append(s.make(), p)
	s.make = func() []*product { return list }
	for _, a := range p.own {
		s.own[a.name] = true
	}
}

// addonProduct makes a product of a row of addon_dimensions.csv. Unlike those of
// EC2, usage types of VPC carry a prefix in us-east-1 too.
func addonProduct(place pricePlace, common []attribute, kind []string, os, sku string) *product {
	prefix := place.prefix
	if kind[1] == vpcOffer && prefix == "" {
		prefix = "USE1-"
	}
	usage := prefix + kind[0]
	operation := kind[4]
	if os == "Windows" {
		operation = windowsOperation
	}
	own := []attribute{{"usagetype", usage}, {"operation", operation}}
	for n, name := range []string{"group", "groupDescription", "instanceType"} {
		if kind[5+n] != "" {
			own = append(own, attribute{name, kind[5+n]})
		}
	}
	per := kind[8]
	if os != "" {
		own = append(own, attribute{"operatingSystem", os})
		per += " (" + os + ")"
	}
	return newProduct(product{
		sku: sku, family: kind[2], common: common, own: own, unit: kind[3], per: per + " - " + place.location,
	}, strings.Join([]string{place.code, usage, os}, "|"))
}

// hostShelves make the products of Dedicated Hosts in the places that have a
// price for the family.
func (c *catalog) hostShelves() ([]*shelf, error) {
	kinds, err := loadHosts()
	if err != nil {
		return nil, err
	}
	var shelves []*shelf
	for _, code := range slices.Sorted(maps.Keys(c.places)) {
		place := c.places[code]
		s := newAddonShelf(ec2Offer, place)
		for _, family := range slices.Sorted(maps.Keys(kinds)) {
			if usd, ok := c.hostPrice(code, kinds[family]); ok {
				s.add(hostProduct(place, s.common, kinds[family], c.types, usd))
			}
		}
		if len(s.make()) > 0 {
			shelves = append(shelves, s)
		}
	}
	return shelves, nil
}

// hostPrice is the price of an hour of a Dedicated Host: 10 percent more than
// all its vCPUs cost as instances of size large, in tenths of a cent.
func (c *catalog) hostPrice(region string, k hostKind) (listPrice, bool) {
	spec, known := c.types.spec(k.family + ".large")
	listed, ok := c.listed[instanceKey{region, spec.Name, linuxOperation, "Shared"}]
	if !known || !ok {
		return 0, false
	}
	const step = listDollar / 1000
	usd := float64(listed.usd) * float64(k.cpus) / float64(spec.VCPU) * 1.1
	return listPrice(math.Round(usd/float64(step))) * step, true
}

func hostProduct(place pricePlace, common []attribute, k hostKind, types typeTable, usd listPrice) *product {
	usage := place.prefix + "HostUsage:" + k.family
	own := []attribute{
		{"usagetype", usage},
		{"operation", linuxOperation},
		{"tenancy", "Host"},
		{"capacitystatus", "AllocatedHost"},
		{"operatingSystem", "Linux"},
		{"preInstalledSw", "NA"},
		{"licenseModel", "No License required"},
		{"instanceType", k.family},
		{"vcpu", strconv.FormatInt(k.cpus, 10)},
		{"physicalCores", strconv.FormatInt(k.cores, 10)},
		{"memory", "NA"},
		{"marketoption", "OnDemand"},
	}
	for _, t := range types.family(k.family) {
		size := strings.ToUpper(t.size()[:1]) + t.size()[1:]
		own = append(own, attribute{"instanceCapacity" + size, strconv.FormatInt(k.cpus/int64(t.VCPU), 10)})
	}
	return newProduct(product{
		family: "Dedicated Host", common: common, own: own, usd: usd, unit: "Hrs", begin: "0",
		per: k.family + " Dedicated Host Instance hour",
	}, place.code+"|"+usage)
}
