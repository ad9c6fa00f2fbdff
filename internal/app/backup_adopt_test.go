package app_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
)

// "adopt takes ids or a filter and prints a plan; refuses DLM's, Backup's, image-held,
// shared, locked, and copies without a known source and data-time; --undo; adopted items
// are first deletable after 14 days.".
func TestAdopt(t *testing.T) {
	e := newEstate(t, approvedPolicies, sandbox.Options{})
	volume := string(e.choose(0, 1)[0])
	other := ""
	for _, v := range e.inventory().Volumes {
		if string(v.ID) != volume {
			other = string(v.ID)
		}
	}
	old := sandbox.Tag{Key: "Old", Value: "yes"}
	add := func(s sandbox.Snapshot) string {
		s.Tags = append(s.Tags, old)
		s.Started = e.sandbox.Now().Add(-100 * day).Add(time.Duration(len(e.sandbox.Snapshots(sandbox.DefaultRegion))) * day)
		id, err := e.sandbox.AddSnapshot(sandbox.DefaultRegion, s)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	good := []string{add(sandbox.Snapshot{Volume: volume}), add(sandbox.Snapshot{Volume: volume})}
	refused := map[string]string{
		add(sandbox.Snapshot{Volume: volume, Tags: sandbox.Tags{{Key: "aws:dlm:lifecycle-policy-id", Value: "p"}}}): "other-owner",
		add(sandbox.Snapshot{Volume: volume, Tags: sandbox.Tags{{Key: "aws:backup:source-resource", Value: "p"}}}):  "other-owner",
		add(sandbox.Snapshot{Volume: volume, Tags: sandbox.Tags{{Key: backup.TagHold, Value: "planted"}}}):          "stranger",
		add(sandbox.Snapshot{Volume: volume, Users: []string{"111122223333"}}):                                      "shared",
		add(sandbox.Snapshot{Volume: "vol-ffffffff"}):                                                               "copy",
		add(sandbox.Snapshot{Volume: other}):                                                                        "no-policy",
		add(sandbox.Snapshot{Volume: volume, Finished: e.sandbox.Now().Add(time.Hour)}):                             "not-ready",
	}
	locked, inImage := add(sandbox.Snapshot{Volume: volume}), add(sandbox.Snapshot{Volume: volume})
	refused[locked], refused[inImage] = "locked", "in-use-by-image"
	if err := e.sandbox.LockSnapshot(sandbox.DefaultRegion, locked, 30); err != nil {
		t.Fatal(err)
	}
	if _, err := e.sandbox.AddImage(sandbox.DefaultRegion, sandbox.Image{Disks: []sandbox.ImageDisk{{Device: "/dev/xvda", Snapshot: inImage}}}); err != nil {
		t.Fatal(err)
	}
	adopt := func(in app.AdoptInput) app.AdoptTarget {
		t.Helper()
		targets, err := e.open(t.Context()).BackupAdopt(t.Context(), in)
		if err != nil || len(targets) != 1 {
			t.Fatalf("%v, %+v", err, targets)
		}
		return targets[0]
	}
	byTag := backup.AdoptInput{Tags: []fleet.Tag{{Key: "Old", Value: "yes"}}}
	planned := adopt(app.AdoptInput{AdoptInput: byTag, DryRun: true})
	if len(planned.Plan) != len(good)+len(refused) || planned.Outcomes != nil || len(e.sets()) != 0 {
		t.Errorf("%d planned, %d sets after a dry run", len(planned.Plan), len(e.sets()))
	}
	for _, a := range planned.Plan {
		if want, no := refused[string(a.Snapshot)]; no != a.Refused() || no && a.Code != want {
			t.Errorf("%s is %q (%s), want %q", a.Snapshot, a.Code, a.Text, want)
		}
	}
	adopt(app.AdoptInput{AdoptInput: byTag})
	if sets := e.sets(); len(sets) != len(good) || sets[0].Adopted.IsZero() || !sets[0].Good() {
		t.Fatalf("%+v", sets)
	}
	again := adopt(app.AdoptInput{AdoptInput: backup.AdoptInput{Snapshots: []fleet.SnapshotID{fleet.SnapshotID(good[0])}}})
	if again.Outcomes[0].Code != "ours" || again.Outcomes[0].Result != fleet.Skipped {
		t.Errorf("%+v", again.Outcomes)
	}
	for range 4 { // last=3, so that the adopted ones are not kept by it
		e.run()
		e.sandbox.Advance(day)
	}
	for _, v := range e.planned().Deletes {
		if !v.Set.Adopted.IsZero() && v.Guard != backup.GuardAdopted {
			t.Errorf("after 4 days: %s %q %s %s", v.Set.ID, v.Rules, v.Guard, v.Why)
		}
	}
	one := app.AdoptInput{AdoptInput: backup.AdoptInput{Snapshots: []fleet.SnapshotID{fleet.SnapshotID(good[0])}, Undo: true}}
	later := fleet.Tags{backup.TagHold: "audit", backup.TagChanged: "1", backup.TagProven: "x"}
	if err := e.copies().TagCopies(t.Context(), one.Snapshots, later); err != nil {
		t.Fatal(err)
	}
	if o := adopt(one).Outcomes; o[0].Result != fleet.Done || o[0].Action != backup.DidRelease {
		t.Errorf("%+v", o)
	}
	for _, s := range e.inventory().Snapshots { // with a tag of ours it would be a stranger, and cover nothing
		if _, ours, stranger := backup.Identify(s, e.sandbox.Now()); s.ID == one.Snapshots[0] && (ours || stranger != fleet.Reason{}) {
			t.Errorf("given up, it is ours %t, %q: %v", ours, stranger.Text, s.Tags)
		}
	}
	if o := adopt(one).Outcomes; o[0].Code != "not-adopted" {
		t.Errorf("%+v", o)
	}
	e.sandbox.Advance(14 * day)
	e.run()
	e.sandbox.Advance(time.Hour)
	if plan := e.planned(); !slices.Contains(plan.Candidates(), fleet.SnapshotID(good[1])) || slices.Contains(plan.Candidates(), fleet.SnapshotID(good[0])) {
		t.Errorf("after 18 days: %v, want %s and not %s", plan.Candidates(), good[1], good[0])
	}
	one.Snapshots = []fleet.SnapshotID{"snap-0000000000000000f"}
	if _, err := e.open(t.Context()).BackupAdopt(t.Context(), one); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("one that is not there: %v", err)
	}
}

// "backup undelete ID restores from the bin": the copy is held, and counts again.
func TestUndelete(t *testing.T) {
	before := past(t, approvedPolicies, week()...)
	e := before.again(t, approvedPolicies, sandbox.Options{})
	if _, err := e.sandbox.AddBinRule(sandbox.DefaultRegion, sandbox.BinRule{Days: 7}); err != nil {
		t.Fatal(err)
	}
	r := e.runWith(app.BackupInput{Approved: true})
	gone := deletions(only(t, r), fleet.Done)
	if len(gone) == 0 {
		t.Fatalf("%+v", only(t, r))
	}
	restored, err := e.open(t.Context()).BackupUndelete(t.Context(), gone)
	if err != nil || !slices.Equal(restored, gone) {
		t.Fatalf("%v, %v", restored, err)
	}
	e.sandbox.Advance(quarter)
	for _, s := range e.sets() {
		if s.State != backup.SetComplete {
			t.Errorf("%s is %s", s.ID, s.State)
		}
	}
	for range 3 {
		if got := deletions(only(t, e.runWith(app.BackupInput{Approved: true})), fleet.Done); len(got) > 0 {
			t.Errorf("deleted again: %v", got)
		}
		e.sandbox.Advance(time.Hour)
	}
	if _, err := e.open(t.Context()).BackupUndelete(t.Context(), gone[:1]); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("what is not in the bin: %v", err)
	}
}
