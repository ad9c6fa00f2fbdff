package cli

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/blob"
	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/power"
	"nightshift/internal/price"
)

// Prices of what the report itself pays for (AWS Cost Management pricing, Amazon
// CloudWatch pricing): a request to Cost Explorer, and a thousand metrics.
const (
	centsPerRequest         = 1
	centsPerThousandMetrics = 1
)

// paid are the caps on what a report pays for, and what it has used of them.
type paid struct {
	explorer, metrics *amazon.Budget
}

func cents(n int) price.USD { return price.Dollar.Times(int64(n), 100) }

func newPaid(c costFlags) paid {
	return paid{amazon.NewBudget(c.CostExplorer), amazon.NewBudget(c.CloudWatch)}
}

// spend is what was used, of the services that may be asked.
func (p paid) spend() []cost.Spend {
	var all []cost.Spend
	if p.explorer.Most() > 0 {
		all = append(all, cost.Spend{
			Service: "Cost Explorer", Unit: "requests", Used: p.explorer.Used(), Cap: p.explorer.Most(),
			USD: cents(p.explorer.Used() * centsPerRequest),
		})
	}
	if p.metrics.Most() > 0 {
		all = append(all, cost.Spend{
			Service: "CloudWatch", Unit: "metrics", Used: p.metrics.Used(), Cap: p.metrics.Most(),
			USD: cents(centsPerThousandMetrics).Times(int64(p.metrics.Used()), 1000),
		})
	}
	return all
}

// sources are the posts of the crew as the report reads them. The account of
// our own credentials is given its number.
//
// Where one resource is named the report is about nothing else.
func (c *crew) sources(own fleet.Account, named string, p paid) []cost.Source {
	memory := newThrift(c.tuned)
	var sources []cost.Source
	for _, post := range c.posts {
		machines := post.session.Fleet(post.target.Region)
		s := cost.Source{Target: ofAccount(post.target, own), Inventory: memory.watch(machines), OtherResources: machines, Spot: machines, Credits: machines}
		if named != "" {
			s.Inventory = only(machines, named)
		}
		if p.metrics.Most() > 0 {
			s.Metrics = post.session.Metrics(post.target.Region, p.metrics)
		}
		if p.explorer.Most() > 0 {
			s.Billing = post.session.CostExplorer(p.explorer)
		}
		sources = append(sources, s)
	}
	return sources
}

// ofAccount is a target whose account is our own where none is named.
func ofAccount(target fleet.Target, own fleet.Account) fleet.Target {
	if target.Account == "" {
		target.Account = own
	}
	return target
}

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
	p.mu.Lock()
	defer p.mu.Unlock()
	item, ok := p.rules.Scheduled(i.Machine(), nil)
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

// problems are the accounts and regions that there was no way into.
func (c *crew) problems() []cost.Problem {
	var all []cost.Problem
	for _, l := range c.lost {
		all = append(all, cost.Problem{What: "left out", Err: l.err})
	}
	return all
}
