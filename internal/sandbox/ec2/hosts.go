package ec2

import (
	"strings"

	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

func noHost(id string) *wire.Error {
	return wire.Invalid("InvalidHostID.NotFound", "The host ID '"+id+"' does not exist")
}

func (c *ec2Call) describeHosts() *wire.Error {
	ids := c.Params.Texts("HostId")
	fs, err := wire.ReadFilters(c.Params, c.hostFilters(), "client-token", "host-reservation-id")
	if err != nil {
		return err
	}
	p, err := c.listing(500, len(fs) > 0, ids, "hostIdSet")
	if err != nil {
		return err
	}
	list, err := named(c.Region.Other.Hosts, func(h *state.DedicatedHost) string { return h.ID }, ids, noHost)
	if err != nil {
		return err
	}
	seq := func(h *state.DedicatedHost) uint64 { return h.Seq }
	rows, token := wire.CutPage(p, wire.Remaining(p, list, seq, fs), func(h *state.DedicatedHost) (uint64, int) { return h.Seq, 0 })
	c.Out.Open("hostSet")
	for _, h := range rows {
		c.Out.Open("item")
		c.host(h)
		c.Out.End("item")
	}
	c.Out.End("hostSet")
	c.Out.Optional("nextToken", token)
	return nil
}

func (c *ec2Call) host(h *state.DedicatedHost) {
	d := c.Out
	for _, i := range h.Instances {
		i.Settle(c.Now)
	}
	d.Text("hostId", h.ID)
	d.Text("autoPlacement", "on")
	d.Text("availabilityZone", h.Zone)
	d.Text("state", "available")
	d.Time("allocationTime", h.Allocated)
	d.Text("ownerId", c.Region.Owner)
	d.Text("allowsMultipleInstanceTypes", "on")
	d.Text("hostRecovery", "off")
	d.Text("hostMaintenance", "on")
	d.Open("hostProperties")
	d.Number("cores", h.Kind.Cores)
	d.Text("instanceFamily", h.Kind.Family)
	d.Number("sockets", h.Kind.Sockets)
	d.Number("totalVCpus", h.Kind.CPUs)
	d.End("hostProperties")
	free := h.Free()
	d.Open("availableCapacity")
	d.Open("availableInstanceCapacity")
	for _, t := range c.Organization.Types.Family(h.Kind.Family) {
		d.Open("item")
		d.Text("instanceType", t.Name)
		d.Number("availableCapacity", free/int64(t.VCPU))
		d.Number("totalCapacity", h.Kind.CPUs/int64(t.VCPU))
		d.End("item")
	}
	d.End("availableInstanceCapacity")
	d.Number("availableVCpus", free)
	d.End("availableCapacity")
	d.Open("instances")
	for _, i := range h.Instances {
		if !i.UsesCapacity() {
			continue
		}
		d.Open("item")
		d.Text("instanceId", i.ID)
		d.Text("instanceType", i.Type.Name)
		d.Text("ownerId", c.Region.Owner)
		d.End("item")
	}
	d.End("instances")
	writeTags(d, h.Tags)
}

// hostFilters are the filters of DescribeHosts.
func (c *ec2Call) hostFilters() wire.Fields[*state.DedicatedHost] {
	return wire.Fields[*state.DedicatedHost]{
		"tag-key":           func(h *state.DedicatedHost) []string { return h.Tags.Keys() },
		"tag-value":         func(h *state.DedicatedHost) []string { return h.Tags.Values() },
		"auto-placement":    wire.Constant[*state.DedicatedHost]("on"),
		"availability-zone": func(h *state.DedicatedHost) []string { return wire.NonEmpty(h.Zone) },
		"instance-type":     wire.Constant[*state.DedicatedHost](""), // it is for a whole family
		"state":             wire.Constant[*state.DedicatedHost]("available"),
	}
}

// hostFor finds the host that a launch names or, for tenancy "host" without a
// name, one with room; nil for any other tenancy.
func (c *ec2Call) hostFor(l state.Launch, id string, n int64) (*state.DedicatedHost, *wire.Error) {
	if l.Tenancy != "host" {
		if id != "" {
			return nil, wire.Invalid("InvalidParameterCombination", "The host ID is only valid with the tenancy 'host'")
		}
		return nil, nil
	}
	need := n * int64(l.Type.VCPU)
	for _, h := range c.Region.Other.Hosts {
		switch {
		case id != "" && h.ID != id:
		case id != "" && h.Zone != l.Zone:
			return nil, wire.Invalid("InvalidParameterValue", "The host '"+id+"' is not in the Availability Zone "+l.Zone)
		case id != "" && !strings.EqualFold(h.Kind.Family, l.Type.Family):
			return nil, wire.Invalid("UnsupportedInstanceTypeOnHost", "The instance type is not supported on the Dedicated Host.")
		case id != "" && h.Free() < need:
			return nil, wire.Invalid("InsufficientCapacityOnHost", "There is not enough capacity on the Dedicated Host to launch or start the instance.")
		case h.Kind.Family == l.Type.Family && h.Zone == l.Zone && h.Free() >= need:
			return h, nil
		}
	}
	if id != "" {
		return nil, noHost(id)
	}
	return nil, wire.Invalid("InsufficientCapacityOnHost", "There is no Dedicated Host with enough capacity for the instance.")
}
