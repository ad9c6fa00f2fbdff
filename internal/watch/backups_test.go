package watch_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/blob"
	"nightshift/internal/sandbox"
	"nightshift/internal/watch"
)

const withBackups = officeHours + `backup:
  policies:
    - { id: prod, tag: Env=prod, schedule: { every: 6h }, keep: { last: 3 } }
    - { id: rest, tag: Env=none, resource: volume, schedule: { every: 6h }, keep: { last: 3 } }
`

func (w *world) sweepBackups(t *testing.T) watch.Backups {
	t.Helper()
	if err := w.watcher.SweepBackups(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w.watcher.State().Backups
}

// backUp runs the job backup, as another process would.
func (w *world) backUp(t *testing.T) {
	t.Helper()
	s, err := w.app.Open(t.Context(), app.Selection{Config: blob.Ref{Scheme: blob.File, Path: w.config}, NeedConfig: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Backup(t.Context(), app.BackupInput{}); err != nil {
		t.Fatal(err)
	}
}

// calls are the requests about snapshots since the last n.
func (w *world) calls(action string, since int) (n int) {
	for _, call := range w.Calls()[since:] {
		if call.Action == action {
			n++
		}
	}
	return n
}

// Which volumes have a copy is read where there are policies, and nowhere else; what a run
// copies is seen by the next sweep, and its record is among the runs.
func TestASweepSeesBackups(t *testing.T) {
	w := newWorld(t, sandbox.Options{Backups: true})
	w.reload(t)
	if b := w.sweepBackups(t); len(b.Targets) > 0 || !b.Tried.IsZero() || w.calls("DescribeSnapshots", 0) > 0 {
		t.Errorf("without policies: %+v", b)
	}
	w.configure(t, withBackups)
	w.reload(t)
	before := w.sweepBackups(t)
	if len(before.Targets) != 1 || !before.Targets[0].Up || before.Err != "" || !before.At.Equal(w.now) || !before.Targets[0].At.Equal(w.now) {
		t.Fatalf("%+v", before.Part)
	}
	target := before.Targets[0]
	if target.Account == "" || target.Region != region || len(target.Public) != 1 || len(target.Orphans) == 0 || !target.Monthly.Priced {
		t.Errorf("%s: %d public, %d orphans, %+v", target.Target, len(target.Public), len(target.Orphans), target.Monthly)
	}
	if p := target.Policies[0]; len(target.Policies) != 3 || p.Policy != "prod" || p.Volumes == 0 || p.Missed == 0 || p.Complete+p.Pending > 0 || p.Waiting == nil {
		t.Errorf("%+v", target.Policies)
	}
	w.backUp(t)
	w.pass(time.Hour)
	after := w.sweepBackups(t)
	p := after.Targets[0].Policies[0]
	if p.Complete == 0 || p.Missed > 0 || p.Pending+p.Failed > 0 || !p.Oldest.Equal(w.now.Add(-time.Hour)) || *p.Waiting != 0 {
		t.Errorf("after a run: %+v", p)
	}
	if before.Targets[0].Policies[0].Complete > 0 {
		t.Error("the state of before has changed")
	}
	s := w.sweep(t)
	n := slices.IndexFunc(s.Jobs, func(j watch.Job) bool { return j.Name == "backup" })
	if len(s.Runs) != 1 || s.Runs[0].Job != "backup" || len(s.Runs[0].Outcomes) == 0 || len(s.Acts) > 0 || n < 0 || s.Jobs[n].Last == nil || s.Jobs[n].LastSuccess.IsZero() {
		t.Errorf("runs %+v, jobs %+v", s.Runs, s.Jobs)
	}
	w.configure(t, officeHours)
	w.reload(t)
	if b := w.watcher.State().Backups; len(b.Targets) > 0 || !b.At.IsZero() {
		t.Errorf("without policies again: %+v", b)
	}
}

// The journal says how long volumes were without a copy, and each of its records is read
// once.
func TestBackupsReadEachRecordOnce(t *testing.T) {
	w := newWorld(t, sandbox.Options{Backups: true})
	w.configure(t, strings.Replace(withBackups, "JOURNAL", "s3://nightshift-practice/journal", 1))
	w.reload(t)
	for range 3 {
		w.backUp(t)
		w.pass(6 * time.Hour)
	}
	read := func() (records int, worst *backup.Gap) {
		since := len(w.Calls())
		b := w.sweepBackups(t)
		for _, v := range b.Targets[0].Volumes {
			if v.Policy == "prod" && v.Worst != nil {
				worst = v.Worst
			}
		}
		return w.calls("GetObject", since), worst
	}
	first, worst := read()
	if worst == nil || worst.AtMost || time.Duration(worst.Hours) != 6*time.Hour {
		t.Errorf("without a copy for %+v", worst)
	}
	again, same := read()
	if first < 3 || again > first-3 {
		t.Errorf("read %d objects at first, then %d", first, again)
	}
	if *same != *worst {
		t.Errorf("then %+v", same)
	}
	w.backUp(t)
	if more, _ := read(); more != again+1 {
		t.Errorf("after one more run %d objects, before %d", more, again)
	}
}

// What could be read of an account is as old as it is, although it cannot be reached now.
func TestBackupsOfAnAccountThatCannotBeReached(t *testing.T) {
	w := newWorld(t, sandbox.Options{Backups: true, Accounts: sandbox.Members(1)})
	w.configure(t, withBackups+fmt.Sprintf("accounts:\n  - { name: central }\n  - { name: shop, role: \"arn:aws:iam::200000000001:role/%s\", external_id: %s }\n",
		sandbox.MemberRole, sandbox.MemberExternalID))
	w.reload(t)
	w.sweep(t)
	before := w.sweepBackups(t)
	if len(before.Targets) != 2 || !before.Targets[0].Up || !before.Targets[1].Up || before.Targets[1].AccountName != "shop" {
		t.Fatalf("%+v, %d targets", before.Part, len(before.Targets))
	}
	check := func(what string, fault sandbox.Fault, ups ...bool) {
		t.Helper()
		began := w.watcher.State().Backups
		w.pass(time.Hour)
		if err := w.SetFaults([]sandbox.Fault{fault}); err != nil {
			t.Fatal(err)
		}
		up := ups[0] || ups[1]
		if err := w.watcher.SweepBackups(t.Context()); (err == nil) != up {
			t.Errorf("%s: %v", what, err)
		}
		b := w.watcher.State().Backups
		if b.At.Equal(w.now) != up || !b.Tried.Equal(w.now) || b.Err == "" || len(b.Targets) != 2 {
			t.Fatalf("%s: %+v, %d targets", what, b.Part, len(b.Targets))
		}
		for _, one := range b.Targets {
			n := slices.IndexFunc(before.Targets, func(t watch.BackupTarget) bool { return t.Target == one.Target })
			if n < 0 || one.Up != ups[n] || (one.Err == "") != ups[n] || len(one.Volumes) != len(before.Targets[n].Volumes) ||
				one.Up && !one.At.Equal(w.now) || !one.Up && !one.At.Equal(began.Targets[n].At) {
				t.Errorf("%s: %s is up: %v, of %s, %s", what, one.Target, one.Up, one.At, one.Err)
			}
		}
	}
	check("the other's snapshots denied", sandbox.Fault{Action: "ec2:DescribeSnapshots", Account: "200000000001", Kind: sandbox.Deny}, true, false)
	check("all volumes denied", sandbox.Fault{Action: "ec2:DescribeVolumes", Kind: sandbox.Deny}, false, false)
	check("nobody says who we are", sandbox.Fault{Action: "sts:GetCallerIdentity", Kind: sandbox.Deny}, false, true)
}

// An account that has never been read is there all the same, without anything that is
// known of it.
func TestBackupsOfAnAccountThatWasNeverReached(t *testing.T) {
	w := newWorld(t, sandbox.Options{Backups: true})
	w.configure(t, withBackups+"accounts:\n  - { name: central }\n  - { name: shop, role: \"arn:aws:iam::200000000001:role/nobody\" }\n")
	w.reload(t)
	b := w.sweepBackups(t)
	if len(b.Targets) != 2 || !b.Targets[0].Up || b.Targets[1].Up || !b.Targets[1].At.IsZero() || b.Targets[1].Account != "200000000001" ||
		!strings.Contains(b.Targets[1].Err, "nobody") || !strings.Contains(b.Err, "nobody") || !b.At.Equal(w.now) {
		t.Errorf("%+v, %d targets", b.Part, len(b.Targets))
	}
}
