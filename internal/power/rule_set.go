package power

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
)

// Desired is what a schedule and an override ask of a machine now.
type Desired struct {
	State schedule.State
	// Since is when the desired state changed last, Until when it will next;
	// zero means never.
	Since, Until time.Time
	// Schedule is the name of the schedule, Rule the number of the rule,
	// counted from 1.
	Schedule string
	Rule     int
	// By says which window, calendar day or override decides now.
	By string
	// Lead is by how much starts are advanced.
	Lead time.Duration
	// Override is the override as it counts; zero where there is none.
	Override fleet.Override
	// Warnings are what may surprise somebody.
	Warnings []string
}

// RuleSet evaluates the machines of one account and region by rules. It is safe
// for concurrent use.
type RuleSet struct {
	rules Rules

	mu   sync.Mutex
	read map[reading]answer // every text is read once, and reads the same each time
}

type reading struct {
	rule  int
	value string
}

type answer struct {
	key   string // of the schedule in a Ramp
	named Named
	err   error
}

// NewRuleSet is an evaluator that follows the rules.
func NewRuleSet(rules Rules) *RuleSet {
	return &RuleSet{rules: rules, read: map[reading]answer{}}
}

// Selector chooses the machines that carry a key of any rule, or all of them
// where a rule is for all.
func (rs *RuleSet) Selector(kind fleet.Kind) (fleet.Selector, bool) {
	var sel fleet.Selector
	everything, some := false, false
	for _, r := range rs.rules.Rules {
		if !r.isFor(kind) && r.After.Key == "" {
			continue
		}
		some = true
		sel.Readiness = sel.Readiness || r.After.Key != ""
		everything = everything || r.Tag.Key == ""
		for _, key := range []string{r.Tag.Key, r.After.Key} {
			if key != "" && !slices.Contains(sel.Keys, key) {
				sel.Keys = append(sel.Keys, key)
			}
		}
	}
	if everything {
		sel.Keys = nil
	}
	return sel, some
}

func (r Rule) isFor(kind fleet.Kind) bool {
	return slices.Contains(r.Kinds, kind) || len(r.Kinds) == 0 && kind == fleet.KindInstance
}

// Rule finds the rule for a machine, counted from 0.
func (rs *RuleSet) rule(m fleet.Machine) (int, bool) {
	for n, r := range rs.rules.Rules {
		if r.isFor(m.Kind) && (r.Tag.Key == "" || r.Tag.On(m.Tags)) {
			return n, true
		}
	}
	return 0, false
}

// named gives the schedule of a machine under a rule. Every text is read once.
func (rs *RuleSet) named(n int, m fleet.Machine) answer {
	r := rs.rules.Rules[n]
	key := reading{rule: n}
	if r.Schedule == "" {
		key.value = m.Tags[r.Tag.Key]
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	a, ok := rs.read[key]
	if !ok {
		a.key = fmt.Sprintf("%d %s", n+1, key.value)
		a.named, a.err = r.Read(key.value)
		if a.err == nil && a.named.Schedule == nil && !a.named.Ignore {
			a.err = fleet.Errorf(fleet.ErrInvalid, "rule %d gives no schedule for %q", n+1, key.value)
		}
		rs.read[key] = a
	}
	return a
}

// noRule is the code of a machine that no rule is for.
const noRule = "no-rule"

// Ignored is the code of a machine that a rule or its tag says to skip.
const Ignored = "ignored"

// Evaluate decides about one machine.
func (rs *RuleSet) Evaluate(m fleet.Machine, ramp Ramp, now time.Time) Step {
	n, ok := rs.rule(m)
	if !ok {
		return skip(m, noRule, "no rule is for it")
	}
	rule := rs.rules.Rules[n]
	m = rule.include(m)
	if rule.Ignore {
		step := skip(m, Ignored, "is left alone by rule %d", n+1)
		step.Desired = Desired{State: schedule.Unmanaged, Rule: n + 1}
		return step
	}
	a := rs.named(n, m)
	named := a.named
	if a.err != nil {
		step := invalid(m, "bad-schedule", a.err)
		step.Desired = Desired{State: schedule.Unmanaged, Rule: n + 1}
		return step
	}
	if named.Ignore {
		step := skip(m, Ignored, "its tag says that it is left alone")
		step.Desired = Desired{State: schedule.Unmanaged, Rule: n + 1, Schedule: named.Name}
		return step
	}
	tl := timeline{schedule: named.Schedule, lead: ramp[a.key] + rule.Ready}
	warnings := slices.Clone(named.Warnings)
	if value, ok := m.Tags[fleet.TagOverride]; ok {
		override, err := fleet.ParseOverride(value)
		if err != nil {
			step := invalid(m, "bad-override", err)
			step.Desired = Desired{State: schedule.Unmanaged, Rule: n + 1, Schedule: named.Name}
			return step
		}
		clipped, long := rs.rules.Override.Clip(override)
		switch {
		case override.State == fleet.Stopped && !rs.rules.Override.Off:
			warnings = append(warnings, "an override to off is not allowed (power.override.off); the override is not followed")
		default:
			tl.override = clipped
			if override.Since.IsZero() && now.Before(clipped.Since) {
				warnings = append(warnings, fmt.Sprintf("the override says not since when, and counts only from %s on: no earlier than is allowed before its end", clipped.Since.Format(time.RFC3339)))
			}
			if long && now.Before(override.Until) {
				warnings = append(warnings, "the override is longer than is allowed and ends at "+clipped.Until.Format(time.RFC3339))
			}
		}
	}
	w := Desired{
		State: tl.at(now), Since: tl.last(now), Until: tl.next(now),
		Schedule: named.Name, Rule: n + 1, Lead: tl.lead, Override: tl.override, Warnings: warnings,
	}
	w.By = tl.by(now)
	f := facts{machine: m, rule: rule, desired: w, timeline: tl, now: now, tick: cmp.Or(rs.rules.Tick, defaultTick), mark: fleet.ParseMark(m.Tags[fleet.TagLast])}
	step := f.decide()
	step.Desired = w
	step.After, step.ChangeType = rule.After, rule.ChangeType
	return step
}

// by says what decides at t.
func (tl timeline) by(t time.Time) string {
	switch {
	case tl.override.Holds(t):
		return "override: " + tl.override.String()
	case tl.at(t) != tl.schedule.At(t):
		return "started early for what comes: " + tl.schedule.Within(t)
	}
	return tl.schedule.Within(t)
}
