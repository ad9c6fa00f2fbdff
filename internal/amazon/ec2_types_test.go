package amazon_test

import (
	"testing"

	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// TestTypesHaveTheirLimits: what an instance can do with its volumes, where EC2
// tells.
func TestTypesHaveTheirLimits(t *testing.T) {
	session := newPeer(sandboxtest.Start(t, sandbox.Options{}).URL()).session(t)
	types, err := session.Fleet(region).Types(t.Context(), []fleet.InstanceType{"m5.large", "t3.medium", "x1e.8xlarge"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[fleet.InstanceType]int64{"m5.large": 18_750, "t3.medium": 11_800, "x1e.8xlarge": 0} {
		if got := types[name].EBSIOPS; got != want {
			t.Errorf("%s does %d IOPS, want %d", name, got, want)
		}
	}
}
