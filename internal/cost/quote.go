package cost

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// QuoteItem is something that does not exist yet, in one region. Exactly one of its
// fields is set.
type QuoteItem struct {
	Instance *price.InstanceKey
	Volume   *fleet.Volume
	// Dimension is anything else that the bill has a dimension for, such as
	// price.AddressInUse: so much of it, in Unit.
	Dimension string
	Quantity  int64
	Unit      string
}

// Quotation is what wishes would cost in a full month: 730 hours of what is paid
// by the hour.
type Quotation struct {
	Region fleet.Region `json:"region"`
	// Monthly is unknown where one of the parts is.
	Monthly Amount          `json:"monthly_usd"`
	Status  price.Status    `json:"status"`
	Parts   []QuotationPart `json:"parts"`
	Notes   []string        `json:"notes,omitempty"`
}

// QuotationPart is one line of a quotation.
type QuotationPart struct {
	What      string       `json:"what"` // "m5.xlarge Windows", "gp3 1000 GiB"
	Dimension string       `json:"dimension"`
	Quantity  int64        `json:"quantity"`
	Unit      string       `json:"unit"` // "hours", "GiB", "IOPS", "MiB/s"
	Rate      Amount       `json:"rate_usd"`
	RateUnit  string       `json:"rate_unit,omitempty"`
	Monthly   Amount       `json:"monthly_usd"`
	Status    price.Status `json:"status"`
	SKU       string       `json:"sku,omitempty"`
	RateCode  string       `json:"rate_code,omitempty"`
	Version   string       `json:"list_version,omitempty"` // of the price list
	Published time.Time    `json:"list_published,omitzero"`
	Note      string       `json:"note,omitempty"`
}

// Quote finds out what wishes would cost in a region. A price that is not there
// makes its part unknown; the error is that of the price list, together with
// what could be read.
func Quote(ctx context.Context, prices PriceList, region fleet.Region, items []QuoteItem) (Quotation, error) {
	q := Quotation{Region: region, Parts: []QuotationPart{}, Monthly: Known(0), Status: price.Exact}
	var keys []price.InstanceKey
	rated := false
	for _, w := range items {
		if w.Instance != nil {
			keys = append(keys, *w.Instance)
		} else {
			rated = true
		}
	}
	var products []price.Product
	var listed price.Rates
	var err error
	if len(keys) > 0 {
		products, err = prices.Instances(ctx, keys)
	}
	if rated {
		rates, ratesErr := prices.Rates(ctx, region)
		listed = price.PickRates(rates, region)
		if ratesErr != nil && err == nil {
			err = ratesErr
		}
	}
	for _, w := range items {
		switch {
		case w.Instance != nil:
			q.addInstance(*w.Instance, price.Pick(products, *w.Instance))
		case w.Volume != nil:
			q.addVolume(*w.Volume, listed)
		default:
			q.addDimension(w, listed)
		}
	}
	return q, err
}

func (q *Quotation) addInstance(key price.InstanceKey, found price.Quote) {
	part := QuotationPart{
		What: fmt.Sprintf("%s %s", key.Type, price.Platform(key.Operation)), Dimension: key.Operation,
		Quantity: int64(RunRateMonth.Hours()), Unit: "hours",
	}
	if key.Tenancy != "Shared" {
		part.What += " " + key.Tenancy
	}
	if found.Status.Usable() {
		part.Monthly = Known(found.Rate.USD.Times(part.Quantity, 1))
	}
	q.add(part, found)
}

func (q *Quotation) addVolume(v fleet.Volume, listed price.Rates) {
	cost := price.VolumePrice(v, listed)
	what := fmt.Sprintf("%s %d GiB", v.Type, v.SizeGiB)
	for _, p := range cost.Parts {
		q.add(QuotationPart{
			What: what, Dimension: p.Dimension, Quantity: p.Quantity, Unit: p.Unit,
			Monthly: Amount{USD: p.USD, Known: p.Quote.Status.Usable()},
		}, p.Quote)
	}
	if len(cost.Parts) == 0 {
		q.add(QuotationPart{What: what, Unit: "GiB", Quantity: v.SizeGiB}, price.Quote{Status: cost.Status, Note: cost.Note})
	} else if cost.Note != "" {
		q.note(cost.Note)
	}
}

func (q *Quotation) addDimension(w QuoteItem, listed price.Rates) {
	found := listed.Quote(w.Dimension)
	part := QuotationPart{What: w.Unit, Dimension: w.Dimension, Quantity: w.Quantity, Unit: w.Unit}
	if found.Status.Usable() {
		part.Monthly = Known(found.Rate.USD.Times(w.Quantity, 1))
		switch strings.ToLower(found.Rate.Unit) {
		case "hrs", "hours":
			part.Monthly = Known(found.Rate.USD.Times(w.Quantity*Seconds(RunRateMonth), 3600))
		}
	}
	q.add(part, found)
}

func (q *Quotation) add(part QuotationPart, found price.Quote) {
	part.Rate, part.RateUnit, part.RateCode, part.SKU = RateOf(found), found.Rate.Unit, found.Rate.Code, found.SKU
	part.Status, part.Note, part.Version, part.Published = found.Status, found.Note, found.Version, found.Published
	q.Parts = append(q.Parts, part)
	q.Monthly = q.Monthly.Plus(part.Monthly)
	q.Status = price.Worst(q.Status, part.Status)
	q.note(part.Note)
}

func (q *Quotation) note(text string) {
	if text != "" && !slices.Contains(q.Notes, text) {
		q.Notes = append(q.Notes, text)
	}
}
