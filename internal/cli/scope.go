package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/stack"
)

// scope is what following the configuration may touch, or nil where there is
// no configuration or it has no rules. A configuration with mistakes is
// refused: what it would permit may not be what somebody meant. Warnings are
// told.
func (a *app) scope(ctx context.Context) (*stack.Schedules, error) {
	name := a.configName()
	if name == "" {
		return nil, nil //nolint:nilnil // no configuration is no error
	}
	cfg, err := a.configuration(ctx, nil)
	if err != nil {
		return nil, err
	}
	if len(cfg.Rules().Rules) == 0 {
		return nil, nil //nolint:nilnil // neither are no rules
	}
	s := scopeOf(cfg.Rules(), name, cfg.Journal)
	if !a.quiet {
		for _, w := range s.Warnings() {
			fmt.Fprintln(a.Stderr, "warning:", w)
		}
	}
	return s, nil
}

// scopeOf is what following rules may touch. Of the names of the configuration
// and of the journal only those in AWS matter.
func scopeOf(rules power.Rules, config, journal string) *stack.Schedules {
	// A configuration with rules for every machine is without mistakes only
	// where it allows them.
	s := &stack.Schedules{Untagged: true}
	for _, r := range rules.Rules {
		if r.Ignore {
			continue
		}
		// Whether an instance may change its type is said by a tag of its own,
		// whatever the rule.
		resize := len(r.Kinds) == 0 || slices.Contains(r.Kinds, fleet.KindInstance)
		s.Rules = append(s.Rules, stack.Bound{Tag: r.Tag, Kinds: r.Kinds, Resize: resize})
	}
	if strings.HasPrefix(config, "s3://") || strings.HasPrefix(config, "ssm:") {
		s.Config = config
	}
	if strings.HasPrefix(journal, "s3://") {
		s.Journal = journal
	}
	return s
}
