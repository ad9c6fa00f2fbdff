package sandbox

import (
	"strings"
)

func noHost(id string) *apiError {
	return invalid("InvalidHostID.NotFound", "The host ID '"+id+"' does not exist")
}

// describeHosts is DescribeHosts.
func (c *ec2Call) describeHosts() *apiError {
	ids := c.form.texts("HostId")
	fs, err := readFilters(c.form, c.hostFilters(), "client-token", "host-reservation-id")
	if err != nil {
		return err
	}
	p, err := c.listing(500, len(fs) > 0, ids, "hostIdSet")
	if err != nil {
		return err
	}
	list, err := named(c.region.holdings.hosts, func(h *dedicatedHost) string { return h.id }, ids, noHost)
	if err != nil {
		return err
	}
	seq := func(h *dedicatedHost) uint64 { return h.seq }
	rows, token := cutPage(p, rest(p, list, seq, fs), func(h *dedicatedHost) (uint64, int) { return h.seq, 0 })
	c.out.open("hostSet")
	for _, h := range rows {
		c.out.open("item")
		c.host(h)
		c.out.end("item")
	}
	c.out.end("hostSet")
	c.out.some("nextToken", token)
	return nil
}

func (c *ec2Call) host(h *dedicatedHost) {
	d := c.out
	for _, i := range h.instances {
		i.settle(c.now)
	}
	d.text("hostId", h.id)
	d.text("autoPlacement", "on")
	d.text("availabilityZone", h.zone)
	d.text("state", "available")
	d.time("allocationTime", h.allocated)
	d.text("ownerId", c.region.owner)
	d.text("allowsMultipleInstanceTypes", "on")
	d.text("hostRecovery", "off")
	d.text("hostMaintenance", "on")
	d.open("hostProperties")
	d.number("cores", h.kind.cores)
	d.text("instanceFamily", h.kind.family)
	d.number("sockets", h.kind.sockets)
	d.number("totalVCpus", h.kind.cpus)
	d.end("hostProperties")
	free := h.free()
	d.open("availableCapacity")
	d.open("availableInstanceCapacity")
	for _, t := range c.org.types.family(h.kind.family) {
		d.open("item")
		d.text("instanceType", t.Name)
		d.number("availableCapacity", free/int64(t.VCPU))
		d.number("totalCapacity", h.kind.cpus/int64(t.VCPU))
		d.end("item")
	}
	d.end("availableInstanceCapacity")
	d.number("availableVCpus", free)
	d.end("availableCapacity")
	d.open("instances")
	for _, i := range h.instances {
		if !i.uses() {
			continue
		}
		d.open("item")
		d.text("instanceId", i.id)
		d.text("instanceType", i.kind.Name)
		d.text("ownerId", c.region.owner)
		d.end("item")
	}
	d.end("instances")
	d.tags(h.tags)
}

// hostFilters are the filters of DescribeHosts.
func (c *ec2Call) hostFilters() fields[*dedicatedHost] {
	return fields[*dedicatedHost]{
		"tag-key":           func(h *dedicatedHost) []string { return h.tags.keys() },
		"tag-value":         func(h *dedicatedHost) []string { return h.tags.values() },
		"auto-placement":    always[*dedicatedHost]("on"),
		"availability-zone": func(h *dedicatedHost) []string { return one(h.zone) },
		"instance-type":     always[*dedicatedHost](""), // it is for a whole family
		"state":             always[*dedicatedHost]("available"),
	}
}

// hostFor finds the host that a launch names or, for tenancy "host" without a
// name, one with room; nil for any other tenancy.
func (c *ec2Call) hostFor(l launch, id string, n int64) (*dedicatedHost, *apiError) {
	if l.tenancy != "host" {
		if id != "" {
			return nil, invalid("InvalidParameterCombination", "The host ID is only valid with the tenancy 'host'")
		}
		return nil, nil
	}
	need := n * int64(l.kind.VCPU)
	for _, h := range c.region.holdings.hosts {
		switch {
		case id != "" && h.id != id:
		case id != "" && h.zone != l.zone:
			return nil, invalid("InvalidParameterValue", "The host '"+id+"' is not in the Availability Zone "+l.zone)
		case id != "" && !strings.EqualFold(h.kind.family, l.kind.Family):
			return nil, invalid("UnsupportedInstanceTypeOnHost", "The instance type is not supported on the Dedicated Host.")
		case id != "" && h.free() < need:
			return nil, invalid("InsufficientCapacityOnHost", "There is not enough capacity on the Dedicated Host to launch or start the instance.")
		case h.kind.family == l.kind.Family && h.zone == l.zone && h.free() >= need:
			return h, nil
		}
	}
	if id != "" {
		return nil, noHost(id)
	}
	return nil, invalid("InsufficientCapacityOnHost", "There is no Dedicated Host with enough capacity for the instance.")
}
