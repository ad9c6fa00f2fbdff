package cost

import (
	"slices"
	"time"

	"nightshift/internal/fleet"
)

// withoutPaying is what can be known for nothing: what EC2 reports where that is
// exact, else what the journal adds to it.
func (b *builder) withoutPaying(i *fleet.Instance, span fleet.Span) ran {
	found := fromEC2(i, span)
	if found.exact() {
		return found
	}
	walked, ok := b.past.walk(i, span)
	switch {
	case !ok:
		return found
	case walked.exact():
		return walked
	}
	least, most := max(found.atLeast, walked.atLeast), min(found.atMost, walked.atMost)
	if least > most {
		return found // they contradict each other: somebody else acted, too
	}
	return ran{hours: least, atLeast: least, atMost: most, source: LowerBound}
}

// slack is by how far the journal and EC2 may differ about one event: their
// clocks need not agree, and stops are booked when they are seen.
const slack = 10 * time.Minute

// walk follows the stops and starts of an instance through a span: those of the
// journal, its last start and stop as EC2 reports them, and its first launch. It
// is false where they do not fit together, since then somebody else acted, too:
// two starts in a row, or two stops. Acts whose times are in doubt give bounds.
func (p past) walk(i *fleet.Instance, span fleet.Span) (ran, bool) {
	known := p.acts[machine{i.Target.Account, i.ID}]
	if len(known) == 0 || p.known.Length() == 0 || p.known.From.After(span.From) || p.known.To.Before(span.To) {
		return ran{}, false // an act may be missing
	}
	acts := eventsOf(i, known)
	running := i.State == fleet.Running || i.State == fleet.Pending
	if last := acts[len(acts)-1]; last.Stop == running {
		return ran{}, false
	}
	var total ran
	before, up := fleet.Act{At: span.From}, acts[0].Stop // before a stop it ran, before a start it did not
	for n, act := range acts {
		if n > 0 && !follows(act, acts[n-1], i, span) {
			return ran{}, false
		}
		if up {
			total = total.plus(between(before, act, span))
		}
		before, up = act, !act.Stop
	}
	if up {
		total = total.plus(between(before, fleet.Act{At: span.To}, span))
	}
	for _, d := range []*time.Duration{&total.hours, &total.atLeast, &total.atMost} {
		*d = d.Truncate(time.Second)
	}
	total.source = FromJournal
	if total.atLeast < total.atMost {
		total.source = LowerBound
	}
	return total, true
}

// eventsOf are the acts on an instance, in the order of their times, with what EC2
// reports of its past. EC2's time of an act is the better one where the journal's
// is in doubt.
func eventsOf(i *fleet.Instance, known []fleet.Act) []fleet.Act {
	acts := slices.Clone(known)
	running := i.State == fleet.Running || i.State == fleet.Pending
	for _, seen := range []fleet.Act{{At: i.FirstLaunch}, {At: i.LaunchTime}, {At: i.Stopped, Stop: true}} {
		if seen.At.IsZero() || seen.Stop && running {
			continue
		}
		nearest := -1
		for n, a := range acts {
			apart := a.At.Sub(seen.At).Abs()
			if a.Stop == seen.Stop && apart <= slack+a.Doubt && (nearest < 0 || apart < acts[nearest].At.Sub(seen.At).Abs()) {
				nearest = n
			}
		}
		switch {
		case nearest < 0:
			acts = append(acts, seen)
		case acts[nearest].Doubt > 0:
			acts[nearest].At, acts[nearest].Doubt = seen.At, 0
		}
	}
	slices.SortStableFunc(acts, func(a, b fleet.Act) int { return a.At.Compare(b.At) })
	return acts
}

// follows reports whether an act can come next after another.
func follows(act, before fleet.Act, i *fleet.Instance, span fleet.Span) bool {
	if act.Stop == before.Stop {
		// A first launch long ago says nothing about what came next.
		return !act.At.After(span.From) && before.At.Equal(i.FirstLaunch)
	}
	// Nobody knows which of two came first whose times may be the same.
	return act.Doubt+before.Doubt == 0 || act.At.Add(-act.Doubt).After(before.At.Add(before.Doubt))
}

// between is the running time from a start to a stop, as far as it lies in a span.
func between(start, stop fleet.Act, span fleet.Span) ran {
	length := func(direction time.Duration) time.Duration {
		return fleet.Span{From: start.At.Add(-direction * start.Doubt), To: stop.At.Add(direction * stop.Doubt)}.Within(span).Length()
	}
	least := length(-1)
	return ran{hours: least, atLeast: least, atMost: length(1)}
}
