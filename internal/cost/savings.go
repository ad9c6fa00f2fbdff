package cost

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// Savings are what was not spent in a span because nightshift stopped machines.
type Savings struct {
	From      time.Time  `json:"from"`
	To        time.Time  `json:"to"` // exclusive
	Instances []Saved    `json:"instances"`
	Schedules []SavedSum `json:"schedules"`
	Total     SavedSum   `json:"total"`
	// Gone counts the instances that were stopped and are not in the report any
	// more, so that their price is not known.
	Gone int `json:"gone"`
}

// Saved is what was not spent on one instance. Amounts are nil where a price is
// not known.
type Saved struct {
	Target   fleet.Target       `json:"target"`
	ID       fleet.ResourceID   `json:"id"`
	Name     string             `json:"name"`
	Type     fleet.InstanceType `json:"type"`
	Schedule string             `json:"schedule"`
	Stops    int                `json:"stops"` // those that count
	Off      time.Duration      `json:"off_ns"`
	// Unclear is the time after stops whose end is not known:
	// somebody started the instance, and EC2 remembers the last start only. It
	// is not part of Off.
	Unclear time.Duration `json:"unclear_ns"`
	Hourly  *price.USD    `json:"hourly_usd"`
	// Gross is what Off would have cost. EBS and Addresses are what the
	// instance's volumes and Elastic IP addresses cost meanwhile; Net is what is
	// left.
	Gross     *price.USD `json:"gross_usd"`
	EBS       *price.USD `json:"ebs_usd"`
	Addresses *price.USD `json:"addresses_usd"`
	Net       *price.USD `json:"net_usd"`
}

// SavedSum adds up the instances of a schedule, or all. Amounts are those of
// the instances with all amounts known; Unpriced counts the others.
type SavedSum struct {
	Schedule  string        `json:"schedule"`
	Instances int           `json:"instances"`
	Unpriced  int           `json:"unpriced"`
	Off       time.Duration `json:"off_ns"`
	Gross     price.USD     `json:"gross_usd"`
	EBS       price.USD     `json:"ebs_usd"`
	Addresses price.USD     `json:"addresses_usd"`
	Net       price.USD     `json:"net_usd"`
}

// stillBilled are what goes on costing while an instance is off, for a full
// month.
type stillBilled struct{ ebs, addresses Amount }

// SavingsOf calculates what stops saved in a span, at the prices of the report.
// Acts may begin before the span. An instance is off from its stop to the next
// start by anyone, at most to the report's time. Terminated instances count as
// gone.
//
// Volumes cost their share of each month's seconds in the zone of the report,
// addresses theirs of 730 hours.
func SavingsOf(r Report, acts []fleet.Act, span fleet.Span) *Savings {
	span.From = span.From.In(r.Month.Now.Location())
	if span.To.After(r.Month.Now) {
		span.To = r.Month.Now
	}
	s := &Savings{From: span.From, To: span.To}
	byMachine := actsOf(acts)
	kept := r.stillBilled(byMachine)
	for _, i := range r.Instances {
		who := machine{i.Target.Account, i.ID}
		list := byMachine[who]
		if list == nil || i.State == fleet.Terminated || i.State == fleet.ShuttingDown {
			continue
		}
		delete(byMachine, who)
		if saved, ok := savedOf(i, list, kept[who], span); ok {
			s.Instances = append(s.Instances, saved)
		}
	}
	for _, list := range byMachine {
		if slices.ContainsFunc(list, func(a fleet.Act) bool { return a.Stop && a.At.Before(span.To) }) {
			s.Gone++
		}
	}
	s.sum()
	return s
}

// stillBilled finds what the machines' volumes and Elastic IP addresses cost.
// Addresses that EC2 lends to running instances go when they stop.
func (r Report) stillBilled(of map[machine][]fleet.Act) map[machine]stillBilled {
	kept := make(map[machine]stillBilled, len(of))
	for who := range of {
		kept[who] = stillBilled{Known(0), Known(0)}
	}
	for _, v := range r.Volumes {
		who := machine{v.Target.Account, v.BilledTo}
		if k, ok := kept[who]; ok {
			k.ebs = k.ebs.Plus(v.Monthly)
			kept[who] = k
		}
	}
	for _, l := range r.Lines {
		who := machine{l.Target.Account, fleet.ResourceID(l.ParentID)}
		if k, ok := kept[who]; ok && l.Kind == AddressLine && strings.HasPrefix(l.ID, "eipalloc-") {
			k.addresses = k.addresses.Plus(l.Monthly)
			kept[who] = k
		}
	}
	return kept
}

// savedOf is false where no stop falls into the span.
func savedOf(i *Instance, acts []fleet.Act, k stillBilled, span fleet.Span) (Saved, bool) {
	off, unclear := offSpans(i, acts, span.To)
	s := Saved{Target: i.Target, ID: i.ID, Name: i.Name, Type: i.Type, Schedule: i.Schedule}
	var clipped []fleet.Span
	for _, o := range off {
		if o = o.Within(span); o.Length() > 0 {
			clipped = append(clipped, o)
			s.Off += o.Length()
		}
	}
	for _, u := range unclear {
		s.Unclear += u.Within(span).Length()
	}
	s.Stops = len(clipped)
	if s.Off == 0 && s.Unclear == 0 {
		return Saved{}, false
	}
	if hourly := i.Price.Amount(); hourly.Known {
		gross := hourly.USD.Times(Seconds(s.Off), 3600)
		s.Hourly, s.Gross = &hourly.USD, &gross
	}
	if k.ebs.Known {
		ebs := shareOfMonths(k.ebs.USD, clipped, span.From.Location())
		s.EBS = &ebs
	}
	if k.addresses.Known {
		addresses := k.addresses.USD.Times(Seconds(s.Off), Seconds(RunRateMonth))
		s.Addresses = &addresses
	}
	if s.Gross != nil && s.EBS != nil && s.Addresses != nil {
		net := s.Gross.Add(-*s.EBS).Add(-*s.Addresses)
		s.Net = &net
	}
	return s, true
}

// offSpans are the times for which an instance was off because of a stop, up to
// end. Unclear are those whose end is not known, as a later stop shows.
func offSpans(i *Instance, acts []fleet.Act, end time.Time) (off, unclear []fleet.Span) {
	acts = slices.SortedStableFunc(slices.Values(acts), func(a, b fleet.Act) int { return a.At.Compare(b.At) })
	running := i.State == fleet.Running || i.State == fleet.Pending
	for n, a := range acts {
		if !a.Stop || !a.At.Before(end) {
			continue
		}
		until, next := end, n+1 < len(acts)
		if next && acts[n+1].At.Before(end) {
			until = acts[n+1].At
		}
		switch started := i.LaunchTime.After(a.At); {
		case started && i.LaunchTime.Before(until):
			off = append(off, fleet.Span{From: a.At, To: i.LaunchTime})
		case next && acts[n+1].Stop:
			unclear = append(unclear, fleet.Span{From: a.At, To: until})
		case !next && running && !started:
			// It runs since before this stop, which did not come to pass.
		default:
			off = append(off, fleet.Span{From: a.At, To: until})
		}
	}
	return off, unclear
}

// shareOfMonths is the share of a monthly amount that falls into spans: of each month
// its seconds over all of the month's.
func shareOfMonths(amount price.USD, spans []fleet.Span, zone *time.Location) price.USD {
	in := map[Month]time.Duration{}
	for _, s := range spans {
		for m := MonthOf(s.From.In(zone)); m.Start.Before(s.To); m = MonthOf(m.End) {
			m.Now = m.End
			in[m] += s.Within(fleet.Span{From: m.Start, To: m.End}).Length()
		}
	}
	var sum price.USD
	for m, d := range in {
		sum = sum.Add(amount.Times(Seconds(d), Seconds(m.End.Sub(m.Start))))
	}
	return sum
}

// sum adds up schedules and all, and sorts them by what they save.
func (s *Savings) sum() {
	sums := map[string]*SavedSum{}
	for _, i := range s.Instances {
		if sums[i.Schedule] == nil {
			sums[i.Schedule] = &SavedSum{Schedule: i.Schedule}
		}
		sums[i.Schedule].add(i)
		s.Total.add(i)
	}
	for _, sum := range sums {
		s.Schedules = append(s.Schedules, *sum)
	}
	slices.SortFunc(s.Schedules, func(a, b SavedSum) int {
		return cmp.Or(cmp.Compare(b.Net, a.Net), strings.Compare(a.Schedule, b.Schedule))
	})
	slices.SortFunc(s.Instances, func(a, b Saved) int {
		return cmp.Or(cmp.Compare(b.net(), a.net()), strings.Compare(string(a.Target.Account), string(b.Target.Account)), strings.Compare(string(a.ID), string(b.ID)))
	})
}

func (s Saved) net() price.USD {
	if s.Net == nil {
		return 0
	}
	return *s.Net
}

func (s *SavedSum) add(i Saved) {
	s.Instances++
	s.Off += i.Off
	if i.Net == nil {
		s.Unpriced++
		return
	}
	s.Gross, s.EBS = s.Gross.Add(*i.Gross), s.EBS.Add(*i.EBS)
	s.Addresses, s.Net = s.Addresses.Add(*i.Addresses), s.Net.Add(*i.Net)
}
