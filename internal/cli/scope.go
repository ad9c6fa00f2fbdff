package cli

import (
	"context"
	"fmt"
	"strings"

	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/stack"
)

// scope is what following the configuration may touch, and what its accounts and
// cost report need besides; without a configuration nil and the defaults. One with
// mistakes is refused: what it would permit may not be what somebody meant. Warnings
// are told.
func (a *commandLine) scope(ctx context.Context) (*stack.Schedules, stack.Costs, error) {
	name := a.configName()
	if name == "" {
		return nil, stack.Costs{CloudWatch: config.DefaultMetrics > 0}, nil
	}
	read, err := a.openConfig(ctx, true)
	if err == nil && len(read.Errors) > 0 {
		err = read.Errors
	}
	if err != nil {
		return nil, stack.Costs{}, err
	}
	cfg := read.Config
	s := stack.Follow(cfg.Rules(), name, cfg.Journal)
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
			c.Roles = append(c.Roles, fleet.RoleARN{
				Partition: cfg.FirstRegion().Partition(), Account: fleet.AnyAccount, Name: account.Organization,
			})
		case account.Role != "":
			if role, err := fleet.ParseRoleARN(account.Role); err == nil { // the configuration has no errors
				c.Roles = append(c.Roles, role)
			}
		}
	}
	return c
}
