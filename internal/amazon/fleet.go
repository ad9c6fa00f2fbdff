package amazon

import (
	"context"
	"errors"
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
)

// Fleet is the EC2 of one account and region. Its methods read all pages.
type Fleet struct {
	region fleet.Region
	quotas *quotas
	log    *slog.Logger

	describeInstances     operation[ec2.DescribeInstancesInput, ec2.DescribeInstancesOutput]
	describeVolumes       operation[ec2.DescribeVolumesInput, ec2.DescribeVolumesOutput]
	describeInstanceTypes operation[ec2.DescribeInstanceTypesInput, ec2.DescribeInstanceTypesOutput]
	describeSpotRequests  operation[ec2.DescribeSpotInstanceRequestsInput, ec2.DescribeSpotInstanceRequestsOutput]
	startInstances        operation[ec2.StartInstancesInput, ec2.StartInstancesOutput]
	stopInstances         operation[ec2.StopInstancesInput, ec2.StopInstancesOutput]
}

// Fleet gives access to the EC2 of a region.
func (s *Session) Fleet(region fleet.Region) *Fleet {
	client := ec2.NewFromConfig(s.in(region))
	return &Fleet{
		region:                region,
		quotas:                s.quota(region),
		log:                   s.log,
		describeInstances:     capture(s, "ec2:DescribeInstances", client.DescribeInstances),
		describeVolumes:       capture(s, "ec2:DescribeVolumes", client.DescribeVolumes),
		describeInstanceTypes: capture(s, "ec2:DescribeInstanceTypes", client.DescribeInstanceTypes),
		describeSpotRequests:  capture(s, "ec2:DescribeSpotInstanceRequests", client.DescribeSpotInstanceRequests),
		startInstances:        capture(s, "ec2:StartInstances", client.StartInstances),
		stopInstances:         capture(s, "ec2:StopInstances", client.StopInstances),
	}
}

// Instances yields every instance of the region. An error ends it.
func (f *Fleet) Instances(ctx context.Context) iter.Seq2[fleet.Instance, error] {
	return f.instances(ctx, fleet.Selector{}, func(context.Context, []fleet.Instance) error { return nil })
}

// Machines yields the chosen instances, and looks up for Spot Instances
// whether their request is persistent. At most 200 ids can be chosen at once.
// An error ends it.
func (f *Fleet) Machines(ctx context.Context, sel fleet.Selector) iter.Seq2[fleet.Instance, error] {
	return f.instances(ctx, sel, f.resolveSpot)
}

// instances yields the chosen instances page by page; complete may add to each
// page what DescribeInstances does not tell.
func (f *Fleet) instances(
	ctx context.Context, sel fleet.Selector, complete func(context.Context, []fleet.Instance) error,
) iter.Seq2[fleet.Instance, error] {
	return func(yield func(fleet.Instance, error) bool) {
		in := &ec2.DescribeInstancesInput{MaxResults: aws.Int32(instancesPerPage), Filters: filters(sel)}
		for {
			out, err := f.describeInstances(ctx, in)
			if err != nil {
				yield(fleet.Instance{}, err)
				return
			}
			var page []fleet.Instance
			for _, r := range out.Reservations {
				target := fleet.Target{Account: fleet.Account(aws.ToString(r.OwnerId)), Region: f.region}
				for _, i := range r.Instances {
					found := instance(target, i)
					if sel.Tag.Key == "" || sel.Tag.On(found.Tags) {
						page = append(page, found)
					}
				}
			}
			if err := complete(ctx, page); err != nil {
				yield(fleet.Instance{}, err)
				return
			}
			for _, i := range page {
				if !yield(i, nil) {
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

// filters translates a selector. EC2 reads *, ? and \ in values as wildcards
// and escapes, and emulators differ in it: a tag with such a value is found by
// its key (one with such a key not by a filter at all), and compared here.
func filters(sel fleet.Selector) []types.Filter {
	var out []types.Filter
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

// resolveSpot finds out of which type the Spot requests of a page are. A request
// that is gone counts as one-time. Where this is not permitted the types stay
// unknown, so that the other instances are not held up.
func (f *Fleet) resolveSpot(ctx context.Context, page []fleet.Instance) error {
	requests := map[string]string{}
	for _, i := range page {
		if i.SpotRequest != "" {
			requests[i.SpotRequest] = string(types.SpotInstanceTypeOneTime)
		}
	}
	for chunk := range chunks(requests, valuesPerFilter) {
		in := &ec2.DescribeSpotInstanceRequestsInput{
			Filters: []types.Filter{{Name: aws.String("spot-instance-request-id"), Values: chunk}},
		}
		for {
			out, err := f.describeSpotRequests(ctx, in)
			if errors.Is(err, fleet.ErrDenied) {
				f.log.WarnContext(ctx, "Spot requests cannot be read; Spot Instances are left alone", "region", f.region, "error", err)
				return nil
			}
			if err != nil {
				return err
			}
			for _, r := range out.SpotInstanceRequests {
				requests[aws.ToString(r.SpotInstanceRequestId)] = string(r.Type)
			}
			if aws.ToString(out.NextToken) == "" {
				break
			}
			in.NextToken = out.NextToken
		}
	}
	for n := range page {
		page[n].SpotType = requests[page[n].SpotRequest]
	}
	return nil
}

// Stop asks EC2 to stop the instances, as a whole. It waits first until the
// quota allows that many.
func (f *Fleet) Stop(ctx context.Context, ids []fleet.InstanceID) error {
	if err := wait(ctx, f.quotas.stopIDs, len(ids)); err != nil {
		return err
	}
	_, err := f.stopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: texts(ids)})
	return err
}

// Start asks EC2 to start the instances, as a whole. It waits first until the
// quota allows that many.
func (f *Fleet) Start(ctx context.Context, ids []fleet.InstanceID) error {
	if err := wait(ctx, f.quotas.startIDs, len(ids)); err != nil {
		return err
	}
	_, err := f.startInstances(ctx, &ec2.StartInstancesInput{InstanceIds: texts(ids)})
	return err
}
