package trend

import (
	"cmp"
	"slices"
	"strings"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// Changes are the resources whose cost changed most between two days of the
// history. Costs are in USD a month at the pace of the month so far: the price
// of 730 hours × the share of the month so far that an instance ran, and a full
// month of what is not paid by running.
type Changes struct {
	From Date `json:"from"`
	To   Date `json:"to"`
	// Top are those with the largest difference up or down, the largest first.
	Top []ResourceChange `json:"top"`
	// Others adds up those that are not among Top, and Total all: its Before and
	// After are the known costs of all resources, its parts what lies between.
	Others ChangeSum `json:"others"`
	Total  ChangeSum `json:"total"`
}

// ChangeSum adds up resources whose cost changed.
type ChangeSum struct {
	Count  int       `json:"count"`
	Before price.USD `json:"before_usd"`
	After  price.USD `json:"after_usd"`
	Change Change    `json:"change"`
}

// ResourceChange is one resource whose cost changed.
type ResourceChange struct {
	Account fleet.Account `json:"account"`
	Region  fleet.Region  `json:"region"`
	Kind    RowKind       `json:"kind"`
	ID      string        `json:"id"`
	Name    string        `json:"name"`
	Type    string        `json:"type"` // "m5.large", or "gp2 → gp3" where it changed
	// Before and After are nil where the resource or its price was not known.
	Before *price.USD `json:"before_usd"`
	After  *price.USD `json:"after_usd"`
	Change Change     `json:"change"`
}

// Change takes a difference apart by its causes. Its parts add up to it exactly:
// the cost moves from the first day's to the second's in steps, and each part is
// one step. First the configuration changes at the first day's prices and hours,
// then the prices, then the hours.
type Change struct {
	New  price.USD `json:"new_usd"`  // was not there before
	Gone price.USD `json:"gone_usd"` // is no longer there
	Type price.USD `json:"type_usd"` // another type, tenancy, platform or way of buying
	Size price.USD `json:"size_usd"` // other sizes, IOPS, throughput, quantities
	// Price is what the price list or the spot market changed.
	Price price.USD `json:"price_usd"`
	Hours price.USD `json:"hours_usd"` // ran for another share of the month
	// Other is what changed in what is known: a cost that was not known before,
	// or no longer is, or that another snapshot of the volume carried.
	Other price.USD `json:"other_usd"`
}

// cause is one part of a change with its name.
type cause struct {
	name string
	usd  price.USD
}

func (c Change) causes() []cause {
	return []cause{
		{"new", c.New},
		{"gone", c.Gone},
		{"type", c.Type},
		{"size", c.Size},
		{"price", c.Price},
		{"hours", c.Hours},
		{"other", c.Other},
	}
}

// Sum is the whole difference.
func (c Change) Sum() price.USD {
	var sum price.USD
	for _, part := range c.causes() {
		sum = sum.Add(part.usd)
	}
	return sum
}

// Cause names the largest part; it is empty where nothing changed.
func (c Change) Cause() string {
	var most cause
	for _, part := range c.causes() {
		if magnitude(part.usd) > magnitude(most.usd) {
			most = part
		}
	}
	return most.name
}

func (c Change) add(d Change) Change {
	return Change{
		New: c.New.Add(d.New), Gone: c.Gone.Add(d.Gone), Type: c.Type.Add(d.Type), Size: c.Size.Add(d.Size),
		Price: c.Price.Add(d.Price), Hours: c.Hours.Add(d.Hours), Other: c.Other.Add(d.Other),
	}
}

func magnitude(u price.USD) price.USD { return max(u, -u) }

// add puts a resource into the sum.
func (s *ChangeSum) add(m ResourceChange) {
	if m.Before != nil {
		s.Before = s.Before.Add(*m.Before)
	}
	if m.After != nil {
		s.After = s.After.Add(*m.After)
	}
	s.Change = s.Change.add(m.Change)
	if m.Change != (Change{}) {
		s.Count++
	}
}

// PickDays chooses the days that are compared where nobody says which: the last
// one, and the last one at least a week before it, else the oldest. It is false
// where there are not two days. The dates are in order.
func PickDays(dates []Date) (from, to Date, ok bool) {
	if len(dates) < 2 {
		return 0, 0, false
	}
	to = dates[len(dates)-1]
	from = dates[0]
	for _, d := range dates {
		if d <= to-7 {
			from = d
		}
	}
	return from, to, true
}

// Compare finds what changed between two days, and keeps the n resources that
// changed most. Of the first day it holds what it needs of every resource in
// memory, of the second one nothing.
func Compare(from, to Day, n int) (*Changes, error) {
	before := map[rowKey]figure{}
	rates := map[sku]price.USD{}
	for row, err := range from.Rows {
		if err != nil {
			return nil, err
		}
		f := figureOf(row)
		before[row.key()] = f
		for _, p := range f.parts {
			if p.id.sku != "" && p.rate.Known {
				rates[p.id] = p.rate.USD
			}
		}
	}
	c := comparison{n: n, rates: rates, result: &Changes{From: from.Date, To: to.Date}}
	for row, err := range to.Rows {
		if err != nil {
			return nil, err
		}
		f, had := before[row.key()]
		delete(before, row.key())
		c.add(c.changed(row.key(), f, figureOf(row), had))
	}
	for name, f := range before {
		c.add(gone(name, f))
	}
	return c.finish(), nil
}

// comparison collects changes. It holds no more than twice as many as are asked
// for.
type comparison struct {
	n      int
	rates  map[sku]price.USD
	result *Changes
}

func (c *comparison) add(m ResourceChange) {
	c.result.Total.add(m)
	if m.Change == (Change{}) {
		c.result.Others.add(m)
		return
	}
	if c.result.Top = append(c.result.Top, m); len(c.result.Top) >= 2*max(c.n, 500) {
		c.cut()
	}
}

// cut keeps the largest and adds the others up.
func (c *comparison) cut() {
	slices.SortFunc(c.result.Top, func(a, b ResourceChange) int {
		return cmp.Or(cmp.Compare(magnitude(b.Change.Sum()), magnitude(a.Change.Sum())),
			cmp.Compare(magnitude(b.Change.largest()), magnitude(a.Change.largest())),
			strings.Compare(string(a.Account), string(b.Account)), strings.Compare(string(a.Region), string(b.Region)),
			strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.ID, b.ID))
	})
	if len(c.result.Top) <= c.n {
		return
	}
	for _, m := range c.result.Top[c.n:] {
		c.result.Others.add(m)
	}
	clear(c.result.Top[c.n:])
	c.result.Top = c.result.Top[:c.n]
}

func (c *comparison) finish() *Changes {
	c.cut()
	return c.result
}

// largest is the largest part, by which changes of the same sum are sorted.
func (c Change) largest() price.USD {
	var most price.USD
	for _, part := range c.causes() {
		most = max(most, magnitude(part.usd))
	}
	return most
}
