package sandbox

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// hostKind is what the Dedicated Hosts of an instance family are made of.
type hostKind struct {
	family               string
	sockets, cores, cpus int64
}

// loadHosts reads the kinds of Dedicated Hosts, by family.
func loadHosts() (map[string]hostKind, error) {
	kinds := map[string]hostKind{}
	err := eachRow("hosts.csv", 4, func(r []string) error {
		k := hostKind{family: r[0]}
		for n, into := range []*int64{&k.sockets, &k.cores, &k.cpus} {
			v, err := strconv.ParseInt(r[n+1], 10, 64)
			if err != nil {
				return fmt.Errorf("host %s: %w", k.family, err)
			}
			*into = v
		}
		kinds[k.family] = k
		return nil
	})
	return kinds, err
}

// dedicatedHost is a Dedicated Host for all sizes of one family.
type dedicatedHost struct {
	seq       uint64
	id        string
	kind      hostKind
	zone      string
	allocated time.Time
	instances []*instance // placed on it, whatever their state
	tags      tags
}

func noHost(id string) *apiError {
	return invalid("InvalidHostID.NotFound", "The host ID '"+id+"' does not exist")
}

// free is how many vCPUs no instance uses.
func (h *dedicatedHost) free() int64 {
	left := h.kind.cpus
	for _, i := range h.instances {
		if i.uses() {
			left -= int64(i.kind.VCPU)
		}
	}
	return left
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
	for _, t := range c.sandbox.types.family(h.kind.family) {
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

// family lists the virtual sizes of an instance family, by name.
func (t typeTable) family(name string) []typeSpec {
	var sizes []typeSpec
	for _, full := range t.sorted {
		if s := t.specs[full]; s.Family == name && !s.BareMetal {
			sizes = append(sizes, s)
		}
	}
	return sizes
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

// put places an instance on a host.
func (h *dedicatedHost) put(i *instance) {
	i.tenancy, i.host = "host", h
	h.instances = append(h.instances, i)
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
