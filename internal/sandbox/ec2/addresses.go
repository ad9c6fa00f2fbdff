package ec2

import (
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// writePublicAssociation writes the public address of a network interface.
func writePublicAssociation(d *wire.Doc, r *state.Region, i *state.Instance, in state.InstanceState) {
	ip := i.PublicIP(in)
	if ip == "" {
		return
	}
	d.Open("association")
	d.Text("ipOwnerId", i.IPOwner(r, in))
	d.Text("publicDnsName", r.PublicName(ip))
	d.Text("publicIp", ip)
	d.End("association")
}

func noAllocation(id string) *wire.Error {
	return wire.Invalid("InvalidAllocationID.NotFound", "The allocation ID '"+id+"' does not exist")
}

// describeAddresses is DescribeAddresses, which has no pages.
func (c *ec2Call) describeAddresses() *wire.Error {
	ids, ips := c.Params.Texts("AllocationId"), c.Params.Texts("PublicIp")
	fs, err := wire.ReadFilters(c.Params, c.addressFilters())
	if err != nil {
		return err
	}
	if err := c.readOnly(); err != nil {
		return err
	}
	c.resources = len(ids) + len(ips)
	list := c.Region.Other.Addresses
	if list, err = named(list, func(a *state.Address) string { return a.ID }, ids, noAllocation); err != nil {
		return err
	}
	list, err = named(list, func(a *state.Address) string { return a.IP }, ips, func(ip string) *wire.Error {
		return wire.Invalid("InvalidAddress.NotFound", "Address '"+ip+"' not found.")
	})
	if err != nil {
		return err
	}
	c.Out.Open("addressesSet")
	for _, a := range list {
		if !wire.MatchAll(fs, a) {
			continue
		}
		c.Out.Open("item")
		writeAddress(c.Out, c.Region, a)
		c.Out.End("item")
	}
	c.Out.End("addressesSet")
	return nil
}

func writeAddress(d *wire.Doc, r *state.Region, a *state.Address) {
	d.Text("publicIp", a.IP)
	d.Text("allocationId", a.ID)
	d.Text("domain", "vpc")
	d.Optional("instanceId", a.InstanceID())
	d.Optional("associationId", a.Association)
	if nic := a.InterfaceID(); nic != "" {
		d.Text("networkInterfaceId", nic)
		d.Text("networkInterfaceOwnerId", r.Owner)
	}
	d.Optional("privateIpAddress", a.PrivateIP())
	writeTags(d, a.Tags)
	d.Text("publicIpv4Pool", "amazon")
	d.Text("networkBorderGroup", r.Name)
}

// addressFilters are the filters of DescribeAddresses.
func (c *ec2Call) addressFilters() wire.Fields[*state.Address] {
	return wire.Fields[*state.Address]{
		"tag-key":              func(a *state.Address) []string { return a.Tags.Keys() },
		"tag-value":            func(a *state.Address) []string { return a.Tags.Values() },
		"allocation-id":        func(a *state.Address) []string { return wire.NonEmpty(a.ID) },
		"association-id":       func(a *state.Address) []string { return wire.NonEmpty(a.Association) },
		"domain":               wire.Constant[*state.Address]("vpc"),
		"instance-id":          func(a *state.Address) []string { return wire.NonEmpty(a.InstanceID()) },
		"network-border-group": wire.Constant[*state.Address](c.Region.Name),
		"network-interface-id": func(a *state.Address) []string { return wire.NonEmpty(a.InterfaceID()) },
		"network-interface-owner-id": func(a *state.Address) []string {
			if a.InterfaceID() == "" {
				return nil
			}
			return wire.NonEmpty(c.Region.Owner)
		},
		"private-ip-address": func(a *state.Address) []string { return wire.NonEmpty(a.PrivateIP()) },
		"public-ip":          func(a *state.Address) []string { return wire.NonEmpty(a.IP) },
	}
}

// publicFilters are the filters of DescribeInstances about public addresses.
func (c *ec2Call) publicFilters() wire.Fields[*state.Instance] {
	ip := func(i *state.Instance) []string { return wire.NonEmpty(i.PublicIP(c.shown(i).State)) }
	name := func(i *state.Instance) []string {
		return wire.NonEmpty(c.Region.PublicName(i.PublicIP(c.shown(i).State)))
	}
	owner := func(i *state.Instance) []string { return wire.NonEmpty(i.IPOwner(c.Region, c.shown(i).State)) }
	allocation := func(i *state.Instance) []string {
		if i.ElasticIP == nil {
			return nil
		}
		return wire.NonEmpty(i.ElasticIP.ID)
	}
	association := func(i *state.Instance) []string {
		if i.ElasticIP == nil {
			return nil
		}
		return wire.NonEmpty(i.ElasticIP.Association)
	}
	known := wire.Fields[*state.Instance]{
		"ip-address":                        ip,
		"dns-name":                          name,
		"network-interface.public-dns-name": name,
	}
	for _, at := range []string{"network-interface.association.", "network-interface.addresses.association."} {
		known[at+"public-ip"] = ip
		known[at+"public-dns-name"] = name
		known[at+"ip-owner-id"] = owner
		known[at+"allocation-id"] = allocation
		known[at+"association-id"] = association
	}
	return known
}
