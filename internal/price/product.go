package price

import (
	"strings"
	"time"

	"nightshift/internal/fleet"
)

// Product is one product of the AWS price list with its on-demand rates, as
// GetProducts and the bulk offer files describe it.
type Product struct {
	SKU    string
	Family string // productFamily: "Compute Instance", "Storage", …
	// Attributes hold the product's attributes under the price list's own
	// names, such as "instanceType", "operation" and "capacitystatus".
	Attributes map[string]string
	Rates      []Rate
	// Version and Published are those of the price list that it came from.
	Version   string
	Published time.Time
}

// Rate is one on-demand price dimension of a product.
type Rate struct {
	Code string // rateCode: SKU.offerTermCode.dimension
	Unit string // "Hrs", "GB-Mo", "IOPS-Mo", "GiBps-mo", …
	USD  USD    // per unit
	// Begin and End bound the quantity that this rate is for, as the price
	// list writes it ("0", "Inf").
	Begin, End string
	// Effective is when this rate came into force.
	Effective   time.Time
	Description string
}

// InstanceKey names one on-demand instance price. Together with the constant
// filters locationType=AWS Region, capacitystatus=Used (of reserved capacity that
// is not in use UnusedCapacityReservation) and marketoption=OnDemand it selects exactly one SKU of the price list.
type InstanceKey struct {
	Region    fleet.Region
	Type      fleet.InstanceType
	Tenancy   string // price list's spelling: "Shared" or "Dedicated"
	Operation string // UsageOperation, such as "RunInstances:0002"
	// Unused asks for the price of reserved capacity that no instance uses.
	Unused bool
}

// keyMark ends the text of a key of unused capacity.
const keyMark = "unused"

// MarshalText writes the parts with slashes between them, so that keys of prices
// can be keys of JSON objects.
func (k InstanceKey) MarshalText() ([]byte, error) {
	parts := []string{string(k.Region), string(k.Type), k.Tenancy, k.Operation}
	if k.Unused {
		parts = append(parts, keyMark)
	}
	return []byte(strings.Join(parts, "/")), nil
}

// UnmarshalText reads what MarshalText writes.
func (k *InstanceKey) UnmarshalText(text []byte) error {
	parts := strings.Split(string(text), "/")
	if len(parts) != 4 && (len(parts) != 5 || parts[4] != keyMark) {
		return fleet.Errorf(fleet.ErrInvalid, "%q is not the key of an instance's price", text)
	}
	*k = InstanceKey{
		Region: fleet.Region(parts[0]), Type: fleet.InstanceType(parts[1]), Tenancy: parts[2], Operation: parts[3], Unused: len(parts) == 5,
	}
	return nil
}

// Status says how far a price can be trusted.
type Status string

// The statuses of a price. A price is never a silent zero.
const (
	Exact     Status = "exact"     // exactly one SKU matches the full key
	Fallback  Status = "fallback"  // a part of the key was assumed; the note says which
	Ambiguous Status = "ambiguous" // several SKUs match and their prices differ
	Missing   Status = "missing"   // no SKU matches, or the price list could not be read
)

// Quote is the price of one key, with where it comes from.
type Quote struct {
	Status Status
	Note   string // why the status is not exact, or what else to know
	SKU    string
	Rate   Rate
	// Version and Published are those of the price list that it came from.
	Version   string
	Published time.Time
}
