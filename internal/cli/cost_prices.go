package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightshift/internal/app"
	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/pricelist"
)

func (a *commandLine) pricesCommand() *cobra.Command {
	var costs costFlags
	var asOf string
	var changes, kept bool
	cmd := &cobra.Command{
		Use:   "prices",
		Short: "List the prices of what the account has, with where each comes from",
		Long: `List the prices of what the account has, with the SKU, the rate code and the
publication date of each: every cell of the report can be reckoned again from
them. --as-of sets the prices of an earlier day beside those of now. --kept lists
all that is kept of the price list between runs, and --changes what has changed
in it; both ask AWS nothing.`,
		Example: `  nightshift cost prices
  nightshift cost prices --as-of 2026-01-01 --region ap-northeast-2
  nightshift cost prices --changes --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case changes && asOf != "" || kept && asOf != "" || changes && kept:
				return fleet.Errorf(fleet.ErrInvalid, "--changes, --kept and --as-of exclude each other")
			case kept:
				return a.keptPrices(cmd.Context(), &costs)
			case changes:
				return a.priceChanges(cmd.Context(), &costs)
			case asOf != "":
				if _, err := a.pastDay(asOf, &costs); err != nil {
					return err
				}
			}
			return a.listPrices(cmd.Context(), &costs, asOf)
		},
	}
	cmd.Flags().StringVar(&asOf, "as-of", "", "set the prices of a day, such as 2026-01-01, beside those of now")
	cmd.Flags().BoolVar(&kept, "kept", false, "list the prices that are kept, also those that nothing of the account has")
	cmd.Flags().BoolVar(&changes, "changes", false, "list the prices that have changed since they are kept")
	costs.addPrices(cmd.Flags())
	return cmd
}

func (a *commandLine) listPrices(ctx context.Context, costs *costFlags, asOf string) error {
	var day time.Time
	if err := costs.check(); err != nil {
		return err
	}
	s, err := a.open(ctx)
	if err != nil {
		return err
	}
	// Prices are all that is wanted: nothing is paid for.
	none := 0
	in := app.ReportInput{Hours: cost.AssumedHours, CostInput: costs.input(a)}
	in.CostExplorer, in.CloudWatch = &none, &none
	report, err := s.Report(ctx, in)
	if err != nil {
		return err
	}
	if asOf != "" {
		if day, err = a.pastDay(asOf, costs); err != nil {
			return err
		}
	}
	list, err := s.ListPrices(ctx, report, day)
	if err != nil {
		return err
	}
	return a.showCosts(report, "prices", list, func() { a.printPrices(list, asOf, false) })
}

// printPrices prints prices: those of the account, which ones of a day may stand
// beside, or the kept ones.
func (a *commandLine) printPrices(list []cost.ListedPrice, asOf string, kept bool) {
	t := table{header: []string{"REGION", "PRICE OF", "PLATFORM", "USD", "PER", "STATUS", "SKU", "PUBLISHED", "USED BY"}}
	if asOf != "" {
		t.header = slices.Insert(t.header, 4, "ON "+asOf, "CHANGE")
	}
	if kept {
		t.header[8] = "FETCHED"
	}
	for _, p := range list {
		last := fmt.Sprint(p.UsedBy)
		if kept {
			last = dayText(p.Fetched)
		}
		cells := []string{string(p.Region), p.Label, cmp.Or(p.Platform, "-"), usdText(p.USD), cmp.Or(p.Unit, "-"), string(p.Status), cmp.Or(p.SKU, "-"), dayText(p.Published), last}
		if asOf != "" {
			cells = slices.Insert(cells, 4, usdText(p.Then), changeOf(p.Then, p.USD))
		}
		t.add(cells...)
	}
	narrow := []string{"SKU", "PUBLISHED", "USED BY", "STATUS", "PER"}
	if len(list) > 0 && !slices.ContainsFunc(list, func(p cost.ListedPrice) bool { return p.Region != list[0].Region }) {
		narrow = append(narrow, "REGION")
	}
	t.fit(a.terminal(), narrow...)
	t.print(a.Stdout)
	if kept && len(list) == 0 {
		fmt.Fprintln(a.Stdout, "no prices of these regions are kept yet; each report keeps those that it asks for")
	}
}

// usdText writes an amount with all its decimals.
func usdText(a cost.Amount) string {
	if !a.Known {
		return "-"
	}
	return a.USD.String()
}

func dayText(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.DateOnly)
}

// changeOf is by how many percent a price has changed.
func changeOf(then, now cost.Amount) string {
	switch {
	case !then.Known || !now.Known || then.USD == 0:
		return "-"
	case then.USD == now.USD:
		return "same"
	}
	return fmt.Sprintf("%+.2f %%", 100*(now.USD.Float()/then.USD.Float()-1))
}

// openKept reads the prices that are kept between runs.
func (a *commandLine) openKept(ctx context.Context, f *costFlags) ([]cost.ListedPrice, []pricelist.Change, error) {
	if err := f.check(); err != nil {
		return nil, nil, err
	}
	s, err := a.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	return s.KeptPrices(ctx, f.input(a))
}

// keptPrices lists what is kept of the regions' prices.
func (a *commandLine) keptPrices(ctx context.Context, f *costFlags) error {
	kept, _, err := a.openKept(ctx, f)
	if err != nil {
		return err
	}
	return a.show("kept prices", kept, func() { a.printPrices(kept, "", true) })
}

// priceChanges lists what the cache has seen change.
func (a *commandLine) priceChanges(ctx context.Context, f *costFlags) error {
	_, changes, err := a.openKept(ctx, f)
	if err != nil {
		return err
	}
	return a.show("price changes", changes, func() {
		t := table{header: []string{"SEEN", "REGION", "PRICE OF", "FROM", "TO", "PUBLISHED"}}
		for _, one := range changes {
			t.add(one.Seen.Format(time.DateOnly), string(one.Region), strings.TrimSpace(one.What), one.Old.String(), one.New.String(), one.Published.Format(time.DateOnly))
		}
		t.print(a.Stdout)
		if len(changes) == 0 {
			fmt.Fprintln(a.Stdout, "no price has changed since prices are kept here")
		}
	})
}
