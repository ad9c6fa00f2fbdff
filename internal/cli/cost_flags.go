package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"nightshift/internal/app"
	"nightshift/internal/blob"
	"nightshift/internal/config"
	"nightshift/internal/cost/trend"
	"nightshift/internal/fleet"
)

// costFlags are what the command line says of costs; what it does not say the
// configuration does.
type costFlags struct {
	zone                     string
	history, bill, prices    string
	costExplorer, cloudWatch int
	minCoverage              float64
	// priceList is an offer file that is read instead of asking for prices.
	priceList string
	refresh   bool
	set       *pflag.FlagSet
}

// addZone defines the flag of the time zone.
func (f *costFlags) addZone(flags *pflag.FlagSet) {
	f.set = flags
	flags.StringVar(&f.zone, "timezone", "", "time zone of the month and the date, such as Asia/Seoul (default: the configuration's, else $NIGHTSHIFT_TIMEZONE, else UTC)")
}

// addPlaces defines the flags of what a report keeps and sets beside itself.
func (f *costFlags) addPlaces(flags *pflag.FlagSet) {
	flags.StringVar(&f.history, "history", "", "keep each day's rows here and make trend and movers from them: a directory or s3://bucket/prefix")
	flags.StringVar(&f.bill, "bill", "", "set an export of the bill (FOCUS or CUR) beside list prices: a directory or s3://bucket/prefix")
}

// add defines the flags about the month, hours and prices.
func (f *costFlags) add(flags *pflag.FlagSet) {
	f.addZone(flags)
	flags.IntVar(&f.costExplorer, "cost-explorer", 0, "ask Cost Explorer for billed hours, with at most so many requests; each costs 0.01 USD")
	flags.IntVar(&f.cloudWatch, "cloudwatch", 0, "ask CloudWatch for at most so many instances' hours; a thousand cost 0.01 USD (default 1000)")
	f.addPrices(flags)
}

// addPrices defines the flags about prices.
func (f *costFlags) addPrices(flags *pflag.FlagSet) {
	f.set = flags
	flags.StringVar(&f.prices, "price-cache", "", "keep the price list here between runs: a directory or s3://bucket/prefix, or \"none\"")
	flags.StringVar(&f.priceList, "price-list", "", "take prices from this offer file (JSON or CSV, plain or gzip) instead of asking AWS")
	flags.BoolVar(&f.refresh, "refresh-prices", false, "ask for prices that are cached, too")
}

// input is what the flags say; a flag that is not given says nothing.
func (f *costFlags) input(a *commandLine) app.CostInput {
	return app.CostInput{
		Timezone: f.zone, DefaultTimezone: a.Env("NIGHTSHIFT_TIMEZONE"),
		History: given(f.set, "history", f.history), Bill: given(f.set, "bill", f.bill), PriceCache: given(f.set, "price-cache", f.prices),
		CostExplorer: given(f.set, "cost-explorer", f.costExplorer), CloudWatch: given(f.set, "cloudwatch", f.cloudWatch),
		MinCoverage: given(f.set, "min-coverage", f.minCoverage), PriceList: f.priceList, RefreshPrices: f.refresh,
	}
}

// given is the value of a flag that is on the command line.
func given[T any](flags *pflag.FlagSet, name string, value T) *T {
	if flags == nil || !flags.Changed(name) {
		return nil
	}
	return &value
}

// costInput is what the flags say, and keeps a configuration that nobody has named
// from spending money: what it asks of services that are paid for by the request has to
// be on the command line.
func (a *commandLine) costInput(s *app.Session, f *costFlags) app.CostInput {
	in := f.input(a)
	if s.Config == nil || a.configNamed() {
		return in
	}
	for _, limit := range []struct {
		flag, key   string
		given       **int
		asked, free int
	}{
		{"cost-explorer", "cost_explorer", &in.CostExplorer, s.Config.Cost.CostExplorer, 0},
		{"cloudwatch", "cloudwatch", &in.CloudWatch, s.Config.Cost.CloudWatch, config.DefaultMetrics},
	} {
		if limit.asked <= limit.free || *limit.given != nil {
			continue
		}
		fmt.Fprintf(a.Stderr, "nightshift: %s: %d of ./%s costs money and is not followed; pass --%s %[2]d, or name the file with --config\n",
			limit.key, limit.asked, defaultConfig, limit.flag)
		*limit.given = &limit.free
	}
	return in
}

// check refuses caps, percentages and places that cannot be.
func (f *costFlags) check() error {
	switch {
	case f.costExplorer < 0 || f.cloudWatch < 0:
		return fleet.Errorf(fleet.ErrInvalid, "--cost-explorer and --cloudwatch take a number from 0 on")
	case !(f.minCoverage >= 0 && f.minCoverage <= 100): // NaN is neither
		return fleet.Errorf(fleet.ErrInvalid, "--min-coverage %v: must be a number of percent from 0 to 100", f.minCoverage)
	}
	for _, place := range [][2]string{{"history", f.history}, {"bill", f.bill}, {"price-cache", f.prices}} {
		ref, err := blob.ParseRef(place[1])
		if err != nil {
			return fleet.Errorf(fleet.ErrInvalid, "--%s %w", place[0], err)
		}
		if ref.Scheme == blob.Parameter || strings.Contains(ref.Path, "://") {
			return fleet.Errorf(fleet.ErrInvalid, "--%s %q: must be a directory or s3://bucket/prefix", place[0], place[1])
		}
	}
	return nil
}

// between reads two dates of the command line; empty is nil.
func between(from, to string) (first, last *trend.Date, err error) {
	for _, each := range []struct {
		text string
		into **trend.Date
	}{{from, &first}, {to, &last}} {
		if each.text == "" {
			continue
		}
		date, err := trend.ParseDate(each.text)
		if err != nil {
			return nil, nil, fleet.Errorf(fleet.ErrInvalid, "%q is not a date such as 2026-11-22", each.text)
		}
		*each.into = &date
	}
	return first, last, nil
}
