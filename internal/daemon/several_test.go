package daemon_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/daemon"
	"nightshift/internal/sandbox"
	"nightshift/internal/watch"
)

// another makes a daemon like that of the world, as on another machine.
func (w *world) another() (*daemon.Daemon, *watch.Watcher) {
	o := w.options
	o.Watcher = watch.New(watch.Options{App: o.App, Now: o.Now, Selection: app.Selection{Config: w.ref()}})
	return daemon.New(o), o.Watcher
}

// Of two daemons one does the jobs. When it is gone, the other one does, after two ticks.
func TestTwoDaemons(t *testing.T) {
	w := newWorld(t, at(23, 18, 57), sandbox.Options{})
	other, watcher := w.another()
	both := func(d time.Duration) {
		t.Helper()
		w.pass(t, d)
		other.Pass(t.Context())
		other.Wait()
	}
	both(0)
	both(5 * time.Minute)
	both(5 * time.Minute)
	if got, want := w.times(t, "power"), "Mon 18:57, Mon 19:02, Mon 19:07"; got != want {
		t.Fatalf("together they ran %s, want %s", got, want)
	}
	if state := watcher.State(); len(state.Runs) != 3 || state.Jobs[0].LastSuccess.IsZero() {
		t.Errorf("the other sees %d runs, %+v", len(state.Runs), state.Jobs[0])
	}
	alone := func(d time.Duration) {
		t.Helper()
		w.sleep(d)
		other.Pass(t.Context())
		other.Wait()
	}
	alone(5 * time.Minute) // the first has been killed
	alone(5 * time.Minute)
	if problem := watcher.State().Jobs[0].Problem; problem != "" {
		t.Errorf("another one does the job, or has just ended, and the problem is %q", problem)
	}
	alone(5 * time.Minute)
	if got, want := w.times(t, "power"), "Mon 18:57, Mon 19:02, Mon 19:07, Mon 19:17, Mon 19:22"; got != want {
		t.Errorf("together they ran %s, want %s", got, want)
	}
	if problem := watcher.State().Jobs[0].Problem; problem != "" {
		t.Errorf("the problem is %q", problem)
	}
}

// Without the store of leases machines are stopped all the same, and a report waits.
func TestWithoutLeases(t *testing.T) {
	w := newWorld(t, at(30, 6, 58), sandbox.Options{}) // Monday
	held := w.heard()
	w.pass(t, 0)
	until(t, held, true)
	w.faults(t, "s3:*=cut")
	w.pass(t, 5*time.Minute)
	until(t, held, false)
	jobs := w.options.Watcher.State().Jobs
	if !jobs[0].LastSuccess.Equal(w.now) || jobs[0].Problem != "" {
		t.Errorf("power: %+v", jobs[0])
	}
	if jobs[1].Name != "report" || jobs[1].Last != nil || !strings.Contains(jobs[1].Problem, "lease") {
		t.Errorf("report: %+v", jobs[1])
	}
	w.faults(t, "")
	w.pass(t, 5*time.Minute)
	if got, want := w.times(t, "report"), "Mon 07:08"; got != want {
		t.Errorf("reports were made %s, want %s", got, want)
	}
}

// readOnly is the policy of a process that only observes, as `nightshift policy --for
// observe` prints it.
const readOnly = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", "Action": [
	"ec2:DescribeInstances", "ec2:DescribeRegions", "ec2:DescribeSpotInstanceRequests", "ec2:DescribeInstanceStatus", "pricing:GetProducts",
	"ec2:DescribeAddresses", "ec2:DescribeCapacityReservations", "ec2:DescribeHosts",
	"ec2:DescribeInstanceTypes", "ec2:DescribeSnapshots", "ec2:DescribeSpotPriceHistory", "ec2:DescribeVolumes"]},
	{"Effect": "Allow", "Resource": "arn:aws:s3:::nightshift-practice/journal/*", "Action": "s3:GetObject"},
	{"Effect": "Allow", "Resource": "arn:aws:s3:::nightshift-practice", "Action": "s3:ListBucket", "Condition": {"StringLike": {"s3:prefix": "journal/*"}}}]}`

func TestObserve(t *testing.T) {
	w := newWorld(t, at(23, 18, 57), sandbox.Options{})
	w.options.Observe, w.options.Costs = true, 0
	_, watcher := w.another()
	w.options.Watcher = watcher
	observer := daemon.New(w.options)
	look := func() *watch.State {
		t.Helper()
		if err := w.SetPolicy([]byte(readOnly)); err != nil {
			t.Fatal(err)
		}
		w.ResetCalls()
		observer.Pass(t.Context())
		observer.Wait()
		for _, call := range w.Calls() {
			if call.Status >= 300 && call.Status != 404 || slices.ContainsFunc([]string{"Stop", "Start", "Put", "Create", "Delete"}, func(verb string) bool { return strings.HasPrefix(call.Action, verb) }) {
				t.Errorf("%s:%s: %d %s", call.Service, call.Action, call.Status, call.Code)
			}
		}
		if err := w.SetPolicy(nil); err != nil {
			t.Fatal(err)
		}
		return watcher.State()
	}
	if before := look(); len(before.Runs) > 0 || before.Cost.Total.RunRate == 0 || !before.Targets[0].Up {
		t.Errorf("before: %d runs, %+v", len(before.Runs), before.Cost.Part)
	}
	w.sleep(5 * time.Minute)
	w.apply(t) // as the function does
	w.sleep(5 * time.Minute)
	after := look()
	if len(after.Runs) != 1 || after.Runs[0].Done == 0 || after.Jobs[0].LastSuccess.IsZero() || after.Jobs[0].Last.Duration < 0 || len(after.Acts) != after.Runs[0].Done {
		t.Errorf("after: %+v, %+v", after.Runs, after.Jobs[0])
	}
}

// apply follows the rules once, as another process.
func (w *world) apply(t *testing.T) {
	t.Helper()
	s, err := w.options.App.Open(t.Context(), app.Selection{Config: w.ref(), NeedConfig: true})
	if err == nil {
		_, err = s.Power(t.Context(), app.PowerInput{})
	}
	if err != nil {
		t.Fatal(err)
	}
}
