package catalog

import (
	"time"

	"nightshift/internal/sandbox/random"
)

// The spot price history of the account: in each stretch of SpotStretch every
// price changes once, at a moment and to a value that depend on nothing but the
// type, the zone, the product and the stretch. EC2 keeps 90 days.
const (
	SpotStretch   = 16 * time.Hour
	SpotRetention = 90 * 24 * time.Hour
)

// SpotSeries is what has one spot price: a type in a zone with a product.
type SpotSeries struct {
	Kind, Zone, Product string
	OnDemand            Price
}

// Change is when, within a stretch, the price changes, and to what: from 21 to
// 63 percent of the on-demand price, in steps of 0.0001 dollars.
func (s SpotSeries) Change(stretch int64) (time.Time, Price) {
	own := random.HashText(8, s.Kind+" "+s.Zone+" "+s.Product)
	draw := random.Hash(own, uint64(stretch))
	at := time.Unix(stretch*int64(SpotStretch/time.Second), 0).Add(time.Duration(random.Fraction(draw) * float64(SpotStretch)))
	part := (0.25 + 0.3*random.Fraction(own)) * (0.85 + 0.3*random.Fraction(random.Hash(draw)))
	const step = Dollar / 10_000
	price := Price(float64(s.OnDemand)*part) / step * step
	return at.UTC().Truncate(time.Second), max(price, step)
}

// SpotProducts are the products of the history and the operations whose
// on-demand price they lie under.
func SpotProducts() map[string]string {
	return map[string]string{
		"Linux/UNIX":               LinuxOperation,
		"Red Hat Enterprise Linux": "RunInstances:0010",
		"SUSE Linux":               "RunInstances:000g",
		"Windows":                  WindowsOperation,
	}
}
