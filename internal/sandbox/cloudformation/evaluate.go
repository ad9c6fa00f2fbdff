package cloudformation

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"nightshift/internal/sandbox/wire"
)

// scope is what a template's functions can ask for.
type scope struct {
	parameters map[string]any // texts, and lists of texts
	pseudo     map[string]string
	conditions map[string]any // as they are written
	// attribute is the Ref of a resource, or an attribute of it.
	attribute func(id, name string) (string, *wire.Error)
}

// noValue removes the property whose value it is.
type noValue struct{}

// resolve evaluates the functions in a value.
func (s *scope) resolve(v any) (any, *wire.Error) {
	switch v := v.(type) {
	case []any:
		list := make([]any, 0, len(v))
		for _, one := range v {
			got, err := s.resolve(one)
			if err != nil {
				return nil, err
			}
			if _, none := got.(noValue); !none {
				list = append(list, got)
			}
		}
		return list, nil
	case map[string]any:
		made := make(map[string]any, len(v))
		for name, one := range v {
			got, err := s.resolve(one)
			if err != nil {
				return nil, err
			}
			if _, none := got.(noValue); !none {
				made[name] = got
			}
		}
		return made, nil
	case call:
		return s.call(v)
	}
	return v, nil
}

func (s *scope) call(c call) (any, *wire.Error) {
	args, _ := c.arg.([]any)
	wants := map[string]int{"Fn::GetAtt": 2, "Fn::Join": 2, "Fn::Select": 2, "Fn::Split": 2, "Fn::If": 3}
	if n := wants[c.name]; n > 0 && len(args) != n {
		return nil, templateError("every %s object requires a list of %d", c.name, n)
	}
	switch c.name {
	case "Ref":
		return s.ref(text(c.arg))
	case "Fn::GetAtt":
		return s.attribute(text(args[0]), text(args[1]))
	case "Fn::Sub":
		return s.substitute(c.arg)
	case "Fn::If":
		holds, err := s.condition(text(args[0]))
		if err != nil {
			return nil, err
		}
		if holds {
			return s.resolve(args[1])
		}
		return s.resolve(args[2])
	case "Fn::Join", "Fn::Select", "Fn::Split":
		got, err := s.resolve(args[1])
		if err != nil {
			return nil, err
		}
		return ofList(c.name, text(args[0]), got)
	}
	return nil, templateError("%s is only for conditions", c.name)
}

// ofList evaluates the functions that make something of a list.
func ofList(name, first string, of any) (any, *wire.Error) {
	if name == "Fn::Split" {
		var parts []any
		for part := range strings.SplitSeq(text(of), first) {
			parts = append(parts, part)
		}
		return parts, nil
	}
	list, isList := of.([]any)
	if !isList {
		return nil, templateError("every %s object requires a list", name)
	}
	if name == "Fn::Join" {
		return strings.Join(texts(list), first), nil
	}
	n, err := strconv.Atoi(first)
	if err != nil || n < 0 || n >= len(list) {
		return nil, templateError("Fn::Select cannot select nonexistent value at index %s", first)
	}
	return list[n], nil
}

func (s *scope) ref(name string) (any, *wire.Error) {
	if v, ok := s.parameters[name]; ok {
		return v, nil
	}
	if name == "AWS::NoValue" {
		return noValue{}, nil
	}
	if v, ok := s.pseudo[name]; ok {
		return v, nil
	}
	if strings.HasPrefix(name, "AWS::") {
		return nil, templateError("the sandbox has no pseudo parameter %s", name)
	}
	return s.attribute(name, "")
}

var variable = regexp.MustCompile(`\$\{[^}]*\}`)

// substitute is Fn::Sub: a text, or a text and values for its variables.
func (s *scope) substitute(arg any) (any, *wire.Error) {
	pattern, own := subOf(arg)
	var failed *wire.Error
	made := variable.ReplaceAllStringFunc(pattern, func(found string) string {
		name := found[2 : len(found)-1]
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + literal + "}"
		}
		var got any
		var err *wire.Error
		if v, ok := own[name]; ok {
			got, err = s.resolve(v)
		} else if id, attribute, isAttribute := strings.Cut(name, "."); isAttribute {
			got, err = s.attribute(id, attribute)
		} else {
			got, err = s.ref(name)
		}
		if _, isText := got.(string); err == nil && !isText {
			err = templateError("variable %s in Fn::Sub expression does not resolve to a string", name)
		}
		failed = cmp.Or(failed, err)
		return text(got)
	})
	return made, failed
}

// subOf are the text and the variables of an Fn::Sub.
func subOf(arg any) (string, map[string]any) {
	list, isList := arg.([]any)
	if !isList || len(list) != 2 {
		return text(arg), nil
	}
	own, _ := list[1].(map[string]any)
	return text(list[0]), own
}

// condition says whether a condition of the template holds.
func (s *scope) condition(name string) (bool, *wire.Error) {
	v, ok := s.conditions[name]
	if !ok {
		return false, templateError("unresolved condition dependency %s", name)
	}
	return s.holds(v)
}

func (s *scope) holds(v any) (bool, *wire.Error) {
	if m, ok := v.(map[string]any); ok && len(m) == 1 && m["Condition"] != nil {
		return s.condition(text(m["Condition"]))
	}
	c, _ := v.(call)
	args, _ := c.arg.([]any)
	switch {
	case c.name == "Fn::Equals" && len(args) == 2:
		a, errA := s.resolve(args[0])
		b, errB := s.resolve(args[1])
		return fmt.Sprint(a) == fmt.Sprint(b), cmp.Or(errA, errB)
	case c.name == "Fn::Not" && len(args) == 1:
		holds, err := s.holds(args[0])
		return !holds, err
	case (c.name == "Fn::Or" || c.name == "Fn::And") && len(args) >= 2 && len(args) <= 10:
		for _, one := range args {
			holds, err := s.holds(one)
			if err != nil || holds == (c.name == "Fn::Or") {
				return holds, err
			}
		}
		return c.name == "Fn::And", nil
	}
	return false, templateError("a condition is Fn::Equals, Fn::Not, Fn::Or, Fn::And or Condition with as many arguments as it takes")
}

// references visits the names that a value refers to, with the attribute or
// nothing. With a scope only the branches of Fn::If are visited that count.
func references(v any, s *scope, visit func(name, attribute string)) {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			references(one, s, visit)
		}
	case map[string]any:
		for _, one := range v {
			references(one, s, visit)
		}
	case call:
		args, _ := v.arg.([]any)
		switch {
		case v.name == "Ref":
			visit(text(v.arg), "")
		case v.name == "Fn::GetAtt" && len(args) == 2:
			visit(text(args[0]), text(args[1]))
		case v.name == "Fn::If" && len(args) == 3 && s != nil:
			branch := args[2]
			if holds, err := s.condition(text(args[0])); err == nil && holds {
				branch = args[1]
			}
			references(branch, s, visit)
		case v.name == "Fn::If" && len(args) == 3:
			references(args[1:], s, visit)
		case v.name == "Fn::Sub":
			pattern, own := subOf(v.arg)
			references(own, s, visit)
			for _, found := range variable.FindAllString(pattern, -1) {
				name, attribute, _ := strings.Cut(found[2:len(found)-1], ".")
				if _, local := own[name]; !local && !strings.HasPrefix(name, "!") {
					visit(name, attribute)
				}
			}
		default:
			references(v.arg, s, visit)
		}
	}
}
