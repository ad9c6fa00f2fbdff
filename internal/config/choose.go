package config

import (
	"errors"
	"slices"
	"strings"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

// Choose finds the schedules that are named, those that the tags of a machine,
// each Key=Value, lead to, or all of the file. What is not found is an error
// in addition to the others.
func (c *Config) Choose(names, tags []string) ([]power.Named, error) {
	var chosen []power.Named
	var errs []error
	add := func(named power.Named, err error) {
		switch {
		case err != nil:
			errs = append(errs, err)
		case named.Ignore:
			errs = append(errs, fleet.Errorf(fleet.ErrInvalid, "%q leaves machines alone and has no times", named.Name))
		default:
			chosen = append(chosen, named)
		}
	}
	for _, name := range names {
		add(c.Find(name, nil))
	}
	if len(tags) > 0 {
		all := strings.Join(tags, ", ")
		carried := fleet.Tags{}
		for _, tag := range tags {
			key, value, _ := strings.Cut(tag, "=")
			carried[key] = value
		}
		rules := c.Rules().Rules
		n := slices.IndexFunc(rules, func(r power.Rule) bool { return r.Tag.Key == "" || r.Tag.On(carried) })
		switch {
		case n < 0:
			errs = append(errs, fleet.Errorf(fleet.ErrInvalid, "no rule is for the tag %s", all))
		case rules[n].Ignore:
			add(power.Named{Name: all, Ignore: true}, nil)
		default:
			add(rules[n].Read(carried[rules[n].Tag.Key]))
		}
	}
	if len(names)+len(tags) == 0 {
		for _, name := range c.Names() {
			add(c.Find(name, nil))
		}
		if len(chosen)+len(errs) == 0 {
			errs = append(errs, fleet.Errorf(fleet.ErrInvalid, "the configuration has no schedules; name one with --schedule"))
		}
	}
	return chosen, errors.Join(errs...)
}
