package pricelist

import (
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// maxChanges bounds the changes that are kept of one region. The oldest go.
const maxChanges = 500

// Change is a price that was another one when it was read again.
type Change struct {
	Seen   time.Time    `json:"seen"` // when it was read, in UTC
	Region fleet.Region `json:"region"`
	// What is the price's name: "m5.large RunInstances:0002", or the dimension of
	// the bill, such as "EBS:VolumeUsage.gp3".
	What string    `json:"what"`
	Unit string    `json:"unit"`
	SKU  string    `json:"sku"` // the new one
	Old  price.USD `json:"old_usd"`
	New  price.USD `json:"new_usd"`
	// Before and Published are the publication dates of the lists that the old and
	// the new price come from.
	Before    time.Time `json:"old_published"`
	Published time.Time `json:"published"`
}

// compare notes the change of an instance's price.
func (s *regionPrices) compare(k price.InstanceKey, old answer, products []price.Product, now time.Time) {
	if !old.complete() {
		return
	}
	what := string(k.Type) + " " + k.Operation
	if k.Tenancy != "Shared" {
		what += " " + k.Tenancy
	}
	if k.Unused {
		what += ", reserved and not used"
	}
	s.change(what, price.Pick(old.products, k), price.Pick(products, k), now)
}

// compareRates notes the changes of the region's rates.
func (s *regionPrices) compareRates(products []price.Product, now time.Time) {
	old, next := price.PickRates(s.rates.products, s.region), price.PickRates(products, s.region)
	seen := map[string]bool{}
	for _, p := range products {
		dimension, _ := price.DimensionOf(p.Attributes["usagetype"])
		// CPU credits have a price of their own for Windows.
		for _, name := range []string{dimension, dimension + " Windows"} {
			if !seen[name] {
				seen[name] = true
				s.change(name, old.Quote(name), next.Quote(name), now)
			}
		}
	}
}

func (s *regionPrices) change(what string, old, next price.Quote, now time.Time) {
	if !old.Status.Usable() || !next.Status.Usable() || old.Rate.USD == next.Rate.USD {
		return
	}
	s.changes = append(s.changes, Change{
		Seen: now, Region: s.region, What: what, Unit: next.Rate.Unit, SKU: next.SKU,
		Old: old.Rate.USD, New: next.Rate.USD, Before: old.Published, Published: next.Published,
	})
	s.changes = s.changes[max(len(s.changes)-maxChanges, 0):]
}
