package sandbox

import (
	"iter"
	"maps"
	"slices"
	"time"
)

// Span is the time from From to To, To excluded.
type Span struct{ From, To time.Time }

// past is how an instance ran until its last start. What is before the oldest
// run in it is not kept: it follows from the instance's id, its first launch and
// its habit, and is worked out when somebody asks.
type past struct {
	ran     []run // that ended, the oldest first
	nightly bool  // it was stopped in the evening and started in the morning
}

// run is a time in which an instance ran, and the type that it had.
type run struct {
	from, to time.Time
	kind     string
}

// ended notes that a running instance was told to stop: from then on it is not
// billed.
func (i *instance) ended(now time.Time) {
	if i.state == running || i.state == pending && i.failsWith == "" {
		i.ran = append(slices.Clip(i.ran), run{i.launch, now.Truncate(time.Second), i.kind.Name})
	}
}

// runs lists when an instance ran between two instants, in order. None lies
// after the second one, which is to be no later than now.
func (i *instance) runs(from, to time.Time) iter.Seq[run] {
	return func(yield func(run) bool) {
		within := func(r run) bool {
			if r.from.Before(from) {
				r.from = from
			}
			if r.to.After(to) {
				r.to = to
			}
			return !r.from.Before(r.to) || yield(r)
		}
		oldest := run{from: i.launch, kind: i.kind.Name}
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
		if i.state == running || i.state == pending && i.failsWith == "" {
			within(run{i.launch, to, i.kind.Name})
		}
	}
}

// leastPause is how long an instance was off at least before a start that is
// known.
const leastPause = 10 * time.Minute

// earlier lists the runs before the oldest one that is known, at least those
// that touch the time from from to to.
func (i *instance) earlier(oldest run, from, to time.Time) iter.Seq[run] {
	return func(yield func(run) bool) {
		if !i.first.Before(oldest.from) {
			return
		}
		end := oldest.from.Add(-leastPause)
		if !i.first.Before(end) {
			end = i.first.Add(oldest.from.Sub(i.first) / 2).Truncate(time.Second)
		}
		if !i.nightly {
			yield(run{i.first, end, oldest.kind})
			return
		}
		h := habit(mixText(17, i.id))
		first, last := dayOf(i.first), min(dayOf(oldest.from)-1, dayOf(to))
		next := run{from: i.first, to: h.firstEvening(i.first), kind: oldest.kind}
		if earliest := dayOf(from) - 1; first < earliest {
			first, next = earliest, run{}
			next.from, next.to = h.day(first)
		}
		for day := first + 1; day <= last; day++ {
			morning, evening := h.day(day)
			if morning.Equal(next.to) { // it was on all night
				next.to = evening
				continue
			}
			if !send(yield, next, end, oldest.kind) {
				return
			}
			next.from, next.to = morning, evening
		}
		send(yield, next, end, oldest.kind)
	}
}

// send yields the part of a run that lies before end.
func send(yield func(run) bool, r run, end time.Time, kind string) bool {
	if r.to.After(end) {
		r.to = end
	}
	r.kind = kind
	return !r.from.Before(r.to) || yield(r)
}

// habit is how one machine is used on working days; its number decides what
// differs from day to day.
type habit uint64

// The people of the practice account sit in Seoul, where the clocks are nine
// hours ahead all year.
const (
	seoulAhead = 9 * time.Hour
	oneDay     = 24 * time.Hour
	opens      = 8 * time.Hour  // of a day in Seoul
	closes     = 19 * time.Hour // of a day in Seoul
)

// dayOf is the number of the day in Seoul; 0 is Thursday, 1 January 1970.
func dayOf(t time.Time) int64 {
	seconds := t.Add(seoulAhead).Unix()
	day := seconds / int64(oneDay/time.Second)
	if seconds < 0 && day*int64(oneDay/time.Second) != seconds {
		day--
	}
	return day
}

// at is a time of a day in Seoul.
func at(day int64, clock time.Duration) time.Time {
	return time.Unix(day*int64(oneDay/time.Second), 0).UTC().Add(clock - seoulAhead).Truncate(time.Second)
}

// works says whether the machine is used on a day: from Monday to Friday, but
// for one day in 24 or so.
func (h habit) works(day int64) bool {
	weekday := (day + 4) % 7 // 0 is Sunday
	return weekday != 0 && weekday != 6 && mix(uint64(h), uint64(day), 1)%24 != 0
}

// morning is when the machine is started on a day, within ten minutes of eight.
func (h habit) morning(day int64) time.Time {
	late := time.Duration(share(mix(uint64(h), uint64(day), 2)) * float64(20*time.Minute))
	return at(day, opens-10*time.Minute+late)
}

// day is when the machine runs because of a day; an empty time where it does
// not. Mostly it stops soon after seven in the evening; on one day in eight
// somebody keeps it until late, on one in twenty until the next morning.
func (h habit) day(day int64) (from, to time.Time) {
	if !h.works(day) {
		return time.Time{}, time.Time{}
	}
	some := share(mix(uint64(h), uint64(day), 3))
	switch x := mix(uint64(h), uint64(day), 4) % 40; {
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
// bill tell follows from it. The last run ends at the stop that
// DescribeInstances tells, or goes on, and began at LaunchTime. An instance that
// the account does not have never ran.
func (a *account) Runs(id string, from, to time.Time) []Span {
	var list []Span
	for _, name := range slices.Sorted(maps.Keys(a.regions)) {
		r := a.regions[name]
		r.mu.Lock()
		now := a.Now()
		if i := r.instances[id]; i != nil {
			i.settle(now)
			for one := range i.runs(from, earlier(to, now)) {
				list = append(list, Span{one.from, one.to})
			}
		}
		r.mu.Unlock()
	}
	return list
}

// Ran is how long an instance ran between two instants, as far as they are not
// in the future.
func (a *account) Ran(id string, from, to time.Time) time.Duration {
	var sum time.Duration
	for _, one := range a.Runs(id, from, to) {
		sum += one.To.Sub(one.From)
	}
	return sum
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
