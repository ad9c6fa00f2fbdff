package price

import (
	"fmt"
	"strings"

	"nightshift/internal/fleet"
)

// The dimensions of the bill in addition to those of volumes. They are usage
// types without their region prefix. That of a Dedicated Host is followed by the
// host's family, that of surplus CPU credits by the instance family.
const (
	SnapshotStorage = "EBS:SnapshotUsage"          // per GiB and month
	SnapshotArchive = "EBS:SnapshotArchiveStorage" // per GiB and month
	FastRestore     = "EBS:FastSnapshotRestore"    // per hour and zone
	AddressInUse    = "PublicIPv4:InUseAddress"    // per hour
	AddressIdle     = "PublicIPv4:IdleAddress"     // per hour
	Metric          = "CW:MetricMonitorUsage"      // per metric and month
	hostUsage       = "HostUsage:"                 // per hour
	cpuCredits      = "CPUCredits:"                // per vCPU and hour
)

// HostDimension is that of a Dedicated Host of a family such as "m5".
func HostDimension(family string) string { return hostUsage + family }

// CreditsDimension is that of surplus CPU credits of a family such as "t3".
// Windows has prices of its own.
func CreditsDimension(family string, windows bool) string {
	if windows {
		return cpuCredits + family + " Windows"
	}
	return cpuCredits + family
}

// Rates are the rates of one region by the bill's own dimension: the usage
// type without its region prefix, such as "EBS:VolumeUsage.gp3".
type Rates struct {
	Region fleet.Region
	Quotes map[string]Quote
}

// PickRates finds the rates of a region among products.
func PickRates(products []Product, region fleet.Region) Rates {
	found := map[string][]Quote{}
	for _, p := range products {
		if p.Attributes["regionCode"] != string(region) || p.Attributes["locationType"] != "AWS Region" {
			continue
		}
		dimension, ok := p.Dimension()
		if !ok {
			continue
		}
		// The price list writes the same unit in several ways.
		quotes := p.quotes("GB-Mo", "GB-month", "IOPS-Mo", "GiBps-mo", "MiBps-Mo", "Hrs", "Hours", "vCPU-Hours", "DSU-Hrs", "Metrics")
		if dimension == Metric {
			quotes = firstTier(quotes)
		}
		found[dimension] = append(found[dimension], quotes...)
	}
	rates := Rates{Region: region, Quotes: map[string]Quote{}}
	for dimension, quotes := range found {
		rates.Quotes[dimension] = settle(fmt.Sprintf("%s %s", region, dimension), quotes)
	}
	return rates
}

// Dimension is what a product is billed by; false for what is not a dimension of
// this package. Surplus CPU credits of Windows are one of their own.
func (p Product) Dimension() (string, bool) {
	dimension, ok := DimensionOf(p.Attributes["usagetype"])
	if ok && strings.HasPrefix(dimension, cpuCredits) && p.Attributes["operatingSystem"] == "Windows" {
		dimension += " Windows"
	}
	return dimension, ok
}

// firstTier is the rate from the first unit on. How much of a tier others have
// used up is known to the bill only.
func firstTier(quotes []Quote) []Quote {
	var first []Quote
	for _, q := range quotes {
		if q.Rate.Begin == "0" || q.Rate.Begin == "" {
			if len(quotes) > 1 {
				q.Status, q.Note = Fallback, "the price of the first tier; what an account uses beyond it costs less"
			}
			first = append(first, q)
		}
	}
	return first
}

// DimensionOf cuts the region prefix off a usage type: "APN2-EBS:VolumeUsage"
// and, in us-east-1, "EBS:VolumeUsage". It is false for what is not a dimension
// of this package.
func DimensionOf(usagetype string) (string, bool) {
	for _, known := range []string{"EBS:Volume", "EBS:Snapshot", FastRestore, "PublicIPv4:", Metric, hostUsage, cpuCredits} {
		before, _, ok := strings.Cut(usagetype, known)
		if ok && (before == "" || strings.HasSuffix(before, "-")) {
			return usagetype[len(before):], true
		}
	}
	return "", false
}

// Quote is the rate of a dimension.
func (r Rates) Quote(dimension string) Quote {
	if q, ok := r.Quotes[dimension]; ok {
		return q
	}
	return settle(fmt.Sprintf("%s %s", r.Region, dimension), nil)
}
