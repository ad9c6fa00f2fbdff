package amazon

import (
	"context"
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

const (
	// typesPerHistory bounds the types that one request for spot prices names.
	typesPerHistory   = 100
	spotPricesPerPage = 1000 // the largest page that EC2 allows
)

// spot is the market of Spot Instances of a region.
type spot struct {
	describePrices operation[ec2.DescribeSpotPriceHistoryInput, ec2.DescribeSpotPriceHistoryOutput]
}

func newSpot(s *Session, client *ec2.Client) spot {
	return spot{capture(s, "ec2:DescribeSpotPriceHistory", client.DescribeSpotPriceHistory)}
}

// SpotPrices reads the spot price history of the types and products, such as
// "Linux/UNIX", from an instant on, with the price that was in force then: EC2
// gives the last change before the start as well, and keeps 90 days. A price
// that is not a decimal number of dollars is left out. The rows come in EC2's
// order; after an error they are those that were read.
func (s spot) SpotPrices(
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
	next := func(out *ec2.DescribeSpotPriceHistoryOutput) *string { return out.NextToken }
	seen := map[price.SpotPrice]bool{} // the same row in both spellings
	for chunk := range slices.Chunk(distinct(toStrings(names)), typesPerHistory) {
		in := &ec2.DescribeSpotPriceHistoryInput{
			ProductDescriptions: distinct(descriptions), StartTime: aws.Time(since), MaxResults: aws.Int32(spotPricesPerPage),
		}
		for _, name := range chunk {
			in.InstanceTypes = append(in.InstanceTypes, types.InstanceType(name))
		}
		for out, err := range pages(ctx, s.describePrices, in, &in.NextToken, next) {
			if err != nil {
				return rows, err
			}
			for _, p := range out.SpotPriceHistory {
				if row, ok := spotPrice(p); ok && !seen[row] {
					seen[row] = true
					rows = append(rows, row)
				}
			}
		}
	}
	return rows, nil
}

func spotPrice(p types.SpotPrice) (price.SpotPrice, bool) {
	usd, err := price.ParseUSD(aws.ToString(p.SpotPrice))
	return price.SpotPrice{
		Type:    fleet.InstanceType(intern(string(p.InstanceType))),
		Zone:    fleet.Zone(intern(aws.ToString(p.AvailabilityZone))),
		Product: intern(strings.TrimSuffix(string(p.ProductDescription), inVPC)),
		USD:     usd,
		At:      timeOf(p.Timestamp),
	}, err == nil
}
