package ec2

import (
	"strconv"

	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// volumeFilters are the filters of DescribeVolumes.
func (c *ec2Call) volumeFilters() wire.Fields[*state.Volume] {
	each := func(of func(state.Attachment) string) wire.Values[*state.Volume] {
		return func(v *state.Volume) []string {
			var list []string
			for _, a := range v.Attachments {
				list = append(list, of(a))
			}
			return list
		}
	}
	return wire.Fields[*state.Volume]{
		"tag-key":                          func(v *state.Volume) []string { return v.Tags.Keys() },
		"tag-value":                        func(v *state.Volume) []string { return v.Tags.Values() },
		"volume-id":                        func(v *state.Volume) []string { return wire.NonEmpty(v.ID) },
		"volume-type":                      func(v *state.Volume) []string { return wire.NonEmpty(v.Type) },
		"status":                           func(v *state.Volume) []string { return wire.NonEmpty(v.Status(c.Now)) },
		"size":                             func(v *state.Volume) []string { return wire.NonEmpty(strconv.FormatInt(v.SizeGiB, 10)) },
		"availability-zone":                func(v *state.Volume) []string { return wire.NonEmpty(v.Zone) },
		"snapshot-id":                      func(v *state.Volume) []string { return wire.NonEmpty(v.Snapshot) },
		"encrypted":                        func(v *state.Volume) []string { return wire.NonEmpty(strconv.FormatBool(v.Encrypted)) },
		"multi-attach-enabled":             func(v *state.Volume) []string { return wire.NonEmpty(strconv.FormatBool(v.MultiAttach)) },
		"operator.managed":                 wire.Constant[*state.Volume]("false"),
		"operator.principal":               wire.Constant[*state.Volume](""),
		"create-time":                      func(v *state.Volume) []string { return wire.NonEmpty(iso(v.Created)) },
		"attachment.instance-id":           each(func(a state.Attachment) string { return a.Instance.ID }),
		"attachment.device":                each(func(a state.Attachment) string { return a.Device }),
		"attachment.status":                each(func(a state.Attachment) string { return a.Status(c.Now) }),
		"attachment.delete-on-termination": each(func(a state.Attachment) string { return strconv.FormatBool(a.DeleteOnTermination) }),
		"attachment.attach-time":           each(func(a state.Attachment) string { return iso(a.Since) }),
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
func (c *ec2Call) spotFilters() wire.Fields[*state.SpotRequest] {
	return wire.Fields[*state.SpotRequest]{
		"tag-key":                    func(r *state.SpotRequest) []string { return r.Tags.Keys() },
		"tag-value":                  func(r *state.SpotRequest) []string { return r.Tags.Values() },
		"spot-instance-request-id":   func(r *state.SpotRequest) []string { return wire.NonEmpty(r.ID) },
		"instance-id":                func(r *state.SpotRequest) []string { return wire.NonEmpty(r.Instance.ID) },
		"state":                      func(r *state.SpotRequest) []string { return wire.NonEmpty(r.State) },
		"status-code":                func(r *state.SpotRequest) []string { return wire.NonEmpty(r.Status) },
		"type":                       func(r *state.SpotRequest) []string { return wire.NonEmpty(r.Type()) },
		"launched-availability-zone": func(r *state.SpotRequest) []string { return wire.NonEmpty(r.Instance.Zone) },
		"create-time":                func(r *state.SpotRequest) []string { return wire.NonEmpty(iso(r.Created)) },
		"launch.group-id":            wire.Constant[*state.SpotRequest](c.Region.Network.SecurityGroup),
		"launch.group-name":          wire.Constant[*state.SpotRequest](defaultGroup),
		"launch.image-id":            func(r *state.SpotRequest) []string { return wire.NonEmpty(r.Instance.Image) },
		"launch.instance-type":       func(r *state.SpotRequest) []string { return wire.NonEmpty(r.Instance.Type.Name) },
		"launch.monitoring-enabled":  func(r *state.SpotRequest) []string { return wire.Bool(r.Instance.Monitored) },
		"network-interface.subnet-id": func(r *state.SpotRequest) []string {
			return wire.NonEmpty(c.Region.Network.Subnets[r.Instance.Zone])
		},
		"product-description": func(r *state.SpotRequest) []string { return wire.NonEmpty(spotProduct(r.Instance.System)) },
		"spot-price":          func(r *state.SpotRequest) []string { return wire.NonEmpty(r.Price) },
		"status-message":      func(r *state.SpotRequest) []string { return wire.NonEmpty(r.Message) },
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
