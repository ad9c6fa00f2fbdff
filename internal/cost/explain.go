package cost

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// Explanation says how the costs of one instance or volume were calculated.
type Explanation struct {
	Instances []InstanceExplanation `json:"instances"`
	// Volumes are those of the instances, too.
	Volumes []VolumeExplanation `json:"volumes"`
}

// InstanceExplanation is how the cost of an instance was calculated.
type InstanceExplanation struct {
	Instance   *Instance        `json:"-"`
	ID         fleet.ResourceID `json:"id"`
	Name       string           `json:"name"`
	Account    fleet.Account    `json:"account"`
	Region     fleet.Region     `json:"region"`
	Type       string           `json:"type"`
	State      fleet.State      `json:"state"`
	Filters    Filters          `json:"filters"`
	Candidates []Candidate      `json:"candidates"`
	SKU        string           `json:"sku"`
	RateCode   string           `json:"rate_code"`
	Hourly     Amount           `json:"hourly_usd"`
	Status     price.Status     `json:"price_status"`
	Note       string           `json:"note,omitempty"`
	Hours      float64          `json:"hours"`
	AtLeast    float64          `json:"hours_at_least"`
	AtMost     float64          `json:"hours_at_most"`
	Source     HoursSource      `json:"hours_source"`
	Schedule   string           `json:"schedule,omitempty"`
	Sums       []Sum            `json:"sums"`
}

// VolumeExplanation is how the cost of a volume was calculated.
type VolumeExplanation struct {
	Volume *Volume `json:"-"`
	// Named is true for a volume that was asked for itself.
	Named   bool              `json:"-"`
	ID      fleet.VolumeID    `json:"id"`
	Name    string            `json:"name"`
	Type    string            `json:"type"`
	SizeGiB int64             `json:"size_gib"`
	Parts   []PartExplanation `json:"parts"`
	Monthly Amount            `json:"monthly_usd"`
	ToDate  Amount            `json:"month_to_date_usd"`
	Status  price.Status      `json:"price_status"`
	Note    string            `json:"note,omitempty"`
}

// PartExplanation is a line of the bill of a volume in a full month.
type PartExplanation struct {
	Dimension string `json:"dimension"`
	Monthly   Amount `json:"monthly_usd"`
	Quantity  int64  `json:"quantity"`
	RateCode  string `json:"rate_code"`
	RateUnit  string `json:"rate_unit"`
	Rate      Amount `json:"rate_usd"`
	SKU       string `json:"sku"`
	Unit      string `json:"unit"`
}

// Candidate is a row of the price list for an instance, with what is wrong with
// it.
type Candidate struct {
	SKU       string `json:"sku"`
	USD       Amount `json:"usd"`
	Unit      string `json:"unit"`
	Operation string `json:"operation"`
	Tenancy   string `json:"tenancy"`
	Licence   string `json:"licence_model"`
	Verdict   string `json:"verdict"`
}

// Sum is one line of arithmetic.
type Sum struct {
	Name   string `json:"name"`
	Terms  string `json:"terms"`
	Amount Amount `json:"usd"`
}

// Filters are what the price list is asked for, name and value.
type Filters [][2]string

// MarshalJSON writes an object.
func (f Filters) MarshalJSON() ([]byte, error) {
	object := map[string]string{}
	for _, filter := range f {
		object[filter[0]] = filter[1]
	}
	return json.Marshal(object)
}

// Explain explains what has this id or name in a report of nothing else. answered
// are the rows of the price list. ok is false where there is no such resource.
func (r Report) Explain(name string, answered []price.Product) (e Explanation, ok bool) {
	e = Explanation{Instances: []InstanceExplanation{}, Volumes: []VolumeExplanation{}}
	for _, i := range r.Instances {
		if name == string(i.ID) || name == i.Name {
			e.Instances = append(e.Instances, i.explain(r.Month, answered))
			ok = true
		}
	}
	for _, v := range r.Volumes {
		one := v.explain()
		one.Named = name == string(v.ID) || name == v.Name
		e.Volumes = append(e.Volumes, one)
		ok = ok || one.Named
	}
	return e, ok
}

func (i *Instance) explain(m Month, answered []price.Product) InstanceExplanation {
	return InstanceExplanation{
		Instance: i, ID: i.ID, Name: i.Name, Account: i.Target.Account, Region: i.Target.Region, Type: string(i.Type), State: i.State,
		Filters: i.filters(), Candidates: i.candidates(answered), SKU: i.Price.SKU, RateCode: i.Price.Rate.Code,
		Hourly: RateOf(i.Price.Quote), Status: i.PriceStatus, Note: i.PriceNote,
		Hours: i.Hours.Hours(), AtLeast: i.AtLeast.Hours(), AtMost: i.AtMost.Hours(), Source: i.Source, Schedule: i.Schedule, Sums: i.sums(m),
	}
}

func (v *Volume) explain() VolumeExplanation {
	e := VolumeExplanation{
		Volume: v, ID: v.ID, Name: v.Name, Type: string(v.Type), SizeGiB: v.SizeGiB, Parts: []PartExplanation{},
		Monthly: v.Monthly, ToDate: v.ToDate, Status: v.Status, Note: v.Note,
	}
	for _, p := range v.Parts {
		e.Parts = append(e.Parts, PartExplanation{
			Dimension: p.Price.Item, Quantity: p.Quantity, Unit: p.Unit, Rate: Known(p.Price.Rate.USD), RateUnit: p.Price.Rate.Unit,
			SKU: p.Price.SKU, RateCode: p.Price.Rate.Code, Monthly: Known(p.USD),
		})
	}
	return e
}

// candidates are the price list's rows of an instance's type.
func (i *Instance) candidates(answered []price.Product) []Candidate {
	var all []Candidate
	for _, p := range answered {
		if p.Attributes["instanceType"] != string(i.Type) || p.Attributes["regionCode"] != string(i.Target.Region) {
			continue
		}
		one := Candidate{
			SKU: p.SKU, Operation: p.Attributes["operation"], Tenancy: p.Attributes["tenancy"], Licence: p.Attributes["licenseModel"],
		}
		if len(p.Rates) > 0 {
			one.USD, one.Unit = Known(p.Rates[0].USD), p.Rates[0].Unit
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

func (i *Instance) filters() Filters {
	return Filters{
		{"regionCode", string(i.Target.Region)},
		{"locationType", "AWS Region"},
		{"instanceType", string(i.Type)},
		{"tenancy", i.Price.Tenancy},
		{"operation", i.Price.Operation},
		{"capacitystatus", "Used"},
		{"marketoption", "OnDemand"},
	}
}

// sums are the arithmetic of an instance.
func (i *Instance) sums(m Month) []Sum {
	rate, mean := "unknown", "unknown"
	if i.Price.Status.Usable() {
		rate = i.Price.Rate.USD.String()
		mean = rate
	}
	if i.Mean != 0 {
		mean = i.Mean.String()
	}
	all := []Sum{{"EC2 so far", fmt.Sprintf("%s × %s h", mean, HoursText(i.Hours)), i.EC2()}}
	if i.AtMost != i.AtLeast {
		all = append(all,
			Sum{"at least", fmt.Sprintf("%s × %s h", mean, HoursText(i.AtLeast)), i.EC2AtLeast()},
			Sum{"at most", fmt.Sprintf("%s × %s h", mean, HoursText(i.AtMost)), i.EC2AtMost()})
	}
	to := "as it is now"
	if i.Schedule != "" {
		to = "by the schedule " + i.Schedule
	}
	return append(all,
		Sum{"EC2 in a month", fmt.Sprintf("%s × 730 h, if it runs all the time", rate), i.IfRunning()},
		Sum{"EC2 to the month's end", fmt.Sprintf("EC2 so far + %s × %s h, %s to %s", rate, HoursText(i.Planned), to, m.End.Format("2 Jan 15:04")), i.EC2Forecast()},
		Sum{"EBS in a month", "its volumes, below", i.EBS},
		Sum{"EBS so far", fmt.Sprintf("by the hour, of the %s h that this month has", HoursText(m.End.Sub(m.Start))), i.EBSToDate},
		Sum{"together so far", "EC2 so far + EBS so far", i.TotalToDate()},
		Sum{"together this month", "EC2 and EBS to the month's end", i.Forecast()},
	)
}

// HoursText writes a time in hours with up to four decimals.
func HoursText(d time.Duration) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.4f", d.Hours()), "0"), ".")
}
