package ec2

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"time"

	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

func (c *ec2Call) describeVolumes() *wire.Error {
	ids := c.Params.Texts("VolumeId")
	fs, err := wire.ReadFilters(c.Params, c.volumeFilters(), otherVolumeFilters()...)
	if err != nil {
		return err
	}
	p, err := c.listing(1000, len(fs) > 0, ids, "volumeSet")
	if err != nil {
		return err
	}
	order := c.Region.VolumeOrder
	if len(ids) > 0 {
		if order, err = c.volumesNamed(ids); err != nil {
			return err
		}
	}
	if p.Begun {
		order = order[sort.Search(len(order), func(n int) bool { return order[n].Seq > p.Seq }):]
	}
	var rows []*state.Volume
	for _, v := range order {
		if wire.MatchAll(fs, v) {
			rows = append(rows, v)
			if p.Size > 0 && len(rows) > p.Size {
				break
			}
		}
	}
	rows, token := wire.CutPage(p, rows, func(v *state.Volume) (uint64, int) { return v.Seq, 0 })
	c.Out.Open("volumeSet")
	for _, v := range rows {
		c.Out.Open("item")
		writeVolume(c.Out, c.Now, v)
		c.Out.End("item")
	}
	c.Out.End("volumeSet")
	c.Out.Optional("nextToken", token)
	return nil
}

func (c *ec2Call) volumesNamed(ids []string) ([]*state.Volume, *wire.Error) {
	c.resources = len(ids)
	var found []*state.Volume
	var missing []string
	for _, id := range ids {
		if !wellFormed(id, "vol-") {
			return nil, wire.Invalid("InvalidParameterValue", "Value ("+id+") for parameter volumes is invalid. Expected: 'vol-...'.")
		}
		v := c.Region.Volumes[id]
		switch {
		case v == nil:
			missing = append(missing, id)
		case !slices.Contains(found, v):
			found = append(found, v)
		}
	}
	switch len(missing) {
	case 0:
		slices.SortFunc(found, func(a, b *state.Volume) int { return cmp.Compare(a.Seq, b.Seq) })
		return found, nil
	case 1:
		return nil, wire.Invalid("InvalidVolume.NotFound", "The volume '"+missing[0]+"' does not exist.")
	}
	return nil, wire.Invalid("InvalidVolume.NotFound", "The volumes '"+strings.Join(missing, ", ")+"' do not exist.")
}

func writeVolume(d *wire.Doc, now time.Time, v *state.Volume) {
	d.Text("volumeId", v.ID)
	d.Number("size", v.SizeGiB)
	d.Text("snapshotId", v.Snapshot)
	d.Text("availabilityZone", v.Zone)
	d.Text("status", v.Status(now))
	d.Time("createTime", v.Created)
	d.Open("attachmentSet")
	for _, a := range v.Attachments {
		d.Open("item")
		writeAttachment(d, now, a)
		d.End("item")
	}
	d.End("attachmentSet")
	writeTags(d, v.Tags)
	d.Text("volumeType", v.Type)
	if v.IOPS > 0 {
		d.Number("iops", v.IOPS)
	}
	if v.Throughput > 0 {
		d.Number("throughput", v.Throughput)
	}
	d.Flag("encrypted", v.Encrypted)
	d.Optional("kmsKeyId", v.KMSKey)
	d.Flag("multiAttachEnabled", v.MultiAttach)
}

func writeAttachment(d *wire.Doc, now time.Time, a state.Attachment) {
	d.Text("volumeId", a.Volume.ID)
	d.Text("instanceId", a.Instance.ID)
	d.Text("device", a.Device)
	d.Text("status", a.Status(now))
	d.Time("attachTime", a.Since)
	d.Flag("deleteOnTermination", a.DeleteOnTermination)
}

func (c *ec2Call) createVolume() *wire.Error {
	request := c.Params.Fingerprint("CreateVolume")
	zone := c.Params.Text("AvailabilityZone")
	spec, err := c.volumeSpec(c.Params, "Size")
	if err != nil {
		return err
	}
	spec.MultiAttach = c.Params.Flag("MultiAttachEnabled")
	token := c.Params.Text("ClientToken")
	byType, err := specifiedTags(c.Params, "volume")
	if err != nil {
		return err
	}
	if err := c.Params.UnknownParameter(); err != nil {
		return err
	}
	if zone == "" {
		return missingParameter("AvailabilityZone")
	}
	if !c.Region.HasZone(zone) {
		return wire.Invalid("InvalidZone.NotFound", "The zone '"+zone+"' does not exist.")
	}
	if err := completed(&spec); err != nil {
		return err
	}
	ts := byType["volume"]
	if err := c.authorize(c.Region.ARN("volume", "*"), nil, ts.Keys()); err != nil {
		return err
	}
	if err := c.checkDryRun(); err != nil {
		return err
	}
	used, err := c.reused(token, request)
	if err != nil {
		return err
	}
	v := used.Volume
	if v == nil {
		v = c.Region.AddVolume(spec, zone, c.Now, ts)
		v.Ready = c.Now.Add(random.Between(c.Region.Rand, time.Second, 3*time.Second))
		if token != "" {
			c.Region.ClientTokens[token] = state.UsedToken{Request: request, Volume: v}
		}
	}
	writeVolume(c.Out, c.Now, v)
	return nil
}

// reused finds what an earlier request with the same client token made.
func (c *ec2Call) reused(token string, request uint64) (state.UsedToken, *wire.Error) {
	used, ok := c.Region.ClientTokens[token]
	if ok && used.Request != request {
		return state.UsedToken{}, wire.Invalid("IdempotentParameterMismatch", "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).")
	}
	return used, nil
}

func (c *ec2Call) attachVolume() *wire.Error {
	device, id, volumeID := c.Params.Text("Device"), c.Params.Text("InstanceId"), c.Params.Text("VolumeId")
	if err := c.Params.UnknownParameter(); err != nil {
		return err
	}
	for name, v := range map[string]string{"device": device, "instance": id, "volume": volumeID} {
		if v == "" {
			return missingParameter(name)
		}
	}
	if err := checkDevice(device); err != nil {
		return err
	}
	vs, err := c.volumesNamed([]string{volumeID})
	if err != nil {
		return err
	}
	batch, err := c.batch([]string{id})
	if err != nil {
		return err
	}
	v, i := vs[0], batch[0]
	if err := c.attachable(v, i, device); err != nil {
		return err
	}
	a := c.Region.AttachVolume(v, i, device, c.Now, c.Now.Add(time.Second), false)
	writeAttachment(c.Out, c.Now, a)
	return nil
}

func (c *ec2Call) attachable(v *state.Volume, i *state.Instance, device string) *wire.Error {
	switch {
	case v.Status(c.Now) == "creating":
		return wire.Invalid("IncorrectState", v.ID+" is not 'available'.")
	case v.Zone != i.Zone:
		return wire.Invalid("InvalidVolume.ZoneMismatch", "The volume '"+v.ID+"' is not in the same availability zone as instance '"+i.ID+"'")
	case i.State != state.Running && i.State != state.Stopped && i.State != state.Stopping:
		return wire.Invalid("IncorrectState", "Instance '"+i.ID+"' is not 'running'.")
	case len(v.Attachments) > 0 && !v.MultiAttach:
		return wire.Invalid("VolumeInUse", v.ID+" is already attached to an instance")
	case len(v.Attachments) >= 16:
		return wire.Invalid("AttachmentLimitExceeded", v.ID+" is attached to the maximum number of instances")
	}
	for _, a := range v.Attachments {
		if a.Instance == i {
			return wire.Invalid("VolumeInUse", v.ID+" is already attached to an instance")
		}
	}
	for _, a := range i.Attachments {
		if a.Device == device {
			return wire.Invalid("InvalidParameterValue", "Invalid value '"+device+"' for unixDevice. Attachment point "+device+" is already in use")
		}
	}
	return nil
}
