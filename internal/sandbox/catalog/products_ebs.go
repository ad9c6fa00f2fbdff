package catalog

import (
	"fmt"
	"strings"
)

// volumeSections make one section of EBS products for each place. There are few
// of them, so they are made at once.
func (c *PriceList) volumeSections() ([]*Section, error) {
	kinds := map[string][]string{}
	if err := EachRow("ebs_dimensions.csv", 13, func(r []string) error {
		kinds[r[0]] = r
		return nil
	}); err != nil {
		return nil, err
	}
	byLocation := map[string]*Section{}
	var sections []*Section
	err := EachRow("ebs.csv", 7, func(r []string) error {
		location, ok := c.Locations[r[0]]
		if !ok {
			return fmt.Errorf("no such region: %s", r[0])
		}
		kind, ok := kinds[r[1]]
		if !ok {
			return fmt.Errorf("%s is not in ebs_dimensions.csv", r[1])
		}
		usd, err := ParsePrice(r[2])
		if err != nil {
			return err
		}
		s := byLocation[location.code]
		if s == nil {
			s = newVolumeSection(location)
			byLocation[location.code] = s
			sections = append(sections, s)
		}
		usd = c.changed(PriceItem{Region: r[0], Item: r[1]}, usd)
		products := append(s.Make(), volumeProduct(location, s.Common, kind, usd, r[3], r[4]))
		s.Make = func() []*Product { return products }
		for _, a := range products[len(products)-1].own {
			s.Own[a.name] = true
		}
		return nil
	})
	return sections, err
}

func newVolumeSection(location priceLocation) *Section {
	return &Section{
		Service: EC2Offer,
		Region:  location.code,
		Common: []attribute{
			{"servicecode", EC2Offer},
			{"servicename", "Amazon Elastic Compute Cloud"},
			{"regionCode", location.code},
			{"location", location.Location},
			{"operation", ""},
		},
		Own:  map[string]bool{"productFamily": true, "sku": true},
		Make: func() []*Product { return nil },
	}
}

// volumeProduct makes a product of a row of ebs_dimensions.csv and its price.
func volumeProduct(location priceLocation, common []attribute, kind []string, usd Price, begin, sku string) *Product {
	usage := location.Prefix + kind[0]
	own := []attribute{{"usagetype", usage}, {"locationType", location.LocationType}}
	if kind[12] != "AWS Region" {
		own[1].value = kind[12]
	}
	for i, name := range []string{
		"volumeApiName", "volumeType", "group", "groupDescription", "storageMedia",
		"maxIopsvolume", "maxThroughputvolume", "maxVolumeSize",
	} {
		if value := kind[3+i]; value != "" {
			own = append(own, attribute{name, value})
		}
	}
	if kind[5] != "" && strings.Contains(kind[0], "VolumeP-") {
		own = append(own, attribute{"provisioned", "Yes"})
	}
	return newProduct(Product{
		SKU: sku, Family: kind[1], common: common, own: own, USD: usd, Unit: kind[2], begin: begin,
		Per: kind[11] + " - " + location.Location,
	}, location.code+"|"+usage)
}
