// Package catalog has what AWS sells: instance types, Dedicated Hosts and the
// price list, embedded, in several editions.
package catalog

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// PriceList is one version of the AWS price list: what EC2, its addresses and its
// metrics cost in the sandbox's regions. Products are made when they are first
// asked for, since the whole list has tens of thousands. It is safe for
// concurrent use once setAnyOf has been called.
type PriceList struct {
	Edition
	types     Types
	Sections  []*Section
	Fields    map[string]attributeNames  // by service
	Changes   map[PriceItem]Price        // what other prices this edition has
	Older     func() (*PriceList, error) // the edition before; nil where there is none
	AnyOf     string
	Locations map[string]priceLocation
	Listed    map[InstanceKey]listedPrice
	licences  []licence
	reserved  map[typeKey][]reservedOffer

	mu     sync.Mutex
	recent map[string][]*Product // what the last queries matched, for their next pages
}

// attributeNames are attributes in lower case and as the list writes them.
type attributeNames map[string]string

// Section holds the products that have some attributes in common: those of one
// instance type in one place, or the EBS products of one place.
type Section struct {
	Service string
	Region  string          // regionCode
	Common  []attribute     // shared by all products on the section
	Own     map[string]bool // names of the attributes that vary
	Make    func() []*Product
	Rows    func() []*Product // made once and kept
}

// priceLocation is a region, or a Local Zone, in the price list.
type priceLocation struct {
	code         string // regionCode
	Location     string
	LocationType string
	Prefix       string // of usage types: "APN2-"; empty in us-east-1
}

type typeKey struct{ region, name string }

// InstanceKey names one on-demand instance price.
type InstanceKey struct{ Region, Name, Operation, Tenancy string }

// listedPrice is a row of prices.csv.
type listedPrice struct {
	USD       Price
	SKU       string // "" where the real one is not known
	unusedSKU string // of the same product as an unused reservation
	synthetic bool   // derived, not published by AWS
}

// licence is a row of licences.csv: what an operating system, or software on
// it, adds to the price of Linux.
type licence struct {
	operation, os, software, model string
	types                          string // pattern of type names
	arm                            bool
	perVCPU, flat                  Price
	minVCPUs                       int
	minMemoryMiB                   int64
}

// reservedOffer is one term of a reserved instance, by what it costs an hour
// over its whole length.
type reservedOffer struct {
	contract, class, option, term string
	effective                     Price
}

// Load reads the embedded price list.
func Load(types Types) (*PriceList, error) { return loadEdition(types, editions()) }

// loadEdition reads the first of some editions, the newest first.
func loadEdition(types Types, list []Edition) (*PriceList, error) {
	c := &PriceList{
		Edition:   list[0],
		types:     types,
		AnyOf:     "comma",
		Fields:    map[string]attributeNames{},
		Changes:   map[PriceItem]Price{},
		Locations: map[string]priceLocation{},
		Listed:    map[InstanceKey]listedPrice{},
		reserved:  map[typeKey][]reservedOffer{},
		recent:    map[string][]*Product{},
	}
	if len(list) > 1 {
		c.Older = sync.OnceValues(func() (*PriceList, error) { return loadEdition(types, list[1:]) })
	}
	for _, load := range []func() error{c.loadLocations, c.loadChanges, c.loadLicences, c.loadListed, c.loadReserved} {
		if err := load(); err != nil {
			return nil, err
		}
	}
	for key := range c.Listed {
		if _, ok := types.Spec(key.Name); !ok {
			return nil, fmt.Errorf("prices.csv: no such instance type: %s", key.Name)
		}
	}
	for _, code := range slices.Sorted(maps.Keys(c.Locations)) {
		for _, name := range c.Priced(code) {
			spec, _ := types.Spec(name)
			c.Sections = append(c.Sections, c.computeSection(c.Locations[code], spec))
		}
	}
	for _, build := range []func() ([]*Section, error){c.volumeSections, c.addonSections, c.hostSections} {
		sections, err := build()
		if err != nil {
			return nil, err
		}
		c.Sections = append(c.Sections, sections...)
	}
	for _, s := range c.Sections {
		s.Rows = sync.OnceValue(s.Make)
		names := c.Fields[s.Service]
		if names == nil {
			names = attributeNames{}
			c.Fields[s.Service] = names
		}
		for _, a := range s.Common {
			names[strings.ToLower(a.name)] = a.name
		}
		for name := range s.Own {
			names[strings.ToLower(name)] = name
		}
	}
	return c, nil
}

// SetAnyOf chooses how ANY_OF and NONE_OF read their value: "comma" splits it
// at commas, "literal" takes it as one value, "off" refuses both. AWS does not
// document a delimiter, so clients must cope with each.
func (c *PriceList) SetAnyOf(mode string) error {
	if !slices.Contains([]string{"comma", "literal", "off"}, mode) {
		return fmt.Errorf("ANY_OF mode %q: use comma, literal or off", mode)
	}
	c.AnyOf = mode
	return nil
}

// Priced returns the names of the instance types that have a Linux price in
// the region, sorted.
func (c *PriceList) Priced(region string) []string {
	var names []string
	for key := range c.Listed {
		if key.Region == region && key.Operation == LinuxOperation && key.Tenancy == "Shared" {
			names = append(names, key.Name)
		}
	}
	slices.Sort(names)
	return names
}

// OnDemand is the price of an hour of a type with shared tenancy; false where
// the list has none.
func (c *PriceList) OnDemand(region string, spec Type, operation string) (Price, bool) {
	if _, ok := c.Listed[InstanceKey{region, spec.Name, LinuxOperation, "Shared"}]; !ok {
		return 0, false
	}
	offered := c.licencesFor(spec)
	for _, l := range offered {
		if l.operation == operation {
			return c.price(region, spec, offered, l, "Shared").USD, true
		}
	}
	return 0, false
}

func (c *PriceList) loadLocations() error {
	return EachRow("regions.csv", 4, func(r []string) error {
		c.Locations[r[0]] = priceLocation{code: r[0], Location: r[1], LocationType: r[2], Prefix: r[3]}
		return nil
	})
}

func (c *PriceList) loadListed() error {
	return EachRow("prices.csv", 9, func(r []string) error {
		usd, err := ParsePrice(r[4])
		if err != nil {
			return err
		}
		if _, ok := c.Locations[r[0]]; !ok {
			return fmt.Errorf("no such region: %s", r[0])
		}
		key := InstanceKey{Region: r[0], Name: r[1], Operation: r[2], Tenancy: r[3]}
		usd = c.changed(PriceItem{Region: r[0], Item: r[1], Operation: r[2], Tenancy: r[3]}, usd)
		c.Listed[key] = listedPrice{USD: usd, SKU: r[5], unusedSKU: r[6], synthetic: r[8] != ""}
		return nil
	})
}

func (c *PriceList) loadLicences() error {
	return EachRow("licences.csv", 11, func(r []string) error {
		l := licence{operation: r[0], os: r[1], software: r[2], model: r[3], types: r[4], arm: r[5] == "yes"}
		var err error
		if _, err = path.Match(l.types, ""); err != nil {
			return err
		}
		if l.perVCPU, err = ParsePrice(r[6]); err != nil {
			return err
		}
		if l.flat, err = ParsePrice(r[7]); err != nil {
			return err
		}
		if l.minVCPUs, err = strconv.Atoi(r[8]); err != nil {
			return err
		}
		if l.minMemoryMiB, err = strconv.ParseInt(r[9], 10, 64); err != nil {
			return err
		}
		c.licences = append(c.licences, l)
		return nil
	})
}

func (c *PriceList) loadReserved() error {
	return EachRow("reserved.csv", 8, func(r []string) error {
		usd, err := ParsePrice(r[6])
		if err != nil {
			return err
		}
		key := typeKey{region: r[0], name: r[1]}
		c.reserved[key] = append(c.reserved[key], reservedOffer{
			contract: r[2], class: r[3], option: r[4], term: r[5], effective: usd,
		})
		return nil
	})
}

// PriceKey names a row of a price list.
type PriceKey struct{ Version, Region, Usage, Operation, OS string }

// BilledBy finds the row of a key on the sections of an instance type or, where
// kind is empty, on those of other things.
func (c *PriceList) BilledBy(key PriceKey, kind string) *Product {
	is := func(p *Product, name, value string) bool {
		has, _ := p.Value(name)
		return value == "" || has == value
	}
	for _, s := range c.Sections {
		if of, _ := Find(s.Common, "instanceType"); s.Region != key.Region || of != kind {
			continue
		}
		for _, p := range s.Rows() {
			if is(p, "usagetype", key.Usage) && is(p, "operation", key.Operation) && is(p, "operatingSystem", key.OS) &&
				!is(p, "marketoption", "CapacityBlock") {
				return p
			}
		}
	}
	return nil
}
