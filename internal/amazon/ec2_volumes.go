package amazon

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"nightshift/internal/fleet"
)

// Volumes yields every volume of the region. An error ends it. EC2 does not
// say which account owns a volume; Target.Account is empty.
func (f *Fleet) Volumes(ctx context.Context) iter.Seq2[fleet.Volume, error] {
	return func(yield func(fleet.Volume, error) bool) {
		in := &ec2.DescribeVolumesInput{MaxResults: aws.Int32(volumesPerPage)}
		for {
			out, err := f.describeVolumes(ctx, in)
			if err != nil {
				yield(fleet.Volume{}, err)
				return
			}
			for _, v := range out.Volumes {
				if !yield(volume(f.region, v), nil) {
					return
				}
			}
			if aws.ToString(out.NextToken) == "" {
				return
			}
			in.NextToken = out.NextToken
		}
	}
}

// Types describes the named instance types. Types that EC2 does not know are
// absent from the answer. After an error the answer holds what was read.
func (f *Fleet) Types(ctx context.Context, names []fleet.InstanceType) (map[fleet.InstanceType]fleet.TypeInfo, error) {
	known := make(map[fleet.InstanceType]fleet.TypeInfo, len(names))
	for chunk := range slices.Chunk(names, typesPerPage) {
		in := &ec2.DescribeInstanceTypesInput{
			MaxResults: aws.Int32(typesPerPage),
			Filters:    []types.Filter{{Name: aws.String("instance-type"), Values: texts(chunk)}},
		}
		for {
			out, err := f.describeInstanceTypes(ctx, in)
			if err != nil {
				return known, err
			}
			for _, t := range out.InstanceTypes {
				info := typeInfo(t)
				known[info.Type] = info
			}
			if aws.ToString(out.NextToken) == "" {
				break
			}
			in.NextToken = out.NextToken
		}
	}
	return known, nil
}

// Account asks AWS whose credentials these are.
func (s *Session) Account(ctx context.Context) (fleet.Account, error) {
	out, err := s.identity()(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", err
	}
	return fleet.Account(aws.ToString(out.Account)), nil
}

func (s *Session) identity() operation[sts.GetCallerIdentityInput, sts.GetCallerIdentityOutput] {
	return capture(s, "sts:GetCallerIdentity", sts.NewFromConfig(s.in(s.Region())).GetCallerIdentity)
}

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
