package ec2

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// What CreateSnapshots takes at most.
const (
	mostExcluded    = 40
	mostVolumes     = 128
	mostDescription = 255
)

// newSnapshots is what CreateSnapshot and CreateSnapshots are asked for.
type newSnapshots struct {
	description string
	tags        state.Tags // the same for all
	copyTags    bool       // of each volume
	instance    *state.Instance
	volumes     []*state.Volume
}

// createSnapshot is CreateSnapshot.
func (c *ec2Call) createSnapshot() *wire.Error {
	id := c.Params.Text("VolumeId")
	n, err := c.snapshotRequest()
	if err != nil {
		return err
	}
	if id == "" {
		return missingParameter("volumeId")
	}
	if n.volumes, err = c.volumesNamed([]string{id}); err != nil {
		return err
	}
	made, err := c.takeSnapshots(n)
	if err != nil {
		return err
	}
	c.writeSnapshot(made[0])
	return nil
}

// createSnapshots is CreateSnapshots: of the volumes of one instance, all at one
// moment.
func (c *ec2Call) createSnapshots() *wire.Error {
	of := c.Params.At("InstanceSpecification")
	id, noRoot, excluded := of.Text("InstanceId"), of.Flag("ExcludeBootVolume"), of.Texts("ExcludeDataVolumeId")
	source := c.Params.Text("CopyTagsFromSource")
	n, err := c.snapshotRequest()
	if err != nil {
		return err
	}
	switch {
	case id == "":
		return missingParameter("InstanceSpecification.InstanceId")
	case source != "" && source != "volume":
		return wire.Invalid("InvalidParameterValue", "Value ("+source+") for parameter CopyTagsFromSource is invalid. It must be volume.")
	case len(excluded) > mostExcluded:
		return wire.Invalid("InvalidParameterValue", fmt.Sprintf("The maximum number of data volumes to exclude is %d", mostExcluded))
	}
	n.copyTags = source == "volume"
	found, err := c.instancesNamed([]string{id})
	if err != nil {
		return err
	}
	n.instance = found[0]
	if n.volumes, err = volumesToTake(n.instance, noRoot, excluded); err != nil {
		return err
	}
	made, err := c.takeSnapshots(n)
	if err != nil {
		return err
	}
	c.Out.Open("snapshotSet")
	for _, s := range made {
		c.Out.Open("item")
		c.writeMember(s)
		c.Out.End("item")
	}
	c.Out.End("snapshotSet")
	return nil
}

// snapshotRequest reads what both operations have, and refuses what they have not.
func (c *ec2Call) snapshotRequest() (newSnapshots, *wire.Error) {
	n := newSnapshots{description: c.Params.Text("Description")}
	byType, err := specifiedTags(c.Params, "snapshot")
	if err != nil {
		return n, err
	}
	n.tags = byType["snapshot"]
	if utf8.RuneCountInString(n.description) > mostDescription {
		return n, wire.Invalid("InvalidParameterValue", fmt.Sprintf("The description has more than %d characters.", mostDescription))
	}
	return n, c.Params.UnknownParameter()
}

// volumesToTake are the volumes of an instance without those excluded, of which each
// has to be one of its data volumes.
func volumesToTake(i *state.Instance, noRoot bool, excluded []string) ([]*state.Volume, *wire.Error) {
	var list []*state.Volume
	out := map[string]bool{}
	for _, id := range excluded {
		out[id] = true
	}
	for _, a := range i.Attachments {
		isRoot := a.Device == i.System.RootDevice
		switch {
		case isRoot && out[a.Volume.ID]:
			return nil, wire.Invalid("InvalidParameterValue", "The volume '"+a.Volume.ID+"' is the root volume. Use ExcludeBootVolume instead.")
		case isRoot && noRoot:
		case out[a.Volume.ID]:
			delete(out, a.Volume.ID)
		default:
			list = append(list, a.Volume)
		}
	}
	for _, id := range excluded {
		if out[id] {
			return nil, wire.Invalid("InvalidParameterValue", "The volume '"+id+"' is not attached to the instance '"+i.ID+"'.")
		}
	}
	switch {
	case len(list) == 0:
		return nil, wire.Invalid("InvalidParameterCombination", "The instance '"+i.ID+"' has no volume that is not excluded.")
	case len(list) > mostVolumes:
		return nil, wire.Invalid("InvalidParameterValue", fmt.Sprintf("The maximum number of volumes for this request is %d", mostVolumes))
	}
	return list, nil
}

// takeSnapshots makes all that are asked for, or none.
func (c *ec2Call) takeSnapshots(n newSnapshots) ([]*state.Snapshot, *wire.Error) {
	if err := c.authorizeSnapshots(n); err != nil {
		return nil, err
	}
	if err := c.checkDryRun(); err != nil {
		return nil, err
	}
	if err := c.refusedSnapshot(); err != nil {
		return nil, err
	}
	if len(c.Region.Other.Snapshots)+len(n.volumes) > c.Organization.MostSnapshots {
		return nil, wire.Invalid("SnapshotLimitExceeded", "You have reached your quota for the number of snapshots that you can create.")
	}
	for _, v := range n.volumes {
		if err := c.canTake(v); err != nil {
			return nil, err
		}
		if err := service.CheckCount(n.tagsOf(v)); err != nil {
			return nil, err
		}
	}
	made := make([]*state.Snapshot, len(n.volumes))
	for at, v := range n.volumes {
		made[at] = c.Region.AddSnapshot(c.snapshotOf(v, n.description, n.tagsOf(v)))
		v.LastSnapshot = c.Now
	}
	return made, nil
}

// tagsOf are the tags of the snapshot of a volume: the requested ones and, where asked
// for, those of the volume, without those of AWS.
func (n newSnapshots) tagsOf(v *state.Volume) state.Tags {
	if !n.copyTags {
		return n.tags
	}
	ts := slices.DeleteFunc(slices.Clone(v.Tags), func(x state.Tag) bool { return strings.HasPrefix(x.Key, "aws:") })
	for _, x := range n.tags {
		ts = ts.With(x.Key, x.Value)
	}
	return ts
}

// canTake refuses a snapshot of a volume that has too many at once, or one too soon.
func (c *ec2Call) canTake(v *state.Volume) *wire.Error {
	switch {
	case v.Status(c.Now) == "creating":
		return wire.Invalid("IncorrectState", "The volume '"+v.ID+"' is not in a state from which a snapshot can be made.")
	case !v.LastSnapshot.IsZero() && c.Now.Sub(v.LastSnapshot) < state.SnapshotInterval:
		return wire.Invalid("SnapshotCreationPerVolumeRateExceeded",
			"The maximum per volume CreateSnapshot request rate has been exceeded. Use an increasing or variable sleep interval between requests.")
	case c.Region.InProgress(v.ID, c.Now) >= v.AtOnce():
		return wire.Invalid("ConcurrentSnapshotLimitExceeded", "Maximum allowed in-progress snapshots for a single volume exceeded.")
	}
	return nil
}

// snapshotOf is a new snapshot of a volume, as the faults of the call make it.
func (c *ec2Call) snapshotOf(v *state.Volume, description string, ts state.Tags) state.Snapshot {
	s := state.Snapshot{
		ID: random.ID(c.Region.Rand, "snap"), Owner: c.Region.Owner, Volume: v.ID, Description: description, SizeGiB: v.SizeGiB,
		Full: v.Filled(), Started: c.Now.Truncate(time.Millisecond), Encrypted: v.Encrypted, KMSKey: v.KMSKey, Tags: ts, Made: c.Now,
		LastWrite: v.LastWrite(c.Now),
	}
	takes := random.Between(c.Region.Rand, 20*time.Second, 40*time.Second) + s.Stored(len(c.Region.SnapshotsOf(v.ID)) > 0)
	for _, h := range c.Faults {
		switch h.Kind {
		case service.Slow:
			takes = h.For
		case service.Fail:
			s.Failure = cmp.Or(h.Message, "Given key ID is not accessible")
		case service.Stale:
			s.Visible = c.Now.Add(h.For)
		default: // the others strike the call
		}
	}
	s.Finished = s.Started.Add(takes)
	return s
}
