package sandbox

import (
	"runtime"
	"testing"
	"time"

	"nightshift/internal/sandbox/fixture"
	"nightshift/internal/sandbox/state"
)

// TestGeneratedOtherResources: a large fleet has some of everything and stays small
// in memory.
func TestGeneratedOtherResources(t *testing.T) {
	const instances = 20_000
	memory := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := memory()
	s, err := New(Options{Fleet: instances, Speed: -1, Start: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	each := float64(memory()-before) / instances
	r := s.Regions[state.DefaultRegion]
	public, monitored := 0, 0
	for _, i := range r.Instances {
		if i.Public {
			public++
		}
		if i.Monitored {
			monitored++
		}
	}
	if len(r.Instances) != instances || len(r.VolumeOrder) != 2*instances || len(r.Other.Snapshots) != instances/5 {
		t.Errorf("%d instances, %d volumes, %d snapshots", len(r.Instances), len(r.VolumeOrder), len(r.Other.Snapshots))
	}
	if len(r.Other.Addresses) != fixture.MostAddresses || len(r.Other.Hosts) != 2 || len(r.Other.Capacity) == 0 {
		t.Errorf("%d addresses, %d hosts, %d reservations", len(r.Other.Addresses), len(r.Other.Hosts), len(r.Other.Capacity))
	}
	if public < instances/12 || public > instances/8 || monitored < instances/25 || monitored > instances/15 {
		t.Errorf("%d have a public address, %d detailed monitoring", public, monitored)
	}
	if each > 6<<10 {
		t.Errorf("%.0f bytes an instance with its volumes", each)
	}
	t.Logf("%.0f bytes an instance with its volumes", each)
}
