package reconcile

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// aCent is the difference that is none.
const aCent = price.Dollar / 100

// settling is how long it may take until usage is in the bill. Exports are
// written at least once a day (AWS Cost and Usage Report guide), and a line of a
// day may be of its first hours only.
const settling = 24 * time.Hour

// row calculates the row of a resource.
func (c *reconciliation) row(e *resource) Row {
	row := Row{
		Target: e.target, Resource: e.id, Name: e.name(), Kind: e.kind, Billed: e.billed,
		BilledHours: time.Duration(math.Round(e.hours*3600)) * time.Second, Difference: e.billed,
	}
	if e.lines == 0 {
		e.effective = cost.Known(0)
	}
	if e.effective.Known {
		row.Effective = &e.effective.USD
	}
	if e.instance != nil {
		row.Hours = e.instance.Hours
	}
	if e.asBilled {
		row.Hours = row.BilledHours
	}
	var notes []string
	switch {
	case !e.listed():
		row.List = new(price.USD)
		notes = append(notes, "the report does not have it: it is gone, or left out")
	case !e.list.Known:
		notes = append(notes, "there is no list price")
		e.explain(Unknown, e.worth)
	default:
		row.List = &e.list.USD
		row.Difference = e.billed.Add(-e.list.USD)
		notes = append(notes, c.quantities(e)...)
	}
	if e.standardList != e.standard {
		label := Unknown
		if c.private.holds(e) {
			label = PrivateRate
		}
		e.explain(label, e.standard.Add(-e.standardList))
	}
	row.Causes = causes(e.causes)
	if len(row.Causes) > 0 && magnitude(row.Difference) >= aCent {
		row.Label = row.Causes[0].Label
	}
	row.Note = strings.Join(append(notes, several(row.Causes)...), "; ")
	return row
}

// quantities explains that the bill has more or less of a resource than the
// report.
func (c *reconciliation) quantities(e *resource) (notes []string) {
	more := e.worth.Add(-e.list.USD)
	covered, there := c.covered[e.target.Account]
	sure := covered.Within(fleet.Span{From: covered.From, To: c.span.To.Add(-settling)})
	uncovered := c.span.Length() - sure.Length()
	late := e.lasting(uncovered, c.month)
	rest := Hours
	if e.assumed() {
		rest = Estimate
	}
	switch {
	case more == 0:
	case !there:
		e.explain(OnlyInList, more)
		return []string{"the bill has nothing of this account"}
	case more > 0:
		e.explain(rest, more)
	case e.lines == 0 && -more > late.Add(aCent):
		e.explain(OnlyInList, more)
		return []string{absent(e)}
	case -more <= late.Add(aCent):
		e.explain(Lag, more)
	default:
		e.explain(Lag, -late)
		e.explain(rest, more.Add(late))
	}
	if magnitude(e.causes[Lag]) >= aCent {
		notes = append(notes, fmt.Sprintf("the bill covers %s to %s UTC", covered.From.UTC().Format("2006-01-02 15:04"), covered.To.UTC().Format("2006-01-02 15:04")))
	}
	return notes
}

// absent says why the bill might not have a resource.
func absent(e *resource) string {
	switch e.kind {
	case string(cost.AddressLine):
		return "the bill does not have it under this id; addresses are billed with their network interface"
	case string(cost.MonitoringLine):
		return "the bill does not have it under this id; metrics are billed by Amazon CloudWatch"
	}
	return "the bill does not have it"
}

// causes sorts what is not zero, the largest first.
func causes(of map[Label]price.USD) []Cause {
	var list []Cause
	for label, u := range of {
		if u != 0 {
			list = append(list, Cause{label, u})
		}
	}
	slices.SortFunc(list, func(a, b Cause) int {
		return cmp.Or(cmp.Compare(magnitude(b.USD), magnitude(a.USD)), strings.Compare(string(a.Label), string(b.Label)))
	})
	return list
}

// several lists the causes of at least a cent where there is more than one.
func several(list []Cause) []string {
	var parts []string
	for _, cause := range list {
		if magnitude(cause.USD) >= aCent {
			parts = append(parts, fmt.Sprintf("%s %s", cause.Label, cause.USD.Cents()))
		}
	}
	if len(parts) < 2 {
		return nil
	}
	return []string{strings.Join(parts, ", ")}
}

// discount is the share of list price that is paid for everything on demand.
type discount struct {
	ratio float64
	known bool
}

// Enough resources to call a discount private: fewer may agree by chance.
const enough = 3

// discountOf finds a discount that is the same for all resources which are paid
// on demand.
func discountOf(entries []*resource) discount {
	var paid, list price.USD
	count := 0
	for _, e := range entries {
		if e.standardList > 0 {
			paid, list = paid.Add(e.standard), list.Add(e.standardList)
			count++
		}
	}
	if count < enough {
		return discount{}
	}
	d := discount{ratio: paid.Float() / list.Float(), known: true}
	if d.ratio > 0.9999 || d.ratio <= 0 {
		return discount{}
	}
	for _, e := range entries {
		if e.standardList > 0 && !d.holds(e) {
			return discount{}
		}
	}
	return d
}

// holds allows for the rounding of lines: a ten-thousandth, or a cent.
func (d discount) holds(e *resource) bool {
	off := math.Abs(e.standard.Float() - d.ratio*e.standardList.Float())
	return d.known && off <= max(e.standardList.Float()/10_000, 0.01)
}
