package cost

import (
	"context"
	"iter"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// Inventory lists what one target holds, in the API's order.
type Inventory interface {
	// Instances and Volumes yield items until the end or the first error.
	Instances(ctx context.Context) iter.Seq2[fleet.Instance, error]
	Volumes(ctx context.Context) iter.Seq2[fleet.Volume, error]
	// Types describes instance types. Types that it does not know are absent;
	// what it found comes together with an error.
	Types(ctx context.Context, types []fleet.InstanceType) (map[fleet.InstanceType]fleet.TypeInfo, error)
}

// OtherResources lists what a target pays for besides instances and volumes. What
// was found comes together with an error.
type OtherResources interface {
	// Snapshots yields the account's own snapshots.
	Snapshots(ctx context.Context) iter.Seq2[fleet.Snapshot, error]
	// Addresses are the Elastic IP addresses.
	Addresses(ctx context.Context) ([]fleet.Address, error)
	Hosts(ctx context.Context) ([]fleet.Host, error)
	Reservations(ctx context.Context) ([]fleet.Reservation, error)
}

// Spot knows the prices of the Spot market. What was found comes together with
// an error.
type Spot interface {
	// SpotPrices is the spot price history of the types and products since then,
	// with the price that was in force then.
	SpotPrices(ctx context.Context, types []fleet.InstanceType, products []string, since time.Time) ([]price.SpotPrice, error)
}

// Credits knows how burstable instances pay for CPU credits. What was found
// comes together with an error.
type Credits interface {
	// Unlimited reports which of the instances pay for surplus credits.
	// Instances that it does not know are absent.
	Unlimited(ctx context.Context, ids []fleet.ResourceID) (map[fleet.ResourceID]bool, error)
}

// Metrics is CloudWatch, which is paid by the metric. Both methods return what
// they found together with an error, which is fleet.ErrCapped where the cap
// was reached.
type Metrics interface {
	// Running counts for how long instances sent samples between two instants.
	// Of an instance without samples it knows nothing and says 0.
	Running(ctx context.Context, instances []fleet.Sampled, from, to time.Time) (map[fleet.ResourceID]time.Duration, error)
	// Surplus is the number of surplus CPU credits charged between two
	// instants. 60 of them are an hour of a vCPU.
	Surplus(ctx context.Context, ids []fleet.ResourceID, from, to time.Time) (map[fleet.ResourceID]float64, error)
}

// Billing is Cost Explorer of one account, which is paid by the request.
type Billing interface {
	// Usage lists what was charged by resource and usage type for EC2 instances
	// of all regions between two instants, as far as Cost Explorer keeps it: 14
	// days. Complete says from when to when the lines are the whole usage. What
	// was found comes together with an error.
	Usage(ctx context.Context, from, to time.Time) (lines []price.BillLine, complete fleet.Span, err error)
}

// PriceList finds rows of the AWS price list. Both methods may return what
// they found together with an error.
type PriceList interface {
	// Instances returns at least the products that match the keys.
	Instances(ctx context.Context, keys []price.InstanceKey) ([]price.Product, error)
	// Rates returns the products of a region that are billed by one of the
	// dimensions of price.Rates: EBS, snapshots, addresses, hosts, credits,
	// metrics.
	Rates(ctx context.Context, region fleet.Region) ([]price.Product, error)
}

// Source is one target with access to what it holds. Only Inventory must be
// there; without the others the report leaves out what they know.
type Source struct {
	Target         fleet.Target
	Inventory      Inventory
	OtherResources OtherResources
	Spot           Spot
	Credits        Credits
	Metrics        Metrics
	// Billing is of the account; sources of one account may share it.
	Billing Billing
}
