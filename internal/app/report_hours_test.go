package app

import (
	"fmt"
	"testing"
	"time"

	"nightshift/internal/blob"
	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/power"
	"nightshift/internal/schedule"
)

// A report and a forecast agree on how early a large group starts, in whichever
// order its instances are read; a small group in another target is not advanced.
func TestReportStartsLargeGroupsEarly(t *testing.T) {
	office, err := schedule.Parse("Mon-Fri 08:00-19:00", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	rules := power.Rules{Rules: []power.Rule{{
		Tag: fleet.Tag{Key: "Schedule"}, Read: func(string) (power.Named, error) { return power.Named{Name: "office", Schedule: office}, nil },
	}}}
	now := time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)
	end := now.Add(12 * time.Hour)
	p, ruleSet := newPlanner(rules, nil, now), power.NewRuleSet(rules)
	for region, size := range map[fleet.Region]int{"eu-west-1": 4000, "us-east-1": 10} {
		var machines []fleet.Machine
		var plans []func(time.Time) (time.Duration, string)
		for n := range size {
			i := fleet.Instance{
				Target: fleet.Target{Region: region}, ID: fleet.ResourceID(fmt.Sprintf("i-%d", n)), State: fleet.Stopped, Tags: fleet.Tags{"Schedule": "office"},
			}
			machines = append(machines, i.Machine())
			plans = append(plans, p.plan(i))
		}
		item, _ := ruleSet.Scheduled(machines[0], ruleSet.Ramp(machines, now))
		want := power.MakeForecast([]power.Scheduled{item}, now, end).Total.Desired
		if early := want.Hours() > 9; early != (size > 1000) {
			t.Errorf("%d instances are to run for %.2f h of the 9 that are scheduled", size, want.Hours())
		}
		for n, plan := range plans {
			if got, name := plan(end); got != time.Duration(want)*time.Second || name != "office" {
				t.Fatalf("%s: instance %d of %d runs for %s by %s, want %.2f h", region, n, size, got, name, want.Hours())
			}
		}
	}
}

// A narrowed run does not show that the journal has the runs for all machines.
func TestNarrowedRunsDoNotMakeAJournalWhole(t *testing.T) {
	month := cost.Month{Start: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Now: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)}
	store := blob.Folder(t.TempDir())
	for day, narrowed := range []string{"web-1", "", "tag Team=data"} {
		r := journal.Record{Job: "power", Started: month.Start.AddDate(0, 0, day), Narrowed: narrowed}
		r.Add(journal.Outcome{ID: "i-1", Action: "stop", Result: fleet.Done})
		if _, err := journal.Write(t.Context(), store, r); err != nil {
			t.Fatal(err)
		}
	}
	found, known, err := acts(t.Context(), store, "", month)
	if want := (fleet.Span{From: month.Start.AddDate(0, 0, 1), To: month.Now}); known != want || len(found) != 3 || err != nil {
		t.Errorf("%d acts and all of %v, want %v; %v", len(found), known, want, err)
	}
}
