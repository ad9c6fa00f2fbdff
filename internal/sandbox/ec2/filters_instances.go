package ec2

import (
	"maps"
	"strconv"

	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// instanceFilters are the filters of DescribeInstances.
func (c *ec2Call) instanceFilters() wire.Fields[*state.Instance] {
	known := wire.Fields[*state.Instance]{
		"tag-key":                        func(i *state.Instance) []string { return i.Tags.Keys() },
		"tag-value":                      func(i *state.Instance) []string { return i.Tags.Values() },
		"instance-id":                    func(i *state.Instance) []string { return wire.NonEmpty(i.ID) },
		"instance-type":                  func(i *state.Instance) []string { return wire.NonEmpty(i.Type.Name) },
		"instance-state-name":            func(i *state.Instance) []string { return wire.NonEmpty(c.shown(i).State.String()) },
		"instance-state-code":            func(i *state.Instance) []string { return wire.NonEmpty(strconv.Itoa(int(c.shown(i).State))) },
		"instance-lifecycle":             func(i *state.Instance) []string { return wire.NonEmpty(i.Lifecycle()) },
		"availability-zone":              func(i *state.Instance) []string { return wire.NonEmpty(i.Zone) },
		"placement.tenancy":              func(i *state.Instance) []string { return wire.NonEmpty(i.Tenancy) },
		"tenancy":                        func(i *state.Instance) []string { return wire.NonEmpty(i.Tenancy) },
		"image-id":                       func(i *state.Instance) []string { return wire.NonEmpty(i.Image) },
		"architecture":                   func(i *state.Instance) []string { return wire.NonEmpty(i.Type.Architecture) },
		"platform":                       func(i *state.Instance) []string { return wire.NonEmpty(i.Platform()) },
		"platform-details":               func(i *state.Instance) []string { return wire.NonEmpty(i.System.PlatformDetails) },
		"usage-operation":                func(i *state.Instance) []string { return wire.NonEmpty(i.System.UsageOperation) },
		"root-device-type":               func(i *state.Instance) []string { return wire.NonEmpty(i.RootType()) },
		"root-device-name":               func(i *state.Instance) []string { return wire.NonEmpty(i.System.RootDevice) },
		"reservation-id":                 func(i *state.Instance) []string { return wire.NonEmpty(i.Reservation.ID) },
		"requester-id":                   func(i *state.Instance) []string { return wire.NonEmpty(i.Reservation.Requester) },
		"owner-id":                       wire.Constant[*state.Instance](c.Region.Owner),
		"key-name":                       func(i *state.Instance) []string { return wire.NonEmpty(i.KeyName) },
		"client-token":                   func(i *state.Instance) []string { return wire.NonEmpty(i.ClientToken) },
		"product-code":                   func(i *state.Instance) []string { return i.Products },
		"spot-instance-request-id":       func(i *state.Instance) []string { return wire.NonEmpty(spotID(i)) },
		"state-reason-code":              func(i *state.Instance) []string { return wire.NonEmpty(c.shown(i).Reason) },
		"reason":                         func(i *state.Instance) []string { return wire.NonEmpty(c.shown(i).Transition) },
		"launch-time":                    func(i *state.Instance) []string { return wire.NonEmpty(iso(c.shown(i).LaunchTime)) },
		"hypervisor":                     wire.Constant[*state.Instance]("xen"),
		"virtualization-type":            wire.Constant[*state.Instance]("hvm"),
		"state-reason-message":           func(i *state.Instance) []string { return wire.NonEmpty(c.shown(i).Message) },
		"usage-operation-update-time":    func(i *state.Instance) []string { return wire.NonEmpty(iso(i.FirstLaunch)) },
		"launch-index":                   func(i *state.Instance) []string { return wire.Integer(int64(i.Index)) },
		"monitoring-state":               func(i *state.Instance) []string { return wire.NonEmpty(enabledText(i.Monitored)) },
		"hibernation-options.configured": func(i *state.Instance) []string { return wire.Bool(i.Hibernation) },
		"ebs-optimized":                  func(i *state.Instance) []string { return wire.Bool(i.EBSOptimized) },
		"ena-support":                    wire.Constant[*state.Instance]("true"),
		"enclave-options.enabled":        wire.Constant[*state.Instance]("false"),
		"boot-mode":                      func(i *state.Instance) []string { return wire.NonEmpty(i.BootMode()) },
		"current-instance-boot-mode":     func(i *state.Instance) []string { return wire.NonEmpty(i.CurrentBootMode()) },
		"iam-instance-profile.arn":       func(i *state.Instance) []string { return wire.NonEmpty(i.ProfileARN(c.Region.Owner)) },
		"operator.managed":               wire.Constant[*state.Instance]("false"),
		"operator.principal":             wire.Constant[*state.Instance](""),
		"product-code.type": func(i *state.Instance) []string {
			if len(i.Products) == 0 {
				return nil
			}
			return wire.NonEmpty("marketplace")
		},
		"capacity-reservation-specification.capacity-reservation-preference": wire.Constant[*state.Instance]("open"),
		"maintenance-options.auto-recovery":                                  wire.Constant[*state.Instance]("default"),
		"metadata-options.http-endpoint":                                     wire.Constant[*state.Instance]("enabled"),
		"metadata-options.http-protocol-ipv6":                                wire.Constant[*state.Instance]("disabled"),
		"metadata-options.http-put-response-hop-limit":                       wire.Constant[*state.Instance]("2"),
		"metadata-options.http-tokens":                                       wire.Constant[*state.Instance]("required"),
		"metadata-options.instance-metadata-tags":                            wire.Constant[*state.Instance]("disabled"),
		"metadata-options.state":                                             wire.Constant[*state.Instance]("applied"),
		"private-dns-name-options.enable-resource-name-dns-a-record":         wire.Constant[*state.Instance]("false"),
		"private-dns-name-options.enable-resource-name-dns-aaaa-record":      wire.Constant[*state.Instance]("false"),
		"private-dns-name-options.hostname-type":                             wire.Constant[*state.Instance]("ip-name"),
	}
	maps.Copy(known, c.deviceFilters())
	maps.Copy(known, c.networkFilters())
	maps.Copy(known, placementFilters())
	return known
}

// deviceFilters are those about an instance's volumes.
func (c *ec2Call) deviceFilters() wire.Fields[*state.Instance] {
	each := func(of func(state.Attachment) string) wire.Values[*state.Instance] {
		return func(i *state.Instance) []string {
			list := make([]string, len(i.Attachments))
			for n, a := range i.Attachments {
				list[n] = of(a)
			}
			return list
		}
	}
	return wire.Fields[*state.Instance]{
		"block-device-mapping.attach-time":           each(func(a state.Attachment) string { return iso(a.Since) }),
		"block-device-mapping.delete-on-termination": each(func(a state.Attachment) string { return strconv.FormatBool(a.DeleteOnTermination) }),
		"block-device-mapping.device-name":           each(func(a state.Attachment) string { return a.Device }),
		"block-device-mapping.status":                each(func(a state.Attachment) string { return a.Status(c.Now) }),
		"block-device-mapping.volume-id":             each(func(a state.Attachment) string { return a.Volume.ID }),
	}
}

// networkFilters are those about an instance's place in the network, which a
// terminated one has left.
func (c *ec2Call) networkFilters() wire.Fields[*state.Instance] {
	net := c.Region.Network
	known := wire.Fields[*state.Instance]{
		"vpc-id":              wire.Constant[*state.Instance](net.VPC),
		"subnet-id":           func(i *state.Instance) []string { return wire.NonEmpty(net.Subnets[i.Zone]) },
		"private-ip-address":  func(i *state.Instance) []string { return wire.NonEmpty(i.IP) },
		"private-dns-name":    func(i *state.Instance) []string { return wire.NonEmpty(i.PrivateName(c.Region.Name)) },
		"source-dest-check":   wire.Constant[*state.Instance]("true"),
		"instance.group-id":   wire.Constant[*state.Instance](net.SecurityGroup),
		"instance.group-name": wire.Constant[*state.Instance](defaultGroup),

		"network-interface.network-interface-id":             func(i *state.Instance) []string { return wire.NonEmpty(i.InterfaceID()) },
		"network-interface.availability-zone":                func(i *state.Instance) []string { return wire.NonEmpty(i.Zone) },
		"network-interface.description":                      wire.Constant[*state.Instance](""),
		"network-interface.group-id":                         wire.Constant[*state.Instance](net.SecurityGroup),
		"network-interface.group-name":                       wire.Constant[*state.Instance](defaultGroup),
		"network-interface.mac-address":                      func(i *state.Instance) []string { return wire.NonEmpty(i.MAC) },
		"network-interface.owner-id":                         wire.Constant[*state.Instance](c.Region.Owner),
		"network-interface.private-ip-address":               func(i *state.Instance) []string { return wire.NonEmpty(i.IP) },
		"network-interface.private-dns-name":                 func(i *state.Instance) []string { return wire.NonEmpty(i.PrivateName(c.Region.Name)) },
		"network-interface.source-dest-check":                wire.Constant[*state.Instance]("true"),
		"network-interface.status":                           wire.Constant[*state.Instance]("in-use"),
		"network-interface.subnet-id":                        func(i *state.Instance) []string { return wire.NonEmpty(net.Subnets[i.Zone]) },
		"network-interface.vpc-id":                           wire.Constant[*state.Instance](net.VPC),
		"network-interface.addresses.primary":                wire.Constant[*state.Instance]("true"),
		"network-interface.addresses.private-ip-address":     func(i *state.Instance) []string { return wire.NonEmpty(i.IP) },
		"network-interface.addresses.private-dns-name":       func(i *state.Instance) []string { return wire.NonEmpty(i.PrivateName(c.Region.Name)) },
		"network-interface.attachment.attach-time":           func(i *state.Instance) []string { return wire.NonEmpty(iso(i.FirstLaunch)) },
		"network-interface.attachment.attachment-id":         func(i *state.Instance) []string { return wire.NonEmpty(i.InterfaceAttachmentID()) },
		"network-interface.attachment.delete-on-termination": wire.Constant[*state.Instance]("true"),
		"network-interface.attachment.device-index":          wire.Constant[*state.Instance]("0"),
		"network-interface.attachment.instance-id":           func(i *state.Instance) []string { return wire.NonEmpty(i.ID) },
		"network-interface.attachment.instance-owner-id":     wire.Constant[*state.Instance](c.Region.Owner),
		"network-interface.attachment.network-card-index":    wire.Constant[*state.Instance]("0"),
		"network-interface.attachment.status":                wire.Constant[*state.Instance]("attached"),
	}
	maps.Copy(known, c.publicFilters())
	for name, of := range known {
		known[name] = func(i *state.Instance) []string {
			if c.shown(i).State == state.Terminated {
				return nil
			}
			return of(i)
		}
	}
	return known
}

// otherInstanceFilters are documented too.
func otherInstanceFilters() []string {
	return []string{
		"availability-zone-id",
		"capacity-reservation-specification.capacity-reservation-target.capacity-reservation-resource-group-arn",
		"iam-instance-profile.id", "iam-instance-profile.name", "ipv6-address", "kernel-id",
		"metadata-options.http-protocol-ipv4",
		"network-interface.addresses.association.carrier-ip", "network-interface.addresses.association.customer-owned-ip",
		"network-interface.association.carrier-ip", "network-interface.association.customer-owned-ip",
		"network-interface.deny-all-igw-traffic", "network-interface.ipv4-prefixes.ipv4-prefix", "network-interface.ipv6-address",
		"network-interface.ipv6-addresses.ipv6-address", "network-interface.ipv6-addresses.is-primary-ipv6",
		"network-interface.ipv6-native", "network-interface.ipv6-prefixes.ipv6-prefix", "network-interface.operator.managed",
		"network-interface.operator.principal", "network-interface.outpost-arn", "network-interface.requester-id",
		"network-interface.requester-managed", "network-interface.tag-key", "network-interface.tag-value",
		"network-performance-options.bandwidth-weighting", "outpost-arn", "placement-group-name", "placement-partition-number",
		"ramdisk-id", "tpm-support",
	}
}
