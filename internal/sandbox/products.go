package sandbox

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
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
	tiers    []priceTier // nil: usd at any quantity
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
		return p.family, p.family != ""
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
		ProductFamily string            `json:"productFamily,omitempty"`
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
func (p *product) document(e edition) (string, error) {
	service, _ := p.value("servicecode")
	doc := productJSON{
		Product:         p.body(),
		ServiceCode:     service,
		Version:         e.version,
		PublicationDate: e.published,
	}
	doc.Terms.OnDemand = p.onDemandTerms(e)
	doc.Terms.Reserved = p.reservedTerms(e)
	out, err := json.Marshal(doc)
	return string(out), err
}

// body is the product itself, without its prices.
func (p *product) body() productBody {
	attributes := make(map[string]string, len(p.common)+len(p.own))
	for _, a := range p.common {
		attributes[a.name] = a.value
	}
	for _, a := range p.own {
		attributes[a.name] = a.value
	}
	return productBody{ProductFamily: p.family, Attributes: attributes, SKU: p.sku}
}

// priceTier is the price of the units between two quantities.
type priceTier struct {
	begin, end string
	usd        listPrice
}

// rates are the product's on-demand prices. Each has a code of its own.
func (p *product) rates() []dimensionJSON {
	tiers := p.tiers
	if tiers == nil {
		tiers = []priceTier{{p.begin, "Inf", p.usd}}
	}
	list := make([]dimensionJSON, len(tiers))
	for n, t := range tiers {
		code := hourlyRate
		if len(tiers) > 1 {
			code = derivedSKU(p.sku + t.begin)[:len(hourlyRate)]
		}
		list[n] = dimensionJSON{
			Unit: p.unit, BeginRange: t.begin, EndRange: t.end, RateCode: p.sku + "." + onDemandTerm + "." + code,
			Description:  "$" + t.usd.short() + " per " + p.per,
			PricePerUnit: map[string]string{"USD": t.usd.String()},
		}
	}
	return list
}

func (p *product) onDemandTerms(e edition) map[string]termJSON {
	return map[string]termJSON{p.sku + "." + onDemandTerm: {
		SKU: p.sku, EffectiveDate: e.effective, OfferTermCode: onDemandTerm,
		TermAttributes:  map[string]string{},
		PriceDimensions: dimensions(p.rates()...),
	}}
}

// reservedTerms are the terms of reserved instances; nil for products without.
func (p *product) reservedTerms(e edition) map[string]termJSON {
	if len(p.reserved) == 0 {
		return nil
	}
	terms := make(map[string]termJSON, len(p.reserved))
	for _, offer := range p.reserved {
		terms[p.sku+"."+offer.term] = p.reservedTerm(e, offer)
	}
	return terms
}

// reservedTerm writes a reserved offer: an upfront fee for the whole length,
// in whole dollars, and what is left as an hourly price.
func (p *product) reservedTerm(e edition, offer reservedOffer) termJSON {
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
		SKU: p.sku, EffectiveDate: e.effective, OfferTermCode: offer.term,
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

// ec2Offer is the price list's code of EC2, to which EBS belongs.
const ec2Offer = "AmazonEC2"
