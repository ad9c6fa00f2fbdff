package app_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
)

// "An intent object is written before each create", and so is the manifest: before each
// copy, in this order, and the intent is closed afterwards.
func TestManifestAndIntentComeBeforeEachCopy(t *testing.T) {
	e := newEstate(t, policies, sandbox.Options{})
	e.choose(2, 2)
	e.gate.arm(0, false, nil)
	e.run()
	var order []string
	for _, call := range e.gate.seen {
		for part, name := range map[string]string{"/backup/manifests/": "manifest", "/backup/intents/": "intent", "CreateSnapshot": "copy"} {
			if strings.Contains(call, part) {
				order = append(order, name)
			}
		}
	}
	if want := slices.Repeat([]string{"manifest", "intent", "copy", "intent"}, 4); !slices.Equal(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
}

// "Apply never waits for completed": the run ends while the copies are pending, later ones
// find them, and a pending copy serves its slot.
func TestARunNeverWaitsForItsCopies(t *testing.T) {
	e := newEstate(t, policies, sandbox.Options{})
	chosen := e.choose(1, 1)
	begun := e.sandbox.Now()
	if r := e.run(); r.Status() != fleet.StatusDone || len(only(t, r)) != len(chosen) {
		t.Fatalf("%s: %+v", r.Status(), only(t, r))
	}
	for _, s := range e.sets() {
		if s.State != backup.SetPending {
			t.Errorf("%s is %s %s after it was asked for", s.ID, s.State, e.sandbox.Now().Sub(begun))
		}
	}
	r := e.run()
	for _, c := range r.Targets[0].Plan.Creates {
		if c.Action != backup.ActionNone || c.Reason.Code != "pending" {
			t.Errorf("%s: %s %q", c.Resource, c.Action, c.Reason.Text)
		}
	}
}

// "The manifest of every kept set is kept": deletions take no manifest away.
func TestManifestsOfKeptSetsStay(t *testing.T) {
	e := newEstate(t, approvedPolicies, sandbox.Options{})
	e.choose(1, 1)
	for range 6 {
		e.run()
		e.sandbox.Advance(day)
	}
	e.gate.arm(0, false, nil)
	if len(deletions(only(t, e.runWith(app.BackupInput{Approved: true})), fleet.Done)) == 0 {
		t.Fatal("nothing was deleted")
	}
	sets := e.sets()
	if len(sets) < 6 {
		t.Fatalf("%d sets are left", len(sets))
	}
	for _, s := range sets {
		body, ok := e.sandbox.Object(sandbox.DefaultBucket, "journal/"+backup.ManifestKey(s.ID))
		if m, err := backup.ParseManifest(body); !ok || err != nil || m.Set != s.ID {
			t.Errorf("the manifest of %s: %t, %v", s.ID, ok, err)
		}
	}
	for _, call := range e.gate.seen {
		if strings.HasPrefix(call, "DELETE") && strings.Contains(call, "/manifests/") {
			t.Error(call)
		}
	}
}

// "Before the first delete every member is marked": all members of all sets that the run
// deletes.
func TestAllMembersAreMarkedBeforeTheFirstDelete(t *testing.T) {
	e := past(t, approvedPolicies, week()...).again(t, approvedPolicies, sandbox.Options{})
	before := len(e.sandbox.Snapshots(sandbox.DefaultRegion))
	asked := false
	_, outcomes := e.applied(func(p backup.Plan) {
		asked = true
		there := e.sandbox.Snapshots(sandbox.DefaultRegion)
		if len(there) != before {
			t.Errorf("%d of %d snapshots are there before the first is read again", len(there), before)
		}
		for _, s := range there {
			_, marked := tagsOf(s.Tags)[backup.TagDeleting]
			if marked != slices.Contains(p.Candidates(), fleet.SnapshotID(s.ID)) {
				t.Errorf("%s is marked: %t", s.ID, marked)
			}
		}
	})
	if !asked || len(deletions(outcomes, fleet.Done)) == 0 {
		t.Errorf("%t, %+v", asked, outcomes)
	}
}

// "This deletion needs no hash, only our tag and the state re-read": a copy in error that is
// not ours any more, or that a person holds, stays.
func TestACopyInErrorIsReadAgain(t *testing.T) {
	for name, change := range map[string]func(copies backup.Copies, ids []fleet.SnapshotID) error{
		"ours": func(backup.Copies, []fleet.SnapshotID) error { return nil },
		"not ours": func(copies backup.Copies, ids []fleet.SnapshotID) error {
			return copies.UntagCopies(t.Context(), ids, []string{backup.TagSet})
		},
		"of another resource": func(copies backup.Copies, ids []fleet.SnapshotID) error {
			other := backup.NewSetID(backup.Chain{Policy: "daily", Resource: "i-0abc"}, night().Truncate(time.Hour), 2, false)
			return copies.TagCopies(t.Context(), ids, fleet.Tags{backup.TagSet: string(other)})
		},
		"held": func(copies backup.Copies, ids []fleet.SnapshotID) error {
			return copies.TagCopies(t.Context(), ids, fleet.Tags{backup.TagHold: "look at it"})
		},
	} {
		e := newEstate(t, approvedPolicies, sandbox.Options{Faults: []sandbox.Fault{{Action: "ec2:CreateSnapshots", Kind: sandbox.Fail, Count: 1}}})
		e.choose(1, 0)
		e.run()
		e.sandbox.Advance(quarter)
		copies := &meddled{Copies: e.copies()}
		ports := backup.Ports{Copies: copies, Read: func(context.Context) (backup.Inventory, error) { return e.inventory(), nil }}
		settings := e.open(t.Context()).Config.Backup
		plan, inv, err := backup.Prepare(t.Context(), ports, settings, backup.Options{})
		if err != nil || len(plan.Creates) != 1 || plan.Creates[0].Action != backup.ActionRetry || plan.Hash != "" {
			t.Fatalf("%v, %+v", err, plan.Creates)
		}
		failed := plan.Creates[0].Failed
		copies.meddle = func() {
			if err := change(e.copies(), failed); err != nil {
				t.Fatal(err)
			}
		}
		backup.Apply(t.Context(), ports, nil, plan, backup.ApplyOptions{Inventory: inv, Settings: settings, Now: e.sandbox.Now})
		left := 0
		for _, s := range e.sandbox.Snapshots(sandbox.DefaultRegion) {
			if slices.Contains(failed, fleet.SnapshotID(s.ID)) {
				left++
			}
		}
		if len(failed) == 0 || left > 0 != (name != "ours") {
			t.Errorf("%s: %d of %d in error are left", name, left, len(failed))
		}
	}
}

// "One sweep each of DescribeImages, DescribeLockedSnapshots, DescribeFastSnapshotRestores,
// launch templates; DescribeSnapshotAttribute only for deletion candidates.".
func TestOneSweepForEachGuard(t *testing.T) {
	e := past(t, approvedPolicies, week()...).again(t, approvedPolicies, sandbox.Options{})
	calls := map[string]int{}
	var counting sync.Mutex
	e.gate.asked = func(action string) {
		counting.Lock()
		defer counting.Unlock()
		calls[action]++
	}
	plan := e.planned()
	for action, want := range map[string]int{
		"DescribeImages": 1, "DescribeLockedSnapshots": 1, "DescribeFastSnapshotRestores": 1, "DescribeLaunchTemplateVersions": 1,
		"DescribeSnapshotAttribute": len(plan.Candidates()), "DescribeSnapshots": 2, // ours, and those that are public
	} {
		if calls[action] != want || want == 0 {
			t.Errorf("%s is called %d times, want %d", action, calls[action], want)
		}
	}
}
