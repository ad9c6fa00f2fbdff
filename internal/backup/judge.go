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
	var good, second, begun []*Verdict
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
			begun = append(begun, v)
		case s.Good():
			good = append(good, v)
		default:
			second = append(second, v)
		}
	}
	one := p.oneOfSlot(c, good, nil)
	p.retain(c, one, one)
	rest := p.oneOfSlot(c, second, good)
	p.retain(c, newestVerdicts(one, rest), rest)
	p.halfDeleted(c, one, begun)
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

// halfDeleted is the verdict of sets of which members were deleted: the rest goes. Where the
// policy would keep them today a person has to say so: by their tags alone, which others
// may write, whole sets can look like these.
func (p *planner) halfDeleted(c *chain, good, begun []*Verdict) {
	left := p.oneOfSlot(c, begun, good)
	p.retain(c, newestVerdicts(good, left), left)
	for _, v := range begun {
		v.wanted = v.Keep
		v.Keep, v.Rules = false, []string{"is half deleted: the rest goes"}
	}
}

// oneOfSlot leaves one set of each slot and gives the others their verdict: they are
// spare copies. The newest of those of which most can be restored at once stays, and nothing
// of a slot that others have.
func (p *planner) oneOfSlot(c *chain, list, others []*Verdict) []*Verdict {
	if len(list) == 0 {
		return nil
	}
	named := make(map[int64]int, len(list)) // by how many sets each slot is
	for _, all := range [][]*Verdict{list, others} {
		for _, v := range all {
			named[v.Set.Slot.Unix()]++
		}
	}
	several := func(v *Verdict) bool { return named[v.Set.Slot.Unix()] > 1 && p.ofSlot(c, &v.Set) }
	taken, best := map[int64]bool{}, map[int64]*Verdict{}
	for _, v := range others {
		if several(v) {
			taken[v.Set.Slot.Unix()] = true
		}
	}
	for _, v := range list { // from the newest
		if first := best[v.Set.Slot.Unix()]; several(v) && (first == nil || v.Set.restorable() > first.Set.restorable()) {
			best[v.Set.Slot.Unix()] = v
		}
	}
	var left []*Verdict
	for _, v := range list {
		if slot := v.Set.Slot.Unix(); !several(v) || best[slot] == v && !taken[slot] {
			left = append(left, v)
			continue
		}
		v.Keep, v.Rules = false, []string{"is a spare copy: another one of the slot " + v.Set.Slot.Format(time.RFC3339) + " counts"}
	}
	return left
}

// ofSlot says whether the data of a set can be that of the slot in its tags: it was copied
// before the next slot was due. Whoever may write tags could make spare copies of all the
// others by one slot for all.
func (p *planner) ofSlot(c *chain, s *Set) bool {
	next := s.Slot.Add(hoursOfDay) // where nobody knows
	if c.policy != nil {
		if at, ok := c.policy.When.Next(s.Slot); ok {
			next = at
		}
	}
	return s.serves(s.Slot) && s.Data.Before(next)
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
