package config

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"nightshift/internal/fleet"
)

// checkRules looks at the rules together: which are never asked, and in which
// order their machines start.
func (l *loader) checkRules() {
	for i := range l.rules {
		if l.rules[i].wrong {
			continue
		}
		if lines := l.shadows(i); lines != "" {
			l.at(l.rules[i].node, "this rule is never asked: every machine that it fits is taken by the rule in line %s", lines)
			l.rules[i].wrong = true
		}
	}
	l.checkOrder()
}

// shadows are the lines of earlier rules that together take every machine of
// rule i; empty if some are left to it.
func (l *loader) shadows(i int) string {
	r := l.rules[i]
	var lines []string
	for _, kind := range kindsOf(r) {
		taken := slices.IndexFunc(l.rules[:i], func(earlier rule) bool {
			return !earlier.wrong && covers(earlier.Tag, r.Tag) && slices.Contains(kindsOf(earlier), kind)
		})
		if taken < 0 {
			return ""
		}
		if line := strconv.Itoa(l.rules[taken].node.Line); !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, " and line ")
}

func kindsOf(r rule) []fleet.Kind {
	if len(r.Kinds) == 0 {
		return []fleet.Kind{fleet.KindInstance}
	}
	return r.Kinds
}

// covers reports whether every machine with the tag b fits the tag a.
func covers(a, b fleet.Tag) bool {
	return a == fleet.Tag{} || a.Key == b.Key && (a.Value == "" || a.Value == b.Value)
}

// checkOrder holds the tags of after to those of rules, and finds circles.
func (l *loader) checkOrder() {
	var tags []string
	for _, r := range l.rules {
		if r.Tag != (fleet.Tag{}) {
			tags = append(tags, r.Tag.String())
		}
	}
	for i, r := range l.rules {
		switch {
		case r.wrong || r.After == fleet.Tag{}:
		case !slices.Contains(tags, r.After.String()):
			l.at(r.fields["after"].value, "no rule has the tag %s, after which these machines should start%s", r.After, meant(r.After.String(), tags))
			l.rules[i].wrong = true
		}
	}
	for i, r := range l.rules {
		if r.wrong || (r.After == fleet.Tag{}) {
			continue
		}
		if circle := l.circle(r.Tag, r.After); circle != "" {
			l.at(r.fields["after"].value, "these machines wait for themselves: %s", circle)
			l.rules[i].wrong = true
		}
	}
}

// circle follows what waits for what from a tag and what it waits for, and is
// the way back to the tag; empty if there is none. A tag without a value is that
// of the machines with any value, too.
func (l *loader) circle(tag, after fleet.Tag) string {
	// Breadth first: several rules may have the tag that is waited for.
	way := map[fleet.Tag]string{after: tag.String() + " after " + after.String()}
	for queue := []fleet.Tag{after}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if covers(at, tag) {
			return way[at]
		}
		for _, r := range l.rules {
			if _, seen := way[r.After]; !seen && r.After != (fleet.Tag{}) && covers(at, r.Tag) {
				way[r.After] = way[at] + " after " + r.After.String()
				queue = append(queue, r.After)
			}
		}
	}
	return ""
}

// check looks at the file as a whole and warns.
func (l *loader) check(root *yaml.Node, zoned bool) {
	if !zoned && slices.ContainsFunc(l.out.Schedules, func(s Schedule) bool {
		return s.Schedule != nil && s.Schedule.Definition().Zone == nil
	}) {
		l.warn(root, "no timezone is given; schedules without their own are in UTC")
	}
	// A tag may name any schedule.
	if slices.ContainsFunc(l.rules, func(r rule) bool { return !r.Ignore && r.Tag.Value == "" && r.Schedule == "" }) {
		return
	}
	for i, s := range l.out.Schedules {
		if !l.used[s.Name] {
			l.warn(l.names[i], "no rule uses the schedule %s", s.Name)
		}
	}
}
