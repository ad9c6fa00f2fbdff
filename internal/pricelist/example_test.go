package pricelist_test

import (
	"fmt"
	"os"

	"nightshift/internal/pricelist"
)

// The storage prices of an offer file.
func ExampleReadOffer() {
	file, err := os.Open("testdata/offer.csv")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer file.Close()
	products, err := pricelist.ReadOffer(file, func(family string, _ map[string]string) bool { return family == "Storage" })
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range products {
		fmt.Println(p.Attributes["usagetype"], p.Rates[0].USD, p.Rates[0].Unit, p.Version)
	}
	// Output: APN2-EBS:VolumeUsage.gp3 0.0912 GB-Mo 20261101120000
}
