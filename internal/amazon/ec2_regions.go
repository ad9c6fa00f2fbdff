package amazon

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"nightshift/internal/fleet"
)

// Regions lists the regions that are enabled for the account, asking the EC2
// of the given region.
func (s *Session) Regions(ctx context.Context, from fleet.Region) ([]fleet.Region, error) {
	out, err := s.regions(from)(ctx, &ec2.DescribeRegionsInput{})
	if err != nil {
		return nil, fmt.Errorf("list the regions: %w", err)
	}
	var regions []fleet.Region
	for _, r := range out.Regions {
		regions = append(regions, fleet.Region(aws.ToString(r.RegionName)))
	}
	slices.Sort(regions)
	return regions, nil
}

func (s *Session) regions(from fleet.Region) operation[ec2.DescribeRegionsInput, ec2.DescribeRegionsOutput] {
	return capture(s, "ec2:DescribeRegions", ec2.NewFromConfig(s.in(from)).DescribeRegions)
}
