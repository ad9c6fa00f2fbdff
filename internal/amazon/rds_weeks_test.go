package amazon_test

import (
	"testing"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
	"nightshift/internal/schedule"
)

// RDS starts what was stopped for a week. A schedule that wants a database or a
// cluster to stay stopped stops it again at the next tick; what a person
// started is skipped.
func TestWeeklyRestartIsUndone(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{Speed: -1})
	account := server.Sandbox()
	s, err := amazon.Open(t.Context(), amazon.Options{Region: region, Endpoint: &amazon.Endpoint{
		URL: server.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey, ClockScale: 1000,
	}})
	if err != nil {
		t.Fatal(err)
	}
	d, c := s.Databases(region), s.Clusters(region)
	clients := power.Clients{
		Target:   fleet.Target{Region: region},
		Machines: map[fleet.Kind]power.Machines{fleet.KindDatabase: d, fleet.KindCluster: c},
	}
	never, err := schedule.Parse("never", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	evaluator := power.NewRuleSet(power.Rules{Rules: []power.Rule{{
		Tag: fleet.Tag{Key: "AutoStopStart", Value: "Yes"}, Kinds: []fleet.Kind{fleet.KindDatabase, fleet.KindCluster}, Schedule: "never",
		Read: func(string) (power.Named, error) { return power.Named{Name: "never", Schedule: never}, nil },
	}}})
	if err := c.Stop(t.Context(), []fleet.ResourceID{"dev-aurora"}, false); err != nil {
		t.Fatal(err)
	}
	account.Advance(10 * time.Minute)

	running := map[string]int{} // ticks at which a database was seen to run
	for range 9 * 24 {
		plan, err := power.MakePlan(t.Context(), clients, evaluator, account.Now)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range power.Apply(t.Context(), clients, evaluator, plan, power.Options{Now: account.Now, Mark: true}) {
			if o.Result == fleet.Failed {
				t.Errorf("%s: %+v", o.ID, o)
			}
		}
		account.Advance(time.Hour)
		for _, one := range account.Databases(sandbox.DefaultRegion) {
			if one.Status == "available" {
				running[one.ID]++
			}
		}
	}
	for _, one := range account.Databases(sandbox.DefaultRegion) {
		switch one.ID {
		case "qa-oracle", "dev-aurora":
			if one.Status != "stopped" || running[one.ID] != 1 {
				t.Errorf("%s is %s and was seen to run %d times, want once, after a week", one.ID, one.Status, running[one.ID])
			}
		case "dev-mysql":
			if one.Status != "available" {
				t.Errorf("%s, which a person started, is %s", one.ID, one.Status)
			}
		}
	}
}
