package sandbox

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
)

// Codes that the price list uses for every on-demand term.
const (
	onDemandTerm   = "JRTCKXETXF"
	hourlyRate     = "6YS6EN2CT7"
	upfrontRate    = "2TG2D8R56U"
	linuxOperation = "RunInstances"
)

// attribute is one name and value of a product.
type attribute struct{ name, value string }

// product is one product of the price list.
type product struct {
	sku    string
	rank   uint64 // its place in answers
	family string
	common []attribute // the shelf's
	own    []attribute

	usd      listPrice
	unit     string
	begin    string // beginRange
	per      string // what the price is for, in words
	reserved []reservedOffer
}

// newProduct gives p its rank, and a SKU made of seed where the real one is
// not known. Answers are in the order of the rank: GetProducts promises no
// order, and a client must not find the row it hopes for in first place.
func newProduct(p product, seed string) *product {
	if p.sku == "" {
		p.sku = derivedSKU(seed)
	}
	sum := sha256.Sum256([]byte(p.sku))
	p.rank = binary.BigEndian.Uint64(sum[:])
	return &p
}

// derivedSKU is a stable SKU in the form of the real ones: 16 letters and
// digits.
func derivedSKU(seed string) string {
	const alphabet = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
	sum := sha256.Sum256([]byte(seed))
	sku := make([]byte, 16)
	for i := range sku {
		sku[i] = alphabet[int(sum[i])%len(alphabet)]
	}
	return string(sku)
}

// value returns the attribute of that name; productFamily and sku count as
// attributes, as they do in GetProducts' filters.
func (p *product) value(name string) (string, bool) {
	switch name {
	case "productFamily":
		return p.family, true
	case "sku":
		return p.sku, true
	}
	for _, a := range p.own {
		if a.name == name {
			return a.value, true
		}
	}
	return find(p.common, name)
}

func find(attributes []attribute, name string) (string, bool) {
	for _, a := range attributes {
		if a.name == name {
			return a.value, true
		}
	}
	return "", false
}

// The JSON of a product in GetProducts' answer.
type (
	productJSON struct {
		Product         productBody `json:"product"`
		ServiceCode     string      `json:"serviceCode"`
		Terms           termsJSON   `json:"terms"`
		Version         string      `json:"version"`
		PublicationDate string      `json:"publicationDate"`
	}
	productBody struct {
		ProductFamily string            `json:"productFamily"`
		Attributes    map[string]string `json:"attributes"`
		SKU           string            `json:"sku"`
	}
	termsJSON struct {
		OnDemand map[string]termJSON
		Reserved map[string]termJSON `json:",omitempty"`
	}
	termJSON struct {
		PriceDimensions map[string]dimensionJSON `json:"priceDimensions"`
		SKU             string                   `json:"sku"`
		EffectiveDate   string                   `json:"effectiveDate"`
		OfferTermCode   string                   `json:"offerTermCode"`
		TermAttributes  map[string]string        `json:"termAttributes"`
	}
	dimensionJSON struct {
		Unit         string            `json:"unit"`
		EndRange     string            `json:"endRange,omitempty"`
		Description  string            `json:"description"`
		AppliesTo    []string          `json:"appliesTo"`
		RateCode     string            `json:"rateCode"`
		BeginRange   string            `json:"beginRange,omitempty"`
		PricePerUnit map[string]string `json:"pricePerUnit"`
	}
)

// document writes the product as GetProducts does: JSON in a string.
func (p *product) document() (string, error) {
	attributes := make(map[string]string, len(p.common)+len(p.own))
	for _, a := range p.common {
		attributes[a.name] = a.value
	}
	for _, a := range p.own {
		attributes[a.name] = a.value
	}
	doc := productJSON{
		Product:         productBody{ProductFamily: p.family, Attributes: attributes, SKU: p.sku},
		ServiceCode:     ec2Offer,
		Version:         listVersion,
		PublicationDate: listPublished,
	}
	code := p.sku + "." + onDemandTerm
	doc.Terms.OnDemand = map[string]termJSON{code: {
		SKU: p.sku, EffectiveDate: listEffective, OfferTermCode: onDemandTerm,
		TermAttributes: map[string]string{},
		PriceDimensions: dimensions(dimensionJSON{
			Unit: p.unit, BeginRange: p.begin, EndRange: "Inf", RateCode: code + "." + hourlyRate,
			Description:  "$" + p.usd.short() + " per " + p.per,
			PricePerUnit: map[string]string{"USD": p.usd.String()},
		}),
	}}
	if len(p.reserved) > 0 {
		doc.Terms.Reserved = map[string]termJSON{}
	}
	for _, offer := range p.reserved {
		doc.Terms.Reserved[p.sku+"."+offer.term] = p.reservedTerm(offer)
	}
	out, err := json.Marshal(doc)
	return string(out), err
}

// reservedTerm writes a reserved offer: an upfront fee for the whole length,
// in whole dollars, and what is left as an hourly price.
func (p *product) reservedTerm(offer reservedOffer) termJSON {
	code := p.sku + "." + offer.term
	hours := listPrice(365 * 24)
	if offer.contract == "3yr" {
		hours *= 3
	}
	total := offer.effective * hours
	var upfront listPrice
	switch offer.option {
	case "All Upfront":
		upfront = total
	case "Partial Upfront":
		upfront = total / 2
	}
	hourly := (total - upfront) / hours
	var rates []dimensionJSON
	if upfront > 0 {
		rates = append(rates, dimensionJSON{
			Unit: "Quantity", Description: "Upfront Fee", RateCode: code + "." + upfrontRate,
			PricePerUnit: map[string]string{"USD": ((upfront + listDollar/2) / listDollar * listDollar).short()},
		})
	}
	rates = append(rates, dimensionJSON{
		Unit: "Hrs", BeginRange: "0", EndRange: "Inf", RateCode: code + "." + hourlyRate,
		Description:  p.per + ", reserved instance applied",
		PricePerUnit: map[string]string{"USD": hourly.String()},
	})
	return termJSON{
		SKU: p.sku, EffectiveDate: listEffective, OfferTermCode: offer.term,
		TermAttributes: map[string]string{
			"LeaseContractLength": offer.contract, "OfferingClass": offer.class, "PurchaseOption": offer.option,
		},
		PriceDimensions: dimensions(rates...),
	}
}

func dimensions(rates ...dimensionJSON) map[string]dimensionJSON {
	byCode := make(map[string]dimensionJSON, len(rates))
	for _, r := range rates {
		r.AppliesTo = []string{}
		byCode[r.RateCode] = r
	}
	return byCode
}

// byRank orders products as answers do.
func byRank(a, b *product) int {
	return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.sku, b.sku))
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
