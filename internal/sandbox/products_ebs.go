package sandbox

import (
	"fmt"
	"strings"
)

// volumeShelves make one shelf of EBS products for each place. There are few
// of them, so they are made at once.
func (c *catalog) volumeShelves() ([]*shelf, error) {
	kinds := map[string][]string{}
	if err := eachRow("ebs_dimensions.csv", 13, func(r []string) error {
		kinds[r[0]] = r
		return nil
	}); err != nil {
		return nil, err
	}
	byPlace := map[string]*shelf{}
	var shelves []*shelf
	err := eachRow("ebs.csv", 7, func(r []string) error {
		place, ok := c.places[r[0]]
		if !ok {
			return fmt.Errorf("no such region: %s", r[0])
		}
		kind, ok := kinds[r[1]]
		if !ok {
			return fmt.Errorf("%s is not in ebs_dimensions.csv", r[1])
		}
		usd, err := parseListPrice(r[2])
		if err != nil {
			return err
		}
		s := byPlace[place.code]
		if s == nil {
			s = newVolumeShelf(place)
			byPlace[place.code] = s
			shelves = append(shelves, s)
		}
		usd = c.changed(priceItem{region: r[0], item: r[1]}, usd)
		products := append(s.make(), volumeProduct(place, s.common, kind, usd, r[3], r[4]))
		s.make = func() []*product { return products }
		for _, a := range products[len(products)-1].own {
			s.own[a.name] = true
		}
		return nil
	})
	return shelves, err
}

func newVolumeShelf(place pricePlace) *shelf {
	return &shelf{
		service: ec2Offer,
		region:  place.code,
		common: []attribute{
			{"servicecode", ec2Offer},
			{"servicename", "Amazon Elastic Compute Cloud"},
			{"regionCode", place.code},
			{"location", place.location},
			{"operation", ""},
		},
		own:  map[string]bool{"productFamily": true, "sku": true},
		make: func() []*product { return nil },
	}
}

// volumeProduct makes a product of a row of ebs_dimensions.csv and its price.
func volumeProduct(place pricePlace, common []attribute, kind []string, usd listPrice, begin, sku string) *product {
	usage := place.prefix + kind[0]
	own := []attribute{{"usagetype", usage}, {"locationType", place.locationType}}
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
	return newProduct(product{
		sku: sku, family: kind[1], common: common, own: own, usd: usd, unit: kind[2], begin: begin,
		per: kind[11] + " - " + place.location,
	}, place.code+"|"+usage)
}
