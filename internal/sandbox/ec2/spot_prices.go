package ec2

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"nightshift/internal/sandbox/catalog"
	"nightshift/internal/sandbox/wire"
)

// spotRow is a spot price from a moment on.
type spotRow struct {
	catalog.SpotSeries
	at    time.Time
	until time.Time
	price catalog.Price
	seq   uint64 // of the stretch, the newest first
	index int    // within the stretch
}

// text writes the price with six decimals, as EC2 does.
func (r spotRow) text() string { return r.price.String()[:len(r.price.String())-4] }

// describeSpotPrices is DescribeSpotPriceHistory: the prices that were in force
// at some time between StartTime and EndTime, the newest first. The oldest one
// of each kind is from before StartTime.
func (c *ec2Call) describeSpotPrices() *wire.Error {
	kinds, products, zone := c.Params.Texts("InstanceType"), c.Params.Texts("ProductDescription"), c.Params.Text("AvailabilityZone")
	from, err := c.Params.Instant("StartTime", c.Now.Add(-catalog.SpotRetention))
	if err != nil {
		return err
	}
	to, err := c.Params.Instant("EndTime", c.Now)
	if err != nil {
		return err
	}
	fs, err := wire.ReadFilters(c.Params, spotPriceFilters(), "availability-zone-id")
	if err != nil {
		return err
	}
	p, err := c.pageFrom(1, 1000, len(fs) > 0)
	if err != nil {
		return err
	}
	if p.Size == 0 {
		p.Size = 1000 // this operation never answers with everything
	}
	if err := c.readOnly(); err != nil {
		return err
	}
	if to.After(c.Now) {
		to = c.Now
	}
	if oldest := c.Now.Add(-catalog.SpotRetention); from.Before(oldest) {
		from = oldest
	}
	if from.After(to) {
		from = to
	}
	for n, name := range products {
		products[n] = strings.TrimSuffix(name, " (Amazon VPC)")
	}
	series := slices.DeleteFunc(c.spotSeries(kinds), func(s catalog.SpotSeries) bool {
		return zone != "" && s.Zone != zone || len(products) > 0 && !slices.Contains(products, s.Product)
	})
	rows, token := wire.CutPage(p, spotRows(p, series, from, to, fs), func(r spotRow) (uint64, int) { return r.seq, r.index })
	c.Out.Open("spotPriceHistorySet")
	for _, r := range rows {
		c.Out.Open("item")
		c.Out.Text("instanceType", r.Kind)
		c.Out.Text("productDescription", r.Product)
		c.Out.Text("spotPrice", r.text())
		c.Out.Time("timestamp", r.at)
		c.Out.Text("availabilityZone", r.Zone)
		c.Out.End("item")
	}
	c.Out.End("spotPriceHistorySet")
	c.Out.Text("nextToken", token) // empty at the end, and there all the same
	return nil
}

// SpotSeries lists what has a spot price in the region: of the given types, or
// of all.
func (c *ec2Call) spotSeries(kinds []string) []catalog.SpotSeries {
	if len(kinds) == 0 {
		kinds = c.Organization.Catalog.Priced(c.Region.Name)
	}
	products := catalog.SpotProducts()
	var list []catalog.SpotSeries
	for _, kind := range slices.Compact(slices.Sorted(slices.Values(kinds))) {
		spec, ok := c.Organization.Types.Spec(kind)
		if !ok {
			continue
		}
		for _, product := range slices.Sorted(maps.Keys(products)) {
			usd, ok := c.Organization.Catalog.OnDemand(c.Region.Name, spec, products[product])
			if !ok {
				continue
			}
			for _, zone := range c.Region.Zones() {
				list = append(list, catalog.SpotSeries{Kind: kind, Zone: zone, Product: product, OnDemand: usd})
			}
		}
	}
	return list
}

// spotRows goes through the history from its end, stretch by stretch, until a
// page is full.
func spotRows(p wire.Page, series []catalog.SpotSeries, from, to time.Time, fs []wire.Filter[spotRow]) []spotRow {
	if len(series) == 0 {
		return nil
	}
	const maxSeq = 1 << 32 // a sequence number grows with the age of the stretch
	oldest := from.Unix()/int64(catalog.SpotStretch/time.Second) - 1
	var rows []spotRow
	for stretch := to.Unix() / int64(catalog.SpotStretch/time.Second); stretch >= oldest && len(rows) <= p.Size; stretch-- {
		if seq := uint64(maxSeq - stretch); p.Begun && seq < p.Seq {
			continue
		}
		for n, r := range spotStretchRows(series, stretch) {
			r.seq, r.index = uint64(maxSeq-stretch), n
			if p.After(r.seq, r.index) && !r.at.After(to) && r.until.After(from) && wire.MatchAll(fs, r) {
				rows = append(rows, r)
			}
		}
	}
	return rows
}

// spotStretchRows are the changes of one stretch, the newest first.
func spotStretchRows(series []catalog.SpotSeries, stretch int64) []spotRow {
	rows := make([]spotRow, len(series))
	for n, s := range series {
		at, usd := s.Change(stretch)
		until, _ := s.Change(stretch + 1)
		rows[n] = spotRow{SpotSeries: s, at: at, until: until, price: usd}
	}
	slices.SortStableFunc(rows, func(a, b spotRow) int { return cmp.Compare(b.at.Unix(), a.at.Unix()) })
	return rows
}

// spotPriceFilters are the filters of DescribeSpotPriceHistory.
func spotPriceFilters() wire.Fields[spotRow] {
	return wire.Fields[spotRow]{
		"availability-zone":   func(r spotRow) []string { return wire.NonEmpty(r.Zone) },
		"instance-type":       func(r spotRow) []string { return wire.NonEmpty(r.Kind) },
		"product-description": func(r spotRow) []string { return []string{r.Product, r.Product + " (Amazon VPC)"} },
		"spot-price":          func(r spotRow) []string { return wire.NonEmpty(r.text()) },
		"timestamp":           func(r spotRow) []string { return wire.NonEmpty(iso(r.at)) },
	}
}
