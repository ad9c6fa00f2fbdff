package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightshift/internal/cost"
	"nightshift/internal/cost/xlsx"
	"nightshift/internal/fleet"
)

// xlsxType is the registered media type of a workbook.
const xlsxType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// reportJob is one cost report over the regions of a crew.
type reportJob struct {
	now    time.Time
	zone   *time.Location
	hours  cost.HoursMode
	bucket string // empty: not to S3
	prefix string
	out    string // empty: not to a file
}

// report reads, prices, writes and stores. The workbook is finished in a
// temporary file before it gets its name or its key, so that neither ever
// shows a part of one.
func (c *crew) report(ctx context.Context, job reportJob) (cost.Report, cost.Answer, error) {
	before := c.session.Calls()
	account, err := c.session.Account(ctx)
	if err != nil {
		if errors.Is(err, fleet.ErrCredentials) {
			return cost.Report{}, cost.Answer{}, err
		}
		c.log.DebugContext(ctx, "the account is not known", "error", err)
	}
	memory := newThrift(c.tuned)
	var sources []cost.Source
	for _, region := range c.regions {
		sources = append(sources, cost.Source{
			Target:    fleet.Target{Account: account, Region: region},
			Inventory: memory.watch(c.session.Fleet(region)),
		})
	}
	report, err := cost.Build(ctx, sources, c.session.Prices(), cost.Options{
		Now: job.now, Zone: job.zone, Hours: job.hours, ExcludePlatform: "RDS",
	})
	if err != nil {
		return report, cost.Answer{}, err
	}
	report.Calls = c.callsSince(before)
	folder := os.TempDir()
	if job.out != "" {
		folder = filepath.Dir(job.out) // renaming works within a file system only
	}
	file, err := os.CreateTemp(folder, ".nightshift-*.xlsx")
	if err != nil {
		return report, cost.Answer{}, fmt.Errorf("write the workbook: %w", err)
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if err := xlsx.Write(file, report); err != nil {
		return report, cost.Answer{}, fmt.Errorf("write the workbook: %w", err)
	}
	answer, err := c.store(ctx, job, file, report)
	return report, answer, err
}

// store puts the finished workbook where it belongs.
func (c *crew) store(ctx context.Context, job reportJob, file *os.File, report cost.Report) (cost.Answer, error) {
	answer := report.Written(job.out)
	if job.bucket != "" {
		key := cost.Key(job.prefix, report.Generated, ".xlsx")
		if err := c.session.Bucket(job.bucket).Put(ctx, key, xlsxType, file); err != nil {
			return cost.Answer{}, err
		}
		answer = report.Uploaded(job.bucket, key)
	}
	if job.out != "" {
		if err := place(file, job.out); err != nil {
			return cost.Answer{}, fmt.Errorf("write the workbook: %w", err)
		}
		if job.bucket != "" {
			answer.Body += " and written to " + job.out
		}
	}
	if job.bucket == "" && job.out == "" {
		answer.Body = "Report made and not stored (dry run)"
	}
	return answer, nil
}

// place gives the finished file its name.
func place(file *os.File, name string) error {
	if err := errors.Join(file.Sync(), file.Chmod(0o644), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), name)
}

func (a *app) reportCommand() *cobra.Command {
	var zone, hours string
	job := reportJob{}
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Write the cost report of EC2 and EBS as a workbook",
		Long: `Write the cost report of EC2 and EBS as a workbook, to a bucket, a file, or both.

Prices come from the AWS price list, by the operation that AWS bills. A price
that is missing has a status in its row and never counts as zero; the command
then ends with the code 3.`,
		Example: `  nightshift report --bucket my-reports --timezone Asia/Seoul
  nightshift report --out costs.xlsx --region ap-northeast-2 --region us-east-1
  nightshift report --out costs.xlsx --hours assumed`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if job.out != "" && !cmd.Flags().Changed("bucket") {
				job.bucket = ""
			}
			if job.bucket == "" && job.out == "" {
				return fleet.Errorf(fleet.ErrInvalid, "no destination: pass --bucket NAME or --out FILE, or set NIGHTSHIFT_BUCKET")
			}
			if err := checkPlaces(job); err != nil {
				return err
			}
			var err error
			if job.zone, err = location(zone); err != nil {
				return err
			}
			if job.hours, err = hoursMode(hours); err != nil {
				return err
			}
			c, err := a.crew(cmd.Context(), a.regions, nil)
			if err != nil {
				return err
			}
			job.now = a.Now()
			progress := a.progress("report")
			watch := c.begin(a.Now())
			report, answer, err := c.report(cmd.Context(), job)
			progress.end()
			if err != nil {
				return err
			}
			c.note(cmd.Context(), a.journalFor(cmd.Context(), c), watch, a.Now(), reported(report))
			return a.showReport(report, answer)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&job.bucket, "bucket", a.Env("NIGHTSHIFT_BUCKET"), "upload to this S3 bucket")
	flags.StringVar(&job.prefix, "prefix", cmp.Or(a.Env("NIGHTSHIFT_PREFIX"), "ec2/"), "prefix of the key in the bucket")
	flags.StringVar(&job.out, "out", "", "write to this file")
	flags.StringVar(&hours, "hours", string(cost.BestHours), "source of running hours: \"best\", or \"assumed\" (24 hours a day for what runs now)")
	flags.StringVar(&zone, "timezone", cmp.Or(a.Env("NIGHTSHIFT_TIMEZONE"), "UTC"), "time zone of the month and the date, such as Asia/Seoul")
	complete(cmd, "hours", string(cost.BestHours), string(cost.AssumedHours))
	complete(cmd, "timezone", "UTC", "Asia/Seoul")
	complete(cmd, "bucket")
	complete(cmd, "prefix")
	return cmd
}

// complete tells the shell what a flag takes, instead of the names of files.
func complete(cmd *cobra.Command, flag string, values ...string) {
	// The only error is a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// checkPlaces finds out before anything is read whether the report could be
// stored where it should.
func checkPlaces(job reportJob) error {
	if !strings.HasPrefix(job.bucket, "arn:") && !regexp.MustCompile(`^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$`).MatchString(job.bucket) {
		return fleet.Errorf(fleet.ErrInvalid, "--bucket %q: not the name of a bucket", job.bucket)
	}
	if job.out == "" {
		return nil
	}
	folder := filepath.Dir(job.out)
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return fleet.Errorf(fleet.ErrInvalid, "--out %s: there is no folder %s; make it first", job.out, folder)
	}
	if info, err := os.Stat(job.out); err == nil && info.IsDir() {
		return fleet.Errorf(fleet.ErrInvalid, "--out %s: this is a folder; name a file in it", job.out)
	}
	return nil
}

// location reads the name of a time zone. "Local" is not one: a report must not
// depend on the machine that writes it.
func location(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, fleet.Errorf(fleet.ErrInvalid, "time zone %q is not known; write it like Asia/Seoul or UTC", name)
	}
	return zone, nil
}

func hoursMode(s string) (cost.HoursMode, error) {
	switch mode := cost.HoursMode(s); mode {
	case cost.BestHours, cost.AssumedHours:
		return mode, nil
	default:
		return "", fleet.Errorf(fleet.ErrInvalid, "--hours %q: must be best or assumed", s)
	}
}

// showReport prints what the report says in short.
func (a *app) showReport(r cost.Report, answer cost.Answer) error {
	if a.json {
		if err := a.printJSON(answer); err != nil {
			return err
		}
	} else if !a.quiet {
		reportSummary(a.Stdout, r)
		fmt.Fprintln(a.Stdout, answer.Body)
	}
	var errs []error
	for _, p := range r.Problems {
		errs = append(errs, p)
	}
	if n := r.Missing(); n > 0 {
		errs = append(errs, fmt.Errorf("%d of %d prices are missing: see the columns PriceStatus and PriceNote; the totals are too low by them",
			n, len(r.Instances)+len(r.Volumes)))
	}
	if len(errs) == 0 {
		return nil
	}
	return errors.Join(append(errs, errPartly)...)
}

// reportSummary prints the totals of a report, of several regions only those
// that hold something.
func reportSummary(w io.Writer, r cost.Report) {
	t := table{numbers: true, header: []string{"REGION", "INSTANCES", "RUNNING", "VOLUMES", "EC2 SO FAR", "EBS A MONTH", "UNATTACHED", "RUN RATE", "UNPRICED"}}
	for n, sum := range r.Totals {
		if n == 1 && len(r.Totals) == 2 {
			break // all of one target is that target
		}
		if len(r.Totals) > 2 && n < len(r.Totals)-1 && sum.Instances+sum.Volumes == 0 {
			continue
		}
		name := string(sum.Target.Region)
		if name == "" {
			name = "all"
		}
		t.add(name, fmt.Sprint(sum.Instances), fmt.Sprint(sum.Running), fmt.Sprint(sum.Volumes),
			dollars(sum.EC2), dollars(sum.EBS), dollars(sum.EBSUnattached), dollars(sum.RunRate), fmt.Sprint(sum.Unpriced))
	}
	t.print(w)
}
