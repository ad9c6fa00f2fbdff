package cloudformation

import (
	"cmp"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// change is what a change set does to one resource.
type change struct {
	action      string // Add, Modify or Remove
	id, kind    string
	physical    string
	replacement bool
	policy      string // PolicyAction
	scope       []string
	details     []detail
	before      map[string]any
	after       map[string]any
}

// detail is one reason of a change.
type detail struct {
	attribute, name string // "Properties" and the property, or "Tags" alone
	recreation      string // Never, Conditionally or Always
	evaluation      string // Static or Dynamic
	source, cause   string
}

// knownAfter stands for what is known only once a resource is made.
const knownAfter = "{{changeset:KNOWN_AFTER_APPLY}}"

// noChanges is why a change set that changes nothing fails.
const noChanges = "The submitted information didn't contain changes. Submit different information to create a change set."

// compare says what a plan changes in a stack, or why a change set of it cannot
// be executed. An error is one of the request itself.
func (s *stack) compare(to plan) (changes []change, failure string, _ *wire.Error) {
	list, err := s.included(to)
	if err != nil {
		return nil, "", err
	}
	fresh := map[string]bool{} // resources that are made or replaced
	in := s.scope(to, func(id, name string) (string, *wire.Error) {
		if fresh[id] || s.record(id) == nil {
			return knownAfter, nil
		}
		return s.known(id, name)
	})
	kept := map[string]bool{}
	for _, r := range list {
		kept[r.id] = true
		if err := checkProperties(r); err != nil {
			return nil, err.Message, nil
		}
		c, err := s.compareResource(r, to, in, fresh)
		if err != nil {
			return nil, "", err
		}
		if c.action != "" {
			changes = append(changes, c)
			fresh[r.id] = c.action == "Add" || c.replacement
		}
	}
	for _, r := range s.resources {
		if !kept[r.id] {
			c := change{action: "Remove", id: r.id, kind: r.kind, physical: r.physical, policy: "Delete", before: r.properties}
			if r.deletion == "Retain" || r.deletion == "RetainExceptOnCreate" {
				c.policy = "Retain"
			}
			changes = append(changes, c)
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Compare(a.id, b.id) })
	if len(changes) == 0 && s.template != nil && reflect.DeepEqual(s.template.outputs, to.template.outputs) {
		failure = noChanges
	}
	return changes, failure, nil
}

func (s *stack) compareResource(r resource, to plan, in *scope, fresh map[string]bool) (c change, _ *wire.Error) {
	resolved, err := in.resolve(r.properties)
	if err != nil {
		return c, err
	}
	after, _ := resolved.(map[string]any)
	was := s.record(r.id)
	if was == nil {
		return change{action: "Add", id: r.id, kind: r.kind, after: after}, nil
	}
	c = change{id: r.id, kind: r.kind, physical: was.physical, before: was.properties, after: after}
	if was.kind != r.kind {
		return c, wire.ValidationError("Update of resource type is not permitted. The new template modifies resource type of the following resources: [" + r.id + "]")
	}
	k := kinds()[r.kind]
	for _, name := range changedProperties(was.properties, after) {
		d := detail{attribute: "Properties", name: name, recreation: "Never"}
		if slices.Contains(strings.Fields(k.replaces), name) {
			d.recreation, c.replacement = "Always", true
		}
		c.scope = append(c.scope, "Properties")
		c.details = append(c.details, s.causes(d, was.resource.properties[name], r.properties[name], to, in, fresh)...)
	}
	if k.tagged && !reflect.DeepEqual(sorted(was.tags), sorted(to.tags)) {
		c.scope = append(c.scope, "Tags")
		c.details = append(c.details, detail{attribute: "Tags", recreation: "Never", evaluation: "Static", source: "DirectModification"})
	}
	for name, same := range map[string]bool{
		"DeletionPolicy": was.deletion == r.deletion, "UpdateReplacePolicy": was.replacePolicy == r.replacePolicy,
		"Metadata": reflect.DeepEqual(was.metadata, r.metadata),
	} {
		if !same {
			c.scope = append(c.scope, name)
			c.details = append(c.details, detail{attribute: name, recreation: "Never", evaluation: "Static", source: "DirectModification"})
		}
	}
	if slices.Sort(c.scope); len(c.scope) > 0 {
		c.action, c.scope = "Modify", slices.Compact(c.scope)
	}
	if c.replacement {
		c.policy = "ReplaceAnd" + r.replacePolicy
	}
	return c, nil
}

// causes says why a property changes: a parameter, another resource that is
// replaced, or the template itself.
func (s *stack) causes(d detail, was, is any, to plan, in *scope, fresh map[string]bool) []detail {
	var list []detail
	add := func(evaluation, source, cause string) {
		one := d
		one.evaluation, one.source, one.cause = evaluation, source, cause
		if !slices.Contains(list, one) {
			list = append(list, one)
		}
	}
	references(is, in, func(name, attribute string) {
		old, had := s.parameters[name]
		switch now, isParameter := to.parameters[name]; {
		case isParameter && (!had || old != now):
			add("Static", "ParameterReference", name)
		case fresh[name] && attribute == "":
			add("Dynamic", "ResourceReference", name)
		case fresh[name]:
			add("Dynamic", "ResourceAttribute", name+"."+attribute)
		}
	})
	if len(list) == 0 || !reflect.DeepEqual(was, is) {
		add("Static", "DirectModification", "")
	}
	slices.SortFunc(list, func(a, b detail) int { return cmp.Compare(a.source+a.cause, b.source+b.cause) })
	return list
}

// changedProperties are the names of the properties that differ, in order.
func changedProperties(a, b map[string]any) []string {
	all := append(keys(a), keys(b)...)
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(name string) bool { return reflect.DeepEqual(a[name], b[name]) })
}

// written is a value as JSON, or the text that it is.
func written(v any) string {
	if s, ok := v.(string); ok || v == nil {
		return s
	}
	b, _ := json.Marshal(v) // cannot fail: texts, lists and maps
	return string(b)
}

func sorted(ts state.Tags) state.Tags {
	list := slices.Clone(ts)
	slices.SortFunc(list, func(a, b state.Tag) int { return cmp.Compare(a.Key, b.Key) })
	return list
}
