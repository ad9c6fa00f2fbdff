package cli

import (
	"fmt"
	"io"
	"time"

	"nightshift/internal/cost"
	"nightshift/internal/price"
	"nightshift/internal/text"
)

// costExplanation prints how costs were calculated.
type costExplanation struct {
	report cost.Report
	// screen is the width of the terminal, 0 where it is none.
	screen int
}

func (a *commandLine) printCostExplanation(r cost.Report, e cost.Explanation) {
	p := costExplanation{r, a.terminal()}
	for n, i := range e.Instances {
		if n > 0 {
			fmt.Fprintln(a.Stdout)
		}
		p.printInstance(a.Stdout, i)
	}
	for _, v := range e.Volumes {
		if v.Named && (v.Volume.BilledTo == "" || len(e.Instances) == 0) {
			p.printVolume(a.Stdout, v.Volume)
		}
	}
}

func (e costExplanation) printInstance(w io.Writer, explained cost.InstanceExplanation) {
	i := explained.Instance
	fmt.Fprintf(w, "%s  %s  %s  %s\n\n", text.Printable(nameAnd(string(i.ID), i.Name)), i.Type, i.State, i.Zone)
	switch {
	case i.Price.Tenancy == "Host":
		fmt.Fprintln(w, "The price list is not asked: the Dedicated Host is billed, and what runs on it is not")
	case i.Price.Kind == "spot":
		fmt.Fprintf(w, "Spot price of %s in %s (%s)\n", i.Type, i.Zone, i.Price.Platform)
	default:
		fmt.Fprintln(w, "The price list is asked for")
		for _, f := range explained.Filters {
			fmt.Fprintf(w, "  %-15s %s\n", f[0], f[1])
		}
		fmt.Fprintf(w, "  which is %s\n", i.Price.Platform)
		t := table{header: []string{"SKU", "PRICE", "OPERATION", "TENANCY", "LICENCE", "VERDICT"}}
		for _, c := range explained.Candidates {
			t.add(c.SKU, rateText(c.USD, c.Unit, "-"), c.Operation, c.Tenancy, c.Licence, c.Verdict)
		}
		t.fit(e.screen, "LICENCE", "TENANCY", "OPERATION")
		if len(t.rows) > 0 {
			fmt.Fprintln(w)
		}
		t.print(w)
	}
	printQuote(w, i.PriceStatus, i.PriceNote, i.Price.Quote)
	fmt.Fprintf(w, "\nIt ran %s of the month's %s hours so far (%s)\n\n", cost.HoursText(i.Hours), cost.HoursText(e.report.Month.Now.Sub(e.report.Month.Start)), i.Source)
	printSums(w, explained.Sums)
	for _, v := range e.report.Volumes {
		if v.BilledTo == i.ID {
			fmt.Fprintln(w)
			e.printVolume(w, v)
		}
	}
	for _, l := range e.report.Lines {
		if l.ParentID == string(i.ID) {
			fmt.Fprintf(w, "\n%s %s: %s so far, %s a month\n", l.Kind, text.Printable(l.ID), amount(l.ToDate), amount(l.Monthly))
			if l.Note != "" {
				fmt.Fprintf(w, "Note: %s\n", text.Printable(l.Note))
			}
		}
	}
}

func printQuote(w io.Writer, status price.Status, note string, q price.Quote) {
	fmt.Fprintf(w, "\nPrice: %s", status)
	if q.Status.Usable() {
		fmt.Fprintf(w, ", %s USD per %s", q.Rate.USD, q.Rate.Unit)
	}
	if q.Rate.Code != "" {
		fmt.Fprintf(w, ", rate code %s", q.Rate.Code)
	}
	if !q.Published.IsZero() {
		fmt.Fprintf(w, ", list %s published %s", q.Version, q.Published.Format(time.DateOnly))
	}
	fmt.Fprintln(w)
	if note != "" {
		fmt.Fprintf(w, "Note: %s\n", text.Printable(note))
	}
}

func printSums(w io.Writer, all []cost.Sum) {
	t := table{}
	for _, s := range all {
		usd := "unknown"
		if s.Amount.Known {
			usd = s.Amount.USD.String()
		}
		t.add(s.Name, s.Terms, "= "+usd)
	}
	t.print(w)
}

func (e costExplanation) printVolume(w io.Writer, v *cost.Volume) {
	on := "attached to nothing"
	if len(v.AttachedTo) > 0 {
		on = fmt.Sprintf("attached to %s", v.AttachedTo[0])
	}
	fmt.Fprintf(w, "%s  %s  %d GiB  %s\n", text.Printable(nameAnd(string(v.ID), v.Name)), v.Type, v.SizeGiB, on)
	t := table{header: []string{"BILLED AS", "QUANTITY", "PRICE", "A MONTH", "STATUS", "SKU"}}
	for _, p := range v.Parts {
		t.add(p.Price.Item, fmt.Sprintf("%d %s", p.Quantity, p.Unit), rateText(cost.RateOf(p.Price.Quote), p.Price.Rate.Unit, "unknown"), p.USD.String(), string(p.Price.Status), p.Price.SKU)
	}
	t.fit(e.screen, "SKU", "STATUS")
	t.print(w)
	fmt.Fprintf(w, "%s a month, %s so far, %s this month\n", amount(v.Monthly), amount(v.ToDate), amount(v.Forecast))
	if v.Note != "" {
		fmt.Fprintf(w, "Note: %s\n", text.Printable(v.Note))
	}
}
