package daemon_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"nightshift/internal/daemon"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
)

// faults makes things go wrong from now on; "" ends that.
func (w *world) faults(t *testing.T, text string) {
	t.Helper()
	list, err := sandbox.ParseFaults(text)
	if err == nil {
		err = w.SetFaults(list)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// running counts the machines that run outside their schedule.
func (w *world) toStop() (n int) {
	for _, target := range w.options.Watcher.State().Targets {
		for _, step := range target.Steps {
			if step.Do() {
				n++
			}
		}
	}
	return n
}

// While AWS cannot be reached or does not accept the credentials, what was read before is
// shown with its date. The next run puts things right.
func TestAnHourWithoutAWS(t *testing.T) {
	for _, fault := range []string{"*=cut", "*=expired", "*=deny"} {
		t.Run(fault, func(t *testing.T) {
			w := newWorld(t, at(23, 18, 52), sandbox.Options{})
			w.pass(t, 0)
			read := w.options.Watcher.State().Machines.At
			w.faults(t, fault)
			for range 12 {
				w.pass(t, 5*time.Minute)
			}
			state := w.options.Watcher.State()
			if target := state.Targets[0]; target.Up || target.Err == "" || !target.At.Equal(read) || len(target.Steps) == 0 || !state.Machines.At.Equal(read) {
				t.Errorf("target: up %v, of %s, %d machines, %q", target.Up, target.At, len(target.Steps), target.Err)
			}
			if job := state.Jobs[0]; !job.LastSuccess.Before(at(23, 18, 53)) {
				t.Errorf("the job has succeeded: %+v", job)
			}
			w.faults(t, "")
			w.pass(t, 5*time.Minute)
			state = w.options.Watcher.State()
			if n := w.toStop(); n > 0 || !state.Targets[0].Up || state.Jobs[0].Problem != "" || !state.Jobs[0].LastSuccess.Equal(w.now) {
				t.Errorf("afterwards: %d machines to stop, %+v", n, state.Jobs[0])
			}
		})
	}
}

func TestWhatWasMissedIsMadeUpForOnce(t *testing.T) {
	w := newWorld(t, at(20, 12, 0), sandbox.Options{})
	w.pass(t, 0)            // Friday noon
	w.sleep(71 * time.Hour) // until Monday at eleven
	w.restart()
	w.pass(t, 0)
	for range 4 {
		w.pass(t, time.Minute)
	}
	if got, want := w.times(t, "power"), "Fri 12:00, Mon 11:00"; got != want {
		t.Errorf("power ran %s, want %s", got, want)
	}
	if got := w.times(t, "report"); got != "" {
		t.Errorf("a first report was made at %s, but none has ever been due", got)
	}
	w.pass(t, 7*24*time.Hour)
	w.pass(t, time.Minute)
	w.restart()
	w.pass(t, time.Hour)
	if got, want := w.times(t, "report"), "Mon 11:04"; got != want {
		t.Errorf("reports were made %s, want %s", got, want)
	}
}

// A job does not wait until a clock that was wrong is right.
func TestAClockThatIsSet(t *testing.T) {
	w := newWorld(t, at(23, 12, 0), sandbox.Options{})
	w.pass(t, 0)
	w.now = w.now.Add(48 * time.Hour) // only the clock of this machine
	w.Pass(t.Context())
	w.Wait()
	if n := w.toStop(); n > 0 {
		t.Errorf("%d machines are to be stopped by the clock of this machine, which is wrong", n)
	}
	w.now = w.now.Add(-48 * time.Hour)
	w.pass(t, 5*time.Minute)
	w.pass(t, 5*time.Minute)
	if got, want := w.times(t, "power"), "Mon 12:00, Mon 12:05, Mon 12:10, Wed 12:00"; got != want {
		t.Errorf("power ran %s, want %s", got, want)
	}
	if got := w.options.Watcher.State().Machines.At; !got.Equal(w.now) {
		t.Errorf("the machines were read at %s, and it is %s", got, w.now)
	}
}

// A stop by tag that comes late is not made: somebody may have started a machine since.
func TestALateStopIsNotMade(t *testing.T) {
	byTag := "timezone: Asia/Seoul\nregions: [ap-northeast-2]\njournal: s3://nightshift-practice/journal\njobs: { report: never }\n"
	for _, tt := range []struct {
		wake time.Duration
		want string
	}{{9 * time.Minute, "Mon 19:09"}, {11 * time.Minute, ""}} {
		w := newWorld(t, at(23, 18, 50), sandbox.Options{})
		w.configure(t, byTag)
		w.pass(t, 0)
		w.pass(t, 10*time.Minute-time.Second)
		w.pass(t, tt.wake+time.Second)
		w.pass(t, 30*time.Second)
		if got := w.times(t, "stop"); got != tt.want {
			t.Errorf("awake %s after its time it ran %q, want %q", tt.wake, got, tt.want)
		}
		job := w.options.Watcher.State().Jobs[0]
		if job.Name != "stop" || (job.Problem == "") != (tt.want != "") {
			t.Errorf("%+v", job)
		}
	}
}

// No stop by tag is made by a clock that is wrong.
func TestAStopByAWrongClock(t *testing.T) {
	w := newWorld(t, at(23, 18, 40), sandbox.Options{})
	w.configure(t, "timezone: Asia/Seoul\nregions: [ap-northeast-2]\njournal: s3://nightshift-practice/journal\njobs: { report: never }\n")
	w.pass(t, 0)
	w.now = at(23, 19, 5)
	w.Pass(t.Context())
	w.Wait()
	if job := w.options.Watcher.State().Jobs[0]; job.Last != nil || !strings.Contains(job.Problem, "25m0s off") {
		t.Errorf("%+v", job)
	}
	w.now = at(23, 18, 40)
	w.pass(t, 20*time.Minute)
	if got, want := w.times(t, "stop"), "Mon 19:00"; got != want {
		t.Errorf("it ran %s, want %s", got, want)
	}
}

func TestADamagedRecord(t *testing.T) {
	w := newWorld(t, at(23, 18, 57), sandbox.Options{})
	w.pass(t, 0)
	const key = "runs/2026/11/23/20261123T095800Z-power-0123456789ab.json"
	if err := w.journal.Put(t.Context(), key, []byte("{")); err != nil {
		t.Fatal(err)
	}
	w.pass(t, 5*time.Minute)
	state := w.options.Watcher.State()
	if !strings.Contains(state.Journal.Err, key) || len(state.Runs) != 2 || w.toStop() > 0 || !state.Machines.At.Equal(w.now) {
		t.Errorf("%q, %d runs, %d machines to stop", state.Journal.Err, len(state.Runs), w.toStop())
	}
}

func TestWithoutAJournal(t *testing.T) {
	w := newWorld(t, at(23, 18, 57), sandbox.Options{})
	w.configure(t, strings.Replace(officeHours, "journal: s3://nightshift-practice/journal\n", "", 1))
	w.options.Locks = t.TempDir()
	w.restart()
	for range 3 {
		w.pass(t, 5*time.Minute)
	}
	other := daemon.New(w.options)
	other.Pass(t.Context())
	other.Wait()
	state := w.options.Watcher.State()
	if len(state.Runs) != 3 || state.Jobs[0].Last == nil || w.toStop() > 0 {
		t.Errorf("%d runs, %+v", len(state.Runs), state.Jobs[0])
	}
}

func TestAPortInUse(t *testing.T) {
	first, err := daemon.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	_, err = daemon.Listen(first.Addr().String())
	if !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), "is in use") || !strings.Contains(err.Error(), "--listen") {
		t.Error(err)
	}
	for _, bad := range []string{"19847", "localhost:port", "127.0.0.1:99999"} {
		var listener net.Listener
		if listener, err = daemon.Listen(bad); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%s: %v, %v", bad, listener, err)
		}
	}
}

// The daemon ends in order: what it holds is free at once.
func TestItEndsInOrder(t *testing.T) {
	w := newWorld(t, at(23, 18, 57), sandbox.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	ran := make(chan struct{}, 1)
	w.options.JobStarted = func(string) func(bool) {
		return func(bool) { ran <- struct{}{} }
	}
	w.restart()
	go func() { ended <- w.Run(ctx) }()
	<-ran
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	body, err := w.journal.Get(t.Context(), "lease/power-"+sandbox.AccountID+".json")
	if err != nil || !strings.Contains(string(body), `"released":true`) {
		t.Errorf("the lease: %s, %v", body, err)
	}
}

func TestWithoutAConfigurationItDoesNotBegin(t *testing.T) {
	w := newWorld(t, at(23, 18, 57), sandbox.Options{})
	w.configure(t, "schedules: [")
	if err := w.Run(t.Context()); !errors.Is(err, fleet.ErrInvalid) {
		t.Error(err)
	}
	w.configure(t, strings.Replace(officeHours, "office-hours }", "office-hour }", 1))
	w.pass(t, 0) // what is right in it is followed
	if state := w.options.Watcher.State(); len(state.Config.Rejected) != 1 || state.Config.Value == nil {
		t.Errorf("%+v", state.Config)
	}
}
