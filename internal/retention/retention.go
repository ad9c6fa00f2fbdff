// Package retention says which of many copies to keep, and why: the newest of
// each hour, day, week, month and year, as many as a policy asks for.
//
// A policy is a [Keep]. [Apply] gives a verdict for each item, with a reason for
// every one that is kept and every one that is not. The meaning is that of restic
// (https://restic.readthedocs.io/en/stable/060_forget.html): an item stays where
// one rule or more keeps it, a count of n means n periods in which there is an
// item, the newest item of a period is kept, and as long as a rule has counts left
// it keeps the oldest item, too, so that a young chain grows back as far as the rule
// allows. Four things differ, each on the side of keeping:
//
//   - All items of a policy are put into periods of one time zone. restic takes the
//     offset that each snapshot was written with.
//   - Items with a time after now are kept and do not count, so that a wrong clock
//     pushes no real item out.
//   - A month or year before a day that the month does not have is before its last
//     day: a month before 31 May is 30 April. restic counts on, to 1 May.
//   - A policy without rules keeps everything. restic's function keeps nothing, and
//     its command refuses.
//
// Each rule has periods of its own, so that the week 2026-01 and the month 2026-01
// are never taken for the same. Weeks are those of ISO 8601: they begin on Monday,
// and belong to the year in which their Thursday lies. In the hour that a zone
// repeats in autumn there is one period.
//
// The package reads no clock and knows nothing of AWS. It may import fleet and text.
package retention

import (
	"slices"
	"time"
)

// Verdict is what becomes of one item.
type Verdict[T any] struct {
	Item T
	// Time is that of the item, in the zone of the policy.
	Time time.Time
	Keep bool
	// Reasons has one entry for each rule that keeps the item; where none does, one
	// for each rule of the policy. It is never empty.
	Reasons []Reason
}

// Apply gives each item its verdict, newest first; items of the same time stay in
// the order in which they are given. Periods are those of the zone. Items after now
// are kept and not counted. The windows of the rules within end at the newest item
// that is not after now, so that nothing more is deleted once no new item arrives.
func Apply[T any](items []T, when func(T) time.Time, keep Keep, zone *time.Location, now time.Time) []Verdict[T] {
	verdicts := make([]Verdict[T], len(items))
	for n, item := range items {
		verdicts[n] = Verdict[T]{Item: item, Time: when(item).In(zone)}
	}
	slices.SortStableFunc(verdicts, func(a, b Verdict[T]) int { return b.Time.Compare(a.Time) })
	first := 0
	for first < len(verdicts) && verdicts[first].Time.After(now) {
		verdicts[first].Keep = true
		verdicts[first].Reasons = []Reason{{Kind: Future}}
		first++
	}
	real := verdicts[first:]
	if len(real) == 0 {
		return verdicts
	}
	rules := keep.rules(real[0].Time)
	not := make([]Reason, 0, len(rules))
	for n := range real {
		v := &real[n]
		not = not[:0]
		for r := range rules {
			reason, kept := rules[r].judge(v.Time, n == len(real)-1)
			switch {
			case kept:
				v.Keep = true
				v.Reasons = append(v.Reasons, reason)
			default:
				not = append(not, reason)
			}
		}
		switch {
		case len(rules) == 0:
			v.Keep, v.Reasons = true, []Reason{{Kind: NoRule}}
		case !v.Keep:
			v.Reasons = slices.Clone(not)
		}
	}
	return verdicts
}

// rule is one rule of a policy while it is applied, from the newest item to the
// oldest.
type rule struct {
	name   Name
	period period // nil: each item is a period of its own
	count  Count
	within Duration
	// since is where the window of the rule begins, exclusive; newest is its end.
	since, newest time.Time
	windowed      bool

	used int
	last string // the period of the item that was kept last
	kept time.Time
}

// judge says whether the rule keeps the next older item, and why.
func (r *rule) judge(t time.Time, oldest bool) (Reason, bool) {
	out := Reason{Rule: r.name, Of: r.count, Within: r.within, Newest: r.newest}
	if r.windowed && !t.After(r.since) {
		out.Kind, out.Since = TooOld, r.since
		return out, false
	}
	if !r.windowed && r.count != Unlimited && r.used >= int(r.count) {
		out.Kind = UsedUp
		return out, false
	}
	again := false
	if r.period != nil {
		out.Period = r.period(t)
		again = out.Period == r.last
	}
	if again && !oldest {
		out.Kind, out.By = Taken, r.kept
		return out, false
	}
	r.used++
	r.last, r.kept = out.Period, t
	out.Kind, out.N = Kept, r.used
	if again {
		out.Kind = Oldest
	}
	return out, true
}
