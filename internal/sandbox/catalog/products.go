package catalog

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
)

// Codes that the price list uses for every on-demand term.
const (
	OnDemandTerm   = "JRTCKXETXF"
	HourlyRate     = "6YS6EN2CT7"
	upfrontRate    = "2TG2D8R56U"
	LinuxOperation = "RunInstances"
)

// attribute is one name and value of a product.
type attribute struct{ name, value string }

// Product is one product of the price list.
type Product struct {
	SKU    string
	rank   uint64 // its place in answers
	Family string
	common []attribute // the section's
	own    []attribute

	USD      Price
	tiers    []priceTier // nil: usd at any quantity
	Unit     string
	begin    string // beginRange
	Per      string // what the price is for, in words
	reserved []reservedOffer
}

// newProduct gives p its rank, and a SKU made of seed where the real one is
// not known. Answers are in the order of the rank: GetProducts promises no
// order, and a client must not find the row it hopes for in first place.
func newProduct(p Product, seed string) *Product {
	if p.SKU == "" {
		p.SKU = derivedSKU(seed)
	}
	sum := sha256.Sum256([]byte(p.SKU))
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

// Value returns the attribute of that name; productFamily and sku count as
// attributes, as they do in GetProducts' filters.
func (p *Product) Value(name string) (string, bool) {
	switch name {
	case "productFamily":
		return p.Family, p.Family != ""
	case "sku":
		return p.SKU, true
	}
	for _, a := range p.own {
		if a.name == name {
			return a.value, true
		}
	}
	return Find(p.common, name)
}

// Find finds the value of an attribute.
func Find(attributes []attribute, name string) (string, bool) {
	for _, a := range attributes {
		if a.name == name {
			return a.value, true
		}
	}
	return "", false
}

// TermJSON and the like are the JSON of a product in GetProducts' answer.
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
		OnDemand map[string]TermJSON
		Reserved map[string]TermJSON `json:",omitempty"`
	}
	TermJSON struct {
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

// Document writes the product as GetProducts does: JSON in a string.
func (p *Product) Document(e Edition) (string, error) {
	service, _ := p.Value("servicecode")
	doc := productJSON{
		Product:         p.Body(),
		ServiceCode:     service,
		Version:         e.Version,
		PublicationDate: e.Published,
	}
	doc.Terms.OnDemand = p.OnDemandTerms(e)
	doc.Terms.Reserved = p.ReservedTerms(e)
	out, err := json.Marshal(doc)
	return string(out), err
}

// Body is the product itself, without its prices.
func (p *Product) Body() productBody {
	attributes := make(map[string]string, len(p.common)+len(p.own))
	for _, a := range p.common {
		attributes[a.name] = a.value
	}
	for _, a := range p.own {
		attributes[a.name] = a.value
	}
	return productBody{ProductFamily: p.Family, Attributes: attributes, SKU: p.SKU}
}

// priceTier is the price of the units between two quantities.
type priceTier struct {
	begin, end string
	usd        Price
}

// rates are the product's on-demand prices. Each has a code of its own.
func (p *Product) rates() []dimensionJSON {
	tiers := p.tiers
	if tiers == nil {
		tiers = []priceTier{{p.begin, "Inf", p.USD}}
	}
	list := make([]dimensionJSON, len(tiers))
	for n, t := range tiers {
		code := HourlyRate
		if len(tiers) > 1 {
			code = derivedSKU(p.SKU + t.begin)[:len(HourlyRate)]
		}
		list[n] = dimensionJSON{
			Unit: p.Unit, BeginRange: t.begin, EndRange: t.end, RateCode: p.SKU + "." + OnDemandTerm + "." + code,
			Description:  "$" + t.usd.Short() + " per " + p.Per,
			PricePerUnit: map[string]string{"USD": t.usd.String()},
		}
	}
	return list
}

// OnDemandTerms are the terms of the product without a commitment.
func (p *Product) OnDemandTerms(e Edition) map[string]TermJSON {
	return map[string]TermJSON{p.SKU + "." + OnDemandTerm: {
		SKU: p.SKU, EffectiveDate: e.effective, OfferTermCode: OnDemandTerm,
		TermAttributes:  map[string]string{},
		PriceDimensions: dimensions(p.rates()...),
	}}
}

// ReservedTerms are the terms of reserved instances; nil for products without.
func (p *Product) ReservedTerms(e Edition) map[string]TermJSON {
	if len(p.reserved) == 0 {
		return nil
	}
	terms := make(map[string]TermJSON, len(p.reserved))
	for _, offer := range p.reserved {
		terms[p.SKU+"."+offer.term] = p.reservedTerm(e, offer)
	}
	return terms
}

// reservedTerm writes a reserved offer: an upfront fee for the whole length,
// in whole dollars, and what is left as an hourly price.
func (p *Product) reservedTerm(e Edition, offer reservedOffer) TermJSON {
	code := p.SKU + "." + offer.term
	hours := Price(365 * 24)
	if offer.contract == "3yr" {
		hours *= 3
	}
	total := offer.effective * hours
	var upfront Price
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
			PricePerUnit: map[string]string{"USD": ((upfront + Dollar/2) / Dollar * Dollar).Short()},
		})
	}
	rates = append(rates, dimensionJSON{
		Unit: "Hrs", BeginRange: "0", EndRange: "Inf", RateCode: code + "." + HourlyRate,
		Description:  p.Per + ", reserved instance applied",
		PricePerUnit: map[string]string{"USD": hourly.String()},
	})
	return TermJSON{
		SKU: p.SKU, EffectiveDate: e.effective, OfferTermCode: offer.term,
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
func byRank(a, b *Product) int {
	return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.SKU, b.SKU))
}

// EC2Offer is the price list's code of EC2, to which EBS belongs.
const EC2Offer = "AmazonEC2"
