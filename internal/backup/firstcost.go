package backup

import (
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/retention"
)

const (
	hoursOfDay = 24 * time.Hour
	// firstMonth is how long the first month of a policy lasts, and steadyAfter when one
	// without a limit is looked at.
	firstMonth, steadyAfter = 30 * hoursOfDay, 365 * hoursOfDay
)

// Bounds are what the copies of a policy cost in a month, before there are any. A copy
// stores what was written since the one before it, which nobody knows: at least nothing
// but the first, full copy, at most the whole volume each time.
type Bounds struct {
	Low, High price.USD
	// Copies is how many sets of a resource there are at most.
	Copies int
	// Unlimited is true where the policy keeps more and more; High and Copies are then
	// what they are after a year.
	Unlimited bool
	// Priced is false where the price of a snapshot is not known.
	Priced bool
}

// Cost is what a policy costs for the volumes that it copies: at the end of its first
// month, and once it has all the copies that it keeps. Full is how many bytes of a volume
// are in use, as far as a snapshot of it says, whoever made it.
func (p Policy) Cost(volumes []fleet.Volume, full map[fleet.VolumeID]int64, rates price.Rates, at time.Time) (first, steady Bounds) {
	first = Bounds{Copies: p.mostCopies(at, firstMonth)}
	steady = Bounds{Copies: p.mostCopies(at, 0)}
	for _, n := range retention.Names() {
		steady.Unlimited = steady.Unlimited || p.Keep.Count(n) == retention.Unlimited
	}
	quote := rates.Quote(price.SnapshotStorage)
	if !quote.Status.Usable() {
		return first, steady
	}
	var least, most int64
	for n := range volumes {
		least += min(full[volumes[n].ID], volumes[n].SizeGiB*gib)
		most += volumes[n].SizeGiB
	}
	for _, b := range []*Bounds{&first, &steady} {
		b.Priced = true
		b.Low = quote.Rate.USD.Times(least, gib)
		b.High = quote.Rate.USD.Times(most*int64(b.Copies), 1)
	}
	return first, steady
}

// mostCopies is how many sets the policy has after so long at most; 0 is once it has all.
// Each rule keeps no more than there are periods, and slots, in its time.
func (p Policy) mostCopies(at time.Time, after time.Duration) int {
	sum, slots := 0, 0
	for _, n := range retention.Names() {
		if !p.Keep.Has(n) {
			continue
		}
		length, count := after, int(p.Keep.Count(n))
		switch {
		case n.Windowed():
			window := at.Sub(p.Keep.Within(n).Before(at))
			if length == 0 || window < length {
				length = window
			}
			count = -1
		case count < 0 && length == 0:
			length = steadyAfter
		}
		most := count
		if length > 0 {
			in := p.slotsIn(at, length)
			slots = max(slots, in)
			if most < 0 || in < most {
				most = in
			}
			if period := periodOf(n); period > 0 {
				most = min(most, int(length/period)+2) // parts of two more
			}
		}
		sum += most
	}
	if after > 0 {
		return min(sum, slots)
	}
	return sum
}

// slotsIn is how many sets are made in a time at most.
func (p Policy) slotsIn(at time.Time, length time.Duration) int {
	most := 1
	if every := p.When.Interval(); every > 0 {
		most += int(length / every)
	} else {
		for slot, ok := p.When.Next(at); ok && slot.Before(at.Add(length)); slot, ok = p.When.Next(slot) {
			most++
		}
	}
	if p.AfterStop {
		most *= 2
	}
	return most
}

// periodOf is how long a period of a rule is at least; 0 where each copy is one.
func periodOf(n retention.Name) time.Duration {
	switch n {
	case retention.Hourly, retention.WithinHourly:
		return time.Hour
	case retention.Daily, retention.WithinDaily:
		return hoursOfDay - time.Hour // where the clock goes forward
	case retention.Weekly, retention.WithinWeekly:
		return 7*hoursOfDay - time.Hour
	case retention.Monthly, retention.WithinMonthly:
		return 28*hoursOfDay - time.Hour
	case retention.Yearly, retention.WithinYearly:
		return 365*hoursOfDay - time.Hour
	default:
		return 0
	}
}
