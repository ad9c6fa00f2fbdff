package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nightshift/internal/blob"
	"nightshift/internal/cost"
	"nightshift/internal/cost/history"
	"nightshift/internal/cost/page"
	"nightshift/internal/cost/plain"
	"nightshift/internal/cost/recommend"
	"nightshift/internal/cost/sheet"
	"nightshift/internal/cost/trend"
	"nightshift/internal/cost/xlsx"
	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
)

// format is a way to write a report.
type format struct {
	name, ending, media string
	write               func(io.Writer, sheet.Workbook) error
}

// formats are all ways, the first of them the default.
func formats() []format {
	return []format{
		{"xlsx", ".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", xlsx.Write},
		{"html", ".html", "text/html; charset=utf-8", page.Write},
		{"csv", ".csv", "text/csv; charset=utf-8", func(w io.Writer, r sheet.Workbook) error { return plain.WriteCSV(w, r, "EC2_Detail_Costs") }},
		{"json", ".json", "application/json", plain.WriteJSON},
		{"parquet", ".parquet", "application/vnd.apache.parquet", writeRows},
	}
}

// writeRows writes the rows of the report as the history keeps them.
func writeRows(w io.Writer, r sheet.Workbook) error {
	file, err := history.Encode(trend.RowsOf(r.Report))
	if err != nil {
		return err
	}
	_, err = w.Write(file)
	return err
}

// formatOf is the format of a name, else the one that the file's name ends in,
// else, where it has no ending, the default.
func formatOf(name, file string) (format, error) {
	all := formats()
	var names []string
	for _, f := range all {
		if f.name == name || name == "" && file != "" && strings.EqualFold(filepath.Ext(file), f.ending) {
			return f, nil
		}
		names = append(names, f.name)
	}
	switch ending := filepath.Ext(file); {
	case name != "":
		return format{}, fleet.Errorf(fleet.ErrInvalid, "--format %q: must be one of %s", name, strings.Join(names, ", "))
	case ending != "":
		return format{}, fleet.Errorf(fleet.ErrInvalid, "--out %s: no format is known by %s; pass --format with one of %s", file, ending, strings.Join(names, ", "))
	}
	return all[0], nil
}

// changesShown is how many changes a report lists.
const changesShown = 50

// reportJob is one cost report over the accounts and regions of a crew.
type reportJob struct {
	now    time.Time
	zone   *time.Location
	hours  cost.HoursMode
	bucket string // empty: not to S3
	prefix string
	out    string // empty: not to a file
	format format
	costs  costFlags
	// journal tells of stops and starts; nil where there is none.
	journal blob.Store
	// keep is true where the day goes into the history.
	keep bool
	// only, if not empty, is the one resource that the report is about; seen
	// gets the rows of the price list that answered.
	only string
	seen *candidates
}

// report reads, prices, writes and stores. What is written is finished in a
// temporary file, which nobody else may read, before it gets its name or its key,
// so that neither ever shows a part of one.
func (a *app) report(ctx context.Context, c *crew, job reportJob) (sheet.Workbook, cost.Answer, error) {
	report, err := a.makeReport(ctx, c, job)
	if err != nil {
		return report, cost.Answer{}, err
	}
	folder := os.TempDir()
	if job.out != "" {
		folder = filepath.Dir(job.out) // renaming works within a file system only
	}
	file, err := os.CreateTemp(folder, ".nightshift-*"+job.format.ending)
	if err != nil {
		return report, cost.Answer{}, fmt.Errorf("write the report: %w", err)
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if err := job.format.write(file, report); err != nil {
		return report, cost.Answer{}, fmt.Errorf("write the report: %w", err)
	}
	answer, err := c.store(ctx, job, file, &report)
	return report, answer, err
}

// makeReport reads and reckons all that a report says.
func (a *app) makeReport(ctx context.Context, c *crew, job reportJob) (sheet.Workbook, error) {
	before := c.session.Calls()
	account, err := c.session.Account(ctx)
	if err != nil {
		if errors.Is(err, fleet.ErrCredentials) {
			return sheet.Workbook{}, err
		}
		c.log.DebugContext(ctx, "the account is not known", "error", err)
	}
	prices, err := a.priceList(c, job.costs, job.now)
	if err != nil {
		return sheet.Workbook{}, err
	}
	if job.seen != nil {
		job.seen.prices = prices
		prices = job.seen
	}
	paid := newPaid(job.costs)
	o := cost.Options{Now: job.now, Zone: job.zone, Hours: job.hours, ExcludePlatform: "RDS", Tags: job.costs.Tags}
	month := cost.MonthOf(job.now.In(job.zone))
	var journalErr error
	o.Acts, o.Known, journalErr = acts(ctx, job.journal, account, month)
	if c.config != nil && len(c.config.Rules().Rules) > 0 {
		plans := newPlanner(c.config.Rules(), c.config.Names())
		o.Planned = func(i fleet.Instance) func(to time.Time) (time.Duration, string) {
			if _, _, ok := plans.running(i, job.now, job.now); !ok {
				return nil
			}
			return func(to time.Time) (time.Duration, string) {
				d, name, _ := plans.running(i, job.now, to)
				return d, name
			}
		}
		o.Blocked = func(i fleet.Instance) fleet.Reason { return plans.rules.Blocked(i.Machine()) }
		o.Schedulable = func(i fleet.Instance) (fleet.Tag, bool) { return plans.schedulable(i, job.now) }
	}
	built, err := cost.Build(ctx, c.sources(account, job.only, paid), prices, o)
	report := sheet.Workbook{Report: built}
	if err != nil {
		return report, err
	}
	report.Recommendations = recommend.For(built)
	report.Problems = append(report.Problems, c.problems()...)
	if journalErr != nil {
		report.Problems = append(report.Problems, cost.Problem{What: "journal", Err: journalErr})
	}
	report.Spend = paid.spend()
	report.Notes = append(report.Notes, prices.Notes()...)
	if job.journal != nil {
		report.Savings = cost.SavingsOf(built, o.Acts, fleet.Span{From: month.Start, To: month.Now})
	}
	if job.costs.Bill != "" || job.costs.CostExplorer > 0 {
		a.reconcile(ctx, c, job.costs.Bill, &report)
	}
	if job.costs.History != "" {
		store, err := a.journal(job.costs.History, c.session)
		if err != nil {
			return report, err
		}
		past := history.Follow(ctx, store, report.Report, history.Options{Tags: job.costs.Tags, Keep: job.keep, Changes: changesShown})
		report.Trend, report.Changes = past.Trend, past.Changes
		report.Problems = append(report.Problems, past.Problems...)
	}
	report.Calls = c.callsSince(before)
	return report, nil
}

func (a *app) reportCommand() *cobra.Command {
	var zone, hours, form string
	job := reportJob{keep: true}
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Write the cost report of EC2 and EBS as a workbook",
		Long: `Write the cost report of EC2 and EBS as a workbook, to a bucket, a file, or both.
A file that is there keeps its permissions; a link or a device is refused.
Prices come from the AWS price list, by the operation that AWS bills. A price
that is missing has a status in its row and never counts as zero; the command
then ends with the code 3.

The report can also be a page (html), the detail table (csv), all tables (json)
or the rows of the history (parquet): by --format, or by the ending of --out.`,
		Example: `  nightshift report --bucket my-reports --timezone Asia/Seoul
  nightshift report --out costs.xlsx --region ap-northeast-2 --region us-east-1
  nightshift report --out costs.html --history ./history
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
			if job.format, err = formatOf(form, job.out); err != nil {
				return err
			}
			if job.hours, err = hoursMode(hours); err != nil {
				return err
			}
			c, err := a.costCrew(cmd.Context(), &job, zone)
			if err != nil {
				return err
			}
			job.now = a.Now()
			progress := a.progress("report")
			watch := c.begin(a.Now())
			report, answer, err := a.report(cmd.Context(), c, job)
			progress.end()
			if err != nil {
				return err
			}
			c.note(cmd.Context(), job.journal, watch, a.Now(), reported(report.Report))
			return a.showReportOf(c.names, report, answer, job.costs.MinCoverage)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&job.bucket, "bucket", a.Env("NIGHTSHIFT_BUCKET"), "upload to this S3 bucket")
	flags.StringVar(&job.prefix, "prefix", cmp.Or(a.Env("NIGHTSHIFT_PREFIX"), "ec2/"), "prefix of the key in the bucket")
	flags.StringVar(&job.out, "out", "", "write to this file")
	flags.StringVar(&form, "format", "", "xlsx, html, csv, json or parquet (default: by the ending of --out, else xlsx)")
	flags.StringVar(&hours, "hours", string(cost.BestHours), "source of running hours: \"best\", or \"assumed\" (24 hours a day for what runs now)")
	flags.Float64Var(&job.costs.MinCoverage, "min-coverage", 0, "fail if fewer than so many percent of the rows have a price")
	a.zoneFlag(flags, &zone)
	job.costs.addPlaces(flags)
	job.costs.add(flags)
	complete(cmd, "hours", string(cost.BestHours), string(cost.AssumedHours))
	complete(cmd, "format", "xlsx", "html", "csv", "json", "parquet")
	complete(cmd, "timezone", "UTC", "Asia/Seoul")
	for _, flag := range []string{"bucket", "prefix", "cost-explorer", "cloudwatch", "min-coverage"} {
		complete(cmd, flag)
	}
	return cmd
}

// zoneFlag defines the flag of the time zone.
func (a *app) zoneFlag(flags *pflag.FlagSet, zone *string) {
	flags.StringVar(zone, "timezone", a.Env("NIGHTSHIFT_TIMEZONE"), "time zone of the month and the date, such as Asia/Seoul (default: the configuration's, else UTC)")
}

// costCrew opens the crew of a command about costs, and completes its job from
// the configuration. Its mistakes are told; what they do not concern is followed.
func (a *app) costCrew(ctx context.Context, job *reportJob, zone string) (*crew, error) {
	if err := job.costs.check(); err != nil {
		return nil, err
	}
	c, err := a.costCrewIn(ctx, a.regions)
	if err != nil {
		return nil, err
	}
	job.costs = a.affordable(job.costs.over(c))
	job.journal = a.journalFor(ctx, c)
	job.zone, err = a.zoneOf(c, zone)
	return c, err
}

// zoneOf is the named time zone, else that of the configuration, else UTC.
func (a *app) zoneOf(c *crew, name string) (*time.Location, error) {
	if name == "" && c.config != nil {
		return c.config.Zone, nil
	}
	return schedule.LoadZone(cmp.Or(name, time.UTC.String()))
}

// complete tells the shell what a flag takes, instead of the names of files.
func complete(cmd *cobra.Command, flag string, values ...string) {
	// The only error is a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

func hoursMode(s string) (cost.HoursMode, error) {
	switch mode := cost.HoursMode(s); mode {
	case cost.BestHours, cost.AssumedHours:
		return mode, nil
	default:
		return "", fleet.Errorf(fleet.ErrInvalid, "--hours %q: must be best or assumed", s)
	}
}

// showReport prints what the report of one account says in short.
func (a *app) showReport(r sheet.Workbook, answer cost.Answer, least float64) error {
	return a.showReportOf(nil, r, answer, least)
}

// showReportOf prints what the report says in short, with the names of its
// accounts.
func (a *app) showReportOf(n names, r sheet.Workbook, answer cost.Answer, least float64) error {
	if a.json {
		if err := a.printJSON(answer); err != nil {
			return err
		}
	} else if !a.quiet {
		reportSummary(a.Stdout, n, r.Report)
		fmt.Fprintln(a.Stdout, answer.Body)
	}
	var errs []error
	for _, p := range r.Problems {
		errs = append(errs, p)
	}
	if n := r.Missing(); n > 0 {
		errs = append(errs, fmt.Errorf("%d of %d prices are missing: see the columns PriceStatus and PriceNote; the totals are too low by them",
			n, len(r.Instances)+len(r.Volumes)+len(r.Lines)))
	}
	if err := enough(r.Report, least); err != nil {
		return together(append(errs, err)) // whatever else went wrong, this is a failure
	}
	if len(errs) == 0 {
		return nil
	}
	return errors.Join(append(errs, errPartly)...)
}

// reportSummary prints the totals of a report, of several accounts and regions
// only those that hold something.
func reportSummary(w io.Writer, accounts names, r cost.Report) {
	header := []string{"REGION", "INSTANCES", "RUNNING", "VOLUMES", "SO FAR", "FORECAST", "RUN RATE"}
	missing := r.Missing() > 0
	if missing {
		header = append(header, "UNPRICED")
	}
	t := accounts.table(0, header...)
	t.numbers = true
	for n, sum := range r.Totals {
		if n == 1 && len(r.Totals) == 2 {
			break // all of one target is that target
		}
		if len(r.Totals) > 2 && n < len(r.Totals)-1 && sum.Instances+sum.Volumes == 0 && sum.RunRate == 0 {
			continue
		}
		account, region := sum.Target.Account, string(sum.Target.Region)
		switch {
		case region == "" && accounts.several():
			account = "all"
		case region == "":
			region = "all"
		}
		cells := []string{
			region, fmt.Sprint(sum.Instances), fmt.Sprint(sum.Running), fmt.Sprint(sum.Volumes),
			dollars(sum.TotalToDate), dollars(sum.Forecast), dollars(sum.RunRate),
		}
		if missing {
			cells = append(cells, fmt.Sprint(sum.Unpriced))
		}
		t.add(account, cells...)
	}
	t.print(w)
}
