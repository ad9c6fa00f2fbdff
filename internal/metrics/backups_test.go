package metrics_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/metrics"
	"nightshift/internal/price"
	"nightshift/internal/watch"
)

// backups are those of two targets, of which one has never been read.
func backups(home, away fleet.Target) watch.Backups {
	now := evening()
	volume := func(id fleet.VolumeID, c backup.Coverage) backup.VolumeStatus {
		return backup.VolumeStatus{Volume: id, Coverage: c}
	}
	return watch.Backups{
		Part: watch.Part{At: now, Tried: now},
		Targets: []watch.BackupTarget{
			{Up: true, Status: backup.Status{
				Target: home, At: now,
				Volumes: []backup.VolumeStatus{
					volume("vol-1", backup.Protected), volume("vol-2", backup.Protected), volume("vol-3", backup.Stale),
					volume("vol-4", backup.Unprotected), volume("vol-5", backup.NotCopied),
				},
				Policies: []backup.PolicyStatus{
					{
						Policy: "daily", Volumes: 3, Missed: 1, Oldest: new(now.Add(-48 * time.Hour)), Complete: 7, Pending: 2, Failed: 1,
						PendingSince: new(now.Add(-time.Hour)), Waiting: new(4),
					},
					{Policy: "idle", Waiting: new(0)},
					{Volumes: 1, Missed: 1, Oldest: &time.Time{}, Complete: 1, Waiting: new(0)},
				},
				Orphans: []backup.Orphan{{Snapshots: []fleet.SnapshotID{"snap-1", "snap-2"}}, {Snapshots: []fleet.SnapshotID{"snap-3"}}},
				Keys: []backup.KeyStatus{
					{Key: "a", State: fleet.KeyEnabled}, {Key: "b", State: fleet.KeyDisabled}, {Key: "c", State: fleet.KeyPendingDeletion},
				},
				Quota:   &backup.SnapshotQuota{Used: 900, Limit: 1000},
				Unusual: []backup.UnusualChange{{Volume: "vol-1", Policy: "daily"}},
				Public:  []backup.PublicSnapshot{{Snapshot: "snap-1"}},
				Monthly: price.StorageBound{Low: price.Dollar, High: 3 * price.Dollar, Priced: true},
			}},
			{Status: backup.Status{Target: away}, Err: "unreachable"},
		},
	}
}

// What is not known has no series: not a cost without prices, nor public snapshots that
// could not be listed, nor anything at all without backup policies.
func TestBackupsThatAreNotKnown(t *testing.T) {
	st := estate(t)
	named := func() string {
		var names []string
		for name, f := range gather(t, of(st)) {
			if strings.HasPrefix(name, "nightshift_backup_") && len(f.GetMetric()) > 0 {
				names = append(names, strings.TrimPrefix(name, "nightshift_backup_"))
			}
		}
		slices.Sort(names)
		return strings.Join(names, " ")
	}
	whole := named()
	status := &st.Backups.Targets[0].Status
	status.Monthly.Priced = false
	status.Unread = []backup.Part{backup.PartPublic, backup.PartKeys}
	status.Keys, status.Quota = []backup.KeyStatus{{State: fleet.KeyUnknown}}, nil
	for n := range status.Policies {
		status.Policies[n].Oldest, status.Policies[n].Waiting = nil, nil
	}
	want := whole
	for _, gone := range []string{"cost_usd ", "deletions_waiting ", "oldest_good_copy_timestamp_seconds ", "public_snapshots ", "snapshot_quota ", "snapshots ", "unusable_keys "} {
		if !strings.Contains(want, gone) {
			t.Fatalf("%q has no %s", want, gone)
		}
		want = strings.Replace(want, gone, "", 1)
	}
	if got := named(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	status.Keys = append(status.Keys, backup.KeyStatus{State: fleet.KeyDisabled})
	if got := total(gather(t, of(st))["nightshift_backup_unusable_keys"]); got != 1 {
		t.Errorf("%v keys cannot be used, of two of which one is unknown", got)
	}
	status.At = time.Time{}
	if got := named(); got != "last_read_timestamp_seconds" {
		t.Errorf("never read: %s", got)
	}
	st.Backups = watch.Backups{}
	if got := named(); got != "" {
		t.Errorf("without policies: %s", got)
	}
}

// A policy that misses its RPO keeps a series of its own, however many accounts there are:
// what is folded is where nothing is wrong.
func TestFoldedBackups(t *testing.T) {
	st := largest(9)
	at := &st.Backups.Targets[77]
	at.Policies[3].Missed, at.Policies[3].PendingSince = 2, new(evening())
	all := gather(t, of(st))
	for name, want := range map[string]float64{
		"nightshift_backup_rpo_missed_volumes": 2, "nightshift_backup_pending_oldest_timestamp_seconds": float64(evening().Unix()),
	} {
		if got := total(all[name], "policy", "policy-3"); got != want || total(all[name]) != want {
			t.Errorf("%s of policy-3: %v of %v, want %v", name, got, total(all[name]), want)
		}
	}
}

// A copy is a run's, but no stop and no start.
func TestCopiesAreNoTransitions(t *testing.T) {
	now := evening()
	st := &watch.State{}
	m := metrics.New(metrics.Options{State: func() *watch.State { return st }, Now: func() time.Time { return now }})
	r := journal.Record{Run: "one", Job: "backup", Started: now.Add(time.Minute), Duration: time.Second}
	r.Add(journal.Outcome{Kind: fleet.KindInstance, ID: "i-1", Action: "copy", Result: fleet.Done})
	r.Add(journal.Outcome{Kind: fleet.KindInstance, ID: "i-1", Action: "delete", Result: fleet.Failed})
	st.Runs = []journal.Record{r}
	all := gather(t, m)
	if got := total(all["nightshift_job_runs_total"], "job_name", "backup"); got != 1 {
		t.Errorf("%v runs", got)
	}
	for _, name := range []string{"nightshift_transitions_total", "nightshift_transition_failures_total"} {
		if list := all[name].GetMetric(); len(list) != 2 || total(all[name]) != 0 {
			t.Errorf("%s: %v", name, list)
		}
	}
}
