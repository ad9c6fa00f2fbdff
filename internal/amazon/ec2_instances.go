package amazon

import (
	"context"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/fleet"
)

const (
	instancesPerPage = 1000 // the largest page that EC2 allows
	valuesPerFilter  = 200
)

// instances are the EC2 instances of one account and region.
type instances struct {
	region fleet.Region
	limits *limits
	log    *slog.Logger

	describeInstances    operation[ec2.DescribeInstancesInput, ec2.DescribeInstancesOutput]
	describeTypes        operation[ec2.DescribeInstanceTypesInput, ec2.DescribeInstanceTypesOutput]
	describeSpotRequests operation[ec2.DescribeSpotInstanceRequestsInput, ec2.DescribeSpotInstanceRequestsOutput]
	describeStatus       operation[ec2.DescribeInstanceStatusInput, ec2.DescribeInstanceStatusOutput]
	describeCredits      operation[ec2.DescribeInstanceCreditSpecificationsInput, ec2.DescribeInstanceCreditSpecificationsOutput]
	createTags           operation[ec2.CreateTagsInput, ec2.CreateTagsOutput]
	modifyAttribute      operation[ec2.ModifyInstanceAttributeInput, ec2.ModifyInstanceAttributeOutput]
	startInstances       operation[ec2.StartInstancesInput, ec2.StartInstancesOutput]
	stopInstances        operation[ec2.StopInstancesInput, ec2.StopInstancesOutput]
}

func newInstances(s *Session, client *ec2.Client, region fleet.Region) instances {
	return instances{
		region:               region,
		limits:               s.limitsOf(region),
		log:                  s.log,
		describeInstances:    capture(s, "ec2:DescribeInstances", client.DescribeInstances),
		describeTypes:        capture(s, "ec2:DescribeInstanceTypes", client.DescribeInstanceTypes),
		describeSpotRequests: capture(s, "ec2:DescribeSpotInstanceRequests", client.DescribeSpotInstanceRequests),
		describeStatus:       capture(s, "ec2:DescribeInstanceStatus", client.DescribeInstanceStatus),
		describeCredits:      capture(s, "ec2:DescribeInstanceCreditSpecifications", client.DescribeInstanceCreditSpecifications),
		createTags:           capture(s, "ec2:CreateTags", client.CreateTags),
		modifyAttribute:      capture(s, "ec2:ModifyInstanceAttribute", client.ModifyInstanceAttribute),
		startInstances:       capture(s, "ec2:StartInstances", client.StartInstances),
		stopInstances:        capture(s, "ec2:StopInstances", client.StopInstances),
	}
}

// Instances yields every instance of the region. Of Spot Instances it looks up
// whether their request is persistent. An error ends it.
func (f instances) Instances(ctx context.Context) iter.Seq2[fleet.Instance, error] {
	return func(yield func(fleet.Instance, error) bool) {
		for out, err := range f.pages(ctx, fleet.Selector{}) {
			var page []found
			var spots map[string]string
			if err == nil {
				page = f.found(out)
				if spots, err = f.spotTypes(ctx, page); err != nil && ctx.Err() == nil {
					f.log.WarnContext(ctx, "Spot requests cannot be read; Spot Instances count as such that cannot be stopped", "region", f.region, "error", err)
					err = nil
				}
			}
			if err != nil {
				yield(fleet.Instance{}, err)
				return
			}
			for _, i := range page {
				if !yield(instance(i, spots), nil) {
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

// pages yields what EC2 answers about the instances of a selector, page by page.
func (f instances) pages(ctx context.Context, sel fleet.Selector) iter.Seq2[*ec2.DescribeInstancesOutput, error] {
	in := &ec2.DescribeInstancesInput{MaxResults: aws.Int32(instancesPerPage), Filters: filters(sel)}
	return pages(ctx, f.describeInstances, in, &in.NextToken, func(out *ec2.DescribeInstancesOutput) *string { return out.NextToken })
}

// found lists the instances of a page.
func (f instances) found(out *ec2.DescribeInstancesOutput) []found {
	var list []found
	for _, r := range out.Reservations {
		target := fleet.Target{Account: fleet.Account(aws.ToString(r.OwnerId)), Region: f.region}
		for _, i := range r.Instances {
			list = append(list, found{target, i})
		}
	}
	return list
}

// filters translates a selector; the caller compares what they cannot express.
// EC2 reads *, ? and \ in values as wildcards and escapes, and emulators differ
// in it: a tag with such a value is found by its key, and one with such a key
// not by a filter at all. No filter is sent twice, for what that means is not
// documented.
func filters(sel fleet.Selector) []types.Filter {
	var out []types.Filter
	var keys []string
	if len(sel.Keys) <= valuesPerFilter && !strings.ContainsAny(strings.Join(sel.Keys, ""), `*?\`) {
		keys = sel.Keys
	}
	for _, tag := range sel.Tags {
		switch {
		case strings.Contains(tag.Key, `\`):
		case tag.Value == "" || strings.ContainsAny(tag.Value, `*?\`):
			if len(keys) == 0 {
				keys = []string{tag.Key}
			}
		default:
			out = append(out, types.Filter{Name: aws.String("tag:" + tag.Key), Values: []string{tag.Value}})
		}
	}
	if len(keys) > 0 {
		out = append(out, types.Filter{Name: aws.String("tag-key"), Values: keys})
	}
	if len(sel.IDs) > 0 {
		out = append(out, types.Filter{Name: aws.String("instance-id"), Values: toStrings(sel.IDs)})
	}
	return out
}

// instance converts an instance of DescribeInstances, with the types of the Spot
// requests as far as they are known.
func instance(it found, spots map[string]string) fleet.Instance {
	i := it.Instance
	out := fleet.Instance{
		Target:          it.target,
		ID:              fleet.ResourceID(aws.ToString(i.InstanceId)),
		Type:            fleet.InstanceType(intern(string(i.InstanceType))),
		Tags:            tags(i.Tags),
		LaunchTime:      aws.ToTime(i.LaunchTime).UTC(),
		PlatformDetails: intern(aws.ToString(i.PlatformDetails)),
		UsageOperation:  intern(aws.ToString(i.UsageOperation)),
		Windows:         i.Platform != "",
		Lifecycle:       fleet.Lifecycle(intern(string(i.InstanceLifecycle))),
		SpotType:        fleet.SpotType(intern(spots[aws.ToString(i.SpotInstanceRequestId)])),
		RootDevice:      intern(aws.ToString(i.RootDeviceName)),
		Tenancy:         "default",
		Hibernates:      i.HibernationOptions != nil && aws.ToBool(i.HibernationOptions.Configured),
	}
	out.Ineligible = ineligible(i, out)
	if i.State != nil {
		out.State = fleet.State(intern(string(i.State.Name)))
	}
	if out.State != fleet.Running && out.State != fleet.Pending {
		out.Stopped = stopTime(aws.ToString(i.StateTransitionReason))
	}
	if i.StateReason != nil {
		out.Why = intern(aws.ToString(i.StateReason.Message))
		if aws.ToString(i.StateReason.Code) == "Client.InternalError" { // all that EC2 says of a key that it may not use
			out.Why = intern(out.Why + "; where its volumes have a KMS key of yours, kms:CreateGrant on it is needed")
		}
	}
	if out.Why == "" {
		out.Why = aws.ToString(i.StateTransitionReason)
	}
	if out.State == fleet.Stopped || out.State == fleet.Stopping {
		out.Cause = cause(i.StateReason, aws.ToString(i.StateTransitionReason))
	}
	if i.Placement != nil {
		out.Zone = fleet.Zone(intern(aws.ToString(i.Placement.AvailabilityZone)))
		if i.Placement.Tenancy != "" {
			out.Tenancy = intern(string(i.Placement.Tenancy))
		}
		out.Host = aws.ToString(i.Placement.HostId)
	}
	if i.Monitoring != nil {
		out.Detailed = i.Monitoring.State == types.MonitoringStateEnabled || i.Monitoring.State == types.MonitoringStatePending
	}
	out.Reservation = intern(aws.ToString(i.CapacityReservationId))
	out.PublicIPs = publicIPs(i)
	if i.CpuOptions != nil {
		out.Cores = int(aws.ToInt32(i.CpuOptions.CoreCount))
		out.ThreadsPerCore = int(aws.ToInt32(i.CpuOptions.ThreadsPerCore))
	}
	for _, c := range i.ProductCodes {
		out.ProductCodes = append(out.ProductCodes, aws.ToString(c.ProductCodeId))
	}
	out.Launch = launch(i)
	out.FirstLaunch = attached(i)
	if out.FirstLaunch.IsZero() {
		// A terminated instance has no interfaces left. This time moves only
		// when the licence is converted.
		out.FirstLaunch = timeOf(i.UsageOperationUpdateTime)
	}
	return out
}

// launch is what an instance would have to be launched with again.
func launch(i types.Instance) fleet.Launch {
	out := fleet.Launch{
		Image:           intern(aws.ToString(i.ImageId)),
		KeyPair:         intern(aws.ToString(i.KeyName)),
		VPC:             intern(aws.ToString(i.VpcId)),
		Subnet:          intern(aws.ToString(i.SubnetId)),
		PrivateIP:       aws.ToString(i.PrivateIpAddress),
		Architecture:    intern(string(i.Architecture)),
		Virtualization:  intern(string(i.VirtualizationType)),
		BootMode:        intern(string(i.BootMode)),
		CurrentBootMode: intern(string(i.CurrentInstanceBootMode)),
		TPM:             intern(aws.ToString(i.TpmSupport)),
		SRIOV:           intern(aws.ToString(i.SriovNetSupport)),
		ENA:             aws.ToBool(i.EnaSupport),
		EBSOptimized:    aws.ToBool(i.EbsOptimized),
	}
	if i.IamInstanceProfile != nil {
		out.Profile = intern(aws.ToString(i.IamInstanceProfile.Arn))
	}
	if i.MetadataOptions != nil {
		out.Tokens = intern(string(i.MetadataOptions.HttpTokens))
	}
	for _, g := range i.SecurityGroups {
		out.SecurityGroups = append(out.SecurityGroups, intern(aws.ToString(g.GroupId)))
	}
	return out
}

// attached is when the primary network interface of an instance was attached:
// at its first launch.
func attached(i types.Instance) time.Time {
	for _, n := range i.NetworkInterfaces {
		if n.Attachment != nil && aws.ToInt32(n.Attachment.DeviceIndex) == 0 && n.Attachment.AttachTime != nil {
			return n.Attachment.AttachTime.UTC()
		}
	}
	return time.Time{}
}

// publicIPs are the public IPv4 addresses of an instance's interfaces, each once
// and in their order. Emulators state only the one that the instance itself has.
func publicIPs(i types.Instance) []string {
	var out []string
	add := func(ip *string) {
		if text := aws.ToString(ip); text != "" && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	for _, n := range i.NetworkInterfaces {
		for _, a := range n.PrivateIpAddresses {
			if a.Association != nil {
				add(a.Association.PublicIp)
			}
		}
		if n.Association != nil {
			add(n.Association.PublicIp)
		}
	}
	add(i.PublicIpAddress)
	return out
}

// stopTime reads the time at the end of a StateTransitionReason such as
// "User initiated (2026-11-20 10:00:00 GMT)". EC2 writes GMT, emulators also
// write UTC. Other reasons carry no time: the answer is then zero.
func stopTime(transition string) time.Time {
	open := strings.LastIndexByte(transition, '(')
	if open < 0 || !strings.HasSuffix(transition, ")") {
		return time.Time{}
	}
	text := transition[open+1 : len(transition)-1]
	for _, zone := range []string{" GMT", " UTC"} {
		if wall, ok := strings.CutSuffix(text, zone); ok {
			t, err := time.Parse(time.DateTime, wall)
			if err == nil {
				return t
			}
		}
	}
	return time.Time{}
}
