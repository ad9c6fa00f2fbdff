package state

import (
	"iter"
	"maps"
	"slices"
	"time"

	"nightshift/internal/sandbox/random"
)

// Span is the time from From to To, To excluded.
type Span struct{ From, To time.Time }

// past is how an instance ran until its last start. What is before the oldest
// run in it is not kept: it follows from the instance's id, its first launch and
// its habit, and is worked out when somebody asks.
type past struct {
	ran     []Run // that ended, the oldest first
	nightly bool  // it was stopped in the evening and started in the morning
}

// Run is a time in which an instance ran, and the type that it had.
type Run struct {
	From, To time.Time
	Kind     string
}

// ended notes that a running instance was asked to stop: from then on it is not
// billed.
func (i *Instance) ended(now time.Time) {
	if i.State == Running || i.State == Pending && i.FailsWith == "" {
		i.ran = append(slices.Clip(i.ran), Run{i.LaunchTime, now.Truncate(time.Second), i.Type.Name})
	}
}

// Runs lists when an instance ran between two instants, in order. None lies
// after the second one, which is to be no later than now.
func (i *Instance) Runs(from, to time.Time) iter.Seq[Run] {
	return func(yield func(Run) bool) {
		within := func(r Run) bool {
			if r.From.Before(from) {
				r.From = from
			}
			if r.To.After(to) {
				r.To = to
			}
			return !r.From.Before(r.To) || yield(r)
		}
		oldest := Run{From: i.LaunchTime, Kind: i.Type.Name}
		if len(i.ran) > 0 {
			oldest = i.ran[0]
		}
		for r := range i.earlier(oldest, from, to) {
			if !within(r) {
				return
			}
		}
		for _, r := range i.ran {
			if !within(r) {
				return
			}
		}
		if i.State == Running || i.State == Pending && i.FailsWith == "" {
			within(Run{i.LaunchTime, to, i.Type.Name})
		}
	}
}

// leastPause is how long an instance was off at least before a start that is
// known.
const leastPause = 10 * time.Minute

// earlier lists the runs before the oldest one that is known, at least those
// that touch the time from from to to.
func (i *Instance) earlier(oldest Run, from, to time.Time) iter.Seq[Run] {
	return func(yield func(Run) bool) {
		if !i.FirstLaunch.Before(oldest.From) {
			return
		}
		end := oldest.From.Add(-leastPause)
		if !i.FirstLaunch.Before(end) {
			end = i.FirstLaunch.Add(oldest.From.Sub(i.FirstLaunch) / 2).Truncate(time.Second)
		}
		if !i.nightly {
			yield(Run{i.FirstLaunch, end, oldest.Kind})
			return
		}
		h := habit(random.HashText(17, i.ID))
		first, last := dayOf(i.FirstLaunch), min(dayOf(oldest.From)-1, dayOf(to))
		next := Run{From: i.FirstLaunch, To: h.firstEvening(i.FirstLaunch), Kind: oldest.Kind}
		if earliest := dayOf(from) - 1; first < earliest {
			first, next = earliest, Run{}
			next.From, next.To = h.day(first)
		}
		for day := first + 1; day <= last; day++ {
			morning, evening := h.day(day)
			if morning.Equal(next.To) { // it was on all night
				next.To = evening
				continue
			}
			if !send(yield, next, end, oldest.Kind) {
				return
			}
			next.From, next.To = morning, evening
		}
		send(yield, next, end, oldest.Kind)
	}
}

// send yields the part of a run that lies before end.
func send(yield func(Run) bool, r Run, end time.Time, kind string) bool {
	if r.To.After(end) {
		r.To = end
	}
	r.Kind = kind
	return !r.From.Before(r.To) || yield(r)
}

// habit is how one machine is used on working days; its number decides what
// differs from day to day.
type habit uint64

// The people of the sandbox sit in Seoul, where the clocks are nine
// hours ahead all year.
const (
	seoulAhead = 9 * time.Hour
	Day        = 24 * time.Hour
	opens      = 8 * time.Hour  // of a day in Seoul
	closes     = 19 * time.Hour // of a day in Seoul
)

// dayOf is the number of the day in Seoul; 0 is Thursday, 1 January 1970.
func dayOf(t time.Time) int64 {
	seconds := t.Add(seoulAhead).Unix()
	day := seconds / int64(Day/time.Second)
	if seconds < 0 && day*int64(Day/time.Second) != seconds {
		day--
	}
	return day
}

// at is a time of a day in Seoul.
func at(day int64, clock time.Duration) time.Time {
	return time.Unix(day*int64(Day/time.Second), 0).UTC().Add(clock - seoulAhead).Truncate(time.Second)
}

// works says whether the machine is used on a day: from Monday to Friday, but
// for one day in 24 or so.
func (h habit) works(day int64) bool {
	weekday := (day + 4) % 7 // 0 is Sunday
	return weekday != 0 && weekday != 6 && random.Hash(uint64(h), uint64(day), 1)%24 != 0
}

// morning is when the machine is started on a day, within ten minutes of eight.
func (h habit) morning(day int64) time.Time {
	late := time.Duration(random.Fraction(random.Hash(uint64(h), uint64(day), 2)) * float64(20*time.Minute))
	return at(day, opens-10*time.Minute+late)
}

// day is when the machine runs because of a day; an empty time where it does
// not. Mostly it stops soon after seven in the evening; on one day in eight
// somebody keeps it until late, on one in twenty until the next morning.
func (h habit) day(day int64) (from, to time.Time) {
	if !h.works(day) {
		return time.Time{}, time.Time{}
	}
	some := random.Fraction(random.Hash(uint64(h), uint64(day), 3))
	switch x := random.Hash(uint64(h), uint64(day), 4) % 40; {
	case x < 2 && h.works(day+1):
		to = h.morning(day + 1)
	case x < 2:
		to = at(day+1, 10*time.Hour+time.Duration(some*float64(2*time.Hour)))
	case x < 7:
		to = at(day, 21*time.Hour+time.Duration(some*float64(150*time.Minute)))
	default:
		to = at(day, closes+time.Duration(some*float64(15*time.Minute)))
	}
	return h.morning(day), to
}

// firstEvening is when the machine was stopped for the first time: on the day of
// its launch, but three hours after that at least.
func (h habit) firstEvening(launched time.Time) time.Time {
	_, evening := h.day(dayOf(launched))
	if least := launched.Add(3 * time.Hour); least.After(evening) {
		return least
	}
	return evening
}

// Runs lists when an instance ran between two instants, as far as they are not
// in the future, in order. What CloudWatch, Cost Explorer and an export of the
// bill report follows from it. The last run ends at the stop that
// DescribeInstances reports, or goes on, and began at LaunchTime. An instance
// that the account does not have never ran.
func (a *Account) Runs(id string, from, to time.Time) []Span {
	var list []Span
	for _, name := range slices.Sorted(maps.Keys(a.Regions)) {
		r := a.Regions[name]
		r.Mu.Lock()
		now := a.Now()
		if i := r.Instances[id]; i != nil {
			i.Settle(now)
			for one := range i.Runs(from, Earlier(to, now)) {
				list = append(list, Span{one.From, one.To})
			}
		}
		r.Mu.Unlock()
	}
	return list
}

// Ran is how long an instance ran between two instants, as far as they are not
// in the future.
func (a *Account) Ran(id string, from, to time.Time) time.Duration {
	var sum time.Duration
	for _, one := range a.Runs(id, from, to) {
		sum += one.To.Sub(one.From)
	}
	return sum
}

// Earlier is the earlier of two times.
func Earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
