package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightshift/internal/amazon"
	"nightshift/internal/blob"
	"nightshift/internal/config"
	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/sandbox"
	"nightshift/internal/schedule"
)

// The practice account's clock in the demo runs so much faster that a machine
// that takes half a minute to stop does so in a quarter of a second.
const demoSpeed = 120

// demoDir is where the demo leaves its workbook.
const demoDir = "nightshift-demo"

func (a *app) demoCommand() *cobra.Command {
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
			return a.demo(cmd.Context())
		},
	}
}

func (a *app) demo(ctx context.Context) error {
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
	c, err := a.crew(ctx, []string{sandbox.DefaultRegion}, &amazon.Endpoint{
		URL: server.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey, ClockScale: demoSpeed,
	})
	if err != nil {
		return err
	}
	tag, err := fleet.ParseTag(defaultTag)
	if err != nil {
		return err
	}
	if err := clearDemo(); err != nil {
		return err
	}
	s := stage{account: account, crew: c, tag: tag, zone: seoul, journal: blob.Folder(demoJournal())}
	a.say("A practice AWS account now listens at %s, with its machines in Seoul.\n", server.URL())

	act := func(title string, action power.Action) error {
		a.say("%s, %s\n$ nightshift %s --tag %s", title, s.now().Format("Mon 2 Jan 15:04"), action, tag)
		if err := a.showPower(s.act(ctx, action, time.Minute)); err != nil && !errors.Is(err, errPartly) {
			return err
		}
		a.say("")
		return nil
	}
	if err := act("Evening", power.Stop); err != nil {
		return err
	}
	account.Advance(morningAfter(s.now()))
	if err := act("Morning", power.Start); err != nil {
		return err
	}

	out, err := a.demoFile(s.now())
	if err != nil {
		return err
	}
	a.say("The report\n$ nightshift report --bucket %s --out %s --timezone Asia/Seoul", sandbox.DefaultBucket, out)
	report, answer, err := a.demoReport(ctx, s, sandbox.DefaultBucket, out)
	if err != nil {
		return err
	}
	if err := a.showReport(report, answer, 0); err != nil && !errors.Is(err, errPartly) {
		return err
	}
	cfg, err := config.Load(defaultConfig, func(string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(demoConfig)), nil
	})
	if err != nil {
		return err
	}
	if err := a.demoSchedules(ctx, c, cfg, s.now()); err != nil {
		return err
	}
	if err := a.demoCosts(ctx, s, cfg); err != nil {
		return err
	}
	if out, err = a.demoFile(s.now()); err != nil {
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

// demoSchedules shows what the same machines would do by schedule, this evening.
func (a *app) demoSchedules(ctx context.Context, c *crew, cfg *config.Config, now time.Time) error {
	chosen, err := chooseSchedules(cfg, nil, nil)
	if err != nil {
		return err
	}
	a.say("\nBy schedule, with no commands at set times\n$ cat %s\n%s\n$ nightshift power week", defaultConfig, demoConfig)
	if !a.quiet && !a.json {
		monday := now.AddDate(0, 0, -(int(now.Weekday())+6)%7)
		firstDay, err := a.firstDay(monday.Format(time.DateOnly), cfg.Zone)
		if err != nil {
			return err
		}
		picture := weekPicture{weeks: []week{weekOf(chosen[0], firstDay(cfg.Zone))}, now: now}
		picture.width, picture.color = a.screen()
		picture.print(a.Stdout)
	}
	evening := time.Date(now.Year(), now.Month(), now.Day(), 19, 0, 0, 0, now.Location())
	a.say("\n$ nightshift power plan --at %s", evening.Format("2006-01-02T15:04"))
	done := c.follow(ctx, scheduleJob{
		rules: cfg.Rules(), now: func() time.Time { return evening }, running: running{dryRun: true},
	})
	return a.showFollowed(done, false, nil)
}

func (a *app) say(format string, args ...any) {
	if !a.quiet && !a.json {
		fmt.Fprintf(a.Stdout, format+"\n", args...)
	}
}

func (a *app) demoFile(now time.Time) (string, error) {
	if err := os.MkdirAll(demoDir, 0o755); err != nil {
		return "", fmt.Errorf("make the folder for the workbook: %w", err)
	}
	return filepath.Join(demoDir, cost.Key("", now, ".xlsx")), nil
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
