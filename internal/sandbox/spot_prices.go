package sandbox

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// spotRow is a spot price from a moment on.
type spotRow struct {
	spotSeries
	at    time.Time
	until time.Time
	price listPrice
	seq   uint64 // of the stretch, the newest first
	index int    // within the stretch
}

// text writes the price with six decimals, as EC2 does.
func (r spotRow) text() string { return r.price.String()[:len(r.price.String())-4] }

// describeSpotPrices is DescribeSpotPriceHistory: the prices that were in force
// at some time between StartTime and EndTime, the newest first. The oldest one
// of each kind is from before StartTime.
func (c *ec2Call) describeSpotPrices() *apiError {
	kinds, products, zone := c.form.texts("InstanceType"), c.form.texts("ProductDescription"), c.form.text("AvailabilityZone")
	from, err := c.form.instant("StartTime", c.now.Add(-spotKept))
	if err != nil {
		return err
	}
	to, err := c.form.instant("EndTime", c.now)
	if err != nil {
		return err
	}
	fs, err := readFilters(c.form, spotPriceFilters(), "availability-zone-id")
	if err != nil {
		return err
	}
	p, err := c.pageFrom(1, 1000, len(fs) > 0)
	if err != nil {
		return err
	}
	if p.size == 0 {
		p.size = 1000 // this operation never answers with everything
	}
	if err := c.readOnly(); err != nil {
		return err
	}
	if to.After(c.now) {
		to = c.now
	}
	if oldest := c.now.Add(-spotKept); from.Before(oldest) {
		from = oldest
	}
	if from.After(to) {
		from = to
	}
	for n, name := range products {
		products[n] = strings.TrimSuffix(name, " (Amazon VPC)")
	}
	series := slices.DeleteFunc(c.spotSeries(kinds), func(s spotSeries) bool {
		return zone != "" && s.zone != zone || len(products) > 0 && !slices.Contains(products, s.product)
	})
	rows, token := cutPage(p, spotRows(p, series, from, to, fs), func(r spotRow) (uint64, int) { return r.seq, r.index })
	c.out.open("spotPriceHistorySet")
	for _, r := range rows {
		c.out.open("item")
		c.out.text("instanceType", r.kind)
		c.out.text("productDescription", r.product)
		c.out.text("spotPrice", r.text())
		c.out.time("timestamp", r.at)
		c.out.text("availabilityZone", r.zone)
		c.out.end("item")
	}
	c.out.end("spotPriceHistorySet")
	c.out.text("nextToken", token) // empty at the end, and there all the same
	return nil
}

// spotSeries lists what has a spot price in the region: of the given types, or
// of all.
func (c *ec2Call) spotSeries(kinds []string) []spotSeries {
	if len(kinds) == 0 {
		kinds = c.org.catalog.priced(c.region.name)
	}
	products := spotProducts()
	var list []spotSeries
	for _, kind := range slices.Compact(slices.Sorted(slices.Values(kinds))) {
		spec, ok := c.org.types.spec(kind)
		if !ok {
			continue
		}
		for _, product := range slices.Sorted(maps.Keys(products)) {
			usd, ok := c.org.catalog.onDemand(c.region.name, spec, products[product])
			if !ok {
				continue
			}
			for _, zone := range c.region.zones() {
				list = append(list, spotSeries{kind, zone, product, usd})
			}
		}
	}
	return list
}

// spotRows goes through the history from its end, stretch by stretch, until a
// page is full.
func spotRows(p page, series []spotSeries, from, to time.Time, fs []filter[spotRow]) []spotRow {
	if len(series) == 0 {
		return nil
	}
	const places = 1 << 32 // a place grows with the age of the stretch
	oldest := from.Unix()/int64(spotStretch/time.Second) - 1
	var rows []spotRow
	for stretch := to.Unix() / int64(spotStretch/time.Second); stretch >= oldest && len(rows) <= p.size; stretch-- {
		if seq := uint64(places - stretch); p.begun && seq < p.seq {
			continue
		}
		for n, r := range spotStretchRows(series, stretch) {
			r.seq, r.index = uint64(places-stretch), n
			if p.after(r.seq, r.index) && !r.at.After(to) && r.until.After(from) && matchAll(fs, r) {
				rows = append(rows, r)
			}
		}
	}
	return rows
}

// spotStretchRows are the changes of one stretch, the newest first.
func spotStretchRows(series []spotSeries, stretch int64) []spotRow {
	rows := make([]spotRow, len(series))
	for n, s := range series {
		at, usd := s.change(stretch)
		until, _ := s.change(stretch + 1)
		rows[n] = spotRow{spotSeries: s, at: at, until: until, price: usd}
	}
	slices.SortStableFunc(rows, func(a, b spotRow) int { return cmp.Compare(b.at.Unix(), a.at.Unix()) })
	return rows
}

// spotPriceFilters are the filters of DescribeSpotPriceHistory.
func spotPriceFilters() fields[spotRow] {
	return fields[spotRow]{
		"availability-zone":   func(r spotRow) []string { return one(r.zone) },
		"instance-type":       func(r spotRow) []string { return one(r.kind) },
		"product-description": func(r spotRow) []string { return []string{r.product, r.product + " (Amazon VPC)"} },
		"spot-price":          func(r spotRow) []string { return one(r.text()) },
		"timestamp":           func(r spotRow) []string { return one(iso(r.at)) },
	}
}
