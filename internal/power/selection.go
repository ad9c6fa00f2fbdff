package power

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"nightshift/internal/fleet"
)

// Selection narrows a run to some machines. All of its parts have to match; an
// empty part matches every machine.
type Selection struct {
	// Machines are ids, ARNs and names of one machine each. An id counts before a
	// name: anybody can name a machine after the id of another.
	Machines []string
	// Tags are carried all by each machine.
	Tags []fleet.Tag
	// Rule is the number of the rule that decides about the machines, from 1.
	Rule  int
	Kinds []fleet.Kind
}

// IsZero reports whether the selection narrows nothing.
func (s Selection) IsZero() bool {
	return len(s.Machines) == 0 && len(s.Tags) == 0 && s.Rule == 0 && len(s.Kinds) == 0
}

// String names the parts: "web-1, tag Team=data, rule 2, kind instance"; empty
// where nothing is narrowed.
func (s Selection) String() string {
	parts := slices.Clone(s.Machines)
	for _, t := range s.Tags {
		parts = append(parts, "tag "+t.String())
	}
	if s.Rule != 0 {
		parts = append(parts, fmt.Sprintf("rule %d", s.Rule))
	}
	for _, k := range s.Kinds {
		parts = append(parts, "kind "+string(k))
	}
	return strings.Join(parts, ", ")
}

// Check says which part can match nothing: a rule that is not among the rules, or
// a kind that is not among those that the run acts on.
func (s Selection) Check(rules Rules, kinds []fleet.Kind) error {
	if s.Rule < 0 || s.Rule > len(rules.Rules) {
		there := fmt.Sprintf("there are %d, counted from 1", len(rules.Rules))
		if len(rules.Rules) == 0 {
			there = "there is none"
		}
		return fleet.Errorf(fleet.ErrInvalid, "no rule %d: %s", s.Rule, there)
	}
	for _, kind := range s.Kinds {
		switch {
		case !slices.Contains(Kinds(), kind):
			return fleet.Errorf(fleet.ErrInvalid, "%q is not a kind of machine; the kinds are %s", kind, joinKinds(Kinds()))
		case !slices.Contains(kinds, kind):
			return fleet.Errorf(fleet.ErrInvalid, "the kind %s is not acted on here, only %s", kind, joinKinds(kinds))
		case s.Rule != 0 && !rules.Rules[s.Rule-1].isFor(kind):
			return fleet.Errorf(fleet.ErrInvalid, "rule %d is not for the kind %s", s.Rule, kind)
		}
	}
	return nil
}

func joinKinds(kinds []fleet.Kind) string {
	var list []string
	for _, k := range kinds {
		list = append(list, string(k))
	}
	return strings.Join(list, ", ")
}

// Narrow keeps in each plan the steps of the selected machines and puts the others
// aside. The evaluator that it gives leaves out what is no longer selected when it
// is read again. searched says where machines were looked for, such as "in
// eu-west-1"; all is false where some could not be read. A word that means no
// machine, more than one, or one that another part excludes, is an error.
func (s Selection) Narrow(plans []Plan, evaluator Evaluator, rules Rules, searched string, all bool) (Evaluator, error) {
	n := &narrowed{Evaluator: evaluator, selection: s, rules: NewRuleSet(rules), words: map[targetMachine]string{}}
	for _, word := range s.Machines {
		m, err := find(plans, word, searched, all)
		if err == nil && !n.matches(m) {
			err = fleet.Errorf(fleet.ErrInvalid, "%s (%s) does not match the rest of what is selected: %s",
				m.ID, m.Name(), Selection{Tags: s.Tags, Rule: s.Rule, Kinds: s.Kinds})
		}
		if err != nil {
			return nil, err
		}
		n.words[targetMachineOf(m)] = word
	}
	for k := range plans {
		var steps, others []Step
		for _, step := range plans[k].Steps {
			if n.selects(step.Machine) {
				steps = append(steps, step)
			} else {
				others = append(others, step)
			}
		}
		plans[k].Steps, plans[k].Others = steps, others
	}
	return n, nil
}

// find is the one machine of the plans that a word means.
func find(plans []Plan, word, searched string, all bool) (fleet.Machine, error) {
	var byID, byName []fleet.Machine
	for _, p := range plans {
		for _, step := range p.Steps {
			switch m := step.Machine; {
			case Identifies(word, m):
				byID = append(byID, m)
			case m.Name() == word:
				byName = append(byName, m)
			}
		}
	}
	switch {
	case len(byID) == 1:
		return byID[0], nil
	case len(byID) > 1:
		return fleet.Machine{}, fleet.Errorf(fleet.ErrInvalid, "%d machines have the id %q; choose one with --region, --account and --kind", len(byID), word)
	case word == "" || len(byName) == 0:
		return fleet.Machine{}, fleet.Errorf(fleet.ErrInvalid, "no machine %q %s", word, searched)
	case len(byName) > 1:
		return fleet.Machine{}, fleet.Errorf(fleet.ErrInvalid, "%d machines have the name %q; give the ids, such as %s", len(byName), word, byName[0].ID)
	case !all:
		return fleet.Machine{}, fleet.Errorf(fleet.ErrInvalid,
			"another machine may have the name %q, since not all could be read; give the id, such as %s", word, byName[0].ID)
	}
	return byName[0], nil
}

// Identifies reports whether a word is the id or the ARN of a machine.
func Identifies(word string, m fleet.Machine) bool {
	if string(m.ID) == word || m.ARN != "" && m.ARN == word {
		return true
	}
	// EC2 does not give the ARNs of instances: arn:aws:ec2:REGION:ACCOUNT:instance/ID.
	parts := strings.Split(word, ":")
	return m.Kind == fleet.KindInstance && len(parts) == 6 && parts[0] == "arn" && parts[2] == "ec2" &&
		parts[3] == string(m.Target.Region) && parts[4] == string(m.Target.Account) && parts[5] == "instance/"+string(m.ID)
}

// targetMachine distinguishes the machines of all targets.
type targetMachine struct {
	target fleet.Target
	machineKey
}

func targetMachineOf(m fleet.Machine) targetMachine { return targetMachine{m.Target, keyOf(m)} }

// narrowed is an evaluator that decides about the selected machines only.
type narrowed struct {
	Evaluator
	selection Selection
	rules     *RuleSet
	words     map[targetMachine]string // by which the machines were found
}

// selects reports whether the machine is selected as it is now.
func (n *narrowed) selects(m fleet.Machine) bool {
	if len(n.selection.Machines) > 0 {
		word, ok := n.words[targetMachineOf(m)]
		if !ok || !Identifies(word, m) && m.Name() != word {
			return false
		}
	}
	return n.matches(m)
}

// matches looks at all parts of the selection but the words.
func (n *narrowed) matches(m fleet.Machine) bool {
	s := n.selection
	if !fleet.AllOn(s.Tags, m.Tags) || len(s.Kinds) > 0 && !slices.Contains(s.Kinds, m.Kind) {
		return false
	}
	if s.Rule == 0 {
		return true
	}
	rule, ok := n.rules.rule(m)
	return ok && rule == s.Rule-1
}

// Evaluate skips a machine that is no longer selected.
func (n *narrowed) Evaluate(m fleet.Machine, ramp Ramp, now time.Time) Step {
	if !n.selects(m) {
		return skip(m, "not-selected", "is no longer what was selected when the plan was made")
	}
	return n.Evaluator.Evaluate(m, ramp, now)
}
