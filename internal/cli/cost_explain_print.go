package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/text"
)

// costExplanation is what is known of one resource.
type costExplanation struct {
	report    cost.Report
	answered  []price.Product // rows of the price list
	instances []*cost.Instance
	volumes   []*cost.Volume
	// screen is the width of the terminal, 0 where it is none.
	screen int
}

// candidate is a row of the price list with what is wrong with it; nothing for
// the one that is taken.
type candidate struct {
	SKU       string   `json:"sku"`
	USD       *decimal `json:"usd"`
	Unit      string   `json:"unit"`
	Operation string   `json:"operation"`
	Tenancy   string   `json:"tenancy"`
	Licence   string   `json:"licence_model"`
	Verdict   string   `json:"verdict"`
}

// rows are the candidates of an instance: the price list's rows of its type.
func (e costExplanation) rows(i *cost.Instance) []candidate {
	var all []candidate
	for _, p := range e.answered {
		if p.Attributes["instanceType"] != string(i.Type) || p.Attributes["regionCode"] != string(i.Target.Region) {
			continue
		}
		one := candidate{
			SKU: p.SKU, Operation: p.Attributes["operation"], Tenancy: p.Attributes["tenancy"], Licence: p.Attributes["licenseModel"],
		}
		if len(p.Rates) > 0 {
			one.USD, one.Unit = decimalOf(cost.Amount{USD: p.Rates[0].USD, Known: true}), p.Rates[0].Unit
		}
		switch {
		case p.SKU == i.Price.SKU:
			one.Verdict = "taken"
		case one.Operation != i.Price.Operation:
			one.Verdict = "another operation"
		case one.Tenancy != i.Price.Tenancy:
			one.Verdict = "another tenancy"
		case i.Price.Status == price.Ambiguous:
			one.Verdict = "matches, as others do"
		default:
			one.Verdict = "the same price"
		}
		all = append(all, one)
	}
	return all
}

// filters are what names the price of an instance.
func filters(i *cost.Instance) [][2]string {
	return [][2]string{
		{"regionCode", string(i.Target.Region)},
		{"locationType", "AWS Region"},
		{"instanceType", string(i.Type)},
		{"tenancy", i.Price.Tenancy},
		{"operation", i.Price.Operation},
		{"capacitystatus", "Used"},
		{"marketoption", "OnDemand"},
	}
}

// sum is one line of arithmetic.
type sum struct {
	Name   string   `json:"name"`
	Terms  string   `json:"terms"`
	Amount *decimal `json:"usd"`
}

// sums are the arithmetic of an instance.
func sums(i *cost.Instance, m cost.Month) []sum {
	rate, mean := "unknown", "unknown"
	if i.Price.Status.Usable() {
		rate = i.Price.Rate.USD.String()
		mean = rate
	}
	if i.Mean != 0 {
		mean = i.Mean.String()
	}
	all := []sum{{"EC2 so far", fmt.Sprintf("%s × %s h", mean, hoursText(i.Hours)), decimalOf(i.EC2())}}
	if i.AtMost != i.AtLeast {
		all = append(all,
			sum{"at least", fmt.Sprintf("%s × %s h", mean, hoursText(i.AtLeast)), decimalOf(i.EC2AtLeast())},
			sum{"at most", fmt.Sprintf("%s × %s h", mean, hoursText(i.AtMost)), decimalOf(i.EC2AtMost())})
	}
	to := "as it is now"
	if i.Schedule != "" {
		to = "by the schedule " + i.Schedule
	}
	return append(all,
		sum{"EC2 in a month", fmt.Sprintf("%s × 730 h, if it runs all the time", rate), decimalOf(i.IfRunning())},
		sum{"EC2 to the month's end", fmt.Sprintf("EC2 so far + %s × %s h, %s to %s", rate, hoursText(i.Planned), to, m.End.Format("2 Jan 15:04")), decimalOf(i.EC2Forecast())},
		sum{"EBS in a month", "its volumes, below", decimalOf(i.EBS)},
		sum{"EBS so far", fmt.Sprintf("by the hour, of the %s h that this month has", hoursText(m.End.Sub(m.Start))), decimalOf(i.EBSToDate)},
		sum{"together so far", "EC2 so far + EBS so far", decimalOf(i.TotalToDate())},
		sum{"together this month", "EC2 and EBS to the month's end", decimalOf(i.Forecast())},
	)
}

func hoursText(d time.Duration) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.4f", d.Hours()), "0"), ".")
}

func (e costExplanation) print(w io.Writer) {
	for n, i := range e.instances {
		if n > 0 {
			fmt.Fprintln(w)
		}
		e.printInstance(w, i)
	}
	for _, v := range e.volumes {
		if v.BilledTo == "" || len(e.instances) == 0 {
			e.printVolume(w, v)
		}
	}
}

func (e costExplanation) printInstance(w io.Writer, i *cost.Instance) {
	fmt.Fprintf(w, "%s  %s  %s  %s\n\n", text.Printable(nameAnd(string(i.ID), i.Name)), i.Type, i.State, i.Zone)
	switch {
	case i.Price.Tenancy == "Host":
		fmt.Fprintln(w, "The price list is not asked: the Dedicated Host is billed, and what runs on it is not")
	case i.Price.Kind == "spot":
		fmt.Fprintf(w, "Spot price of %s in %s (%s)\n", i.Type, i.Zone, i.Price.Platform)
	default:
		fmt.Fprintln(w, "The price list is asked for")
		for _, f := range filters(i) {
			fmt.Fprintf(w, "  %-15s %s\n", f[0], f[1])
		}
		fmt.Fprintf(w, "  which is %s\n", i.Price.Platform)
		t := table{header: []string{"SKU", "PRICE", "OPERATION", "TENANCY", "LICENCE", "VERDICT"}}
		for _, c := range e.rows(i) {
			usd := "-"
			if c.USD != nil {
				usd = price.USD(*c.USD).String() + " per " + c.Unit
			}
			t.add(c.SKU, usd, c.Operation, c.Tenancy, c.Licence, c.Verdict)
		}
		t.fit(e.screen, "LICENCE", "TENANCY", "OPERATION")
		if len(t.rows) > 0 {
			fmt.Fprintln(w)
		}
		t.print(w)
	}
	printQuote(w, i.PriceStatus, i.PriceNote, i.Price.Quote)
	fmt.Fprintf(w, "\nIt ran %s of the month's %s hours so far (%s)\n\n", hoursText(i.Hours), hoursText(e.report.Month.Now.Sub(e.report.Month.Start)), i.Source)
	printSums(w, sums(i, e.report.Month))
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

func printSums(w io.Writer, all []sum) {
	t := table{header: []string{"", "", ""}}
	for _, s := range all {
		usd := "unknown"
		if s.Amount != nil {
			usd = price.USD(*s.Amount).String()
		}
		t.add(s.Name, s.Terms, "= "+usd)
	}
	t.rows, t.header = t.rows[1:], t.rows[0]
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
		rate := "unknown"
		if p.Price.Status.Usable() {
			rate = p.Price.Rate.USD.String() + " per " + p.Price.Rate.Unit
		}
		t.add(p.Price.Item, fmt.Sprintf("%d %s", p.Quantity, p.Unit), rate, p.USD.String(), string(p.Price.Status), p.Price.SKU)
	}
	t.fit(e.screen, "SKU", "STATUS")
	t.print(w)
	fmt.Fprintf(w, "%s a month, %s so far, %s this month\n", amount(v.Monthly), amount(v.ToDate), amount(v.Forecast))
	if v.Note != "" {
		fmt.Fprintf(w, "Note: %s\n", text.Printable(v.Note))
	}
}

// data is the explanation for programs.
func (e costExplanation) data() any {
	type volume struct {
		ID      fleet.VolumeID   `json:"id"`
		Name    string           `json:"name"`
		Type    string           `json:"type"`
		SizeGiB int64            `json:"size_gib"`
		Parts   []map[string]any `json:"parts"`
		Monthly *decimal         `json:"monthly_usd"`
		ToDate  *decimal         `json:"month_to_date_usd"`
		Status  price.Status     `json:"price_status"`
		Note    string           `json:"note,omitempty"`
	}
	type instance struct {
		ID         fleet.ResourceID  `json:"id"`
		Name       string            `json:"name"`
		Account    fleet.Account     `json:"account"`
		Region     fleet.Region      `json:"region"`
		Type       string            `json:"type"`
		State      fleet.State       `json:"state"`
		Filters    map[string]string `json:"filters"`
		Candidates []candidate       `json:"candidates"`
		SKU        string            `json:"sku"`
		RateCode   string            `json:"rate_code"`
		Hourly     *decimal          `json:"hourly_usd"`
		Status     price.Status      `json:"price_status"`
		Note       string            `json:"note,omitempty"`
		Hours      float64           `json:"hours"`
		AtLeast    float64           `json:"hours_at_least"`
		AtMost     float64           `json:"hours_at_most"`
		Source     cost.HoursSource  `json:"hours_source"`
		Schedule   string            `json:"schedule,omitempty"`
		Sums       []sum             `json:"sums"`
	}
	out := struct {
		Instances []instance `json:"instances"`
		Volumes   []volume   `json:"volumes"`
	}{[]instance{}, []volume{}}
	for _, i := range e.instances {
		one := instance{
			ID: i.ID, Name: i.Name, Account: i.Target.Account, Region: i.Target.Region, Type: string(i.Type), State: i.State, Filters: map[string]string{},
			Candidates: e.rows(i), SKU: i.Price.SKU, RateCode: i.Price.Rate.Code, Status: i.PriceStatus, Note: i.PriceNote,
			Hours: i.Hours.Hours(), AtLeast: i.AtLeast.Hours(), AtMost: i.AtMost.Hours(), Source: i.Source, Schedule: i.Schedule, Sums: sums(i, e.report.Month),
		}
		if i.Price.Status.Usable() {
			one.Hourly = decimalOf(cost.Amount{USD: i.Price.Rate.USD, Known: true})
		}
		for _, f := range filters(i) {
			one.Filters[f[0]] = f[1]
		}
		out.Instances = append(out.Instances, one)
	}
	for _, v := range e.report.Volumes {
		one := volume{
			ID: v.ID, Name: v.Name, Type: string(v.Type), SizeGiB: v.SizeGiB, Parts: []map[string]any{},
			Monthly: decimalOf(v.Monthly), ToDate: decimalOf(v.ToDate), Status: v.Status, Note: v.Note,
		}
		for _, p := range v.Parts {
			one.Parts = append(one.Parts, map[string]any{
				"dimension": p.Price.Item, "quantity": p.Quantity, "unit": p.Unit, "rate_usd": decimal(p.Price.Rate.USD),
				"rate_unit": p.Price.Rate.Unit, "sku": p.Price.SKU, "rate_code": p.Price.Rate.Code, "monthly_usd": decimal(p.USD),
			})
		}
		out.Volumes = append(out.Volumes, one)
	}
	return out
}
