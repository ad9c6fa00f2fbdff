package app

import (
	"context"
	"errors"
	"maps"
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
	var known fleet.Span
	if len(records) > 0 && len(errs) == 0 { // a record that is lost may have been a stop
		known = fleet.Span{From: records[len(records)-1].Started, To: m.Now}
	}
	return found, known, errors.Join(errs...)
}

// planner tells how long instances will run by their schedules.
type planner struct {
	rules *power.RuleSet
	// tags are those by which the rules put an instance on a schedule that stops
	// it at times.
	tags []fleet.Tag

	mu     sync.Mutex
	shares map[planned]time.Duration
}

// planned is a span that is asked for again and again: from now to the end of
// the month, of few schedules.
type planned struct {
	schedule string
	lead     time.Duration
	from, to time.Time
}

// names are those of the schedules that a tag's value may name.
func newPlanner(rules power.Rules, names []string) *planner {
	p := &planner{rules: power.NewRuleSet(rules), shares: map[planned]time.Duration{}}
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
// in the week from an instant on; false where none would.
func (p *planner) schedulable(i fleet.Instance, from time.Time) (fleet.Tag, bool) {
	const week = 7 * 24 * time.Hour
	for _, tag := range p.tags {
		with := i
		with.Tags = fleet.Tags{}
		maps.Copy(with.Tags, i.Tags)
		with.Tags[tag.Key] = tag.Value
		if running, _, ok := p.running(with, from, from.Add(week)); ok && running < week {
			return tag, true
		}
	}
	return fleet.Tag{}, false
}

// running is for how long an instance will run from one instant to another, and
// its schedule's name; false where no schedule moves it.
func (p *planner) running(i fleet.Instance, from, to time.Time) (time.Duration, string, bool) {
	if i.Lifecycle != fleet.OnDemand || i.Tags["aws:autoscaling:groupName"] != "" {
		return 0, "", false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	item, ok := p.rules.Scheduled(fleet.Machine{
		Target: i.Target, Kind: fleet.KindInstance, ID: i.ID, Tags: i.Tags, Type: i.Type, Zone: i.Zone, State: i.State, Started: i.LaunchTime,
	})
	if !ok {
		return 0, "", false
	}
	key := planned{item.Name, item.Lead, from, to}
	d, known := p.shares[key]
	if !known {
		desired := power.MakeForecast([]power.Scheduled{item}, from, to).Total.Desired
		d = time.Duration(desired) * time.Second
		p.shares[key] = d
	}
	return d, item.Name, true
}
