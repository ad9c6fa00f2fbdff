package cost

import "nightshift/internal/price"

// Spend is what the report's own requests to a paid service came to.
type Spend struct {
	Service string // "Cost Explorer", "CloudWatch"
	Unit    string // "requests", "metrics"
	Used    int
	Cap     int // no more than this is ever asked for
	USD     price.USD
}
