package cost

import (
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// LineKind says what a line is for.
type LineKind string

// The kinds of lines.
const (
	SnapshotLine    LineKind = "snapshot"          // an EBS snapshot in the standard tier
	ArchiveLine     LineKind = "archived-snapshot" // an EBS snapshot in the archive tier
	AddressLine     LineKind = "public-ipv4"       // a public IPv4 address, in use or idle
	HostLine        LineKind = "dedicated-host"    // a Dedicated Host; its instances cost nothing
	ReservationLine LineKind = "unused-capacity"   // the part of a capacity reservation that is not in use
	CreditsLine     LineKind = "surplus-credits"   // CPU credits beyond what a burstable instance earns
	MonitoringLine  LineKind = "detailed-monitoring"
)

// Line is a cost that is neither an instance's hours nor a volume.
type Line struct {
	Target fleet.Target
	Kind   LineKind
	// ID is the resource: a snapshot, an allocation or an address, a host, a
	// reservation; of credits and monitoring the instance.
	ID   string
	Name string
	// Of is what it belongs to: the volume of a snapshot, the instance of an
	// address. Empty where there is none.
	ParentID string
	Type     string // instance type or family, where it has one
	Zone     fleet.Zone
	State    string
	// Since is when it began, zero where that is not known.
	Since time.Time
	// Quantity is how much is billed, in Unit: GiB, addresses, hosts, instances,
	// vCPU-hours so far, metrics.
	Quantity float64
	Unit     string

	Price  *Price
	Status price.Status
	Note   string
	// ToDate is this month so far, Monthly a full month (730 hours) of what is
	// there now, Forecast the whole of this month.
	ToDate, Monthly, Forecast Amount
	Tags                      fleet.Tags // those of Options.Tags
	// HistoryID is the id that the history knows it by, where that is not ID.
	HistoryID string
	// UpperBound is true where the amounts are one, FromImage for a snapshot
	// that EC2 made for an image.
	UpperBound, FromImage bool
	// Kept is true for a snapshot that a backup policy made or adopted, and whose keep says
	// when it is deleted.
	Kept bool
	// Used is how many instances of a reservation run.
	Used int64
}

// Idle is true for an address that nothing uses.
func (l *Line) Idle() bool { return l.Kind == AddressLine && l.State == "idle" }
