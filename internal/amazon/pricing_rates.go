package amazon

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/pricing/types"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// ratePart is a part of a region's rates that one query finds.
type ratePart struct {
	what string // in errors: "read the … prices of ap-northeast-2"
	list string // service code
	// usage is what the usage types of the part contain. The region's prefix,
	// which is in front of it, follows no rule.
	usage string
	// families are the product families of the part, for where CONTAINS does
	// not work. Products of public IPv4 addresses have none.
	families []string
}

func rateParts() []ratePart {
	return []ratePart{
		{"EBS", ec2List, "EBS:", []string{"Storage", "System Operation", "Provisioned Throughput", "Storage Snapshot"}},
		{"Dedicated Host", ec2List, "HostUsage:", []string{"Dedicated Host"}},
		{"CPU credit", ec2List, "CPUCredits:", []string{"CPU Credits"}},
		{"public IPv4 address", "AmazonVPC", "PublicIPv4:", nil},
		{"CloudWatch metric", "AmazonCloudWatch", price.Metric, []string{"Metric"}},
	}
}

// Rates reads the products of a region that are billed by a dimension of
// price.Rates: volumes and snapshots, Dedicated Hosts, CPU credits, public IPv4
// addresses, and metrics. That takes a call for each of the five and hundred of
// products. A part that cannot be read does not hold up the others; the error
// names it. A region that the price list does not have has no products.
func (p *Prices) Rates(ctx context.Context, region fleet.Region) ([]price.Product, error) {
	parts := rateParts()
	found := make([][]price.Product, len(parts))
	failed := make([]failure, len(parts))
	read := func(n int) {
		failed[n].of = parts[n].what
		found[n], failed[n].err = p.rates(ctx, parts[n], region)
	}
	read(0) // every region has it: it shows whether CONTAINS works
	var group sync.WaitGroup
	for n := range parts[1:] {
		group.Go(func() { read(1 + n) })
	}
	group.Wait()
	return slices.Concat(found...), byCause(failed, "read the %s prices of "+string(region)+": %w")
}

// rates reads one part: by what its usage types contain or, where that finds
// nothing, family by family.
func (p *Prices) rates(ctx context.Context, part ratePart, region fleet.Region) ([]price.Product, error) {
	if p.is(&p.contains) != no {
		products, err := p.products(ctx, part.list, append(inRegion(region), contains("usagetype", part.usage)))
		if err == nil && len(products) > 0 {
			p.learn(&p.contains, yes)
		}
		if err == nil && p.is(&p.contains) == yes || err != nil && !errors.Is(err, fleet.ErrInvalid) {
			return products, err
		}
	}
	questions := [][]types.Filter{inRegion(region)}
	if len(part.families) > 0 {
		questions = nil
		for _, family := range part.families {
			questions = append(questions, append(inRegion(region), match("productFamily", family)))
		}
	}
	var all []price.Product
	for _, filters := range questions {
		products, err := p.products(ctx, part.list, filters)
		all = append(all, products...)
		if err != nil {
			return all, err
		}
	}
	if len(all) > 0 && len(part.families) > 0 {
		p.learn(&p.contains, no)
	}
	return all, nil
}
