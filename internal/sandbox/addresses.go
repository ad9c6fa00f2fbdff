package sandbox

// publicAssociation writes the public address of a network interface.
func (d *doc) publicAssociation(r *region, i *instance, in state) {
	ip := i.publicIP(in)
	if ip == "" {
		return
	}
	d.open("association")
	d.text("ipOwnerId", i.ipOwner(r, in))
	d.text("publicDnsName", r.publicName(ip))
	d.text("publicIp", ip)
	d.end("association")
}

func noAllocation(id string) *apiError {
	return invalid("InvalidAllocationID.NotFound", "The allocation ID '"+id+"' does not exist")
}

// describeAddresses is DescribeAddresses, which has no pages.
func (c *ec2Call) describeAddresses() *apiError {
	ids, ips := c.form.texts("AllocationId"), c.form.texts("PublicIp")
	fs, err := readFilters(c.form, c.addressFilters())
	if err != nil {
		return err
	}
	if err := c.readOnly(); err != nil {
		return err
	}
	c.resources = len(ids) + len(ips)
	list := c.region.holdings.addresses
	if list, err = named(list, func(a *address) string { return a.id }, ids, noAllocation); err != nil {
		return err
	}
	list, err = named(list, func(a *address) string { return a.ip }, ips, func(ip string) *apiError {
		return invalid("InvalidAddress.NotFound", "Address '"+ip+"' not found.")
	})
	if err != nil {
		return err
	}
	c.out.open("addressesSet")
	for _, a := range list {
		if !matchAll(fs, a) {
			continue
		}
		c.out.open("item")
		c.out.address(c.region, a)
		c.out.end("item")
	}
	c.out.end("addressesSet")
	return nil
}

func (d *doc) address(r *region, a *address) {
	d.text("publicIp", a.ip)
	d.text("allocationId", a.id)
	d.text("domain", "vpc")
	d.some("instanceId", a.instanceID())
	d.some("associationId", a.association)
	if nic := a.interfaceID(); nic != "" {
		d.text("networkInterfaceId", nic)
		d.text("networkInterfaceOwnerId", r.owner)
	}
	d.some("privateIpAddress", a.privateIP())
	d.tags(a.tags)
	d.text("publicIpv4Pool", "amazon")
	d.text("networkBorderGroup", r.name)
}

// addressFilters are the filters of DescribeAddresses.
func (c *ec2Call) addressFilters() fields[*address] {
	return fields[*address]{
		"tag-key":              func(a *address) []string { return a.tags.keys() },
		"tag-value":            func(a *address) []string { return a.tags.values() },
		"allocation-id":        func(a *address) []string { return one(a.id) },
		"association-id":       func(a *address) []string { return one(a.association) },
		"domain":               always[*address]("vpc"),
		"instance-id":          func(a *address) []string { return one(a.instanceID()) },
		"network-border-group": always[*address](c.region.name),
		"network-interface-id": func(a *address) []string { return one(a.interfaceID()) },
		"network-interface-owner-id": func(a *address) []string {
			if a.interfaceID() == "" {
				return nil
			}
			return one(c.region.owner)
		},
		"private-ip-address": func(a *address) []string { return one(a.privateIP()) },
		"public-ip":          func(a *address) []string { return one(a.ip) },
	}
}

// publicFilters are the filters of DescribeInstances about public addresses.
func (c *ec2Call) publicFilters() fields[*instance] {
	ip := func(i *instance) []string { return one(i.publicIP(c.shown(i).state)) }
	name := func(i *instance) []string { return one(c.region.publicName(i.publicIP(c.shown(i).state))) }
	owner := func(i *instance) []string { return one(i.ipOwner(c.region, c.shown(i).state)) }
	allocation := func(i *instance) []string {
		if i.elastic == nil {
			return nil
		}
		return one(i.elastic.id)
	}
	association := func(i *instance) []string {
		if i.elastic == nil {
			return nil
		}
		return one(i.elastic.association)
	}
	known := fields[*instance]{
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
