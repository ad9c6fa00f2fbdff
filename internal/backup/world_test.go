package backup_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/retention"
	"nightshift/internal/schedule"
)

const (
	vol1, vol2, vol3 = "vol-0000000000000001", "vol-0000000000000002", "vol-0000000000000003"
	ins1, ins2       = "i-0000000000000001", "i-0000000000000002"
)

// world is an account and region with what a test puts into it.
type world struct {
	backup.Inventory
	settings backup.Settings
	options  backup.Options
	next     int
}

// noon of the day of most tests.
func noon() time.Time { return time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC) }

// at is a time of the day of most tests, or so many days before it.
func at(clock string, daysBefore int) time.Time {
	t, err := time.Parse("15:04", clock)
	if err != nil {
		panic(err)
	}
	return time.Date(2026, 11, 30-daysBefore, t.Hour(), t.Minute(), 0, 0, time.UTC)
}

func newWorld(policies ...backup.Policy) *world {
	w := &world{}
	w.Target, w.At = fleet.Target{Account: "111122223333", Region: "eu-central-1"}, noon()
	w.settings.Policies = policies
	return w
}

func (w *world) plan() backup.Plan { return backup.MakePlan(w.Inventory, w.settings, w.options) }

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func daily(id backup.PolicyID, resource backup.Resource, keep string) backup.Policy {
	return backup.Policy{
		ID: id, Resource: resource, Tags: []fleet.Tag{{Key: "Backup", Value: string(id)}},
		When: must(schedule.ParseRecurrence("02:00", time.UTC)), Zone: time.UTC, Keep: must(retention.ParseKeep(keep)),
	}
}

func (w *world) instance(id fleet.ResourceID, tag string, disks ...fleet.VolumeID) *fleet.Instance {
	w.Instances = append(w.Instances, fleet.Instance{
		Target: w.Target, ID: id, State: fleet.Running, RootDevice: "/dev/xvda", LaunchTime: at("08:00", 40),
		Tags: fleet.Tags{"Backup": tag},
	})
	for n, disk := range disks {
		v := w.volume(disk, "")
		v.State, v.AttachedTo = "in-use", []fleet.ResourceID{id}
		v.Attachments = []fleet.Attachment{{
			Instance: id, Device: "/dev/xvd" + string(rune('a'+n)), State: "attached", At: at("08:00", 40), DeleteOnTermination: n == 0,
		}}
	}
	return &w.Instances[len(w.Instances)-1]
}

func (w *world) volume(id fleet.VolumeID, tag string) *fleet.Volume {
	v := fleet.Volume{Target: w.Target, ID: id, Type: fleet.GP3, State: "available", SizeGiB: 100, Tags: fleet.Tags{}}
	if tag != "" {
		v.Tags["Backup"] = tag
	}
	w.Volumes = append(w.Volumes, v)
	return &w.Volumes[len(w.Volumes)-1]
}

// copied adds a complete set, of the volumes or of the one that the resource is.
func (w *world) copied(p backup.Policy, resource fleet.ResourceID, slot time.Time, volumes ...fleet.VolumeID) []fleet.SnapshotID {
	if len(volumes) == 0 {
		volumes = []fleet.VolumeID{fleet.VolumeID(resource)}
	}
	chain := backup.Chain{Policy: p.ID, Resource: resource}
	data := slot.Add(2 * time.Minute)
	tags := fleet.Tags{
		backup.TagPolicy: string(p.ID), backup.TagSet: string(backup.NewSetID(chain, slot, len(volumes), false)),
		backup.TagSlot: slot.Format(time.RFC3339), backup.TagDataTime: data.Format(time.RFC3339),
		backup.TagKeep: p.Keep.String() + ";zone=UTC",
	}
	var ids []fleet.SnapshotID
	for _, volume := range volumes {
		w.next++
		id := fleet.SnapshotID(fmt.Sprintf("snap-%016x", w.next))
		w.Snapshots = append(w.Snapshots, fleet.Snapshot{
			Target: w.Target, ID: id, Volume: volume, State: "completed", Started: data.Add(time.Second), Completed: data.Add(time.Minute),
			SizeGiB: 100, FullBytes: 10 << 30, Tags: copyTags(tags),
		})
		ids = append(ids, id)
	}
	return ids
}

func copyTags(tags fleet.Tags) fleet.Tags {
	out := fleet.Tags{}
	maps.Copy(out, tags)
	return out
}

// copiedDaily adds a set for each of the last days, today's first.
func (w *world) copiedDaily(p backup.Policy, resource fleet.ResourceID, days int, volumes ...fleet.VolumeID) [][]fleet.SnapshotID {
	var sets [][]fleet.SnapshotID
	for n := range days {
		sets = append(sets, w.copied(p, resource, at("02:00", n), volumes...))
	}
	return sets
}

func (w *world) snapshot(id fleet.SnapshotID) *fleet.Snapshot {
	n := slices.IndexFunc(w.Snapshots, func(s fleet.Snapshot) bool { return s.ID == id })
	return &w.Snapshots[n]
}

// create is the only entry of a plan for a resource that is not shadowed.
func create(t *testing.T, p backup.Plan, resource fleet.ResourceID) backup.Create {
	t.Helper()
	for _, c := range p.Creates {
		if c.Resource == resource && c.Reason.Code != "shadowed" {
			return c
		}
	}
	t.Fatalf("the plan has nothing about %s", resource)
	return backup.Create{}
}

// verdict is what becomes of the set of a snapshot.
func verdict(t *testing.T, p backup.Plan, id fleet.SnapshotID) backup.Verdict {
	t.Helper()
	for _, v := range p.Deletes {
		if slices.ContainsFunc(v.Set.Members, func(s fleet.Snapshot) bool { return s.ID == id }) {
			return v
		}
	}
	t.Fatalf("the plan has no verdict on %s", id)
	return backup.Verdict{}
}

// deleted are the snapshots that a plan deletes.
func deleted(p backup.Plan) []fleet.SnapshotID { return p.Candidates() }
