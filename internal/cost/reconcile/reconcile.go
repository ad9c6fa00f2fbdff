// Package reconcile compares what AWS billed with list prices and says why they
// differ, resource by resource. It is pure: a report and lines of the bill in,
// a Reconciliation out.
//
// It may import cost, fleet and price.
package reconcile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// Label says why the bill and the price list differ.
type Label string

// The labels.
const (
	// Commitment: a Savings Plan or a reservation paid, or was bought.
	Commitment Label = "commitment"
	// Spot: the price of the Spot market was another than the report's.
	Spot Label = "spot"
	// Credit: credits, refunds and the free tier.
	Credit Label = "credit"
	// Lag: the bill does not have this time, mostly not yet.
	Lag Label = "lag"
	// PrivateRate: the same discount on everything that is paid on demand.
	PrivateRate Label = "private-rate"
	// Tax: taxes that are billed by resource.
	Tax Label = "tax"
	// OnlyInBill: the report does not have the resource, which may be gone.
	OnlyInBill Label = "only-in-bill"
	// OnlyInList: the bill does not have the resource.
	OnlyInList Label = "only-in-list"
	// Hours: the bill has another quantity than the report, for time that
	// it does cover.
	Hours Label = "hours"
	// Estimate: the same where the report had to assume the quantity.
	Estimate Label = "estimate"
	// ListPrice: the bill's own list price is not the report's, because it
	// or the instance's type has changed this month.
	ListPrice Label = "list-price"
	// OtherUsage: usage that the report does not price, such as data
	// transfer.
	OtherUsage Label = "other-usage"
	// Unknown: none of these.
	Unknown Label = "unknown"
)

// Reconciliation compares what AWS billed with list prices between two instants:
// of an export month to date, of Cost Explorer the time that it covers. What is
// left of taxes, credits and purchases without a resource is not in it.
type Reconciliation struct {
	Sources []string  `json:"sources"` // of the bill
	From    time.Time `json:"from"`
	To      time.Time `json:"to"` // exclusive
	// Covered is the time for which the bill has lines, by account.
	Covered map[fleet.Account]fleet.Span `json:"covered"`
	// Rows come by the size of the difference.
	Rows   []Row    `json:"rows"`
	Labels []Sum    `json:"labels"` // by size
	Total  Sum      `json:"total"`
	Notes  []string `json:"notes"`
}

// Row is one resource.
type Row struct {
	Target   fleet.Target `json:"target"`
	Resource string       `json:"resource"`
	Name     string       `json:"name"`
	// Kind is "instance", "volume" or a LineKind.
	Kind string `json:"kind"`
	// Billed is what the invoice has, credits and taxes included; Effective the
	// same with commitments spread over what they pay for. Effective is nil where
	// the bill does not say, List where there is no price.
	Billed    price.USD  `json:"billed_usd"`
	Effective *price.USD `json:"effective_usd"`
	List      *price.USD `json:"list_usd"`
	// Difference is Billed less List, which counts as nothing where it is nil.
	Difference price.USD `json:"difference_usd"`
	// Label is the largest of Causes, empty where the difference is below a cent.
	Label Label `json:"label"`
	// Causes add up to Difference exactly, the largest first.
	Causes []Cause `json:"causes"`
	// BilledHours and Hours are those of the bill and of the report; only
	// instances have them.
	BilledHours time.Duration `json:"billed_hours_ns"`
	Hours       time.Duration `json:"hours_ns"`
	Note        string        `json:"note"`
}

// Cause is the part of a difference that one label explains.
type Cause struct {
	Label Label     `json:"label"`
	USD   price.USD `json:"usd"`
}

// Sum adds up what has one label, or all, whose label is empty. Billed,
// Effective and List are of all only: a row may have several labels.
type Sum struct {
	Label      Label      `json:"label"`
	Rows       int        `json:"rows"`
	Billed     price.USD  `json:"billed_usd"`
	Effective  *price.USD `json:"effective_usd"` // nil where one is not known
	List       price.USD  `json:"list_usd"`
	Difference price.USD  `json:"difference_usd"`
}

// WithExport compares a report with an export of the bill. Lines may be of any
// time and account: those that do not begin in the report's month to date and
// those of other accounts and regions are left out. What the bill covers is the
// time from its first to its last usage.
func WithExport(r cost.Report, lines []price.BillLine, from ...string) *Reconciliation {
	c := newReconciliation(r, from)
	whole := fleet.Span{From: r.Month.Now, To: r.Month.Start}
	var ours []price.BillLine
	for _, line := range lines {
		switch {
		case !inside(line, c.span):
			continue
		case !c.scope[fleet.Target{Account: line.Account, Region: line.Region}]:
			c.exclude(line)
			continue
		}
		ours = append(ours, line)
		if !usage(line) {
			continue
		}
		if line.Start.Before(whole.From) {
			whole.From = line.Start
		}
		if line.End.After(whole.To) {
			whole.To = line.End
		}
	}
	whole = whole.Within(c.span)
	for _, line := range ours {
		if whole.Length() > 0 {
			c.covered[line.Account] = whole
		}
	}
	for _, i := range r.Instances {
		c.put(i.Target, string(i.ID), instanceKind, &resource{instance: i, list: i.EC2()})
	}
	for _, v := range r.Volumes {
		c.put(v.Target, string(v.ID), volumeKind, &resource{volume: v, list: v.ToDate})
	}
	for _, l := range r.Lines {
		c.put(l.Target, l.ID, string(l.Kind), &resource{line: l, list: l.ToDate})
	}
	return c.result(ours)
}

// WithCostExplorer compares a report with the lines of Cost Explorer that its
// hours come from. These are of instances only, and of the last days: hours and
// list prices are of the same time. It is nil where there are none.
//
// Cost Explorer does not name regions. Lines of instances that the report does
// not have count as elsewhere unless the usage type begins as those of the
// report's instances do.
func WithCostExplorer(r cost.Report) *Reconciliation {
	c := newReconciliation(r, []string{"Cost Explorer"})
	maps.Copy(c.covered, r.Evidence.Covered)
	for _, i := range r.Instances {
		if _, asked := c.covered[i.Target.Account]; asked {
			c.put(i.Target, string(i.ID), instanceKind, &resource{instance: i, asBilled: true})
		}
	}
	prefixes := map[string]bool{}
	var ours []price.BillLine
	for _, line := range r.Evidence.Billed {
		if span, ok := r.Evidence.Covered[line.Account]; !ok || line.Start.Before(span.From) || line.End.After(span.To) {
			continue
		}
		if c.resources[resourceKey{line.Account, line.Resource, instanceKind}] != nil {
			prefixes[prefixOf(line.UsageType)] = true
		}
		ours = append(ours, line)
	}
	ours = slices.DeleteFunc(ours, func(line price.BillLine) bool {
		here := prefixes[prefixOf(line.UsageType)] || c.resources[resourceKey{line.Account, line.Resource, instanceKind}] != nil
		if !here {
			c.exclude(line)
		}
		return !here
	})
	if len(ours) == 0 {
		return nil
	}
	c.span = fleet.Span{From: ours[0].Start, To: ours[0].End}
	for _, line := range ours {
		if line.Start.Before(c.span.From) {
			c.span.From = line.Start
		}
		if line.End.After(c.span.To) {
			c.span.To = line.End
		}
	}
	return c.result(ours)
}

// exclude counts a line that is out of scope.
func (c *reconciliation) exclude(line price.BillLine) {
	c.elsewhere++
	c.elsewhereUSD = c.elsewhereUSD.Add(line.Billed)
}

// inside is true for what begins in a span.
func inside(line price.BillLine, span fleet.Span) bool {
	return !line.Start.Before(span.From) && line.Start.Before(span.To)
}

// reconciliation is a Reconciliation that is being made.
type reconciliation struct {
	span    fleet.Span
	sources []string
	// scope are the report's targets, and its accounts without a region.
	scope     map[fleet.Target]bool
	covered   map[fleet.Account]fleet.Span
	month     time.Duration
	resources map[resourceKey]*resource
	order     []*resource
	private   discount
	// elsewhere counts the lines that are out of scope.
	elsewhere    int
	elsewhereUSD price.USD
}

func newReconciliation(r cost.Report, sources []string) *reconciliation {
	c := &reconciliation{
		span: fleet.Span{From: r.Month.Start, To: r.Month.Now}, month: r.Month.End.Sub(r.Month.Start), sources: sources,
		scope: map[fleet.Target]bool{}, covered: map[fleet.Account]fleet.Span{}, resources: map[resourceKey]*resource{},
	}
	for _, t := range r.Targets {
		c.scope[t] = true
		c.scope[fleet.Target{Account: t.Account}] = true
	}
	return c
}

// put makes the row of something that the report has.
func (c *reconciliation) put(target fleet.Target, id, kind string, e *resource) *resource {
	e.target, e.id, e.kind = target, id, kind
	c.resources[resourceKey{target.Account, id, kind}] = e
	c.order = append(c.order, e)
	return e
}

// result adds the lines up and makes the Reconciliation.
func (c *reconciliation) result(lines []price.BillLine) *Reconciliation {
	for _, line := range lines {
		c.find(line).add(line)
	}
	for _, e := range c.order {
		if e.asBilled {
			e.list = e.instance.CostOf(time.Duration(e.hours*float64(time.Hour)), e.instance.Price.Rate.USD)
			e.list.USD = e.worth
		}
	}
	c.private = discountOf(c.order)
	out := &Reconciliation{Sources: c.sources, From: c.span.From, To: c.span.To, Covered: c.covered}
	sums := map[Label]*Sum{}
	effective := price.USD(0)
	out.Total.Effective = &effective
	for _, e := range c.order {
		if e.nothing() {
			continue
		}
		row := c.row(e)
		out.Rows = append(out.Rows, row)
		out.Total.add(row)
		for _, cause := range row.Causes {
			if sums[cause.Label] == nil {
				sums[cause.Label] = &Sum{Label: cause.Label}
			}
			sums[cause.Label].Rows++
			sums[cause.Label].Difference = sums[cause.Label].Difference.Add(cause.USD)
		}
	}
	for _, sum := range sums {
		out.Labels = append(out.Labels, *sum)
	}
	slices.SortFunc(out.Labels, func(a, b Sum) int {
		return cmp.Or(cmp.Compare(magnitude(b.Difference), magnitude(a.Difference)), strings.Compare(string(a.Label), string(b.Label)))
	})
	slices.SortStableFunc(out.Rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(magnitude(b.Difference), magnitude(a.Difference)), cmp.Compare(a.Target.Account, b.Target.Account),
			cmp.Compare(a.Target.Region, b.Target.Region), strings.Compare(a.Resource, b.Resource))
	})
	out.Notes = c.notes()
	return out
}

// notes are sentences about the whole.
func (c *reconciliation) notes() []string {
	var notes []string
	if c.private.known {
		notes = append(notes, fmt.Sprintf("everything that is paid on demand is billed %.2f %% below list price", 100*(1-c.private.ratio)))
	}
	if c.elsewhere > 0 {
		notes = append(notes, fmt.Sprintf("%d lines of the bill, %s USD, are of accounts or regions that the report does not have and are left out",
			c.elsewhere, c.elsewhereUSD.Cents()))
	}
	return notes
}

func (s *Sum) add(row Row) {
	s.Rows++
	s.Billed, s.Difference = s.Billed.Add(row.Billed), s.Difference.Add(row.Difference)
	if row.List != nil {
		s.List = s.List.Add(*row.List)
	}
	if row.Effective == nil {
		s.Effective = nil
	} else if s.Effective != nil {
		*s.Effective = s.Effective.Add(*row.Effective)
	}
}

// size64 is an amount without its sign.
func magnitude(u price.USD) price.USD { return max(u, -u) }
