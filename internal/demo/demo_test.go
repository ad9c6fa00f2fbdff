package demo_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/blob"
	"nightshift/internal/demo"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

// The demo begins on an evening that a working day follows, its nights are dark,
// and what an earlier one has left is gone.
func TestDemo(t *testing.T) {
	t.Chdir(t.TempDir())
	old := filepath.Join(demo.History(), "old")
	if err := os.MkdirAll(old, 0o755); err != nil {
		t.Fatal(err)
	}
	sunday := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	d, err := demo.Start(t.Context(), app.Options{
		Now: func() time.Time { return sunday }, Getenv: func(string) string { return "" }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Errorf("what an earlier demo has left: %v", err)
	}
	if now := d.Now().Format("Mon 15:04"); now != "Thu 19:00" {
		t.Errorf("it begins on %s", now)
	}
	result, err := d.ByRules.Power(t.Context(), app.PowerInput{DryRun: true})
	if err != nil || result.Status() != fleet.StatusDone || result.Summary.Changes() == 0 {
		t.Errorf("by schedule: %+v, %v", result.Summary, err)
	}
	for _, target := range result.Targets {
		for _, step := range target.Plan.Steps {
			if step.Action == power.Start {
				t.Errorf("in the evening %s would be started", step.Machine.ID)
			}
		}
	}
	plan, err := d.ByRules.BackupPlan(t.Context(), app.BackupInput{})
	if err != nil || plan.Status() != fleet.StatusDone || len(plan.Targets) != 1 || len(plan.Targets[0].Plan.Creates) != 1 {
		t.Errorf("copies: %s, %+v, %v", plan.Status(), plan.Targets, err)
	}
	d.Until(8)
	d.Until(8)
	if now := d.Now().Format("Mon 15:04"); now != "Mon 08:00" {
		t.Errorf("the next working day but one begins on %s", now)
	}
	out, err := d.Workbook()
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []blob.Ref{out, demo.Page()} {
		report, stored, err := d.Report(t.Context(), d.ByTag, to)
		if err != nil || len(report.Instances) == 0 || len(stored.Failed) > 0 {
			t.Errorf("%d instances, %+v, %v", len(report.Instances), stored, err)
		}
		if _, err := os.Stat(to.Path); err != nil {
			t.Error(err)
		}
	}
}
