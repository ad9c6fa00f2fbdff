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
	"nightshift/internal/price"
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

// listedPrice is a price as --json prints it.
type listedPrice struct {
	Kind      string       `json:"kind"`
	Region    fleet.Region `json:"region"`
	Item      string       `json:"item"`
	Tenancy   string       `json:"tenancy,omitempty"`
	Operation string       `json:"operation,omitempty"`
	Platform  string       `json:"platform,omitempty"`
	USD       *decimal     `json:"usd"`
	Unit      string       `json:"unit,omitempty"`
	Status    price.Status `json:"status"`
	SKU       string       `json:"sku,omitempty"`
	RateCode  string       `json:"rate_code,omitempty"`
	Version   string       `json:"list_version,omitempty"`
	Published *time.Time   `json:"list_published,omitempty"`
	Note      string       `json:"note,omitempty"`
	UsedBy    int          `json:"used_by"`
	// Then is the price of the day that was asked for, Fetched when a kept price
	// was read.
	Then    *decimal   `json:"then_usd,omitempty"`
	Fetched *time.Time `json:"fetched,omitempty"`
}

func (a *commandLine) listPrices(ctx context.Context, costs *costFlags, asOf string) error {
	// Prices are all that is wanted: nothing is paid for.
	none := 0
	in := app.ReportInput{Hours: cost.AssumedHours}
	if err := costs.check(); err != nil {
		return err
	}
	s, err := a.open(ctx)
	if err != nil {
		return err
	}
	in.CostInput = costs.input(a)
	in.CostExplorer, in.CloudWatch = &none, &none
	report, err := s.Report(ctx, in)
	if err != nil {
		return err
	}
	then := map[int]price.Quote{}
	if asOf != "" {
		day, err := a.pastDay(asOf, costs)
		if err != nil {
			return err
		}
		if then, err = s.PricesOn(ctx, report, day); err != nil {
			return err
		}
	}
	if a.json {
		list := []listedPrice{}
		for n, p := range report.Prices {
			one := listedPrice{
				Kind: p.Kind, Region: p.Region, Item: p.Item, Tenancy: p.Tenancy, Operation: p.Operation, Platform: p.Platform,
				Unit: p.Rate.Unit, Status: p.Status, SKU: p.SKU, RateCode: p.Rate.Code, Version: p.Version, Note: p.Note, UsedBy: p.Uses,
			}
			one.USD = usableUSD(p.Quote)
			one.Then = usableUSD(then[n])
			if !p.Published.IsZero() {
				one.Published = &p.Published
			}
			list = append(list, one)
		}
		if err := a.printJSON(envelope{1, "prices", list}); err != nil {
			return err
		}
		return told(report)
	}
	if !a.quiet {
		a.printPrices(report.Prices, then, asOf)
	}
	return told(report)
}

// usableUSD is the price of a quote, nil where it has none.
func usableUSD(q price.Quote) *decimal {
	return decimalOf(cost.Amount{USD: q.Rate.USD, Known: q.Status.Usable()})
}

func (a *commandLine) printPrices(all []*cost.Price, then map[int]price.Quote, asOf string) {
	t := table{header: []string{"REGION", "PRICE OF", "PLATFORM", "USD", "PER", "STATUS", "SKU", "PUBLISHED", "USED BY"}}
	if asOf != "" {
		t.header = slices.Insert(t.header, 4, "ON "+asOf, "CHANGE")
	}
	for n, p := range all {
		item := p.Item
		if p.Tenancy != "" && p.Tenancy != "Shared" {
			item += " " + p.Tenancy
		}
		if p.Kind == string(cost.ReservationLine) {
			item += " unused"
		}
		published := "-"
		if !p.Published.IsZero() {
			published = p.Published.Format(time.DateOnly)
		}
		cells := []string{string(p.Region), item, cmp.Or(p.Platform, "-"), usdOf(p.Quote), cmp.Or(p.Rate.Unit, "-"), string(p.Status), cmp.Or(p.SKU, "-"), published, fmt.Sprint(p.Uses)}
		if asOf != "" {
			cells = slices.Insert(cells, 4, usdOf(then[n]), changeOf(then[n], p.Quote))
		}
		t.add(cells...)
	}
	narrow := []string{"SKU", "PUBLISHED", "USED BY", "STATUS", "PER"}
	if len(all) > 0 && !slices.ContainsFunc(all, func(p *cost.Price) bool { return p.Region != all[0].Region }) {
		narrow = append(narrow, "REGION")
	}
	t.fit(a.terminal(), narrow...)
	t.print(a.Stdout)
}

func usdOf(q price.Quote) string {
	if !q.Status.Usable() {
		return "-"
	}
	return q.Rate.USD.String()
}

// changeOf is by how many percent a price has changed.
func changeOf(then, now price.Quote) string {
	if !then.Status.Usable() || !now.Status.Usable() || then.Rate.USD == 0 {
		return "-"
	}
	if then.Rate.USD == now.Rate.USD {
		return "same"
	}
	return fmt.Sprintf("%+.2f %%", 100*(now.Rate.USD.Float()/then.Rate.USD.Float()-1))
}

// priceChanges lists what the cache has seen change.
func (a *commandLine) priceChanges(ctx context.Context, f *costFlags) error {
	_, changes, err := a.openKept(ctx, f)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(envelope{1, "price changes", changes})
	}
	t := table{header: []string{"SEEN", "REGION", "PRICE OF", "FROM", "TO", "PUBLISHED"}}
	for _, one := range changes {
		t.add(one.Seen.Format(time.DateOnly), string(one.Region), strings.TrimSpace(one.What), one.Old.String(), one.New.String(), one.Published.Format(time.DateOnly))
	}
	if a.quiet {
		return nil
	}
	t.print(a.Stdout)
	if len(changes) == 0 {
		fmt.Fprintln(a.Stdout, "no price has changed since prices are kept here")
	}
	return nil
}
