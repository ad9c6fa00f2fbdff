package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/stack"
)

// scope is what following the configuration may touch, and what its accounts and
// cost report need besides; without a configuration nil and the defaults. One with
// mistakes is refused: what it would permit may not be what somebody meant. Warnings
// are told.
func (a *app) scope(ctx context.Context) (*stack.Schedules, stack.Costs, error) {
	name := a.configName()
	if name == "" {
		return nil, stack.Costs{CloudWatch: config.DefaultMetrics > 0}, nil
	}
	cfg, err := a.configuration(ctx, nil)
	if err != nil {
		return nil, stack.Costs{}, err
	}
	s := scopeOf(cfg.Rules(), name, cfg.Journal)
	if !a.quiet {
		for _, w := range s.Warnings() {
			fmt.Fprintln(a.Stderr, "warning:", w)
		}
	}
	return s, costsOf(cfg), nil
}

// costsOf is what accounts and the cost report of a configuration need. Of its
// places only those in AWS matter.
func costsOf(cfg *config.Config) stack.Costs {
	inS3 := func(place string) string {
		if strings.HasPrefix(place, "s3://") {
			return place
		}
		return ""
	}
	c := stack.Costs{
		CostExplorer: cfg.Cost.CostExplorer > 0, CloudWatch: cfg.Cost.CloudWatch > 0, Offers: cfg.Cost.Prices != "",
		History: inS3(cfg.Cost.History), PriceCache: inS3(cfg.Cost.Prices), Bill: inS3(cfg.Cost.Bill),
	}
	for _, account := range cfg.Accounts {
		switch {
		case account.Organization != "":
			c.Organization = true
			c.Roles = append(c.Roles, roleIn("*", account.Organization, firstRegion(cfg)))
		case account.Role != "":
			c.Roles = append(c.Roles, account.Role)
		}
	}
	return c
}

// scopeOf is what following rules may touch. Of the names of the configuration
// and of the journal only those in AWS matter.
func scopeOf(rules power.Rules, file, journal string) *stack.Schedules {
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
	if strings.HasPrefix(file, "s3://") || strings.HasPrefix(file, "ssm:") {
		s.Config = file
	}
	if strings.HasPrefix(journal, "s3://") {
		s.Journal = journal
	}
	return s
}
