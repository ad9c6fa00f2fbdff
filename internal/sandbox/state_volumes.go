package sandbox

import (
	"slices"
	"time"
)

// attachment is a volume at a device.
type attachment struct {
	volume    *volume
	instance  *instance
	device    string
	since     time.Time
	ready     time.Time // until then "attaching"
	deleteToo bool
}

func (a attachment) status(now time.Time) string {
	if now.Before(a.ready) {
		return "attaching"
	}
	return "attached"
}

// volume is one EBS volume.
type volume struct {
	seq         uint64
	id          string
	kind        string
	gib         int64
	iops        int64
	throughput  int64
	zone        string
	created     time.Time
	ready       time.Time // until then "creating"
	encrypted   bool
	key         string
	multiAttach bool
	snapshot    string // id of the snapshot that it was made from, or empty
	tags        tags
	attachments []attachment
}

func (v *volume) status(now time.Time) string {
	switch {
	case now.Before(v.ready):
		return "creating"
	case len(v.attachments) > 0:
		return "in-use"
	}
	return "available"
}

// add puts a new volume into the region.
func (r *region) add(s volumeSpec, zone string, created time.Time, ts tags) *volume {
	v := &volume{
		seq: r.next(), id: longID(r.rng, "vol"), kind: s.kind, gib: s.gib, iops: s.iops, throughput: s.throughput,
		zone: zone, created: created, encrypted: s.encrypted, key: s.key,
		multiAttach: s.multiAttach, snapshot: s.snapshot, tags: ts,
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

// release lets go of what a terminated instance held and deletes the volumes
// that were to go with it.
func (r *region) release(i *instance) {
	for _, a := range i.attached {
		a.volume.attachments = slices.DeleteFunc(a.volume.attachments, func(x attachment) bool { return x.instance == i })
		if a.deleteToo && len(a.volume.attachments) == 0 {
			delete(r.volumes, a.volume.id)
			r.volumeOrder = slices.DeleteFunc(r.volumeOrder, func(v *volume) bool { return v == a.volume })
		}
	}
	i.attached = nil
	i.letGo()
}
