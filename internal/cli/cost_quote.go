package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
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

// quotation is a quotation as --json prints it.
type quotation struct {
	Version int             `json:"version"`
	Kind    string          `json:"kind"`
	Region  fleet.Region    `json:"region"`
	Monthly *decimal        `json:"monthly_usd"`
	Status  price.Status    `json:"status"`
	Parts   []quotationPart `json:"parts"`
	Notes   []string        `json:"notes,omitempty"`
}

type quotationPart struct {
	What      string       `json:"what"`
	Dimension string       `json:"dimension"`
	Quantity  int64        `json:"quantity"`
	Unit      string       `json:"unit"`
	Rate      *decimal     `json:"rate_usd"`
	RateUnit  string       `json:"rate_unit,omitempty"`
	Monthly   *decimal     `json:"monthly_usd"`
	Status    price.Status `json:"status"`
	SKU       string       `json:"sku,omitempty"`
	RateCode  string       `json:"rate_code,omitempty"`
	List      string       `json:"list_version,omitempty"`
	Published *time.Time   `json:"list_published,omitempty"`
	Note      string       `json:"note,omitempty"`
}

func (a *commandLine) quote(ctx context.Context, w wishes, f *costFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	in := app.QuoteInput{}
	var err error
	if in.Items, err = w.list(""); err != nil {
		return err
	}
	if w.asOf != "" {
		if in.AsOf, err = a.pastDay(w.asOf, f); err != nil {
			return err
		}
	}
	s, err := a.openPrices(ctx, f, &in)
	if err != nil {
		return err
	}
	in.CostInput = f.input(a)
	result, err := s.Quote(ctx, in)
	if err != nil {
		return err
	}
	if err := a.showQuotations(result.Quotations); err != nil {
		return err
	}
	var errs []error
	for _, e := range result.Errors {
		errs = append(errs, e.Err)
	}
	unknown := result.Unknown()
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
func (a *commandLine) openPrices(ctx context.Context, f *costFlags, in *app.QuoteInput) (*app.Session, error) {
	if f.priceList == "" {
		return a.open(ctx)
	}
	s, err := a.openConfig(ctx, false)
	if err != nil {
		return nil, err
	}
	lists := [][]string{a.regions, nil, splitList(a.Env("NIGHTSHIFT_REGIONS")), splitList(cmp.Or(a.Env("AWS_REGION"), a.Env("AWS_DEFAULT_REGION")))}
	if s.Config != nil {
		lists[1] = s.Config.Regions
	}
	n := slices.IndexFunc(lists, func(list []string) bool { return len(list) > 0 })
	switch {
	case n < 0:
		return nil, fleet.Errorf(fleet.ErrInvalid, "no region: pass --region, or set AWS_REGION or NIGHTSHIFT_REGIONS")
	case slices.Contains(lists[n], "all"):
		return nil, fleet.Errorf(fleet.ErrInvalid, "--region all asks AWS for the regions, and with --price-list AWS is not asked: name them")
	}
	in.Regions, err = app.ParseRegions(lists[n])
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

// mostWished is the largest number of anything that is priced: more is a
// mistake, and its price would have too many digits.
const mostWished = 100_000_000

// list reads what is wished for.
func (w wishes) list(region fleet.Region) ([]cost.QuoteItem, error) {
	var all []cost.QuoteItem
	tenancy, ok := map[string]string{"default": "Shared", "shared": "Shared", "dedicated": "Dedicated"}[strings.ToLower(w.tenancy)]
	if !ok {
		return nil, fleet.Errorf(fleet.ErrInvalid, "--tenancy %q: must be default or dedicated", w.tenancy)
	}
	for _, kind := range w.instances {
		if family, size, ok := strings.Cut(kind, "."); !ok || family == "" || size == "" {
			return nil, fleet.Errorf(fleet.ErrInvalid, "--instance %q: not an instance type such as m5.xlarge", kind)
		}
		all = append(all, cost.QuoteItem{Instance: &price.InstanceKey{Region: region, Type: fleet.InstanceType(kind), Tenancy: tenancy, Operation: w.operation}})
	}
	for _, text := range w.volumes {
		v, err := parseVolume(text)
		if err != nil {
			return nil, err
		}
		all = append(all, cost.QuoteItem{Volume: &v})
	}
	for _, other := range []cost.QuoteItem{
		{Dimension: price.SnapshotStorage, Quantity: w.snapshots, Unit: "GiB"},
		{Dimension: price.SnapshotArchive, Quantity: w.archive, Unit: "GiB"},
		{Dimension: price.AddressInUse, Quantity: w.addresses, Unit: "addresses"},
	} {
		switch {
		case other.Quantity < 0 || other.Quantity > mostWished:
			return nil, fleet.Errorf(fleet.ErrInvalid, "--snapshot, --archive and --address take a number from 1 to %d", mostWished)
		case other.Quantity > 0:
			all = append(all, other)
		}
	}
	if len(all) == 0 {
		return nil, fleet.Errorf(fleet.ErrInvalid, "nothing to price: name an --instance, a --volume, a --snapshot or an --address")
	}
	return all, nil
}

// parseVolume reads "gp3:1000:16000:1000". What is left out is what EC2 gives
// without being asked: 3,000 IOPS and 125 MiB/s for gp3. The volumes that are
// billed for IOPS must say how many.
func parseVolume(text string) (fleet.Volume, error) {
	bad := func(why string) (fleet.Volume, error) {
		return fleet.Volume{}, fleet.Errorf(fleet.ErrInvalid, "--volume %q: %s; write TYPE:GIB:IOPS:MIB/S, for example gp3:1000:16000:1000", text, why)
	}
	words := strings.Split(text, ":")
	if len(words) < 2 || len(words) > 4 {
		return bad("there must be two to four parts")
	}
	v := fleet.Volume{Type: fleet.VolumeType(words[0])}
	for n, into := range []*int64{&v.SizeGiB, &v.IOPS, &v.ThroughputMiBps} {
		if len(words) <= n+1 {
			break
		}
		number, err := strconv.ParseInt(words[n+1], 10, 64)
		if err != nil || number <= 0 || number > mostWished {
			return bad(fmt.Sprintf("%q is not a number that can be", words[n+1]))
		}
		*into = number
	}
	provisioned := v.Type == fleet.IO1 || v.Type == fleet.IO2
	switch {
	case provisioned && v.IOPS == 0:
		return bad("its IOPS are billed")
	case provisioned && v.ThroughputMiBps > 0:
		return bad("its throughput comes with its IOPS")
	case !provisioned && v.Type != fleet.GP3 && v.IOPS > 0:
		return bad(string(v.Type) + " has neither IOPS nor throughput to choose")
	}
	return v, nil
}

// showQuotations prints the answers: as JSON one document, which is the answer
// itself where one region is asked for.
func (a *commandLine) showQuotations(all []cost.Quotation) error {
	if a.json {
		var list []quotation
		for _, q := range all {
			list = append(list, quotationOf(q))
		}
		if len(list) == 1 {
			return a.printJSON(list[0])
		}
		return a.printJSON(envelope{1, "quotes", list})
	}
	if a.quiet {
		return nil
	}
	for n, q := range all {
		if n > 0 {
			fmt.Fprintln(a.Stdout)
		}
		a.printQuotation(q)
	}
	return nil
}

func quotationOf(q cost.Quotation) quotation {
	out := quotation{Version: 1, Kind: "quote", Region: q.Region, Monthly: decimalOf(q.Monthly), Status: q.Status, Parts: []quotationPart{}, Notes: q.Notes}
	for _, p := range q.Parts {
		part := quotationPart{
			What: p.What, Dimension: p.Dimension, Quantity: p.Quantity, Unit: p.Unit, RateUnit: p.Quote.Rate.Unit, Monthly: decimalOf(p.Monthly),
			Status: p.Quote.Status, SKU: p.Quote.SKU, RateCode: p.Quote.Rate.Code, List: p.Quote.Version, Note: p.Quote.Note,
		}
		if p.Quote.Status.Usable() {
			part.Rate = decimalOf(cost.Amount{USD: p.Quote.Rate.USD, Known: true})
		}
		if !p.Quote.Published.IsZero() {
			part.Published = &p.Quote.Published
		}
		out.Parts = append(out.Parts, part)
	}
	return out
}

func (a *commandLine) printQuotation(q cost.Quotation) {
	t := table{header: []string{"IN " + strings.ToUpper(string(q.Region)), "BILLED AS", "QUANTITY", "PRICE", "A MONTH", "SKU"}}
	for _, p := range q.Parts {
		rate := "unknown"
		if p.Quote.Status.Usable() {
			rate = p.Quote.Rate.USD.String() + " per " + p.Quote.Rate.Unit
		}
		t.add(p.What, p.Dimension, fmt.Sprintf("%d %s", p.Quantity, p.Unit), rate, amount(p.Monthly), p.Quote.SKU)
	}
	t.add("together", "", "", "", amount(q.Monthly), "")
	t.fit(a.terminal(), "SKU", "BILLED AS")
	t.print(a.Stdout)
	for _, note := range q.Notes {
		fmt.Fprintln(a.Stdout, "note:", text.Printable(note))
	}
}
