package amazon

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/pricing/types"

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

// ec2List is the code of the price list of EC2 and EBS.
const ec2List = "AmazonEC2"

// Prices is the AWS price list, which is the same for every account. It is safe
// for concurrent use.
type Prices struct {
	getProducts    operation[pricing.GetProductsInput, pricing.GetProductsOutput]
	listPriceLists operation[pricing.ListPriceListsInput, pricing.ListPriceListsOutput]
	getFileURL     operation[pricing.GetPriceListFileUrlInput, pricing.GetPriceListFileUrlOutput]
	client         aws.HTTPClient // for the files

	// probing is held while it is found out whether ANY_OF is understood, so
	// that this is asked once.
	probing sync.Mutex
	mu      sync.Mutex
	// anyOf is whether the endpoint understands ANY_OF with comma-separated
	// values. AWS documents the filter but not its separator, so it is found
	// out by a question whose answer is known.
	anyOf answer
	// contains is whether it understands CONTAINS, which is younger than
	// TERM_MATCH, too.
	contains answer
	// outage is why the price list could not be reached, and it is not asked
	// before the time is over: every try would take as long to fail.
	outage      error
	outageUntil time.Time
	now         func() time.Time
}

// outageTime is for how long a price list that could not be reached is not asked
// again.
const outageTime = 5 * time.Minute

// answer is a question's answer, once it is known.
type answer int

const (
	unknown answer = iota
	yes
	no
)

// Prices gives access to the price list. Only three regions serve it; the
// first of them is asked.
func (s *Session) Prices() *Prices {
	client := pricing.NewFromConfig(s.in("us-east-1"))
	now := s.now
	if now == nil {
		now = time.Now //nolint:forbidigo // the session was given no clock
	}
	return &Prices{
		getProducts:    capture(s, "pricing:GetProducts", client.GetProducts),
		listPriceLists: capture(s, "pricing:ListPriceLists", client.ListPriceLists),
		getFileURL:     capture(s, "pricing:GetPriceListFileUrl", client.GetPriceListFileUrl),
		client:         s.config.HTTPClient,
		now:            now,
	}
}

// is reads what is known about a filter.
func (p *Prices) is(known *answer) answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	return *known
}

// learn keeps the first answer about a filter.
func (p *Prices) learn(about *answer, a answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*about = cmp.Or(*about, a)
}

// ask sends one question, unless the price list could not be reached a short
// while ago: then it returns why not.
func (p *Prices) ask(ctx context.Context, in *pricing.GetProductsInput) (*pricing.GetProductsOutput, error) {
	if err := p.down(nil); err != nil {
		return nil, err
	}
	out, err := p.getProducts(ctx, in)
	if err != nil {
		return nil, p.down(err)
	}
	return out, nil
}

// down begins an outage where err means that the price list cannot be reached.
// It returns why there is an outage, else err.
func (p *Prices) down(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.outage != nil && !p.now().Before(p.outageUntil) {
		p.outage = nil
	}
	if p.outage == nil && errors.Is(err, fleet.ErrUnavailable) {
		p.outage, p.outageUntil = err, p.now().Add(outageTime)
	}
	return cmp.Or(p.outage, err)
}

// understandsAnyOf finds out whether ANY_OF works, with a question about the
// volume types that every region sells. It stays unknown in a region without
// prices.
func (p *Prices) understandsAnyOf(ctx context.Context, region fleet.Region) (answer, error) {
	p.probing.Lock()
	defer p.probing.Unlock()
	if known := p.is(&p.anyOf); known != unknown {
		return known, nil
	}
	sold := []string{string(fleet.GP2), string(fleet.GP3)}
	both, err := p.products(ctx, ec2List, append(inRegion(region), anyOf("volumeApiName", sold)))
	if err != nil && !errors.Is(err, fleet.ErrInvalid) {
		return unknown, err
	}
	found := unknown
	for _, name := range sold {
		if slices.ContainsFunc(both, func(p price.Product) bool { return p.Attributes["volumeApiName"] == name }) {
			found = cmp.Or(found, yes)
			continue
		}
		alone, err := p.products(ctx, ec2List, append(inRegion(region), match("volumeApiName", name)))
		if err != nil {
			return unknown, err
		}
		if len(alone) > 0 {
			found = no
			break
		}
	}
	p.learn(&p.anyOf, found)
	return found, nil
}

func inRegion(region fleet.Region) []types.Filter {
	return []types.Filter{match("regionCode", string(region)), match("locationType", "AWS Region")}
}

func match(field, value string) types.Filter {
	return types.Filter{Type: types.FilterTypeTermMatch, Field: aws.String(field), Value: aws.String(value)}
}

func contains(field, value string) types.Filter {
	return types.Filter{Type: types.FilterTypeContains, Field: aws.String(field), Value: aws.String(value)}
}

// anyOf matches any of the values. A single one needs no ANY_OF.
func anyOf(field string, values []string) types.Filter {
	if len(values) == 1 {
		return match(field, values[0])
	}
	return types.Filter{Type: types.FilterTypeAnyOf, Field: aws.String(field), Value: aws.String(strings.Join(values, ","))}
}

// products reads all pages of one query to the list of a service. After an
// error the answer holds what was read.
func (p *Prices) products(ctx context.Context, list string, filters []types.Filter) ([]price.Product, error) {
	in := &pricing.GetProductsInput{
		ServiceCode: aws.String(list), FormatVersion: aws.String("aws_v1"),
		Filters: filters, MaxResults: aws.Int32(productsPerPage),
	}
	var all []price.Product
	next := func(out *pricing.GetProductsOutput) *string { return out.NextToken }
	for out, err := range pages(ctx, p.ask, in, &in.NextToken, next) {
		if err != nil {
			return all, err
		}
		for _, text := range out.PriceList {
			product, err := product(text)
			if err != nil {
				return all, fleet.Errorf(fleet.ErrUnavailable, "pricing:GetProducts: %w", err)
			}
			all = append(all, product)
		}
	}
	return all, nil
}
