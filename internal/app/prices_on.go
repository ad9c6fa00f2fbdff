package app

import (
	"context"
	"fmt"
	"time"

	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// quotesOn looks prices up in the offer files of a day, one a region: those of
// instances and of what else the offer of EC2 has.
func (s *Session) quotesOn(ctx context.Context, all []*cost.Price, day time.Time) (map[int]price.Quote, error) {
	quotes := map[int]price.Quote{}
	byRegion := map[fleet.Region][]int{}
	for n, p := range all {
		byRegion[p.Region] = append(byRegion[p.Region], n)
	}
	for region, listed := range byRegion {
		offer, err := s.pricesOn(ctx, region, day)
		if err != nil {
			return nil, err
		}
		var keys []price.InstanceKey
		for _, n := range listed {
			if key, ok := instanceKey(all[n]); ok {
				keys = append(keys, key)
			}
		}
		products, err := offer.Instances(ctx, keys)
		if err != nil {
			return nil, fmt.Errorf("prices of %s in %s: %w", day.Format(time.DateOnly), region, err)
		}
		others, err := offer.Rates(ctx, region)
		if err != nil {
			return nil, fmt.Errorf("prices of %s in %s: %w", day.Format(time.DateOnly), region, err)
		}
		rates, index := price.PickRates(others, region), price.NewIndex(products)
		for _, n := range listed {
			if key, ok := instanceKey(all[n]); ok {
				quotes[n] = index.Pick(key)
			} else if all[n].Kind != "spot" {
				quotes[n] = rates.Quote(all[n].Item)
			}
		}
	}
	return quotes, nil
}

// instanceKey is the key of a price that is an instance's, used or reserved.
func instanceKey(p *cost.Price) (price.InstanceKey, bool) {
	key := price.InstanceKey{
		Region: p.Region, Type: fleet.InstanceType(p.Item), Tenancy: p.Tenancy, Operation: p.Operation,
		Unused: p.Kind == string(cost.ReservationLine),
	}
	return key, p.Operation != "" && p.Kind != "spot" && !key.HostBilled()
}
