package sandbox

import (
	"maps"
	"strconv"

	"nightshift/internal/sandbox/wire"
)

// instanceFilters are the filters of DescribeInstances.
func (c *ec2Call) instanceFilters() wire.Fields[*instance] {
	known := wire.Fields[*instance]{
		"tag-key":                        func(i *instance) []string { return i.Tags.Keys() },
		"tag-value":                      func(i *instance) []string { return i.Tags.Values() },
		"instance-id":                    func(i *instance) []string { return wire.NonEmpty(i.ID) },
		"instance-type":                  func(i *instance) []string { return wire.NonEmpty(i.Type.Name) },
		"instance-state-name":            func(i *instance) []string { return wire.NonEmpty(c.shown(i).State.String()) },
		"instance-state-code":            func(i *instance) []string { return wire.NonEmpty(strconv.Itoa(int(c.shown(i).State))) },
		"instance-lifecycle":             func(i *instance) []string { return wire.NonEmpty(i.Lifecycle()) },
		"availability-zone":              func(i *instance) []string { return wire.NonEmpty(i.Zone) },
		"placement.tenancy":              func(i *instance) []string { return wire.NonEmpty(i.Tenancy) },
		"tenancy":                        func(i *instance) []string { return wire.NonEmpty(i.Tenancy) },
		"image-id":                       func(i *instance) []string { return wire.NonEmpty(i.Image) },
		"architecture":                   func(i *instance) []string { return wire.NonEmpty(i.Type.Architecture) },
		"platform":                       func(i *instance) []string { return wire.NonEmpty(i.Platform()) },
		"platform-details":               func(i *instance) []string { return wire.NonEmpty(i.System.PlatformDetails) },
		"usage-operation":                func(i *instance) []string { return wire.NonEmpty(i.System.UsageOperation) },
		"root-device-type":               func(i *instance) []string { return wire.NonEmpty(i.RootType()) },
		"root-device-name":               func(i *instance) []string { return wire.NonEmpty(i.System.RootDevice) },
		"reservation-id":                 func(i *instance) []string { return wire.NonEmpty(i.Reservation.ID) },
		"requester-id":                   func(i *instance) []string { return wire.NonEmpty(i.Reservation.Requester) },
		"owner-id":                       wire.Constant[*instance](c.Region.Owner),
		"key-name":                       func(i *instance) []string { return wire.NonEmpty(i.KeyName) },
		"client-token":                   func(i *instance) []string { return wire.NonEmpty(i.ClientToken) },
		"product-code":                   func(i *instance) []string { return i.Products },
		"spot-instance-request-id":       func(i *instance) []string { return wire.NonEmpty(i.spotID()) },
		"state-reason-code":              func(i *instance) []string { return wire.NonEmpty(c.shown(i).Reason) },
		"reason":                         func(i *instance) []string { return wire.NonEmpty(c.shown(i).Transition) },
		"launch-time":                    func(i *instance) []string { return wire.NonEmpty(iso(c.shown(i).LaunchTime)) },
		"hypervisor":                     wire.Constant[*instance]("xen"),
		"virtualization-type":            wire.Constant[*instance]("hvm"),
		"state-reason-message":           func(i *instance) []string { return wire.NonEmpty(c.shown(i).Message) },
		"usage-operation-update-time":    func(i *instance) []string { return wire.NonEmpty(iso(i.FirstLaunch)) },
		"launch-index":                   func(i *instance) []string { return wire.Integer(int64(i.Index)) },
		"monitoring-state":               func(i *instance) []string { return wire.NonEmpty(enabledText(i.Monitored)) },
		"hibernation-options.configured": func(i *instance) []string { return wire.Bool(i.Hibernation) },
		"ebs-optimized":                  func(i *instance) []string { return wire.Bool(i.EBSOptimized) },
		"ena-support":                    wire.Constant[*instance]("true"),
		"enclave-options.enabled":        wire.Constant[*instance]("false"),
		"boot-mode":                      func(i *instance) []string { return wire.NonEmpty(i.BootMode()) },
		"current-instance-boot-mode":     func(i *instance) []string { return wire.NonEmpty(i.CurrentBootMode()) },
		"iam-instance-profile.arn":       func(i *instance) []string { return wire.NonEmpty(i.ProfileARN(c.Region.Owner)) },
		"operator.managed":               wire.Constant[*instance]("false"),
		"operator.principal":             wire.Constant[*instance](""),
		"product-code.type": func(i *instance) []string {
			if len(i.Products) == 0 {
				return nil
			}
			return wire.NonEmpty("marketplace")
		},
		"capacity-reservation-specification.capacity-reservation-preference": wire.Constant[*instance]("open"),
		"maintenance-options.auto-recovery":                                  wire.Constant[*instance]("default"),
		"metadata-options.http-endpoint":                                     wire.Constant[*instance]("enabled"),
		"metadata-options.http-protocol-ipv6":                                wire.Constant[*instance]("disabled"),
		"metadata-options.http-put-response-hop-limit":                       wire.Constant[*instance]("2"),
		"metadata-options.http-tokens":                                       wire.Constant[*instance]("required"),
		"metadata-options.instance-metadata-tags":                            wire.Constant[*instance]("disabled"),
		"metadata-options.state":                                             wire.Constant[*instance]("applied"),
		"private-dns-name-options.enable-resource-name-dns-a-record":         wire.Constant[*instance]("false"),
		"private-dns-name-options.enable-resource-name-dns-aaaa-record":      wire.Constant[*instance]("false"),
		"private-dns-name-options.hostname-type":                             wire.Constant[*instance]("ip-name"),
	}
	maps.Copy(known, c.deviceFilters())
	maps.Copy(known, c.networkFilters())
	maps.Copy(known, placementFilters())
	return known
}

// deviceFilters are those about an instance's volumes.
func (c *ec2Call) deviceFilters() wire.Fields[*instance] {
	each := func(of func(Attachment) string) wire.Values[*instance] {
		return func(i *instance) []string {
			list := make([]string, len(i.Attachments))
			for n, a := range i.Attachments {
				list[n] = of(a)
			}
			return list
		}
	}
	return wire.Fields[*instance]{
		"block-device-mapping.attach-time":           each(func(a Attachment) string { return iso(a.Since) }),
		"block-device-mapping.delete-on-termination": each(func(a Attachment) string { return strconv.FormatBool(a.DeleteOnTermination) }),
		"block-device-mapping.device-name":           each(func(a Attachment) string { return a.Device }),
		"block-device-mapping.status":                each(func(a Attachment) string { return a.Status(c.Now) }),
		"block-device-mapping.volume-id":             each(func(a Attachment) string { return a.Volume.ID }),
	}
}

// networkFilters are those about an instance's place in the network, which a
// terminated one has left.
func (c *ec2Call) networkFilters() wire.Fields[*instance] {
	net := c.Region.Network
	known := wire.Fields[*instance]{
		"vpc-id":              wire.Constant[*instance](net.VPC),
		"subnet-id":           func(i *instance) []string { return wire.NonEmpty(net.Subnets[i.Zone]) },
		"private-ip-address":  func(i *instance) []string { return wire.NonEmpty(i.IP) },
		"private-dns-name":    func(i *instance) []string { return wire.NonEmpty(i.PrivateName(c.Region.Name)) },
		"source-dest-check":   wire.Constant[*instance]("true"),
		"instance.group-id":   wire.Constant[*instance](net.SecurityGroup),
		"instance.group-name": wire.Constant[*instance](defaultGroup),

		"network-interface.network-interface-id":             func(i *instance) []string { return wire.NonEmpty(i.InterfaceID()) },
		"network-interface.availability-zone":                func(i *instance) []string { return wire.NonEmpty(i.Zone) },
		"network-interface.description":                      wire.Constant[*instance](""),
		"network-interface.group-id":                         wire.Constant[*instance](net.SecurityGroup),
		"network-interface.group-name":                       wire.Constant[*instance](defaultGroup),
		"network-interface.mac-address":                      func(i *instance) []string { return wire.NonEmpty(i.MAC) },
		"network-interface.owner-id":                         wire.Constant[*instance](c.Region.Owner),
		"network-interface.private-ip-address":               func(i *instance) []string { return wire.NonEmpty(i.IP) },
		"network-interface.private-dns-name":                 func(i *instance) []string { return wire.NonEmpty(i.PrivateName(c.Region.Name)) },
		"network-interface.source-dest-check":                wire.Constant[*instance]("true"),
		"network-interface.status":                           wire.Constant[*instance]("in-use"),
		"network-interface.subnet-id":                        func(i *instance) []string { return wire.NonEmpty(net.Subnets[i.Zone]) },
		"network-interface.vpc-id":                           wire.Constant[*instance](net.VPC),
		"network-interface.addresses.primary":                wire.Constant[*instance]("true"),
		"network-interface.addresses.private-ip-address":     func(i *instance) []string { return wire.NonEmpty(i.IP) },
		"network-interface.addresses.private-dns-name":       func(i *instance) []string { return wire.NonEmpty(i.PrivateName(c.Region.Name)) },
		"network-interface.attachment.attach-time":           func(i *instance) []string { return wire.NonEmpty(iso(i.FirstLaunch)) },
		"network-interface.attachment.attachment-id":         func(i *instance) []string { return wire.NonEmpty(i.InterfaceAttachmentID()) },
		"network-interface.attachment.delete-on-termination": wire.Constant[*instance]("true"),
		"network-interface.attachment.device-index":          wire.Constant[*instance]("0"),
		"network-interface.attachment.instance-id":           func(i *instance) []string { return wire.NonEmpty(i.ID) },
		"network-interface.attachment.instance-owner-id":     wire.Constant[*instance](c.Region.Owner),
		"network-interface.attachment.network-card-index":    wire.Constant[*instance]("0"),
		"network-interface.attachment.status":                wire.Constant[*instance]("attached"),
	}
	maps.Copy(known, c.publicFilters())
	for name, of := range known {
		known[name] = func(i *instance) []string {
			if c.shown(i).State == Terminated {
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
