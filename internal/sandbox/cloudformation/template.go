package cloudformation

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// template is a CloudFormation template, as it is written. A value in it is a
// text, a list, a map or a call of a function; numbers and flags are the texts
// that they are written as, since CloudFormation takes the one for the other.
type template struct {
	body        string
	description string
	parameters  []parameter
	conditions  map[string]any
	resources   []resource
	outputs     []output
}

// resource is one of a template.
type resource struct {
	id, kind      string
	properties    map[string]any
	metadata      any
	condition     string
	dependsOn     []string
	deletion      string // DeletionPolicy
	replacePolicy string // UpdateReplacePolicy
}

type output struct {
	key, description, condition string
	value                       any
}

// call is an intrinsic function with its argument.
type call struct {
	name string
	arg  any
}

// functions are the intrinsic functions that the sandbox has.
func functions() []string {
	return []string{"Ref", "Fn::GetAtt", "Fn::Sub", "Fn::Join", "Fn::Select", "Fn::Split", "Fn::If", "Fn::Equals", "Fn::Not", "Fn::Or", "Fn::And"}
}

// parseTemplate reads a template. What the sandbox does not know is an error.
func parseTemplate(body string) (*template, *wire.Error) {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(body), &document); err != nil {
		return nil, formatError("YAML not well-formed. %v", err)
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return nil, formatError("unsupported structure.")
	}
	read, err := value(document.Content[0])
	if err != nil {
		return nil, err
	}
	sections, _ := read.(map[string]any)
	t := &template{body: body, description: text(sections["Description"]), conditions: section(sections, "Conditions")}
	known := []string{"AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Conditions", "Resources", "Outputs"}
	for name := range sections {
		if !slices.Contains(known, name) {
			return nil, formatError("the sandbox has no section %s in templates", name)
		}
	}
	for _, id := range keys(section(sections, "Parameters")) {
		p, err := readParameter(id, section(sections, "Parameters")[id])
		if err != nil {
			return nil, err
		}
		t.parameters = append(t.parameters, p)
	}
	for _, id := range keys(section(sections, "Resources")) {
		r, err := readResource(id, section(sections, "Resources")[id])
		if err != nil {
			return nil, err
		}
		t.resources = append(t.resources, r)
	}
	for _, key := range keys(section(sections, "Outputs")) {
		o, err := readOutput(key, section(sections, "Outputs")[key])
		if err != nil {
			return nil, err
		}
		t.outputs = append(t.outputs, o)
	}
	if len(t.resources) == 0 {
		return nil, formatError("At least one Resources member must be defined.")
	}
	return t, t.check()
}

// check refuses names that nothing has and types that the sandbox does not know.
func (t *template) check() *wire.Error {
	types := kinds()
	var unknown, unresolved []string
	var foreign *wire.Error
	visit := func(name, attribute string) {
		r, isResource := t.resource(name)
		if isResource && attribute != "" {
			_, err := (&record{resource: r}).attribute(attribute, &state.Region{})
			foreign = cmp.Or(foreign, err)
		}
		if !isResource && !t.hasParameter(name) && !strings.HasPrefix(name, "AWS::") {
			unresolved = append(unresolved, name)
		}
	}
	for _, r := range t.resources {
		if _, ok := types[r.kind]; !ok {
			unknown = append(unknown, r.kind)
		}
		for _, id := range r.dependsOn {
			visit(id, "")
		}
		references(r.properties, nil, visit)
		if _, ok := t.conditions[r.condition]; r.condition != "" && !ok {
			return formatError("Unresolved dependencies [%s]. Cannot reference resources in the Conditions block of the template", r.condition)
		}
	}
	if len(unknown) > 0 {
		return formatError("Unrecognized resource types: [%s]", strings.Join(unknown, ", "))
	}
	if len(unresolved) > 0 {
		return formatError("Unresolved resource dependencies [%s] in the Resources block of the template", strings.Join(unresolved, ", "))
	}
	for _, o := range t.outputs {
		references(o.value, nil, visit)
	}
	if len(unresolved) > 0 {
		return formatError("Unresolved resource dependencies [%s] in the Outputs block of the template", strings.Join(unresolved, ", "))
	}
	return foreign
}

func (t *template) resource(id string) (resource, bool) {
	at := slices.IndexFunc(t.resources, func(r resource) bool { return r.id == id })
	if at < 0 {
		return resource{}, false
	}
	return t.resources[at], true
}

func (t *template) hasParameter(name string) bool {
	return slices.ContainsFunc(t.parameters, func(p parameter) bool { return p.name == name })
}

func readResource(id string, v any) (r resource, err *wire.Error) {
	about, ok := v.(map[string]any)
	if !ok {
		return r, formatError("[/Resources/%s] resource definition is malformed", id)
	}
	r = resource{id: id, deletion: "Delete", replacePolicy: "Delete"}
	for name, v := range about {
		switch name {
		case "Type":
			r.kind = text(v)
		case "Properties":
			if r.properties, ok = v.(map[string]any); !ok {
				return r, formatError("[/Resources/%s/Properties] must be an object", id)
			}
		case "Metadata":
			r.metadata = v
		case "Condition":
			r.condition = text(v)
		case "DependsOn":
			r.dependsOn = texts(v)
		case "DeletionPolicy":
			r.deletion = text(v)
		case "UpdateReplacePolicy":
			r.replacePolicy = text(v)
		default:
			return r, formatError("Invalid template resource property '%s'", name)
		}
	}
	if !slices.Contains([]string{"Delete", "Retain", "RetainExceptOnCreate"}, r.deletion) || !slices.Contains([]string{"Delete", "Retain"}, r.replacePolicy) {
		return r, formatError("Unrecognized DeletionPolicy %s or UpdateReplacePolicy %s for resource %s", r.deletion, r.replacePolicy, id)
	}
	return r, nil
}

func readOutput(key string, v any) (o output, err *wire.Error) {
	about, ok := v.(map[string]any)
	if !ok || about["Value"] == nil {
		return o, formatError("[/Outputs/%s] every Outputs member must contain a Value object", key)
	}
	for name := range about {
		if !slices.Contains([]string{"Description", "Value", "Condition"}, name) {
			return o, formatError("the sandbox has no %s in outputs", name)
		}
	}
	return output{key, text(about["Description"]), text(about["Condition"]), about["Value"]}, nil
}

// value reads a node.
func value(n *yaml.Node) (any, *wire.Error) {
	var read any
	var err *wire.Error
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return nil, formatError("Null values are not allowed in templates, line %d", n.Line)
		}
		read = n.Value
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, c := range n.Content {
			if list[i], err = value(c); err != nil {
				return nil, err
			}
		}
		read = list
	case yaml.MappingNode:
		if read, err = mapping(n); err != nil {
			return nil, err
		}
	default:
		return nil, formatError("the sandbox has no YAML aliases in templates, line %d", n.Line)
	}
	if name, ok := strings.CutPrefix(n.Tag, "!"); ok && !strings.HasPrefix(name, "!") {
		if name == "Condition" {
			return map[string]any{"Condition": read}, nil
		}
		if name != "Ref" {
			name = "Fn::" + name
		}
		return function(name, read)
	}
	return read, nil
}

func mapping(n *yaml.Node) (any, *wire.Error) {
	read := make(map[string]any, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		if _, twice := read[key]; twice {
			return nil, formatError("Duplicate key %s, line %d", key, n.Content[i].Line)
		}
		v, err := value(n.Content[i+1])
		if err != nil {
			return nil, err
		}
		read[key] = v
	}
	for key, arg := range read {
		if len(read) == 1 && (key == "Ref" || strings.HasPrefix(key, "Fn::")) {
			return function(key, arg)
		}
	}
	return read, nil
}

func function(name string, arg any) (any, *wire.Error) {
	if !slices.Contains(functions(), name) {
		return nil, templateError("the sandbox has no function %s", name)
	}
	if written, ok := arg.(string); ok && name == "Fn::GetAtt" {
		id, attribute, _ := strings.Cut(written, ".")
		arg = []any{id, attribute}
	}
	return call{name, arg}, nil
}

func formatError(format string, args ...any) *wire.Error {
	return wire.ValidationError("Template format error: " + fmt.Sprintf(format, args...))
}

func templateError(format string, args ...any) *wire.Error {
	return wire.ValidationError("Template error: " + fmt.Sprintf(format, args...))
}

func section(of map[string]any, name string) map[string]any {
	found, _ := of[name].(map[string]any)
	return found
}

func keys(of map[string]any) []string { return slices.Sorted(maps.Keys(of)) }

// text is a value that is a text; empty for others.
func text(v any) string {
	s, _ := v.(string)
	return s
}

// texts are those of a list, or a single one.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		list := make([]string, len(v))
		for i, one := range v {
			list[i] = text(one)
		}
		return list
	case []string:
		return v
	}
	return nil
}
