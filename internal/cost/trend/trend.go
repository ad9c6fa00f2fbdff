// Package trend follows costs over days: the rows that each report leaves in the
// history, what was spent by week and month, and what changed between two days.
// It is pure; cost/history keeps the rows.
//
// It may import cost, fleet and price.
package trend

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"nightshift/internal/price"
)

// Trend is what was spent by week and by month. It is made from the days of the
// history; what lies between two of them is spread evenly over the days
// between.
type Trend struct {
	// From is the first day with data, To the last stored day.
	From Date `json:"from"`
	To   Date `json:"to"`
	// Weeks begin on Monday. Both lists are without holes: what the history
	// knows nothing of is a gap in them.
	Weeks  []Period `json:"weeks"`
	Months []Period `json:"months"`
	// Types and Tags split the periods up, the largest sums first.
	Types []Series `json:"types"`
	Tags  []Series `json:"tags"`
}

// Period is a week or a month. Its sums are exact and of known amounts only;
// they are nil in a gap.
type Period struct {
	Start Date       `json:"start"`
	Last  Date       `json:"last"` // the last day of it
	EC2   *price.USD `json:"ec2_usd"`
	EBS   *price.USD `json:"ebs_usd"`
	Other *price.USD `json:"other_usd"`
	Total *price.USD `json:"total_usd"`
	// Days is how many of its days are known, 0 in a gap.
	Days int `json:"days"`
	// Incomplete is true where days are missing or not over. Estimated is true
	// where the end of a month was taken from a forecast, and of a week also
	// where more than seven days were spread evenly.
	Incomplete bool `json:"incomplete"`
	Estimated  bool `json:"estimated"`
	// Unpriced is how many resources without a known cost it leaves out.
	Unpriced int `json:"unpriced"`
}

// Note says in words how far the period can be trusted; it is empty for one
// that is complete and was measured.
func (p Period) Note() string {
	if p.Days == 0 {
		return "gap: the history has no day for it"
	}
	var notes []string
	if p.Incomplete {
		notes = append(notes, "incomplete")
	}
	if p.Estimated {
		notes = append(notes, "partly estimated")
	}
	return strings.Join(notes, ", ")
}

// Series is one type or one value of a tag over the periods of a Trend.
type Series struct {
	// Key is "EC2", "EBS" or "Other", or the key of a tag.
	Key string `json:"key"`
	// Item is an instance type, a volume type, a LineKind or the value of the
	// tag; it is empty where a resource has none, and "(others)" sums up what is
	// too small to be listed.
	Item  string    `json:"item"`
	Total price.USD `json:"total_usd"`
	// Weeks and Months go with those of the Trend, nil in a gap.
	Weeks  []*price.USD `json:"weeks_usd"`
	Months []*price.USD `json:"months_usd"`
}

const (
	classEC2, classEBS, classOther = "EC2", "EBS", "Other"

	allOthers = "(others)"
	// itemsListed bounds the series of one key: nobody reads more.
	itemsListed = 40
	// evenDays is the longest time that may be spread over a week's days without
	// the week being an estimate.
	evenDays = 7
)

// class is the group of a row: EC2 is what instances cost by the hour, EBS what
// they are stored on.
func (k RowKind) class() string {
	switch k {
	case InstanceRow:
		return classEC2
	case VolumeRow:
		return classEBS
	}
	return classOther
}

// trendSums are the sums of a group by the first day of the period.
type trendSums struct{ weeks, months map[Date]price.USD }

// stretch is a time from some second of its first day to some second of its
// last, over which an amount is spread evenly.
type stretch struct {
	first, last Date
	from, to    int64 // seconds into the first and into the last day
}

// seconds is how much of the stretch lies in one of its days.
func (s stretch) seconds(d Date) int64 {
	from, to := int64(0), int64(secondsPerDay)
	if d == s.first {
		from = s.from
	}
	if d == s.last {
		to = s.to
	}
	return max(to-from, 0)
}

// spread adds an amount to the days of a stretch, by its seconds in each. What
// the division leaves goes to the last day, so that the days add up to the
// amount.
func (s trendSums) spread(amount price.USD, over stretch) {
	var total int64
	for d := over.first; d <= over.last; d++ {
		total += over.seconds(d)
	}
	rest := amount
	for d := over.first; d <= over.last; d++ {
		part := rest
		if d != over.last {
			part = 0
			if total > 0 {
				part = amount.Times(over.seconds(d), total)
			}
			rest = rest.Add(-part)
		}
		s.weeks[d.week()] = s.weeks[d.week()].Add(part)
		s.months[d.month()] = s.months[d.month()].Add(part)
	}
}

// Trend is what the days so far come to.
func (b *Builder) Trend() *Trend {
	if len(b.days) == 0 {
		return &Trend{}
	}
	t := &Trend{From: slices.Min(slices.Collect(maps.Keys(b.days))), To: b.last}
	for d := t.From.week(); d <= t.To; d += 7 {
		t.Weeks = append(t.Weeks, b.period(d, d+6, func(g *trendSums) price.USD { return g.weeks[d] }))
	}
	for d := t.From.month(); d <= t.To; d = d.nextMonth() {
		t.Months = append(t.Months, b.period(d, d.nextMonth()-1, func(g *trendSums) price.USD { return g.months[d] }))
	}
	for _, w := range t.Weeks {
		for d := w.Start; d <= w.Last; d++ {
			if b.days[d].wide {
				t.Weeks[(w.Start-t.Weeks[0].Start)/7].Estimated = true
			}
		}
	}
	t.series(b.groups)
	return t
}

// period adds up the classes between two days.
func (b *Builder) period(first, last Date, of func(*trendSums) price.USD) Period {
	p := Period{Start: first, Last: last, Incomplete: b.last <= last}
	for d := first; d <= last; d++ {
		day, ok := b.days[d]
		if !ok {
			p.Incomplete = true
			continue
		}
		p.Days++
		p.Estimated = p.Estimated || day.forecast
		p.Unpriced = max(p.Unpriced, day.unpriced)
	}
	if p.Days == 0 {
		return p
	}
	p.EC2, p.EBS, p.Other, p.Total = new(price.USD), new(price.USD), new(price.USD), new(price.USD)
	for group, g := range b.groups {
		sum := map[string]*price.USD{classEC2: p.EC2, classEBS: p.EBS, classOther: p.Other}[group.key]
		if group.tag {
			continue
		}
		*sum = sum.Add(of(g))
		*p.Total = p.Total.Add(of(g))
	}
	return p
}

// series lists the groups, those of a key together and the largest first.
func (t *Trend) series(groups map[trendGroup]*trendSums) {
	listed := map[bool][]Series{}
	for name, g := range groups {
		s := Series{Key: name.key, Item: name.item}
		for _, w := range t.Weeks {
			s.Weeks = append(s.Weeks, seriesValue(w, g.weeks))
		}
		for _, m := range t.Months {
			s.Months = append(s.Months, seriesValue(m, g.months))
			s.Total = s.Total.Add(g.months[m.Start])
		}
		listed[name.tag] = append(listed[name.tag], s)
	}
	t.Types, t.Tags = largestSeries(listed[false]), largestSeries(listed[true])
}

func seriesValue(p Period, sums map[Date]price.USD) *price.USD {
	if p.Days == 0 {
		return nil
	}
	sum := sums[p.Start]
	return &sum
}

// largestSeries sorts series by key and size and adds up those of a key that are too
// many.
func largestSeries(all []Series) []Series {
	slices.SortFunc(all, func(a, b Series) int {
		return cmp.Or(strings.Compare(a.Key, b.Key), cmp.Compare(b.Total, a.Total), strings.Compare(a.Item, b.Item))
	})
	var list []Series
	count := 0
	for _, s := range all {
		if len(list) == 0 || list[len(list)-1].Key != s.Key {
			count = 0
		}
		if count++; count <= itemsListed {
			list = append(list, s)
			continue
		}
		if count == itemsListed+1 {
			list = append(list, Series{Key: s.Key, Item: allOthers, Weeks: make([]*price.USD, len(s.Weeks)), Months: make([]*price.USD, len(s.Months))})
		}
		rest := &list[len(list)-1]
		rest.Total = rest.Total.Add(s.Total)
		addAll(rest.Weeks, s.Weeks)
		addAll(rest.Months, s.Months)
	}
	return list
}

func addAll(to, from []*price.USD) {
	for n, amount := range from {
		if amount == nil {
			continue
		}
		sum := *amount
		if to[n] != nil {
			sum = sum.Add(*to[n])
		}
		to[n] = &sum
	}
}
