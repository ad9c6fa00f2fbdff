package backup

import (
	"maps"
	"slices"
	"time"

	"nightshift/internal/fleet"
)

// planner is what the decisions of one plan share.
type planner struct {
	estate   *estate
	settings Settings
	options  Options
	clocks   map[PolicyID]clock
	chains   []chain
	places   map[fleet.VolumeID]places
	failedOn map[fleet.SnapshotID]fleet.VolumeID
	held     holds
	unclear  map[string]fleet.SnapshotID // see findUnclear
	rules    map[string][]string         // the rules of verdicts, which many share
}

// chain is a Chain with all that is known of it.
type chain struct {
	Chain
	sets []*Set // newest first
	// policy is nil where the configuration has none of this id any more.
	policy *Policy
	// create is the decision about the resource, nil where the policy does not select it
	// or does not copy it.
	create *Create
	// verdicts are those on the sets, in their order. They are the plan's own.
	verdicts []Verdict
	// gone is true where the resource is known not to exist; expired where that is so for
	// longer than the policy keeps its copies.
	gone, expired bool
}

// MakePlan decides what is copied and what is deleted, from values alone. The order of
// what is in the inventory does not matter.
func MakePlan(inv Inventory, settings Settings, options Options) Plan {
	inv.At = inv.At.UTC().Truncate(time.Second)
	p := &planner{estate: newEstate(inv), settings: settings, options: options, clocks: map[PolicyID]clock{}, rules: map[string][]string{}}
	for n := range settings.Policies {
		policy := &settings.Policies[n]
		if _, twice := p.clocks[policy.ID]; !twice {
			p.clocks[policy.ID] = newClock(policy, inv.At)
		}
	}
	plan := Plan{Target: inv.Target, At: inv.At, Unread: slices.Sorted(maps.Keys(inv.Unread))}
	plan.Strangers = group(inv.Snapshots, inv.At, func(most int) { plan.Deletes = make([]Verdict, 0, most) }, func(s Set) {
		plan.Deletes = append(plan.Deletes, Verdict{Set: s})
	})
	order := func(a, b Verdict) int { return byChain(&a.Set, &b.Set) }
	if !slices.IsSortedFunc(plan.Deletes, order) {
		slices.SortFunc(plan.Deletes, order)
	}
	plan.Creates = choose(p.estate, settings.Policies).creates
	p.join(plan.Deletes, plan.Creates)
	p.count()
	p.findUnclear(plan.Strangers)
	for n := range plan.Creates {
		c := &plan.Creates[n]
		p.due(c, p.setsOf(Chain{c.Policy, c.Resource}))
	}
	for n := range p.chains {
		p.judge(&p.chains[n])
	}
	p.guard()
	plan.Free(inv, options)
	plan.Oldest = make([]Oldest, 0, len(p.chains))
	for n := range p.chains {
		c := &p.chains[n]
		oldest := Oldest{Chain: c.Chain}
		for m := range c.verdicts {
			if v := &c.verdicts[m]; v.Keep && v.Set.Good() {
				oldest.Data = v.Set.Data
			}
		}
		plan.Oldest = append(plan.Oldest, oldest)
	}
	plan.Hash = hashOf(&plan, settings)
	return plan
}

// join makes the chains of sets that have no verdict yet, and finds what each belongs to.
func (p *planner) join(verdicts []Verdict, creates []Create) {
	selected := make(map[Chain]*Create, len(creates))
	for n := range creates {
		if c := &creates[n]; len(c.Volumes) > 0 {
			selected[Chain{c.Policy, c.Resource}] = c
		}
	}
	for begin := 0; begin < len(verdicts); {
		c := chain{Chain: verdicts[begin].Set.Chain}
		end := begin
		for end < len(verdicts) && verdicts[end].Set.Chain == c.Chain {
			c.sets = append(c.sets, &verdicts[end].Set)
			end++
		}
		c.verdicts = verdicts[begin:end]
		p.chains = append(p.chains, c)
		begin = end
	}
	for n := range p.chains {
		c := &p.chains[n]
		c.create = selected[c.Chain]
		if clock, ok := p.clocks[c.Policy]; ok {
			c.policy = clock.policy
		}
		exists, known := p.estate.has(c.Resource)
		c.gone = known && !exists
		c.expired = c.gone && p.expired(c.policy, c.sets[0].Data)
	}
}

// expired says whether what has last been copied at that time, and is gone, is gone for
// longer than its policy keeps the copies. AWS does not say when it was deleted: the time
// counts from the last copy.
func (p *planner) expired(policy *Policy, last time.Time) bool {
	if policy == nil || policy.Err != nil || policy.AfterSourceDeleted.String() == "" {
		return false
	}
	return last.Before(policy.AfterSourceDeleted.Before(p.estate.At.In(policy.zone())))
}

func (p *planner) setsOf(c Chain) []*Set {
	n, ok := slices.BinarySearchFunc(p.chains, c, func(a chain, b Chain) int { return a.compare(b) })
	if !ok {
		return nil
	}
	return p.chains[n].sets
}

// zone is the policy's, UTC where it has none.
func (p *Policy) zone() *time.Location {
	if p.Zone == nil {
		return time.UTC
	}
	return p.Zone
}
