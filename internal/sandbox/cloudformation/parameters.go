package cloudformation

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"nightshift/internal/sandbox/wire"
)

// parameter is one that a template declares.
type parameter struct {
	name, kind        string
	standard          string // its default
	hasDefault        bool
	allowed           []string
	pattern           *regexp.Regexp
	constraint        string // what is said of a value that breaks one
	secret            bool
	least, most       string // of a number
	shortest, longest int    // of a text; 0: no limit
}

func readParameter(name string, v any) (p parameter, _ *wire.Error) {
	about, ok := v.(map[string]any)
	if !ok {
		return p, formatError("Every Parameters object must contain a Type member.")
	}
	p.name = name
	for field, v := range about {
		var err error
		switch field {
		case "Type":
			p.kind = text(v)
		case "Default":
			p.standard, p.hasDefault = text(v), true
		case "AllowedValues":
			p.allowed = texts(v)
		case "AllowedPattern":
			if p.pattern, err = regexp.Compile(`^(?:` + text(v) + `)$`); err != nil {
				return p, formatError("the pattern of parameter %s: %v", name, err)
			}
		case "ConstraintDescription":
			p.constraint = text(v)
		case "NoEcho":
			p.secret = text(v) == "true"
		case "MinLength":
			p.shortest, err = strconv.Atoi(text(v))
		case "MaxLength":
			p.longest, err = strconv.Atoi(text(v))
		case "MinValue":
			p.least = text(v)
		case "MaxValue":
			p.most = text(v)
		case "Description":
		default:
			return p, formatError("Invalid template parameter property '%s'", field)
		}
		if err != nil {
			return p, formatError("%s of parameter %s is not a number", field, name)
		}
	}
	if !slices.Contains([]string{"String", "Number", "CommaDelimitedList"}, p.kind) {
		return p, formatError("Unrecognized parameter type: %s", p.kind)
	}
	return p, nil
}

// checkValue refuses what the declaration does not allow.
func (p parameter) checkValue(v string) *wire.Error {
	wrong := func(format string, args ...any) *wire.Error {
		if p.constraint != "" {
			return wire.ValidationError("Parameter " + p.name + " failed to satisfy constraint: " + p.constraint)
		}
		return wire.ValidationError(fmt.Sprintf("Parameter '%s' "+format, append([]any{p.name}, args...)...))
	}
	parts := []string{v}
	if p.kind == "CommaDelimitedList" {
		parts = strings.Split(v, ",")
	}
	for _, one := range parts {
		one = strings.TrimSpace(one)
		if p.kind == "String" {
			one = v
		}
		switch n := utf8.RuneCountInString(one); {
		case len(p.allowed) > 0 && !slices.Contains(p.allowed, one):
			return wrong("must be one of AllowedValues")
		case p.pattern != nil && !p.pattern.MatchString(one):
			return wrong("must match pattern %s", strings.TrimSuffix(strings.TrimPrefix(p.pattern.String(), "^(?:"), ")$"))
		case n < p.shortest:
			return wrong("must contain at least %d characters", p.shortest)
		case p.longest > 0 && n > p.longest:
			return wrong("must contain at most %d characters", p.longest)
		}
	}
	if p.kind != "Number" {
		return nil
	}
	n, err := strconv.ParseFloat(v, 64)
	if err != nil {
		return wrong("must be a number")
	}
	if least, err := strconv.ParseFloat(p.least, 64); err == nil && n < least {
		return wrong("must be a number not less than %s", p.least)
	}
	if most, err := strconv.ParseFloat(p.most, 64); err == nil && n > most {
		return wrong("must be a number not greater than %s", p.most)
	}
	return nil
}

// readParameters gives every parameter of a template its value: what the request
// says, else its default. previous are the values that the stack has; nil for a
// new one.
func readParameters(t *template, sent []*wire.Params, previous map[string]string) (map[string]string, *wire.Error) {
	values := map[string]string{}
	var foreign, missing []string
	for _, one := range sent {
		key := one.Text("ParameterKey")
		kept, had := previous[key]
		switch {
		case !t.hasParameter(key):
			foreign = append(foreign, key)
		case one.Flag("UsePreviousValue") && one.Has("ParameterValue"):
			return nil, wire.ValidationError("Invalid input for parameter key " + key + ". Cannot specify usePreviousValue as true and also specify a value")
		case one.Flag("UsePreviousValue") && !had:
			return nil, wire.ValidationError("Invalid input for parameter key " + key +
				". Cannot specify usePreviousValue as true for a parameter key not in the previous template")
		case one.Flag("UsePreviousValue"):
			values[key] = kept
		default:
			values[key] = one.Text("ParameterValue")
		}
	}
	if len(foreign) > 0 {
		slices.Sort(foreign)
		return nil, wire.ValidationError("Parameters: [" + strings.Join(foreign, ", ") + "] do not exist in the template")
	}
	for _, p := range t.parameters {
		if _, given := values[p.name]; !given && p.hasDefault {
			values[p.name] = p.standard
		} else if !given {
			missing = append(missing, p.name)
		}
	}
	if len(missing) > 0 {
		return nil, wire.ValidationError("Parameters: [" + strings.Join(missing, ", ") + "] must have values")
	}
	for _, p := range t.parameters {
		if err := p.checkValue(values[p.name]); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// parameterValues are the values as functions see them: a list is split.
func parameterValues(t *template, values map[string]string) map[string]any {
	seen := map[string]any{}
	for _, p := range t.parameters {
		v := values[p.name]
		if p.kind != "CommaDelimitedList" {
			seen[p.name] = v
			continue
		}
		list := []any{}
		for part := range strings.SplitSeq(v, ",") {
			list = append(list, strings.TrimSpace(part))
		}
		seen[p.name] = list
	}
	return seen
}
