package amazon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/pricing/types"
	"golang.org/x/sync/errgroup"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// The limits of GetProducts, as the service's model states them.
const (
	productsPerPage = 100
	filterValueSize = 1024
)

// questionsAtOnce bounds the queries to the price list at one time.
const questionsAtOnce = 4

// Prices is the AWS price list, which is the same for every account.
type Prices struct {
	getProducts operation[pricing.GetProductsInput, pricing.GetProductsOutput]

	mu sync.Mutex
	// anyOf is whether the endpoint understands ANY_OF with comma-separated
	// values. AWS documents the filter but not its separator, so it is found
	// out by the first question whose answer is known.
	anyOf answer
	// down is why the price list could not be read at all. It is not asked
	// again: every try would take as long to fail.
	down error
}

func (p *Prices) understandsAnyOf() answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.anyOf
}

// learn keeps the first answer.
func (p *Prices) learn(a answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.anyOf = cmp.Or(p.anyOf, a)
}

// answer is a question's answer, once it is known.
type answer int

const (
	unknown answer = iota
	yes
	no
)

// broken remembers err if it means that the price list cannot be reached, and
// returns what is known to be wrong, else err.
func (p *Prices) broken(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down == nil && errors.Is(err, fleet.ErrUnavailable) {
		p.down = err
	}
	return cmp.Or(p.down, err)
}

// Prices gives access to the price list. Only three regions serve it; the
// first of them is asked.
func (s *Session) Prices() *Prices {
	client := pricing.NewFromConfig(s.in("us-east-1"))
	return &Prices{getProducts: capture(s, "pricing:GetProducts", client.GetProducts)}
}

// Rates reads all EBS products of a region: storage, IOPS, throughput and
// I/O requests. Every region sells gp2 and gp3, so the answer also tells
// whether ANY_OF works. After an error the answer holds what was read.
func (p *Prices) Rates(ctx context.Context, region fleet.Region) ([]price.Product, error) {
	volumeTypes := []fleet.VolumeType{fleet.GP2, fleet.GP3, fleet.IO1, fleet.IO2, fleet.ST1, fleet.SC1, fleet.Magnetic}
	inRegion := []types.Filter{match("regionCode", string(region)), match("locationType", "AWS Region")}
	if p.understandsAnyOf() != no {
		products, err := p.products(ctx, append(inRegion, anyOf("volumeApiName", texts(volumeTypes))))
		seen := map[string]bool{}
		for _, product := range products {
			seen[product.Attributes["volumeApiName"]] = true
		}
		switch {
		case err == nil && len(seen) > 1:
			p.learn(yes)
			return products, nil
		case err != nil && !errors.Is(err, fleet.ErrInvalid):
			return products, fmt.Errorf("read the EBS prices of %s: %w", region, err)
		}
	}
	var all []price.Product
	for _, t := range volumeTypes {
		products, err := p.products(ctx, append(inRegion[:2:2], match("volumeApiName", string(t))))
		all = append(all, products...)
		if err != nil {
			return all, fmt.Errorf("read the EBS prices of %s: %w", region, err)
		}
	}
	if len(all) > 0 { // else there is no such region, which says nothing about ANY_OF
		p.learn(no)
	}
	return all, nil
}

// Instances reads the products of the keys: every product that matches the
// region, type, tenancy and operation of one of them and is on-demand capacity
// in use. Where ANY_OF works that takes a call for each hundred of products,
// else one for each key. The answer may hold products of combinations that
// were not asked for. After an error it holds what was read.
func (p *Prices) Instances(ctx context.Context, keys []price.InstanceKey) ([]price.Product, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	if p.understandsAnyOf() == unknown {
		if _, err := p.Rates(ctx, keys[0].Region); err != nil {
			return nil, err
		}
	}
	asked := questions(keys, p.understandsAnyOf() == yes)
	answers := make([][]price.Product, len(asked))
	var group errgroup.Group
	group.SetLimit(questionsAtOnce)
	for n, filters := range asked {
		group.Go(func() (err error) {
			answers[n], err = p.products(ctx, filters)
			return err
		})
	}
	err := group.Wait()
	if err != nil {
		err = fmt.Errorf("read the instance prices of %s: %w", keys[0].Region, err)
	}
	return slices.Concat(answers...), err
}

// questions turns keys into queries: without ANY_OF one for each key; with it
// the keys of one region and tenancy go together, either operation by
// operation or all operations at once, whichever takes fewer pages. A list of
// types that is longer than a filter may be makes several queries.
func questions(keys []price.InstanceKey, together bool) [][]types.Filter {
	if !together {
		var out [][]types.Filter
		for _, k := range keys {
			out = append(out, question(k, []string{string(k.Type)}, []string{k.Operation}))
		}
		return out
	}
	pools := map[price.InstanceKey]map[string][]string{} // types by operation
	for _, k := range keys {
		pool := price.InstanceKey{Region: k.Region, Tenancy: k.Tenancy}
		if pools[pool] == nil {
			pools[pool] = map[string][]string{}
		}
		pools[pool][k.Operation] = append(pools[pool][k.Operation], string(k.Type))
	}
	var out [][]types.Filter
	for pool, byOperation := range pools {
		operations := slices.Sorted(maps.Keys(byOperation))
		all := distinct(slices.Concat(slices.Collect(maps.Values(byOperation))...))
		var apart, merged [][]types.Filter
		for _, operation := range operations {
			for _, list := range lists(distinct(byOperation[operation]), filterValueSize) {
				apart = append(apart, question(pool, list, []string{operation}))
			}
		}
		pages := 0
		for _, list := range lists(all, filterValueSize) {
			merged = append(merged, question(pool, list, operations))
			pages += (len(list)*len(operations) + productsPerPage - 1) / productsPerPage
		}
		if pages < len(apart) {
			apart = merged
		}
		out = append(out, apart...)
	}
	return out
}

// question asks for on-demand capacity in use of the given types and
// operations.
func question(pool price.InstanceKey, instanceTypes, operations []string) []types.Filter {
	return []types.Filter{
		match("regionCode", string(pool.Region)),
		match("locationType", "AWS Region"),
		match("tenancy", pool.Tenancy),
		match("capacitystatus", "Used"),
		match("marketoption", "OnDemand"),
		anyOf("instanceType", instanceTypes),
		anyOf("operation", operations),
	}
}

func distinct(names []string) []string { return slices.Compact(slices.Sorted(slices.Values(names))) }

// lists cuts names so that each part, joined by commas, fits into size.
func lists(names []string, size int) [][]string {
	var out [][]string
	used := size + 1
	for _, name := range names {
		if used+len(",")+len(name) > size {
			out = append(out, nil)
			used = -len(",")
		}
		out[len(out)-1] = append(out[len(out)-1], name)
		used += len(",") + len(name)
	}
	return out
}

func match(field, value string) types.Filter {
	return types.Filter{Type: types.FilterTypeTermMatch, Field: aws.String(field), Value: aws.String(value)}
}

// anyOf matches any of the values. A single one needs no ANY_OF.
func anyOf(field string, values []string) types.Filter {
	if len(values) == 1 {
		return match(field, values[0])
	}
	return types.Filter{Type: types.FilterTypeAnyOf, Field: aws.String(field), Value: aws.String(strings.Join(values, ","))}
}

// products reads all pages of one query.
func (p *Prices) products(ctx context.Context, filters []types.Filter) ([]price.Product, error) {
	in := &pricing.GetProductsInput{
		ServiceCode: aws.String("AmazonEC2"), FormatVersion: aws.String("aws_v1"),
		Filters: filters, MaxResults: aws.Int32(productsPerPage),
	}
	var all []price.Product
	for {
		if err := p.broken(nil); err != nil {
			return all, err
		}
		out, err := p.getProducts(ctx, in)
		if err != nil {
			return all, p.broken(err)
		}
		for _, text := range out.PriceList {
			product, err := product(text)
			if err != nil {
				return all, fleet.Errorf(fleet.ErrUnavailable, "pricing:GetProducts: %w", err)
			}
			all = append(all, product)
		}
		if aws.ToString(out.NextToken) == "" {
			return all, nil
		}
		in.NextToken = out.NextToken
	}
}
