package state

import (
	"slices"
	"time"

	"nightshift/internal/sandbox/random"
)

// Attachment is a volume at a device.
type Attachment struct {
	Volume              *Volume
	Instance            *Instance
	Device              string
	Since               time.Time
	ready               time.Time // until then "attaching"
	DeleteOnTermination bool
}

// Status is the status in the words of EC2.
func (a Attachment) Status(now time.Time) string {
	if now.Before(a.ready) {
		return "attaching"
	}
	return "attached"
}

// Volume is one EBS volume.
type Volume struct {
	Seq         uint64
	ID          string
	Type        string
	SizeGiB     int64
	IOPS        int64
	Throughput  int64
	Zone        string
	Created     time.Time
	Ready       time.Time // until then "creating"
	Encrypted   bool
	KMSKey      string
	MultiAttach bool
	Snapshot    string // id of the snapshot that it was made from, or empty
	Tags        Tags
	Attachments []Attachment
	// IdleSince is since when nothing is written to it; zero: it is written to.
	IdleSince time.Time
	// LastSnapshot is when a call last made one of it.
	LastSnapshot time.Time
}

// Filled is how many bytes its blocks of 512 KiB hold that were ever written: from a
// fifth to nine tenths of it, by its id.
func (v *Volume) Filled() int64 {
	part := 0.2 + 0.7*random.Fraction(random.HashText(21, v.ID))
	return int64(part*float64(v.SizeGiB)*(1<<11)) << 19
}

// Status is the status in the words of EC2.
func (v *Volume) Status(now time.Time) string {
	switch {
	case now.Before(v.Ready):
		return "creating"
	case len(v.Attachments) > 0:
		return "in-use"
	}
	return "available"
}

// AddVolume puts a new volume into the region.
func (r *Region) AddVolume(s VolumeSpec, zone string, created time.Time, ts Tags) *Volume {
	v := &Volume{
		Seq: r.NextSeq(), ID: random.ID(r.Rand, "vol"), Type: s.Type, SizeGiB: s.SizeGiB, IOPS: s.IOPS, Throughput: s.Throughput,
		Zone: zone, Created: created, Encrypted: s.Encrypted, KMSKey: s.KMSKey,
		MultiAttach: s.MultiAttach, Snapshot: s.Snapshot, Tags: ts,
	}
	r.Volumes[v.ID] = v
	r.VolumeOrder = append(r.VolumeOrder, v)
	return v
}

// AttachVolume joins a volume and an instance.
func (r *Region) AttachVolume(v *Volume, i *Instance, device string, since, ready time.Time, deleteToo bool) Attachment {
	a := Attachment{Volume: v, Instance: i, Device: device, Since: since, ready: ready, DeleteOnTermination: deleteToo}
	v.Attachments = append(v.Attachments, a)
	i.Attachments = append(i.Attachments, a)
	return a
}

// Release lets go of what a terminated instance held and deletes the volumes
// that were to go with it.
func (r *Region) Release(i *Instance) {
	for _, a := range i.Attachments {
		a.Volume.Attachments = slices.DeleteFunc(a.Volume.Attachments, func(x Attachment) bool { return x.Instance == i })
		if a.DeleteOnTermination && len(a.Volume.Attachments) == 0 {
			delete(r.Volumes, a.Volume.ID)
			r.VolumeOrder = slices.DeleteFunc(r.VolumeOrder, func(v *Volume) bool { return v == a.Volume })
		}
	}
	i.Attachments = nil
	i.letGo()
}
