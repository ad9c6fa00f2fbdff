package cli

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/pricelist"
)

// openKept reads the prices that are kept between runs.
func (a *commandLine) openKept(ctx context.Context, f *costFlags) ([]app.KeptPrices, []pricelist.Change, error) {
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
	list := []listedPrice{}
	for _, k := range kept {
		for _, e := range k.Entries {
			list = append(list, keptOf(k.Region, e)...)
		}
	}
	if a.json {
		return a.printJSON(envelope{1, "kept prices", list})
	}
	if a.quiet {
		return nil
	}
	t := table{header: []string{"REGION", "PRICE OF", "PLATFORM", "USD", "PER", "STATUS", "SKU", "PUBLISHED", "FETCHED"}}
	for _, p := range list {
		usd := "-"
		if p.USD != nil {
			usd = price.USD(*p.USD).String()
		}
		t.add(string(p.Region), p.Item, cmp.Or(p.Platform, "-"), usd, cmp.Or(p.Unit, "-"), string(p.Status), cmp.Or(p.SKU, "-"), dayText(p.Published), dayText(p.Fetched))
	}
	t.fit(a.terminal(), "SKU", "PUBLISHED", "STATUS", "PER")
	t.print(a.Stdout)
	if len(list) == 0 {
		fmt.Fprintln(a.Stdout, "no prices of these regions are kept yet; each report keeps those that it asks for")
	}
	return nil
}

// keptOf are the prices of one entry: that of an instance, or all rates of a
// region.
func keptOf(region fleet.Region, e pricelist.Entry) []listedPrice {
	if k := e.Key; k != nil {
		p := keptPrice(region, price.Pick(e.Products, *k), e.Fetched)
		p.Kind, p.Item, p.Tenancy, p.Operation, p.Platform = "instance", string(k.Type), k.Tenancy, k.Operation, price.Platform(k.Operation)
		if k.Tenancy != "Shared" {
			p.Item += " " + k.Tenancy
		}
		if k.Unused {
			p.Item += " unused"
		}
		return []listedPrice{p}
	}
	var all []listedPrice
	rates, seen := price.PickRates(e.Products, region), map[string]bool{}
	for _, product := range e.Products {
		dimension, ok := product.Dimension()
		if !ok || seen[dimension] {
			continue
		}
		seen[dimension] = true
		p := keptPrice(region, rates.Quote(dimension), e.Fetched)
		p.Kind, p.Item = "rate", dimension
		all = append(all, p)
	}
	return all
}

func keptPrice(region fleet.Region, q price.Quote, fetched time.Time) listedPrice {
	p := listedPrice{Region: region, USD: usableUSD(q), Unit: q.Rate.Unit, Status: q.Status, SKU: q.SKU, RateCode: q.Rate.Code, Version: q.Version, Note: q.Note}
	if !q.Published.IsZero() {
		p.Published = &q.Published
	}
	if !fetched.IsZero() {
		p.Fetched = &fetched
	}
	return p
}

func dayText(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.Format(time.DateOnly)
}
