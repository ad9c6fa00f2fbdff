package pricelist_test

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// shop is a price list with prices that can be changed. It counts what it is
// asked.
type shop struct {
	mu        sync.Mutex
	instances map[price.InstanceKey]string // USD per hour
	rates     map[string]string            // USD by usage type
	published time.Time
	slow      time.Duration
	// gone are keys and usage types that cannot be read; down, that nothing can.
	gone map[any]bool
	down error

	calls int
	asked []price.InstanceKey
}

func newShop() *shop {
	return &shop{
		published: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC),
		instances: map[price.InstanceKey]string{key("m5.large"): "0.118", key("m5.xlarge"): "0.236", windows("m5.large"): "0.21"},
		rates:     map[string]string{"APN2-EBS:VolumeUsage.gp3": "0.0912", "APN2-EBS:SnapshotUsage": "0.05", "APN2-PublicIPv4:InUseAddress": "0.005"},
		gone:      map[any]bool{},
	}
}

func key(kind fleet.InstanceType) price.InstanceKey {
	return price.InstanceKey{Region: seoul, Type: kind, Tenancy: "Shared", Operation: "RunInstances"}
}

func windows(kind fleet.InstanceType) price.InstanceKey {
	k := key(kind)
	k.Operation = "RunInstances:0002"
	return k
}

var errDown = errors.New("the price list is closed for repairs")

func (s *shop) ask(ctx context.Context) error {
	s.mu.Lock()
	slow := s.slow
	s.calls++
	s.mu.Unlock()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(slow):
		return nil
	}
}

func (s *shop) product(usagetype, unit, usd string, region fleet.Region, more map[string]string) price.Product {
	amount, err := price.ParseUSD(usd)
	if err != nil {
		panic(err)
	}
	p := price.Product{
		SKU: "SKU-" + usagetype + more["operation"], Family: "Family", Version: s.published.Format("20060102150405"), Published: s.published,
		Attributes: map[string]string{"regionCode": string(region), "locationType": "AWS Region", "usagetype": usagetype, "vcpu": "2"},
		Rates:      []price.Rate{{Code: "code", Unit: unit, USD: amount, Begin: "0", End: "Inf", Effective: s.published, Description: "a price"}},
	}
	maps.Copy(p.Attributes, more)
	return p
}

func (s *shop) Instances(ctx context.Context, keys []price.InstanceKey) ([]price.Product, error) {
	if err := s.ask(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, keys...)
	if s.down != nil {
		return nil, s.down
	}
	var all []price.Product
	var err error
	for _, k := range keys {
		if s.gone[k] {
			err = errDown
		} else if usd, ok := s.instances[k]; ok {
			all = append(all, s.product("APN2-BoxUsage:"+string(k.Type), "Hrs", usd, k.Region, map[string]string{
				"instanceType": string(k.Type), "tenancy": k.Tenancy, "operation": k.Operation, "capacitystatus": k.Capacity(), "marketoption": "OnDemand",
			}))
		}
	}
	return all, err
}

func (s *shop) Rates(ctx context.Context, region fleet.Region) ([]price.Product, error) {
	if err := s.ask(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down != nil {
		return nil, s.down
	}
	var all []price.Product
	var err error
	for usagetype, usd := range s.rates {
		if s.gone[usagetype] {
			err = errDown
		} else {
			all = append(all, s.product(usagetype, "GB-Mo", usd, region, nil))
		}
	}
	slices.SortFunc(all, func(a, b price.Product) int { return cmp.Compare(a.SKU, b.SKU) })
	return all, err
}

// took is how many calls were made since it was last asked.
func (s *shop) took() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.calls
	s.calls, s.asked = 0, nil
	return n
}
