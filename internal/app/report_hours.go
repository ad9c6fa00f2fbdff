package app

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"nightshift/internal/blob"
	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/power"
)

// before is how far back before the month the journal is read: far enough to
// find a run even over a long weekend, which shows that the journal was kept
// when the month began.
const before = 4 * 24 * time.Hour

// acts are the stops and starts of this month that the journal has, and the
// time for which it has them all. The journal's account is our own where it
// names none.
func acts(ctx context.Context, store blob.Store, own fleet.Account, m cost.Month) ([]fleet.Act, fleet.Span, error) {
	if store == nil {
		return nil, fleet.Span{}, nil
	}
	records, errs := journal.Read(ctx, store, journal.Query{Since: m.Start.Add(-before), Acts: true})
	found := journal.Acts(records)
	for n := range found {
		found[n].Target = ofAccount(found[n].Target, own)
	}
	// A narrowed run does not show that the runs for all machines were kept.
	full := slices.DeleteFunc(records, func(r journal.Record) bool { return r.Narrowed != "" })
	var known fleet.Span
	if len(full) > 0 && len(errs) == 0 { // a record that is lost may have been a stop
		known = fleet.Span{From: full[len(full)-1].Started, To: m.Now}
	}
	return found, known, errors.Join(errs...)
}

// planner tells how long instances will run by their schedules.
type planner struct {
	rules *power.RuleSet
	// tags are those by which the rules put an instance on a schedule that stops
	// it at times.
	tags []fleet.Tag
	now  time.Time

	mu     sync.Mutex
	shares map[planned]time.Duration
	// starts counts the instances of each target that were read, ramps are what
	// came of it once all were.
	starts map[fleet.Target]*power.RampCounter
	ramps  map[fleet.Target]power.Ramp
}

// planned is a span that is asked for again and again: from now to the end of
// the month, of few schedules.
type planned struct {
	schedule string
	lead     time.Duration
	to       time.Time
}

// names are those of the schedules that a tag's value may name.
func newPlanner(rules power.Rules, names []string, now time.Time) *planner {
	p := &planner{
		rules: power.NewRuleSet(rules), now: now, shares: map[planned]time.Duration{},
		starts: map[fleet.Target]*power.RampCounter{}, ramps: map[fleet.Target]power.Ramp{},
	}
	for _, rule := range rules.Rules {
		values := []string{rule.Tag.Value}
		if rule.Tag.Value == "" && rule.Schedule == "" {
			values = names
		}
		for _, value := range values {
			if tag := (fleet.Tag{Key: rule.Tag.Key, Value: value}); tag.Key != "" && tag.Value != "" {
				p.tags = append(p.tags, tag)
			}
		}
	}
	return p
}

// schedulable is the tag that would put an instance on a schedule which stops it
// in the week from now on; false where none would.
func (p *planner) schedulable(i fleet.Instance) (fleet.Tag, bool) {
	const week = 7 * 24 * time.Hour
	for _, tag := range p.tags {
		with := i
		with.Tags = fleet.Tags{}
		maps.Copy(with.Tags, i.Tags)
		with.Tags[tag.Key] = tag.Value
		if item, ok := p.rules.Scheduled(with.Machine(), nil); ok && p.running(item, p.now.Add(week)) < week {
			return tag, true
		}
	}
	return fleet.Tag{}, false
}

// plan takes an instance that was read. Once all of its target are, what it
// returns says for how long it will run from now on, and its schedule's name: large
// groups start early. It is nil where no schedule moves the instance.
func (p *planner) plan(i fleet.Instance) func(to time.Time) (time.Duration, string) {
	m := i.Machine()
	item, ok := p.rules.Scheduled(m, nil)
	if !ok {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	starts := p.starts[i.Target]
	if starts == nil {
		starts = p.rules.RampCounter(p.now)
		p.starts[i.Target] = starts
	}
	starts.Add(m)
	target := i.Target
	return func(to time.Time) (time.Duration, string) { return p.running(item.With(p.ramp(target)), to), item.Name }
}

// ramp is by how much the starts of a target are advanced, of which all instances
// were read.
func (p *planner) ramp(target fleet.Target) power.Ramp {
	p.mu.Lock()
	defer p.mu.Unlock()
	ramp, known := p.ramps[target]
	if !known {
		ramp = p.starts[target].Ramp()
		p.ramps[target] = ramp
	}
	return ramp
}

// running is for how long an instance will run from now to an instant.
func (p *planner) running(item power.Scheduled, to time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := planned{item.Name, item.Lead, to}
	d, known := p.shares[key]
	if !known {
		desired := power.MakeForecast([]power.Scheduled{item}, p.now, to).Total.Desired
		d = time.Duration(desired) * time.Second
		p.shares[key] = d
	}
	return d
}
