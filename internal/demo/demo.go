// Package demo does the whole job on a sandbox in this process: an evening, a
// morning, reports, copies, and some weeks by schedule. Its caller prints what is done.
//
// It may import app and sandbox.
package demo

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
	"nightshift/internal/cost"
	"nightshift/internal/sandbox"
	"nightshift/internal/schedule"
)

// Folder is where the reports, the history and the journal are left.
const Folder = "nightshift-demo"

// Config is the configuration of the demo.
const Config = `timezone: Asia/Seoul
schedules:
  office-hours: Mon-Fri 08:00-19:00
power:
  rules:
    - { tag: AutoStopStart=Yes, schedule: office-hours }
`

// Backups is the rest of it: copies of the machines that BackupTag is on, of which each
// is stopped at night.
const Backups = `backup:
  policies:
    - id: nightly
      tag: ` + BackupTag + `
      resource: instance
      schedule: { after: stop, at: "22:00" }
      keep: { daily: 5, weekly: 3 }
`

// BackupTag is the tag that the backup policy selects.
const BackupTag = "Team=데이터"

// speed is how much faster than ours the clock of the sandbox runs: a machine that
// takes half a minute to stop does so in a quarter of a second.
const speed = 120

// Demo is a sandbox, with sessions in it.
type Demo struct {
	// ByTag has a configuration without rules, ByRules has Config and Backups.
	ByTag, ByRules *app.Session

	account *sandbox.Sandbox
	server  *sandbox.Server
	zone    *time.Location
}

// Start starts a sandbox on a working day's evening. What an earlier demo has left
// of runs and days is removed: they are of another account. Close ends it.
func Start(ctx context.Context, o app.Options) (d *Demo, err error) {
	if err := errors.Join(os.RemoveAll(History()), os.RemoveAll(journal())); err != nil {
		return nil, fmt.Errorf("make room for the demo: %w", err)
	}
	d = &Demo{}
	if d.zone, err = schedule.LoadZone("Asia/Seoul"); err != nil {
		return nil, err
	}
	if d.account, err = sandbox.New(sandbox.Options{Start: lastEvening(o.Now().In(d.zone)), Speed: speed}); err != nil {
		return nil, err
	}
	if d.server, err = d.account.Listen("127.0.0.1:0"); err != nil {
		return nil, err
	}
	o.Now = d.account.Now
	o.Endpoint = &amazon.Endpoint{URL: d.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey, ClockScale: speed}
	jobs := app.New(o)
	if d.ByTag, err = open(ctx, jobs, "timezone: Asia/Seoul\n"); err == nil {
		d.ByRules, err = open(ctx, jobs, Config+Backups)
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// open opens a session whose configuration keeps journal and history, too.
func open(ctx context.Context, jobs *app.App, config string) (*app.Session, error) {
	file, err := blob.NewSpool("", ".yaml")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if _, err := fmt.Fprintf(file, "%s\njournal: %q\ncost: { history: %q, prices: none, tags: [Env, Team] }\n", config, journal(), History()); err != nil {
		return nil, err
	}
	s, err := jobs.Open(ctx, app.Selection{
		Config: blob.Ref{Scheme: blob.File, Path: file.Name()}, NeedConfig: true, Regions: []string{sandbox.DefaultRegion},
	})
	if err == nil && len(s.Errors) > 0 {
		err = s.Errors
	}
	return s, err
}

// Close ends the sandbox.
func (d *Demo) Close() { _ = d.server.Close() }

// URL is where the sandbox listens.
func (d *Demo) URL() string { return d.server.URL() }

// Now is the time in the sandbox.
func (d *Demo) Now() time.Time { return d.account.Now().In(d.zone) }

// Until lets the time pass up to the next time at which a working day has this
// hour.
func (d *Demo) Until(hour int) {
	now := d.Now()
	at := time.Date(now.Year(), now.Month(), now.Day(), hour, 0, 0, 0, d.zone)
	for !at.After(now) || at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
		at = at.AddDate(0, 0, 1)
	}
	d.account.Advance(at.Sub(now))
}

// Report makes a report, leaves its rows in the history and stores it.
func (d *Demo) Report(ctx context.Context, s *app.Session, to ...blob.Ref) (app.ReportResult, app.Publication, error) {
	result, err := s.Report(ctx, app.ReportInput{Past: true, Keep: true, Backups: true})
	if err != nil {
		return result, app.Publication{}, err
	}
	format, err := app.FormatOf("", to[len(to)-1].Path)
	if err != nil {
		return result, app.Publication{}, err
	}
	stored, err := s.Publish(ctx, result, format, to...)
	return result, stored, err
}

// Weeks lets weeks pass in which the machines follow the schedule and are copied once they
// are stopped, with a report each Friday. On the first evening of a week somebody approves
// the deletions.
func (d *Demo) Weeks(ctx context.Context, n int) error {
	for range n {
		for day := range 5 {
			for _, hour := range []int{19, 8} {
				d.Until(hour)
				if _, err := d.ByRules.Power(ctx, app.PowerInput{}); err != nil {
					return err
				}
				if hour == 19 {
					d.account.Advance(5 * time.Minute) // until they are stopped
					if _, err := d.ByRules.Backup(ctx, app.BackupInput{Approved: day == 0}); err != nil {
						return err
					}
				}
			}
		}
		d.account.Advance(5 * time.Minute) // until they run
		out, err := d.Workbook()
		if err != nil {
			return err
		}
		if _, _, err := d.Report(ctx, d.ByRules, out); err != nil {
			return err
		}
	}
	return nil
}

// History is where the rows of the reports are kept.
func History() string { return filepath.Join(Folder, "history") }

func journal() string { return filepath.Join(Folder, "journal") }

// Page is the report as a page.
func Page() blob.Ref {
	return blob.Ref{Scheme: blob.File, Path: filepath.Join(Folder, "ec2_monthly_costs.html")}
}

// Workbook is where the workbook of today goes.
func (d *Demo) Workbook() (blob.Ref, error) {
	if err := os.MkdirAll(Folder, 0o755); err != nil {
		return blob.Ref{}, fmt.Errorf("make the folder for the workbook: %w", err)
	}
	return blob.Ref{Scheme: blob.File, Path: filepath.Join(Folder, cost.Key("", d.Now(), ".xlsx"))}, nil
}

// lastEvening is the last 19:00 on a working day that has been followed by a
// working day's morning.
func lastEvening(now time.Time) time.Time {
	t := time.Date(now.Year(), now.Month(), now.Day(), 19, 0, 0, 0, now.Location())
	for t.Add(13*time.Hour).After(now) || t.Weekday() == time.Saturday || t.Weekday() == time.Sunday || t.Weekday() == time.Friday {
		t = t.AddDate(0, 0, -1)
	}
	return t
}
