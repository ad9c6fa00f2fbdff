package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

// postCheck looks over one account in one region.
type postCheck struct {
	post
	config *config.Config
	live   *checkedLive
	// samples has an instance that can be acted on for each rule that has one.
	samples map[int]fleet.Machine
	now     time.Time
}

func (r *postCheck) look(ctx context.Context) {
	rules := r.config.Rules()
	r.samples = map[int]fleet.Machine{}
	ruleSet, clients := power.NewRuleSet(rules), r.clients(rules)
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
		ramp := ruleSet.Ramp(machines, r.now)
		for _, m := range machines[len(machines)-n:] {
			r.machine(ruleSet.Evaluate(m, ramp, r.now))
		}
		r.live.Permissions = append(r.live.Permissions,
			permission("list "+plural(kind), r.target.Region, failed, fmt.Sprint(n)+" found"))
		switch {
		case kind == fleet.KindInstance:
			r.askPermissions(ctx)
		case n > 0:
			r.live.Permissions = append(r.live.Permissions, checkedPermission{
				What: "stop and start " + plural(kind), Region: r.target.Region, Result: notChecked, Detail: "AWS has no dry run for it",
			})
		}
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
func (r *postCheck) machine(step power.Step) {
	m := step.Machine
	if m.State == fleet.Terminated || m.State == fleet.ShuttingDown {
		return
	}
	if key, meant, ok := config.MisspeltOwn(m.Tags); ok {
		hint := ""
		if meant != "" {
			hint = fmt.Sprintf("; did you mean %s?", meant)
		}
		r.putRight(m, "unknown-tag", "the tag %s is none of nightshift's%s", key, hint)
	}
	switch {
	case step.Reason.Code == "no-rule":
		r.withoutRule(m)
	case step.Mistake:
		noteFor(&r.live.Tags, step.Reason, m.ID)
	case step.Desired.Schedule == "" || step.Reason.Code == "ignored":
		r.live.LeftAlone++
	default:
		r.follows(m, step)
	}
	// Only a rule for every machine takes what no tag's rule fits.
	if n := step.Desired.Rule; n > 0 && r.config.Rules().Rules[n-1].Tag.Key == "" {
		r.misspelt(m)
	}
}

func (r *postCheck) follows(m fleet.Machine, step power.Step) {
	if !m.Eligible() {
		r.live.LeftAlone++
		noteFor(&r.live.Notes, fleet.Reason{Code: m.Ineligible.Reason().Code, Text: "has a schedule, but " + m.Ineligible.Reason().Text}, m.ID)
		return
	}
	r.live.Followed++
	for _, w := range step.Desired.Warnings {
		noteFor(&r.live.Notes, fleet.Reason{Code: "warning", Text: w}, m.ID)
	}
	if _, named := m.Tags[fleet.TagTypes]; named && !step.ChangeType {
		r.note(m, "idle-types", "has the tag %s, but its rule does not say change_type: true: the tag does nothing", fleet.TagTypes)
	}
	if _, known := r.samples[step.Desired.Rule]; !known && m.Kind == fleet.KindInstance {
		r.samples[step.Desired.Rule] = m
	}
}

// withoutRule finds out whether a rule was meant for the machine.
func (r *postCheck) withoutRule(m fleet.Machine) {
	r.live.WithoutRule++
	if value, ok := m.Tags[fleet.TagOverride]; ok {
		if _, err := fleet.ParseOverride(value); err != nil {
			r.putRight(m, "bad-override", "%v", err)
		} else {
			r.note(m, "idle-override", "has the tag %s, but no rule is for it: the tag does nothing", fleet.TagOverride)
		}
	}
	if r.misspelt(m) {
		return
	}
	for _, rule := range r.config.Rules().Rules {
		if value, ok := m.Tags[rule.Tag.Key]; ok && rule.Tag.Key != "" {
			r.note(m, "other-value", "no rule is for the tag %s", quotedTag(fleet.Tag{Key: rule.Tag.Key, Value: value}))
			return
		}
	}
}

// misspelt tells of a tag that is a near miss of a rule's.
func (r *postCheck) misspelt(m fleet.Machine) bool {
	tag, meant, ok := r.config.Misspelt(m)
	if ok {
		r.putRight(m, "near-tag", "no rule is for the tag %s; did you mean %s?", quotedTag(tag), quotedTag(meant))
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

func (r *postCheck) putRight(m fleet.Machine, code, format string, args ...any) {
	noteFor(&r.live.Tags, fleet.Reason{Code: code, Text: fmt.Sprintf(format, args...)}, m.ID)
}

func (r *postCheck) note(m fleet.Machine, code, format string, args ...any) {
	noteFor(&r.live.Notes, fleet.Reason{Code: code, Text: fmt.Sprintf(format, args...)}, m.ID)
}

// askPermissions asks about one instance of each rule, and tells each answer
// once for all rules that have it.
func (r *postCheck) askPermissions(ctx context.Context) {
	ec2 := r.session.Fleet(r.target.Region)
	var list []checkedPermission
	for n, rule := range r.config.Rules().Rules {
		sample, ok := r.samples[n+1]
		if !ok {
			continue
		}
		_, resize := sample.Tags[fleet.TagTypes]
		resize = resize && rule.ChangeType
		for _, p := range ec2.Permissions(ctx, sample.ID, fleet.Tags{fleet.TagLast: "check"}, resize) {
			named := fmt.Sprintf("rule %d (%s)", n+1, sample.ID)
			answer := permission(p.Action, r.target.Region, p.Err, "")
			same := slices.IndexFunc(list, func(other checkedPermission) bool {
				return other.What == answer.What && other.Result == answer.Result
			})
			switch {
			case same >= 0:
				list[same].Detail += ", " + named
			case answer.Result == permitted || answer.Result == refused:
				answer.Detail = named
				list = append(list, answer)
			default:
				answer.Detail = named + ": " + answer.Detail
				list = append(list, answer)
			}
		}
	}
	r.live.Permissions = append(r.live.Permissions, list...)
	if len(list) == 0 {
		r.live.Permissions = append(r.live.Permissions, checkedPermission{
			What: "stop and start instances", Region: r.target.Region, Result: notChecked, Detail: "no instance here follows a schedule",
		})
	}
}
