package backup_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// "Worst gap comes from the journal (deleted copies are no longer in AWS); without one,
// only as far back as the oldest kept copy, and said so.".
func TestWorstGap(t *testing.T) {
	p := daily("daily", backup.Volumes, "daily=2")
	past := func(days ...int) (list []backup.PastCopy) {
		for _, n := range days {
			list = append(list, backup.PastCopy{Resource: vol1, At: at("02:02", n)})
		}
		return list
	}
	for name, tt := range map[string]struct {
		options backup.StatusOptions
		from    time.Time
		length  time.Duration
		since   time.Time
		atMost  bool
		change  func(w *world)
	}{
		"without a journal": {backup.StatusOptions{}, at("02:02", 9), 8 * 24 * time.Hour, at("02:02", 9), true, nil},
		"with a journal": {
			backup.StatusOptions{PastSince: at("12:00", 30), Past: past(29, 28, 25, 9, 8, 7, 6, 5, 4, 3, 2, 1)},
			at("02:02", 25), 16 * 24 * time.Hour, at("12:00", 30), false, nil,
		},
		"since the journal begins": {
			backup.StatusOptions{PastSince: at("12:00", 30), Past: past(9, 8, 7, 6, 5, 4, 3, 2, 1)},
			at("12:00", 30), 20*24*time.Hour + 14*time.Hour + 2*time.Minute, at("12:00", 30), false, nil,
		},
		"since the volume exists": {
			backup.StatusOptions{PastSince: at("12:00", 30), Past: past(9, 8, 7, 6, 5, 4, 3, 2, 1)},
			at("02:02", 1), 33*time.Hour + 58*time.Minute, at("02:02", 10), false, func(w *world) { w.Volumes[0].Created = at("02:02", 10) },
		},
		"in error after all": {
			backup.StatusOptions{PastSince: at("02:02", 9), Past: past(9, 8, 7, 6, 5, 4, 3, 2, 1)},
			at("02:02", 4), 48 * time.Hour, at("02:02", 9), false, func(w *world) { w.foreign(vol1, at("02:02", 3), nil).State = "error" },
		},
		"pending still": {
			backup.StatusOptions{PastSince: at("02:02", 9), Past: past(9, 8, 7, 6, 5, 4, 3, 2, 1)},
			at("02:02", 4), 48 * time.Hour, at("02:02", 9), false, func(w *world) { w.foreign(vol1, at("02:02", 3), nil).State = "pending" },
		},
	} {
		w := newWorld(p)
		w.volume(vol1, "daily")
		w.copied(p, vol1, at("02:00", 9))
		w.copied(p, vol1, at("02:00", 1))
		if tt.change != nil {
			tt.change(w)
		}
		got := coverage(t, w.status(tt.options), vol1).Worst
		want := backup.Gap{From: tt.from, To: tt.from.Add(tt.length), Hours: backup.Hours(tt.length), Since: tt.since, AtMost: tt.atMost}
		if got == nil || *got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	w := newWorld()
	w.volume(vol1, "")
	if got := coverage(t, w.status(backup.StatusOptions{}), vol1).Worst; got != nil {
		t.Errorf("without any copy: %+v", got)
	}
}

// A copy of an instance was one of the volumes that were attached to it then.
func TestWorstGapOfAttachedVolumes(t *testing.T) {
	w := newWorld()
	w.instance(ins1, "", vol1, vol2)
	w.Volumes[1].Attachments[0].At = at("12:00", 1)
	o := backup.StatusOptions{PastSince: at("00:00", 3), Past: []backup.PastCopy{{ins1, at("00:00", 2)}, {ins1, at("00:00", 0)}}}
	s := w.status(o)
	if got := coverage(t, s, vol1).Worst; got == nil || time.Duration(got.Hours) != 48*time.Hour {
		t.Errorf("attached all the time: %+v", got)
	}
	if got := coverage(t, s, vol2).Worst; got == nil || time.Duration(got.Hours) != 72*time.Hour {
		t.Errorf("attached later: %+v", got)
	}
}

// "Cost is measured, else a bound: FullSnapshotSizeInBytes is the full size, not what is
// billed.".
func TestStatusCost(t *testing.T) {
	w := newWorld()
	w.volume(vol1, "")
	w.foreign(vol1, at("02:00", 2), nil)
	w.foreign(vol1, at("02:00", 1), dlm())
	w.foreign(vol2, at("02:00", 1), nil)
	s := w.status(backup.StatusOptions{Rates: testRates()})
	for name, tt := range map[string]struct {
		got       price.StorageBound
		low, high string
	}{
		"of the volume":   {coverage(t, s, vol1).Monthly, "0.50", "1.00"},
		"of all":          {s.Monthly, "1.00", "1.50"},
		"of what is left": {s.Only(func(v backup.VolumeStatus) bool { return v.Volume == vol1 }).Monthly, "0.50", "1.00"},
	} {
		if tt.got.Low.String() != tt.low || tt.got.High.String() != tt.high || !tt.got.Priced {
			t.Errorf("%s: %+v, want %s to %s", name, tt.got, tt.low, tt.high)
		}
	}
	if got := w.status(backup.StatusOptions{}); got.Monthly.Priced {
		t.Errorf("%+v without prices", got.Monthly)
	}
}

func testRates() price.Rates {
	quote := func(usd string) price.Quote {
		return price.Quote{Status: price.Exact, Rate: price.Rate{USD: must(price.ParseUSD(usd))}}
	}
	return price.Rates{Quotes: map[string]price.Quote{price.SnapshotStorage: quote("0.05"), price.SnapshotArchive: quote("0.0125")}}
}

// "Listed as an orphan with price": what nobody deletes, each with a verdict and what it
// costs, also "pending > 24 h" and "a copy of ours in error is reported".
func TestOrphans(t *testing.T) {
	p := daily("daily", backup.Volumes, "daily=7")
	other := daily("weekly", backup.Instances, "daily=7")
	ami := func(id string) string { return "Created by CreateImage(i-1) for " + id }
	for name, tt := range map[string]struct {
		kind   backup.OrphanKind
		volume fleet.VolumeID
		change func(w *world)
	}{
		"volume gone":        {backup.OrphanVolume, vol2, func(w *world) { w.foreign(vol2, at("02:00", 9), nil) }},
		"volume gone, ours":  {backup.OrphanVolume, vol2, func(w *world) { w.copied(p, vol2, at("02:00", 9)) }},
		"volume gone, DLM's": {backup.OrphanVolume, vol2, func(w *world) { w.foreign(vol2, at("02:00", 9), dlm()) }},
		"volume there":       {"", "", func(w *world) { w.foreign(vol1, at("02:00", 9), nil) }},
		"of no known volume": {"", "", func(w *world) { w.foreign("vol-ffffffff", at("02:00", 9), nil); w.foreign("", at("02:00", 9), nil) }},
		"volumes unread":     {"", "", func(w *world) { w.foreign(vol2, at("02:00", 9), nil); w.unread(backup.PartVolumes) }},
		"instance gone":      {backup.OrphanInstance, vol1, func(w *world) { w.copied(other, ins1, at("02:00", 9), vol1) }},
		"instances unread":   {"", "", func(w *world) { w.copied(other, ins1, at("02:00", 9), vol1); w.unread(backup.PartInstances) }},
		"image gone":         {backup.OrphanImageGone, vol1, func(w *world) { w.foreign(vol1, at("02:00", 9), nil).Description = ami("ami-1") }},
		"images unread": {"", "", func(w *world) {
			w.foreign(vol1, at("02:00", 9), nil).Description = ami("ami-1")
			w.unread(backup.PartImages)
		}},
		"image disabled":           {backup.OrphanImageOff, vol1, func(w *world) { w.image("disabled", w.foreign(vol1, at("02:00", 9), nil)) }},
		"image there, volume gone": {"", "", func(w *world) { w.image("available", w.foreign(vol2, at("02:00", 9), nil)) }},
		"template, volume gone": {"", "", func(w *world) {
			w.Templates = map[fleet.SnapshotID]string{w.foreign(vol2, at("02:00", 9), nil).ID: "lt-1"}
		}},
		"in error":         {backup.OrphanError, vol1, func(w *world) { w.foreign(vol1, at("02:00", 9), nil).State = "error" }},
		"pending for long": {backup.OrphanPending, vol1, func(w *world) { w.foreign(vol1, at("11:59", 1), nil).State = "pending" }},
		"pending":          {"", "", func(w *world) { w.foreign(vol1, at("12:00", 1), nil).State = "pending" }},
		"expired": {backup.OrphanExpired, vol1, func(w *world) {
			w.point("snapshot/"+string(w.foreign(vol1, at("02:00", 9), awsBackup()).ID), "EXPIRED")
		}},
		"partial": {backup.OrphanPartial, vol1, func(w *world) {
			w.point("snapshot/"+string(w.foreign(vol1, at("02:00", 9), awsBackup()).ID), "PARTIAL")
		}},
		"fast restore on": {backup.OrphanFast, vol1, func(w *world) { w.Fast = map[fleet.SnapshotID]bool{w.foreign(vol1, at("02:00", 9), nil).ID: true} }},
		"planted tags":    {backup.OrphanPlanted, vol1, func(w *world) { w.foreign(vol1, at("02:00", 9), fleet.Tags{backup.TagSet: "x"}) }},
		"policy gone":     {backup.OrphanPolicy, vol1, func(w *world) { w.copied(daily("old", backup.Volumes, "daily=7"), vol1, at("02:00", 9)) }},
		"a configuration with errors": {"", "", func(w *world) {
			w.copied(daily("old", backup.Volumes, "daily=7"), vol1, at("02:00", 9))
			w.settings.Broken = true
		}},
		"no configuration": {"", "", func(w *world) { w.copied(p, vol1, at("02:00", 9)); w.settings.Policies = nil }},
		"DLM's policy gone": {backup.OrphanDLM, vol1, func(w *world) {
			w.foreign(vol1, at("02:00", 9), dlm()).Tags["aws:dlm:expirationTime"] = "2026-11-28T11:00:00Z"
		}},
		"DLM's policy there": {"", "", func(w *world) {
			w.foreign(vol1, at("02:00", 9), dlm()).Tags["aws:dlm:expirationTime"] = "2026-11-29T11:00:00Z"
		}},
	} {
		w := newWorld(p, other)
		w.volume(vol1, "daily")
		tt.change(w)
		got := w.status(backup.StatusOptions{Rates: testRates()}).Orphans
		switch {
		case tt.kind == "" && len(got) > 0, tt.kind != "" && len(got) != 1:
			t.Errorf("%s: %+v", name, got)
		case tt.kind != "" && (got[0].Kind != tt.kind || got[0].Volume != tt.volume || len(got[0].Snapshots) != 1 || got[0].Text == "" || !got[0].Monthly.Priced):
			t.Errorf("%s: %+v, want %s of %s", name, got[0], tt.kind, tt.volume)
		case tt.kind == backup.OrphanVolume && got[0].Monthly.High.String() != "0.50":
			t.Errorf("%s: costs %+v", name, got[0].Monthly)
		}
	}
}

func (w *world) unread(part backup.Part) {
	w.Unread = map[backup.Part]error{part: errors.New("denied")}
}

func (w *world) image(state string, of *fleet.Snapshot) {
	w.Images = append(w.Images, fleet.Image{ID: "ami-1", State: state, Snapshots: []fleet.SnapshotID{of.ID}})
}

// Snapshots of one volume with one verdict are one line. They cost at least as much as the
// largest of them, unless other snapshots have the same blocks.
func TestOrphansAreGrouped(t *testing.T) {
	w := newWorld()
	for n := range 3 {
		w.foreign(vol2, at("02:00", n), nil)
	}
	w.image("available", w.foreign(vol3, at("02:00", 4), nil))
	w.foreign(vol3, at("02:00", 3), nil)
	got := w.status(backup.StatusOptions{Rates: testRates()}).Orphans
	if len(got) != 2 || len(got[0].Snapshots) != 3 || !got[0].Oldest.Equal(at("02:00", 2)) || !got[0].Newest.Equal(at("02:00", 0)) ||
		got[0].Monthly.Low.String() != "0.50" || got[0].Monthly.High.String() != "1.50" {
		t.Fatalf("%+v", got)
	}
	if got[1].Volume != vol3 || got[1].Monthly.Low != 0 || got[1].Monthly.High.String() != "0.50" {
		t.Errorf("with another snapshot that stays: %+v", got[1])
	}
}

// "Public snapshot (OwnerIds self, RestorableByUserIds all)".
func TestStatusNamesPublicSnapshots(t *testing.T) {
	w := newWorld()
	w.volume(vol1, "")
	w.foreign(vol1, at("02:00", 0), nil)
	open := w.foreign(vol1, at("02:00", 1), fleet.Tags{"Name": "poc"})
	w.Public = map[fleet.SnapshotID]bool{open.ID: true}
	got := w.status(backup.StatusOptions{}).Public
	if want := []backup.PublicSnapshot{{open.ID, "poc", vol1, at("02:00", 1)}}; !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// "RDS is out of scope; status says so and names instances whose BackupRetentionPeriod is
// 0.".
func TestStatusNamesDatabasesWithoutBackups(t *testing.T) {
	w := newWorld()
	s := w.status(backup.StatusOptions{Databases: backup.Databases{Unbacked: []fleet.ResourceID{"shop", "crm"}}})
	if !slices.Equal(s.Databases, []fleet.ResourceID{"crm", "shop"}) || s.Partial() || s.Uncovered() {
		t.Errorf("%+v", s)
	}
	s = w.status(backup.StatusOptions{Databases: backup.Databases{Err: errors.New("denied")}})
	if !slices.Equal(s.Unread, []backup.Part{backup.PartDatabases}) || !s.Partial() || len(w.Unread) > 0 {
		t.Errorf("unread: %v, in the inventory %v", s.Unread, w.Unread)
	}
}

// What is narrowed is about the volumes that are left.
func TestStatusOnly(t *testing.T) {
	w := newWorld()
	w.volume(vol1, "")
	w.volume(vol2, "")
	for _, v := range []fleet.VolumeID{vol1, vol2, vol3} {
		s := w.foreign(v, at("02:00", 0), nil)
		s.State = "error"
		w.Public = map[fleet.SnapshotID]bool{s.ID: true}
	}
	s := w.status(backup.StatusOptions{Databases: backup.Databases{Unbacked: []fleet.ResourceID{"shop"}}})
	only := s.Only(func(v backup.VolumeStatus) bool { return v.Volume == vol2 })
	if len(only.Volumes) != 1 || len(only.Orphans) != 1 || only.Orphans[0].Volume != vol2 || len(only.Public) > 0 || len(only.Databases) > 0 {
		t.Errorf("%+v", only)
	}
	if len(s.Volumes) != 2 || len(s.Orphans) != 3 || len(s.Public) != 1 {
		t.Errorf("the whole has changed: %+v", s)
	}
}

// Lengths of time are hours in JSON, as elsewhere.
func TestHoursInJSON(t *testing.T) {
	in := backup.Hours(26*time.Hour + 20*time.Minute)
	body := must(json.Marshal(in))
	var out backup.Hours
	if err := json.Unmarshal(body, &out); err != nil || string(body) != "26.33" || time.Duration(out-in).Abs() > time.Minute {
		t.Errorf("%s, read as %s: %v", body, time.Duration(out), err)
	}
	if err := json.Unmarshal([]byte(`"x"`), &out); err == nil || !strings.Contains(err.Error(), "string") {
		t.Errorf("a text is read as hours: %v", err)
	}
}
