package cost_test

import (
	"testing"

	"nightshift/internal/cost"
	"nightshift/internal/price"
)

// TestQuoteOfAnHourIsAMonth: however the price list spells an hour.
func TestQuoteOfAnHourIsAMonth(t *testing.T) {
	for _, unit := range []string{"Hrs", "hrs", "Hours"} {
		prices := list{products: []price.Product{storage(t, price.AddressInUse, unit, "0.005")}}
		q, err := cost.Quote(t.Context(), &prices, seoul.Region, []cost.QuoteItem{{Dimension: price.AddressInUse, Quantity: 2, Unit: "addresses"}})
		if err != nil || q.Monthly.USD.String() != "7.30" {
			t.Errorf("two addresses at 0.005 per %s cost %s a month, want 7.30 (%v)", unit, q.Monthly.USD, err)
		}
	}
}
