package amazon

import (
	"context"
	"iter"
	"log/slog"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/fleet"
)

// Sizes of the pages that are asked for: the largest that EC2 allows.
const (
	instancesPerPage = 1000
	volumesPerPage   = 1000
	typesPerPage     = 100
	valuesPerFilter  = 200

	snapshotsPerPage    = 1000
	hostsPerPage        = 500
	reservationsPerPage = 1000
	spotPricesPerPage   = 1000
)

// Fleet is the EC2 of one account and region. Its methods read all pages.
type Fleet struct {
	region fleet.Region
	limits *limits
	log    *slog.Logger

	describeInstances     operation[ec2.DescribeInstancesInput, ec2.DescribeInstancesOutput]
	describeVolumes       operation[ec2.DescribeVolumesInput, ec2.DescribeVolumesOutput]
	describeInstanceTypes operation[ec2.DescribeInstanceTypesInput, ec2.DescribeInstanceTypesOutput]
	describeSpotRequests  operation[ec2.DescribeSpotInstanceRequestsInput, ec2.DescribeSpotInstanceRequestsOutput]
	describeStatus        operation[ec2.DescribeInstanceStatusInput, ec2.DescribeInstanceStatusOutput]
	createTags            operation[ec2.CreateTagsInput, ec2.CreateTagsOutput]
	modifyAttribute       operation[ec2.ModifyInstanceAttributeInput, ec2.ModifyInstanceAttributeOutput]
	startInstances        operation[ec2.StartInstancesInput, ec2.StartInstancesOutput]
	stopInstances         operation[ec2.StopInstancesInput, ec2.StopInstancesOutput]

	describeSnapshots    operation[ec2.DescribeSnapshotsInput, ec2.DescribeSnapshotsOutput]
	describeAddresses    operation[ec2.DescribeAddressesInput, ec2.DescribeAddressesOutput]
	describeHosts        operation[ec2.DescribeHostsInput, ec2.DescribeHostsOutput]
	describeReservations operation[ec2.DescribeCapacityReservationsInput, ec2.DescribeCapacityReservationsOutput]
	describeSpotPrices   operation[ec2.DescribeSpotPriceHistoryInput, ec2.DescribeSpotPriceHistoryOutput]
	describeCredits      operation[ec2.DescribeInstanceCreditSpecificationsInput, ec2.DescribeInstanceCreditSpecificationsOutput]
}

// Fleet gives access to the EC2 of a region.
func (s *Session) Fleet(region fleet.Region) *Fleet {
	client := ec2.NewFromConfig(s.in(region))
	return &Fleet{
		region:                region,
		limits:                s.limitsOf(region),
		log:                   s.log,
		describeInstances:     capture(s, "ec2:DescribeInstances", client.DescribeInstances),
		describeVolumes:       capture(s, "ec2:DescribeVolumes", client.DescribeVolumes),
		describeInstanceTypes: capture(s, "ec2:DescribeInstanceTypes", client.DescribeInstanceTypes),
		describeSpotRequests:  capture(s, "ec2:DescribeSpotInstanceRequests", client.DescribeSpotInstanceRequests),
		describeStatus:        capture(s, "ec2:DescribeInstanceStatus", client.DescribeInstanceStatus),
		createTags:            capture(s, "ec2:CreateTags", client.CreateTags),
		modifyAttribute:       capture(s, "ec2:ModifyInstanceAttribute", client.ModifyInstanceAttribute),
		startInstances:        capture(s, "ec2:StartInstances", client.StartInstances),
		stopInstances:         capture(s, "ec2:StopInstances", client.StopInstances),

		describeSnapshots:    capture(s, "ec2:DescribeSnapshots", client.DescribeSnapshots),
		describeAddresses:    capture(s, "ec2:DescribeAddresses", client.DescribeAddresses),
		describeHosts:        capture(s, "ec2:DescribeHosts", client.DescribeHosts),
		describeReservations: capture(s, "ec2:DescribeCapacityReservations", client.DescribeCapacityReservations),
		describeSpotPrices:   capture(s, "ec2:DescribeSpotPriceHistory", client.DescribeSpotPriceHistory),
		describeCredits:      capture(s, "ec2:DescribeInstanceCreditSpecifications", client.DescribeInstanceCreditSpecifications),
	}
}

// Instances yields every instance of the region. An error ends it.
func (f *Fleet) Instances(ctx context.Context) iter.Seq2[fleet.Instance, error] {
	return func(yield func(fleet.Instance, error) bool) {
		for page, err := range f.pages(ctx, fleet.Selector{}) {
			if err != nil {
				yield(fleet.Instance{}, err)
				return
			}
			for _, i := range page {
				if !yield(instance(i.target, i.Instance), nil) {
					return
				}
			}
		}
	}
}

// found is an instance together with the account and region that it is in.
type found struct {
	target fleet.Target
	types.Instance
}

// pages yields the instances that EC2 finds for a selector, page by page.
func (f *Fleet) pages(ctx context.Context, sel fleet.Selector) iter.Seq2[[]found, error] {
	return func(yield func([]found, error) bool) {
		in := &ec2.DescribeInstancesInput{MaxResults: aws.Int32(instancesPerPage), Filters: filters(sel)}
		for {
			out, err := f.describeInstances(ctx, in)
			if err != nil {
				yield(nil, err)
				return
			}
			var page []found
			for _, r := range out.Reservations {
				target := fleet.Target{Account: fleet.Account(aws.ToString(r.OwnerId)), Region: f.region}
				for _, i := range r.Instances {
					page = append(page, found{target, i})
				}
			}
			if !yield(page, nil) || aws.ToString(out.NextToken) == "" {
				return
			}
			in.NextToken = out.NextToken
		}
	}
}

// filters translates a selector. EC2 reads *, ? and \ in values as wildcards
// and escapes, and emulators differ in it: a tag with such a value is found by
// its key (one with such a key not by a filter at all), and compared here.
func filters(sel fleet.Selector) []types.Filter {
	var out []types.Filter
	if len(sel.Keys) > 0 && len(sel.Keys) <= valuesPerFilter && !strings.ContainsAny(strings.Join(sel.Keys, ""), `*?\`) {
		out = append(out, types.Filter{Name: aws.String("tag-key"), Values: sel.Keys})
	}
	switch {
	case sel.Tag.Key == "" || strings.Contains(sel.Tag.Key, `\`):
	case sel.Tag.Value == "" || strings.ContainsAny(sel.Tag.Value, `*?\`):
		out = append(out, types.Filter{Name: aws.String("tag-key"), Values: []string{sel.Tag.Key}})
	default:
		out = append(out, types.Filter{Name: aws.String("tag:" + sel.Tag.Key), Values: []string{sel.Tag.Value}})
	}
	if len(sel.IDs) > 0 {
		out = append(out, types.Filter{Name: aws.String("instance-id"), Values: texts(sel.IDs)})
	}
	return out
}
