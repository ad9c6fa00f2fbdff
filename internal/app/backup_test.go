package app_test

import (
	"testing"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
)

// The copies of a first night: one set for each resource, a manifest for each set, and
// nothing more to do for the rest of the day.
func TestFirstNight(t *testing.T) {
	e := newEstate(t, policies, sandbox.Options{})
	chosen := e.choose(2, 1)
	first := e.run()
	if first.Status() != fleet.StatusDone || len(first.Targets[0].Outcomes) != len(chosen) {
		t.Fatalf("%s, %v: %+v", first.Status(), first.Err(), first.Targets[0].Outcomes)
	}
	if first.Name == "" {
		t.Error("the run is not in the journal")
	}
	for range 5 {
		e.sandbox.Advance(15 * time.Minute)
		if again := e.run(); again.Status() != fleet.StatusDone || len(again.Targets[0].Outcomes) != 0 {
			t.Fatalf("%s: %+v", again.Status(), again.Targets[0].Outcomes)
		}
	}
	sets := e.sets()
	if len(sets) != len(chosen) {
		t.Fatalf("%d sets of %d resources", len(sets), len(chosen))
	}
	for _, s := range sets {
		if !s.Good() {
			t.Errorf("%s is %s", s.ID, s.State)
		}
		body, ok := e.sandbox.Object(sandbox.DefaultBucket, "journal/"+backup.ManifestKey(s.ID))
		m, err := backup.ParseManifest(body)
		if !ok || err != nil || m.Set != s.ID || len(m.Volumes) != len(s.Members) || m.Volumes[0].Type == "" {
			t.Errorf("the manifest of %s: %t, %v, %+v", s.ID, ok, err, m)
		}
	}
}
