package sandbox

import (
	"strconv"

	"nightshift/internal/sandbox/wire"
)

// volumeFilters are the filters of DescribeVolumes.
func (c *ec2Call) volumeFilters() wire.Fields[*Volume] {
	each := func(of func(Attachment) string) wire.Values[*Volume] {
		return func(v *Volume) []string {
			var list []string
			for _, a := range v.Attachments {
				list = append(list, of(a))
			}
			return list
		}
	}
	return wire.Fields[*Volume]{
		"tag-key":                          func(v *Volume) []string { return v.Tags.Keys() },
		"tag-value":                        func(v *Volume) []string { return v.Tags.Values() },
		"volume-id":                        func(v *Volume) []string { return wire.NonEmpty(v.ID) },
		"volume-type":                      func(v *Volume) []string { return wire.NonEmpty(v.Type) },
		"status":                           func(v *Volume) []string { return wire.NonEmpty(v.Status(c.Now)) },
		"size":                             func(v *Volume) []string { return wire.NonEmpty(strconv.FormatInt(v.SizeGiB, 10)) },
		"availability-zone":                func(v *Volume) []string { return wire.NonEmpty(v.Zone) },
		"snapshot-id":                      func(v *Volume) []string { return wire.NonEmpty(v.Snapshot) },
		"encrypted":                        func(v *Volume) []string { return wire.NonEmpty(strconv.FormatBool(v.Encrypted)) },
		"multi-attach-enabled":             func(v *Volume) []string { return wire.NonEmpty(strconv.FormatBool(v.MultiAttach)) },
		"operator.managed":                 wire.Constant[*Volume]("false"),
		"operator.principal":               wire.Constant[*Volume](""),
		"create-time":                      func(v *Volume) []string { return wire.NonEmpty(iso(v.Created)) },
		"attachment.instance-id":           each(func(a Attachment) string { return a.Instance.ID }),
		"attachment.device":                each(func(a Attachment) string { return a.Device }),
		"attachment.status":                each(func(a Attachment) string { return a.Status(c.Now) }),
		"attachment.delete-on-termination": each(func(a Attachment) string { return strconv.FormatBool(a.DeleteOnTermination) }),
		"attachment.attach-time":           each(func(a Attachment) string { return iso(a.Since) }),
	}
}

// otherVolumeFilters are documented too.
func otherVolumeFilters() []string { return []string{"availability-zone-id", "fast-restored"} }

func tagFilters() wire.Fields[*tagRow] {
	return wire.Fields[*tagRow]{
		"key":           func(r *tagRow) []string { return wire.NonEmpty(r.tag.Key) },
		"value":         func(r *tagRow) []string { return []string{r.tag.Value} },
		"resource-id":   func(r *tagRow) []string { return wire.NonEmpty(r.id) },
		"resource-type": func(r *tagRow) []string { return wire.NonEmpty(r.kind) },
		"tag-key":       func(r *tagRow) []string { return wire.NonEmpty(r.tag.Key) },
		"tag-value":     func(r *tagRow) []string { return []string{r.tag.Value} },
	}
}

// spotFilters are the filters of DescribeSpotInstanceRequests.
func (c *ec2Call) spotFilters() wire.Fields[*SpotRequest] {
	return wire.Fields[*SpotRequest]{
		"tag-key":                    func(r *SpotRequest) []string { return r.Tags.Keys() },
		"tag-value":                  func(r *SpotRequest) []string { return r.Tags.Values() },
		"spot-instance-request-id":   func(r *SpotRequest) []string { return wire.NonEmpty(r.ID) },
		"instance-id":                func(r *SpotRequest) []string { return wire.NonEmpty(r.Instance.ID) },
		"state":                      func(r *SpotRequest) []string { return wire.NonEmpty(r.State) },
		"status-code":                func(r *SpotRequest) []string { return wire.NonEmpty(r.Status) },
		"type":                       func(r *SpotRequest) []string { return wire.NonEmpty(r.Type()) },
		"launched-availability-zone": func(r *SpotRequest) []string { return wire.NonEmpty(r.Instance.Zone) },
		"create-time":                func(r *SpotRequest) []string { return wire.NonEmpty(iso(r.Created)) },
		"launch.group-id":            wire.Constant[*SpotRequest](c.Region.Network.SecurityGroup),
		"launch.group-name":          wire.Constant[*SpotRequest](defaultGroup),
		"launch.image-id":            func(r *SpotRequest) []string { return wire.NonEmpty(r.Instance.Image) },
		"launch.instance-type":       func(r *SpotRequest) []string { return wire.NonEmpty(r.Instance.Type.Name) },
		"launch.monitoring-enabled":  func(r *SpotRequest) []string { return wire.Bool(r.Instance.Monitored) },
		"network-interface.subnet-id": func(r *SpotRequest) []string {
			return wire.NonEmpty(c.Region.Network.Subnets[r.Instance.Zone])
		},
		"product-description": func(r *SpotRequest) []string { return wire.NonEmpty(spotProduct(r.Instance.System)) },
		"spot-price":          func(r *SpotRequest) []string { return wire.NonEmpty(r.Price) },
		"status-message":      func(r *SpotRequest) []string { return wire.NonEmpty(r.Message) },
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
