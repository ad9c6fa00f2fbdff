package sandbox

import (
	"time"
)

// holdings lists what a region was charged for beside instances and volumes in a
// span of time, which lies in one month: Dedicated Hosts, reserved capacity that
// nobody used, and snapshots. A bill names these by their ARN.
//
// Addresses, metrics and databases are not on the account's bill.
func (b *biller) holdings(r *region, from, to time.Time) []charge {
	var list []charge
	for _, h := range r.holdings.hosts {
		list = append(list, b.host(r, h, later(from, h.allocated), to)...)
	}
	for _, c := range r.holdings.capacity {
		end := to
		if !c.ended.IsZero() {
			end = earlier(to, c.ended)
		}
		list = append(list, b.unused(r, c, later(from, c.created), end)...)
	}
	billed := map[string]bool{} // volumes of which there is an older snapshot
	for _, s := range r.holdings.snapshots {
		if s.owner == r.owner {
			list = append(list, b.snapshot(r, s, billed[s.volume] && s.volume != copiedVolume, later(from, s.started), to)...)
			billed[s.volume] = billed[s.volume] || !s.archived
		}
	}
	return list
}

// host is the charge for a Dedicated Host, by the hour, whatever runs on it.
func (b *biller) host(r *region, h *dedicatedHost, from, to time.Time) []charge {
	c := charge{
		from: from, to: to, region: r.name, zone: h.zone, resource: r.arn("dedicated-host", h.id), kind: h.kind.family, tenancy: "Host",
		service: computeService, usage: b.prefix(r.name) + "HostUsage:" + h.kind.family, operation: linuxOperation, unit: "Hrs", tags: h.tags,
	}
	return b.byTheHour(c, "", int64(to.Sub(from)/time.Second))
}

// unused is the charge for the part of reserved capacity in which no instance
// ran: as much as though one had.
func (b *biller) unused(r *region, reserved *capacityReservation, from, to time.Time) []charge {
	seconds := reserved.total * int64(to.Sub(from)/time.Second)
	for _, i := range reserved.instances {
		for one := range i.runs(from, to) {
			seconds -= int64(one.to.Sub(one.from) / time.Second)
		}
	}
	c := charge{
		from: from, to: to, region: r.name, zone: reserved.zone, resource: r.arn("capacity-reservation", reserved.id),
		kind: reserved.kind.Name, tenancy: "Shared", service: computeService, unit: "Hrs", tags: reserved.tags,
		usage: b.prefix(r.name) + "UnusedBox:" + reserved.kind.Name, operation: linuxOperation,
	}
	for _, s := range systems() {
		if s.details == reserved.platform {
			c.operation = s.operation
		}
	}
	return b.byTheHour(c, reserved.kind.Name, seconds)
}

// byTheHour completes a charge for some seconds; none where there are none.
func (b *biller) byTheHour(c charge, shelf string, seconds int64) []charge {
	if seconds <= 0 || !c.from.Before(c.to) {
		return nil
	}
	c.quantity = float64(seconds) / 3600
	if c.product = b.product(c.from, c.region, c.usage, shelf, c.operation, ""); c.product != nil {
		c.list = c.product.usd.times(seconds, 3600)
	}
	c.cost = c.list
	return []charge{c}
}

// snapshotShare is the part of a snapshot's blocks, one in so many, that the one
// before it of the same volume does not have.
const snapshotShare = 16

// snapshot is the charge for a snapshot: for all its blocks, if it is archived or
// none of its volume is older, and else for those that differ.
func (b *biller) snapshot(r *region, s *ebsSnapshot, follows bool, from, to time.Time) []charge {
	seconds := int64(to.Sub(from) / time.Second)
	if seconds <= 0 {
		return nil
	}
	usage, mib := "EBS:SnapshotUsage", s.full>>20
	switch {
	case s.archived:
		usage = "EBS:SnapshotArchiveStorage"
	case follows:
		mib /= snapshotShare
	}
	month := monthOf(from)
	whole := int64(month.AddDate(0, 1, 0).Sub(month) / time.Second)
	c := charge{
		from: from, to: to, region: r.name, resource: r.arn("snapshot", s.id), service: otherService,
		usage: b.prefix(r.name) + usage, operation: "CreateSnapshot", unit: "GB-Mo", tags: s.tags,
		quantity: float64(mib*seconds) / float64(1024*whole),
	}
	if c.product = b.product(from, r.name, c.usage, "", "", ""); c.product != nil {
		c.unit = c.product.unit
		c.list = c.product.usd.times(mib*seconds, 1024*whole)
	}
	c.cost = c.list
	return []charge{c}
}
