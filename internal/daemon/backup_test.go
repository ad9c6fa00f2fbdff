package daemon_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/daemon"
	"nightshift/internal/sandbox"
)

// backupLease is where the lease of backups lies in the journal.
const backupLease = "lease/backup-" + sandbox.AccountID + ".json"

const backups = `timezone: UTC
regions: [ap-northeast-2]
journal: s3://nightshift-practice/journal
jobs: { stop: never, start: never, report: never }
backup:
  policies:
    - { id: disks, tag: Disk=yes, resource: volume, schedule: { every: 1h }, keep: { last: 3 } }
`

// copying is a world with a volume that a policy selects.
func copying(t *testing.T) (*world, string) {
	t.Helper()
	w := newWorld(t, at(23, 18, 57), sandbox.Options{})
	w.configure(t, backups)
	w.restart()
	s, err := w.options.App.Open(t.Context(), app.Selection{Config: w.ref(), NeedConfig: true})
	if err != nil {
		t.Fatal(err)
	}
	volume := string(s.Inventories(t.Context())[0].Value.Volumes[0].ID)
	w.SetVolumeTags(sandbox.DefaultRegion, volume, sandbox.Tags{{Key: "Disk", Value: "yes"}})
	return w, volume
}

// Backups run at once and then every 15 minutes; what is copied when follows from what
// there is, so that a daemon that was restarted copies nothing twice.
func TestBackups(t *testing.T) {
	w, volume := copying(t)
	w.pass(t, 0)
	w.restart()
	for range 5 {
		w.pass(t, 15*time.Minute)
	}
	if got, want := w.times(t, "backup"), "Mon 18:57, Mon 19:12, Mon 19:27, Mon 19:42, Mon 19:57, Mon 20:12"; got != want {
		t.Errorf("backup ran %s, want %s", got, want)
	}
	copies := 0
	for _, run := range w.runs(t, "backup") {
		if run.Failed > 0 || len(run.Errors) > 0 {
			t.Errorf("%+v", run)
		}
		for _, o := range run.Outcomes {
			if string(o.ID) != volume || o.Action != "copy" || o.Schedule != "disks" {
				t.Errorf("%+v", o)
			}
			copies++
		}
	}
	if copies != 3 { // at once, at 19:00 and at 20:00
		t.Errorf("%d copies", copies)
	}
}

// Of two daemons one makes a copy, and without the store of leases none does: two at the
// same time might make two.
func TestBackupsNeedTheirLease(t *testing.T) {
	w, _ := copying(t)
	other, _ := w.another()
	w.Pass(t.Context())
	other.Pass(t.Context())
	for _, d := range []*daemon.Daemon{w.Daemon, other} {
		d.Wait()
	}
	done := 0
	for _, run := range w.runs(t, "backup") {
		done += run.Done
	}
	if done != 1 {
		t.Errorf("%d copies were made", done)
	}
	before := len(w.runs(t, "backup"))
	w.faults(t, "s3:*=cut")
	w.pass(t, time.Hour)
	if job := w.options.Watcher.State().Jobs[0]; job.Name != "backup" || !strings.Contains(job.Problem, "lease") {
		t.Errorf("%+v", job)
	}
	w.faults(t, "")
	if after := len(w.runs(t, "backup")); after != before {
		t.Errorf("%d runs without a lease", after-before)
	}
}

// Where the lease is lost while backups run, or may be since it cannot be renewed, nothing
// is begun any more: another process may do it. The next run does the rest.
func TestBackupsWhoseLeaseIsLost(t *testing.T) {
	for name, tt := range map[string]struct{ fault, lease string }{
		"taken over":  {lease: `{"owner":"other","token":"other","ttl_seconds":600}`},
		"not renewed": {fault: "s3:PutObject=broken"},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := copying(t)
			w.options.StoreTime, w.options.Speed = time.Second, 10_000
			lost := w.heardOf("backup")
			var once sync.Once
			w.options.JobStarted = func(string) func(bool) {
				once.Do(func() {
					until(t, lost, true)
					if tt.fault != "" {
						w.faults(t, tt.fault)
						time.Sleep(200 * time.Millisecond) // more than the 60 that a lease lasts by this clock
						for len(lost) > 0 {
							<-lost
						}
						until(t, lost, false)
					} else if err := w.journal.Put(t.Context(), backupLease, []byte(tt.lease)); err != nil {
						t.Error(err)
					}
					until(t, lost, false)
					w.faults(t, "")
				})
				return func(bool) {}
			}
			w.restart()
			w.pass(t, 0)
			runs := w.runs(t, "backup")
			if len(runs) != 1 || runs[0].Done != 0 || runs[0].Deferred != 1 {
				t.Fatalf("%+v", runs)
			}
			w.pass(t, 15*time.Minute)
			if runs = w.runs(t, "backup"); len(runs) != 2 || runs[0].Done+runs[1].Done != 1 {
				t.Errorf("then %+v", runs)
			}
		})
	}
}

// Which volumes have a copy is read after each run that makes some, and every 15 minutes
// where nobody runs: "serve --observe" knows what the deployed function has copied.
func TestBackupsAreWatched(t *testing.T) {
	w, volume := copying(t)
	read := func() (at string, copies int) {
		b := w.options.Watcher.State().Backups
		for _, target := range b.Targets {
			for _, v := range target.Volumes {
				if string(v.Volume) == volume {
					copies = v.Copies
				}
			}
		}
		return b.At.In(w.now.Location()).Format("15:04"), copies
	}
	var times []string
	note := func() {
		at, copies := read()
		times = append(times, fmt.Sprint(at, " ", copies))
	}
	w.pass(t, 0) // it copies
	note()
	for range 4 {
		w.pass(t, 5*time.Minute)
		note()
	}
	if got, want := strings.Join(times, ", "), "18:57 0, 19:02 1, 19:02 1, 19:02 1, 19:17 2"; got != want {
		t.Errorf("read at %s, want %s", got, want)
	}
	runs := len(w.runs(t, "backup"))
	w.options.Observe = true
	w.restart()
	times = nil
	for range 5 {
		w.pass(t, 5*time.Minute)
		note()
	}
	if got, want := strings.Join(times, ", "), "19:22 2, 19:22 2, 19:22 2, 19:37 2, 19:37 2"; got != want {
		t.Errorf("an observer read at %s, want %s", got, want)
	}
	if len(w.runs(t, "backup")) != runs {
		t.Error("an observer makes copies")
	}
	w.configure(t, strings.Replace(backups, "keep: { last: 3 }", "keep: { last: 4 }", 1))
	w.pass(t, time.Minute)
	if at, _ := read(); at != "19:43" {
		t.Errorf("after the configuration has changed it is of %s", at)
	}
}
