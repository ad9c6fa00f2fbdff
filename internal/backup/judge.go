package backup

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"nightshift/internal/retention"
)

// judge gives each set of a chain the verdict of its retention, before any guard. Only
// good copies count. What is no good copy and holds data all the same, because members
// are missing or because it is marked, takes no place of a good one, and stays where it
// would be kept if it were good.
func (p *planner) judge(c *chain) {
	var good, second []*Verdict
	for n, s := range c.sets {
		v := &c.verdicts[n]
		v.Keep = true
		switch {
		case c.policy != nil && c.policy.Err != nil:
			v.Rules = []string{"the policy has an error: nothing of it is deleted"}
		case c.expired:
			v.Keep, v.Orphan = false, true
			v.Rules = []string{fmt.Sprintf("%s is gone and was last copied at %s: kept for %s", c.Resource, c.sets[0].Data.Format(time.DateOnly), c.policy.AfterSourceDeleted)}
		case s.State == SetPending:
			v.Rules = []string{"is being made: not counted until it is complete"}
		case s.State == SetError:
			p.inError(c, v)
		case s.begun():
			v.Keep, v.Rules = false, []string{"is half deleted: the rest goes"}
		case s.Good():
			good = append(good, v)
		default:
			second = append(second, v)
		}
	}
	one := oneOfSlot(good, nil)
	p.retain(c, one, one)
	rest := oneOfSlot(second, good)
	p.retain(c, newestVerdicts(one, rest), rest)
	for _, v := range rest {
		v.Unmark = v.Keep && v.Set.State == SetDeleting
		if v.Set.State == SetIncomplete {
			v.Rules = append(v.Rules, fmt.Sprintf("%d of %d members are there: no good copy, and not counted", len(v.Set.Members), v.Set.Expected))
		}
	}
}

// inError is the verdict of a set in error. Its members in error go before its slot is
// tried again, without a hash.
func (p *planner) inError(c *chain, v *Verdict) {
	if c.create != nil && c.create.Action == ActionRetry {
		v.Rules = []string{"is in error: deleted before the next try"}
		return
	}
	v.Keep, v.Rules = false, []string{"is in error: it is no copy"}
}

// oneOfSlot leaves one set of each slot and gives the others their verdict: they are
// spare copies. The first of more members stays, and nothing of a slot that others have.
func oneOfSlot(list, others []*Verdict) []*Verdict {
	if len(list) == 0 {
		return nil
	}
	best := make(map[int64]*Verdict, len(list))
	for _, v := range others {
		best[v.Set.Slot.Unix()] = v
	}
	taken := len(others) > 0
	for _, v := range slices.Backward(list) { // from the oldest

		first, ok := best[v.Set.Slot.Unix()]
		if !ok || len(v.Set.Members) > len(first.Set.Members) && (!taken || !slices.Contains(others, first)) {
			best[v.Set.Slot.Unix()] = v
		}
	}
	var left []*Verdict
	for _, v := range list {
		if best[v.Set.Slot.Unix()] == v {
			left = append(left, v)
			continue
		}
		v.Keep, v.Rules = false, []string{"is a spare copy: another one of the slot " + v.Set.Slot.Format(time.RFC3339) + " counts"}
	}
	return left
}

func newestVerdicts(a, b []*Verdict) []*Verdict {
	if len(b) == 0 {
		return nil // there is nothing to decide about
	}
	all := append(slices.Clone(a), b...)
	slices.SortFunc(all, func(a, b *Verdict) int { return newestFirst(&a.Set, &b.Set) })
	return all
}

// retain applies the keep that rules a chain to the items, and gives those of them that
// are judged their verdict. While the policy selects the resource that is the policy's
// keep; else that which each copy carries.
func (p *planner) retain(c *chain, items, judged []*Verdict) {
	if len(judged) == 0 {
		return
	}
	own := c.policy == nil || c.create == nil
	if own {
		p.retainStored(items, judged, func(v *Verdict, keep bool, rules func() []string) { v.Keep, v.Rules = keep, rules() })
		return
	}
	p.apply(items, c.policy.Keep, c.policy.zone(), func(v *Verdict, keep bool, rules func() []string) {
		if slices.Contains(judged, v) {
			v.Keep, v.Rules = keep, rules()
		}
	})
	var changed []*Verdict
	for _, v := range judged {
		if !v.Keep && !v.Set.Stored.same(c.policy) {
			changed = append(changed, v)
		}
	}
	p.retainStored(items, changed, func(v *Verdict, keep bool, _ func() []string) { v.Changed = keep })
}

// same says whether the copies carry what the policy says now.
func (s *Stored) same(p *Policy) bool {
	return s != nil && s.Keep == p.Keep && s.Zone.String() == p.zone().String()
}

// retainStored applies to each of the judged the keep that it carries itself.
func (p *planner) retainStored(items, judged []*Verdict, say func(v *Verdict, keep bool, rules func() []string)) {
	for len(judged) > 0 {
		stored := judged[0].Set.Stored
		var mine, others []*Verdict
		for _, v := range judged {
			if v.Set.Stored == stored {
				mine = append(mine, v)
			} else {
				others = append(others, v)
			}
		}
		judged = others
		if stored == nil {
			for _, v := range mine {
				say(v, true, func() []string { return []string{"carries no keep that can be read: it stays"} })
			}
			continue
		}
		p.apply(items, stored.Keep, stored.Zone, func(v *Verdict, keep bool, rules func() []string) {
			if slices.Contains(mine, v) {
				say(v, keep, rules)
			}
		})
	}
}

func (p *planner) apply(items []*Verdict, keep retention.Keep, zone *time.Location, say func(v *Verdict, keep bool, rules func() []string)) {
	data := func(v *Verdict) time.Time { return v.Set.Data }
	for _, r := range retention.Apply(items, data, keep, zone, p.estate.At) {
		say(r.Item, r.Keep, func() []string { return p.shared(r.Reasons) })
	}
}

// mostShared bounds how many different rules are remembered.
const mostShared = 20_000

// shared puts reasons into words. Copies of many volumes are made at the same time and
// have the same ones: these share their memory.
func (p *planner) shared(reasons []retention.Reason) []string {
	rules := make([]string, len(reasons))
	for n, why := range reasons {
		rules[n] = why.String()
	}
	key := strings.Join(rules, "\n")
	if known, ok := p.rules[key]; ok {
		return known
	}
	if len(p.rules) < mostShared {
		p.rules[key] = rules
	}
	return rules
}
