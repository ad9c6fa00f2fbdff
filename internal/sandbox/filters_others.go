package sandbox

import "strconv"

// volumeFilters are the filters of DescribeVolumes.
func (c *ec2Call) volumeFilters() fields[*volume] {
	each := func(of func(attachment) string) values[*volume] {
		return func(v *volume) []string {
			var list []string
			for _, a := range v.attachments {
				list = append(list, of(a))
			}
			return list
		}
	}
	return fields[*volume]{
		"tag-key":                          func(v *volume) []string { return v.tags.keys() },
		"tag-value":                        func(v *volume) []string { return v.tags.values() },
		"volume-id":                        func(v *volume) []string { return one(v.id) },
		"volume-type":                      func(v *volume) []string { return one(v.kind) },
		"status":                           func(v *volume) []string { return one(v.status(c.now)) },
		"size":                             func(v *volume) []string { return one(strconv.FormatInt(v.gib, 10)) },
		"availability-zone":                func(v *volume) []string { return one(v.zone) },
		"snapshot-id":                      func(v *volume) []string { return one(v.snapshot) },
		"encrypted":                        func(v *volume) []string { return one(strconv.FormatBool(v.encrypted)) },
		"multi-attach-enabled":             func(v *volume) []string { return one(strconv.FormatBool(v.multiAttach)) },
		"operator.managed":                 always[*volume]("false"),
		"operator.principal":               always[*volume](""),
		"create-time":                      func(v *volume) []string { return one(iso(v.created)) },
		"attachment.instance-id":           each(func(a attachment) string { return a.instance.id }),
		"attachment.device":                each(func(a attachment) string { return a.device }),
		"attachment.status":                each(func(a attachment) string { return a.status(c.now) }),
		"attachment.delete-on-termination": each(func(a attachment) string { return strconv.FormatBool(a.deleteToo) }),
		"attachment.attach-time":           each(func(a attachment) string { return iso(a.since) }),
	}
}

// otherVolumeFilters are documented too.
func otherVolumeFilters() []string { return []string{"availability-zone-id", "fast-restored"} }

func tagFilters() fields[*tagRow] {
	return fields[*tagRow]{
		"key":           func(r *tagRow) []string { return one(r.tag.key) },
		"value":         func(r *tagRow) []string { return []string{r.tag.value} },
		"resource-id":   func(r *tagRow) []string { return one(r.id) },
		"resource-type": func(r *tagRow) []string { return one(r.kind) },
		"tag-key":       func(r *tagRow) []string { return one(r.tag.key) },
		"tag-value":     func(r *tagRow) []string { return []string{r.tag.value} },
	}
}

// spotFilters are the filters of DescribeSpotInstanceRequests.
func (c *ec2Call) spotFilters() fields[*spotRequest] {
	return fields[*spotRequest]{
		"tag-key":                    func(r *spotRequest) []string { return r.tags.keys() },
		"tag-value":                  func(r *spotRequest) []string { return r.tags.values() },
		"spot-instance-request-id":   func(r *spotRequest) []string { return one(r.id) },
		"instance-id":                func(r *spotRequest) []string { return one(r.instance.id) },
		"state":                      func(r *spotRequest) []string { return one(r.state) },
		"status-code":                func(r *spotRequest) []string { return one(r.status) },
		"type":                       func(r *spotRequest) []string { return one(r.kind()) },
		"launched-availability-zone": func(r *spotRequest) []string { return one(r.instance.zone) },
		"create-time":                func(r *spotRequest) []string { return one(iso(r.created)) },
		"launch.group-id":            always[*spotRequest](c.region.network.securityGroup),
		"launch.group-name":          always[*spotRequest](defaultGroup),
		"launch.image-id":            func(r *spotRequest) []string { return one(r.instance.image) },
		"launch.instance-type":       func(r *spotRequest) []string { return one(r.instance.kind.Name) },
		"launch.monitoring-enabled":  func(r *spotRequest) []string { return yesNo(r.instance.monitored) },
		"network-interface.subnet-id": func(r *spotRequest) []string {
			return one(c.region.network.subnets[r.instance.zone])
		},
		"product-description": func(r *spotRequest) []string { return one(spotProduct(r.instance.system)) },
		"spot-price":          func(r *spotRequest) []string { return one(r.price) },
		"status-message":      func(r *spotRequest) []string { return one(r.message) },
	}
}

// otherSpotFilters are documented too.
func otherSpotFilters() []string {
	return []string{
		"availability-zone-group", "fault-code", "fault-message", "launch-group",
		"launch.block-device-mapping.delete-on-termination", "launch.block-device-mapping.device-name",
		"launch.block-device-mapping.snapshot-id", "launch.block-device-mapping.volume-size",
		"launch.block-device-mapping.volume-type", "launch.kernel-id", "launch.key-name", "launch.ramdisk-id",
		"launched-availability-zone-id", "network-interface.addresses.primary", "network-interface.delete-on-termination",
		"network-interface.description", "network-interface.device-index", "network-interface.group-id",
		"network-interface.network-interface-id", "network-interface.private-ip-address", "valid-from", "valid-until",
	}
}
