package daemon_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/internal/blob"
	"nightshift/internal/daemon"
	"nightshift/internal/lease"
	"nightshift/internal/sandbox"
)

// leaseKey is where the lease of power lies in the journal.
const leaseKey = "lease/power-" + sandbox.AccountID + ".json"

// versions is the journal as the store of leases.
func (w *world) versions(t *testing.T) blob.Versioned {
	t.Helper()
	versions, ok := w.journal.(blob.Versioned)
	if !ok {
		t.Fatalf("%T keeps no versions", w.journal)
	}
	return versions
}

// heard makes a daemon whose lease of power is heard of.
func (w *world) heard() <-chan bool { return w.heardOf("power") }

// heardOf makes a daemon whose lease of a job is heard of.
func (w *world) heardOf(of string) <-chan bool {
	held := make(chan bool, 1000)
	w.options.LeaseHeld = func(job string, is bool) {
		if job == of {
			held <- is
		}
	}
	w.restart()
	return held
}

// until waits until a lease is held, or is not.
func until(t *testing.T, held <-chan bool, want bool) {
	t.Helper()
	for {
		select {
		case is := <-held:
			if is == want {
				return
			}
		case <-t.Context().Done():
			t.Fatalf("the lease never was held: %v", want)
		}
	}
}

// A store of leases that accepts and does not answer holds up no stop: it is not waited
// for, and the lease counts as not held until it answers.
func TestAStoreOfLeasesThatHangs(t *testing.T) {
	w := newWorld(t, at(23, 18, 57), sandbox.Options{})
	w.options.StoreTime = time.Second
	held := w.heard()
	w.pass(t, 0)
	until(t, held, true)
	w.faults(t, "s3:PutObject=delay,for=1h,count=1") // that of the lease comes first
	began := time.Now()
	w.pass(t, 5*time.Minute)
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
	until(t, held, false)
	if w.toStop() > 0 || len(w.runs(t, "power")) != 2 {
		t.Errorf("%d machines to stop, runs at %s", w.toStop(), w.times(t, "power"))
	}
	w.pass(t, 5*time.Minute)
	until(t, held, true)
	if got, want := w.times(t, "power"), "Mon 18:57, Mon 19:02, Mon 19:07"; got != want {
		t.Errorf("power ran %s, want %s", got, want)
	}
}

// While a job runs its lease may not be renewed for a time, or be lost to another
// process. The job goes on, and it is known who holds the lease.
func TestALeaseWhileAJobRuns(t *testing.T) {
	for name, tt := range map[string]struct {
		fault, want string
	}{
		"frozen": {fault: "s3:PutObject=delay,for=1h"},
		"failed": {fault: "s3:PutObject=broken"},
		"lost":   {want: "another process does this job: other"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, at(23, 18, 57), sandbox.Options{})
			w.options.StoreTime, w.options.Speed = time.Second, 100_000
			var held <-chan bool
			var once sync.Once
			w.options.JobStarted = func(string) func(bool) {
				once.Do(func() {
					until(t, held, true)
					if tt.fault == "" {
						if err := w.journal.Put(t.Context(), leaseKey, []byte(`{"owner":"other","token":"other","ttl_seconds":600}`)); err != nil {
							t.Error(err)
						}
						until(t, held, false)
						return
					}
					w.faults(t, tt.fault)
					until(t, held, false)
					w.faults(t, "")
					until(t, held, true)
				})
				return func(bool) {}
			}
			held = w.heard()
			w.pass(t, 0)
			if got := w.times(t, "power"); got != "Mon 18:57" || w.toStop() > 0 {
				t.Errorf("power ran %q, and %d machines are to be stopped", got, w.toStop())
			}
			w.pass(t, 5*time.Minute)
			if got := w.times(t, "power"); (got == "Mon 18:57") != (tt.want != "") {
				t.Errorf("then power ran %q", got)
			}
		})
	}
}

// A lease that another process holds is a problem only where the job is late, and only
// until it has been done.
func TestAProcessThatIsStuck(t *testing.T) {
	for name, freed := range map[string]func(t *testing.T, w *world, l *lease.Lease){
		"it gives the lease back": func(t *testing.T, _ *world, l *lease.Lease) {
			if err := l.Release(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
		"it does the job": func(t *testing.T, w *world, _ *lease.Lease) { w.apply(t) },
		"it does the job and gives the lease back": func(t *testing.T, w *world, l *lease.Lease) {
			w.apply(t)
			if err := l.Release(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, at(23, 18, 57), sandbox.Options{})
			w.apply(t)
			other, err := lease.Take(t.Context(), w.versions(t), leaseKey, 10*time.Minute, "other")
			if err != nil {
				t.Fatal(err)
			}
			w.restart()
			for minute := range 18 {
				w.pass(t, time.Minute)
				if err := other.Renew(t.Context()); err != nil {
					t.Fatal(err)
				}
				problem := w.options.Watcher.State().Jobs[0].Problem
				late := minute >= 13 // later than 19:10
				if strings.Contains(problem, "another process does this job: other") != late {
					t.Errorf("after %d minutes: %q", minute+1, problem)
				}
			}
			w.sleep(30 * time.Second)
			freed(t, w, other)
			for range 8 { // until the journal has been read
				w.pass(t, time.Minute)
			}
			if job := w.options.Watcher.State().Jobs[0]; job.Problem != "" || job.Last.Started.Before(at(23, 19, 15)) {
				t.Errorf("%q, last run at %s", job.Problem, job.Last.Started)
			}
		})
	}
}

// A lease is one of a journal. Where that is another one, so is the lease.
func TestAnotherJournal(t *testing.T) {
	w := newWorld(t, at(23, 18, 57), sandbox.Options{})
	w.pass(t, 0)
	w.configure(t, strings.Replace(officeHours, "/journal", "/second", 1))
	w.pass(t, 5*time.Minute)
	for key, want := range map[string]bool{"journal/" + leaseKey: true, "second/" + leaseKey: false} {
		body, there := w.Object(sandbox.DefaultBucket, key)
		if !there || strings.Contains(string(body), `"released":true`) != want {
			t.Errorf("%s: %s", key, body)
		}
	}
}

// Without a journal no process sees what another one of this machine has done, so that
// one does all.
func TestTwoDaemonsWithoutAJournal(t *testing.T) {
	w := newWorld(t, at(23, 18, 57), sandbox.Options{})
	w.configure(t, "timezone: Asia/Seoul\nregions: [ap-northeast-2]\njobs: { report: never }\n")
	w.options.Locks = t.TempDir()
	runs := 0
	w.options.JobStarted = func(string) func(bool) {
		return func(bool) { runs++ }
	}
	w.restart()
	other, watcher := w.another()
	for range 30 {
		w.pass(t, time.Minute)
		other.Pass(t.Context())
		other.Wait()
	}
	if runs != 1 {
		t.Errorf("the machines were stopped %d times", runs)
	}
	if problem := watcher.State().Jobs[0].Problem; !strings.Contains(problem, "another process does this job") {
		t.Errorf("the problem of the other one is %q", problem)
	}
}

// A report is not late because the clock was ahead when the process began.
func TestAClockThatWasAheadAtTheBeginning(t *testing.T) {
	w := newWorld(t, at(29, 12, 0), sandbox.Options{}) // Sunday
	right := w.now
	w.now = right.Add(72 * time.Hour)
	w.Daemon = daemon.New(w.options)
	w.now = right
	w.pass(t, 0)
	w.pass(t, 19*time.Hour+time.Minute)
	if got, want := w.times(t, "report"), "Mon 07:01"; got != want {
		t.Errorf("reports were made %q, want %q", got, want)
	}
}
