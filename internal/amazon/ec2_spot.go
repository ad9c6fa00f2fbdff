package amazon

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// inVPC ends the product descriptions of Spot Instances in a VPC, which all of
// them are today. The answer may have the descriptions with or without it.
const inVPC = " (Amazon VPC)"

// typesPerHistory bounds the types that one request for spot prices names.
const typesPerHistory = 100

// SpotPrices reads the spot price history of the types and products, such as
// "Linux/UNIX", from an instant on, with the price that was in force then: EC2
// gives the last change before the start as well, and keeps 90 days. A price
// that is no decimal number of dollars is left out. The rows come in EC2's
// order; after an error they are those that were read.
func (f *Fleet) SpotPrices(
	ctx context.Context, names []fleet.InstanceType, products []string, since time.Time,
) ([]price.SpotPrice, error) {
	if len(products) == 0 {
		return nil, nil // no product would mean all of them
	}
	var descriptions []string
	for _, p := range products {
		plain := strings.TrimSuffix(p, inVPC)
		descriptions = append(descriptions, plain, plain+inVPC)
	}
	var rows []price.SpotPrice
	seen := map[price.SpotPrice]bool{} // the same row in both spellings
	for chunk := range slices.Chunk(distinct(texts(names)), typesPerHistory) {
		in := &ec2.DescribeSpotPriceHistoryInput{
			ProductDescriptions: distinct(descriptions), StartTime: aws.Time(since), MaxResults: aws.Int32(spotPricesPerPage),
		}
		for _, name := range chunk {
			in.InstanceTypes = append(in.InstanceTypes, types.InstanceType(name))
		}
		for {
			out, err := f.describeSpotPrices(ctx, in)
			if err != nil {
				return rows, err
			}
			for _, p := range out.SpotPriceHistory {
				if row, ok := spotPrice(p); ok && !seen[row] {
					seen[row] = true
					rows = append(rows, row)
				}
			}
			if aws.ToString(out.NextToken) == "" {
				break
			}
			in.NextToken = out.NextToken
		}
	}
	return rows, nil
}

func spotPrice(p types.SpotPrice) (price.SpotPrice, bool) {
	usd, err := price.ParseUSD(aws.ToString(p.SpotPrice))
	return price.SpotPrice{
		Type:    fleet.InstanceType(shared(string(p.InstanceType))),
		Zone:    fleet.Zone(shared(aws.ToString(p.AvailabilityZone))),
		Product: shared(strings.TrimSuffix(string(p.ProductDescription), inVPC)),
		USD:     usd,
		At:      timeOf(p.Timestamp),
	}, err == nil
}

const (
	// creditsPerCall is the largest number of instances whose credit option EC2
	// gives at once.
	creditsPerCall = 1000
	// creditRefusals bounds the requests that are refused before it is taken
	// that all would be.
	creditRefusals = 100
)

// Unlimited tells of burstable instances whether they run in unlimited mode,
// in which surplus CPU credits are paid for. EC2 refuses a request with an
// instance that is gone, or of a type without credits: such ones are taken out,
// by name where the refusal names them and else by halving, and are absent from
// the answer. After an error the answer holds what was read.
func (f *Fleet) Unlimited(ctx context.Context, ids []fleet.ResourceID) (map[fleet.ResourceID]bool, error) {
	known := make(map[fleet.ResourceID]bool, len(ids))
	left := creditRefusals
	open := slices.Collect(slices.Chunk(ids, creditsPerCall))
	for len(open) > 0 {
		batch := open[len(open)-1]
		open = open[:len(open)-1]
		out, err := f.describeCredits(ctx, &ec2.DescribeInstanceCreditSpecificationsInput{InstanceIds: texts(batch)})
		if err == nil {
			for _, c := range out.InstanceCreditSpecifications {
				known[fleet.ResourceID(aws.ToString(c.InstanceId))] = aws.ToString(c.CpuCredits) == "unlimited"
			}
			continue
		}
		refusal, ok := errors.AsType[*fleet.Refusal](err)
		if left--; !ok || left < 0 || !aboutInstances(refusal) {
			return known, err
		}
		rest := slices.DeleteFunc(slices.Clone(batch), func(id fleet.ResourceID) bool { return slices.Contains(refusal.IDs, id) })
		switch {
		case len(rest) == 0, len(batch) == 1:
		case len(rest) < len(batch):
			open = append(open, rest)
		default:
			open = append(open, batch[:len(batch)/2], batch[len(batch)/2:])
		}
	}
	return known, nil
}

// aboutInstances is true where a refusal is for what was asked about, not for
// who asked or how often.
func aboutInstances(r *fleet.Refusal) bool {
	return slices.ContainsFunc(
		[]error{fleet.ErrNotFound, fleet.ErrInvalid, fleet.ErrUnsupported, fleet.ErrConflict},
		func(kind error) bool { return errors.Is(r, kind) },
	)
}
