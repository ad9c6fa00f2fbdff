package backup_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
)

// excluded are the codes of the volumes that are not copied.
func excluded(c backup.Create) map[fleet.VolumeID]string {
	codes := map[fleet.VolumeID]string{}
	for _, e := range c.Excluded {
		codes[e.Volume] = e.Reason.Code
	}
	return codes
}

// "first matching policy wins, shadowed ones are shown", over instances and volumes alike.
func TestFirstPolicyWins(t *testing.T) {
	instances, volumes := daily("daily", backup.Instances, "daily=3"), daily("disks", backup.Volumes, "daily=3")
	second := daily("second", backup.Instances, "daily=3")
	second.Tags = instances.Tags
	build := func(policies ...backup.Policy) backup.Plan {
		w := newWorld(policies...)
		w.instance(ins1, "daily", vol1, vol2)
		w.Volumes[1].Tags["Backup"] = "disks"
		return w.plan()
	}
	plan := build(instances, second, volumes)
	if c := create(t, plan, ins1); c.Policy != "daily" || len(c.Volumes) != 2 {
		t.Errorf("%+v", c)
	}
	var shadowed []string
	for _, c := range plan.Creates {
		if c.Action == backup.ActionNone && c.Reason.Code == "shadowed" {
			shadowed = append(shadowed, fmt.Sprintf("%s of %s: %s", c.Resource, c.Policy, c.Reason.Text))
		}
	}
	if want := []string{
		ins1 + " of second: policy daily comes first and has it",
		vol2 + " of disks: policy daily comes first and copies it with " + ins1,
	}; !slices.Equal(shadowed, want) {
		t.Errorf("shadowed are %q", shadowed)
	}
	plan = build(volumes, instances)
	if c := create(t, plan, vol2); c.Policy != "disks" || c.Action != backup.ActionCopy {
		t.Errorf("%+v", c)
	}
	if c := create(t, plan, ins1); !slices.Equal(c.Volumes, []fleet.VolumeID{vol1}) || excluded(c)[vol2] != "shadowed" {
		t.Errorf("%+v", c)
	}
	broken := volumes
	broken.Err = errors.New("no keep")
	plan = build(broken, instances)
	if c := create(t, plan, vol2); c.Action != backup.ActionNone || c.Reason.Code != "invalid-policy" {
		t.Errorf("what a policy with an error selects falls to a later one: %+v", c)
	}
}

// "Tagged volumes of one instance are one set by ExcludeDataVolumeIds (≤ 40); more to
// exclude = single copies, marked not crash-consistent across volumes.".
func TestMoreThan40Exclusions(t *testing.T) {
	for _, n := range []int{40, 41} {
		p := daily("daily", backup.Instances, "daily=3")
		p.Exclude = []fleet.Tag{{Key: "Backup", Value: "no"}}
		w := newWorld(p)
		disks := []fleet.VolumeID{vol1, vol2}
		for k := range n {
			disks = append(disks, fleet.VolumeID(fmt.Sprintf("vol-%016x", 100+k)))
		}
		w.instance(ins1, "daily", disks...)
		for k := range w.Volumes[2:] {
			w.Volumes[2+k].Tags["Backup"] = "no"
		}
		c := create(t, w.plan(), ins1)
		if len(c.Volumes) != 2 || len(c.Excluded) != n || c.Single != (n > 40) || c.NoRoot {
			t.Errorf("%d excluded: %d volumes, single %t, without root %t", len(c.Excluded), len(c.Volumes), c.Single, c.NoRoot)
		}
		if warned := len(c.Warnings) == 1 && strings.Contains(c.Warnings[0], "not consistent with each other"); warned != (n > 40) {
			t.Errorf("%d excluded: warnings %q", n, c.Warnings)
		}
	}
	p := daily("daily", backup.Instances, "daily=3")
	p.Exclude = []fleet.Tag{{Key: "Scratch"}}
	w := newWorld(p)
	w.instance(ins1, "daily", vol1, vol2)
	w.Volumes[0].Tags["Scratch"] = "1"
	if c := create(t, w.plan(), ins1); !c.NoRoot || !slices.Equal(c.Volumes, []fleet.VolumeID{vol2}) {
		t.Errorf("the root volume is excluded by itself: %+v", c)
	}
	w.Volumes[1].Tags["Scratch"] = "1"
	if c := create(t, w.plan(), ins1); c.Action != backup.ActionNone || c.Reason.Code != "excluded" {
		t.Errorf("all are excluded: %+v", c)
	}
}

// "A Multi-Attach volume is copied once.".
func TestMultiAttachIsCopiedOnce(t *testing.T) {
	w := newWorld(daily("daily", backup.Instances, "daily=3"))
	w.instance(ins2, "daily", vol2)
	w.instance(ins1, "daily", vol1)
	shared := w.volume(vol3, "")
	shared.MultiAttach, shared.State = true, "in-use"
	for _, id := range []fleet.ResourceID{ins2, ins1} {
		shared.Attachments = append(shared.Attachments, fleet.Attachment{Instance: id, Device: "/dev/sdf", State: "attached"})
	}
	plan := w.plan()
	if c := create(t, plan, ins1); !slices.Equal(c.Volumes, []fleet.VolumeID{vol1, vol3}) {
		t.Errorf("%+v", c)
	}
	if c := create(t, plan, ins2); !slices.Equal(c.Volumes, []fleet.VolumeID{vol2}) || excluded(c)[vol3] != "multi-attach" {
		t.Errorf("%+v", c)
	}
}

// "Auto Scaling, ECS/EKS nodes and Spot roots are excluded: ephemeral by default;
// Kubernetes PV volumes are not.".
func TestEphemeral(t *testing.T) {
	group := fleet.Tags{"aws:autoscaling:groupName": "web"}
	for name, tt := range map[string]struct {
		tags                    fleet.Tags
		spot                    bool
		volume                  fleet.Tags // of the second volume
		set, root, second       bool       // whether they are copied: as a set, and one by one
		rootInSet, secondStays  bool       // DeleteOnTermination of the second is off
		includeManagedCopiesAll bool
	}{
		"a machine of its own":                {set: true, root: true, second: true, rootInSet: true},
		"of an Auto Scaling group":            {tags: group, secondStays: true, second: true},
		"of a group, with a volume that goes": {tags: group},
		"of EKS":                              {tags: fleet.Tags{"eks:cluster-name": "prod"}},
		"of EKS, with a persistent volume": {
			tags: fleet.Tags{"eks:cluster-name": "prod"}, volume: fleet.Tags{"kubernetes.io/created-for/pv/name": "pvc-1"}, second: true,
		},
		"of EKS, with one of the CSI driver": {
			tags: fleet.Tags{"eks:cluster-name": "prod"}, volume: fleet.Tags{"ebs.csi.aws.com/cluster": "true"}, second: true,
		},
		"of ECS": {tags: fleet.Tags{"AmazonECSManaged": "true"}},
		"of AWS Managed Services, which keeps it": {
			tags: fleet.Tags{"ams:resourceOwner": "AMS"}, set: true, root: true, second: true, rootInSet: true,
		},
		"Spot": {spot: true, set: true, second: true},
	} {
		for _, managed := range []bool{false, true} {
			one, other := daily("daily", backup.Instances, "daily=3"), daily("disks", backup.Volumes, "daily=3")
			one.IncludeManaged, other.IncludeManaged = managed, managed
			w := newWorld(one)
			i := w.instance(ins1, "daily", vol1, vol2)
			maps.Copy(i.Tags, tt.tags)
			if tt.spot {
				i.Lifecycle = fleet.Spot
			}
			for n := range w.Volumes {
				w.Volumes[n].Tags["Backup"] = "disks"
			}
			maps.Copy(w.Volumes[1].Tags, tt.volume)
			w.Volumes[1].Attachments[0].DeleteOnTermination = !tt.secondStays
			c := create(t, w.plan(), ins1)
			if got := c.Action == backup.ActionCopy; got != (tt.set || managed) || !got && c.Reason.Code != "ephemeral" {
				t.Errorf("%s, include_managed %t: the set is %s: %q", name, managed, c.Action, c.Reason.Text)
			}
			if root := slices.Contains(c.Volumes, vol1); root != (tt.rootInSet || managed) {
				t.Errorf("%s, include_managed %t: root in the set %t", name, managed, root)
			}
			w.settings.Policies = []backup.Policy{other}
			for id, want := range map[fleet.ResourceID]bool{vol1: tt.root, vol2: tt.second} {
				c := create(t, w.plan(), id)
				if got := c.Action == backup.ActionCopy; got != (want || managed) || !got && c.Reason.Code != "ephemeral" {
					t.Errorf("%s, include_managed %t: %s is %s: %q", name, managed, id, c.Action, c.Reason.Text)
				}
			}
		}
	}
}

func TestWhatHasNoVolumes(t *testing.T) {
	w := newWorld(daily("daily", backup.Instances, "daily=3"))
	w.instance(ins1, "daily")
	w.instance(ins2, "daily", vol2).State = fleet.Terminated
	plan := w.plan()
	if c := create(t, plan, ins1); c.Action != backup.ActionNone || c.Reason.Code != "no-volumes" {
		t.Errorf("%+v", c)
	}
	if len(plan.Creates) != 1 {
		t.Errorf("a terminated instance is selected: %+v", plan.Creates)
	}
	w.Instances[1].State = fleet.Running
	w.Unread = map[backup.Part]error{backup.PartVolumes: errors.New("throttled")}
	if c := create(t, w.plan(), ins2); c.Action != backup.ActionNone || c.Reason.Code != "unread" {
		t.Errorf("volumes may be missing from its set: %+v", c)
	}
}

// "Nothing is reported as saved; default: take it anyway, skip_unchanged: true spares the
// quota." "Unchanged is proven only for a volume attached now, all of whose AttachTimes, and its
// instances' last stops and LaunchTimes, are before the copy's data-time, with state
// stopped and a stop time present … Detached, no stop time, resized = not proven.".
func TestUnchanged(t *testing.T) {
	data := at("02:02", 1)
	for name, tt := range map[string]struct {
		change func(v *fleet.Volume, i *fleet.Instance)
		want   bool
	}{
		"stopped since the day before": {func(*fleet.Volume, *fleet.Instance) {}, true},
		"detached":                     {func(v *fleet.Volume, _ *fleet.Instance) { v.Attachments = nil }, false},
		"being detached":               {func(v *fleet.Volume, _ *fleet.Instance) { v.Attachments[0].State = "detaching" }, false},
		"attached after the copy":      {func(v *fleet.Volume, _ *fleet.Instance) { v.Attachments[0].At = at("03:00", 1) }, false},
		"attached some time":           {func(v *fleet.Volume, _ *fleet.Instance) { v.Attachments[0].At = time.Time{} }, false},
		"running":                      {func(_ *fleet.Volume, i *fleet.Instance) { i.State = fleet.Running }, false},
		"no stop time":                 {func(_ *fleet.Volume, i *fleet.Instance) { i.Stopped = time.Time{} }, false},
		"stopped after the copy":       {func(_ *fleet.Volume, i *fleet.Instance) { i.Stopped = at("03:00", 1) }, false},
		"perhaps stopping at the copy": {func(_ *fleet.Volume, i *fleet.Instance) { i.Stopped = at("02:00", 1) }, false},
		"started after the copy":       {func(_ *fleet.Volume, i *fleet.Instance) { i.LaunchTime = at("03:00", 1) }, false},
		"resized":                      {func(v *fleet.Volume, _ *fleet.Instance) { v.SizeGiB = 101 }, false},
		"attached to another, running": {func(v *fleet.Volume, _ *fleet.Instance) {
			v.Attachments = append(v.Attachments, fleet.Attachment{Instance: ins2, State: "attached", At: at("01:00", 9)})
		}, false},
		"of an instance nobody could see": {func(v *fleet.Volume, _ *fleet.Instance) { v.Attachments[0].Instance = "i-9" }, false},
	} {
		p := daily("daily", backup.Volumes, "daily=3")
		p.SkipUnchanged = true
		w := newWorld(p)
		w.instance(ins2, "")
		i := w.instance(ins1, "", vol1)
		i.State, i.Stopped, i.LaunchTime = fleet.Stopped, at("19:00", 2), at("08:00", 2)
		v := &w.Volumes[0]
		v.Tags["Backup"] = "daily"
		tt.change(v, i)
		find := func(id fleet.ResourceID) *fleet.Instance {
			if n := slices.IndexFunc(w.Instances, func(i fleet.Instance) bool { return i.ID == id }); n >= 0 {
				return &w.Instances[n]
			}
			return nil
		}
		if got := backup.Unchanged(v, find, data, 100); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
		w.copied(p, vol1, at("02:00", 1))
		c := create(t, w.plan(), vol1)
		if skipped := c.Action == backup.ActionNone && c.Reason.Code == "unchanged"; skipped != tt.want {
			t.Errorf("%s: %s %q", name, c.Action, c.Reason.Code)
		}
		w.settings.Policies[0].SkipUnchanged = false // "default: take it anyway"
		if c := create(t, w.plan(), vol1); c.Action != backup.ActionCopy {
			t.Errorf("%s, by default: %s", name, c.Action)
		}
	}
}

// What is skipped because it is unchanged is no failure of creating.
func TestUnchangedDoesNotFail(t *testing.T) {
	p := daily("daily", backup.Volumes, "daily=1")
	p.SkipUnchanged = true
	w := newWorld(p)
	i := w.instance(ins1, "", vol1)
	i.State, i.Stopped, i.LaunchTime = fleet.Stopped, at("19:00", 30), at("08:00", 30)
	w.Volumes[0].Tags["Backup"] = "daily"
	w.copied(p, vol1, at("02:00", 20))
	old := w.copied(p, vol1, at("02:00", 21))
	if v := verdict(t, w.plan(), old[0]); v.Keep {
		t.Errorf("%+v", v)
	}
	i.State = fleet.Running
	if v := verdict(t, w.plan(), old[0]); v.Guard != backup.GuardFailing {
		t.Errorf("%+v", v)
	}
}
