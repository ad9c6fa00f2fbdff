package sandbox

import (
	"cmp"
	"fmt"
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
	if len(ids) > 0 && c.form.has("MaxResults") {
		return invalid("InvalidParameterCombination", "The parameter volumeSet cannot be used with the parameter maxResults")
	}
	p, err := c.page(1000, len(fs) > 0)
	if err != nil {
		return err
	}
	if err := c.readOnly(); err != nil {
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

// volumeSpec is what a new volume is to be.
type volumeSpec struct {
	kind        string
	gib         int64
	iops        int64
	throughput  int64
	multiAttach bool
	encrypted   bool
	key         string
	snapshot    string
}

// complete checks a specification against the limits of its type ("Amazon EBS
// volume types", EBS User Guide) and fills in what EC2 derives.
func (s *volumeSpec) complete() *apiError {
	if s.kind == "" {
		s.kind = "gp2"
	}
	if s.gib == 0 && s.snapshot != "" {
		s.gib = 8
	}
	type limits struct{ least, most int64 }
	size, ok := map[string]limits{
		"gp2": {1, 16384}, "gp3": {1, 65536}, "io1": {4, 16384}, "io2": {4, 65536},
		"st1": {125, 16384}, "sc1": {125, 16384}, "standard": {1, 1024},
	}[s.kind]
	switch {
	case !ok:
		return invalid("UnknownVolumeType", "Unknown volume type: "+s.kind)
	case s.gib == 0:
		return missingParameter("size/snapshot")
	case s.gib < size.least || s.gib > size.most:
		return invalid("InvalidParameterValue", fmt.Sprintf("Volume of %dGiB is outside %d to %dGiB for volume type %s.", s.gib, size.least, size.most, s.kind))
	case s.throughput > 0 && s.kind != "gp3":
		return invalid("InvalidParameterCombination", "The parameter throughput is not supported for "+s.kind+" volumes.")
	case s.multiAttach && s.kind != "io1" && s.kind != "io2":
		return invalid("InvalidParameterCombination", "Multi-Attach is only supported on io1 and io2 volumes.")
	}
	return s.completeIOPS()
}

func (s *volumeSpec) completeIOPS() *apiError {
	var most int64
	switch s.kind {
	case "gp2":
		if s.iops > 0 {
			return invalid("InvalidParameterCombination", "The parameter iops is not supported for gp2 volumes.")
		}
		s.iops = min(max(3*s.gib, 100), 16000)
		return nil
	case "gp3":
		most = 80000
		if s.iops == 0 {
			s.iops = 3000
		}
		if s.throughput == 0 {
			s.throughput = 125
		}
		if s.throughput < 125 || s.throughput > 2000 {
			return invalid("InvalidParameterValue", fmt.Sprintf("Throughput of %d is outside 125 to 2000 MiB/s.", s.throughput))
		}
		if s.iops < 3000 {
			return invalid("InvalidParameterValue", fmt.Sprintf("Volume iops of %d is too low; minimum is 3000.", s.iops))
		}
	case "io1", "io2":
		most = 64000
		if s.kind == "io2" {
			most = 256000
		}
		if s.iops == 0 {
			return missingParameter("iops")
		}
		if s.iops < 100 {
			return invalid("InvalidParameterValue", fmt.Sprintf("Volume iops of %d is too low; minimum is 100.", s.iops))
		}
	default:
		if s.iops > 0 {
			return invalid("InvalidParameterCombination", "The parameter iops is not supported for "+s.kind+" volumes.")
		}
	}
	if s.iops > most {
		return invalid("InvalidParameterValue", fmt.Sprintf("Volume iops of %d is too high; maximum is %d.", s.iops, most))
	}
	return nil
}

// add puts a new volume into the region.
func (r *region) add(s volumeSpec, zone string, created time.Time, ts tags) *volume {
	v := &volume{
		seq: r.next(), id: longID(r.rng, "vol"), kind: s.kind, gib: s.gib, iops: s.iops, throughput: s.throughput,
		zone: zone, created: created, snapshot: s.snapshot, encrypted: s.encrypted, key: s.key,
		multiAttach: s.multiAttach, tags: ts,
	}
	r.volumes[v.id] = v
	r.volumeOrder = append(r.volumeOrder, v)
	return v
}

// attach joins a volume and an instance.
func (r *region) attach(v *volume, i *instance, device string, since, ready time.Time, deleteToo bool) attachment {
	a := attachment{volume: v, instance: i, device: device, since: since, ready: ready, deleteToo: deleteToo}
	v.attachments = append(v.attachments, a)
	i.attached = append(i.attached, a)
	return a
}

// release lets go of a terminated instance's volumes and deletes those that
// were to go with it.
func (r *region) release(i *instance) {
	for _, a := range i.attached {
		a.volume.attachments = slices.DeleteFunc(a.volume.attachments, func(x attachment) bool { return x.instance == i })
		if a.deleteToo && len(a.volume.attachments) == 0 {
			delete(r.volumes, a.volume.id)
			r.volumeOrder = slices.DeleteFunc(r.volumeOrder, func(v *volume) bool { return v == a.volume })
		}
	}
	i.attached = nil
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
	byType, err := specifiedTags(c.form)
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
	if err := spec.complete(); err != nil {
		return err
	}
	ts := byType["volume"]
	if err := c.authorize(c.region.arn("volume", "*"), nil, ts.keys()); err != nil {
		return err
	}
	if err := c.dryRun(); err != nil {
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

func (c *ec2Call) volumeSpec(p *params, size string) (volumeSpec, *apiError) {
	s := volumeSpec{
		kind: p.text("VolumeType"), encrypted: p.flag("Encrypted"),
		key: p.text("KmsKeyId"), snapshot: p.text("SnapshotId"),
	}
	var err *apiError
	for name, into := range map[string]*int64{size: &s.gib, "Iops": &s.iops, "Throughput": &s.throughput} {
		if *into, err = p.number(name); err != nil {
			return s, err
		}
	}
	return s, nil
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
