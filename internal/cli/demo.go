package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"nightshift/internal/app"
	"nightshift/internal/blob"
	"nightshift/internal/cost"
	"nightshift/internal/power"
	"nightshift/internal/sandbox"
	"nightshift/internal/schedule"
)

// The practice account's clock in the demo runs so much faster that a machine
// that takes half a minute to stop does so in a quarter of a second.
const demoSpeed = 120

// demoDir is where the demo leaves its workbook.
const demoDir = "nightshift-demo"

func (a *commandLine) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show the whole job on a practice account, without AWS",
		Long: `Show the whole job on a practice account: an evening, a morning, the report,
what would be done by schedule, and what three weeks cost.

The account is a server inside this process that speaks the protocols of EC2,
S3, STS and the price list. No credentials are needed, and those of the
environment are not looked at. The workbook, the page, the history and the
journal are left in ./` + demoDir + `.`,
		Example: `  nightshift demo`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runDemo(cmd.Context())
		},
	}
}

func (a *commandLine) runDemo(ctx context.Context) error {
	seoul, err := schedule.LoadZone("Asia/Seoul")
	if err != nil {
		return err
	}
	evening := lastEvening(a.Now().In(seoul))
	account, err := sandbox.New(sandbox.Options{Start: evening, Speed: demoSpeed})
	if err != nil {
		return err
	}
	server, err := account.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer server.Close()
	if err := clearDemo(); err != nil {
		return err
	}
	d := demo{commandLine: a, account: account, zone: seoul}
	if err := d.open(ctx, server.URL()); err != nil {
		return err
	}
	a.say("A practice AWS account now listens at %s, with its machines in Seoul.\n", server.URL())

	if err := d.act(ctx, "Evening", power.Stop); err != nil {
		return err
	}
	account.Advance(morningAfter(d.now()))
	if err := d.act(ctx, "Morning", power.Start); err != nil {
		return err
	}

	out, err := d.file()
	if err != nil {
		return err
	}
	a.say("The report\n$ nightshift report --bucket %s --out %s --timezone Asia/Seoul", sandbox.DefaultBucket, out)
	if _, err := d.report(ctx, true, blob.Ref{Scheme: blob.S3, Bucket: sandbox.DefaultBucket, Path: "ec2/"}, blob.Ref{Scheme: blob.File, Path: out}); err != nil {
		return err
	}
	if err := d.schedules(ctx); err != nil {
		return err
	}
	if err := d.weeks(ctx); err != nil {
		return err
	}
	if out, err = d.file(); err != nil {
		return err
	}
	a.say(`
What to try next
  open %s
  open %s in a browser
  nightshift sandbox              keep a practice account running for nightshift, the AWS CLI or boto3
  nightshift stop --dry-run       with AWS credentials: what would be stopped, and why the rest would not
  nightshift check --example      a commented configuration to start from
  nightshift template             the CloudFormation template that installs it for good`, out, filepath.Join(demoDir, "ec2_monthly_costs.html"))
	return nil
}

// demoConfig is the configuration of the demo.
const demoConfig = `timezone: Asia/Seoul
schedules:
  office-hours: Mon-Fri 08:00-19:00
power:
  rules:
    - { tag: AutoStopStart=Yes, schedule: office-hours }
`

// schedules shows what the same machines would do by schedule, this evening.
func (d *demo) schedules(ctx context.Context) error {
	chosen, err := d.byRules.Config.Choose(nil, nil)
	if err != nil {
		return err
	}
	now := d.now()
	d.say("\nBy schedule, with no commands at set times\n$ cat %s\n%s\n$ nightshift power week", defaultConfig, demoConfig)
	if !d.quiet && !d.json {
		picture := weekPicture{weeks: []schedule.Week{chosen[0].Schedule.Week(chosen[0].Name, schedule.Monday(now))}, now: now}
		picture.width, picture.color = d.screen()
		picture.print(d.Stdout)
	}
	evening := time.Date(now.Year(), now.Month(), now.Day(), 19, 0, 0, 0, now.Location())
	d.say("\n$ nightshift power plan --at %s", evening.Format("2006-01-02T15:04"))
	plan, err := d.byRules.Power(ctx, app.PowerInput{DryRun: true, At: evening})
	if err != nil {
		return err
	}
	return partly(d.showRules(d.byRules, plan, false))
}

// partly passes over an error of a command that has done a part.
func partly(err error) error {
	if exitCode(err) == exitPartly {
		return nil
	}
	return err
}

func (a *commandLine) say(format string, args ...any) {
	if !a.quiet && !a.json {
		fmt.Fprintf(a.Stdout, format+"\n", args...)
	}
}

// file is where the workbook of today goes.
func (d *demo) file() (string, error) {
	if err := os.MkdirAll(demoDir, 0o755); err != nil {
		return "", fmt.Errorf("make the folder for the workbook: %w", err)
	}
	return filepath.Join(demoDir, cost.Key("", d.now(), ".xlsx")), nil
}

// lastEvening is the last 19:00 on a working day that has been followed by a
// morning.
func lastEvening(now time.Time) time.Time {
	t := time.Date(now.Year(), now.Month(), now.Day(), 19, 0, 0, 0, now.Location())
	for t.Add(13*time.Hour).After(now) || t.Weekday() == time.Saturday || t.Weekday() == time.Sunday || t.Weekday() == time.Friday {
		t = t.AddDate(0, 0, -1)
	}
	return t
}

// morningAfter is how long it is until 8:00 the next morning.
func morningAfter(evening time.Time) time.Duration {
	return time.Date(evening.Year(), evening.Month(), evening.Day()+1, 8, 0, 0, 0, evening.Location()).Sub(evening)
}
