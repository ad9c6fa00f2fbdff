package backup_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
)

// Tags from AWS are hostile: what they say is believed only where it agrees with what AWS
// reports. "A tag planted: nothing is lost.".
func TestIdentify(t *testing.T) {
	one := func() (*world, *fleet.Snapshot) {
		w := newWorld()
		return w, w.snapshot(w.copied(daily("daily", backup.Volumes, "daily=3"), vol1, at("02:00", 0))[0])
	}
	adopted := noon().Add(-time.Hour).Format(time.RFC3339)
	for name, tt := range map[string]struct {
		change func(s *fleet.Snapshot)
		code   string // empty: ours, "-": somebody's
	}{
		"ours":                         {func(*fleet.Snapshot) {}, ""},
		"ours, held":                   {func(s *fleet.Snapshot) { s.Tags[backup.TagHold] = "audit" }, ""},
		"ours, without a keep":         {func(s *fleet.Snapshot) { delete(s.Tags, backup.TagKeep) }, ""},
		"a person's":                   {func(s *fleet.Snapshot) { s.Tags = fleet.Tags{"Name": "x"} }, "-"},
		"with other tags of ours":      {func(s *fleet.Snapshot) { s.Tags = fleet.Tags{fleet.TagLast: "x"} }, "-"},
		"DLM's":                        {func(s *fleet.Snapshot) { s.Tags = fleet.Tags{"aws:dlm:lifecycle-policy-id": "policy-1"} }, "-"},
		"DLM's, with tags of a volume": {func(s *fleet.Snapshot) { s.Tags["aws:dlm:lifecycle-policy-id"] = "policy-1" }, "other-owner"},
		"AWS Backup's, with tags":      {func(s *fleet.Snapshot) { s.Tags["aws:backup:source-resource"] = "x" }, "other-owner"},
		"only held":                    {func(s *fleet.Snapshot) { s.Tags = fleet.Tags{backup.TagHold: "x"} }, "tag-missing"},
		"without a set":                {func(s *fleet.Snapshot) { delete(s.Tags, backup.TagSet) }, "tag-missing"},
		"another policy":               {func(s *fleet.Snapshot) { s.Tags[backup.TagPolicy] = "weekly" }, "tags-differ"},
		"another slot":                 {func(s *fleet.Snapshot) { s.Tags[backup.TagSlot] = "2026-11-30T03:00:00Z" }, "tags-differ"},
		"no slot":                      {func(s *fleet.Snapshot) { s.Tags[backup.TagSlot] = "02:00" }, "tag-unreadable"},
		"no data time":                 {func(s *fleet.Snapshot) { s.Tags[backup.TagDataTime] = "today" }, "tag-unreadable"},
		"another volume":               {func(s *fleet.Snapshot) { s.Volume = vol2 }, "other-volume"},
		"tags of a day before": {func(s *fleet.Snapshot) {
			s.Started = s.Started.Add(24 * time.Hour)
		}, "other-time"},
		"started 10 minutes after": {func(s *fleet.Snapshot) { s.Started = at("02:12", 0) }, ""},
		"started 11 minutes after": {func(s *fleet.Snapshot) { s.Started = at("02:13", 0) }, "other-time"},
		"a copy of a copy":         {func(s *fleet.Snapshot) { s.Tags[backup.TagCopyOf] = "snap-1" }, "copy-of"},
		"two members of a volume": {func(s *fleet.Snapshot) {
			s.Tags[backup.TagSet] = "daily/" + vol1 + "/20261130T020000Z/2"
		}, "tag-unreadable"},
		"adopted": {func(s *fleet.Snapshot) { s.Tags[backup.TagAdopted] = adopted }, ""},
		"adopted, of CopySnapshot": {func(s *fleet.Snapshot) {
			s.Tags[backup.TagAdopted], s.Volume, s.Started = adopted, "vol-ffffffff", at("08:00", 0)
		}, ""},
		"of CopySnapshot, not adopted": {func(s *fleet.Snapshot) { s.Volume = "vol-ffffffff" }, "other-volume"},
		"adopted before it was made": {func(s *fleet.Snapshot) {
			s.Tags[backup.TagAdopted] = at("01:00", 3).Format(time.RFC3339)
		}, "adopted-when"},
		"adopted in the future": {func(s *fleet.Snapshot) {
			s.Tags[backup.TagAdopted] = at("13:00", 0).Format(time.RFC3339)
		}, "adopted-when"},
		"adopted some time": {func(s *fleet.Snapshot) { s.Tags[backup.TagAdopted] = "yes" }, "tag-unreadable"},
		"adopted, of another time": {func(s *fleet.Snapshot) {
			s.Tags[backup.TagAdopted], s.Started = adopted, at("05:00", 0)
		}, "other-time"},
	} {
		w, s := one()
		tt.change(s)
		_, ours, reason := backup.Identify(*s, noon())
		if ours != (tt.code == "") || reason.Code != strings.TrimPrefix(tt.code, "-") || (reason.Text == "") != (reason.Code == "") {
			t.Errorf("%s: ours %t, %q %q; want %q", name, ours, reason.Code, reason.Text, tt.code)
		}
		plan := w.plan()
		if tt.code != "" && len(plan.Deletes) > 0 {
			t.Errorf("%s: there is a verdict", name)
		}
		if stranger := len(plan.Strangers) == 1; stranger != (len(tt.code) > 1) {
			t.Errorf("%s: strangers %v", name, plan.Strangers)
		}
	}
}

func TestSetIDs(t *testing.T) {
	for _, bad := range []string{
		"", "daily", "daily/vol-1/20261130T020000Z", "daily/vol-1/20261130T020000Z/0", "daily/vol-1/20261130T020000Z/-1",
		"daily/vol-1/20261130T020000Z/01", "daily/vol-1/20261130T020000Z/129", "daily/vol-1/20261130T020000Z/1/x", "daily/vol-1/2026-11-30T02:00:00Z/1",
		"Daily/vol-1/20261130T020000Z/1", "/vol-1/20261130T020000Z/1", "daily/snap-1/20261130T020000Z/1", "daily/vol-x/20261130T020000Z/1",
		"daily/vol-/20261130T020000Z/1", "daily/vol-1/20261130T020000Z/1-double", "daily/vol-1/20261130T020000Z/ 1",
		strings.Repeat("a", 41) + "/vol-1/20261130T020000Z/1",
	} {
		if c, _, _, _, ok := backup.SetID(bad).Read(); ok {
			t.Errorf("%q is read as %v", bad, c)
		}
	}
	c, slot, n, single, ok := backup.SetID("daily/i-0abc/20261130T020000Z/200-single").Read()
	if !ok || c != (backup.Chain{Policy: "daily", Resource: "i-0abc"}) || !slot.Equal(at("02:00", 0)) || n != 200 || !single {
		t.Errorf("%v %s %d %t %t", c, slot, n, single, ok)
	}
}

// No value of any tag makes Identify or a plan fail.
func TestTagsAreHostile(t *testing.T) {
	keys := []string{
		backup.TagPolicy, backup.TagSet, backup.TagSlot, backup.TagDataTime, backup.TagKeep, backup.TagDeleting,
		backup.TagHold, backup.TagAdopted, backup.TagCopyOf, backup.TagProven,
	}
	p := daily("daily", backup.Volumes, "daily=1")
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(p)
		w.volume(vol1, "daily")
		w.copiedDaily(p, vol1, 3)
		for n := range w.Snapshots {
			for range rapid.IntRange(0, 3).Draw(t, "planted") {
				w.Snapshots[n].Tags[rapid.SampledFrom(keys).Draw(t, "key")] = rapid.OneOf(
					rapid.String(),
					rapid.SampledFrom([]string{"9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "daily=1;zone=Local", "daily=1;zone=../../etc/passwd", "daily/vol-1/99991231T235959Z/9"}),
				).Draw(t, "value")
			}
		}
		w.plan()
	})
}

// What is planted on a volume, and copied to snapshots by another tool, is never deleted.
func TestPlantedTagsDeleteNothing(t *testing.T) {
	p := daily("daily", backup.Volumes, "daily=1")
	w := newWorld(p)
	w.volume(vol1, "daily")
	w.copiedDaily(p, vol1, 3)
	planted := w.snapshot("snap-0000000000000003").Tags // the oldest copy's
	var ids []fleet.SnapshotID
	for n := range 5 {
		id := fleet.SnapshotID("snap-00000000000000a" + string(rune('0'+n)))
		ids = append(ids, id)
		w.Snapshots = append(w.Snapshots, fleet.Snapshot{ID: id, Volume: vol1, State: "completed", Started: at("05:00", n), Tags: copyTags(planted)})
	}
	plan := w.plan()
	for _, id := range ids {
		if slices.Contains(deleted(plan), id) {
			t.Errorf("%s is deleted", id)
		}
	}
	if len(plan.Strangers) != 5 || len(deleted(plan)) != 2 {
		t.Errorf("strangers %v, deleted %v", plan.Strangers, deleted(plan))
	}
}
