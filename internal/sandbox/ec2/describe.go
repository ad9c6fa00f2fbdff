package ec2

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// describeInstances is DescribeInstances. A page is cut between reservations
// unless one is larger than the page.
func (c *ec2Call) describeInstances() *wire.Error {
	ids := c.Params.Texts("InstanceId")
	fs, err := wire.ReadFilters(c.Params, c.instanceFilters(), otherInstanceFilters()...)
	if err != nil {
		return err
	}
	c.Params.Accept("IncludeManagedResources")
	p, err := c.listing(1000, len(fs) > 0, ids, "instancesSet")
	if err != nil {
		return err
	}
	matches := func(i *state.Instance) bool { return wire.MatchAll(fs, i) }
	candidates := c.Region.Reservations
	if len(ids) > 0 {
		found, err := c.instancesNamed(ids)
		if err != nil {
			return err
		}
		only := make(map[*state.Instance]bool, len(found))
		for _, i := range found {
			only[i] = true
		}
		matches = func(i *state.Instance) bool { return only[i] && wire.MatchAll(fs, i) }
		candidates = reservationsOf(found)
	}
	groups, token := c.pageOfReservations(p, candidates, matches)
	instances := 0
	for _, g := range groups {
		instances += len(g)
	}
	c.Out.Grow(instances * instanceBytes)
	c.Out.Open("reservationSet")
	for _, g := range groups {
		c.Out.Open("item")
		writeReservation(c.Out, c.Region.Owner, g[0].Reservation)
		c.Out.Open("instancesSet")
		for _, i := range g {
			c.Out.Open("item")
			writeInstance(c.Out, c, i)
			c.Out.End("item")
		}
		c.Out.End("instancesSet")
		c.Out.End("item")
	}
	c.Out.End("reservationSet")
	c.Out.Optional("nextToken", token)
	return nil
}

// instanceBytes is about the size of one instance in an answer.
const instanceBytes = 5 << 10

// reservationsOf lists the reservations of some instances, each once and in
// order.
func reservationsOf(list []*state.Instance) []*state.Reservation {
	all := make([]*state.Reservation, len(list))
	for n, i := range list {
		all[n] = i.Reservation
	}
	slices.SortFunc(all, func(a, b *state.Reservation) int { return cmp.Compare(a.Seq, b.Seq) })
	return slices.Compact(all)
}

// pageOfReservations groups the instances of a page by reservation; candidates
// are in order.
func (c *ec2Call) pageOfReservations(p wire.Page, candidates []*state.Reservation, matches func(*state.Instance) bool) ([][]*state.Instance, string) {
	if p.Empty {
		return nil, p.Token(p.Seq, p.Index, true)
	}
	var groups [][]*state.Instance
	left := p.Size
	last := func() string {
		g := groups[len(groups)-1]
		i := g[len(g)-1]
		return p.Token(i.Reservation.Seq, i.Index, false)
	}
	if p.Begun {
		candidates = candidates[sort.Search(len(candidates), func(n int) bool { return candidates[n].Seq >= p.Seq }):]
	}
	for _, res := range candidates {
		var g []*state.Instance
		for _, i := range res.Instances {
			if !p.After(res.Seq, i.Index) {
				continue
			}
			i.Settle(c.Now)
			if !i.Gone && !c.hidden(i) && matches(i) {
				g = append(g, i)
			}
		}
		if len(g) == 0 {
			continue
		}
		if p.Size > 0 {
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

func writeReservation(d *wire.Doc, owner string, res *state.Reservation) {
	d.Text("reservationId", res.ID)
	d.Text("ownerId", owner)
	d.Optional("requesterId", res.Requester)
	d.Open("groupSet")
	d.End("groupSet")
}

// defaultGroup is the name of a VPC's own security group.
const defaultGroup = "default"

func writeSecurityGroups(d *wire.Doc, r *state.Region) {
	d.Open("groupSet")
	d.Open("item")
	d.Text("groupId", r.Network.SecurityGroup)
	d.Text("groupName", defaultGroup)
	d.End("item")
	d.End("groupSet")
}

// writeInstance writes one instance as DescribeInstances and RunInstances do.
func writeInstance(d *wire.Doc, c *ec2Call, i *state.Instance) {
	shown, r := c.shown(i), c.Region
	live := shown.State != state.Terminated
	d.Text("instanceId", i.ID)
	d.Text("imageId", i.Image)
	writeState(d, "instanceState", shown.State)
	if live {
		d.Text("privateDnsName", i.PrivateName(r.Name))
	} else {
		d.Text("privateDnsName", "")
	}
	d.Text("dnsName", r.PublicName(i.PublicIP(shown.State)))
	d.Text("reason", shown.Transition)
	d.Optional("keyName", i.KeyName)
	d.Number("amiLaunchIndex", int64(i.Index))
	writeProducts(d, i.Products)
	d.Text("instanceType", i.Type.Name)
	d.Time("launchTime", shown.LaunchTime)
	d.Open("placement")
	d.Text("availabilityZone", i.Zone)
	d.Text("groupName", "")
	d.Text("tenancy", i.Tenancy)
	if i.Host != nil {
		d.Text("affinity", "host")
		d.Text("hostId", i.Host.ID)
	}
	d.End("placement")
	d.Optional("platform", i.Platform())
	d.Open("monitoring")
	d.Text("state", enabledText(i.Monitored))
	d.End("monitoring")
	if live {
		d.Text("subnetId", r.Network.Subnets[i.Zone])
		d.Text("vpcId", r.Network.VPC)
		d.Text("privateIpAddress", i.IP)
		d.Optional("ipAddress", i.PublicIP(shown.State))
		d.Flag("sourceDestCheck", true)
		writeSecurityGroups(d, r)
	}
	if shown.Reason != "" {
		d.Open("stateReason")
		d.Text("code", shown.Reason)
		d.Text("message", shown.Message)
		d.End("stateReason")
	}
	d.Text("architecture", i.Type.Architecture)
	d.Text("rootDeviceType", i.RootType())
	d.Text("rootDeviceName", i.System.RootDevice)
	writeBlockDevices(d, c.Now, i)
	d.Text("virtualizationType", "hvm")
	d.Text("clientToken", i.ClientToken)
	writeTags(d, i.Tags)
	d.Text("hypervisor", "xen")
	if len(i.Licenses) > 0 {
		d.Open("licenseSet")
		for _, arn := range i.Licenses {
			d.Open("item")
			d.Text("licenseConfigurationArn", arn)
			d.End("item")
		}
		d.End("licenseSet")
	}
	if live {
		writeNetworkInterface(d, r, i, shown.State)
	}
	if i.Profile != "" {
		d.Open("iamInstanceProfile")
		d.Text("arn", i.ProfileARN(r.Owner))
		d.Text("id", "AIPAPRACTICE000000001")
		d.End("iamInstanceProfile")
	}
	d.Flag("ebsOptimized", i.EBSOptimized)
	d.Flag("enaSupport", true)
	d.Optional("instanceLifecycle", i.Lifecycle())
	d.Optional("spotInstanceRequestId", spotID(i))
	d.Open("cpuOptions")
	d.Number("coreCount", i.Cores)
	d.Number("threadsPerCore", i.Threads)
	d.End("cpuOptions")
	d.Optional("capacityReservationId", i.UsedReservation())
	writeReservationTarget(d, i)
	d.Open("hibernationOptions")
	d.Flag("configured", i.Hibernation)
	d.End("hibernationOptions")
	d.Open("enclaveOptions")
	d.Flag("enabled", false)
	d.End("enclaveOptions")
	d.Open("metadataOptions")
	d.Text("state", "applied")
	d.Text("httpTokens", "required")
	d.Number("httpPutResponseHopLimit", 2)
	d.Text("httpEndpoint", "enabled")
	d.Text("httpProtocolIpv6", "disabled")
	d.Text("instanceMetadataTags", "disabled")
	d.End("metadataOptions")
	d.Optional("bootMode", i.BootMode())
	d.Text("platformDetails", i.System.PlatformDetails)
	d.Text("usageOperation", i.System.UsageOperation)
	d.Time("usageOperationUpdateTime", i.FirstLaunch)
	d.Open("privateDnsNameOptions")
	d.Text("hostnameType", "ip-name")
	d.Flag("enableResourceNameDnsARecord", false)
	d.Flag("enableResourceNameDnsAAAARecord", false)
	d.End("privateDnsNameOptions")
	d.Open("maintenanceOptions")
	d.Text("autoRecovery", "default")
	d.End("maintenanceOptions")
	d.Text("currentInstanceBootMode", i.CurrentBootMode())
}

func writeProducts(d *wire.Doc, codes []string) {
	if len(codes) == 0 {
		return
	}
	d.Open("productCodes")
	writeProductItems(d, codes)
	d.End("productCodes")
}

func writeProductItems(d *wire.Doc, codes []string) {
	for _, code := range codes {
		d.Open("item")
		d.Text("productCode", code)
		d.Text("type", "marketplace")
		d.End("item")
	}
}

func writeBlockDevices(d *wire.Doc, now time.Time, i *state.Instance) {
	d.Open("blockDeviceMapping")
	for _, a := range i.Attachments {
		d.Open("item")
		d.Text("deviceName", a.Device)
		d.Open("ebs")
		d.Text("volumeId", a.Volume.ID)
		d.Text("status", a.Status(now))
		d.Time("attachTime", a.Since)
		d.Flag("deleteOnTermination", a.DeleteOnTermination)
		d.End("ebs")
		d.End("item")
	}
	d.End("blockDeviceMapping")
}

// writeNetworkInterface writes the primary network interface, whose attachment
// keeps the time of the first launch.
func writeNetworkInterface(d *wire.Doc, r *state.Region, i *state.Instance, in state.InstanceState) {
	d.Open("networkInterfaceSet")
	d.Open("item")
	d.Text("networkInterfaceId", i.InterfaceID())
	d.Text("subnetId", r.Network.Subnets[i.Zone])
	d.Text("vpcId", r.Network.VPC)
	d.Text("description", "")
	d.Text("ownerId", r.Owner)
	d.Text("status", "in-use")
	d.Text("macAddress", i.MAC)
	d.Text("privateIpAddress", i.IP)
	d.Text("privateDnsName", i.PrivateName(r.Name))
	d.Flag("sourceDestCheck", true)
	writeSecurityGroups(d, r)
	d.Open("attachment")
	d.Text("attachmentId", i.InterfaceAttachmentID())
	d.Number("deviceIndex", 0)
	d.Text("status", "attached")
	d.Time("attachTime", i.FirstLaunch)
	d.Flag("deleteOnTermination", true)
	d.Number("networkCardIndex", 0)
	d.End("attachment")
	d.Open("privateIpAddressesSet")
	d.Open("item")
	d.Text("privateIpAddress", i.IP)
	d.Text("privateDnsName", i.PrivateName(r.Name))
	d.Flag("primary", true)
	writePublicAssociation(d, r, i, in)
	d.End("item")
	d.End("privateIpAddressesSet")
	writePublicAssociation(d, r, i, in)
	d.Text("interfaceType", "interface")
	d.End("item")
	d.End("networkInterfaceSet")
}

func spotID(i *state.Instance) string {
	if i.Spot == nil {
		return ""
	}
	return i.Spot.ID
}

func enabledText(v bool) string {
	if v {
		return "enabled"
	}
	return "disabled"
}

func iso(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// describeSpots is DescribeSpotInstanceRequests.
func (c *ec2Call) describeSpots() *wire.Error {
	ids := c.Params.Texts("SpotInstanceRequestId")
	fs, err := wire.ReadFilters(c.Params, c.spotFilters(), otherSpotFilters()...)
	if err != nil {
		return err
	}
	p, err := c.listing(1000, len(fs) > 0, ids, "")
	if err != nil {
		return err
	}
	requested := map[string]bool{}
	for _, id := range ids {
		if !wellFormed(id, "sir-") {
			return wire.Invalid("InvalidSpotInstanceRequestID.Malformed", `Invalid id: "`+id+`"`)
		}
		if _, err := findTaggable(c.Region, id); err != nil {
			return wire.Invalid("InvalidSpotInstanceRequestID.NotFound", "The spot instance request ID '"+id+"' does not exist")
		}
		requested[id] = true
	}
	var rows []*state.SpotRequest
	for _, s := range c.Region.SpotRequests {
		s.Instance.Settle(c.Now)
		if p.After(s.Seq, 0) && (len(ids) == 0 || requested[s.ID]) && wire.MatchAll(fs, s) {
			rows = append(rows, s)
		}
	}
	rows, token := wire.CutPage(p, rows, func(s *state.SpotRequest) (uint64, int) { return s.Seq, 0 })
	c.Out.Open("spotInstanceRequestSet")
	for _, s := range rows {
		c.Out.Open("item")
		writeSpotRequest(c.Out, c.Region, s)
		c.Out.End("item")
	}
	c.Out.End("spotInstanceRequestSet")
	c.Out.Optional("nextToken", token)
	return nil
}

func writeSpotRequest(d *wire.Doc, r *state.Region, s *state.SpotRequest) {
	i := s.Instance
	d.Text("spotInstanceRequestId", s.ID)
	d.Text("spotPrice", s.Price)
	d.Text("type", s.Type())
	d.Text("state", s.State)
	d.Open("status")
	d.Text("code", s.Status)
	d.Time("updateTime", s.Updated)
	d.Text("message", s.Message)
	d.End("status")
	d.Open("launchSpecification")
	d.Text("imageId", i.Image)
	writeSecurityGroups(d, r)
	d.Text("instanceType", i.Type.Name)
	d.Open("placement")
	d.Text("availabilityZone", i.Zone)
	d.End("placement")
	d.Open("monitoring")
	d.Flag("enabled", i.Monitored)
	d.End("monitoring")
	d.Text("subnetId", r.Network.Subnets[i.Zone])
	d.End("launchSpecification")
	d.Text("instanceId", i.ID)
	d.Time("createTime", s.Created)
	d.Text("productDescription", spotProduct(i.System))
	writeTags(d, s.Tags)
	d.Text("launchedAvailabilityZone", i.Zone)
	d.Text("instanceInterruptionBehavior", interruption(s))
}

func spotProduct(s state.System) string {
	if s.Windows {
		return "Windows"
	}
	return "Linux/UNIX"
}

func interruption(s *state.SpotRequest) string {
	if s.Persistent {
		return "stop"
	}
	return "terminate"
}
