package ec2

import (
	"fmt"
	"strings"

	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

func (c *ec2Call) runInstances() *wire.Error {
	request := c.Params.Fingerprint("RunInstances")
	least, err := c.Params.Number("MinCount")
	if err != nil {
		return err
	}
	most, err := c.Params.Number("MaxCount")
	if err != nil {
		return err
	}
	l, err := c.launch()
	if err != nil {
		return err
	}
	if err := c.Params.UnknownParameter(); err != nil {
		return err
	}
	if least < 1 || most < least || most > 1000 {
		return wire.Invalid("InvalidParameterValue", fmt.Sprintf("minCount %d and maxCount %d must be from 1 to 1000 and in this order", least, most))
	}
	c.resources = int(most)
	if err := c.authorize(c.Region.ARN("instance", "*"), nil, l.Tags.Keys()); err != nil {
		return err
	}
	if err := c.checkDryRun(); err != nil {
		return err
	}
	used, err := c.reused(l.ClientToken, request)
	if err != nil {
		return err
	}
	res := used.Reservation
	if res == nil {
		probe := &state.Instance{Type: l.Type}
		if err := c.refused([]*state.Instance{probe}); err != nil {
			return err
		}
		res = c.Region.AddReservation(l, int(most), c.Now)
		for _, i := range res.Instances {
			i.State, i.Reason, i.Message = state.Pending, "pending", "pending"
			i.Changed = c.Now
			i.Until = c.Now.Add(c.slowed(i, i.StartTakes(c.Region.Rand)))
		}
		if l.ClientToken != "" {
			c.Region.ClientTokens[l.ClientToken] = state.UsedToken{Request: request, Reservation: res}
		}
	}
	writeReservation(c.Out, c.Region.Owner, res)
	c.Out.Open("instancesSet")
	for _, i := range res.Instances {
		c.Out.Open("item")
		writeInstance(c.Out, c, i)
		c.Out.End("item")
	}
	c.Out.End("instancesSet")
	return nil
}

// launch reads what RunInstances is to launch.
func (c *ec2Call) launch() (state.Launch, *wire.Error) {
	p := c.Params
	p.Accept("SecurityGroup", "SecurityGroupId", "KernelId", "RamdiskId", "MetadataOptions",
		"MaintenanceOptions", "PrivateDnsNameOptions",
		"NetworkInterface", "PrivateIpAddress", "AdditionalInfo", "EnclaveOptions", "CapacityReservationSpecification",
		"InstanceMarketOptions")
	l := state.Launch{
		Image:                 p.Text("ImageId"),
		KeyName:               p.Text("KeyName"),
		ClientToken:           p.Text("ClientToken"),
		Zone:                  p.Text("Placement.AvailabilityZone"),
		Tenancy:               p.Text("Placement.Tenancy"),
		StopProtection:        p.Flag("DisableApiStop"),
		TerminationProtection: p.Flag("DisableApiTermination"),
		Hibernation:           p.Flag("HibernationOptions.Configured"),
		Monitored:             p.Flag("Monitoring.Enabled"),
		EBSOptimized:          p.Flag("EbsOptimized"),
		UserData:              p.Text("UserData"),
		ShutdownBehavior:      p.Text("InstanceInitiatedShutdownBehavior"),
		Profile:               strings.TrimPrefix(p.Text("IamInstanceProfile.Name"), "/"),
		Spot:                  p.Text("InstanceMarketOptions.MarketType") == "spot",
		Persistent:            p.Text("InstanceMarketOptions.SpotOptions.SpotInstanceType") == "persistent",
		Public:                p.Flag("NetworkInterface.1.AssociatePublicIpAddress"),
		Price:                 p.Text("InstanceMarketOptions.SpotOptions.MaxPrice"),
	}
	p.Accept("Placement", "IamInstanceProfile")
	var err *wire.Error
	if l.Cores, err = p.Number("CpuOptions.CoreCount"); err != nil {
		return l, err
	}
	if l.Threads, err = p.Number("CpuOptions.ThreadsPerCore"); err != nil {
		return l, err
	}
	// Tags of a network interface are taken, but no operation here shows them.
	byType, err := specifiedTags(p, "instance", "volume", "network-interface", "spot-instances-request")
	if err != nil {
		return l, err
	}
	l.Tags, l.SpotTags = byType["instance"], byType["spot-instances-request"]
	if l.Image == "" {
		return l, missingParameter("ImageId")
	}
	if !wellFormed(l.Image, "ami-") {
		return l, wire.Invalid("InvalidAMIID.Malformed", `Invalid id: "`+l.Image+`"`)
	}
	l.System = state.SystemOf(l.Image)
	name := p.Text("InstanceType")
	if name == "" {
		name = "m5.large"
	}
	kind, ok := c.Organization.Types.Spec(name)
	if !ok {
		return l, wire.Invalid("InvalidParameterValue", "Invalid value '"+name+"' for InstanceType.")
	}
	l.Type = kind
	if l.Credits, err = creditsAtLaunch(p, kind); err != nil {
		return l, err
	}
	if l.ShutdownBehavior != "" && l.ShutdownBehavior != "stop" && l.ShutdownBehavior != "terminate" {
		return l, wire.Invalid("InvalidParameterValue", "Value ("+l.ShutdownBehavior+") for parameter instanceInitiatedShutdownBehavior is invalid. It must be stop or terminate.")
	}
	if err := c.chooseZone(&l, p.Text("SubnetId")); err != nil {
		return l, err
	}
	if l.Disks, err = c.disks(p, l.System, byType["volume"]); err != nil {
		return l, err
	}
	most, err := p.Number("MaxCount")
	if err != nil {
		return l, err
	}
	l.Host, err = c.hostFor(l, p.Text("Placement.HostId"), most)
	return l, err
}

// chooseZone settles the zone: the one asked for, the subnet's or the first.
func (c *ec2Call) chooseZone(l *state.Launch, subnet string) *wire.Error {
	zones := c.Region.Zones()
	if subnet != "" {
		for _, z := range zones {
			if c.Region.Network.Subnets[z] == subnet {
				l.Zone = z
				return nil
			}
		}
		return wire.Invalid("InvalidSubnetID.NotFound", "The subnet ID '"+subnet+"' does not exist")
	}
	if l.Zone == "" {
		l.Zone = zones[0]
	}
	if !c.Region.HasZone(l.Zone) {
		return wire.Invalid("InvalidParameterValue", "Invalid availability zone: ["+l.Zone+"]")
	}
	return nil
}
