package sandbox

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// catalog is one version of the AWS price list: what EC2, its addresses and its
// metrics cost in the sandbox's regions. Products are made when they are first
// asked for, since the whole list has tens of thousands. It is safe for
// concurrent use once setAnyOf has been called.
type catalog struct {
	edition
	types    typeTable
	shelves  []*shelf
	fields   map[string]attributeNames // by service
	changes  map[priceItem]listPrice   // what other prices this edition has
	older    func() (*catalog, error)  // the edition before; nil where there is none
	anyOf    string
	places   map[string]pricePlace
	listed   map[instanceKey]listedPrice
	licences []licence
	reserved map[typeKey][]reservedOffer

	mu     sync.Mutex
	recent map[string][]*product // what the last queries matched, for their next pages
}

// attributeNames are attributes in lower case and as the list writes them.
type attributeNames map[string]string

// shelf holds the products that have some attributes in common: those of one
// instance type in one place, or the EBS products of one place.
type shelf struct {
	service string
	region  string          // regionCode
	common  []attribute     // shared by all products on the shelf
	own     map[string]bool // names of the attributes that vary
	make    func() []*product
	rows    func() []*product // made once and kept
}

// pricePlace is a region, or a Local Zone, in the price list.
type pricePlace struct {
	code         string // regionCode
	location     string
	locationType string
	prefix       string // of usage types: "APN2-"; empty in us-east-1
}

type typeKey struct{ region, name string }

// instanceKey names one on-demand instance price.
type instanceKey struct{ region, name, operation, tenancy string }

// listedPrice is a row of prices.csv.
type listedPrice struct {
	usd       listPrice
	sku       string // "" where the real one is not known
	unusedSKU string // of the same product as an unused reservation
	synthetic bool   // derived, not published by AWS
}

// licence is a row of licences.csv: what an operating system, or software on
// it, adds to the price of Linux.
type licence struct {
	operation, os, software, model string
	types                          string // pattern of type names
	arm                            bool
	perVCPU, flat                  listPrice
	minVCPUs                       int
	minMemoryMiB                   int64
}

// reservedOffer is one term of a reserved instance, by what it costs an hour
// over its whole length.
type reservedOffer struct {
	contract, class, option, term string
	effective                     listPrice
}

// loadCatalog reads the embedded price list.
func loadCatalog(types typeTable) (*catalog, error) { return loadEdition(types, editions()) }

// loadEdition reads the first of some editions, the newest first.
func loadEdition(types typeTable, list []edition) (*catalog, error) {
	c := &catalog{
		edition:  list[0],
		types:    types,
		anyOf:    "comma",
		fields:   map[string]attributeNames{},
		changes:  map[priceItem]listPrice{},
		places:   map[string]pricePlace{},
		listed:   map[instanceKey]listedPrice{},
		reserved: map[typeKey][]reservedOffer{},
		recent:   map[string][]*product{},
	}
	if len(list) > 1 {
		c.older = sync.OnceValues(func() (*catalog, error) { return loadEdition(types, list[1:]) })
	}
	for _, load := range []func() error{c.loadPlaces, c.loadChanges, c.loadLicences, c.loadListed, c.loadReserved} {
		if err := load(); err != nil {
			return nil, err
		}
	}
	for key := range c.listed {
		if _, ok := types.spec(key.name); !ok {
			return nil, fmt.Errorf("prices.csv: no such instance type: %s", key.name)
		}
	}
	for _, code := range slices.Sorted(maps.Keys(c.places)) {
		for _, name := range c.priced(code) {
			spec, _ := types.spec(name)
			c.shelves = append(c.shelves, c.computeShelf(c.places[code], spec))
		}
	}
	for _, build := range []func() ([]*shelf, error){c.volumeShelves, c.addonShelves, c.hostShelves} {
		shelves, err := build()
		if err != nil {
			return nil, err
		}
		c.shelves = append(c.shelves, shelves...)
	}
	for _, s := range c.shelves {
		s.rows = sync.OnceValue(s.make)
		names := c.fields[s.service]
		if names == nil {
			names = attributeNames{}
			c.fields[s.service] = names
		}
		for _, a := range s.common {
			names[strings.ToLower(a.name)] = a.name
		}
		for name := range s.own {
			names[strings.ToLower(name)] = name
		}
	}
	return c, nil
}

// setAnyOf chooses how ANY_OF and NONE_OF read their value: "comma" splits it
// at commas, "literal" takes it as one value, "off" refuses both. AWS does not
// document a delimiter, so clients must cope with each.
func (c *catalog) setAnyOf(mode string) error {
	if !slices.Contains([]string{"comma", "literal", "off"}, mode) {
		return fmt.Errorf("ANY_OF mode %q: use comma, literal or off", mode)
	}
	c.anyOf = mode
	return nil
}

// priced returns the names of the instance types that have a Linux price in
// the region, sorted.
func (c *catalog) priced(region string) []string {
	var names []string
	for key := range c.listed {
		if key.region == region && key.operation == linuxOperation && key.tenancy == "Shared" {
			names = append(names, key.name)
		}
	}
	slices.Sort(names)
	return names
}

// onDemand is the price of an hour of a type with shared tenancy; false where
// the list has none.
func (c *catalog) onDemand(region string, spec typeSpec, operation string) (listPrice, bool) {
	if _, ok := c.listed[instanceKey{region, spec.Name, linuxOperation, "Shared"}]; !ok {
		return 0, false
	}
	offered := c.licencesFor(spec)
	for _, l := range offered {
		if l.operation == operation {
			return c.price(region, spec, offered, l, "Shared").usd, true
		}
	}
	return 0, false
}

func (c *catalog) loadPlaces() error {
	return eachRow("regions.csv", 4, func(r []string) error {
		c.places[r[0]] = pricePlace{code: r[0], location: r[1], locationType: r[2], prefix: r[3]}
		return nil
	})
}

func (c *catalog) loadListed() error {
	return eachRow("prices.csv", 9, func(r []string) error {
		usd, err := parseListPrice(r[4])
		if err != nil {
			return err
		}
		if _, ok := c.places[r[0]]; !ok {
			return fmt.Errorf("no such region: %s", r[0])
		}
		key := instanceKey{region: r[0], name: r[1], operation: r[2], tenancy: r[3]}
		usd = c.changed(priceItem{region: r[0], item: r[1], operation: r[2], tenancy: r[3]}, usd)
		c.listed[key] = listedPrice{usd: usd, sku: r[5], unusedSKU: r[6], synthetic: r[8] != ""}
		return nil
	})
}

func (c *catalog) loadLicences() error {
	return eachRow("licences.csv", 11, func(r []string) error {
		l := licence{operation: r[0], os: r[1], software: r[2], model: r[3], types: r[4], arm: r[5] == "yes"}
		var err error
		if _, err = path.Match(l.types, ""); err != nil {
			return err
		}
		if l.perVCPU, err = parseListPrice(r[6]); err != nil {
			return err
		}
		if l.flat, err = parseListPrice(r[7]); err != nil {
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

func (c *catalog) loadReserved() error {
	return eachRow("reserved.csv", 8, func(r []string) error {
		usd, err := parseListPrice(r[6])
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

// priceKey names a row of a price list.
type priceKey struct{ version, region, usage, operation, os string }

// billedBy finds the row of a key on the shelves of an instance type or, where
// kind is empty, on those of other things.
func (c *catalog) billedBy(key priceKey, kind string) *product {
	is := func(p *product, name, value string) bool {
		has, _ := p.value(name)
		return value == "" || has == value
	}
	for _, s := range c.shelves {
		if of, _ := find(s.common, "instanceType"); s.region != key.region || of != kind {
			continue
		}
		for _, p := range s.rows() {
			if is(p, "usagetype", key.usage) && is(p, "operation", key.operation) && is(p, "operatingSystem", key.os) &&
				!is(p, "marketoption", "CapacityBlock") {
				return p
			}
		}
	}
	return nil
}
