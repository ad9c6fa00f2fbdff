package trend

import (
	"fmt"
	"unique"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// Builder makes a Trend from days that it reads one after the other. It
// keeps of every resource what it had cost by the last day, and no rows.
type Builder struct {
	tags   []string
	last   Date
	lastAt int64 // seconds into the last day
	begun  bool
	states map[rowKey]spentSoFar
	groups map[trendGroup]*trendSums
	days   map[Date]trendDay
}

// NewBuilder begins a Trend that is split up by the values of some tags, eight of
// them at most.
func NewBuilder(tags []string) *Builder {
	return &Builder{tags: tags, groups: map[trendGroup]*trendSums{}, days: map[Date]trendDay{}}
}

// rowKey names a resource over all days.
type rowKey struct {
	scope unique.Handle[rowScope]
	id    string
}

type rowScope struct {
	account fleet.Account
	region  fleet.Region
	kind    RowKind
}

func (r Row) key() rowKey {
	return rowKey{unique.Make(rowScope{r.Account, r.Region, r.Kind}), r.ID}
}

// spentSoFar is what is known of a resource on the last day: what it had cost in the
// month by then, and what it was going to cost in all of it.
type spentSoFar struct {
	toDate, forecast price.USD
	hasForecast      bool
	// gone is true where the last day did not have it, or not its cost. What it
	// cost before is kept to the end of the month: if it comes back, that is not
	// spent again.
	gone  bool
	group unique.Handle[trendGroups]
}

// trendGroup is one line of the trend: a type of a class, or a value of a tag.
type trendGroup struct {
	tag       bool
	key, item string
}

// trendGroups are those of one row: its type, then one for each tag. It has a fixed
// size so that it can be compared; more tags than that are left out.
type trendGroups [1 + maxTags]trendGroup

const maxTags = 8

// trendDay is where the amounts of a day come from.
type trendDay struct {
	forecast bool // from a forecast
	wide     bool // from a time of more than a week
	unpriced int  // without this many resources
}

// trendSpending is what a group spent since the last day: in the month of the last
// day, and in that of the next.
type trendSpending struct{ before, now price.USD }

// Add reads the next day. Of a day that ends with an error, and of one on which
// no cost at all was known, nothing is kept, and the next day counts from the
// one before. Days come in their order.
//
// What a resource spent between two days of a month is the difference of what
// it had cost in the month. Across the end of a month, the first month gets
// what was still to come by the forecast, and the second one what it has cost
// by then. A new resource spent all that it has cost in its month, and one that
// is gone nothing after the last day that had it.
func (b *Builder) Add(day Day) error {
	if b.begun && day.Date <= b.last {
		return fmt.Errorf("the day %s of the history does not come after %s", day.Date, b.last)
	}
	crossed := b.begun && day.Date.month() != b.last.month()
	states := make(map[rowKey]spentSoFar, len(b.states))
	spent := map[unique.Handle[trendGroups]]trendSpending{}
	var now, before counts
	var at int64
	for row, err := range day.Rows {
		if err != nil {
			return err
		}
		at = secondsInto(row)
		name := row.key()
		was, had := b.states[name]
		in := b.groupsOf(row)
		s := spent[in]
		switch {
		case !had || !crossed || was.gone:
		case !was.hasForecast:
			before.unpriced++
		default:
			before.priced++
			rest := spent[was.group]
			rest.before = rest.before.Add(was.forecast.Add(-was.toDate))
			spent[was.group] = rest
			s = spent[in]
		}
		if !row.ToDate.Known {
			now.unpriced++
			continue
		}
		now.priced++
		s.now = s.now.Add(row.ToDate.USD)
		if had && !crossed {
			s.now = s.now.Add(-was.toDate)
		}
		spent[in] = s
		states[name] = spentSoFar{toDate: row.ToDate.USD, forecast: row.Forecast.USD, hasForecast: row.Forecast.Known, group: in}
	}
	if now.nothing() {
		return nil
	}
	if !crossed {
		for name, s := range b.states {
			if _, ok := states[name]; !ok {
				s.gone = true
				states[name] = s
			}
		}
	}
	b.enter(day.Date, at, spent, now, before)
	b.states, b.last, b.lastAt, b.begun = states, day.Date, at, true
	return nil
}

// secondsInto is how far into its day a row was made, and all of the day where
// that is not known. On the days after a change of the clocks it is an hour off.
func secondsInto(row Row) int64 {
	if row.SecondsElapsed == 0 {
		return secondsPerDay
	}
	return row.SecondsElapsed % secondsPerDay
}

// counts are of resources whose cost is known, and of others.
type counts struct{ priced, unpriced int }

// nothing is true where there are resources and none has a cost: what was spent
// is then not known, and not zero.
func (c counts) nothing() bool { return c.priced == 0 && c.unpriced > 0 }

func (b *Builder) groupsOf(row Row) unique.Handle[trendGroups] {
	item := row.Type
	if row.Kind.class() == classOther {
		item = string(row.Kind)
	}
	all := trendGroups{{key: row.Kind.class(), item: item}}
	for n, key := range b.tags[:min(len(b.tags), maxTags)] {
		all[n+1] = trendGroup{tag: true, key: key, item: row.Tags[key]}
	}
	return unique.Make(all)
}

// enter spreads what was spent over the time since the last day, up to some
// seconds into this one.
func (b *Builder) enter(day Date, at int64, spent map[unique.Handle[trendGroups]]trendSpending, now, before counts) {
	crossed := b.begun && day.month() != b.last.month()
	lately := stretch{first: day.month(), last: day, to: at}
	if b.begun && !crossed {
		lately.first, lately.from = b.last, b.lastAt
	}
	earlier := stretch{first: b.last, last: b.last.nextMonth() - 1, from: b.lastAt, to: secondsPerDay}
	for d := lately.first; d <= day; d++ {
		if d != b.last || !b.begun {
			b.days[d] = trendDay{wide: day-lately.first > evenDays, unpriced: now.unpriced}
		}
	}
	for d := b.last; d <= earlier.last && crossed && !before.nothing(); d++ {
		b.days[d] = trendDay{forecast: true, unpriced: before.unpriced}
	}
	for in, s := range spent {
		for _, g := range in.Value() {
			if g == (trendGroup{}) {
				continue
			}
			if b.groups[g] == nil {
				b.groups[g] = &trendSums{map[Date]price.USD{}, map[Date]price.USD{}}
			}
			b.groups[g].spread(s.now, lately)
			if crossed {
				b.groups[g].spread(s.before, earlier)
			}
		}
	}
}
