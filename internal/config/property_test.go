package config_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"nightshift/internal/config"
	"nightshift/internal/fleet"
)

// TestNoErrorHidesAnother writes files in which any of the schedules and
// rules are wrong, and holds that each error is reported at its line and that
// what is right works.
func TestNoErrorHidesAnother(t *testing.T) {
	goodSchedules := []string{"Mon-Fri 08:00-19:00", "[Sat, Sun]", "{never: true}", "{stop: [Mon-Fri 19:00]}", "always"}
	badSchedules := []string{"Mno 08:00-19:00", "{}", "{runnning: always}", "{never: maybe}", "[Mon 08:00-08:00]", "", "{timezone: Asia/Soul, running: always}"}
	goodRules := []string{"schedule: always", "enforce: true, schedule: Mon 08:00-09:00", "ignore: true", "min_uptime: 2d, schedule: always"}
	badRules := []string{"schedule: no-such-schedule", "schedul: always", "enforce: 1, schedule: always", "ready: soon, schedule: always", "after: Nobody=has, schedule: always"}
	rapid.Check(t, func(t *rapid.T) {
		var text strings.Builder
		var lines []int
		line := 2
		text.WriteString("timezone: UTC\nschedules:\n")
		pick := func(what string, good, bad []string) (string, bool) {
			line++
			if rapid.Bool().Draw(t, what+" is right") {
				return rapid.SampledFrom(good).Draw(t, what), true
			}
			lines = append(lines, line)
			return rapid.SampledFrom(bad).Draw(t, what), false
		}
		var schedules, rules []bool
		for i := range rapid.IntRange(1, 12).Draw(t, "schedules") {
			value, right := pick("schedule", goodSchedules, badSchedules)
			schedules = append(schedules, right)
			fmt.Fprintf(&text, "  schedule-%d: %s\n", i, value)
		}
		text.WriteString("power:\n  rules:\n")
		line += 2
		for i := range rapid.IntRange(1, 12).Draw(t, "rules") {
			value, right := pick("rule", goodRules, badRules)
			rules = append(rules, right)
			fmt.Fprintf(&text, "    - {tag: Key=%d, %s}\n", i, value)
		}
		c, err := load(text.String())
		var problems config.Errors
		if errors.As(err, &problems) != (len(lines) > 0) || c == nil {
			t.Fatalf("%v\n%s", err, &text)
		}
		var reported []int
		for _, m := range problems {
			reported = append(reported, m.Line)
		}
		if !slices.Equal(reported, lines) {
			t.Fatalf("problems in lines %v are reported in %v:\n%v\n%s", lines, reported, err, &text)
		}
		for i, right := range schedules {
			if s := c.Schedules[i]; right != (s.Err == nil) || right != (s.Schedule != nil) {
				t.Fatalf("%s: %v\n%s", s.Name, s.Err, &text)
			}
		}
		for i, right := range rules {
			r := c.Rules().Rules[i]
			if _, err := r.Read(""); right != (err == nil) || !right && !errors.Is(err, fleet.ErrInvalid) || r.Tag.Value != fmt.Sprint(i) {
				t.Fatalf("rule %d: %v\n%s", i, err, &text)
			}
		}
	})
}
