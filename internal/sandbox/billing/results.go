package billing

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/sandbox/catalog"
	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// invoice works out the answer to one query.
type invoice struct {
	biller *biller
	query  costQuery
	known  time.Time
}

// result is the answer for one span of time: from the bookmark on at most as
// many groups as are free. Where there are more, it comes with the place of the
// next one.
func (s invoice) result(slot state.Span, mark wire.Bookmark, free int) (r costResult, next *wire.Bookmark) {
	r = costResult{Total: map[string]costAmount{}, Groups: []costGroupResult{}}
	slot.To = state.Earlier(slot.To, s.known)
	if len(s.query.GroupBy) == 0 {
		var sum costSum
		for one := range s.records(slot, "") {
			sum.add(one)
		}
		r.Total = sum.metrics(s.query.Metrics)
		return r, nil
	}
	skip := mark.Skip
	for g := range s.groups(slot, mark.Resource) {
		if g.resource != mark.Resource {
			mark.Resource, mark.Skip, skip = g.resource, 0, 0
		}
		switch {
		case skip > 0:
			skip--
		case len(r.Groups) == free:
			return r, &mark
		default:
			mark.Skip++
			r.Groups = append(r.Groups, costGroupResult{Keys: g.keys, Metrics: g.metrics(s.query.Metrics)})
		}
	}
	return r, nil
}

// costGroupSum is the sum of the records with the same keys: of one resource,
// where resources are distinguished.
type costGroupSum struct {
	keys     []string
	resource string
	costSum
}

// groups yields the groups of a span of time. Where resources are distinguished,
// a group is complete as soon as its resource is: it need not be kept until all
// are known, and one can begin with any resource.
func (s invoice) groups(slot state.Span, first string) iter.Seq[*costGroupSum] {
	dimensions := costDimensions()
	var keyed []func(costRecord) string
	byResource := false
	for _, g := range s.query.GroupBy {
		keyed = append(keyed, dimensions[g.Key])
		byResource = byResource || g.Key == "RESOURCE_ID"
	}
	return func(yield func(*costGroupSum) bool) {
		open := map[string]*costGroupSum{}
		var order []string
		flush := func() bool {
			if !byResource {
				slices.Sort(order)
			}
			for _, key := range order {
				if !yield(open[key]) {
					return false
				}
			}
			clear(open)
			order = order[:0]
			return true
		}
		resource := ""
		for one := range s.records(slot, first) {
			if byResource && one.resource != resource {
				if !flush() {
					return
				}
				resource = one.resource
			}
			keys := make([]string, len(keyed))
			for n, of := range keyed {
				keys[n] = of(one)
			}
			name := strings.Join(keys, "\x00")
			if open[name] == nil {
				open[name] = &costGroupSum{keys: keys, resource: resource}
				order = append(order, name)
			}
			open[name].add(one)
		}
		flush()
	}
}

// records yields the lines of the bill that pass the filter, those of one
// resource after those of another, from a first one on if it is named.
func (s invoice) records(slot state.Span, first string) iter.Seq[costRecord] {
	return func(yield func(costRecord) bool) {
		if !slot.From.Before(slot.To) {
			return
		}
		var covered catalog.Price
		for c := range s.biller.charges(slot.From, slot.To, first, s.selected()) {
			for _, one := range c.records() {
				one.account = s.biller.account.ID()
				if s.query.Filter.match(one) && !yield(one) {
					return
				}
			}
			if c.payment == planPayment {
				covered += c.cost
			}
		}
		if fee := s.biller.planFee(slot, covered); covered > 0 && !s.query.resources && s.query.Filter.match(fee) {
			yield(fee)
		}
	}
}

// selected says which resources a query can be about. Resources are
// distinguished for EC2 alone, which leaves out volumes.
func (s invoice) selected() func(id string) bool {
	ids, some := s.query.Filter.only("RESOURCE_ID")
	return func(id string) bool {
		return (!some || ids[id]) && (!s.query.resources || !strings.HasPrefix(id, "vol-"))
	}
}

// charges yields what the account was charged for in a span of time, region by
// region, in the order in which resources came to be: instances, other resources,
// volumes. If one is named that is not a volume, it is the first.
func (b *biller) charges(from, to time.Time, first string, selected func(id string) bool) iter.Seq[charge] {
	return func(yield func(charge) bool) {
		for _, name := range slices.Sorted(maps.Keys(b.account.Regions)) {
			r := b.account.Regions[name]
			if first != "" && !hasResource(r, first) {
				continue
			}
			if !b.regionCharges(r, from, to, first, selected, yield) {
				return
			}
			first = ""
		}
	}
}

// hasResource says whether the region's charges can begin with a resource.
func hasResource(r *state.Region, id string) bool {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	return r.Instances[id] != nil || strings.HasPrefix(id, strings.TrimSuffix(r.ARN("", ""), "/"))
}

func (b *biller) regionCharges(r *state.Region, from, to time.Time, first string, selected func(id string) bool, yield func(charge) bool) bool {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	begin := uint64(math.MaxUint64) // after all instances
	switch i := r.Instances[first]; {
	case first == "":
		begin = 0
	case i != nil:
		begin = i.Reservation.Seq
	}
	start, _ := slices.BinarySearchFunc(r.Reservations, begin, func(res *state.Reservation, seq uint64) int { return cmp.Compare(res.Seq, seq) })
	for _, res := range r.Reservations[start:] {
		for _, i := range res.Instances {
			if first != "" && first != i.ID {
				continue
			}
			if first = ""; !selected(i.ID) {
				continue
			}
			i.Settle(b.account.Now())
			for _, c := range b.instance(r, i, from, to) {
				if !yield(c) {
					return false
				}
			}
		}
	}
	for _, c := range b.otherResources(r, from, to) {
		if first != "" && first != c.resource {
			continue
		}
		if first = ""; selected(c.resource) && !yield(c) {
			return false
		}
	}
	for _, v := range r.VolumeOrder {
		if !selected(v.ID) {
			continue
		}
		for _, c := range b.volume(r, v, from, to) {
			if !yield(c) {
				return false
			}
		}
	}
	return true
}

// records are the lines of the bill that a charge is. What a Savings Plan covers
// is billed at the list price and taken back; what credits pay is taken back.
func (c *charge) records() []costRecord {
	usage := costRecord{charge: c, record: "Usage", unblended: c.cost, amortized: c.cost, quantity: c.quantity, unit: c.unit}
	switch {
	case c.payment == planPayment:
		usage.record, usage.unblended = "SavingsPlanCoveredUsage", c.list
		return []costRecord{usage, {charge: c, record: "SavingsPlanNegation", unblended: -c.list}}
	case c.credited > 0:
		return []costRecord{usage, {charge: c, record: "Credit", unblended: -c.credited, amortized: -c.credited}}
	}
	return []costRecord{usage}
}

// planFee is the commitment of the Savings Plan, which is paid for all hours
// and, since it fits, spread over what it covers.
func (b *biller) planFee(slot state.Span, covered catalog.Price) costRecord {
	fee := charge{
		from: slot.From, to: slot.To, region: "", service: planService, resource: planARN(b.account),
		usage: planUsage, unit: "Hrs",
	}
	return costRecord{
		charge: &fee, account: b.account.ID(), record: "SavingsPlanRecurringFee", unblended: covered,
		quantity: slot.To.Sub(slot.From).Hours(), unit: "Hrs",
	}
}

// planARN names the account's Savings Plan.
func planARN(a *state.Account) string {
	h, l := random.HashText(37, a.ID()), random.HashText(41, a.ID())
	return fmt.Sprintf("arn:aws:savingsplans::%s:savingsplan/%08x-%04x-4%03x-%04x-%012x", a.ID(), h>>32, h>>16&0xffff, h&0xfff, l>>48&0x3fff|0x8000, l&0xffffffffffff)
}

// costSum adds up records.
type costSum struct {
	unblended, amortized catalog.Price
	quantity             float64
	unit                 string
	mixed                bool // more than one unit
}

func (s *costSum) add(r costRecord) {
	s.unblended += r.unblended
	s.amortized += r.amortized
	s.quantity += r.quantity
	if r.unit != "" {
		s.mixed = s.mixed || s.unit != "" && s.unit != r.unit
		s.unit = r.unit
	}
}

func (s *costSum) metrics(names []string) map[string]costAmount {
	unit := cmp.Or(s.unit, "N/A")
	if s.mixed {
		unit = "N/A"
	}
	all := make(map[string]costAmount, len(names))
	for _, name := range names {
		switch name {
		case "UsageQuantity":
			all[name] = costAmount{quantityText(s.quantity), unit}
		case "AmortizedCost", "NetAmortizedCost":
			all[name] = costAmount{s.amortized.Signed(), "USD"}
		default:
			all[name] = costAmount{s.unblended.Signed(), "USD"}
		}
	}
	return all
}

// quantityText writes a quantity with at most ten decimals.
func quantityText(q float64) string {
	text := strconv.FormatFloat(q, 'f', 10, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
