package sandbox

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// describeInstances is DescribeInstances. A page is cut between reservations
// unless one is larger than the page.
func (c *ec2Call) describeInstances() *apiError {
	ids := c.form.texts("InstanceId")
	fs, err := readFilters(c.form, c.instanceFilters(), otherInstanceFilters()...)
	if err != nil {
		return err
	}
	c.form.accept("IncludeManagedResources")
	p, err := c.listing(1000, len(fs) > 0, ids, "instancesSet")
	if err != nil {
		return err
	}
	keep := func(i *instance) bool { return matchAll(fs, i) }
	candidates := c.region.reservations
	if len(ids) > 0 {
		found, err := c.instancesNamed(ids)
		if err != nil {
			return err
		}
		only := make(map[*instance]bool, len(found))
		for _, i := range found {
			only[i] = true
		}
		keep = func(i *instance) bool { return only[i] && matchAll(fs, i) }
		candidates = reservationsOf(found)
	}
	groups, token := c.pageOfReservations(p, candidates, keep)
	instances := 0
	for _, g := range groups {
		instances += len(g)
	}
	c.out.grow(instances * instanceBytes)
	c.out.open("reservationSet")
	for _, g := range groups {
		c.out.open("item")
		c.out.reservation(c.region.owner, g[0].reservation)
		c.out.open("instancesSet")
		for _, i := range g {
			c.out.open("item")
			c.out.instance(c, i)
			c.out.end("item")
		}
		c.out.end("instancesSet")
		c.out.end("item")
	}
	c.out.end("reservationSet")
	c.out.some("nextToken", token)
	return nil
}

// instanceBytes is about the size of one instance in an answer.
const instanceBytes = 5 << 10

// reservationsOf lists the reservations of some instances, each once and in
// order.
func reservationsOf(list []*instance) []*reservation {
	all := make([]*reservation, len(list))
	for n, i := range list {
		all[n] = i.reservation
	}
	slices.SortFunc(all, func(a, b *reservation) int { return cmp.Compare(a.seq, b.seq) })
	return slices.Compact(all)
}

// pageOfReservations groups the instances of a page by reservation; candidates
// are in order.
func (c *ec2Call) pageOfReservations(p page, candidates []*reservation, keep func(*instance) bool) ([][]*instance, string) {
	if p.empty {
		return nil, p.token(p.seq, p.index, true)
	}
	var groups [][]*instance
	left := p.size
	last := func() string {
		g := groups[len(groups)-1]
		i := g[len(g)-1]
		return p.token(i.reservation.seq, i.index, false)
	}
	if p.begun {
		candidates = candidates[sort.Search(len(candidates), func(n int) bool { return candidates[n].seq >= p.seq }):]
	}
	for _, res := range candidates {
		var g []*instance
		for _, i := range res.instances {
			if !p.after(res.seq, i.index) {
				continue
			}
			i.settle(c.now)
			if !i.gone && !c.hidden(i) && keep(i) {
				g = append(g, i)
			}
		}
		if len(g) == 0 {
			continue
		}
		if p.size > 0 {
			switch {
			case left == 0, len(g) > left && len(groups) > 0:
				return groups, last()
			case len(g) > left:
				groups = append(groups, g[:left])
				return groups, last()
			}
			left -= len(g)
		}
		groups = append(groups, g)
	}
	return groups, ""
}

func (d *doc) reservation(owner string, res *reservation) {
	d.text("reservationId", res.id)
	d.text("ownerId", owner)
	d.some("requesterId", res.requester)
	d.open("groupSet")
	d.end("groupSet")
}

// defaultGroup is the name of a VPC's own security group.
const defaultGroup = "default"

func (d *doc) securityGroups(r *region) {
	d.open("groupSet")
	d.open("item")
	d.text("groupId", r.network.securityGroup)
	d.text("groupName", defaultGroup)
	d.end("item")
	d.end("groupSet")
}

// instance writes one instance as DescribeInstances and RunInstances do.
func (d *doc) instance(c *ec2Call, i *instance) {
	shown, r := c.shown(i), c.region
	live := shown.state != terminated
	d.text("instanceId", i.id)
	d.text("imageId", i.image)
	d.state("instanceState", shown.state)
	if live {
		d.text("privateDnsName", i.privateName(r.name))
	} else {
		d.text("privateDnsName", "")
	}
	d.text("dnsName", r.publicName(i.publicIP(shown.state)))
	d.text("reason", shown.transition)
	d.some("keyName", i.key)
	d.number("amiLaunchIndex", int64(i.index))
	d.products(i.products)
	d.text("instanceType", i.kind.Name)
	d.time("launchTime", shown.launch)
	d.open("placement")
	d.text("availabilityZone", i.zone)
	d.text("groupName", "")
	d.text("tenancy", i.tenancy)
	if i.host != nil {
		d.text("affinity", "host")
		d.text("hostId", i.host.id)
	}
	d.end("placement")
	d.some("platform", i.platform())
	d.open("monitoring")
	d.text("state", enabledText(i.monitored))
	d.end("monitoring")
	if live {
		d.text("subnetId", r.network.subnets[i.zone])
		d.text("vpcId", r.network.vpc)
		d.text("privateIpAddress", i.ip)
		d.some("ipAddress", i.publicIP(shown.state))
		d.flag("sourceDestCheck", true)
		d.securityGroups(r)
	}
	if shown.reason != "" {
		d.open("stateReason")
		d.text("code", shown.reason)
		d.text("message", shown.message)
		d.end("stateReason")
	}
	d.text("architecture", i.kind.Architecture)
	d.text("rootDeviceType", i.rootType())
	d.text("rootDeviceName", i.system.rootDevice)
	d.blockDevices(c.now, i)
	d.text("virtualizationType", "hvm")
	d.text("clientToken", i.clientToken)
	d.tags(i.tags)
	d.text("hypervisor", "xen")
	if live {
		d.networkInterface(r, i, shown.state)
	}
	if i.profile != "" {
		d.open("iamInstanceProfile")
		d.text("arn", i.profileARN(r.owner))
		d.text("id", "AIPAPRACTICE000000001")
		d.end("iamInstanceProfile")
	}
	d.flag("ebsOptimized", i.ebsOptimized)
	d.flag("enaSupport", true)
	d.some("instanceLifecycle", i.lifecycle())
	d.some("spotInstanceRequestId", i.spotID())
	d.open("cpuOptions")
	d.number("coreCount", i.cores)
	d.number("threadsPerCore", i.threads)
	d.end("cpuOptions")
	d.some("capacityReservationId", i.usedReservation())
	d.reservationTarget(i)
	d.open("hibernationOptions")
	d.flag("configured", i.hibernation)
	d.end("hibernationOptions")
	d.open("enclaveOptions")
	d.flag("enabled", false)
	d.end("enclaveOptions")
	d.open("metadataOptions")
	d.text("state", "applied")
	d.text("httpTokens", "required")
	d.number("httpPutResponseHopLimit", 2)
	d.text("httpEndpoint", "enabled")
	d.text("httpProtocolIpv6", "disabled")
	d.text("instanceMetadataTags", "disabled")
	d.end("metadataOptions")
	d.some("bootMode", i.bootMode())
	d.text("platformDetails", i.system.details)
	d.text("usageOperation", i.system.operation)
	d.time("usageOperationUpdateTime", i.first)
	d.open("privateDnsNameOptions")
	d.text("hostnameType", "ip-name")
	d.flag("enableResourceNameDnsARecord", false)
	d.flag("enableResourceNameDnsAAAARecord", false)
	d.end("privateDnsNameOptions")
	d.open("maintenanceOptions")
	d.text("autoRecovery", "default")
	d.end("maintenanceOptions")
	d.text("currentInstanceBootMode", i.currentBootMode())
}

func (d *doc) products(codes []string) {
	if len(codes) == 0 {
		return
	}
	d.open("productCodes")
	d.productItems(codes)
	d.end("productCodes")
}

func (d *doc) productItems(codes []string) {
	for _, code := range codes {
		d.open("item")
		d.text("productCode", code)
		d.text("type", "marketplace")
		d.end("item")
	}
}

func (d *doc) blockDevices(now time.Time, i *instance) {
	d.open("blockDeviceMapping")
	for _, a := range i.attached {
		d.open("item")
		d.text("deviceName", a.device)
		d.open("ebs")
		d.text("volumeId", a.volume.id)
		d.text("status", a.status(now))
		d.time("attachTime", a.since)
		d.flag("deleteOnTermination", a.deleteToo)
		d.end("ebs")
		d.end("item")
	}
	d.end("blockDeviceMapping")
}

// networkInterface writes the primary network interface, whose attachment
// keeps the time of the first launch.
func (d *doc) networkInterface(r *region, i *instance, in state) {
	d.open("networkInterfaceSet")
	d.open("item")
	d.text("networkInterfaceId", i.interfaceID())
	d.text("subnetId", r.network.subnets[i.zone])
	d.text("vpcId", r.network.vpc)
	d.text("description", "")
	d.text("ownerId", r.owner)
	d.text("status", "in-use")
	d.text("macAddress", i.mac)
	d.text("privateIpAddress", i.ip)
	d.text("privateDnsName", i.privateName(r.name))
	d.flag("sourceDestCheck", true)
	d.securityGroups(r)
	d.open("attachment")
	d.text("attachmentId", i.interfaceAttachmentID())
	d.number("deviceIndex", 0)
	d.text("status", "attached")
	d.time("attachTime", i.first)
	d.flag("deleteOnTermination", true)
	d.number("networkCardIndex", 0)
	d.end("attachment")
	d.open("privateIpAddressesSet")
	d.open("item")
	d.text("privateIpAddress", i.ip)
	d.text("privateDnsName", i.privateName(r.name))
	d.flag("primary", true)
	d.publicAssociation(r, i, in)
	d.end("item")
	d.end("privateIpAddressesSet")
	d.publicAssociation(r, i, in)
	d.text("interfaceType", "interface")
	d.end("item")
	d.end("networkInterfaceSet")
}

func (i *instance) spotID() string {
	if i.spot == nil {
		return ""
	}
	return i.spot.id
}

func enabledText(v bool) string {
	if v {
		return "enabled"
	}
	return "disabled"
}

func iso(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// describeSpots is DescribeSpotInstanceRequests.
func (c *ec2Call) describeSpots() *apiError {
	ids := c.form.texts("SpotInstanceRequestId")
	fs, err := readFilters(c.form, c.spotFilters(), otherSpotFilters()...)
	if err != nil {
		return err
	}
	p, err := c.listing(1000, len(fs) > 0, ids, "")
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, id := range ids {
		if !wellFormed(id, "sir-") {
			return invalid("InvalidSpotInstanceRequestID.Malformed", `Invalid id: "`+id+`"`)
		}
		if _, err := c.region.resource(id); err != nil {
			return invalid("InvalidSpotInstanceRequestID.NotFound", "The spot instance request ID '"+id+"' does not exist")
		}
		wanted[id] = true
	}
	var rows []*spotRequest
	for _, s := range c.region.spots {
		s.instance.settle(c.now)
		if p.after(s.seq, 0) && (len(ids) == 0 || wanted[s.id]) && matchAll(fs, s) {
			rows = append(rows, s)
		}
	}
	rows, token := cutPage(p, rows, func(s *spotRequest) (uint64, int) { return s.seq, 0 })
	c.out.open("spotInstanceRequestSet")
	for _, s := range rows {
		c.out.open("item")
		c.out.spotRequest(c.region, s)
		c.out.end("item")
	}
	c.out.end("spotInstanceRequestSet")
	c.out.some("nextToken", token)
	return nil
}

func (d *doc) spotRequest(r *region, s *spotRequest) {
	i := s.instance
	d.text("spotInstanceRequestId", s.id)
	d.text("spotPrice", s.price)
	d.text("type", s.kind())
	d.text("state", s.state)
	d.open("status")
	d.text("code", s.status)
	d.time("updateTime", s.updated)
	d.text("message", s.message)
	d.end("status")
	d.open("launchSpecification")
	d.text("imageId", i.image)
	d.securityGroups(r)
	d.text("instanceType", i.kind.Name)
	d.open("placement")
	d.text("availabilityZone", i.zone)
	d.end("placement")
	d.open("monitoring")
	d.flag("enabled", i.monitored)
	d.end("monitoring")
	d.text("subnetId", r.network.subnets[i.zone])
	d.end("launchSpecification")
	d.text("instanceId", i.id)
	d.time("createTime", s.created)
	d.text("productDescription", spotProduct(i.system))
	d.tags(s.tags)
	d.text("launchedAvailabilityZone", i.zone)
	d.text("instanceInterruptionBehavior", interruption(s))
}

func spotProduct(s system) string {
	if s.windows {
		return "Windows"
	}
	return "Linux/UNIX"
}

func interruption(s *spotRequest) string {
	if s.persistent {
		return "stop"
	}
	return "terminate"
}
