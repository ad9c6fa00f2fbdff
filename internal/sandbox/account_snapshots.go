package sandbox

import (
	"fmt"
	"slices"
	"time"

	"nightshift/internal/sandbox/backup"
	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/state"
)

// in runs do on a region under its lock. An error means that the account has no such
// region.
func (a *Account) in(region string, do func(*state.Region)) error {
	r := a.Regions[region]
	if r == nil {
		return fmt.Errorf("the account has no region %q", region)
	}
	r.Mu.Lock()
	defer r.Mu.Unlock()
	do(r)
	return nil
}

// Snapshots lists the snapshots of a region as they are, also those that calls do not
// show yet, the oldest first; none where there is no such region.
func (a *Account) Snapshots(region string) []Snapshot {
	var list []Snapshot
	_ = a.in(region, func(r *state.Region) { // without a region there are none
		list = make([]Snapshot, 0, len(r.Other.Snapshots))
		for _, s := range r.Other.Snapshots {
			list = append(list, *s)
		}
	})
	return list
}

// AddSnapshot puts a snapshot into a region, whoever made it. What is not said is
// filled in: an id, the account as its owner, the time, and that it is complete. The
// first error is that of a wrong region.
func (a *Account) AddSnapshot(region string, s Snapshot) (id string, err error) {
	err = a.in(region, func(r *state.Region) {
		if s.ID == "" {
			s.ID = random.ID(r.Rand, "snap")
		}
		if s.Owner == "" {
			s.Owner = r.Owner
		}
		if s.Started.IsZero() {
			s.Started = a.Now()
		}
		if s.Finished.IsZero() {
			s.Finished = s.Started
		}
		if v := r.Volumes[s.Volume]; v != nil && s.SizeGiB == 0 {
			s.SizeGiB, s.Full, s.Encrypted, s.KMSKey = v.SizeGiB, v.Filled(), v.Encrypted, v.KMSKey
		}
		r.AddSnapshot(s)
	})
	return s.ID, err
}

// SetBlocks gives a snapshot exactly these blocks, by their index, each with the number
// of the write that it holds, which is not 0: two snapshots of a volume refer to the same
// stored block where index and number are the same.
func (a *Account) SetBlocks(region, snapshot string, written map[int64]uint64) error {
	var found *state.Snapshot
	err := a.in(region, func(r *state.Region) {
		if found = r.SnapshotNamed(snapshot); found != nil {
			found.SetBlocks(written)
		}
	})
	if err == nil && found == nil {
		err = fmt.Errorf("set the blocks of snapshot %s: there is none", snapshot)
	}
	return err
}

// AddImage puts an AMI of the account into a region. An id, the system Amazon Linux and
// the architecture are filled in.
func (a *Account) AddImage(region string, i Image) (id string, err error) {
	err = a.in(region, func(r *state.Region) {
		if i.ID == "" {
			i.ID = random.ID(r.Rand, "ami")
		}
		if i.System.Name == "" {
			i.System, _ = state.SystemNamed("linux")
		}
		if i.Architecture == "" {
			i.Architecture = "x86_64"
		}
		if i.Created.IsZero() {
			i.Created = a.Now()
		}
		r.AddImage(i)
	})
	return i.ID, err
}

// AddLaunchTemplate puts a launch template into a region. An id and the default version
// are filled in.
func (a *Account) AddLaunchTemplate(region string, t LaunchTemplate) (id string, err error) {
	err = a.in(region, func(r *state.Region) {
		if t.ID == "" {
			t.ID = random.ID(r.Rand, "lt")
		}
		if t.Default == 0 {
			t.Default = 1
		}
		r.AddLaunchTemplate(t)
	})
	return t.ID, err
}

// AddFastRestore enables fast snapshot restore of a snapshot in a zone.
func (a *Account) AddFastRestore(region, snapshot, zone string) error {
	return a.in(region, func(r *state.Region) { r.AddFastRestore(snapshot, zone, a.Now()) })
}

// LockSnapshot locks a snapshot in governance mode for some days, as LockSnapshot does.
func (a *Account) LockSnapshot(region, snapshot string, days int64) error {
	var found *state.Snapshot
	err := a.in(region, func(r *state.Region) {
		if found = r.SnapshotNamed(snapshot); found != nil {
			r.LockSnapshot(found, &state.SnapshotLock{Mode: "governance", Created: a.Now(), Start: a.Now(), Days: days})
		}
	})
	if err == nil && found == nil {
		err = fmt.Errorf("lock snapshot %s: there is none", snapshot)
	}
	return err
}

// AddBinRule gives the Recycle Bin of a region a retention rule for snapshots. An id is
// filled in.
func (a *Account) AddBinRule(region string, b BinRule) (id string, err error) {
	err = a.in(region, func(r *state.Region) {
		if b.ID == "" {
			b.ID = random.ID(r.Rand, "")[2:13]
		}
		r.Other.BinRules = append(r.Other.BinRules, b)
	})
	return b.ID, err
}

// AddRecoveryPoint lets AWS Backup keep a copy of a resource, which an ARN names; kind is
// EBS or EC2.
func (a *Account) AddRecoveryPoint(region, resource, kind string, p RecoveryPoint) error {
	return a.in(region, func(r *state.Region) { backup.Add(r, resource, kind, p) })
}

// Volumes lists the ids of the volumes of a region in the order in which they were made;
// none where there is no such region.
func (a *Account) Volumes(region string) []string {
	var ids []string
	_ = a.in(region, func(r *state.Region) { // without a region there are none
		for _, v := range r.VolumeOrder {
			ids = append(ids, v.ID)
		}
	})
	return ids
}

// VolumesOf lists the volumes that are attached to an instance; none where there is no such
// instance.
func (a *Account) VolumesOf(region, instance string) []string {
	var ids []string
	_ = a.in(region, func(r *state.Region) { // without a region there are none
		if i := r.Instances[instance]; i != nil {
			for _, attached := range i.Attachments {
				ids = append(ids, attached.Volume.ID)
			}
		}
	})
	return ids
}

// DeleteVolume takes a volume away, as somebody else does; false where there is none.
func (a *Account) DeleteVolume(region, id string) bool {
	found := false
	_ = a.in(region, func(r *state.Region) { // without a region there is none
		v := r.Volumes[id]
		if v == nil {
			return
		}
		found = true
		for _, at := range v.Attachments {
			at.Instance.Attachments = slices.DeleteFunc(at.Instance.Attachments, func(x state.Attachment) bool { return x.Volume == v })
		}
		delete(r.Volumes, id)
		r.VolumeOrder = slices.DeleteFunc(r.VolumeOrder, func(x *state.Volume) bool { return x == v })
	})
	return found
}

// SetIdle lets nothing be written to a volume any more from a time on; false where there
// is no such volume.
func (a *Account) SetIdle(region, id string, since time.Time) bool {
	found := false
	_ = a.in(region, func(r *state.Region) { // without a region there is none
		if v := r.Volumes[id]; v != nil {
			v.IdleSince, found = since, true
		}
	})
	return found
}

// SetVolumeTags gives a volume other tags, as somebody else does; false where there is
// none.
func (a *Account) SetVolumeTags(region, id string, ts Tags) bool {
	found := false
	_ = a.in(region, func(r *state.Region) { // without a region there is none
		if v := r.Volumes[id]; v != nil {
			v.Tags, found = ts, true
		}
	})
	return found
}
