package reconcile

import (
	"math"
	"strings"
	"time"

	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

const (
	instanceKind = "instance"
	volumeKind   = "volume"
)

type resourceKey struct {
	account  fleet.Account
	id, kind string
}

// resource is a resource of the report, the bill or both. Of the first three one is
// set where the report has it.
type resource struct {
	instance *cost.Instance
	volume   *cost.Volume
	line     *cost.Line
	// asBilled is true where the hours of the report in the same time are those of
	// the bill.
	asBilled bool

	target   fleet.Target
	id, kind string
	list     cost.Amount // month to date

	lines     int
	billed    price.USD
	effective cost.Amount
	hours     float64
	// worth is what the billed quantities cost at the report's prices.
	worth price.USD
	// standard and standardList are what was paid on demand, and the list's
	// amount for the same.
	standard, standardList price.USD
	causes                 map[Label]price.USD
}

func (e *resource) listed() bool { return e.instance != nil || e.volume != nil || e.line != nil }

// nothing is true for what neither costs nor should.
func (e *resource) nothing() bool {
	return e.lines == 0 && e.list.Known && e.list.USD == 0
}

func (e *resource) explain(label Label, u price.USD) {
	if u == 0 {
		return
	}
	if e.causes == nil {
		e.causes = map[Label]price.USD{}
	}
	e.causes[label] = e.causes[label].Add(u)
}

// find is the resource that a line belongs to; a new one where the report has
// none.
func (c *reconciliation) find(line price.BillLine) *resource {
	kind, _ := kindOf(line)
	if e := c.resources[resourceKey{line.Account, line.Resource, kind}]; e != nil {
		return e
	}
	natural := kindOfID(line.Resource)
	for _, other := range []string{natural, string(cost.ArchiveLine)} {
		if e := c.resources[resourceKey{line.Account, line.Resource, other}]; e != nil {
			return e
		}
	}
	return c.put(fleet.Target{Account: line.Account, Region: line.Region}, line.Resource, natural, &resource{})
}

// kindOfID is the kind of a resource by its id.
func kindOfID(id string) string {
	prefix, _, _ := strings.Cut(id, "-")
	switch prefix {
	case "i":
		return instanceKind
	case "vol":
		return volumeKind
	case "snap":
		return string(cost.SnapshotLine)
	case "eipalloc", "eni":
		return string(cost.AddressLine)
	case "h":
		return string(cost.HostLine)
	case "cr":
		return string(cost.ReservationLine)
	}
	return "other"
}

// kindOf is the kind of row that a line belongs to by its usage type, or by its
// resource and unit where the bill has none. It is false for usage that the
// report does not price. See "Understanding your AWS usage report" in the AWS
// Cost and Usage Report guide.
func kindOf(line price.BillLine) (string, bool) {
	natural := kindOfID(line.Resource)
	if line.UsageType == "" {
		switch line.Unit {
		case "Hrs", "GB-Mo", "IOPS-Mo", "GiBps-mo":
			return natural, natural != "other"
		}
		return natural, false
	}
	dimension := price.WithoutRegion(line.UsageType)
	name, _, _ := strings.Cut(dimension, ":")
	switch {
	case natural == instanceKind && price.IsRunning(line.UsageType):
		return instanceKind, true
	case strings.HasPrefix(dimension, "EBS:VolumeIOUsage"):
		return volumeKind, false
	case strings.HasPrefix(dimension, "EBS:Volume"):
		return volumeKind, true
	case dimension == price.SnapshotStorage:
		return string(cost.SnapshotLine), true
	case dimension == price.SnapshotArchive:
		return string(cost.ArchiveLine), true
	case name == "PublicIPv4", name == "ElasticIP":
		return string(cost.AddressLine), true
	case name == "HostUsage":
		return string(cost.HostLine), true
	case name == "UnusedBox", name == "UnusedDed":
		return string(cost.ReservationLine), true
	case name == "CPUCredits":
		return string(cost.CreditsLine), true
	case dimension == price.Metric:
		return string(cost.MonitoringLine), true
	}
	return natural, false
}

// prefixOf is what a usage type begins with in a region.
func prefixOf(usageType string) string {
	return strings.TrimSuffix(usageType, price.WithoutRegion(usageType))
}

// spot is true for what the Spot market priced.
func spot(line price.BillLine) bool {
	return line.Pricing == "Dynamic" || strings.Contains(line.UsageType, "SpotUsage")
}

// committed is true for what a Savings Plan or a reservation paid. Where the
// bill does not say, it shows in an effective cost that is not the billed one.
func committed(line price.BillLine) bool {
	return line.Commitment != "" || line.Pricing == "Committed" ||
		line.Pricing == "" && line.Effective != nil && *line.Effective != line.Billed
}

func usage(line price.BillLine) bool { return line.Kind == "Usage" || line.Kind == "" }

// add adds a line to the resource. Whatever it decides, the causes and worth
// together grow by what was billed.
func (e *resource) add(line price.BillLine) {
	e.lines++
	e.billed = e.billed.Add(line.Billed)
	if e.lines == 1 {
		e.effective = cost.Known(0)
	}
	if line.Effective == nil {
		e.effective = cost.Amount{}
	} else {
		e.effective = e.effective.Plus(cost.Known(*line.Effective))
	}
	_, priced := kindOf(line)
	switch {
	case line.Kind == "Tax":
		e.explain(Tax, line.Billed)
	case line.Kind == "Credit", line.Kind == "Adjustment":
		e.explain(Credit, line.Billed)
	case line.Kind == "Purchase":
		e.explain(Commitment, line.Billed)
	case !e.listed():
		e.countHours(line, priced)
		e.explain(OnlyInBill, line.Billed)
	case !priced:
		e.explain(OtherUsage, line.Billed)
	default:
		e.countHours(line, priced)
		e.compare(line)
	}
}

func (e *resource) countHours(line price.BillLine, priced bool) {
	if priced && e.kind == instanceKind && line.Unit == "Hrs" {
		e.hours += line.Quantity
	}
}

// compare explains why the usage of a line does not cost what the report's
// prices make of it.
func (e *resource) compare(line price.BillLine) {
	worth, ok := e.price(line)
	if !ok && !e.list.Known {
		e.explain(Unknown, line.Billed)
		return
	}
	list := worth
	switch {
	case !ok && line.List != nil: // such as the gp2 rate of what is gp3 by now
		worth, list = *line.List, *line.List
	case !ok:
		worth, list = line.Billed, line.Billed
	case line.List != nil && !spot(line) && line.Quantity != 0:
		list = *line.List
	}
	e.worth = e.worth.Add(worth)
	e.explain(ListPrice, list.Add(-worth))
	below := line.Billed.Add(-list)
	switch {
	case spot(line):
		e.explain(Spot, below)
	case committed(line):
		e.explain(Commitment, below)
	case line.Billed == 0 && (line.Effective == nil || *line.Effective == 0):
		e.explain(Credit, below) // free tier
	case line.Quantity == 0 && line.Billed < 0:
		e.explain(PrivateRate, below) // a discount on a line of its own
	default:
		e.standard, e.standardList = e.standard.Add(line.Billed), e.standardList.Add(list)
	}
}

// price is what the quantity of a line costs at the report's price.
func (e *resource) price(line price.BillLine) (price.USD, bool) {
	switch {
	case e.instance != nil:
		hourly := e.instance.Mean
		if hourly == 0 {
			if !e.instance.Price.Status.Usable() {
				return 0, false
			}
			hourly = e.instance.Price.Rate.USD
		}
		return times(hourly, line.Quantity), true
	case e.volume != nil:
		dimension, _ := price.DimensionOf(line.UsageType)
		for _, part := range e.volume.Parts {
			if part.Price.Item == dimension && part.Price.Status.Usable() {
				return times(part.Price.Rate.USD, line.Quantity), true
			}
		}
		return 0, false
	default:
		if !e.line.Price.Status.Usable() {
			return 0, false
		}
		return times(e.line.Price.Rate.USD, line.Quantity), true
	}
}

// times is the cost of a quantity with nine decimals.
func times(u price.USD, quantity float64) price.USD {
	const decimals = 1_000_000_000
	if math.Abs(quantity) > decimals {
		return u.Times(int64(math.Round(quantity)), 1)
	}
	return u.Times(int64(math.Round(quantity*decimals)), decimals)
}

// lasting is what the resource costs in a time of the month.
func (e *resource) lasting(d, month time.Duration) price.USD {
	switch {
	case e.instance != nil:
		return e.instance.Spent(d).USD
	case e.volume != nil:
		return e.volume.Monthly.USD.Times(cost.Seconds(d), cost.Seconds(month))
	case e.line.Kind == cost.SnapshotLine, e.line.Kind == cost.ArchiveLine:
		return e.line.Monthly.USD.Times(cost.Seconds(d), cost.Seconds(month))
	}
	return e.line.Monthly.USD.Times(cost.Seconds(d), cost.Seconds(cost.RunRateMonth))
}

func (e *resource) name() string {
	switch {
	case e.instance != nil:
		return e.instance.Name
	case e.volume != nil:
		return e.volume.Name
	case e.line != nil:
		return e.line.Name
	}
	return e.id
}

// assumed is true where the report does not know the quantity.
func (e *resource) assumed() bool {
	switch {
	case e.instance != nil:
		return e.instance.Hours != e.instance.AtLeast || e.instance.Hours != e.instance.AtMost
	case e.line != nil:
		return e.line.Status == price.Fallback
	}
	return false
}
