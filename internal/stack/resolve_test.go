package stack_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// resolver evaluates the functions of a template with the values of its parameters,
// and with what its resources are called.
type resolver struct {
	t          *testing.T
	parameters map[string]string
	// names are what Ref and GetAtt give: of resources, "Log.Arn", and of AWS.
	names      map[string]string
	conditions map[string]yaml.Node
	resources  map[string]yaml.Node
}

func newResolver(t *testing.T, text string, parameters, names map[string]string) resolver {
	t.Helper()
	var read struct {
		Parameters map[string]struct {
			Default string `yaml:"Default"`
		} `yaml:"Parameters"`
		Conditions map[string]yaml.Node `yaml:"Conditions"`
		Resources  map[string]yaml.Node `yaml:"Resources"`
	}
	if err := yaml.Unmarshal([]byte(text), &read); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for name, p := range read.Parameters {
		all[name] = p.Default
	}
	maps.Copy(all, parameters)
	return resolver{t, all, names, read.Conditions, read.Resources}
}

// property is a resolved property of a resource, by its path of names.
func (r resolver) property(id string, path ...string) any {
	r.t.Helper()
	body := r.resources[id]
	value := r.value(&body)
	for _, name := range append([]string{"Properties"}, path...) {
		switch v := value.(type) {
		case map[string]any:
			value = v[name]
		case []any:
			n, err := strconv.Atoi(name)
			if err != nil || n >= len(v) {
				r.t.Fatalf("%s has no %s", id, path)
			}
			value = v[n]
		default:
			return nil
		}
	}
	return value
}

// present are the resources whose conditions hold, by their types.
func (r resolver) present() map[string][]string {
	found := map[string][]string{}
	for _, id := range slices.Sorted(maps.Keys(r.resources)) {
		body := r.resources[id]
		condition, kind := field(&body, "Condition"), field(&body, "Type").Value
		if condition == nil || r.condition(condition.Value) {
			found[kind] = append(found[kind], id)
		}
	}
	return found
}

func field(n *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// condition reports whether the condition of a name holds.
func (r resolver) condition(name string) bool {
	body := r.conditions[name]
	return r.holds(&body)
}

func (r resolver) holds(n *yaml.Node) bool {
	switch n.Tag {
	case "!Equals":
		return r.text(n.Content[0]) == r.text(n.Content[1])
	case "!Not":
		return !r.holds(n.Content[0])
	case "!And", "!Or":
		for _, one := range n.Content {
			if r.holds(one) != (n.Tag == "!And") {
				return n.Tag == "!Or"
			}
		}
		return n.Tag == "!And"
	case "!Condition":
		return r.condition(n.Value)
	}
	r.t.Fatalf("condition %s", n.Tag)
	return false
}

func (r resolver) text(n *yaml.Node) string {
	text, _ := r.value(n).(string)
	return text
}

// value is a value with everything in it resolved; all scalars are texts.
func (r resolver) value(n *yaml.Node) any {
	switch n.Tag {
	case "!Ref":
		return r.named(n.Value)
	case "!GetAtt":
		return r.named(n.Value)
	case "!If":
		branch := n.Content[2]
		if r.condition(n.Content[0].Value) {
			branch = n.Content[1]
		}
		return r.value(branch)
	case "!Join":
		var texts []string
		if list, isList := r.value(n.Content[1]).([]any); isList {
			for _, one := range list {
				texts = append(texts, one.(string))
			}
		} else { // a parameter that is a list
			texts = strings.Split(r.text(n.Content[1]), ",")
		}
		return strings.Join(texts, n.Content[0].Value)
	case "!Split":
		var list []any
		for part := range strings.SplitSeq(r.text(n.Content[1]), n.Content[0].Value) {
			list = append(list, part)
		}
		return list
	case "!Select":
		index, err := strconv.Atoi(n.Content[0].Value)
		if err != nil {
			r.t.Fatal(err)
		}
		return r.value(n.Content[1]).([]any)[index]
	case "!Sub":
		return r.substituted(n)
	}
	switch n.Kind {
	case yaml.MappingNode:
		all := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i+1].Value != "AWS::NoValue" {
				all[n.Content[i].Value] = r.value(n.Content[i+1])
			}
		}
		return all
	case yaml.SequenceNode:
		var list []any
		for _, one := range n.Content {
			list = append(list, r.value(one))
		}
		return list
	}
	return n.Value
}

func (r resolver) named(name string) string {
	if value, ok := r.parameters[name]; ok {
		return value
	}
	return r.names[name]
}

// substituted is a text with its variables, and the policy that the text is.
func (r resolver) substituted(n *yaml.Node) any {
	values := map[string]string{}
	maps.Copy(values, r.names)
	maps.Copy(values, r.parameters)
	text := n.Value
	if n.Kind == yaml.SequenceNode {
		text = n.Content[0].Value
		for i := 0; i+1 < len(n.Content[1].Content); i += 2 {
			values[n.Content[1].Content[i].Value] = r.text(n.Content[1].Content[i+1])
		}
	}
	text = fillIn(r.t, text, values)
	var policy map[string]any
	if json.Unmarshal([]byte(text), &policy) == nil {
		return policy
	}
	return text
}
