package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"nightshift/internal/text"
)

// meant is a hint at the nearest of the known words, or at all of them where
// they are few. It follows a sentence without its full stop.
func meant(word string, known []string) string {
	if near := text.Nearest(word, known); near != "" {
		return fmt.Sprintf(": did you mean %q?", near)
	}
	if len(known) == 0 || len(known) > 16 {
		return ""
	}
	return "; known are " + strings.Join(known, ", ")
}

// levels says at which level each key of the file belongs.
func levels() map[string][]string {
	return map[string][]string{
		"the top level": topKeys(), "a schedule": scheduleKeys(), "power": powerKeys(), "a rule": ruleKeys(), "override": overrideKeys(),
		"an account": accountKeys(), "cost": costKeys(), "cost_explorer": {requestsKey}, "cloudwatch": {metricsKey},
		"jobs": jobNames(), "a job": jobKeys(), "deploy": deployKeys(),
		"metrics": measuringKeys(), "notify": notifyKeys(), "a recipient": recipientKeys(), "a route": routeKeys(),
		"backup": backupKeys(), "a policy": policyKeys(), "a schedule of copies": slotKeys(), "keep": keepKeys(),
	}
}

// belongs is a hint at the key that was meant among the known ones, or at the
// level of the file at which this one is known.
func belongs(key string, known []string) string {
	if text.Nearest(key, known) == "" {
		all := levels()
		for _, level := range slices.Sorted(maps.Keys(all)) {
			if slices.Contains(all[level], key) {
				return "; it belongs to " + level
			}
		}
	}
	return meant(key, known)
}
