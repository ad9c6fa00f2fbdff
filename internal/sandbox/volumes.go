package sandbox

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"time"
)

// describeVolumes is DescribeVolumes.
func (c *ec2Call) describeVolumes() *apiError {
	ids := c.form.texts("VolumeId")
	fs, err := readFilters(c.form, c.volumeFilters(), otherVolumeFilters()...)
	if err != nil {
		return err
	}
	p, err := c.listing(1000, len(fs) > 0, ids, "volumeSet")
	if err != nil {
		return err
	}
	order := c.region.volumeOrder
	if len(ids) > 0 {
		if order, err = c.volumesNamed(ids); err != nil {
			return err
		}
	}
	if p.begun {
		order = order[sort.Search(len(order), func(n int) bool { return order[n].seq > p.seq }):]
	}
	var rows []*volume
	for _, v := range order {
		if matchAll(fs, v) {
			rows = append(rows, v)
			if p.size > 0 && len(rows) > p.size {
				break
			}
		}
	}
	rows, token := cutPage(p, rows, func(v *volume) (uint64, int) { return v.seq, 0 })
	c.out.open("volumeSet")
	for _, v := range rows {
		c.out.open("item")
		c.out.volume(c.now, v)
		c.out.end("item")
	}
	c.out.end("volumeSet")
	c.out.some("nextToken", token)
	return nil
}

func (c *ec2Call) volumesNamed(ids []string) ([]*volume, *apiError) {
	c.resources = len(ids)
	var found []*volume
	var missing []string
	for _, id := range ids {
		if !wellFormed(id, "vol-") {
			return nil, invalid("InvalidParameterValue", "Value ("+id+") for parameter volumes is invalid. Expected: 'vol-...'.")
		}
		v := c.region.volumes[id]
		switch {
		case v == nil:
			missing = append(missing, id)
		case !slices.Contains(found, v):
			found = append(found, v)
		}
	}
	switch len(missing) {
	case 0:
		slices.SortFunc(found, func(a, b *volume) int { return cmp.Compare(a.seq, b.seq) })
		return found, nil
	case 1:
		return nil, invalid("InvalidVolume.NotFound", "The volume '"+missing[0]+"' does not exist.")
	}
	return nil, invalid("InvalidVolume.NotFound", "The volumes '"+strings.Join(missing, ", ")+"' do not exist.")
}

func (d *doc) volume(now time.Time, v *volume) {
	d.text("volumeId", v.id)
	d.number("size", v.gib)
	d.text("snapshotId", v.snapshot)
	d.text("availabilityZone", v.zone)
	d.text("status", v.status(now))
	d.time("createTime", v.created)
	d.open("attachmentSet")
	for _, a := range v.attachments {
		d.open("item")
		d.attachment(now, a)
		d.end("item")
	}
	d.end("attachmentSet")
	d.tags(v.tags)
	d.text("volumeType", v.kind)
	if v.iops > 0 {
		d.number("iops", v.iops)
	}
	if v.throughput > 0 {
		d.number("throughput", v.throughput)
	}
	d.flag("encrypted", v.encrypted)
	d.some("kmsKeyId", v.key)
	d.flag("multiAttachEnabled", v.multiAttach)
}

func (d *doc) attachment(now time.Time, a attachment) {
	d.text("volumeId", a.volume.id)
	d.text("instanceId", a.instance.id)
	d.text("device", a.device)
	d.text("status", a.status(now))
	d.time("attachTime", a.since)
	d.flag("deleteOnTermination", a.deleteToo)
}

// createVolume is CreateVolume.
func (c *ec2Call) createVolume() *apiError {
	request := c.form.fingerprint("CreateVolume")
	zone := c.form.text("AvailabilityZone")
	spec, err := c.volumeSpec(c.form, "Size")
	if err != nil {
		return err
	}
	spec.multiAttach = c.form.flag("MultiAttachEnabled")
	token := c.form.text("ClientToken")
	byType, err := specifiedTags(c.form, "volume")
	if err != nil {
		return err
	}
	if err := c.form.unknownParameter(); err != nil {
		return err
	}
	if zone == "" {
		return missingParameter("AvailabilityZone")
	}
	if !c.region.hasZone(zone) {
		return invalid("InvalidZone.NotFound", "The zone '"+zone+"' does not exist.")
	}
	if err := completed(&spec); err != nil {
		return err
	}
	ts := byType["volume"]
	if err := c.authorize(c.region.arn("volume", "*"), nil, ts.keys()); err != nil {
		return err
	}
	if err := c.checkDryRun(); err != nil {
		return err
	}
	used, err := c.reused(token, request)
	if err != nil {
		return err
	}
	v := used.volume
	if v == nil {
		v = c.region.add(spec, zone, c.now, ts)
		v.ready = c.now.Add(between(c.region.rng, time.Second, 3*time.Second))
		if token != "" {
			c.region.tokens[token] = usedToken{request: request, volume: v}
		}
	}
	c.out.volume(c.now, v)
	return nil
}

// reused finds what an earlier request with the same client token made.
func (c *ec2Call) reused(token string, request uint64) (usedToken, *apiError) {
	used, ok := c.region.tokens[token]
	if ok && used.request != request {
		return usedToken{}, invalid("IdempotentParameterMismatch", "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).")
	}
	return used, nil
}

// attachVolume is AttachVolume.
func (c *ec2Call) attachVolume() *apiError {
	device, id, volumeID := c.form.text("Device"), c.form.text("InstanceId"), c.form.text("VolumeId")
	if err := c.form.unknownParameter(); err != nil {
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
	a := c.region.attach(v, i, device, c.now, c.now.Add(time.Second), false)
	c.out.attachment(c.now, a)
	return nil
}

func (c *ec2Call) attachable(v *volume, i *instance, device string) *apiError {
	switch {
	case v.status(c.now) == "creating":
		return invalid("IncorrectState", v.id+" is not 'available'.")
	case v.zone != i.zone:
		return invalid("InvalidVolume.ZoneMismatch", "The volume '"+v.id+"' is not in the same availability zone as instance '"+i.id+"'")
	case i.state != running && i.state != stopped && i.state != stopping:
		return invalid("IncorrectState", "Instance '"+i.id+"' is not 'running'.")
	case len(v.attachments) > 0 && !v.multiAttach:
		return invalid("VolumeInUse", v.id+" is already attached to an instance")
	case len(v.attachments) >= 16:
		return invalid("AttachmentLimitExceeded", v.id+" is attached to the maximum number of instances")
	}
	for _, a := range v.attachments {
		if a.instance == i {
			return invalid("VolumeInUse", v.id+" is already attached to an instance")
		}
	}
	for _, a := range i.attached {
		if a.device == device {
			return invalid("InvalidParameterValue", "Invalid value '"+device+"' for unixDevice. Attachment point "+device+" is already in use")
		}
	}
	return nil
}
