package daemon_test

import (
	"slices"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"nightshift/internal/fleet"
	"nightshift/internal/metrics/metricstest"
	"nightshift/internal/sandbox"
)

// A machine that AWS does not start raises an alert after two runs, and none when it
// runs: a real Prometheus is asked about the morning, minute by minute.
func TestAlertForAMachineThatDoesNotStart(t *testing.T) {
	w := newWorld(t, at(23, 7, 50), sandbox.Options{})
	w.serve(t)
	morning := metricstest.Evening{Handler: w.Handler(), Families: map[string]*dto.MetricFamily{}}
	until := func(end time.Time) {
		for ; !w.now.After(end); w.sleep(time.Minute) {
			w.Pass(t.Context())
			w.Wait()
			morning.Record(t, w.now)
		}
	}
	until(at(23, 7, 59)) // they are all stopped before the day begins
	var id fleet.ResourceID
	for _, s := range w.options.Watcher.State().Targets[0].Steps {
		if s.Machine.State == fleet.Stopped && s.Machine.Eligible() && s.Machine.Cause == fleet.CauseCall {
			id = s.Machine.ID
		}
	}
	w.faults(t, "ec2:StartInstances=refuse,id="+string(id)+",code=InsufficientInstanceCapacity")
	until(at(23, 8, 11))
	w.faults(t, "")
	until(at(23, 8, 45))
	server := morning.Serve(t, "../../deploy/prometheus/nightshift-rules.yaml")
	for _, c := range []struct {
		minute int
		want   bool
	}{{-1, false}, {6, false}, {11, true}, {45, false}} {
		moment := at(23, 8, 0).Add(time.Duration(c.minute) * time.Minute)
		if firing := server.Firing(t, moment); slices.Contains(firing, "NightshiftOutOfSchedule") != c.want {
			t.Errorf("at %s there are %q", moment.Format("15:04"), firing)
		}
	}
}
