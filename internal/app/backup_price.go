package app

import (
	"context"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// PolicyCost is what a policy costs in an account and region where it has no copies yet.
type PolicyCost struct {
	Policy backup.PolicyID
	// Volumes is how many it would copy.
	Volumes int
	// First is the first month, Steady one in which it has all copies that it keeps.
	First, Steady backup.Bounds
}

// backupRates are the prices of a region for what the deletions of a plan free.
func (s *Session) backupRates(ctx context.Context, region fleet.Region) (price.Rates, error) {
	c, err := s.costSettings(CostInput{ReadPrices: true})
	if err != nil {
		return price.Rates{}, err
	}
	list, err := s.prices(ctx, c)
	if err != nil {
		return price.Rates{}, err
	}
	products, err := list.Rates(ctx, region)
	if err != nil {
		return price.Rates{}, err
	}
	return price.PickRates(products, region), nil
}

// newPolicyCosts are the costs of the policies that have no copies yet, in their order.
func newPolicyCosts(settings backup.Settings, plan backup.Plan, inv backup.Inventory, rates price.Rates) []PolicyCost {
	started := map[backup.PolicyID]bool{}
	for n := range plan.Deletes {
		started[plan.Deletes[n].Set.Chain.Policy] = true
	}
	volumes := map[fleet.VolumeID]*fleet.Volume{}
	for n := range inv.Volumes {
		volumes[inv.Volumes[n].ID] = &inv.Volumes[n]
	}
	full := map[fleet.VolumeID]int64{}
	for n := range inv.Snapshots {
		s := &inv.Snapshots[n]
		full[s.Volume] = max(full[s.Volume], s.FullBytes)
	}
	var costs []PolicyCost
	for _, p := range settings.Policies {
		if started[p.ID] || p.Err != nil {
			continue
		}
		var copied []fleet.Volume
		for n := range plan.Creates {
			c := &plan.Creates[n]
			if c.Policy != p.ID {
				continue
			}
			for _, id := range c.Volumes {
				if v := volumes[id]; v != nil {
					copied = append(copied, *v)
				}
			}
		}
		if len(copied) == 0 {
			continue
		}
		cost := PolicyCost{Policy: p.ID, Volumes: len(copied)}
		cost.First, cost.Steady = p.Cost(copied, full, rates, inv.At)
		costs = append(costs, cost)
	}
	return costs
}
