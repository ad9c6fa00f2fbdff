package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"nightshift/internal/blob"
	"nightshift/internal/config"
	"nightshift/internal/cost"
	"nightshift/internal/cost/bill"
	"nightshift/internal/cost/reconcile"
	"nightshift/internal/cost/sheet"
	"nightshift/internal/cost/trend"
	"nightshift/internal/fleet"
)

// costFlags are what the command line says of costs; what it does not say the
// configuration does.
type costFlags struct {
	config.Cost
	// priceList is an offer file that is read instead of asking for prices.
	priceList string
	refresh   bool
	set       *pflag.FlagSet
}

// addPlaces defines the flags of what a report keeps and sets beside itself.
func (f *costFlags) addPlaces(flags *pflag.FlagSet) {
	flags.StringVar(&f.History, "history", "", "keep each day's rows here and make trend and movers from them: a directory or s3://bucket/prefix")
	flags.StringVar(&f.Bill, "bill", "", "set an export of the bill (FOCUS or CUR) beside list prices: a directory or s3://bucket/prefix")
}

// add defines the flags about hours and prices.
func (f *costFlags) add(flags *pflag.FlagSet) {
	flags.IntVar(&f.CostExplorer, "cost-explorer", 0, "ask Cost Explorer for billed hours, with at most so many requests; each costs 0.01 USD")
	flags.IntVar(&f.CloudWatch, "cloudwatch", 0, "ask CloudWatch for at most so many instances' hours; a thousand cost 0.01 USD (default 1000)")
	f.addPrices(flags)
}

// addPrices defines the flags about prices.
func (f *costFlags) addPrices(flags *pflag.FlagSet) {
	f.set = flags
	flags.StringVar(&f.Prices, "price-cache", "", "keep the price list here between runs: a directory or s3://bucket/prefix, or \"none\"")
	flags.StringVar(&f.priceList, "price-list", "", "take prices from this offer file (JSON or CSV, plain or gzip) instead of asking AWS")
	flags.BoolVar(&f.refresh, "refresh-prices", false, "ask for prices that are cached, too")
}

// over is the configuration's word where the command line has none.
func (f *costFlags) over(c *crew) costFlags {
	cfg := config.Cost{CloudWatch: config.DefaultMetrics}
	if c.config != nil {
		cfg = c.config.Cost
	}
	out := *f
	given := func(name string) bool { return f.set != nil && f.set.Changed(name) }
	if !given("history") {
		out.History = cfg.History
	}
	if !given("bill") {
		out.Bill = cfg.Bill
	}
	if !given("cost-explorer") {
		out.CostExplorer = cfg.CostExplorer
	}
	if !given("cloudwatch") {
		out.CloudWatch = cfg.CloudWatch
	}
	if !given("price-cache") {
		out.Prices = cfg.Prices
	}
	if !given("min-coverage") {
		out.MinCoverage = cfg.MinCoverage
	}
	out.Tags = cfg.Tags
	return out
}

// affordable keeps a configuration that nobody has named from spending money: what
// it asks of services that are paid for by the request has to be on the command
// line.
func (a *app) affordable(f costFlags) costFlags {
	if a.named() {
		return f
	}
	for _, cap := range []struct {
		flag, key string
		asked     *int
		free      int
	}{
		{"cost-explorer", "cost_explorer", &f.CostExplorer, 0},
		{"cloudwatch", "cloudwatch", &f.CloudWatch, config.DefaultMetrics},
	} {
		if *cap.asked <= cap.free || f.set != nil && f.set.Changed(cap.flag) {
			continue
		}
		fmt.Fprintf(a.Stderr, "nightshift: %s: %d of ./%s costs money and is not followed; pass --%s %[2]d, or name the file with --config\n",
			cap.key, *cap.asked, defaultConfig, cap.flag)
		*cap.asked = cap.free
	}
	return f
}

// check refuses caps, percentages and places that cannot be.
func (f *costFlags) check() error {
	switch {
	case f.CostExplorer < 0 || f.CloudWatch < 0:
		return fleet.Errorf(fleet.ErrInvalid, "--cost-explorer and --cloudwatch take a number from 0 on")
	case !(f.MinCoverage >= 0 && f.MinCoverage <= 100): // NaN is neither
		return fleet.Errorf(fleet.ErrInvalid, "--min-coverage %v: must be a number of percent from 0 to 100", f.MinCoverage)
	}
	for _, place := range [][2]string{{"history", f.History}, {"bill", f.Bill}, {"price-cache", f.Prices}} {
		switch bucket, _, inS3 := cutS3(place[1]); {
		case inS3 && bucket == "":
			return fleet.Errorf(fleet.ErrInvalid, "--%s %q names no bucket: give it as s3://bucket/prefix", place[0], place[1])
		case !inS3 && strings.Contains(place[1], "://"):
			return fleet.Errorf(fleet.ErrInvalid, "--%s %q: must be a directory or s3://bucket/prefix", place[0], place[1])
		}
	}
	return nil
}

// billStore is the place of an export of the bill, whose files may be large.
func (a *app) billStore(place string, c *crew) (blob.Store, error) {
	bucket, prefix, inS3 := cutS3(place)
	switch {
	case !inS3:
		return blob.Folder(place), nil
	case bucket == "":
		return nil, fleet.Errorf(fleet.ErrInvalid, "%q names no bucket: give it as s3://bucket/prefix", place)
	case prefix != "" && !strings.HasSuffix(prefix, "/"):
		prefix += "/"
	}
	return c.session.Objects(bucket, prefix), nil
}

// reconcile sets the bill beside the report's list prices: an export where one
// is configured, else what Cost Explorer told.
func (a *app) reconcile(ctx context.Context, c *crew, place string, report *sheet.Workbook) {
	if place == "" {
		report.Reconciliation = reconcile.WithCostExplorer(report.Report)
		return
	}
	store, err := a.billStore(place, c)
	if err == nil {
		var read bill.Bill
		read, err = bill.Read(ctx, store, fleet.Span{From: report.Month.Start, To: report.Month.Now})
		report.Notes = append(report.Notes, read.Notes...)
		if len(read.Files) > 0 {
			report.Reconciliation = reconcile.WithExport(report.Report, read.Lines, place)
			report.Notes = append(report.Notes, report.Reconciliation.Notes...)
		}
	}
	if err != nil {
		report.Problems = append(report.Problems, cost.Problem{What: "reconciliation", Err: err})
	}
}

// enough fails a report of which too few rows have a price.
func enough(r cost.Report, least float64) error {
	if r.Coverage() >= least {
		return nil
	}
	rows := len(r.Instances) + len(r.Volumes) + len(r.Lines)
	return fmt.Errorf("only %d of %d rows have a price, and %v percent are asked for (--min-coverage): see the columns PriceStatus and PriceNote",
		rows-r.Missing(), rows, least)
}

// historyStore is the history's place, which a command cannot do without.
func (a *app) historyStore(f costFlags, c *crew) (blob.Store, error) {
	if f.History == "" {
		return nil, fleet.Errorf(fleet.ErrInvalid, "there is no history: name its place with --history, or as cost: history: in the configuration")
	}
	return a.journal(f.History, c.session)
}

// between reads two dates of the command line; the defaults are given.
func between(from, to string, first, last trend.Date) (trend.Date, trend.Date, error) {
	for _, each := range []struct {
		text string
		into *trend.Date
	}{{from, &first}, {to, &last}} {
		if each.text == "" {
			continue
		}
		date, err := trend.ParseDate(each.text)
		if err != nil {
			return 0, 0, fleet.Errorf(fleet.ErrInvalid, "%q is not a date such as 2026-11-22", each.text)
		}
		*each.into = date
	}
	if last < first {
		return 0, 0, fleet.Errorf(fleet.ErrInvalid, "the history cannot be read from %s back to %s", first, last)
	}
	return first, last, nil
}
