package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/price"
)

// forecast is what `power forecast --json` prints.
type forecast struct {
	power.Forecast
	// LeftAlone counts the machines that no schedule is for, or that cannot be
	// stopped; Mistakes those that are left alone by mistake.
	LeftAlone int `json:"left_alone"`
	Mistakes  int `json:"mistakes"`
	// MissingPrices counts the instances without a price, OtherKinds the
	// databases and groups, for whose money nothing is said. Assumed counts the
	// instances in whose price something is assumed.
	MissingPrices int      `json:"missing_prices"`
	OtherKinds    int      `json:"other_kinds"`
	Assumed       int      `json:"assumed_prices"`
	Notes         []string `json:"notes"`
	Errors        []string `json:"errors,omitempty"`

	missing []string // why prices are missing
}

func (a *app) forecastCommand() *cobra.Command {
	var (
		weeks int
		at    string
	)
	cmd := &cobra.Command{
		Use:   "forecast",
		Short: "Say what the schedules will save in the next weeks",
		Long: `Say how long machines will run in the next weeks under their schedules, and
what that costs and saves at list prices.

It is about the EC2 instances, databases and groups that are there now. Money is
that of EC2 instances alone; their volumes cost the same whether they run or
not. Overrides and what people start and stop by hand are not foreseen; where a
schedule leaves machines to people they are assumed to run.`,
		Example: `  nightshift power forecast
  nightshift power forecast --weeks 8 --at 2026-12-14 --region all`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if weeks < 1 || weeks > 520 {
				return fleet.Errorf(fleet.ErrInvalid, "--weeks %d: give a number from 1 to 520", weeks)
			}
			s, err := a.schedules(cmd.Context(), a.regions, nil)
			if err != nil {
				return err
			}
			from, err := a.instant(at, s.config.Zone)
			if err != nil {
				return err
			}
			from = from.In(s.config.Zone)
			progress := a.progress("forecast")
			f, errs := s.forecast(cmd.Context(), from, from.AddDate(0, 0, 7*weeks))
			progress.end()
			if len(errs) > 0 && len(f.Lines) == 0 && f.LeftAlone+f.Mistakes == 0 {
				return errors.Join(append(errs, s.mistakes)...)
			}
			return a.showForecast(f, errs, s.mistakes)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&weeks, "weeks", 4, "how many weeks to look ahead")
	flags.StringVar(&at, "at", "", "the time to look ahead from, as 2026-12-24T20:00 or in RFC 3339 (default: now)")
	return cmd
}

// forecast reads the machines of all regions with the prices of the instances
// among them.
func (s *schedules) forecast(ctx context.Context, from, to time.Time) (forecast, []error) {
	var (
		f      forecast
		errs   []error
		items  []power.Scheduled
		priced []pricedItem
	)
	job := s.job
	job.dryRun, job.now = true, func() time.Time { return from }
	done := s.follow(ctx, job)
	errs = append(errs, done.errs...)
	for at, p := range done.plans {
		ruleSet := power.NewRuleSet(job.rules)
		wanted := map[fleet.ResourceID]int{}
		for _, step := range p.Steps {
			item, ok := ruleSet.Scheduled(step.Machine, p.Ramp)
			switch {
			case ok && item.Kind == fleet.KindInstance:
				wanted[step.Machine.ID] = len(items)
				items = append(items, item)
			case ok:
				f.OtherKinds++
				items = append(items, item)
			case step.Mistake:
				f.Mistakes++
			default:
				f.LeftAlone++
			}
		}
		if len(wanted) == 0 {
			continue
		}
		for i, err := range s.posts[at].session.Fleet(p.Target.Region).Instances(ctx) {
			if err != nil {
				errs = append(errs, s.names.tell(p.Target.Account, err))
				break
			}
			if n, ok := wanted[i.ID]; ok {
				key, status, _ := price.KeyFor(i, fleet.TypeInfo{})
				priced = append(priced, pricedItem{n, key, status})
			}
		}
	}
	problem := s.priceItems(ctx, items, priced, &f)
	errs = append(errs, problem...)
	for _, item := range items {
		if item.Kind == fleet.KindInstance && !item.Priced {
			f.MissingPrices++
		}
	}
	f.Forecast = power.MakeForecast(items, from, to)
	f.Notes = f.notes()
	for _, err := range errs {
		f.Errors = append(f.Errors, err.Error())
	}
	return f, errs
}

// pricedItem is an instance of a forecast with the key of its price.
type pricedItem struct {
	item   int
	key    price.InstanceKey
	status price.Status
}

// priceItems looks up all distinct keys at once.
func (s *schedules) priceItems(ctx context.Context, items []power.Scheduled, priced []pricedItem, f *forecast) []error {
	var keys []price.InstanceKey
	for _, p := range priced {
		if !p.key.HostBilled() && !slices.Contains(keys, p.key) {
			keys = append(keys, p.key)
		}
	}
	products, err := s.session.Prices().Instances(ctx, keys)
	quotes := map[price.InstanceKey]price.Quote{}
	for _, p := range priced {
		quote, known := quotes[p.key]
		if !known {
			quote = price.Pick(products, p.key)
			quotes[p.key] = quote
			if !quote.Status.Usable() && err == nil {
				f.missing = append(f.missing, quote.Note)
			}
		}
		items[p.item].Hourly, items[p.item].Priced = quote.Rate.USD, quote.Status.Usable()
		if quote.Status.Usable() && price.Worst(quote.Status, p.status) != price.Exact {
			f.Assumed++
		}
	}
	slices.Sort(f.missing)
	if err != nil {
		return []error{err}
	}
	return nil
}

// notes say what the numbers leave out.
func (f forecast) notes() []string {
	var notes []string
	add := func(n int, one, many string) {
		if n == 1 {
			notes = append(notes, "1 "+one)
		} else if n > 1 {
			notes = append(notes, fmt.Sprint(n)+" "+many)
		}
	}
	if f.Total.Unknown > 0 {
		notes = append(notes, fmt.Sprintf("in %s of the wanted hours people decide; the machines are assumed to run", machineHours(f.Total.Unknown)))
	}
	add(f.OtherKinds, "database or group is counted in hours only", "databases and groups are counted in hours only")
	add(f.MissingPrices, "instance has no price and is counted in hours only", "instances have no price and are counted in hours only")
	add(f.Assumed, "price has something assumed in it, such as that of a Spot Instance, which is the on-demand price",
		"prices have something assumed in them, such as those of Spot Instances, which are on-demand prices")
	add(f.LeftAlone, "machine with a tag of the rules is left alone and not counted", "machines with a tag of the rules are left alone and not counted")
	add(f.Mistakes, "machine is left alone because of a mistake; `nightshift power plan` tells", "machines are left alone because of mistakes; `nightshift power plan` tells")
	return append(notes,
		"list prices, before discounts, Savings Plans and tax; volumes cost the same whether machines run or not and are not in it",
		"overrides and what people start and stop by hand are not foreseen")
}

func (a *app) showForecast(f forecast, errs []error, mistakes error) error {
	if a.json {
		if err := a.printJSON(envelope{1, "forecast", f}); err != nil {
			return err
		}
	} else if !a.quiet {
		a.printForecast(f)
	}
	if f.MissingPrices > 0 {
		errs = append(errs, fmt.Errorf("%d of %d instances have no price; the money is too low by them", f.MissingPrices, f.Total.Machines-f.OtherKinds))
		for _, why := range f.missing {
			errs = append(errs, errors.New(why))
		}
	}
	if f.Mistakes > 0 {
		errs = append(errs, fmt.Errorf("%d machines are left alone because of mistakes; `nightshift power plan` tells", f.Mistakes))
	}
	if len(errs) > 0 {
		errs = append(errs, errPartly)
	}
	return errors.Join(append(errs, mistakes)...)
}

func (a *app) printForecast(f forecast) {
	const layout = "Mon 2006-01-02 15:04 MST"
	fmt.Fprintf(a.Stdout, "%s to %s\n\n", f.From.Format(layout), f.To.Format(layout))
	t := table{numbers: true, header: []string{"SCHEDULE", "MACHINES", "ALWAYS ON", "WANTED", "SAVED", "", "ALWAYS ON", "WANTED", "SAVED"}}
	add := func(l power.ForecastLine) {
		share := "-"
		if l.AlwaysOn > 0 {
			share = fmt.Sprintf("%.0f%%", 100*float64(l.Saved)/float64(l.AlwaysOn))
		}
		money := func(u price.USD) string {
			if l.Unpriced == l.Machines {
				return "no price"
			}
			return dollars(u)
		}
		t.add(cmp.Or(l.Schedule, "all"), fmt.Sprint(l.Machines), machineHours(l.AlwaysOn), machineHours(l.Desired), machineHours(l.Saved), share,
			money(l.AlwaysOnUSD), money(l.DesiredUSD), money(l.SavedUSD))
	}
	for _, l := range f.Lines {
		add(l)
	}
	if len(f.Lines) > 1 {
		add(f.Total)
	}
	if len(f.Lines) == 0 {
		fmt.Fprintln(a.Stdout, "no machine follows a schedule")
	}
	t.print(a.Stdout)
	fmt.Fprintln(a.Stdout)
	for _, n := range f.Notes {
		fmt.Fprintln(a.Stdout, "·", n)
	}
}

// machineHours writes the hours of many machines: "1,234 h".
func machineHours(t power.MachineTime) string {
	digits := fmt.Sprintf("%.0f", t.Hours())
	for n := len(digits) - 3; n > 0; n -= 3 {
		digits = digits[:n] + "," + digits[n:]
	}
	return digits + " h"
}
