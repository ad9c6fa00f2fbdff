package sandbox

import (
	"fmt"
	"strings"
)

// runInstances is RunInstances.
func (c *ec2Call) runInstances() *apiError {
	request := c.form.fingerprint("RunInstances")
	least, err := c.form.number("MinCount")
	if err != nil {
		return err
	}
	most, err := c.form.number("MaxCount")
	if err != nil {
		return err
	}
	l, err := c.launch()
	if err != nil {
		return err
	}
	if err := c.form.unknownParameter(); err != nil {
		return err
	}
	if least < 1 || most < least || most > 1000 {
		return invalid("InvalidParameterValue", fmt.Sprintf("minCount %d and maxCount %d must be from 1 to 1000 and in this order", least, most))
	}
	c.resources = int(most)
	if err := c.authorize(c.region.arn("instance", "*"), nil, l.tags.keys()); err != nil {
		return err
	}
	if err := c.checkDryRun(); err != nil {
		return err
	}
	used, err := c.reused(l.clientToken, request)
	if err != nil {
		return err
	}
	res := used.reservation
	if res == nil {
		probe := &instance{kind: l.kind}
		if err := c.refused([]*instance{probe}); err != nil {
			return err
		}
		res = c.region.addReservation(l, int(most), c.now)
		for _, i := range res.instances {
			i.state, i.reason, i.message = pending, "pending", "pending"
			i.changed = c.now
			i.until = c.now.Add(c.slowed(i, i.startTakes(c.region.rng)))
		}
		if l.clientToken != "" {
			c.region.tokens[l.clientToken] = usedToken{request: request, reservation: res}
		}
	}
	c.out.reservation(c.region.owner, res)
	c.out.open("instancesSet")
	for _, i := range res.instances {
		c.out.open("item")
		c.out.instance(c, i)
		c.out.end("item")
	}
	c.out.end("instancesSet")
	return nil
}

// launch reads what RunInstances is to launch.
func (c *ec2Call) launch() (launch, *apiError) {
	p := c.form
	p.accept("SecurityGroup", "SecurityGroupId", "KernelId", "RamdiskId", "MetadataOptions",
		"MaintenanceOptions", "PrivateDnsNameOptions",
		"NetworkInterface", "PrivateIpAddress", "AdditionalInfo", "EnclaveOptions", "CapacityReservationSpecification",
		"InstanceMarketOptions")
	l := launch{
		image:        p.text("ImageId"),
		key:          p.text("KeyName"),
		clientToken:  p.text("ClientToken"),
		zone:         p.text("Placement.AvailabilityZone"),
		tenancy:      p.text("Placement.Tenancy"),
		stopGuard:    p.flag("DisableApiStop"),
		endGuard:     p.flag("DisableApiTermination"),
		hibernation:  p.flag("HibernationOptions.Configured"),
		monitored:    p.flag("Monitoring.Enabled"),
		ebsOptimized: p.flag("EbsOptimized"),
		userData:     p.text("UserData"),
		atShutdown:   p.text("InstanceInitiatedShutdownBehavior"),
		profile:      strings.TrimPrefix(p.text("IamInstanceProfile.Name"), "/"),
		spot:         p.text("InstanceMarketOptions.MarketType") == "spot",
		persistent:   p.text("InstanceMarketOptions.SpotOptions.SpotInstanceType") == "persistent",
		public:       p.flag("NetworkInterface.1.AssociatePublicIpAddress"),
		price:        p.text("InstanceMarketOptions.SpotOptions.MaxPrice"),
	}
	p.accept("Placement", "IamInstanceProfile")
	var err *apiError
	if l.cores, err = p.number("CpuOptions.CoreCount"); err != nil {
		return l, err
	}
	if l.threads, err = p.number("CpuOptions.ThreadsPerCore"); err != nil {
		return l, err
	}
	// Tags of a network interface are taken, but no operation here shows them.
	byType, err := specifiedTags(p, "instance", "volume", "network-interface", "spot-instances-request")
	if err != nil {
		return l, err
	}
	l.tags, l.spotTags = byType["instance"], byType["spot-instances-request"]
	if l.image == "" {
		return l, missingParameter("ImageId")
	}
	if !wellFormed(l.image, "ami-") {
		return l, invalid("InvalidAMIID.Malformed", `Invalid id: "`+l.image+`"`)
	}
	l.system = systemOf(l.image)
	name := p.text("InstanceType")
	if name == "" {
		name = "m5.large"
	}
	kind, ok := c.org.types.spec(name)
	if !ok {
		return l, invalid("InvalidParameterValue", "Invalid value '"+name+"' for InstanceType.")
	}
	l.kind = kind
	if l.credits, err = creditsAtLaunch(p, kind); err != nil {
		return l, err
	}
	if l.atShutdown != "" && l.atShutdown != "stop" && l.atShutdown != "terminate" {
		return l, invalid("InvalidParameterValue", "Value ("+l.atShutdown+") for parameter instanceInitiatedShutdownBehavior is invalid. It must be stop or terminate.")
	}
	if err := c.place(&l, p.text("SubnetId")); err != nil {
		return l, err
	}
	if l.disks, err = c.disks(p, l.system, byType["volume"]); err != nil {
		return l, err
	}
	most, err := p.number("MaxCount")
	if err != nil {
		return l, err
	}
	l.host, err = c.hostFor(l, p.text("Placement.HostId"), most)
	return l, err
}

// place settles the zone: the one asked for, the subnet's or the first.
func (c *ec2Call) place(l *launch, subnet string) *apiError {
	zones := c.region.zones()
	if subnet != "" {
		for _, z := range zones {
			if c.region.network.subnets[z] == subnet {
				l.zone = z
				return nil
			}
		}
		return invalid("InvalidSubnetID.NotFound", "The subnet ID '"+subnet+"' does not exist")
	}
	if l.zone == "" {
		l.zone = zones[0]
	}
	if !c.region.hasZone(l.zone) {
		return invalid("InvalidParameterValue", "Invalid availability zone: ["+l.zone+"]")
	}
	return nil
}
