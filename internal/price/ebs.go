package price

import (
	"fmt"
	"strings"

	"nightshift/internal/fleet"
)

// VolumePart is one line of a volume's bill.
type VolumePart struct {
	Dimension string // "EBS:VolumeUsage.gp3"
	Quantity  int64
	Unit      string // "GiB", "IOPS" or "MiB/s"
	USD       USD    // for a full month
	Quote     Quote
}

// VolumeCost is what a volume costs in a full month.
type VolumeCost struct {
	Parts []VolumePart
	// USD is the sum of the parts that have a price; it is the whole cost only
	// where Status is usable.
	USD    USD
	Status Status
	Note   string
}

// What gp3 includes in the price of its storage, and where the tiers of io2
// begin (EBS pricing).
const (
	gp3FreeIOPS  = 3000
	gp3FreeMiBps = 125
	io2Tier1IOPS = 32_000
	io2Tier2IOPS = 64_000
)

// VolumePrice is what a volume costs in a full month at given rates: storage,
// IOPS and throughput, each from the price list's own row. The I/O requests of
// magnetic volumes are not in it; the note says so.
func VolumePrice(v fleet.Volume, rates Rates) VolumeCost {
	cost := VolumeCost{Status: Exact}
	add := func(dimension string, quantity int64, unit string) {
		if quantity > 0 {
			cost.add(dimension, quantity, unit, rates.Quote(dimension))
		}
	}
	switch v.Type {
	case fleet.GP2, fleet.ST1, fleet.SC1:
		add("EBS:VolumeUsage."+string(v.Type), v.SizeGiB, "GiB")
	case fleet.GP3:
		// Some rows of the IOPS rate begin at 3,000: that is this same free
		// share, which must not be taken off twice.
		add("EBS:VolumeUsage.gp3", v.SizeGiB, "GiB")
		add("EBS:VolumeP-IOPS.gp3", v.IOPS-gp3FreeIOPS, "IOPS")
		add("EBS:VolumeP-Throughput.gp3", v.ThroughputMiBps-gp3FreeMiBps, "MiB/s")
	case fleet.IO1:
		add("EBS:VolumeUsage.piops", v.SizeGiB, "GiB")
		add("EBS:VolumeP-IOPS.piops", v.IOPS, "IOPS")
	case fleet.IO2:
		add("EBS:VolumeUsage.io2", v.SizeGiB, "GiB")
		add("EBS:VolumeP-IOPS.io2", min(v.IOPS, io2Tier1IOPS), "IOPS")
		add("EBS:VolumeP-IOPS.io2.tier2", min(v.IOPS, io2Tier2IOPS)-io2Tier1IOPS, "IOPS")
		add("EBS:VolumeP-IOPS.io2.tier3", v.IOPS-io2Tier2IOPS, "IOPS")
	case fleet.Magnetic:
		add("EBS:VolumeUsage", v.SizeGiB, "GiB")
		cost.note("I/O requests are billed on top")
	default:
		cost.Status = Missing
		cost.note(fmt.Sprintf("no pricing rule for volume type %q", v.Type))
	}
	if elsewhere := outsideRegion(v.Target.Region, v.Zone); elsewhere != "" {
		cost.Status = Worst(cost.Status, Fallback)
		cost.note(elsewhere)
	}
	return cost
}

// add prices one part. The list states gp3 throughput per GiB/s, volumes have
// MiB/s.
func (c *VolumeCost) add(dimension string, quantity int64, unit string, q Quote) {
	part := VolumePart{Dimension: dimension, Quantity: quantity, Unit: unit, Quote: q}
	if q.Status.Usable() {
		den := int64(1)
		switch listed := strings.ToLower(q.Rate.Unit); {
		case unit == "GiB" && (listed == "gb-mo" || listed == "gb-month"),
			unit == "IOPS" && listed == "iops-mo",
			unit == "MiB/s" && listed == "mibps-mo":
		case unit == "MiB/s" && listed == "gibps-mo":
			den = 1024
		default:
			part.Quote = Quote{Status: Missing, SKU: q.SKU, Note: fmt.Sprintf("the price list states %s per %s, not per %s", dimension, q.Rate.Unit, unit)}
		}
		if part.Quote.Status.Usable() {
			part.USD = q.Rate.USD.Times(quantity, den)
		}
	}
	c.Parts = append(c.Parts, part)
	c.USD = c.USD.Add(part.USD)
	c.Status = Worst(c.Status, part.Quote.Status)
	c.note(part.Quote.Note)
}

func (c *VolumeCost) note(text string) {
	switch {
	case text == "" || strings.Contains(c.Note, text):
	case c.Note == "":
		c.Note = text
	default:
		c.Note += "; " + text
	}
}
