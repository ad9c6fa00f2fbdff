package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"nightshift/internal/blob"
	"nightshift/internal/cost"
	"nightshift/internal/cost/recommend"
	"nightshift/internal/cost/sheet"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/pricelist"
)

func (a *app) costCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cost",
		Short: "Explain costs and follow them over time",
		Long: `Explain costs and follow them over time: by which price and for how long
something costs what it does, what something would cost, what the price list
says, what the last weeks cost and why that changed, and what could cost less.`,
		Example: `  nightshift cost explain i-0123456789abcdef0
  nightshift cost quote --instance m5.xlarge
  nightshift cost findings`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		a.costExplainCommand(), a.quoteCommand(), a.pricesCommand(),
		a.trendCommand(), a.moversCommand(), a.savingsCommand(), a.findingsCommand(),
	)
	return cmd
}

// prices is a price list that tells what it had to do without.
type prices interface {
	cost.PriceList
	Notes() []string
}

// priceList is where prices come from: an offer file, or the AWS price list with
// what is kept of it between runs.
func (a *app) priceList(c *crew, f costFlags, now time.Time) (prices, error) {
	if f.priceList != "" {
		offer, err := pricelist.OpenOffer(f.priceList)
		if err != nil {
			return nil, fleet.Errorf(fleet.ErrInvalid, "--price-list: %w", err)
		}
		return offer, nil
	}
	return a.priceBook(c, f, now)
}

// priceBook is the AWS price list with what is kept of it between runs.
func (a *app) priceBook(c *crew, f costFlags, now time.Time) (*pricelist.Cached, error) {
	store, err := a.priceStore(c, f)
	if err != nil {
		return nil, err
	}
	o := pricelist.Options{Now: now}
	if store != nil {
		o.Store = store
	}
	if f.refresh {
		o.Fresh = -1
	}
	return pricelist.New(c.session.Prices(), o), nil
}

// priceStore is where the price list is kept between runs: where it is told to,
// else in the user's cache directory. The prices of a practice account are not
// kept there: they are not those of AWS.
func (a *app) priceStore(c *crew, f costFlags) (blob.Store, error) {
	switch {
	case f.Prices == "none" || f.Prices == "" && c.session.CustomEndpoint():
		return nil, nil //nolint:nilnil // no place is no error
	case f.Prices != "":
		return a.journal(f.Prices, c.session)
	}
	folder, err := os.UserCacheDir()
	if err != nil {
		return nil, nil //nolint:nilnil,nilerr // a home that is not there, as in Lambda, has no place for a cache
	}
	return blob.Folder(filepath.Join(folder, "nightshift", "prices")), nil
}

// made is a report that a command is about, without anything that is stored.
func (a *app) made(ctx context.Context, job *reportJob, zone string) (sheet.Workbook, error) {
	c, err := a.costCrew(ctx, job, zone)
	if err != nil {
		return sheet.Workbook{}, err
	}
	job.now = a.Now()
	job.costs.History, job.costs.Bill = "", "" // they tell nothing of today
	progress := a.progress("costs")
	defer progress.end()
	return a.makeReport(ctx, c, *job)
}

// told ends a command whose answer is printed: partly where the report behind it
// is not complete.
func told(r sheet.Workbook) error {
	var errs []error
	for _, p := range r.Problems {
		errs = append(errs, p)
	}
	if len(errs) == 0 {
		return nil
	}
	return errors.Join(append(errs, errPartly)...)
}

// decimal is an amount as a JSON number: exact, in dollars.
type decimal price.USD

// MarshalJSON writes the decimal number.
func (d decimal) MarshalJSON() ([]byte, error) { return []byte(price.USD(d).String()), nil }

// decimalOf is a known amount, or nil.
func decimalOf(a cost.Amount) *decimal {
	if !a.Known {
		return nil
	}
	d := decimal(a.USD)
	return &d
}

// amount writes an amount for people.
func amount(a cost.Amount) string {
	if !a.Known {
		return "unknown"
	}
	return dollars(a.USD)
}

func (a *app) findingsCommand() *cobra.Command {
	var zone string
	job := reportJob{hours: cost.BestHours}
	least := 0.0
	cmd := &cobra.Command{
		Use:   "findings",
		Short: "List what could cost less, and the command that would do it",
		Long: `List what could cost less, with the net saving in a full month at list prices,
the largest first, and the command that would do it: one line for a shell, after
a dollar sign. Where no one command would do it, advice says what would. Nothing
is changed: read the command, judge it, and run it yourself.`,
		Example: `  nightshift cost findings
  nightshift cost findings --region all --least 10 --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !(least >= 0) { // NaN is not
				return fleet.Errorf(fleet.ErrInvalid, "--least %v: must be a number of dollars from 0 on", least)
			}
			report, err := a.made(cmd.Context(), &job, zone)
			if err != nil {
				return err
			}
			a.showFindings(report, least)
			return told(report)
		},
	}
	cmd.Flags().Float64Var(&least, "least", 0, "leave out what saves less than so many dollars a month")
	a.zoneFlag(cmd.Flags(), &zone)
	job.costs.add(cmd.Flags())
	return cmd
}

// finding is a finding as --json prints it.
type finding struct {
	Code     string        `json:"code"`
	Account  fleet.Account `json:"account"`
	Region   fleet.Region  `json:"region"`
	Resource string        `json:"resource"`
	Name     string        `json:"name"`
	Saving   decimal       `json:"saving_monthly_usd"`
	Certain  bool          `json:"certain"`
	Reason   string        `json:"reason"`
	Fix      string        `json:"fix"`
	Advice   string        `json:"advice,omitempty"`
}

func (a *app) showFindings(r sheet.Workbook, least float64) {
	var chosen []recommend.Recommendation
	var sum price.USD
	for _, f := range r.Recommendations {
		if f.Saving.Float() >= least {
			chosen = append(chosen, f)
			sum = sum.Add(f.Saving)
		}
	}
	if a.json {
		list := []finding{}
		for _, f := range chosen {
			list = append(list, finding{f.Code, f.Target.Account, f.Target.Region, f.Resource, f.Name, decimal(f.Saving), f.Certain, f.Reason, f.Fix(), f.Advice})
		}
		_ = a.printJSON(envelope{1, "findings", list}) // Main tells where it cannot be written
		return
	}
	if a.quiet {
		return
	}
	if len(chosen) == 0 {
		fmt.Fprintln(a.Stdout, "nothing was found that would cost less")
		return
	}
	several := slices.ContainsFunc(r.Targets, func(t fleet.Target) bool { return t.Account != r.Targets[0].Account })
	for _, f := range chosen {
		bound := ""
		if !f.Certain {
			bound = "up to "
		}
		where := ""
		if several {
			where = ", account " + string(f.Target.Account)
		}
		fmt.Fprintf(a.Stdout, "%s%s a month  %s  %s%s\n    %s\n", bound, dollars(f.Saving), f.Code, printable(nameAnd(f.Resource, f.Name)), where, printable(f.Reason))
		if f.Advice != "" {
			fmt.Fprintf(a.Stdout, "    %s\n", printable(f.Advice))
		}
		if fix := f.Fix(); fix != "" {
			fmt.Fprintf(a.Stdout, "    $ %s\n", fix)
		}
	}
	fmt.Fprintf(a.Stdout, "%s, up to %s a month; some exclude each other\n", counted(len(chosen), "finding", "findings"), dollars(sum))
}

// nameAnd is an id with the name that people gave it.
func nameAnd(id, name string) string {
	if name == "" || name == id {
		return id
	}
	return id + " (" + name + ")"
}
