package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"

	"nightshift/internal/app"
	"nightshift/internal/blob"
	"nightshift/internal/cost"
	"nightshift/internal/fleet"
)

func (a *commandLine) reportCommand() *cobra.Command {
	var hours, form, bucket, prefix, out string
	var costs costFlags
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
			if out == "" && !cmd.Flags().Changed("bucket") {
				bucket = a.Env("NIGHTSHIFT_BUCKET")
			}
			places, err := reportPlaces(bucket, prefix, out)
			if err != nil {
				return err
			}
			format, err := app.FormatOf(form, out)
			if err != nil {
				return err
			}
			in := app.ReportInput{Keep: true, Past: true, Backups: true}
			if in.Hours, err = hoursMode(hours); err != nil {
				return err
			}
			s, result, err := a.makeReport(cmd.Context(), &costs, in, "report")
			if err != nil {
				return err
			}
			stored, err := s.Publish(cmd.Context(), result, format, places...)
			if err != nil {
				return err
			}
			return a.showReport(s, result, stored)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&bucket, "bucket", "", "upload to this S3 bucket (default: $NIGHTSHIFT_BUCKET, unless --out is given)")
	flags.StringVar(&prefix, "prefix", cmp.Or(a.Env("NIGHTSHIFT_PREFIX"), "ec2/"), "prefix of the key in the bucket")
	flags.StringVar(&out, "out", "", "write to this file")
	flags.StringVar(&form, "format", "", "xlsx, html, csv, json or parquet (default: by the ending of --out, else xlsx)")
	flags.StringVar(&hours, "hours", string(cost.BestHours), "source of running hours: \"best\", or \"assumed\" (24 hours a day for what runs now)")
	flags.Float64Var(&costs.minCoverage, "min-coverage", 0, "fail if fewer than so many percent of the rows have a price")
	costs.addPlaces(flags)
	costs.add(flags)
	complete(cmd, "hours", string(cost.BestHours), string(cost.AssumedHours))
	complete(cmd, "format", "xlsx", "html", "csv", "json", "parquet")
	complete(cmd, "timezone", "UTC", "Asia/Seoul")
	for _, flag := range []string{"bucket", "prefix", "cost-explorer", "cloudwatch", "min-coverage"} {
		complete(cmd, flag)
	}
	return cmd
}

// reportPlaces are where a report goes. Whether it could be stored there is found out
// before anything is read.
func reportPlaces(bucket, prefix, out string) ([]blob.Ref, error) {
	var places []blob.Ref
	if bucket != "" {
		if !blob.IsBucket(bucket) {
			return nil, fleet.Errorf(fleet.ErrInvalid, "--bucket %q: not the name of a bucket", bucket)
		}
		places = append(places, blob.Ref{Scheme: blob.S3, Bucket: bucket, Path: prefix})
	}
	if out == "-" {
		return nil, fleet.Errorf(fleet.ErrInvalid, "--out -: a report is not printed; name a file")
	}
	if out != "" {
		if err := blob.CheckFile(out); err != nil {
			return nil, fleet.Errorf(fleet.ErrInvalid, "--out %s: %w", out, err)
		}
		places = append(places, blob.Ref{Scheme: blob.File, Path: out})
	}
	if len(places) == 0 {
		return nil, fleet.Errorf(fleet.ErrInvalid, "no destination: pass --bucket NAME or --out FILE, or set NIGHTSHIFT_BUCKET")
	}
	return places, nil
}

// makeReport opens the targets and makes a report, with progress.
func (a *commandLine) makeReport(ctx context.Context, f *costFlags, in app.ReportInput, what string) (*app.Session, app.ReportResult, error) {
	if err := f.check(); err != nil {
		return nil, app.ReportResult{}, err
	}
	s, err := a.open(ctx)
	if err != nil {
		return nil, app.ReportResult{}, err
	}
	in.CostInput = a.costInput(s, f)
	defer a.tuneMemory(reportGCPercent, reportHeapLimit)()
	a.progress.start(what)
	defer a.progress.end()
	result, err := s.Report(ctx, in)
	return s, result, err
}

// A report lets the heap grow to three times what is alive between collections, which
// is fastest, and keeps it below a limit for as long as what is alive leaves room.
// GOGC and GOMEMLIMIT come before both.
const (
	reportGCPercent = 200
	reportHeapLimit = 340 << 20
)

// tuneMemory sets both for the process until what it returns is called.
func (a *commandLine) tuneMemory(percent int, limit int64) (restore func()) {
	percentBefore, limitBefore := debug.SetGCPercent(-1), debug.SetMemoryLimit(-1)
	restore = func() {
		debug.SetGCPercent(percentBefore)
		debug.SetMemoryLimit(limitBefore)
	}
	debug.SetGCPercent(percentBefore)
	if a.Env("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
	if a.Env("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit)
	}
	return restore
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

// showReport prints what a report says in short, and ends the command.
func (a *commandLine) showReport(s *app.Session, r app.ReportResult, stored app.Publication) error {
	if a.json {
		if err := a.printJSON(stored.Answer); err != nil {
			return err
		}
	} else if !a.quiet {
		reportSummary(a.Stdout, s.Names, r.Report)
		if r.Backups != nil {
			fmt.Fprintln(a.Stdout, r.Backups.Line())
		}
		fmt.Fprintln(a.Stdout, stored.Answer.Body)
	}
	errs := []error{r.Err()}
	for _, failed := range stored.Failed {
		errs = append(errs, fmt.Errorf("upload: %w", failed.Err))
	}
	status := r.Status()
	if status == fleet.StatusDone && len(stored.Failed) > 0 {
		status = fleet.StatusPartial
	}
	return ended(status, errors.Join(errs...))
}

// reportSummary prints the totals of a report, of several accounts and regions
// only those that hold something.
func reportSummary(w io.Writer, accounts app.Names, r cost.Report) {
	header := []string{"REGION", "INSTANCES", "RUNNING", "VOLUMES", "SO FAR", "FORECAST", "RUN RATE"}
	missing := r.Missing() > 0
	if missing {
		header = append(header, "UNPRICED")
	}
	t := tableOf(accounts, 0, header...)
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
		case region == "" && accounts.Several():
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
