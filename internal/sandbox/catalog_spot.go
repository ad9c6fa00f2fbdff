package sandbox

import "time"

// The spot price history of the account: in each stretch of spotStretch every
// price changes once, at a moment and to a value that depend on nothing but the
// type, the zone, the product and the stretch. EC2 keeps 90 days.
const (
	spotStretch = 16 * time.Hour
	spotKept    = 90 * 24 * time.Hour
)

// spotSeries is what has one spot price: a type in a zone with a product.
type spotSeries struct {
	kind, zone, product string
	onDemand            listPrice
}

// change is when, within a stretch, the price changes, and to what: from 21 to
// 63 percent of the on-demand price, in steps of 0.0001 dollars.
func (s spotSeries) change(stretch int64) (time.Time, listPrice) {
	own := mixText(8, s.kind+" "+s.zone+" "+s.product)
	draw := mix(own, uint64(stretch))
	at := time.Unix(stretch*int64(spotStretch/time.Second), 0).Add(time.Duration(share(draw) * float64(spotStretch)))
	part := (0.25 + 0.3*share(own)) * (0.85 + 0.3*share(mix(draw)))
	const step = listDollar / 10_000
	price := listPrice(float64(s.onDemand)*part) / step * step
	return at.UTC().Truncate(time.Second), max(price, step)
}

// spotProducts are the products of the history and the operations whose
// on-demand price they lie under.
func spotProducts() map[string]string {
	return map[string]string{
		"Linux/UNIX":               linuxOperation,
		"Red Hat Enterprise Linux": "RunInstances:0010",
		"SUSE Linux":               "RunInstances:000g",
		"Windows":                  windowsOperation,
	}
}
