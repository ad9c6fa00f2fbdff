package price

import (
	"slices"
	"time"

	"nightshift/internal/fleet"
)

// SpotPrice is one row of the spot price history: what an hour costs from At
// on, until the next row of the same type, zone and product.
type SpotPrice struct {
	Type    fleet.InstanceType
	Zone    fleet.Zone
	Product string // "Linux/UNIX", "Windows", …
	USD     USD
	At      time.Time
}

// SpotProduct is the product description under which the spot price history
// lists an operation; false where Spot does not offer it.
func SpotProduct(operation string) (string, bool) {
	switch operation {
	case linux, "RunInstances:0g00":
		return "Linux/UNIX", true
	case "RunInstances:0010":
		return "Red Hat Enterprise Linux", true
	case "RunInstances:000g":
		return "SUSE Linux", true
	case windows:
		return "Windows", true
	}
	return "", false
}

// SpotMean is the mean price of an hour between two instants, weighted by the
// time for which each price was in force, and the price at the end. The rows
// are those of one type, zone and product in any order; prices before the first
// row are taken to be that row's. It is false without rows up to the end. Time
// counts in whole seconds, as Spot Instances are billed.
// See "Spot Instance pricing history" in the EC2 User Guide.
func SpotMean(rows []SpotPrice, from, to time.Time) (mean, last USD, ok bool) {
	rows = slices.SortedFunc(slices.Values(rows), func(a, b SpotPrice) int { return a.At.Compare(b.At) })
	from, to = from.Truncate(time.Second), to.Truncate(time.Second)
	var sum USD
	at := from
	for n, row := range rows {
		if row.At.After(to) {
			break
		}
		until := to
		if n+1 < len(rows) && rows[n+1].At.Before(to) {
			until = rows[n+1].At.Truncate(time.Second)
		}
		if until.After(at) {
			sum = sum.Add(row.USD.Times(int64(until.Sub(at)/time.Second), 1))
			at = until
		}
		last, ok = row.USD, true
	}
	span := int64(to.Sub(from) / time.Second)
	if !ok || span <= 0 {
		return last, last, ok
	}
	return sum.Times(1, span), last, true
}
