package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"nightshift/internal/blob"
	"nightshift/internal/config"
	"nightshift/internal/cost"
	"nightshift/internal/cost/sheet"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/sandbox"
)

// demoHistory is where the demo keeps the rows of its reports, and demoJournal
// the records of its runs. Both are the demo's own and are made anew each time.
func demoHistory() string { return filepath.Join(demoDir, "history") }
func demoJournal() string { return filepath.Join(demoDir, "journal") }

// stage is the practice account of the demo, with what is done in it.
type stage struct {
	account *sandbox.Sandbox
	crew    *crew
	tag     fleet.Tag
	zone    *time.Location
	journal blob.Folder
}

// now is the time in the account.
func (s stage) now() time.Time { return s.account.Now().In(s.zone) }

// until lets the time pass up to the next time at which a working day has this
// hour.
func (s stage) until(hour int) {
	now := s.now()
	at := time.Date(now.Year(), now.Month(), now.Day(), hour, 0, 0, 0, s.zone)
	for !at.After(now) || at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
		at = at.AddDate(0, 0, 1)
	}
	s.account.Advance(at.Sub(now))
}

// act stops or starts, and keeps a record.
func (s stage) act(ctx context.Context, action power.Action, wait time.Duration) powered {
	watch := stopwatch{s.account.Now(), s.crew.session.Calls()}
	done := s.crew.power(ctx, powerJob{action: action, tags: []fleet.Tag{s.tag}, running: running{Options: power.Options{Now: s.account.Now, Wait: wait}}})
	s.crew.note(ctx, s.journal, watch, s.account.Now(), done.record())
	return done
}

// report makes a report and leaves its rows in the history.
func (a *app) demoReport(ctx context.Context, s stage, bucket, out string) (sheet.Workbook, cost.Answer, error) {
	form, err := formatOf("", out)
	if err != nil {
		return sheet.Workbook{}, cost.Answer{}, err
	}
	return a.report(ctx, s.crew, reportJob{
		now: s.account.Now(), zone: s.zone, hours: cost.BestHours, bucket: bucket, prefix: "ec2/", out: out, format: form, journal: s.journal, keep: true,
		costs: costFlags{Cost: config.Cost{
			History: demoHistory(), CloudWatch: config.DefaultMetrics, Prices: "none", Tags: []string{"Env", "Team"},
		}},
	})
}

// demoWeeks are the weeks that the demo lets pass.
const demoWeeks = 3

// demoCosts lets some weeks pass in which the machines follow the schedule, with
// a report each Friday, and shows what that did to the costs.
func (a *app) demoCosts(ctx context.Context, s stage, cfg *config.Config) error {
	s.crew.config = cfg
	tick := func() {
		s.crew.follow(ctx, scheduleJob{
			rules: cfg.Rules(), now: s.account.Now, journal: s.journal,
			running: running{Options: power.Options{Now: s.account.Now, Mark: true}},
		})
	}
	for range demoWeeks {
		for range 5 {
			s.until(19)
			tick()
			s.until(8)
			tick()
		}
		s.account.Advance(5 * time.Minute) // until they run
		out, err := a.demoFile(s.now())
		if err != nil {
			return err
		}
		if _, _, err := a.demoReport(ctx, s, "", out); err != nil {
			return err
		}
	}
	a.say("\n%d weeks by schedule later, %s", demoWeeks, s.now().Format("Mon 2 Jan 15:04"))
	out := filepath.Join(demoDir, "ec2_monthly_costs.html")
	a.say("$ nightshift report --out %s --history %s --timezone Asia/Seoul", out, demoHistory())
	report, answer, err := a.demoReport(ctx, s, "", out)
	if err != nil {
		return err
	}
	if err := a.showReport(report, answer, 0); err != nil && !errors.Is(err, errPartly) {
		return err
	}
	if a.quiet || a.json {
		return nil
	}
	if report.Trend != nil {
		a.say("\n$ nightshift cost trend --history %s", demoHistory())
		a.printTrend(report.Trend, false, false)
	}
	if report.Savings != nil {
		a.say("\n$ nightshift cost savings")
		a.printSavings(report.Savings)
	}
	a.say("\n$ nightshift cost findings --least 40")
	a.showFindings(report, 40)
	return nil
}

// clearDemo removes what an earlier demo has left of runs and days: they are of
// another account.
func clearDemo() error {
	if err := errors.Join(os.RemoveAll(demoHistory()), os.RemoveAll(demoJournal())); err != nil {
		return fmt.Errorf("make room for the demo: %w", err)
	}
	return nil
}
