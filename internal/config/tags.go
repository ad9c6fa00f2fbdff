package config

import (
	"maps"
	"slices"
	"strings"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/text"
)

// Misspelt finds the tag of a machine by which a rule for its kind seems to be
// meant, and that rule's tag: the key or the value is a near miss. For machines
// that no rule fits; false where no tag looks like that. Values that are merely
// others than a rule's, such as AutoStopStart=No, are not misspelt.
func (c *Config) Misspelt(m fleet.Machine) (tag, meant fleet.Tag, found bool) {
	for _, key := range slices.Sorted(maps.Keys(m.Tags)) {
		if strings.HasPrefix(key, "aws:") {
			continue
		}
		for _, r := range c.rules.Rules {
			if r.Tag.Key == "" || !isFor(r, m.Kind) || text.Nearest(key, []string{r.Tag.Key}) == "" {
				continue
			}
			tag := fleet.Tag{Key: key, Value: m.Tags[key]}
			if meant, ok := near(tag, r); ok {
				return tag, meant, true
			}
		}
	}
	return fleet.Tag{}, fleet.Tag{}, false
}

// near compares a tag whose key is near a rule's with that rule.
func near(tag fleet.Tag, r power.Rule) (meant fleet.Tag, ok bool) {
	value := strings.TrimSpace(tag.Value)
	if r.Tag.Value != "" {
		return r.Tag, value == r.Tag.Value || text.Nearest(value, []string{r.Tag.Value}) != ""
	}
	if _, err := r.Read(value); err != nil {
		return fleet.Tag{}, false // no schedule, so that the key is another one
	}
	return fleet.Tag{Key: r.Tag.Key, Value: value}, true
}

func isFor(r power.Rule, kind fleet.Kind) bool {
	return slices.Contains(kindsOf(rule{Rule: r}), kind)
}

// MisspeltOwn finds a tag of ours that we do not know, and the one that is
// nearest to it, or "".
func MisspeltOwn(tags fleet.Tags) (key, meant string, found bool) {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if strings.HasPrefix(strings.ToLower(key), fleet.OwnTagPrefix) && !slices.Contains(fleet.OwnTagKeys(), key) {
			return key, text.Nearest(key, fleet.OwnTagKeys()), true
		}
	}
	return "", "", false
}
