package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/app"
	"nightshift/internal/blob"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/sandbox"
)

// demoHistory is where the demo keeps the rows of its reports, and demoJournal
// the records of its runs. Both are the demo's own and are made anew each time.
func demoHistory() string { return filepath.Join(demoDir, "history") }
func demoJournal() string { return filepath.Join(demoDir, "journal") }

// demo is the sandbox of the demo, with what is done in it.
type demo struct {
	*commandLine
	account *sandbox.Sandbox
	zone    *time.Location
	// byTag has a configuration without rules, byRules that of the demo.
	byTag, byRules *app.Session
}

// open opens the sandbox, with a configuration that keeps journal and history.
func (d *demo) open(ctx context.Context, url string) error {
	d.Now = d.account.Now
	d.app = d.newApp(&amazon.Endpoint{URL: url, AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey, ClockScale: demoSpeed})
	keep := fmt.Sprintf("\njournal: %q\ncost: { history: %q, prices: none, tags: [Env, Team] }\n", demoJournal(), demoHistory())
	for _, one := range []struct {
		config  string
		session **app.Session
	}{{"timezone: Asia/Seoul\n", &d.byTag}, {demoConfig, &d.byRules}} {
		file, err := blob.NewSpool("", ".yaml")
		if err != nil {
			return err
		}
		_, err = file.WriteString(one.config + keep)
		if err == nil {
			*one.session, err = d.app.Open(ctx, app.Selection{
				Config: blob.Ref{Scheme: blob.File, Path: file.Name()}, NeedConfig: true, Regions: []string{sandbox.DefaultRegion},
			})
		}
		if err := errors.Join(err, file.Close()); err != nil {
			return err
		}
		if len((*one.session).Errors) > 0 {
			return (*one.session).Errors
		}
	}
	return nil
}

// now is the time in the account.
func (d *demo) now() time.Time { return d.account.Now().In(d.zone) }

// until lets the time pass up to the next time at which a working day has this
// hour.
func (d *demo) until(hour int) {
	now := d.now()
	at := time.Date(now.Year(), now.Month(), now.Day(), hour, 0, 0, 0, d.zone)
	for !at.After(now) || at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
		at = at.AddDate(0, 0, 1)
	}
	d.account.Advance(at.Sub(now))
}

// act stops or starts what carries the tag, and shows it.
func (d *demo) act(ctx context.Context, title string, action power.Action) error {
	tag, err := fleet.ParseTag(defaultTag)
	if err != nil {
		return err
	}
	d.say("%s, %s\n$ nightshift %s --tag %s", title, d.now().Format("Mon 2 Jan 15:04"), action, tag)
	result, err := d.byTag.Power(ctx, app.PowerInput{Action: action, Tags: []fleet.Tag{tag}, Wait: time.Minute})
	if err != nil {
		return err
	}
	if err := partly(d.showPower(d.byTag, result)); err != nil {
		return err
	}
	d.say("")
	return nil
}

// report makes a report, leaves its rows in the history and stores it.
func (d *demo) report(ctx context.Context, show bool, to ...blob.Ref) (app.ReportResult, error) {
	session := d.byTag
	if !show || len(to) == 1 {
		session = d.byRules
	}
	result, err := session.Report(ctx, app.ReportInput{Past: true, Keep: true})
	if err != nil {
		return result, err
	}
	format, err := app.FormatOf("", to[len(to)-1].Path)
	if err != nil {
		return result, err
	}
	stored, err := session.Publish(ctx, result, format, to...)
	if err != nil || !show {
		return result, err
	}
	return result, partly(d.showReport(session, result, stored))
}

// demoWeeks are the weeks that the demo lets pass.
const demoWeeks = 3

// weeks lets some weeks pass in which the machines follow the schedule, with a report
// each Friday, and shows what that did to the costs.
func (d *demo) weeks(ctx context.Context) error {
	for range demoWeeks {
		for range 5 {
			for _, hour := range []int{19, 8} {
				d.until(hour)
				if _, err := d.byRules.Power(ctx, app.PowerInput{}); err != nil {
					return err
				}
			}
		}
		d.account.Advance(5 * time.Minute) // until they run
		out, err := d.file()
		if err != nil {
			return err
		}
		if _, err := d.report(ctx, false, blob.Ref{Scheme: blob.File, Path: out}); err != nil {
			return err
		}
	}
	d.say("\n%d weeks by schedule later, %s", demoWeeks, d.now().Format("Mon 2 Jan 15:04"))
	out := filepath.Join(demoDir, "ec2_monthly_costs.html")
	d.say("$ nightshift report --out %s --history %s --timezone Asia/Seoul", out, demoHistory())
	result, err := d.report(ctx, true, blob.Ref{Scheme: blob.File, Path: out})
	if err != nil {
		return err
	}
	if d.quiet || d.json {
		return nil
	}
	if result.Trend != nil {
		d.say("\n$ nightshift cost trend --history %s", demoHistory())
		d.printTrend(result.Trend, false, false)
	}
	if result.Savings != nil {
		d.say("\n$ nightshift cost savings")
		d.printSavings(result.Savings)
	}
	d.say("\n$ nightshift cost findings --least 40")
	return d.showFindings(result.Workbook, 40)
}

// clearDemo removes what an earlier demo has left of runs and days: they are of
// another account.
func clearDemo() error {
	if err := errors.Join(os.RemoveAll(demoHistory()), os.RemoveAll(demoJournal())); err != nil {
		return fmt.Errorf("make room for the demo: %w", err)
	}
	return nil
}
