package price_test

import (
	"fmt"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// A gp3 volume is billed for storage, for IOPS above 3,000 and for throughput
// above 125 MiB/s, each from its own row of the price list.
func ExampleVolumePrice() {
	row := func(sku, usagetype, unit string, usd price.USD) price.Product {
		return price.Product{
			SKU:        sku,
			Attributes: map[string]string{"regionCode": "ap-northeast-2", "locationType": "AWS Region", "usagetype": usagetype},
			Rates:      []price.Rate{{Unit: unit, USD: usd, End: "Inf"}},
		}
	}
	rates := price.PickRates([]price.Product{
		row("MTK7D9SGKGYR3JD6", "APN2-EBS:VolumeUsage.gp3", "GB-Mo", price.Dollar*912/10_000),
		row("65V6R2HKUXFQ5VRV", "APN2-EBS:VolumeP-IOPS.gp3", "IOPS-Mo", price.Dollar*57/10_000),
		row("Q48V7C4BM3UCSZMQ", "APN2-EBS:VolumeP-Throughput.gp3", "GiBps-mo", price.Dollar*466_944/10_000),
	}, "ap-northeast-2")
	cost := price.VolumePrice(fleet.Volume{Type: fleet.GP3, SizeGiB: 1000, IOPS: 16_000, ThroughputMiBps: 1000}, rates)
	for _, part := range cost.Parts {
		fmt.Println(part.Quote.SKU, part.Quantity, part.Unit, part.USD)
	}
	fmt.Println(cost.Status, cost.USD)
	// Output:
	// MTK7D9SGKGYR3JD6 1000 GiB 91.20
	// 65V6R2HKUXFQ5VRV 13000 IOPS 74.10
	// Q48V7C4BM3UCSZMQ 875 MiB/s 39.90
	// exact 205.20
}
