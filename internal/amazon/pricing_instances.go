package amazon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/pricing/types"
	"golang.org/x/sync/errgroup"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// typesListed is about how many instance types the list has for one operation
// and tenancy of the largest region: 1,367 in us-east-1 in 2026.
const typesListed = 1400

// Instances reads the products of the keys: every product that matches the
// region, type, tenancy, operation and capacity of one of them and is on
// demand. Keys of Dedicated Hosts, which have no price, are passed over. The
// questions are put together so that they take the fewest calls; the answer may
// hold products that were not asked for. After an error it holds what was read.
func (p *Prices) Instances(ctx context.Context, keys []price.InstanceKey) ([]price.Product, error) {
	keys = slices.DeleteFunc(slices.Clone(keys), price.InstanceKey.HostBilled)
	severalTypes, err := p.severalTypes(ctx, keys)
	if err != nil || severalTypes == unknown {
		return nil, err
	}
	asked := priceQueries(keys, severalTypes == yes)
	answers := make([][]price.Product, len(asked))
	failed := make([]failure, len(asked))
	var group errgroup.Group
	group.SetLimit(questionsAtOnce)
	for n, q := range asked {
		group.Go(func() error {
			failed[n].of = string(q.region)
			answers[n], failed[n].err = p.products(ctx, ec2List, q.filters())
			return nil
		})
	}
	_ = group.Wait()
	return slices.Concat(answers...), byCause(failed, "read the instance prices of %s: %w")
}

// failure is what could not be read, and why.
type failure struct {
	of  string
	err error
}

// byCause joins failures so that each cause is said once, with everything that
// it kept from being read. Where the cause holds for many, so does its text.
func byCause(failed []failure, format string) error {
	var errs []error
	for n, f := range failed {
		same := func(other failure) bool { return other.err != nil && other.err.Error() == f.err.Error() }
		if f.err == nil || slices.ContainsFunc(failed[:n], same) {
			continue
		}
		var of []string
		for _, other := range failed[n:] {
			if same(other) && !slices.Contains(of, other.of) {
				of = append(of, other.of)
			}
		}
		list := of[len(of)-1]
		if len(of) > 1 {
			list = strings.Join(of[:len(of)-1], ", ") + " and " + list
		}
		errs = append(errs, fmt.Errorf(format, list, f.err))
	}
	return errors.Join(errs...)
}

// severalTypes finds out whether one query may be about several types. It is
// unknown where there is nothing to ask: without keys, or where the price list
// has none of their regions.
func (p *Prices) severalTypes(ctx context.Context, keys []price.InstanceKey) (answer, error) {
	if len(keys) == 1 {
		return no, nil
	}
	regions := map[fleet.Region]bool{}
	for _, k := range keys {
		regions[k.Region] = true
	}
	for _, region := range slices.Sorted(maps.Keys(regions)) {
		known, err := p.understandsAnyOf(ctx, region)
		if err != nil {
			return unknown, fmt.Errorf("read the instance prices of %s: %w", region, err)
		}
		if known != unknown {
			return known, nil
		}
	}
	return unknown, nil
}

// priceQuery asks for on-demand prices of one region: of all combinations of its
// types, tenancies and operations. Without types it asks for all of them.
type priceQuery struct {
	region                       fleet.Region
	unused                       bool
	types, tenancies, operations []string
}

func (q priceQuery) filters() []types.Filter {
	out := append(inRegion(q.region),
		match("capacitystatus", price.InstanceKey{Unused: q.unused}.Capacity()),
		match("marketoption", "OnDemand"),
		anyOf("tenancy", q.tenancies),
		anyOf("operation", q.operations),
	)
	if len(q.types) > 0 {
		out = append(out, anyOf("instanceType", q.types))
	}
	return out
}

// calls is how many requests the query takes at most.
func (q priceQuery) calls() int {
	products := max(len(q.types), 1) * len(q.tenancies) * len(q.operations)
	if len(q.types) == 0 {
		products *= typesListed
	}
	return max((products+productsPerPage-1)/productsPerPage, 1)
}

func callsOf(queries []priceQuery) int {
	n := 0
	for _, q := range queries {
		n += q.calls()
	}
	return n
}

// split cuts a query so that each list of types fits into a filter, or asks
// for all types where that takes fewer calls.
func (q priceQuery) split() []priceQuery {
	var parts []priceQuery
	for _, list := range lists(q.types, filterValueSize) {
		part := q
		part.types = list
		parts = append(parts, part)
	}
	return q.orAll(parts)
}

// orAll are the parts of a query, or the one for all types where that takes
// fewer calls.
func (q priceQuery) orAll(parts []priceQuery) []priceQuery {
	all := q
	all.types = nil
	if all.calls() < callsOf(parts) {
		return []priceQuery{all}
	}
	return parts
}

// priceQueries turns keys into queries. Keys of one region, tenancy, operation
// and capacity go together. Where ANY_OF works, so do several tenancies and
// operations: a query for all combinations finds some that nobody asked for,
// but may still take fewer calls than one for each.
func priceQueries(keys []price.InstanceKey, severalTypes bool) []priceQuery {
	atoms := map[price.InstanceKey][]string{} // types by the rest of the key
	for _, k := range keys {
		name := string(k.Type)
		k.Type = ""
		atoms[k] = append(atoms[k], name)
	}
	pools := map[price.InstanceKey][]priceQuery{} // by region and capacity
	for k, names := range atoms {
		pool := price.InstanceKey{Region: k.Region, Unused: k.Unused}
		pools[pool] = append(pools[pool], priceQuery{k.Region, k.Unused, distinct(names), []string{k.Tenancy}, []string{k.Operation}})
	}
	var out []priceQuery
	for _, pool := range pools {
		if severalTypes {
			out = append(out, merged(pool)...)
			continue
		}
		for _, q := range pool {
			var single []priceQuery
			for _, name := range q.types {
				part := q
				part.types = []string{name}
				single = append(single, part)
			}
			out = append(out, q.orAll(single)...)
		}
	}
	return out
}

// merged puts the questions of one region and capacity together so that they
// take the fewest calls. Those about similarly many types go well with each
// other: in that order the cheapest way to cut the row into runs is found, from
// the best ways for its beginnings.
func merged(pool []priceQuery) []priceQuery {
	slices.SortFunc(pool, func(a, b priceQuery) int {
		return cmp.Or(cmp.Compare(len(b.types), len(a.types)), slices.Compare(a.operations, b.operations), slices.Compare(a.tenancies, b.tenancies))
	})
	best := make([][]priceQuery, len(pool)+1) // best[n] asks the first n
	for end := range pool {
		for run, from := pool[end], end; ; from-- {
			candidate := slices.Concat(best[from], run.split())
			if best[end+1] == nil || callsOf(candidate) < callsOf(best[end+1]) {
				best[end+1] = candidate
			}
			if from == 0 {
				break
			}
			run = run.with(pool[from-1])
		}
	}
	return best[len(pool)]
}

// with is a query for all that either asks for.
func (q priceQuery) with(other priceQuery) priceQuery {
	q.types = distinct(slices.Concat(q.types, other.types))
	q.tenancies = distinct(slices.Concat(q.tenancies, other.tenancies))
	q.operations = distinct(slices.Concat(q.operations, other.operations))
	return q
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
