package amazon

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/fleet"
)

// snapshotsPerPage is the largest page of snapshots that EC2 allows.
const snapshotsPerPage = 1000

// snapshots are the EBS snapshots of one account and region.
type snapshots struct {
	region   fleet.Region
	describe operation[ec2.DescribeSnapshotsInput, ec2.DescribeSnapshotsOutput]
}

func newSnapshots(s *Session, client *ec2.Client, region fleet.Region) snapshots {
	return snapshots{region, capture(s, "ec2:DescribeSnapshots", client.DescribeSnapshots)}
}

// Snapshots yields the snapshots of the region that the account owns. An error
// ends it.
func (s snapshots) Snapshots(ctx context.Context) iter.Seq2[fleet.Snapshot, error] {
	in := &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, MaxResults: aws.Int32(snapshotsPerPage)}
	next := func(out *ec2.DescribeSnapshotsOutput) *string { return out.NextToken }
	list := func(out *ec2.DescribeSnapshotsOutput) []types.Snapshot { return out.Snapshots }
	return each(pages(ctx, s.describe, in, &in.NextToken, next), list, func(i types.Snapshot) fleet.Snapshot { return snapshot(s.region, i) })
}

// noVolume is what EC2 names as the volume of a snapshot that is a copy (Amazon
// EBS User Guide, "Copy an Amazon EBS snapshot").
const noVolume = "vol-ffffffff"

// snapshot converts a snapshot of DescribeSnapshots. A copy is of no volume.
func snapshot(region fleet.Region, s types.Snapshot) fleet.Snapshot {
	out := fleet.Snapshot{
		Target:      fleet.Target{Account: fleet.Account(intern(aws.ToString(s.OwnerId))), Region: region},
		ID:          fleet.SnapshotID(aws.ToString(s.SnapshotId)),
		Volume:      fleet.VolumeID(intern(aws.ToString(s.VolumeId))),
		State:       intern(string(s.State)),
		Started:     timeOf(s.StartTime),
		SizeGiB:     int64(aws.ToInt32(s.VolumeSize)),
		FullBytes:   aws.ToInt64(s.FullSnapshotSizeInBytes),
		Archived:    s.StorageTier == types.StorageTierArchive,
		Completed:   timeOf(s.CompletionTime),
		Why:         aws.ToString(s.StateMessage),
		Encrypted:   aws.ToBool(s.Encrypted),
		Key:         intern(aws.ToString(s.KmsKeyId)),
		Description: intern(aws.ToString(s.Description)),
		Tags:        tags(s.Tags),
	}
	if out.Volume == noVolume {
		out.Volume = ""
	}
	return out
}
