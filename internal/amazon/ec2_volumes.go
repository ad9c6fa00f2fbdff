package amazon

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/fleet"
)

// volumesPerPage is the largest page of volumes that EC2 allows.
const volumesPerPage = 1000

// volumes are the EBS volumes of one account and region.
type volumes struct {
	region   fleet.Region
	describe operation[ec2.DescribeVolumesInput, ec2.DescribeVolumesOutput]
}

func newVolumes(s *Session, client *ec2.Client, region fleet.Region) volumes {
	return volumes{region, capture(s, "ec2:DescribeVolumes", client.DescribeVolumes)}
}

// Volumes yields every volume of the region. An error ends it. EC2 does not
// say which account owns a volume; Target.Account is empty.
func (v volumes) Volumes(ctx context.Context) iter.Seq2[fleet.Volume, error] {
	in := &ec2.DescribeVolumesInput{MaxResults: aws.Int32(volumesPerPage)}
	next := func(out *ec2.DescribeVolumesOutput) *string { return out.NextToken }
	list := func(out *ec2.DescribeVolumesOutput) []types.Volume { return out.Volumes }
	return each(pages(ctx, v.describe, in, &in.NextToken, next), list, func(i types.Volume) fleet.Volume { return volume(v.region, i) })
}

// volume converts a volume of DescribeVolumes.
func volume(region fleet.Region, v types.Volume) fleet.Volume {
	out := fleet.Volume{
		Target:          fleet.Target{Region: region},
		ID:              fleet.VolumeID(aws.ToString(v.VolumeId)),
		Type:            fleet.VolumeType(intern(string(v.VolumeType))),
		State:           intern(string(v.State)),
		Zone:            fleet.Zone(intern(aws.ToString(v.AvailabilityZone))),
		SizeGiB:         int64(aws.ToInt32(v.Size)),
		IOPS:            int64(aws.ToInt32(v.Iops)),
		ThroughputMiBps: int64(aws.ToInt32(v.Throughput)),
		Created:         timeOf(v.CreateTime),
		Snapshot:        fleet.SnapshotID(intern(aws.ToString(v.SnapshotId))),
		MultiAttach:     aws.ToBool(v.MultiAttachEnabled),
		Encrypted:       aws.ToBool(v.Encrypted),
		Key:             intern(aws.ToString(v.KmsKeyId)),
		Tags:            tags(v.Tags),
	}
	for _, a := range v.Attachments {
		out.AttachedTo = append(out.AttachedTo, fleet.ResourceID(aws.ToString(a.InstanceId)))
		out.Attachments = append(out.Attachments, fleet.Attachment{
			Instance: fleet.ResourceID(aws.ToString(a.InstanceId)), Device: intern(aws.ToString(a.Device)), State: intern(string(a.State)),
			At: timeOf(a.AttachTime), DeleteOnTermination: aws.ToBool(a.DeleteOnTermination),
		})
	}
	return out
}
