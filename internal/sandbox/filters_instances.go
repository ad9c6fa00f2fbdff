package sandbox

import (
	"maps"
	"strconv"
)

// instanceFilters are the filters of DescribeInstances.
func (c *ec2Call) instanceFilters() fields[*instance] {
	known := fields[*instance]{
		"tag-key":                        func(i *instance) []string { return i.tags.keys() },
		"tag-value":                      func(i *instance) []string { return i.tags.values() },
		"instance-id":                    func(i *instance) []string { return one(i.id) },
		"instance-type":                  func(i *instance) []string { return one(i.kind.Name) },
		"instance-state-name":            func(i *instance) []string { return one(c.shown(i).state.String()) },
		"instance-state-code":            func(i *instance) []string { return one(strconv.Itoa(int(c.shown(i).state))) },
		"instance-lifecycle":             func(i *instance) []string { return one(i.lifecycle()) },
		"availability-zone":              func(i *instance) []string { return one(i.zone) },
		"placement.tenancy":              func(i *instance) []string { return one(i.tenancy) },
		"tenancy":                        func(i *instance) []string { return one(i.tenancy) },
		"image-id":                       func(i *instance) []string { return one(i.image) },
		"architecture":                   func(i *instance) []string { return one(i.kind.Architecture) },
		"platform":                       func(i *instance) []string { return one(i.platform()) },
		"platform-details":               func(i *instance) []string { return one(i.system.details) },
		"usage-operation":                func(i *instance) []string { return one(i.system.operation) },
		"root-device-type":               func(i *instance) []string { return one(i.rootType()) },
		"root-device-name":               func(i *instance) []string { return one(i.system.rootDevice) },
		"reservation-id":                 func(i *instance) []string { return one(i.reservation.id) },
		"requester-id":                   func(i *instance) []string { return one(i.reservation.requester) },
		"owner-id":                       always[*instance](c.region.owner),
		"key-name":                       func(i *instance) []string { return one(i.key) },
		"client-token":                   func(i *instance) []string { return one(i.clientToken) },
		"product-code":                   func(i *instance) []string { return i.products },
		"spot-instance-request-id":       func(i *instance) []string { return one(i.spotID()) },
		"state-reason-code":              func(i *instance) []string { return one(c.shown(i).reason) },
		"reason":                         func(i *instance) []string { return one(c.shown(i).transition) },
		"launch-time":                    func(i *instance) []string { return one(iso(c.shown(i).launch)) },
		"hypervisor":                     always[*instance]("xen"),
		"virtualization-type":            always[*instance]("hvm"),
		"state-reason-message":           func(i *instance) []string { return one(c.shown(i).message) },
		"usage-operation-update-time":    func(i *instance) []string { return one(iso(i.first)) },
		"launch-index":                   func(i *instance) []string { return whole(int64(i.index)) },
		"monitoring-state":               func(i *instance) []string { return one(enabledText(i.monitored)) },
		"hibernation-options.configured": func(i *instance) []string { return yesNo(i.hibernation) },
		"ebs-optimized":                  func(i *instance) []string { return yesNo(i.ebsOptimized) },
		"ena-support":                    always[*instance]("true"),
		"enclave-options.enabled":        always[*instance]("false"),
		"boot-mode":                      func(i *instance) []string { return one(i.bootMode()) },
		"current-instance-boot-mode":     func(i *instance) []string { return one(i.currentBootMode()) },
		"iam-instance-profile.arn":       func(i *instance) []string { return one(i.profileARN(c.region.owner)) },
		"operator.managed":               always[*instance]("false"),
		"operator.principal":             always[*instance](""),
		"product-code.type": func(i *instance) []string {
			if len(i.products) == 0 {
				return nil
			}
			return one("marketplace")
		},
		"capacity-reservation-specification.capacity-reservation-preference": always[*instance]("open"),
		"maintenance-options.auto-recovery":                                  always[*instance]("default"),
		"metadata-options.http-endpoint":                                     always[*instance]("enabled"),
		"metadata-options.http-protocol-ipv6":                                always[*instance]("disabled"),
		"metadata-options.http-put-response-hop-limit":                       always[*instance]("2"),
		"metadata-options.http-tokens":                                       always[*instance]("required"),
		"metadata-options.instance-metadata-tags":                            always[*instance]("disabled"),
		"metadata-options.state":                                             always[*instance]("applied"),
		"private-dns-name-options.enable-resource-name-dns-a-record":         always[*instance]("false"),
		"private-dns-name-options.enable-resource-name-dns-aaaa-record":      always[*instance]("false"),
		"private-dns-name-options.hostname-type":                             always[*instance]("ip-name"),
	}
	maps.Copy(known, c.deviceFilters())
	maps.Copy(known, c.networkFilters())
	maps.Copy(known, placementFilters())
	return known
}

// deviceFilters are those about an instance's volumes.
func (c *ec2Call) deviceFilters() fields[*instance] {
	each := func(of func(attachment) string) values[*instance] {
		return func(i *instance) []string {
			list := make([]string, len(i.attached))
			for n, a := range i.attached {
				list[n] = of(a)
			}
			return list
		}
	}
	return fields[*instance]{
		"block-device-mapping.attach-time":           each(func(a attachment) string { return iso(a.since) }),
		"block-device-mapping.delete-on-termination": each(func(a attachment) string { return strconv.FormatBool(a.deleteToo) }),
		"block-device-mapping.device-name":           each(func(a attachment) string { return a.device }),
		"block-device-mapping.status":                each(func(a attachment) string { return a.status(c.now) }),
		"block-device-mapping.volume-id":             each(func(a attachment) string { return a.volume.id }),
	}
}

// networkFilters are those about an instance's place in the network, which a
// terminated one has left.
func (c *ec2Call) networkFilters() fields[*instance] {
	net := c.region.network
	known := fields[*instance]{
		"vpc-id":              always[*instance](net.vpc),
		"subnet-id":           func(i *instance) []string { return one(net.subnets[i.zone]) },
		"private-ip-address":  func(i *instance) []string { return one(i.ip) },
		"private-dns-name":    func(i *instance) []string { return one(i.privateName(c.region.name)) },
		"source-dest-check":   always[*instance]("true"),
		"instance.group-id":   always[*instance](net.securityGroup),
		"instance.group-name": always[*instance](defaultGroup),

		"network-interface.network-interface-id":             func(i *instance) []string { return one(i.interfaceID()) },
		"network-interface.availability-zone":                func(i *instance) []string { return one(i.zone) },
		"network-interface.description":                      always[*instance](""),
		"network-interface.group-id":                         always[*instance](net.securityGroup),
		"network-interface.group-name":                       always[*instance](defaultGroup),
		"network-interface.mac-address":                      func(i *instance) []string { return one(i.mac) },
		"network-interface.owner-id":                         always[*instance](c.region.owner),
		"network-interface.private-ip-address":               func(i *instance) []string { return one(i.ip) },
		"network-interface.private-dns-name":                 func(i *instance) []string { return one(i.privateName(c.region.name)) },
		"network-interface.source-dest-check":                always[*instance]("true"),
		"network-interface.status":                           always[*instance]("in-use"),
		"network-interface.subnet-id":                        func(i *instance) []string { return one(net.subnets[i.zone]) },
		"network-interface.vpc-id":                           always[*instance](net.vpc),
		"network-interface.addresses.primary":                always[*instance]("true"),
		"network-interface.addresses.private-ip-address":     func(i *instance) []string { return one(i.ip) },
		"network-interface.addresses.private-dns-name":       func(i *instance) []string { return one(i.privateName(c.region.name)) },
		"network-interface.attachment.attach-time":           func(i *instance) []string { return one(iso(i.first)) },
		"network-interface.attachment.attachment-id":         func(i *instance) []string { return one(i.interfaceAttachmentID()) },
		"network-interface.attachment.delete-on-termination": always[*instance]("true"),
		"network-interface.attachment.device-index":          always[*instance]("0"),
		"network-interface.attachment.instance-id":           func(i *instance) []string { return one(i.id) },
		"network-interface.attachment.instance-owner-id":     always[*instance](c.region.owner),
		"network-interface.attachment.network-card-index":    always[*instance]("0"),
		"network-interface.attachment.status":                always[*instance]("attached"),
	}
	maps.Copy(known, c.publicFilters())
	for name, of := range known {
		known[name] = func(i *instance) []string {
			if c.shown(i).state == terminated {
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
