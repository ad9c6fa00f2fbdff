package app_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
)

const approvedPolicies = `regions: [ap-northeast-2]
journal: s3://nightshift-practice/journal
backup:
  policies:
    - { id: daily, tag: Backup=daily, resource: instance, schedule: { at: "02:00", timezone: UTC }, keep: { daily: 3 } }
    - { id: disks, tag: Disk=yes, resource: volume, schedule: { at: "02:00", timezone: UTC }, keep: { last: 3 } }
`

func week() []time.Duration { return []time.Duration{day, day, day, day, day, quarter} }

// planned is the plan that a person is shown.
func (e *estate) planned() backup.Plan {
	e.t.Helper()
	r, err := e.open(e.t.Context()).BackupPlan(e.t.Context(), app.BackupInput{})
	if err != nil || len(r.Targets) != 1 {
		e.t.Fatalf("%v, %+v", err, r)
	}
	return r.Targets[0].Plan
}

func deletions(list []backup.Outcome, result fleet.Result) (ids []fleet.SnapshotID) {
	for _, o := range list {
		if o.Action == backup.DidDelete && o.Result == result {
			ids = append(ids, o.Snapshots...)
		}
	}
	slices.Sort(ids)
	return ids
}

// Without unattended nothing is marked or deleted by a scheduled run, which says how much
// waits. "Apply re-evaluates and deletes only listed ids with the same verdict now; a new
// copy in between does not invalidate" the hash: with it all that the plan has listed is
// deleted, at once and nothing else.
func TestAHashDeletesWhatItLists(t *testing.T) {
	before := past(t, approvedPolicies, week()...)
	e := before.again(t, approvedPolicies, sandbox.Options{})
	there := len(e.sandbox.Snapshots(sandbox.DefaultRegion))
	r := e.run()
	if len(only(t, r)) != 0 || r.Targets[0].Waiting != 6 || len(e.sandbox.Snapshots(sandbox.DefaultRegion)) != there {
		t.Fatalf("%d wait, and %+v", r.Targets[0].Waiting, only(t, r))
	}
	if frees := r.Targets[0].WaitingFrees; !frees.Priced || frees.USD <= 0 || !strings.HasSuffix(frees.Monthly(), " a month") {
		t.Errorf("what waits frees %s", frees.Monthly())
	}
	plan := e.planned()
	if plan.Hash == "" || len(plan.Candidates()) != 9 {
		t.Fatalf("hash %q of %d snapshots", plan.Hash, len(plan.Candidates()))
	}
	e.sandbox.Advance(24 * time.Hour)
	e.run() // another copy
	e.sandbox.Advance(quarter)
	got := deletions(only(t, e.runWith(app.BackupInput{Hashes: []string{plan.Hash}})), fleet.Done)
	if !slices.Equal(got, plan.Candidates()) {
		t.Errorf("deleted %v, want %v", got, plan.Candidates())
	}
	e.holds(4)
	if again := e.runWith(app.BackupInput{Hashes: []string{plan.Hash}}); !errors.Is(again.Err(), fleet.ErrConflict) || again.Status() != fleet.StatusFailed {
		t.Errorf("a second time: %s, %v", again.Status(), again.Err())
	}
	if _, err := e.open(t.Context()).Backup(t.Context(), app.BackupInput{Hashes: []string{"yes"}}); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("what is no hash: %v", err)
	}
}

// Where scheduled runs delete, what goes only because the policy changed waits for a person,
// and the run says how much. Without a price it still does.
func TestAChangedPolicyWaits(t *testing.T) {
	before := past(t, approvedPolicies, week()...)
	for _, faults := range [][]sandbox.Fault{nil, {{Action: "pricing:*", Kind: sandbox.Deny}}} {
		e := before.again(t, approvedPolicies, sandbox.Options{Faults: faults})
		e.configure(strings.Replace(strings.ReplaceAll(approvedPolicies, "daily: 3", "daily: 1"), "backup:", "backup:\n  delete: unattended", 1))
		r := e.run()
		only(t, r) // the rest is marked
		if target := r.Targets[0]; target.Waiting != 2 || target.WaitingFrees.Bytes <= 0 || target.WaitingFrees.Priced != (faults == nil) {
			t.Errorf("%d wait, and free %s", target.Waiting, target.WaitingFrees.Monthly())
		}
	}
}

// "A policy renamed or narrowed": "the stored keep rules when policy, selector tag or volume
// is gone", "a changed selector freezes; it never deletes", and a hash of the plan before is
// one of no plan any more.
func TestAPolicyRenamedOrNarrowed(t *testing.T) {
	before := past(t, approvedPolicies, week()...)
	for name, change := range map[string]func(string) string{
		"renamed":  func(s string) string { return strings.Replace(s, "id: daily", "id: nightly", 1) },
		"narrowed": func(s string) string { return strings.Replace(s, "tag: Backup=daily", "tag: Backup=other", 1) },
		"gone": func(s string) string {
			return s[:strings.Index(s, "    - { id: daily")] + s[strings.Index(s, "    - { id: disks"):]
		},
		"with an error": func(s string) string { return strings.Replace(s, "keep: { daily: 3 }", "keep: { daily: -3 }", 1) },
	} {
		e := before.again(t, approvedPolicies, sandbox.Options{})
		hash := e.planned().Hash
		e.configure(change(approvedPolicies))
		if r := e.runWith(app.BackupInput{Hashes: []string{hash}}); name != "gone" && (len(r.Unmatched) != 1 || len(deletions(r.Targets[0].Outcomes, fleet.Done)) > 0) {
			t.Errorf("%s: the hash of another plan deletes", name)
		}
		e.configure(strings.Replace(change(approvedPolicies), "backup:", "backup:\n  delete: unattended", 1))
		for range 4 {
			if _, err := e.open(t.Context()).Backup(t.Context(), app.BackupInput{}); err != nil {
				t.Fatal(err)
			}
			e.sandbox.Advance(day)
		}
		n := 0
		for _, s := range e.sets() {
			if s.Chain.Policy == "daily" && s.State == backup.SetComplete {
				n++
			}
		}
		want := 6
		if name == "renamed" || name == "gone" {
			want = 3 // what the copies carry themselves says so
		}
		if n != want {
			t.Errorf("%s: %d of 6 sets are left, want %d", name, n, want)
		}
	}
}

// "A snapshot that vanishes between plan and apply", and one that a person holds since.
func TestSnapshotsChangeBetweenPlanAndApply(t *testing.T) {
	before := past(t, approvedPolicies, week()...)
	e := before.again(t, approvedPolicies, sandbox.Options{})
	plan := e.planned()
	first, last := plan.Deletions()[0], plan.Deletions()[1]
	copies := e.copies()
	if err := copies.DeleteCopy(t.Context(), first.Set.Members[0].ID); err != nil {
		t.Fatal(err)
	}
	if err := copies.TagCopies(t.Context(), []fleet.SnapshotID{last.Set.Members[0].ID}, fleet.Tags{backup.TagHold: "audit"}); err != nil {
		t.Fatal(err)
	}
	r := e.runWith(app.BackupInput{Approved: true})
	for _, o := range only(t, r) {
		if o.Set == last.Set.ID && o.Action == backup.DidDelete {
			t.Errorf("held: %+v", o)
		}
	}
	if !slices.ContainsFunc(e.sets(), func(s backup.Set) bool { return s.ID == last.Set.ID }) {
		t.Error("a copy that is held was deleted")
	}
	e.holds(3)
}

// "Refusals of DeleteSnapshot are outcomes", and a half-deleted set is finished first by the
// next run.
func TestARefusalIsAnOutcome(t *testing.T) {
	before := past(t, approvedPolicies, week()...)
	e := before.again(t, approvedPolicies, sandbox.Options{})
	if err := e.sandbox.SetFaults([]sandbox.Fault{
		{Action: "ec2:DeleteSnapshot", Kind: sandbox.Refuse, Code: "InvalidSnapshot.InUse", Nth: 2},
		{Action: "ec2:DeleteSnapshot", Kind: sandbox.Deny, Nth: 4},
	}); err != nil {
		t.Fatal(err)
	}
	r := e.runWith(app.BackupInput{Approved: true})
	var codes []string
	for _, o := range only(t, r) {
		if o.Result == fleet.Failed {
			codes = append(codes, o.Code)
		}
	}
	slices.Sort(codes)
	if !slices.Equal(codes, []string{"denied", "refused"}) || r.Status() != fleet.StatusPartial || r.Err() == nil {
		t.Errorf("%v, %s: %+v", codes, r.Status(), only(t, r))
	}
	again := only(t, e.runWith(app.BackupInput{Approved: true}))
	if len(again) == 0 || again[0].Result != fleet.Done {
		t.Fatalf("%+v", again)
	}
	for _, s := range e.sets() {
		if s.State != backup.SetComplete {
			t.Errorf("%s is %s", s.ID, s.State)
		}
	}
	e.holds(3)
}

// "Unattended: mark first, delete ≥ 24 h later, at most max(20, 5 % of the chain group) per
// run.".
func TestUnattendedMarksADayBefore(t *testing.T) {
	before := past(t, policies, toMark()...)
	e := before.again(t, policies, sandbox.Options{})
	marked := time.Time{}
	for range 30 {
		for _, o := range only(t, e.run()) {
			switch {
			case o.Action == backup.DidMark && marked.IsZero():
				marked = e.sandbox.Now()
			case o.Action == backup.DidDelete && o.Result == fleet.Done:
				if waited := e.sandbox.Now().Sub(marked); marked.IsZero() || waited < day {
					t.Fatalf("deleted %s after the mark", waited)
				}
				return
			}
		}
		e.sandbox.Advance(time.Hour)
	}
	t.Error("nothing was deleted")
}

// "A tag planted": what another tool or a person made look like ours is never deleted.
func TestPlantedTags(t *testing.T) {
	before := past(t, approvedPolicies, week()...)
	e := before.again(t, approvedPolicies, sandbox.Options{})
	old := e.planned().Deletions()[0].Set.Members[0]
	var list sandbox.Tags
	for key, value := range old.Tags {
		list = append(list, sandbox.Tag{Key: key, Value: value})
	}
	var planted []string
	for _, s := range []sandbox.Snapshot{
		{Volume: string(old.Volume), Started: e.sandbox.Now().Add(-time.Hour), Tags: list},                                                            // at another time
		{Volume: "vol-0000000000000099a", Started: old.Started, Tags: list},                                                                           // by DLM
		{Volume: string(old.Volume), Started: old.Started, Tags: slices.Concat(list, sandbox.Tags{{Key: "aws:dlm:lifecycle-policy-id", Value: "p"}})}, // by DLM
	} {
		if s.Volume != string(old.Volume) {
			s.Tags = slices.Concat(list, sandbox.Tags{{Key: "aws:backup:source-resource", Value: "p"}})
		}
		id, err := e.sandbox.AddSnapshot(sandbox.DefaultRegion, s)
		if err != nil {
			t.Fatal(err)
		}
		planted = append(planted, id)
	}
	e.runWith(app.BackupInput{Approved: true})
	for _, id := range planted {
		if !slices.ContainsFunc(e.sandbox.Snapshots(sandbox.DefaultRegion), func(s sandbox.Snapshot) bool { return s.ID == id }) {
			t.Errorf("%s was deleted", id)
		}
	}
	e.holds(3)
}
