package notify_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/notify"
	"nightshift/internal/price"
)

const policyHead = `timezone: UTC
backup: { policies: [{ id: daily, tag: Backup, resource: volume, schedule: { every: 1h }, keep: { last: 3 }, rpo: 2h }] }
`

// backups is a run of backups over a volume whose newest copy is of a time, with how the
// next copy went and how many deletions wait.
func (w *world) backups(copied time.Time, result fleet.Result, waiting int) {
	w.t.Helper()
	w.now = w.now.Add(15 * time.Minute)
	const id = "vol-0123456789abcdef0"
	inv := backup.Inventory{
		Target: target(), At: w.now,
		Volumes:   []fleet.Volume{{ID: id, SizeGiB: 8, State: "available", Created: w.now.AddDate(0, -1, 0), Tags: fleet.Tags{"Backup": "", "Name": "data"}}},
		Snapshots: []fleet.Snapshot{{ID: "snap-1", Volume: id, SizeGiB: 8, State: "completed", Started: copied, Completed: copied.Add(time.Minute)}},
	}
	t := app.BackupTarget{Plan: backup.Plan{Target: target(), At: w.now}, Inventory: inv, Waiting: waiting}
	t.WaitingFrees = backup.Freed{Bytes: int64(waiting) << 30, Priced: true, USD: price.USD(waiting) * price.Dollar / 20}
	if result != "" {
		t.Outcomes = []backup.Outcome{{
			Chain: backup.Chain{Policy: "daily", Resource: id}, Action: backup.DidCopy, Result: result,
			Reason: fleet.Reason{Code: "SnapshotCreationPerVolumeRateExceeded", Text: "too many"},
		}}
	}
	w.notifier.Run(w.t.Context(), w.session, notify.Result{Job: "backup", Backup: &app.BackupResult{Targets: []app.BackupTarget{t}}})
}

// A copy that fails, one that is late and deletions that wait are each told of once, and
// when they are gone.
func TestBackupsThatFailOrWait(t *testing.T) {
	s := serve(t, anything)
	w := newWorld(t, "")
	w.configureWith(policyHead, "notify:\n  recipients: { audit: { webhook: \""+s.URL+"/hook/TOKEN\" } }\n")
	young := w.now
	want := func(when, wanted, text string) {
		t.Helper()
		messages := s.taken(t)
		if got := titles(messages); got != wanted {
			t.Errorf("%s: %q, want %q", when, got, wanted)
		}
		if text != "" && (len(messages) != 1 || !strings.Contains(messages[0].Plain(), text)) {
			t.Errorf("%s: %q is not in %v", when, text, messages)
		}
	}
	w.backups(young, "", 0)
	want("all is well", "", "")
	w.backups(young, fleet.Failed, 0)
	want("a copy fails", "backup: 1 problem", "policy daily could not copy: too many\n  data (vol-0123456789abcdef0) in eu-west-1")
	w.backups(young, fleet.Failed, 0)
	want("again", "", "")
	w.backups(young, fleet.Deferred, 0)
	want("nobody knows", "", "")
	w.backups(young, fleet.Done, 0)
	want("the next one works", "backup: 1 resolved", "")
	w.backups(young, "", 3)
	want("deletions wait", "backup: 1 problem", "3 deletions of copies wait for approval (≤ 3.0 GiB, ≤ $0.15 a month); `nightshift backup plan` shows them")
	young = young.Add(25 * time.Hour)
	w.now = young
	w.backups(young, "", 4)
	want("they wait for a day", "", "")
	w.backups(young, "", 0)
	want("they are made", "backup: 1 resolved", "")
	old := w.now.Add(-3 * time.Hour)
	w.backups(old, "", 0)
	want("the newest copy is late", "backup: 1 problem", "has no copy younger than its RPO of 2h")
	w.backups(w.now, "", 0)
	want("there is a new one", "backup: 1 resolved", "")
}

// More than a hundred volumes or copies of one target are one problem for each reason,
// which says what they are.
func TestManyCopiesFail(t *testing.T) {
	s := serve(t, anything)
	w := newWorld(t, "")
	w.configureWith(policyHead, "notify:\n  recipients: { audit: { webhook: \""+s.URL+"/hook/TOKEN\" } }\n")
	inv := backup.Inventory{Target: target(), At: w.now}
	one := app.BackupTarget{Plan: backup.Plan{Target: target(), At: w.now}}
	for n := range 150 {
		id := fleet.VolumeID(fmt.Sprintf("vol-%017x", n))
		inv.Volumes = append(inv.Volumes, fleet.Volume{ID: id, State: "available", Created: w.now.AddDate(0, -1, 0), Tags: fleet.Tags{"Backup": ""}})
		one.Outcomes = append(one.Outcomes, backup.Outcome{
			Chain: backup.Chain{Policy: "daily", Resource: fleet.ResourceID(id)}, Action: backup.DidCopy, Result: fleet.Failed, Reason: fleet.Reason{Code: "denied", Text: "not authorized"},
		})
	}
	one.Inventory = inv
	w.notifier.Run(t.Context(), w.session, notify.Result{Job: "backup", Backup: &app.BackupResult{Targets: []app.BackupTarget{one}}})
	messages := s.taken(t)
	if got := titles(messages); got != "backup: 2 problems" {
		t.Fatalf("told: %s", got)
	}
	for _, want := range []string{"150 copies, such as vol-00000000000000", "150 volumes, such as vol-00000000000000"} {
		if !strings.Contains(messages[0].Plain(), want) {
			t.Errorf("%q is not in %s", want, messages[0].Plain())
		}
	}
}
