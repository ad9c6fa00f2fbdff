package pricelist

import (
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// jsonOffer is the reading of an offer file in JSON: an object with the members
// formatVersion, disclaimer, offerCode, version, publicationDate, products
// {SKU: {sku, productFamily, attributes}}, terms {OnDemand: {SKU: {SKU.TERM:
// {...}}}, Reserved: {...}} and attributesList, in this order.
type jsonOffer struct {
	*scanner
	want     func(string, map[string]string) bool
	head     offerHead
	names    map[string]string // the attributes that are looked at
	texts    intern
	products []price.Product
	bySKU    map[string]int // index into products
	raw      []byte         // the terms of one product

	hasProducts, hasTerms bool
}

func readJSON(r io.Reader, want func(string, map[string]string) bool) ([]price.Product, offerHead, error) {
	o := &jsonOffer{scanner: newScanner(r), want: want, names: map[string]string{}, texts: intern{}, bySKU: map[string]int{}}
	for _, name := range attributes() {
		o.names[name] = name
	}
	err := o.object(o.member)
	if err == nil {
		err = o.finish()
	}
	if err == nil && (!o.hasProducts || !o.hasTerms) {
		err = fleet.Errorf(fleet.ErrInvalid, "it has no products or no terms: it is not an offer file")
	}
	return o.products, o.head, err
}

// member reads one member of the file.
func (o *jsonOffer) member(name []byte) error {
	switch string(name) {
	case "offerCode":
		return o.string(func(s []byte) { o.head.code = string(s) })
	case "version":
		return o.string(func(s []byte) { o.head.version = string(s) })
	case "publicationDate":
		return o.string(func(s []byte) { o.head.published = timeOf(string(s)) })
	case "products":
		if o.hasProducts {
			return o.wrong("products a second time")
		}
		o.hasProducts = true
		attributes := make(map[string]string, len(o.names))
		return o.object(func(sku []byte) error { return o.product(string(sku), attributes) })
	case "terms":
		if !o.hasProducts {
			return o.wrong("the terms come before the products, so that it is not known which of them are wanted; use a file as AWS publishes it")
		}
		o.hasTerms = true
		return o.object(func(kind []byte) error {
			if string(kind) != "OnDemand" {
				return o.skip()
			}
			return o.object(o.terms)
		})
	}
	return o.skip()
}

// string takes a text, or passes over what is none.
func (o *jsonOffer) string(set func([]byte)) error {
	if c, err := o.next(); err != nil || c != '"' {
		return cmp.Or(err, o.skip())
	}
	text, err := o.text()
	if err == nil {
		set(text)
	}
	return err
}

// product reads one product and keeps it if it was asked for. The map is used for
// one after the other.
func (o *jsonOffer) product(sku string, attributes map[string]string) error {
	o.head.products++
	family := ""
	clear(attributes)
	err := o.object(func(name []byte) error {
		switch string(name) {
		case "productFamily":
			return o.string(func(s []byte) { family = o.texts.text(s) })
		case "attributes":
			return o.object(func(name []byte) error {
				known, ok := o.names[string(name)]
				if !ok {
					return o.skip()
				}
				return o.string(func(s []byte) { attributes[known] = o.texts.text(s) })
			})
		}
		return o.skip()
	})
	if err != nil || !o.want(family, attributes) {
		return err
	}
	if _, twice := o.bySKU[sku]; twice {
		return o.wrong("the product %q a second time", sku)
	}
	o.bySKU[sku] = len(o.products)
	o.products = append(o.products, price.Product{SKU: sku, Family: family, Attributes: maps.Clone(attributes)})
	return nil
}

// offerTerm is a term of a product: its price on demand, or that of a
// reservation, which has a lease.
type offerTerm struct {
	EffectiveDate   time.Time `json:"effectiveDate"`
	PriceDimensions map[string]struct {
		RateCode     string            `json:"rateCode"`
		Unit         string            `json:"unit"`
		BeginRange   string            `json:"beginRange"`
		EndRange     string            `json:"endRange"`
		Description  string            `json:"description"`
		PricePerUnit map[string]string `json:"pricePerUnit"`
	} `json:"priceDimensions"`
	TermAttributes struct {
		LeaseContractLength string
	} `json:"termAttributes"`
}

// terms reads the terms of a product, if it was asked for.
func (o *jsonOffer) terms(sku []byte) error {
	n, chosen := o.bySKU[string(sku)]
	if !chosen {
		return o.skip()
	}
	var err error
	if o.raw, err = o.value(o.raw[:0], true); err != nil {
		return err
	}
	var terms map[string]offerTerm
	p := &o.products[n]
	if err := json.Unmarshal(o.raw, &terms); err != nil {
		return o.wrong("the terms of %s: %v", p.SKU, err)
	}
	for _, term := range terms {
		if term.TermAttributes.LeaseContractLength != "" {
			continue
		}
		for _, d := range term.PriceDimensions {
			usd, err := price.ParseUSD(d.PricePerUnit["USD"])
			if err != nil {
				continue // another currency: missing, not wrong
			}
			p.Rates = append(p.Rates, price.Rate{
				Code: d.RateCode, Unit: d.Unit, USD: usd, Begin: d.BeginRange, End: d.EndRange,
				Effective: term.EffectiveDate, Description: d.Description,
			})
		}
	}
	sortRates(p.Rates)
	return nil
}

// sortRates puts rates into the order of their codes.
func sortRates(rates []price.Rate) {
	slices.SortFunc(rates, func(a, b price.Rate) int { return cmp.Compare(a.Code, b.Code) })
}
