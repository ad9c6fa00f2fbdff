package deploy

import (
	"maps"
	"slices"
	"strings"

	"nightshift/internal/fleet"
	"nightshift/internal/text"
)

// MaxTemplate is how long a template may be that is not uploaded first.
const MaxTemplate = 51_200

// declared is a parameter that a template declares.
type declared struct {
	name, fallback string
	optional       bool // has a default
}

// section yields the entries of one of the template's sections, each with the
// lines below it. The template is ours: sections stand at the margin, their
// entries two blanks to the right.
func section(template, name string) map[string][]string {
	entries, entry, within := map[string][]string{}, "", false
	for line := range strings.Lines(template) {
		line = strings.TrimRight(line, "\r\n")
		blanks := len(line) - len(strings.TrimLeft(line, " "))
		switch {
		case strings.TrimSpace(line) == "" || strings.HasPrefix(strings.TrimSpace(line), "#"):
		case blanks == 0:
			within = line == name+":"
		case within && blanks == 2:
			entry, _, _ = strings.Cut(strings.TrimSpace(line), ":")
			entries[entry] = []string{}
		case within:
			entries[entry] = append(entries[entry], line)
		}
	}
	return entries
}

// attribute is an attribute of an entry, in a line of its own.
func attribute(lines []string, name string) (string, bool) {
	for _, line := range lines {
		if value, ok := strings.CutPrefix(line, "    "+name+":"); ok {
			value = strings.TrimSpace(value)
			if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
				value = value[1 : n-1]
			}
			return value, true
		}
	}
	return "", false
}

func declaredIn(template string) []declared {
	all := section(template, "Parameters")
	var list []declared
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fallback, optional := attribute(all[name], "Default")
		list = append(list, declared{name, fallback, optional})
	}
	return list
}

// retainedIn are the resources of a template that stay when the stack is deleted.
func retainedIn(template string) map[string]bool {
	kept := map[string]bool{}
	for name, lines := range section(template, "Resources") {
		policy, _ := attribute(lines, "DeletionPolicy")
		kept[name] = strings.HasPrefix(policy, "Retain")
	}
	return kept
}

// Parameters are the values of all parameters of a template: what is given, what
// overrides it, and else the default. All are sent, so that what the file does
// not say any more returns to its default. Of what is given only what the
// template has counts; an override of another name is an error.
func Parameters(template string, given, overrides map[string]string) (map[string]string, error) {
	values := map[string]string{}
	var names []string
	for _, d := range declaredIn(template) {
		names = append(names, d.name)
		value, ok := overrides[d.name]
		if !ok {
			value, ok = given[d.name]
		}
		if !ok {
			value, ok = d.fallback, d.optional
		}
		if !ok {
			hint := ""
			if d.name == "TimeZone" {
				hint = "timezone in nightshift.yaml, or "
			}
			return nil, fleet.Errorf(fleet.ErrInvalid, "the parameter %s has no value and no default: set %s--param %s=VALUE", d.name, hint, d.name)
		}
		values[d.name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		if _, ok := values[name]; !ok {
			if near := text.Nearest(name, names); near != "" {
				return nil, fleet.Errorf(fleet.ErrInvalid, "--param: the template has no parameter %q; did you mean %q?", name, near)
			}
			return nil, fleet.Errorf(fleet.ErrInvalid, "--param: the template has no parameter %q; it has %s", name, strings.Join(names, ", "))
		}
	}
	return values, nil
}

// ParseParameters reads --param K=V.
func ParseParameters(list []string) (map[string]string, error) {
	values := map[string]string{}
	for _, one := range list {
		name, value, ok := strings.Cut(one, "=")
		if !ok || name == "" {
			return nil, fleet.Errorf(fleet.ErrInvalid, "--param %q: write NAME=VALUE", one)
		}
		if _, twice := values[name]; twice {
			return nil, fleet.Errorf(fleet.ErrInvalid, "--param %s is given twice", name)
		}
		values[name] = value
	}
	return values, nil
}
