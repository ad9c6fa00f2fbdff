// Package cost makes the cost report: what every instance and volume costs, by
// which price, for how many hours, and how far each number can be trusted. The
// report is data; cost/sheet makes tables of it.
//
// It may import fleet and price. What the report is made from comes through the
// interfaces of a Source; the AWS adapter implements them.
package cost

import (
	"encoding/json"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// HoursMode says where running hours come from.
type HoursMode string

// The modes.
const (
	// BestHours takes the best source for every instance.
	BestHours HoursMode = "best"
	// AssumedHours is 24 hours × day of month for what runs now and 0 for all
	// else.
	AssumedHours HoursMode = "assumed"
)

// Options of a report.
type Options struct {
	Now time.Time
	// Zone is the time zone of the month and of all dates; nil is UTC.
	Zone *time.Location
	// Hours is BestHours where it is empty.
	Hours HoursMode
	// ExcludePlatform leaves out instances whose tag Platform has this value,
	// in any case. Empty leaves out none.
	ExcludePlatform string
	// Tags are the keys of the tags that rows keep, for totals by tag.
	Tags []string
	// Planned, if not nil, is given every instance that is read. Once all of its
	// target are, what it returned says for how long the instance will run from
	// now to an instant by its schedule, and the schedule's name. It is nil for an
	// instance without a schedule, which stays as it is.
	Planned func(i fleet.Instance) func(to time.Time) (running time.Duration, schedule string)
	// Schedulable, if not nil, says which tag would put an instance without a
	// schedule on one; it is false where none would.
	Schedulable func(i fleet.Instance) (fleet.Tag, bool)
	// Blocked, if not nil, says why no schedule would stop an instance; zero where
	// nothing is in the way. Without it the instance's own word counts.
	Blocked func(i fleet.Instance) fleet.Reason
	// Acts are the stops and starts that are known from the journal, in any
	// order, and Known the time for which they are all there. Those of other
	// kinds than instances do not count.
	Acts  []fleet.Act
	Known fleet.Span
}

// Report is the cost report of one or more targets.
type Report struct {
	// Month is the report's, up to when it was made.
	Month   Month
	Hours   HoursMode
	Targets []fleet.Target
	// Excluded counts the instances left out by Options.ExcludePlatform.
	Excluded  int
	Instances []*Instance
	Volumes   []*Volume
	Types     []TypeSummary
	// Lines are the costs that are neither an instance's hours nor a volume.
	Lines    []*Line
	Prices   []*Price
	Totals   []Total // one a target, then one for all
	Problems []Problem
	// Spend is what the report's own paid requests cost.
	Spend []Spend

	// Evidence is what the rows were made from.
	Evidence Evidence
	// Calls counts API calls by "service:Action". Who makes the calls fills
	// it in. A run that makes a report has calls of its own in JSON.
	Calls map[string]int `json:"ReportCalls"`
	// Notes are sentences about where the report's data come from.
	Notes []string
}

// Evidence is what the rows of a report were made from, for those that look
// further: at the bill, at what else could cost less.
type Evidence struct {
	// Billed are the lines of Cost Explorer that the hours came from, and Covered
	// the time for which they are complete, by account.
	Billed  []price.BillLine
	Covered map[fleet.Account]fleet.Span
	// Quotes and Rates are all prices that were looked up, also those that
	// nothing of the report has.
	Quotes map[price.InstanceKey]*Price
	Rates  map[fleet.Region]price.Rates
}

// Amount is a sum of money that may be unknown. Unknown is not zero.
type Amount struct {
	USD   price.USD
	Known bool
}

// VolumeShape is type and size of an attached volume.
type VolumeShape struct {
	Type    fleet.VolumeType
	SizeGiB int64
}

// Volume is one volume with its price.
type Volume struct {
	// Volume is without its tags. Name is the tag Name, or the id.
	fleet.Volume
	Name string
	// BilledTo is the instance on whose row the cost is: the first attached
	// one that the report lists. Empty where there is none.
	BilledTo fleet.ResourceID
	// Monthly is a full month, unknown where one of Parts is; ToDate this month
	// so far.
	Monthly, ToDate Amount
	// Forecast is ToDate and what it will cost to the end of the month.
	Forecast Amount
	Status   price.Status
	Note     string
	// Parts are the lines of its bill in a full month.
	Parts []Part
}

// Part is one line of a bill in a full month: a quantity at a price.
type Part struct {
	Price    *Price
	Quantity int64
	Unit     string // "GiB", "IOPS" or "MiB/s"
	USD      price.USD
}

// Unattached is true for a volume that no instance uses.
func (v *Volume) Unattached() bool { return len(v.AttachedTo) == 0 }

// Part is what is billed by one unit in a full month.
func (v *Volume) Part(unit string) Amount {
	sum := Known(0)
	for _, p := range v.Parts {
		if p.Unit == unit {
			sum = sum.Plus(Amount{USD: p.USD, Known: p.Price.Status.Usable()})
		}
	}
	if len(v.Parts) == 0 && unit == "GiB" {
		return Amount{} // there is no rule for its type
	}
	return sum
}

// TypeSummary adds up the volumes of one type. Attached are those of listed
// instances, Other those attached to instances that the report leaves out.
type TypeSummary struct {
	Type                        fleet.VolumeType
	Attached, Unattached, Other VolumeSum
}

// VolumeSum adds up volumes. Monthly is the sum of the known amounts.
type VolumeSum struct {
	Count, Unpriced int
	GiB             int64
	Monthly         price.USD
}

// Price is one distinct price of the report.
type Price struct {
	Kind      string // "instance", "volume", "spot", or a LineKind
	Region    fleet.Region
	Item      string // instance type, or the dimension of the bill
	Tenancy   string
	Operation string
	Platform  string // what AWS calls the platform of the operation
	price.Quote
	// Uses counts the instances or volumes that it prices.
	Uses int
}

// Total adds up one target, or all where Target is empty. The sums are of
// exact amounts, not of rounded ones, and of known amounts only; Unpriced
// counts what they leave out.
type Total struct {
	Target             fleet.Target
	Instances, Running int
	Volumes, Unpriced  int
	Lines              int
	EC2, EC2AtLeast    price.USD
	EBS                price.USD // attached to listed instances, full month
	EBSUnattached      price.USD
	EBSOther           price.USD
	EBSToDate          price.USD // all volumes
	// Other is a full month of the lines, OtherToDate this month so far.
	Other, OtherToDate price.USD
	// TotalToDate, RunRate and Forecast are of everything: this month so far,
	// 730 hours of what runs now, and the whole of this month.
	TotalToDate, RunRate, Forecast price.USD
	// TotalAtMost is TotalToDate if everything ran as long as it may have.
	TotalAtMost price.USD
}

// Amount is the price of one unit.
func (p *Price) Amount() Amount {
	return Amount{USD: p.Rate.USD, Known: p.Status.Usable()}
}

// Problem is something that could not be read. The report holds what could.
type Problem struct {
	Target fleet.Target // without account or region where it concerns all
	What   string       // "instances", "volumes", "instance types", "instance prices", "volume prices"
	Err    error
}

// Error is the target, what was not read, and why.
func (p Problem) Error() string {
	text := p.What + ": " + p.Err.Error()
	if p.Target.Region != "" {
		text = string(p.Target.Region) + ": " + text
	}
	if p.Target.Account != "" {
		text = string(p.Target.Account) + " " + text
	}
	return text
}

// problemJSON is a Problem as JSON: of the error only its text and its status are
// kept.
type problemJSON struct {
	Target fleet.Target
	What   string
	Err    string
	Status fleet.Status
}

// MarshalJSON writes target, what was not read, the error's text and its status.
func (p Problem) MarshalJSON() ([]byte, error) {
	return json.Marshal(problemJSON{p.Target, p.What, p.Err.Error(), fleet.StatusOf(p.Err)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (p *Problem) UnmarshalJSON(data []byte) error {
	var read problemJSON
	if err := json.Unmarshal(data, &read); err != nil {
		return err
	}
	*p = Problem{read.Target, read.What, fleet.Errorf(read.Status.Kind(), "%s", read.Err)}
	return nil
}

// Unwrap gives the cause, so that errors.Is(problem, fleet.ErrDenied) works.
func (p Problem) Unwrap() error { return p.Err }

// Total is the total of all targets.
func (r Report) Total() Total {
	if len(r.Totals) == 0 {
		return Total{}
	}
	return r.Totals[len(r.Totals)-1]
}

// Statuses counts instances, volumes and lines by the status of their price.
func (r Report) Statuses() map[price.Status]int {
	counts := map[price.Status]int{}
	for _, i := range r.Instances {
		counts[i.PriceStatus]++
	}
	for _, v := range r.Volumes {
		counts[v.Status]++
	}
	for _, l := range r.Lines {
		counts[l.Status]++
	}
	return counts
}

// Coverage is the share of rows that have a price, in percent; 100 where there
// are no rows.
func (r Report) Coverage() float64 {
	rows := len(r.Instances) + len(r.Volumes) + len(r.Lines)
	if rows == 0 {
		return 100
	}
	return 100 * float64(rows-r.Missing()) / float64(rows)
}

// ExactShare is how much of the month to date has an exact price, and all of
// it. What has no price is in neither.
func (r Report) ExactShare() (exact, all price.USD) {
	add := func(amount price.USD, status price.Status) {
		all = all.Add(amount)
		if status == price.Exact {
			exact = exact.Add(amount)
		}
	}
	for _, i := range r.Instances {
		add(i.EC2().USD, i.PriceStatus)
	}
	for _, v := range r.Volumes {
		add(v.ToDate.USD, v.Status)
	}
	for _, l := range r.Lines {
		add(l.ToDate.USD, l.Status)
	}
	return exact, all
}

// Missing counts the rows that have no price.
func (r Report) Missing() int {
	counts := r.Statuses()
	return counts[price.Missing] + counts[price.Ambiguous]
}

// Complete is true where everything was read and everything has a price.
func (r Report) Complete() bool { return len(r.Problems) == 0 && r.Missing() == 0 }

// Known is an amount that is known.
func Known(u price.USD) Amount { return Amount{USD: u, Known: true} }

// Plus is the sum of two amounts; it is unknown where one of them is.
func (a Amount) Plus(b Amount) Amount {
	if !a.Known || !b.Known {
		return Amount{}
	}
	return Known(a.USD.Add(b.USD))
}

// Cents rounds a known amount to whole cents.
func (a Amount) Cents() Amount { return Amount{USD: a.USD.Cents(), Known: a.Known} }

// RateOf is the rate of a price, which is unknown where it is not usable.
func RateOf(q price.Quote) Amount { return Amount{USD: q.Rate.USD, Known: q.Status.Usable()} }

// MarshalJSON writes an exact number of dollars, or null.
func (a Amount) MarshalJSON() ([]byte, error) {
	if !a.Known {
		return []byte("null"), nil
	}
	return []byte(a.USD.String()), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (a *Amount) UnmarshalJSON(text []byte) error {
	*a = Amount{}
	if string(text) == "null" {
		return nil
	}
	usd, err := price.ParseUSD(string(text))
	*a = Amount{USD: usd, Known: err == nil}
	return err
}
