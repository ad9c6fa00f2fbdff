package amazon

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"nightshift/internal/price"
)

// listed is a product in the format "aws_v1" of GetProducts.
type listed struct {
	Product struct {
		SKU           string            `json:"sku"`
		ProductFamily string            `json:"productFamily"`
		Attributes    map[string]string `json:"attributes"`
	} `json:"product"`
	Terms struct {
		OnDemand map[string]struct {
			EffectiveDate   time.Time `json:"effectiveDate"`
			PriceDimensions map[string]struct {
				RateCode     string            `json:"rateCode"`
				Unit         string            `json:"unit"`
				BeginRange   string            `json:"beginRange"`
				EndRange     string            `json:"endRange"`
				Description  string            `json:"description"`
				PricePerUnit map[string]string `json:"pricePerUnit"`
			} `json:"priceDimensions"`
		} `json:"OnDemand"`
	} `json:"terms"`
	Version         string    `json:"version"`
	PublicationDate time.Time `json:"publicationDate"`
}

// product reads one product of the price list. A price that is not in US
// dollars, as in the Chinese partition, or that is not a number is left out, so
// that it shows up as missing and never as a wrong amount.
func product(text string) (price.Product, error) {
	var in listed
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		return price.Product{}, fmt.Errorf("a product of the price list cannot be read: %w", err)
	}
	out := price.Product{
		SKU: in.Product.SKU, Family: in.Product.ProductFamily, Attributes: in.Product.Attributes,
		Version: in.Version, Published: in.PublicationDate,
	}
	for _, term := range in.Terms.OnDemand {
		for _, d := range term.PriceDimensions {
			usd, err := price.ParseUSD(d.PricePerUnit["USD"])
			if err != nil {
				continue
			}
			out.Rates = append(out.Rates, price.Rate{
				Code: d.RateCode, Unit: d.Unit, USD: usd, Begin: d.BeginRange, End: d.EndRange,
				Effective: term.EffectiveDate, Description: d.Description,
			})
		}
	}
	slices.SortFunc(out.Rates, func(a, b price.Rate) int { return cmp.Compare(a.Code, b.Code) })
	return out, nil
}
