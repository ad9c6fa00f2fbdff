package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

// targetCheck looks over one account in one region.
type targetCheck struct {
	Target
	config *config.Config
	result CheckResult
	// samples has an instance that can be acted on for each rule that has one.
	samples map[int]fleet.Machine
	now     time.Time
}

func (c *targetCheck) check(ctx context.Context) {
	rules := c.config.Rules()
	ruleSet, clients := power.NewRuleSet(rules), c.clients(rules.Kinds())
	var machines []fleet.Machine
	for _, kind := range power.Kinds() {
		port := clients.Machines[kind]
		if port == nil {
			continue
		}
		sel, _ := ruleSet.Selector(kind)
		n := 0
		var failed error
		// All machines: those that no rule is for may be meant for one.
		for m, err := range port.Machines(ctx, fleet.Selector{Readiness: sel.Readiness}) {
			if err != nil {
				failed = err
				break
			}
			n++
			machines = append(machines, m)
		}
		ramp := ruleSet.Ramp(machines, c.now)
		for _, m := range machines[len(machines)-n:] {
			c.machine(ruleSet.Evaluate(m, ramp, c.now))
		}
		c.result.Permissions = append(c.result.Permissions,
			permission("list "+plural(kind), c.Region, failed, fmt.Sprint(n)+" found"))
		switch {
		case kind == fleet.KindInstance:
			c.askPermissions(ctx)
		case n > 0:
			c.result.Permissions = append(c.result.Permissions, PermissionCheck{
				What: "stop and start " + plural(kind), Region: c.Region, Result: CheckSkipped, Detail: "AWS has no dry run for it",
			})
		}
	}
	c.recycleBin(ctx)
}

// recycleBin recommends a rule of the Recycle Bin where policies delete copies and none
// holds them.
func (c *targetCheck) recycleBin(ctx context.Context) {
	var policies []backup.Policy
	for _, p := range c.config.Backup.Policies {
		if p.Err == nil && p.Deletes() {
			policies = append(policies, p)
		}
	}
	if len(policies) == 0 {
		return
	}
	rules, err := c.session.Bin(c.Region).Rules(ctx)
	c.result.Permissions = append(c.result.Permissions, permission("list Recycle Bin rules", c.Region, err, fmt.Sprint(len(rules))+" found"))
	if err != nil {
		return
	}
	for _, p := range policies {
		if backup.Binned(rules, fleet.Tags{backup.TagPolicy: string(p.ID)}) > 0 {
			continue
		}
		c.result.Recommendations = append(c.result.Recommendations, CheckRecommendation{
			Region: c.Region,
			Reason: fleet.Reason{
				Code: "recycle-bin",
				Text: fmt.Sprintf("what policy %s deletes is gone for ever: no rule of the Recycle Bin is for the tag %s", p.ID, backup.TagPolicy),
			},
			Command: fmt.Sprintf("aws rbin create-rule --region %s --resource-type EBS_SNAPSHOT --resource-tags ResourceTagKey=%s --retention-period RetentionPeriodValue=14,RetentionPeriodUnit=DAYS", c.Region, backup.TagPolicy),
		})
		return // the rule is for the copies of all policies
	}
}

// plural is a kind in a sentence.
func plural(k fleet.Kind) string {
	switch k {
	case fleet.KindDatabase:
		return "database instances"
	case fleet.KindCluster:
		return "database clusters"
	case fleet.KindGroup:
		return "Auto Scaling groups"
	default:
		return "instances"
	}
}

// machine looks at the decision about a machine and at its tags.
func (c *targetCheck) machine(step power.Step) {
	m := step.Machine
	if m.State == fleet.Terminated || m.State == fleet.ShuttingDown {
		return
	}
	if key, meant, ok := config.MisspeltOwn(m.Tags); ok {
		hint := ""
		if meant != "" {
			hint = fmt.Sprintf("; did you mean %s?", meant)
		}
		c.putRight(m, "unknown-tag", "the tag %s is none of nightshift's%s", key, hint)
	}
	switch {
	case step.Reason.Code == "no-rule":
		c.withoutRule(m)
	case step.Invalid:
		note(&c.result.Tags, step.Reason, m.ID)
	case step.Desired.Schedule == "" || step.Reason.Code == "ignored":
		c.result.LeftAlone++
	default:
		c.follows(m, step)
	}
	// Only a rule for every machine takes what no tag's rule fits.
	if n := step.Desired.Rule; n > 0 && c.config.Rules().Rules[n-1].Tag.Key == "" {
		c.misspelt(m)
	}
}

func (c *targetCheck) follows(m fleet.Machine, step power.Step) {
	if !m.Eligible() {
		c.result.LeftAlone++
		note(&c.result.Notes, fleet.Reason{Code: m.Ineligible.Reason().Code, Text: "has a schedule, but " + m.Ineligible.Reason().Text}, m.ID)
		return
	}
	c.result.Followed++
	for _, w := range step.Desired.Warnings {
		note(&c.result.Notes, fleet.Reason{Code: "warning", Text: w}, m.ID)
	}
	if _, named := m.Tags[fleet.TagTypes]; named && !step.ChangeType {
		c.note(m, "idle-types", "has the tag %s, but its rule does not say change_type: true: the tag does nothing", fleet.TagTypes)
	}
	if _, known := c.samples[step.Desired.Rule]; !known && m.Kind == fleet.KindInstance {
		c.samples[step.Desired.Rule] = m
	}
}

// withoutRule finds out whether a rule was meant for the machine.
func (c *targetCheck) withoutRule(m fleet.Machine) {
	c.result.WithoutRule++
	if value, ok := m.Tags[fleet.TagOverride]; ok {
		if _, err := fleet.ParseOverride(value); err != nil {
			c.putRight(m, "bad-override", "%v", err)
		} else {
			c.note(m, "idle-override", "has the tag %s, but no rule is for it: the tag does nothing", fleet.TagOverride)
		}
	}
	if c.misspelt(m) {
		return
	}
	for _, rule := range c.config.Rules().Rules {
		if value, ok := m.Tags[rule.Tag.Key]; ok && rule.Tag.Key != "" {
			c.note(m, "other-value", "no rule is for the tag %s", quotedTag(fleet.Tag{Key: rule.Tag.Key, Value: value}))
			return
		}
	}
}

// misspelt tells of a tag that is a near miss of a rule's.
func (c *targetCheck) misspelt(m fleet.Machine) bool {
	tag, meant, ok := c.config.Misspelt(m)
	if ok {
		c.putRight(m, "near-tag", "no rule is for the tag %s; did you mean %s?", quotedTag(tag), quotedTag(meant))
	}
	return ok
}

// quotedTag is a tag in a sentence; blanks at its ends are to be seen.
func quotedTag(t fleet.Tag) string {
	if strings.ContainsAny(t.String(), " \t") || t.Value == "" {
		return fmt.Sprintf("%s=%q", t.Key, t.Value)
	}
	return t.String()
}

func (c *targetCheck) putRight(m fleet.Machine, code, format string, args ...any) {
	note(&c.result.Tags, fleet.Reason{Code: code, Text: fmt.Sprintf(format, args...)}, m.ID)
}

func (c *targetCheck) note(m fleet.Machine, code, format string, args ...any) {
	note(&c.result.Notes, fleet.Reason{Code: code, Text: fmt.Sprintf(format, args...)}, m.ID)
}

// askPermissions asks about one instance of each rule, and tells each answer
// once for all rules that have it.
func (c *targetCheck) askPermissions(ctx context.Context) {
	ec2 := c.session.Fleet(c.Region)
	var list []PermissionCheck
	for n, rule := range c.config.Rules().Rules {
		sample, ok := c.samples[n+1]
		if !ok {
			continue
		}
		_, resize := sample.Tags[fleet.TagTypes]
		resize = resize && rule.ChangeType
		for _, p := range ec2.Permissions(ctx, sample.ID, fleet.Tags{fleet.TagLast: "check"}, resize) {
			named := fmt.Sprintf("rule %d (%s)", n+1, sample.ID)
			answer := permission(p.Action, c.Region, p.Err, "")
			same := slices.IndexFunc(list, func(other PermissionCheck) bool {
				return other.What == answer.What && other.Result == answer.Result
			})
			switch {
			case same >= 0:
				list[same].Detail += ", " + named
			case answer.Result == CheckAllowed || answer.Result == CheckDenied:
				answer.Detail = named
				list = append(list, answer)
			default:
				answer.Detail = named + ": " + answer.Detail
				list = append(list, answer)
			}
		}
	}
	c.result.Permissions = append(c.result.Permissions, list...)
	if len(list) == 0 {
		c.result.Permissions = append(c.result.Permissions, PermissionCheck{
			What: "stop and start instances", Region: c.Region, Result: CheckSkipped, Detail: "no instance here follows a schedule",
		})
	}
}
