package billing

import (
	"time"

	"nightshift/internal/sandbox/catalog"
	"nightshift/internal/sandbox/state"
)

// otherResources lists what a region was charged for besides instances and
// volumes in a span of time, which lies in one month: Dedicated Hosts, reserved
// capacity that nobody used, and snapshots. A bill names these by their ARN.
//
// Addresses, metrics and databases are not on the account's bill.
func (b *biller) otherResources(r *state.Region, from, to time.Time) []charge {
	var list []charge
	for _, h := range r.Other.Hosts {
		list = append(list, b.host(r, h, state.Later(from, h.Allocated), to)...)
	}
	for _, c := range r.Other.Capacity {
		end := to
		if !c.Ended.IsZero() {
			end = state.Earlier(to, c.Ended)
		}
		list = append(list, b.unused(r, c, state.Later(from, c.Created), end)...)
	}
	billed := map[string]bool{} // volumes that have an older snapshot
	for _, s := range r.Other.Snapshots {
		if s.Owner == r.Owner {
			list = append(list, b.snapshot(r, s, billed[s.Volume] && s.Volume != state.CopiedVolume, state.Later(from, s.Started), to)...)
			billed[s.Volume] = billed[s.Volume] || !s.Archived
		}
	}
	return list
}

// host is the charge for a Dedicated Host, by the hour, whatever runs on it.
func (b *biller) host(r *state.Region, h *state.DedicatedHost, from, to time.Time) []charge {
	c := charge{
		from: from, to: to, region: r.Name, zone: h.Zone, resource: r.ARN("dedicated-host", h.ID), kind: h.Kind.Family, tenancy: "Host",
		service: computeService, usage: b.prefix(r.Name) + "HostUsage:" + h.Kind.Family, operation: catalog.LinuxOperation, unit: "Hrs", tags: h.Tags,
	}
	return b.byTheHour(c, "", int64(to.Sub(from)/time.Second))
}

// unused is the charge for the part of reserved capacity in which no instance
// ran: as much as though one had.
func (b *biller) unused(r *state.Region, reserved *state.CapacityReservation, from, to time.Time) []charge {
	seconds := reserved.Total * int64(to.Sub(from)/time.Second)
	for _, i := range reserved.Instances {
		for one := range i.Runs(from, to) {
			seconds -= int64(one.To.Sub(one.From) / time.Second)
		}
	}
	c := charge{
		from: from, to: to, region: r.Name, zone: reserved.Zone, resource: r.ARN("capacity-reservation", reserved.ID),
		kind: reserved.Type.Name, tenancy: "Shared", service: computeService, unit: "Hrs", tags: reserved.Tags,
		usage: b.prefix(r.Name) + "UnusedBox:" + reserved.Type.Name, operation: catalog.LinuxOperation,
	}
	for _, s := range state.Systems() {
		if s.PlatformDetails == reserved.Platform {
			c.operation = s.UsageOperation
		}
	}
	return b.byTheHour(c, reserved.Type.Name, seconds)
}

// byTheHour completes a charge for some seconds; none where there are none.
func (b *biller) byTheHour(c charge, section string, seconds int64) []charge {
	if seconds <= 0 || !c.from.Before(c.to) {
		return nil
	}
	c.quantity = float64(seconds) / 3600
	if c.product = b.product(c.from, c.region, c.usage, section, c.operation, ""); c.product != nil {
		c.list = c.product.USD.Times(seconds, 3600)
	}
	c.cost = c.list
	return []charge{c}
}

// snapshotShare is the part of a snapshot's blocks, one in n, that the one
// before it of the same volume does not have.
const snapshotShare = 16

// snapshot is the charge for a snapshot: for all its blocks, if it is archived or
// none of its volume is older, and else for those that differ.
func (b *biller) snapshot(r *state.Region, s *state.Snapshot, follows bool, from, to time.Time) []charge {
	seconds := int64(to.Sub(from) / time.Second)
	if seconds <= 0 {
		return nil
	}
	usage, mib := "EBS:SnapshotUsage", s.Full>>20
	switch {
	case s.Archived:
		usage = "EBS:SnapshotArchiveStorage"
	case follows:
		mib /= snapshotShare
	}
	month := monthOf(from)
	whole := int64(month.AddDate(0, 1, 0).Sub(month) / time.Second)
	c := charge{
		from: from, to: to, region: r.Name, resource: r.ARN("snapshot", s.ID), service: otherService,
		usage: b.prefix(r.Name) + usage, operation: "CreateSnapshot", unit: "GB-Mo", tags: s.Tags,
		quantity: float64(mib*seconds) / float64(1024*whole),
	}
	if c.product = b.product(from, r.Name, c.usage, "", "", ""); c.product != nil {
		c.unit = c.product.Unit
		c.list = c.product.USD.Times(mib*seconds, 1024*whole)
	}
	c.cost = c.list
	return []charge{c}
}
