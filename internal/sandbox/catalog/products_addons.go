package catalog

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The services of the price list other than EC2.
const (
	VPCOffer        = "AmazonVPC"
	CloudWatchOffer = "AmazonCloudWatch"
)

// serviceName is what the price list calls a service.
func serviceName(code string) string {
	switch code {
	case VPCOffer:
		return "Amazon Virtual Private Cloud"
	case CloudWatchOffer:
		return "AmazonCloudWatch"
	}
	return "Amazon Elastic Compute Cloud"
}

// addonSections make the products of addons.csv: a section for each service and
// place. Rows of one usage type and operating system that follow each other are
// the tiers of one product.
func (c *PriceList) addonSections() ([]*Section, error) {
	kinds := map[string][]string{}
	if err := EachRow("addon_dimensions.csv", 9, func(r []string) error {
		kinds[r[0]] = r
		return nil
	}); err != nil {
		return nil, err
	}
	var sections []*Section
	byLocation := map[string]*Section{}
	products := map[*Section]map[string]*Product{}
	err := EachRow("addons.csv", 9, func(r []string) error {
		location, ok := c.Locations[r[2]]
		if !ok {
			return fmt.Errorf("no such region: %s", r[2])
		}
		kind, ok := kinds[r[0]]
		if !ok {
			return fmt.Errorf("%s is not in addon_dimensions.csv", r[0])
		}
		usd, err := ParsePrice(r[3])
		if err != nil {
			return err
		}
		s := byLocation[kind[1]+location.code]
		if s == nil {
			s = newAddonSection(kind[1], location)
			byLocation[kind[1]+location.code], products[s] = s, map[string]*Product{}
			sections = append(sections, s)
		}
		p := products[s][r[0]+r[1]]
		if p == nil {
			p = addonProduct(location, s.Common, kind, r[1], r[6])
			p.USD, p.begin = usd, r[4] // of the first tier
			products[s][r[0]+r[1]] = p
			s.add(p)
		}
		p.tiers = append(p.tiers, priceTier{r[4], r[5], usd})
		return nil
	})
	return sections, err
}

func newAddonSection(service string, location priceLocation) *Section {
	return &Section{
		Service: service,
		Region:  location.code,
		Common: []attribute{
			{"servicecode", service},
			{"servicename", serviceName(service)},
			{"regionCode", location.code},
			{"location", location.Location},
			{"locationType", location.LocationType},
		},
		Own:  map[string]bool{"productFamily": true, "sku": true},
		Make: func() []*Product { return nil },
	}
}

// add puts a product on the section.
func (s *Section) add(p *Product) {
	list := append(s.Make(), p)
	s.Make = func() []*Product { return list }
	for _, a := range p.own {
		s.Own[a.name] = true
	}
}

// addonProduct makes a product of a row of addon_dimensions.csv. Unlike those of
// EC2, usage types of VPC carry a prefix in us-east-1 too.
func addonProduct(location priceLocation, common []attribute, kind []string, os, sku string) *Product {
	prefix := location.Prefix
	if kind[1] == VPCOffer && prefix == "" {
		prefix = "USE1-"
	}
	usage := prefix + kind[0]
	operation := kind[4]
	if os == "Windows" {
		operation = WindowsOperation
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
	return newProduct(Product{
		SKU: sku, Family: kind[2], common: common, own: own, Unit: kind[3], Per: per + " - " + location.Location,
	}, strings.Join([]string{location.code, usage, os}, "|"))
}

// hostSections make the products of Dedicated Hosts in the places that have a
// price for the family.
func (c *PriceList) hostSections() ([]*Section, error) {
	kinds, err := LoadHosts()
	if err != nil {
		return nil, err
	}
	var sections []*Section
	for _, code := range slices.Sorted(maps.Keys(c.Locations)) {
		location := c.Locations[code]
		s := newAddonSection(EC2Offer, location)
		for _, family := range slices.Sorted(maps.Keys(kinds)) {
			if usd, ok := c.hostPrice(code, kinds[family]); ok {
				s.add(hostProduct(location, s.Common, kinds[family], c.types, usd))
			}
		}
		if len(s.Make()) > 0 {
			sections = append(sections, s)
		}
	}
	return sections, nil
}

// hostPrice is the price of an hour of a Dedicated Host: 10 percent more than
// all its vCPUs cost as instances of size large, in tenths of a cent.
func (c *PriceList) hostPrice(region string, k HostKind) (Price, bool) {
	spec, known := c.types.Spec(k.Family + ".large")
	listed, ok := c.Listed[InstanceKey{region, spec.Name, LinuxOperation, "Shared"}]
	if !known || !ok {
		return 0, false
	}
	const step = Dollar / 1000
	usd := float64(listed.USD) * float64(k.CPUs) / float64(spec.VCPU) * 1.1
	return Price(math.Round(usd/float64(step))) * step, true
}

func hostProduct(location priceLocation, common []attribute, k HostKind, types Types, usd Price) *Product {
	usage := location.Prefix + "HostUsage:" + k.Family
	own := []attribute{
		{"usagetype", usage},
		{"operation", LinuxOperation},
		{"tenancy", "Host"},
		{"capacitystatus", "AllocatedHost"},
		{"operatingSystem", "Linux"},
		{"preInstalledSw", "NA"},
		{"licenseModel", "No License required"},
		{"instanceType", k.Family},
		{"vcpu", strconv.FormatInt(k.CPUs, 10)},
		{"physicalCores", strconv.FormatInt(k.Cores, 10)},
		{"memory", "NA"},
		{"marketoption", "OnDemand"},
	}
	for _, t := range types.Family(k.Family) {
		size := strings.ToUpper(t.Size()[:1]) + t.Size()[1:]
		own = append(own, attribute{"instanceCapacity" + size, strconv.FormatInt(k.CPUs/int64(t.VCPU), 10)})
	}
	return newProduct(Product{
		Family: "Dedicated Host", common: common, own: own, USD: usd, Unit: "Hrs", begin: "0",
		Per: k.Family + " Dedicated Host Instance hour",
	}, location.code+"|"+usage)
}
