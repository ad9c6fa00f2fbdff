package app_test

import (
	"strings"
	"testing"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
)

// A volume that CloudWatch proves to be unwritten is not copied again, until something is
// written to it; what may not be asked is copied.
func TestUnwrittenVolumesAreSkipped(t *testing.T) {
	e := newEstate(t, strings.Replace(approvedPolicies, "keep: { last: 3 }", "keep: { last: 3 }, skip_unchanged: true", 1), sandbox.Options{})
	running := map[fleet.ResourceID]bool{}
	inv := e.inventory()
	for _, i := range inv.Instances {
		running[i.ID] = i.State == fleet.Running && i.LaunchTime.Before(night().Add(-time.Hour))
	}
	var volume string
	for _, v := range inv.Volumes {
		if len(v.Attachments) == 1 && running[v.Attachments[0].Instance] {
			volume = string(v.ID)
		}
	}
	e.sandbox.SetVolumeTags(sandbox.DefaultRegion, volume, sandbox.Tags{{Key: "Disk", Value: "yes"}})
	e.sandbox.SetIdle(sandbox.DefaultRegion, volume, night().Add(-time.Hour))
	copies := func() int {
		n := 0
		for _, s := range e.sets() {
			if string(s.Chain.Resource) == volume {
				n++
			}
		}
		return n
	}
	next := func() int {
		t.Helper()
		e.sandbox.Advance(day)
		if r := e.run(); r.Err() != nil {
			t.Fatal(r.Err())
		}
		return copies()
	}
	e.run()
	if n := next(); n != 1 {
		t.Errorf("nothing was written, and there are %d copies", n)
	}
	e.fault(sandbox.Fault{Action: "monitoring:GetMetricData", Kind: sandbox.Deny})
	if n := next(); n != 2 {
		t.Errorf("nobody knows of writes, and there are %d copies", n)
	}
	e.fault()
	e.sandbox.SetIdle(sandbox.DefaultRegion, volume, e.sandbox.Now().Add(12*time.Hour))
	if n := next(); n != 3 {
		t.Errorf("it was written to, and there are %d copies", n)
	}
}
