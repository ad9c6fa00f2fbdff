package price

import (
	"strings"
	"time"

	"nightshift/internal/fleet"
)

// BillLine is what AWS charged for one resource, usage type and span of time, as
// Cost Explorer or an export of the bill (FOCUS, CUR) reports it.
type BillLine struct {
	Account  fleet.Account
	Region   fleet.Region // empty where the bill does not say
	Resource string       // "i-…", "vol-…", "snap-…", or the resource's ARN
	// UsageType has its region prefix: "APN2-BoxUsage:m5.large".
	UsageType string
	Operation string // "RunInstances:0002"; empty where the bill does not say
	// Start and End bound the usage, the latter exclusive, in UTC.
	Start, End time.Time
	Quantity   float64
	Unit       string // "Hrs", "GB-Mo", …
	// Billed is what the invoice has (unblended), Effective the same with
	// up-front payments spread over their term (amortized), List the price list's
	// amount; the latter two are nil where the bill does not say.
	Billed          USD
	Effective, List *USD
	// Kind is the FOCUS ChargeCategory: Usage, Purchase, Tax, Credit, Adjustment.
	// Pricing is the FOCUS PricingCategory: Standard, Dynamic (spot), Committed,
	// Other. Commitment names the Savings Plan or reservation that paid. They are
	// empty where the bill does not say.
	Kind, Pricing, Commitment string
}

// WithoutRegion is a usage type without what it begins with outside of
// us-east-1: "APN2-", "USE2-", and both regions of a copy.
func WithoutRegion(usageType string) string {
	for {
		prefix, rest, ok := strings.Cut(usageType, "-")
		if !ok || prefix == "" || strings.Trim(prefix, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
			return usageType
		}
		usageType = rest
	}
}

// IsRunning reports whether a usage type counts the hours that an instance ran.
// Others are charged in addition, some by the hour, too. That of the oldest
// instance type ends without the name of a type. See "Understanding your AWS
// usage report" in the AWS Cost and Usage Report guide.
func IsRunning(usageType string) bool {
	name, _, _ := strings.Cut(WithoutRegion(usageType), ":")
	switch name {
	case "BoxUsage", "SpotUsage", "DedicatedUsage", "HostBoxUsage", "SchedUsage":
		return true
	}
	return false
}
