package sandbox

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// address is an Elastic IP address.
type address struct {
	seq         uint64
	id          string // allocation id
	ip          string
	association string // id; empty while it is associated with nothing
	instance    *instance
	nic         string // the interface of something that is no instance
	tags        tags
}

// associate gives an instance an Elastic IP address, which it then has instead
// of one that comes and goes with each start.
func (a *address) associate(i *instance) {
	a.instance, a.association = i, "eipassoc-"+a.id[len("eipalloc-"):]
	i.elastic = a
}

// interfaceID is the network interface that the address leads to, if any.
func (a *address) interfaceID() string {
	if a.instance != nil {
		return a.instance.interfaceID()
	}
	return a.nic
}

func (a *address) privateIP() string {
	if a.instance != nil {
		return a.instance.ip
	}
	return ""
}

func (a *address) instanceID() string {
	if a.instance != nil {
		return a.instance.id
	}
	return ""
}

// publicAddress makes an IPv4 address out of a hash. They lie in 198.18.0.0/15,
// which is set aside for tests (RFC 2544), so that none is anybody's.
func publicAddress(h uint64) string {
	return fmt.Sprintf("198.%d.%d.%d", 18+h>>16&1, h>>8&0xff, 1+h&0x7f)
}

// publicIP is the public address of an instance in a state: its Elastic IP
// address or, where it gets one by itself, one that it has from each start to
// the next stop.
func (i *instance) publicIP(in state) string {
	switch {
	case in == terminated:
		return ""
	case i.elastic != nil:
		return i.elastic.ip
	case i.public && (in == pending || in == running):
		return publicAddress(mix(mixText(5, i.id), i.starts))
	}
	return ""
}

// publicName is the public DNS name of an address; empty for none.
func (r *region) publicName(ip string) string {
	if ip == "" {
		return ""
	}
	host := "ec2-" + strings.ReplaceAll(ip, ".", "-")
	if r.name == "us-east-1" {
		return host + ".compute-1.amazonaws.com"
	}
	return host + "." + r.name + ".compute.amazonaws.com"
}

// ipOwner is who owns an instance's public address.
func (i *instance) ipOwner(r *region, in state) string {
	switch {
	case i.publicIP(in) == "":
		return ""
	case i.elastic != nil:
		return r.owner
	}
	return "amazon"
}

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

// addAddress allocates an Elastic IP address.
func (r *region) addAddress(rng *rand.Rand, ts tags) *address {
	a := &address{seq: r.next(), id: longID(rng, "eipalloc"), tags: ts}
	a.ip = publicAddress(mixText(6, a.id))
	for n := uint64(7); slices.ContainsFunc(r.holdings.addresses, func(x *address) bool { return x.ip == a.ip }); n++ {
		a.ip = publicAddress(mixText(n, a.id))
	}
	r.holdings.addresses = append(r.holdings.addresses, a)
	return a
}
