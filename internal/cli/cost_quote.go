package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightshift/internal/app"
	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/text"
)

// wishes are what the flags of quote ask for.
type wishes struct {
	instances, volumes            []string
	operation, tenancy            string
	snapshots, archive, addresses int64
	asOf                          string
}

func (a *commandLine) quoteCommand() *cobra.Command {
	var w wishes
	var f costFlags
	cmd := &cobra.Command{
		Use:   "quote",
		Short: "Tell what something would cost that does not exist yet",
		Long: `Tell what something would cost that does not exist yet, for a full month at list
prices: 730 hours of what is paid by the hour. With several regions each is
answered, so that they can be compared.

A volume is written as TYPE:GIB:IOPS:MIB/S, of which the last two may be left
out. The operation is the UsageOperation of the image; RunInstances, which is
Linux, is the default, and RunInstances:0002 is Windows.`,
		Example: `  nightshift cost quote --instance m5.xlarge --operation RunInstances:0002
  nightshift cost quote --volume gp3:1000:16000:1000 --region ap-northeast-2 --json
  nightshift cost quote --instance m5.xlarge --volume gp3:100 --as-of 2026-01-01`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.quote(cmd.Context(), w, &f)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&w.instances, "instance", nil, "an instance type; repeat for several")
	flags.StringVar(&w.operation, "operation", "RunInstances", "the operation that is billed, which stands for platform and licence")
	flags.StringVar(&w.tenancy, "tenancy", "default", "default or dedicated")
	flags.StringArrayVar(&w.volumes, "volume", nil, "a volume as TYPE:GIB[:IOPS[:MIB/S]]; repeat for several")
	flags.Int64Var(&w.snapshots, "snapshot", 0, "so many GiB of snapshots")
	flags.Int64Var(&w.archive, "archive", 0, "so many GiB of archived snapshots")
	flags.Int64Var(&w.addresses, "address", 0, "so many public IPv4 addresses")
	flags.StringVar(&w.asOf, "as-of", "", "the prices of a day, such as 2026-01-01, from the price lists that AWS keeps")
	f.addPrices(flags)
	complete(cmd, "instance")
	complete(cmd, "volume")
	complete(cmd, "tenancy", "default", "dedicated")
	var codes []string
	for _, o := range price.Operations() {
		codes = append(codes, o.Code+"\t"+o.Platform)
	}
	complete(cmd, "operation", codes...)
	return cmd
}

func (a *commandLine) quote(ctx context.Context, w wishes, f *costFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	in := app.QuoteInput{}
	var err error
	if in.Items, err = w.list(); err != nil {
		return err
	}
	if w.asOf != "" {
		if in.AsOf, err = a.pastDay(w.asOf, f); err != nil {
			return err
		}
	}
	s, err := a.openPrices(ctx, f)
	if err != nil {
		return err
	}
	in.CostInput = f.input(a)
	result, err := s.Quote(ctx, in)
	if err != nil {
		return err
	}
	err = a.show("quote", result.Quotations, func() {
		for n, q := range result.Quotations {
			if n > 0 {
				fmt.Fprintln(a.Stdout)
			}
			a.printQuotation(q)
		}
	})
	if err != nil {
		return err
	}
	errs := causes(result.Errors)
	unknown := result.Unknown
	switch {
	case unknown == len(result.Quotations):
		errs = append(errs, errors.New("the price list does not have all prices: the notes say which"))
	case unknown > 0 || len(errs) > 0:
		errs = append(errs, fmt.Errorf("%s without all prices", text.Count(unknown, "region is", "regions are")))
	}
	return ended(result.Status(), errors.Join(errs...))
}

// openPrices opens what looking at prices needs. With an offer file nothing is asked of
// AWS, and no credentials are needed.
func (a *commandLine) openPrices(ctx context.Context, f *costFlags) (s *app.Session, err error) {
	if f.priceList == "" {
		s, err = a.open(ctx)
	} else {
		home := splitList(cmp.Or(a.Env("AWS_REGION"), a.Env("AWS_DEFAULT_REGION")))
		s, err = a.openSelection(ctx, app.Selection{NamedRegions: true, DefaultRegions: home})
	}
	if err == nil && a.configNamed() {
		err = s.ConfigErr // its regions and places are not known
	}
	return s, err
}

// pastDay reads the day of --as-of. A day to come has no prices yet, and an
// offer file has those of one day, which is not asked for.
func (a *commandLine) pastDay(text string, f *costFlags) (time.Time, error) {
	day, err := time.Parse(time.DateOnly, text)
	switch {
	case err != nil:
		return day, fleet.Errorf(fleet.ErrInvalid, "--as-of %q: write the day like 2026-01-01", text)
	case day.After(a.Now()):
		return day, fleet.Errorf(fleet.ErrInvalid, "--as-of %s is in the future; its prices are not known", text)
	case f.priceList != "":
		return day, fleet.Errorf(fleet.ErrInvalid, "--as-of and --price-list exclude each other: a price list is of one day")
	}
	return day, nil
}

// list reads what is wished for.
func (w wishes) list() ([]cost.QuoteItem, error) {
	var all []cost.QuoteItem
	tenancy, ok := map[string]string{"default": "Shared", "shared": "Shared", "dedicated": "Dedicated"}[strings.ToLower(w.tenancy)]
	if !ok {
		return nil, fleet.Errorf(fleet.ErrInvalid, "--tenancy %q: must be default or dedicated", w.tenancy)
	}
	for _, kind := range w.instances {
		if family, size, ok := strings.Cut(kind, "."); !ok || family == "" || size == "" {
			return nil, fleet.Errorf(fleet.ErrInvalid, "--instance %q: not an instance type such as m5.xlarge", kind)
		}
		all = append(all, cost.QuoteItem{Instance: &price.InstanceKey{Type: fleet.InstanceType(kind), Tenancy: tenancy, Operation: w.operation}})
	}
	for _, text := range w.volumes {
		v, err := price.ParseVolume(text)
		if err != nil {
			return nil, fleet.Errorf(fleet.ErrInvalid, "--volume %w", err)
		}
		all = append(all, cost.QuoteItem{Volume: &v})
	}
	for _, other := range []cost.QuoteItem{
		{Dimension: price.SnapshotStorage, Quantity: w.snapshots, Unit: "GiB"},
		{Dimension: price.SnapshotArchive, Quantity: w.archive, Unit: "GiB"},
		{Dimension: price.AddressInUse, Quantity: w.addresses, Unit: "addresses"},
	} {
		switch {
		case other.Quantity < 0 || other.Quantity > price.MaxQuantity:
			return nil, fleet.Errorf(fleet.ErrInvalid, "--snapshot, --archive and --address take a number from 1 to %d", price.MaxQuantity)
		case other.Quantity > 0:
			all = append(all, other)
		}
	}
	if len(all) == 0 {
		return nil, fleet.Errorf(fleet.ErrInvalid, "nothing to price: name an --instance, a --volume, a --snapshot or an --address")
	}
	return all, nil
}

func (a *commandLine) printQuotation(q cost.Quotation) {
	t := table{header: []string{"IN " + strings.ToUpper(string(q.Region)), "BILLED AS", "QUANTITY", "PRICE", "A MONTH", "SKU"}}
	for _, p := range q.Parts {
		t.add(p.What, p.Dimension, fmt.Sprintf("%d %s", p.Quantity, p.Unit), rateText(p.Rate, p.RateUnit, "unknown"), amount(p.Monthly), p.SKU)
	}
	t.add("together", "", "", "", amount(q.Monthly), "")
	t.fit(a.terminal(), "SKU", "BILLED AS")
	t.print(a.Stdout)
	for _, note := range q.Notes {
		fmt.Fprintln(a.Stdout, "note:", text.Printable(note))
	}
}

// rateText writes a price and its unit, or none where it is unknown.
func rateText(rate cost.Amount, unit, none string) string {
	if !rate.Known {
		return none
	}
	return rate.USD.String() + " per " + unit
}
