package app_test

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
)

const (
	day     = 24 * time.Hour
	quarter = 15 * time.Minute
)

// toMark and toDelete are the waits before a run that marks first, and that deletes first.
func toMark() []time.Duration   { return []time.Duration{day, day, day, quarter} }
func toDelete() []time.Duration { return []time.Duration{day, day, day, quarter, day} }

// "The sandbox cuts both before the request and after acceptance with the answer lost, and
// delays the visibility of new snapshots and tags by up to 60 s": nothing is lost, nothing
// is made twice, and the next runs finish the work. "Throttling in the middle" is among
// them.
func TestFaultsOfEveryCall(t *testing.T) {
	before := past(t, policies, toDelete()...)
	undisturbed := before.again(t, policies, sandbox.Options{})
	undisturbed.run()
	undisturbed.finish(func() {})
	want := undisturbed.slots()
	for _, action := range []string{
		"ec2:CreateSnapshot", "ec2:CreateSnapshots", "ec2:CreateTags", "ec2:DeleteSnapshot", "ec2:DescribeSnapshots", "s3:PutObject", "s3:GetObject",
	} {
		for _, kind := range []sandbox.Kind{sandbox.Cut, sandbox.NoAnswer, sandbox.Broken, sandbox.Throttle} {
			name := fmt.Sprintf("%s %s", action, kind)
			e := before.again(t, policies, sandbox.Options{})
			faults := []sandbox.Fault{
				{Action: action, Kind: kind, Every: 2, Count: 6},
				{Action: action, Kind: kind, Nth: 1},
				{Action: "ec2:CreateSnapshot*", Kind: sandbox.Stale, For: time.Minute, Every: 2},
				{Action: "ec2:CreateTags", Kind: sandbox.Stale, For: 30 * time.Second},
			}
			if err := e.sandbox.SetFaults(faults); err != nil {
				t.Fatal(err)
			}
			// A run that cannot begin is no trouble: the next one does it.
			if _, err := e.open(t.Context()).Backup(t.Context(), app.BackupInput{}); err != nil {
				t.Logf("%s: %v", name, err)
			}
			e.holds(3)
			e.sandbox.Advance(30 * time.Second)
			if _, err := e.open(t.Context()).Backup(t.Context(), app.BackupInput{}); err != nil {
				t.Logf("%s: %v", name, err)
			}
			e.holds(3)
			if err := e.sandbox.SetFaults(nil); err != nil {
				t.Fatal(err)
			}
			e.finish(func() { e.holds(3) })
			if got := e.slots(); !maps.Equal(got, want) || t.Failed() {
				t.Fatalf("%s:\n%v\nwant\n%v", name, got, want)
			}
		}
	}
}

// only gives the outcomes of the only target.
func only(t *testing.T, r app.BackupResult) []backup.Outcome {
	t.Helper()
	if len(r.Targets) != 1 {
		t.Fatalf("%d targets", len(r.Targets))
	}
	return r.Targets[0].Outcomes
}

// "After any unclear answer … look the slot up by tag; if it is not visible yet, defer to
// the next tick instead of creating": an answer that is lost makes no second copy.
func TestALostAnswer(t *testing.T) {
	for name, tt := range map[string]struct {
		visible time.Duration
		result  fleet.Result
		code    string
	}{
		"found by its tag": {0, fleet.Done, ""},
		"not visible yet":  {time.Minute, fleet.Deferred, "unclear"},
	} {
		faults := []sandbox.Fault{{Action: "ec2:CreateSnapshots", Kind: sandbox.NoAnswer, Count: 1}}
		if tt.visible > 0 {
			faults = append(faults, sandbox.Fault{Action: "ec2:CreateSnapshots", Kind: sandbox.Stale, For: tt.visible})
		}
		e := newEstate(t, policies, sandbox.Options{Faults: faults})
		e.choose(1, 0)
		if o := only(t, e.run()); len(o) != 1 || o[0].Result != tt.result || o[0].Code != tt.code {
			t.Errorf("%s: %+v", name, o)
		}
		if tt.result == fleet.Deferred {
			e.sandbox.Advance(20 * time.Second)
			if o := only(t, e.run()); len(o) != 1 || o[0].Result != fleet.Deferred || o[0].Code != "begun" {
				t.Errorf("%s, 20 s later: %+v", name, o)
			}
		}
		e.sandbox.Advance(5 * time.Minute)
		if o := only(t, e.run()); len(o) != 0 || len(e.sets()) != 1 {
			t.Errorf("%s, 5 minutes later: %d sets, %+v", name, len(e.sets()), o)
		}
	}
}

// "After a start that finds an open intent, look the slot up by tag": it is deferred while
// the intent is young, and tried again where nothing is visible after 5 minutes.
func TestAnOldIntentIsTriedAgain(t *testing.T) {
	e := newEstate(t, policies, sandbox.Options{Faults: []sandbox.Fault{{Action: "ec2:CreateSnapshots", Kind: sandbox.Cut, Count: 1}}})
	e.choose(1, 0)
	for n, want := range []string{"unclear", "begun", ""} {
		if o := only(t, e.run()); len(o) != 1 || o[0].Code != want {
			t.Errorf("run %d: %+v", n, o)
		}
		e.sandbox.Advance(150 * time.Second)
	}
	if sets := e.sets(); len(sets) != 1 || !sets[0].Good() {
		t.Errorf("%+v", sets)
	}
}

// "The same event twice": two runs at once, without a lease between them, make one copy of
// each resource.
func TestTwoRunsAtOnce(t *testing.T) {
	e := newEstate(t, policies, sandbox.Options{Faults: []sandbox.Fault{{Action: "ec2:CreateSnapshot*", Kind: sandbox.Stale, For: time.Minute}}})
	chosen := e.choose(2, 2)
	var runs sync.WaitGroup
	for range 3 {
		s := e.open(t.Context())
		runs.Go(func() {
			if _, err := s.Backup(t.Context(), app.BackupInput{HasLease: true}); err != nil {
				t.Error(err)
			}
		})
	}
	runs.Wait()
	if sets := e.sets(); len(sets) != len(chosen) {
		t.Errorf("%d sets of %d resources", len(sets), len(chosen))
	}
	e.sandbox.Advance(10 * time.Second)
	e.run()
	if sets := e.sets(); len(sets) != len(chosen) {
		t.Errorf("%d sets of %d resources, after a run before they are visible", len(sets), len(chosen))
	}
}

// "The S3 conditional-write lease covers backup apply": a second run does not begin.
func TestTheLeaseOfBackups(t *testing.T) {
	e := newEstate(t, policies, sandbox.Options{})
	e.choose(1, 0)
	e.killed(2, false) // with the lease taken
	s := e.open(t.Context())
	if _, err := s.Backup(t.Context(), app.BackupInput{}); err == nil || !strings.Contains(err.Error(), "another process does this job") {
		t.Errorf("%v", err)
	}
	e.sandbox.Advance(11 * time.Minute)
	if o := only(t, e.run()); len(o) != 1 || o[0].Result != fleet.Done {
		t.Errorf("%+v", o)
	}
}

// "Quota reached": what is over it fails with the reason, and the rest is not asked for.
func TestQuotaReached(t *testing.T) {
	e := newEstate(t, policies, sandbox.Options{})
	e.choose(1, 4)
	quota := sandbox.Fault{Action: "ec2:CreateSnapshot", Kind: sandbox.Refuse, Code: "SnapshotLimitExceeded", Message: "You have reached your quota."}
	if err := e.sandbox.SetFaults([]sandbox.Fault{quota}); err != nil {
		t.Fatal(err)
	}
	r := e.run()
	got := map[string]int{}
	for _, o := range only(t, r) {
		got[string(o.Result)+" "+o.Code]++
	}
	if want := map[string]int{"done ": 1, "failed quota": 1, "left quota": 3}; !maps.Equal(got, want) || r.Status() != fleet.StatusPartial {
		t.Errorf("%v, %s", got, r.Status())
	}
	if err := e.sandbox.SetFaults(nil); err != nil {
		t.Fatal(err)
	}
	e.sandbox.Advance(quarter)
	if r = e.run(); r.Status() != fleet.StatusDone || len(only(t, r)) != 4 {
		t.Errorf("afterwards: %s, %+v", r.Status(), only(t, r))
	}
}

// "A copy of ours in error is deleted before its slot is retried", without anybody's
// approval, and only that one.
func TestACopyInErrorIsTriedAgain(t *testing.T) {
	approved := strings.Replace(policies, "delete: unattended", "delete: approved", 1)
	e := newEstate(t, approved, sandbox.Options{Faults: []sandbox.Fault{{Action: "ec2:CreateSnapshots", Kind: sandbox.Fail, Count: 1}}})
	e.choose(1, 0)
	e.run()
	e.sandbox.Advance(quarter)
	if sets := e.sets(); len(sets) != 1 || sets[0].State != backup.SetError {
		t.Fatalf("%+v", sets)
	}
	if o := only(t, e.run()); len(o) != 1 || o[0].Result != fleet.Done || o[0].Action != backup.DidCopy {
		t.Errorf("%+v", o)
	}
	e.sandbox.Advance(quarter)
	if sets := e.sets(); len(sets) != 1 || !sets[0].Good() {
		t.Errorf("%+v", sets)
	}
}

// "A denied listing": nothing is copied where nobody knows what is due, and nothing is
// deleted where a guard cannot be asked.
func TestADeniedListing(t *testing.T) {
	before := past(t, policies, toDelete()...)
	for action, copies := range map[string]bool{
		"ec2:DescribeSnapshots": false, "ec2:DescribeVolumes": false, "ec2:DescribeImages": true, "ec2:DescribeLockedSnapshots": true,
		"ec2:DescribeSnapshotAttribute": true, "ec2:DescribeLaunchTemplateVersions": true, "ec2:DescribeFastSnapshotRestores": true,
	} {
		e := before.again(t, policies, sandbox.Options{})
		if err := e.sandbox.SetFaults([]sandbox.Fault{{Action: action, Kind: sandbox.Deny}}); err != nil {
			t.Fatal(err)
		}
		there := len(e.sandbox.Snapshots(sandbox.DefaultRegion))
		r := e.run()
		made := 0
		for _, o := range only(t, r) {
			if o.Action == backup.DidCopy && o.Result == fleet.Done {
				made += len(o.Snapshots)
			} else if o.Result == fleet.Done {
				t.Errorf("%s: %+v", action, o)
			}
		}
		if copied := made == 3; copied != copies || len(e.sandbox.Snapshots(sandbox.DefaultRegion)) != there+made {
			t.Errorf("%s: %d snapshots were made, and there are %d after %d", action, made, len(e.sandbox.Snapshots(sandbox.DefaultRegion)), there)
		}
		if !copies && r.Status() == fleet.StatusDone {
			t.Errorf("%s: %s", action, r.Status())
		}
		if notes := strings.Join(r.Summary().Notes, "\n"); copies && !strings.Contains(notes, action) {
			t.Errorf("%s: nobody is told why nothing is deleted: %q", action, notes)
		}
		e.holds(3)
	}
}

// "A clock behind": the copies carry the time of AWS, and are ours all the same.
func TestAClockBehind(t *testing.T) {
	for _, behind := range []time.Duration{40 * time.Minute, -3 * time.Hour} {
		e := newEstate(t, policies, sandbox.Options{})
		e.behind = behind
		chosen := e.choose(1, 1)
		e.run()
		e.sandbox.Advance(quarter)
		r := e.run()
		if sets := e.sets(); len(sets) != len(chosen) || len(only(t, r)) != 0 || len(r.Targets[0].Plan.Strangers) != 0 {
			t.Errorf("%s behind: %d sets, %+v", behind, len(sets), r.Targets[0].Plan.Strangers)
		}
	}
}
