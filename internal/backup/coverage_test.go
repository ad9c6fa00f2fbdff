package backup_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
)

func (w *world) status(o backup.StatusOptions) backup.Status {
	return backup.MakeStatus(w.Inventory, w.settings, o)
}

// foreign adds a completed snapshot that is not ours.
func (w *world) foreign(volume fleet.VolumeID, started time.Time, tags fleet.Tags) *fleet.Snapshot {
	w.next++
	w.Snapshots = append(w.Snapshots, fleet.Snapshot{
		Target: w.Target, ID: fleet.SnapshotID(fmt.Sprintf("snap-%016x", w.next)), Volume: volume, State: "completed",
		Started: started, Completed: started.Add(time.Minute), SizeGiB: 100, FullBytes: 10 << 30, Tags: tags,
	})
	return &w.Snapshots[len(w.Snapshots)-1]
}

func coverage(t *testing.T, s backup.Status, id fleet.VolumeID) backup.VolumeStatus {
	t.Helper()
	n := slices.IndexFunc(s.Volumes, func(v backup.VolumeStatus) bool { return v.Volume == id })
	if n < 0 {
		t.Fatalf("the status has nothing about %s", id)
	}
	return s.Volumes[n]
}

func dlm() fleet.Tags { return fleet.Tags{"aws:dlm:lifecycle-policy-id": "policy-1"} }

func awsBackup() fleet.Tags { return fleet.Tags{"aws:backup:source-resource": "x"} }

// point says what AWS Backup thinks of a snapshot or image.
func (w *world) point(of, status string) {
	w.Recovery = append(w.Recovery, fleet.RecoveryPoint{ARN: "arn:aws:ec2:eu-central-1::" + of, Vault: "Default", Status: status})
}

// "Coverage: protected / stale / unprotected / excluded / new (until the first RPO has
// passed) / unknown", whoever made the copy, without any configuration.
func TestCoverage(t *testing.T) {
	for name, tt := range map[string]struct {
		coverage backup.Coverage
		by       backup.Maker
		words    string // in the reason
		change   func(w *world)
	}{
		"without a copy":     {backup.Unprotected, "", "no policy", func(*world) {}},
		"by a person":        {backup.Protected, backup.ByHand, "", func(w *world) { w.foreign(vol1, at("02:00", 0), nil) }},
		"at the RPO":         {backup.Protected, backup.ByHand, "", func(w *world) { w.foreign(vol1, at("10:00", 1), nil) }},
		"older than the RPO": {backup.Stale, backup.ByHand, "no policy", func(w *world) { w.foreign(vol1, at("09:59", 1), nil) }},
		"of another volume":  {backup.Unprotected, "", "", func(w *world) { w.foreign(vol2, at("02:00", 0), nil) }},
		"by DLM":             {backup.Protected, backup.ByDLM, "", func(w *world) { w.foreign(vol1, at("02:00", 0), dlm()) }},
		"pending":            {backup.Unprotected, "", "is being made", func(w *world) { w.foreign(vol1, at("11:00", 0), nil).State = "pending" }},
		"pending after an old one": {backup.Stale, backup.ByHand, "is being made", func(w *world) {
			w.foreign(vol1, at("02:00", 3), nil)
			w.foreign(vol1, at("11:00", 0), nil).State = "pending"
		}},
		"in error": {backup.Unprotected, "", "is in error: no key", func(w *world) {
			s := w.foreign(vol1, at("11:00", 0), nil)
			s.State, s.Why = "error", "no key"
		}},
		"archived":      {backup.Unprotected, "", "is archived", func(w *world) { w.foreign(vol1, at("02:00", 0), nil).Archived = true }},
		"new":           {backup.New, "", "first copy", func(w *world) { w.Volumes[0].Created = at("10:01", 1) }},
		"no longer new": {backup.Unprotected, "", "", func(w *world) { w.Volumes[0].Created = at("10:00", 1) }},
		"another RPO":   {backup.Protected, backup.ByHand, "", func(w *world) { w.settings.RPO = 80 * time.Hour; w.foreign(vol1, at("05:00", 3), nil) }},
		"tags of ours":  {backup.Unprotected, "", "no " + backup.TagSet, func(w *world) { w.foreign(vol1, at("02:00", 0), fleet.Tags{backup.TagPolicy: "daily"}) }},
		"tags on a DLM's": {backup.Protected, backup.ByDLM, "", func(w *world) {
			tags := dlm()
			tags[backup.TagPolicy] = "daily" // planted on the volume, and copied by DLM
			w.foreign(vol1, at("02:00", 0), tags)
		}},
		"of an image": {backup.Protected, backup.ByImage, "", func(w *world) {
			s := w.foreign(vol1, at("02:00", 0), nil)
			w.Images = append(w.Images, fleet.Image{ID: "ami-1", State: "available", Snapshots: []fleet.SnapshotID{s.ID}})
		}},
		"of an image by its words": {backup.Protected, backup.ByImage, "", func(w *world) {
			w.foreign(vol1, at("02:00", 0), nil).Description = "Created by CreateImage(i-1) for ami-1"
		}},
	} {
		w := newWorld()
		w.volume(vol1, "")
		tt.change(w)
		got := coverage(t, w.status(backup.StatusOptions{}), vol1)
		var by backup.Maker
		if got.Last != nil {
			by = got.Last.By
		}
		if got.Coverage != tt.coverage || by != tt.by || !strings.Contains(got.Text, tt.words) {
			t.Errorf("%s: %s by %q because %q, want %s by %q because %q", name, got.Coverage, by, got.Text, tt.coverage, tt.by, tt.words)
		}
	}
}

// Stopped instances and detached volumes are there, too, with when the last good copy was
// and how far from the RPO.
func TestCoverageOfStoppedAndDetached(t *testing.T) {
	w := newWorld()
	w.instance(ins1, "", vol1).State = fleet.Stopped
	w.volume(vol2, "")
	w.foreign(vol1, at("00:00", 1), nil)
	w.foreign(vol1, at("00:00", 2), nil)
	s := w.status(backup.StatusOptions{})
	one, two := coverage(t, s, vol1), coverage(t, s, vol2)
	if one.State != "stopped" || one.Coverage != backup.Stale || one.Copies != 2 || time.Duration(one.Gap) != 36*time.Hour || time.Duration(one.RPO) != backup.DefaultRPO || !one.Last.Data.Equal(at("00:00", 1)) {
		t.Errorf("the stopped one: %+v", one)
	}
	if two.State != "detached" || two.Coverage != backup.Unprotected || len(two.Instances) != 0 {
		t.Errorf("the detached one: %+v", two)
	}
	if count := s.Count(); count[backup.Stale] != 1 || count[backup.Unprotected] != 1 || !s.Uncovered() || s.Partial() {
		t.Errorf("%v, uncovered %t, partial %t", count, s.Uncovered(), s.Partial())
	}
}

// "Backup's copies are matched by its snapshots' VolumeId (a volume attached later is not
// covered); PARTIAL and EXPIRED do not count.".
func TestCoverageByBackup(t *testing.T) {
	for status, want := range map[string]backup.Coverage{
		"COMPLETED": backup.Protected, "AVAILABLE": backup.Protected, "PARTIAL": backup.Unprotected, "EXPIRED": backup.Unprotected,
		"DELETING": backup.Unprotected, "CREATING": backup.Unprotected, "": backup.Unprotected,
	} {
		for _, image := range []bool{false, true} {
			w := newWorld()
			w.instance(ins1, "", vol1, vol2) // vol2 was attached after the recovery point
			s := w.foreign(vol1, at("02:00", 0), awsBackup())
			of := "snapshot/" + string(s.ID)
			if image {
				of = "image/ami-1"
				w.Images = append(w.Images, fleet.Image{ID: "ami-1", State: "available", Snapshots: []fleet.SnapshotID{s.ID}})
			}
			if status != "" {
				w.point(of, status)
			}
			got := w.status(backup.StatusOptions{})
			if one := coverage(t, got, vol1); one.Coverage != want || want == backup.Protected && one.Last.By != backup.ByBackup {
				t.Errorf("%q, image %t: %+v, want %s", status, image, one, want)
			}
			if two := coverage(t, got, vol2); two.Coverage != backup.Unprotected {
				t.Errorf("%q, image %t: the volume attached later is %s", status, image, two.Coverage)
			}
		}
	}
}

// "A pending copy serves its slot but not the RPO; one in error serves neither": of
// nightshift's own copies only restore points count, and a set with a missing or a failed
// member, or one that is being deleted, is none.
func TestCoverageByOwnSets(t *testing.T) {
	p := daily("daily", backup.Instances, "daily=7")
	for name, tt := range map[string]struct {
		coverage backup.Coverage
		change   func(w *world, ids []fleet.SnapshotID)
	}{
		"whole": {backup.Protected, func(*world, []fleet.SnapshotID) {}},
		"missing": {backup.Stale, func(w *world, ids []fleet.SnapshotID) {
			w.Snapshots = slices.DeleteFunc(w.Snapshots, func(s fleet.Snapshot) bool { return s.ID == ids[1] })
		}},
		"pending":  {backup.Stale, func(w *world, ids []fleet.SnapshotID) { w.snapshot(ids[1]).State = "pending" }},
		"in error": {backup.Stale, func(w *world, ids []fleet.SnapshotID) { w.snapshot(ids[1]).State = "error" }},
		"marked": {backup.Stale, func(w *world, ids []fleet.SnapshotID) {
			w.snapshot(ids[1]).Tags[backup.TagDeleting] = "2026-11-30T10:00:00Z"
		}},
	} {
		w := newWorld(p)
		w.instance(ins1, "daily", vol1, vol2)
		w.copied(p, ins1, at("02:00", 2), vol1, vol2)
		tt.change(w, w.copied(p, ins1, at("02:00", 0), vol1, vol2))
		got := coverage(t, w.status(backup.StatusOptions{}), vol1)
		if got.Coverage != tt.coverage || got.Policy != "daily" || got.Last.By != backup.ByNightshift {
			t.Errorf("%s: %+v, want %s", name, got, tt.coverage)
		}
	}
}

// "Retention, RPO and chains use data-time": a snapshot that was made today of data of nine
// days ago protects nothing today, and the gap is that of its data.
func TestRPOGoesByDataTime(t *testing.T) {
	p := daily("daily", backup.Volumes, "daily=7")
	w := newWorld(p)
	w.volume(vol1, "daily")
	s := w.snapshot(w.copied(p, vol1, at("02:00", 9))[0])
	s.Tags[backup.TagAdopted], s.Volume, s.Started = at("09:00", 0).Format(time.RFC3339), "vol-ffffffff", at("08:00", 0)
	got := coverage(t, w.status(backup.StatusOptions{}), vol1)
	if got.Coverage != backup.Stale || got.Last == nil || !got.Last.Data.Equal(at("02:02", 9)) || got.Gap != backup.Hours(9*24*time.Hour+9*time.Hour+58*time.Minute) {
		t.Errorf("%+v, the last copy %+v", got, got.Last)
	}
}

// What a policy leaves out, and what another service replaces, is excluded, unless
// somebody copies it all the same.
func TestCoverageOfExcluded(t *testing.T) {
	p := daily("daily", backup.Instances, "daily=7")
	p.Exclude = []fleet.Tag{{Key: "Backup", Value: "no"}}
	w := newWorld(p)
	w.instance(ins1, "daily", vol1, vol2)
	w.Volumes[1].Tags["Backup"] = "no"
	w.instance(ins2, "", vol3).Tags["aws:autoscaling:groupName"] = "web"
	w.copied(p, ins1, at("02:00", 0), vol1)
	s := w.status(backup.StatusOptions{})
	if got := coverage(t, s, vol2); got.Coverage != backup.NotCopied || !strings.Contains(got.Text, "Backup=no") {
		t.Errorf("excluded by a tag: %+v", got)
	}
	if got := coverage(t, s, vol3); got.Coverage != backup.NotCopied || got.Code != "ephemeral" {
		t.Errorf("of a group: %+v", got)
	}
	if s.Uncovered() {
		t.Error("something is uncovered")
	}
	w.foreign(vol2, at("02:00", 0), nil)
	if got := coverage(t, w.status(backup.StatusOptions{}), vol2); got.Coverage != backup.Protected {
		t.Errorf("excluded and copied by a person: %+v", got)
	}
	w.settings.Policies = nil
	w.Volumes[2].Attachments[0].DeleteOnTermination = false
	if got := coverage(t, w.status(backup.StatusOptions{}), vol3); got.Coverage != backup.Unprotected {
		t.Errorf("a volume that outlives its instance: %+v", got)
	}
}

// "A volume missing from a denied, partial or failed listing is unknown, never gone", and
// so is the coverage of one whose copies could not be read. What was read protects all the
// same.
func TestCoverageOfUnread(t *testing.T) {
	p := daily("daily", backup.Instances, "daily=7")
	denied := errors.New("denied")
	for name, tt := range map[string]struct {
		part     backup.Part
		coverage map[fleet.VolumeID]backup.Coverage
		change   func(w *world)
	}{
		"volumes":   {backup.PartVolumes, map[fleet.VolumeID]backup.Coverage{vol1: backup.Protected, vol2: backup.Unknown}, func(w *world) { w.Volumes = w.Volumes[:1] }},
		"snapshots": {backup.PartSnapshots, map[fleet.VolumeID]backup.Coverage{vol1: backup.Protected, vol2: backup.Unknown, vol3: backup.Unknown}, func(w *world) { w.Snapshots = w.Snapshots[:1] }},
		"instances": {backup.PartInstances, map[fleet.VolumeID]backup.Coverage{vol1: backup.Unknown, vol2: backup.Unknown, vol3: backup.Unprotected}, func(w *world) { w.Instances = nil }},
		"recovery points": {backup.PartRecovery, map[fleet.VolumeID]backup.Coverage{vol1: backup.Protected, vol3: backup.Unknown}, func(w *world) {
			w.foreign(vol3, at("02:00", 0), awsBackup())
		}},
		"old recovery points": {backup.PartRecovery, map[fleet.VolumeID]backup.Coverage{vol3: backup.Unprotected}, func(w *world) {
			w.foreign(vol3, at("02:00", 9), awsBackup())
		}},
		"images of recovery points": {backup.PartImages, map[fleet.VolumeID]backup.Coverage{vol3: backup.Unknown}, func(w *world) {
			w.foreign(vol3, at("02:00", 0), awsBackup())
			w.point("image/ami-1", "COMPLETED")
		}},
		"locks": {backup.PartLocks, map[fleet.VolumeID]backup.Coverage{vol1: backup.Protected, vol3: backup.Unprotected}, func(*world) {}},
	} {
		w := newWorld(p)
		w.instance(ins1, "daily", vol1, vol2)
		w.copied(p, ins1, at("02:00", 0), vol1)
		w.foreign(vol2, at("02:00", 0), nil)
		w.volume(vol3, "")
		tt.change(w)
		w.Unread = map[backup.Part]error{tt.part: denied}
		s := w.status(backup.StatusOptions{Rates: testRates()})
		for id, want := range tt.coverage {
			if got := coverage(t, s, id); got.Coverage != want {
				t.Errorf("%s: %s is %s (%s), want %s", name, id, got.Coverage, got.Text, want)
			}
		}
		if known := tt.part != backup.PartSnapshots; s.Monthly.Priced && !known {
			t.Errorf("%s: costs %+v", name, s.Monthly)
		}
		if !s.Partial() || len(s.Unread) != 1 || len(s.Orphans) > 0 {
			t.Errorf("%s: unread %v, orphans %+v", name, s.Unread, s.Orphans)
		}
	}
}

// "Unchanged is proven only for a volume attached now, all of whose AttachTimes, and its
// instances' last stops and LaunchTimes, are before the copy's data-time, with state
// stopped and a stop time present": its old copy protects it still. "Detached, no stop
// time, resized = not proven.".
func TestCoverageOfUnchanged(t *testing.T) {
	for name, tt := range map[string]struct {
		coverage backup.Coverage
		change   func(w *world)
	}{
		"stopped since before the copy": {backup.Protected, func(*world) {}},
		"running":                       {backup.Stale, func(w *world) { w.Instances[0].State = fleet.Running }},
		"stopped after the copy":        {backup.Stale, func(w *world) { w.Instances[0].Stopped = at("02:30", 9) }},
		"no stop time":                  {backup.Stale, func(w *world) { w.Instances[0].Stopped = time.Time{} }},
		"started after the copy":        {backup.Stale, func(w *world) { w.Instances[0].LaunchTime = at("02:30", 9) }},
		"attached after the copy":       {backup.Stale, func(w *world) { w.Volumes[0].Attachments[0].At = at("02:30", 9) }},
		"detached":                      {backup.Stale, func(w *world) { w.Volumes[0].Attachments, w.Volumes[0].AttachedTo = nil, nil }},
		"resized":                       {backup.Stale, func(w *world) { w.Volumes[0].SizeGiB++ }},
	} {
		w := newWorld()
		i := w.instance(ins1, "", vol1)
		i.State, i.Stopped = fleet.Stopped, at("22:00", 10)
		w.foreign(vol1, at("02:00", 9), nil)
		tt.change(w)
		got := coverage(t, w.status(backup.StatusOptions{}), vol1)
		if got.Coverage != tt.coverage || (got.Code == "unchanged") != (tt.coverage == backup.Protected) {
			t.Errorf("%s: %s (%s), want %s", name, got.Coverage, got.Text, tt.coverage)
		}
	}
}
