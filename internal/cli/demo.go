package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"nightshift/internal/app"
	"nightshift/internal/blob"
	"nightshift/internal/demo"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/sandbox"
	"nightshift/internal/schedule"
)

// demoWeeks are the weeks that the demo lets pass.
const demoWeeks = 3

func (a *commandLine) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show the whole job on a practice account, without AWS",
		Long: `Show the whole job on a practice account: an evening, a morning, the report,
what would be done by schedule, which volumes have a copy, and what three weeks
cost and keep.

The account is a server inside this process that speaks the protocols of EC2,
S3, STS and the price list. No credentials are needed, and those of the
environment are not looked at. The workbook, the page, the history and the
journal are left in ./` + demo.Folder + `.`,
		Example: `  nightshift demo`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runDemo(cmd.Context())
		},
	}
}

// shownDemo is the demo with the command line that prints it.
type shownDemo struct {
	*commandLine
	*demo.Demo
}

func (a *commandLine) runDemo(ctx context.Context) error {
	started, err := demo.Start(ctx, a.options())
	if err != nil {
		return err
	}
	defer started.Close()
	a.Now = started.Now
	d := shownDemo{a, started}
	a.say("A practice AWS account now listens at %s, with its machines in Seoul.\n", d.URL())
	for _, show := range []func(context.Context) error{d.evening, d.morning, d.report, d.schedules, d.backups, d.weeks} {
		if err := show(ctx); err != nil {
			return err
		}
	}
	out, err := d.Workbook()
	if err != nil {
		return err
	}
	a.say(`
What to try next
  open %s
  open %s in a browser
  nightshift sandbox              keep a practice account running for nightshift, the AWS CLI or boto3
  nightshift stop --dry-run       with AWS credentials: what would be stopped, and why the rest would not
  nightshift check --example      a commented configuration to start from
  nightshift template             the CloudFormation template that installs it for good`, out.Path, demo.Page().Path)
	return nil
}

func (d shownDemo) evening(ctx context.Context) error { return d.act(ctx, "Evening", power.Stop) }

func (d shownDemo) morning(ctx context.Context) error {
	d.Until(8)
	return d.act(ctx, "Morning", power.Start)
}

// act stops or starts what carries the tag, and shows it.
func (d shownDemo) act(ctx context.Context, title string, action power.Action) error {
	tag, err := fleet.ParseTag(defaultTag)
	if err != nil {
		return err
	}
	d.say("%s, %s\n$ nightshift %s --tag %s", title, d.Demo.Now().Format("Mon 2 Jan 15:04"), action, tag)
	result, err := d.ByTag.Power(ctx, app.PowerInput{Action: action, Tags: []fleet.Tag{tag}, Wait: time.Minute})
	if err != nil {
		return err
	}
	if err := partly(d.showPower(d.ByTag, result)); err != nil {
		return err
	}
	d.say("")
	return nil
}

// report makes the report of the month.
func (d shownDemo) report(ctx context.Context) error {
	out, err := d.Workbook()
	if err != nil {
		return err
	}
	d.say("The report\n$ nightshift report --bucket %s --out %s --timezone Asia/Seoul", sandbox.DefaultBucket, out.Path)
	result, stored, err := d.Report(ctx, d.ByTag, blob.Ref{Scheme: blob.S3, Bucket: sandbox.DefaultBucket, Path: "ec2/"}, out)
	if err != nil {
		return err
	}
	return partly(d.showReport(d.ByTag, result, stored))
}

// schedules shows what the same machines would do by schedule, this evening.
func (d shownDemo) schedules(ctx context.Context) error {
	chosen, err := d.ByRules.Config.Choose(nil, nil)
	if err != nil {
		return err
	}
	now := d.Now()
	d.say("\nBy schedule, with no commands at set times\n$ cat %s\n%s\n$ nightshift power week", defaultConfig, demo.Config)
	if !d.quiet && !d.json {
		picture := weekPicture{weeks: []schedule.Week{chosen[0].Schedule.Week(chosen[0].Name, schedule.Monday(now))}, now: now}
		picture.width, picture.color = d.screen()
		picture.print(d.Stdout)
	}
	evening := time.Date(now.Year(), now.Month(), now.Day(), 19, 0, 0, 0, now.Location())
	d.say("\n$ nightshift power plan --at %s", evening.Format("2006-01-02T15:04"))
	plan, err := d.ByRules.Power(ctx, app.PowerInput{DryRun: true, At: evening})
	if err != nil {
		return err
	}
	return partly(d.showRules(d.ByRules, plan, false))
}

// weeks lets some weeks pass, and shows what that did to the costs.
func (d shownDemo) weeks(ctx context.Context) error {
	if err := d.Weeks(ctx, demoWeeks); err != nil {
		return err
	}
	d.say("\n%d weeks by schedule later, %s", demoWeeks, d.Demo.Now().Format("Mon 2 Jan 15:04"))
	d.say("$ nightshift report --out %s --history %s --timezone Asia/Seoul", demo.Page().Path, demo.History())
	result, stored, err := d.Report(ctx, d.ByRules, demo.Page())
	if err != nil {
		return err
	}
	if err := partly(d.showReport(d.ByRules, result, stored)); err != nil || d.quiet || d.json {
		return err
	}
	if result.Trend != nil {
		d.say("\n$ nightshift cost trend --history %s", demo.History())
		d.printTrend(result.Trend, false, false)
	}
	if result.Savings != nil {
		d.say("\n$ nightshift cost savings")
		d.printSavings(result.Savings)
	}
	d.say("\n$ nightshift cost findings --least 40")
	if err := d.showFindings(result.Workbook, 40); err != nil {
		return err
	}
	return d.copies(ctx)
}

// backups shows what has no copy, a policy, and the copy that it makes.
func (d shownDemo) backups(ctx context.Context) error {
	tags, err := fleet.ParseTags([]string{demo.BackupTag})
	if err != nil {
		return err
	}
	d.say("\nBackups: what has a copy\n$ nightshift backup status --tag %s", demo.BackupTag)
	status, err := d.ByTag.BackupStatus(ctx, app.BackupStatusInput{Only: app.BackupSelection{Tags: tags}})
	if err != nil {
		return err
	}
	if err := d.showBackupStatus(d.ByTag, status, "", false, true); err != nil {
		return err
	}
	d.say("\nA policy for it\n$ cat %s\n%s\n$ nightshift backup plan", defaultConfig, demo.Backups)
	if err := partly(d.planBackup(ctx, d.ByRules, 0, false, false)); err != nil {
		return err
	}
	d.say("\n$ nightshift backup apply")
	return d.applyBackup(ctx, app.BackupInput{Prices: true})
}

// copies shows what the policy has kept and does not keep any more, and deletes that.
func (d shownDemo) copies(ctx context.Context) error {
	d.say("\nThe copies of these weeks; deletions were approved once a week\n$ nightshift backup plan --all")
	if err := partly(d.planBackup(ctx, d.ByRules, 0, true, false)); err != nil {
		return err
	}
	d.say("\n$ nightshift backup apply --yes")
	return d.applyBackup(ctx, app.BackupInput{Prices: true, Approved: true})
}

func (d shownDemo) applyBackup(ctx context.Context, in app.BackupInput) error {
	result, err := d.ByRules.Backup(ctx, in)
	if err != nil {
		return err
	}
	return d.show("backup apply", backupApplyAnswer(result), func() { d.printBackup(d.ByRules, result) })
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
