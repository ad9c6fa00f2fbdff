package app

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/text"
)

// foundMachine is the decision about a machine, and where the machine is.
type foundMachine struct {
	power.Step
	target Target
}

// find decides about the machines that have the id, the ARN or the name. Where an
// id or an ARN fits, names are not looked at: anybody can name a machine after the
// id of another. What could not be read comes beside what was found.
func (s *Session) find(ctx context.Context, name string, now func() time.Time) ([]foundMachine, []error) {
	var found []foundMachine
	var errs []error
	for _, r := range ForEachTarget(ctx, s, func(ctx context.Context, t Target) ([]foundMachine, error) {
		return s.findIn(ctx, t, name, now)
	}) {
		found = append(found, r.Value...)
		if r.Err != nil {
			errs = append(errs, r.Err)
		}
	}
	errs = append(errs, s.unreachableErrors()...)
	if slices.ContainsFunc(found, func(f foundMachine) bool { return f.identified(name) }) {
		found = slices.DeleteFunc(found, func(f foundMachine) bool { return !f.identified(name) })
	}
	if len(found) > 0 && (found[0].identified(name) || !isID(name)) {
		return found, errs
	}
	return nil, append(errs, fleet.Errorf(fleet.ErrInvalid,
		"no machine %q in %s; with a name instead of an id, only machines with a tag of some rule are searched", name, s.where()))
}

// where names the regions of the session.
func (s *Session) where() string {
	where := strings.Join(text.Strings(s.Regions), ", ")
	if s.Names.Several() {
		return fmt.Sprintf("%d accounts, in %s", len(s.Names), where)
	}
	return where
}

// isID is true for what can only be meant as an ARN or as the id of an instance.
func isID(word string) bool {
	return strings.HasPrefix(word, "arn:") || regexp.MustCompile(`^i-([0-9a-f]{8}|[0-9a-f]{17})$`).MatchString(word)
}

// identified reports whether a word is the id or the ARN of the machine.
func (f foundMachine) identified(word string) bool {
	return power.Identifies(word, f.Machine)
}

// findIn is find in one target. The whole plan is made, since large groups start
// early and only the plan knows how large they are. An instance that no rule looks
// at is read by its id.
func (s *Session) findIn(ctx context.Context, t Target, name string, now func() time.Time) ([]foundMachine, error) {
	rules := s.Config.Rules()
	ruleSet := power.NewRuleSet(rules)
	plan, err := power.MakePlan(ctx, t.clients(rules.Kinds()), ruleSet, now)
	var found []foundMachine
	identified := false
	for _, step := range plan.Steps {
		if f := (foundMachine{step, t}); f.identified(name) || step.Machine.Name() == name {
			found = append(found, f)
			identified = identified || f.identified(name)
		}
	}
	id := name[strings.LastIndex(name, "/")+1:] // of an instance's ARN
	if identified || !isID(name) || !strings.HasPrefix(id, "i-") {
		return found, err
	}
	for m, readErr := range t.session.Fleet(t.Region).Machines(ctx, fleet.Selector{IDs: []fleet.ResourceID{fleet.ResourceID(id)}}) {
		if readErr != nil {
			return found, errors.Join(err, readErr)
		}
		found = append(found, foundMachine{ruleSet.Evaluate(m, plan.Ramp, now()), t})
	}
	return found, err
}

// needRules says why nothing can be found by rules.
func (s *Session) needRules() error {
	return s.checkPower(PowerInput{DryRun: true})
}
