package cost

import (
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// ListedPrice is a price with where it comes from, for people and programs.
type ListedPrice struct {
	// Label is Item for people, with what sets it apart from others of its name.
	Label     string       `json:"-"`
	Kind      string       `json:"kind"`
	Region    fleet.Region `json:"region"`
	Item      string       `json:"item"`
	Tenancy   string       `json:"tenancy,omitempty"`
	Operation string       `json:"operation,omitempty"`
	Platform  string       `json:"platform,omitempty"`
	USD       Amount       `json:"usd"`
	Unit      string       `json:"unit,omitempty"`
	Status    price.Status `json:"status"`
	SKU       string       `json:"sku,omitempty"`
	RateCode  string       `json:"rate_code,omitempty"`
	Version   string       `json:"list_version,omitempty"`
	Published time.Time    `json:"list_published,omitzero"`
	Note      string       `json:"note,omitempty"`
	UsedBy    int          `json:"used_by"`
	// Then is the price of another day, Fetched when a kept price was read.
	Then    Amount    `json:"then_usd,omitzero"`
	Fetched time.Time `json:"fetched,omitzero"`
}

func listed(kind string, region fleet.Region, item string, q price.Quote) ListedPrice {
	return ListedPrice{
		Label: item, Kind: kind, Region: region, Item: item, USD: RateOf(q), Unit: q.Rate.Unit, Status: q.Status, SKU: q.SKU, RateCode: q.Rate.Code,
		Version: q.Version, Published: q.Published, Note: q.Note,
	}
}

// Listed is a price of a report, with that of another day if one is given.
func (p *Price) Listed(then price.Quote) ListedPrice {
	l := listed(p.Kind, p.Region, p.Item, p.Quote)
	l.Tenancy, l.Operation, l.Platform, l.UsedBy, l.Then = p.Tenancy, p.Operation, p.Platform, p.Uses, RateOf(then)
	if p.Tenancy != "" && p.Tenancy != "Shared" {
		l.Label += " " + p.Tenancy
	}
	if p.Kind == string(ReservationLine) {
		l.Label += " unused"
	}
	return l
}

// KeptPrices are the prices of an answer that was kept: that of an instance, or
// without a key all rates of a region.
func KeptPrices(region fleet.Region, key *price.InstanceKey, products []price.Product, fetched time.Time) []ListedPrice {
	var all []ListedPrice
	if key != nil {
		item := string(key.Type)
		if key.Tenancy != "Shared" {
			item += " " + key.Tenancy
		}
		if key.Unused {
			item += " unused"
		}
		l := listed("instance", region, item, price.Pick(products, *key))
		l.Tenancy, l.Operation, l.Platform = key.Tenancy, key.Operation, price.Platform(key.Operation)
		all = append(all, l)
	} else {
		rates, seen := price.PickRates(products, region), map[string]bool{}
		for _, product := range products {
			if dimension, ok := product.Dimension(); ok && !seen[dimension] {
				seen[dimension] = true
				all = append(all, listed("rate", region, dimension, rates.Quote(dimension)))
			}
		}
	}
	for n := range all {
		all[n].Fetched = fetched
	}
	return all
}
