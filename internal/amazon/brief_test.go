package amazon_test

import (
	"testing"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// Who only waits for a state asks for nothing else.
func TestBrief(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{})
	s := newPeer(server.URL()).session(t)
	for action, port := range map[string]power.Machines{"DescribeEvents": s.Databases(region), "DescribeSpotInstanceRequests": s.Fleet(region)} {
		for _, brief := range []bool{false, true} {
			server.Sandbox().ResetCalls()
			states := 0
			for m, err := range port.Machines(t.Context(), fleet.Selector{Brief: brief}) {
				if err != nil {
					t.Fatal(err)
				}
				if m.State != "" {
					states++
				}
			}
			asked := 0
			for _, c := range server.Sandbox().Calls() {
				if c.Action == action {
					asked++
				}
			}
			if states == 0 || (asked == 0) != brief {
				t.Errorf("brief %v: %d calls of %s for %d machines", brief, asked, action, states)
			}
		}
	}
}
