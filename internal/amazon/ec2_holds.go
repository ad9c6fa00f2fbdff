package amazon

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/fleet"
)

// The largest pages that EC2 allows.
const (
	locksPerPage     = 1000
	restoresPerPage  = 200
	templatesPerPage = 200
)

// holds is what else an account has that holds its snapshots back.
type holds struct {
	describeImages    operation[ec2.DescribeImagesInput, ec2.DescribeImagesOutput]
	describeLocks     operation[ec2.DescribeLockedSnapshotsInput, ec2.DescribeLockedSnapshotsOutput]
	describeRestores  operation[ec2.DescribeFastSnapshotRestoresInput, ec2.DescribeFastSnapshotRestoresOutput]
	describeTemplates operation[ec2.DescribeLaunchTemplateVersionsInput, ec2.DescribeLaunchTemplateVersionsOutput]
}

func newHolds(s *Session, client *ec2.Client) holds {
	return holds{
		describeImages:    capture(s, "ec2:DescribeImages", client.DescribeImages),
		describeLocks:     capture(s, "ec2:DescribeLockedSnapshots", client.DescribeLockedSnapshots),
		describeRestores:  capture(s, "ec2:DescribeFastSnapshotRestores", client.DescribeFastSnapshotRestores),
		describeTemplates: capture(s, "ec2:DescribeLaunchTemplateVersions", client.DescribeLaunchTemplateVersions),
	}
}

// Locked are the snapshots that are locked, with the end of the lock. It is zero where
// EC2 names none: a lock of a snapshot that is not completed begins when it is.
func (h holds) Locked(ctx context.Context) (map[fleet.SnapshotID]time.Time, error) {
	in := &ec2.DescribeLockedSnapshotsInput{MaxResults: aws.Int32(locksPerPage)}
	next := func(out *ec2.DescribeLockedSnapshotsOutput) *string { return out.NextToken }
	locked := map[fleet.SnapshotID]time.Time{}
	for out, err := range pages(ctx, h.describeLocks, in, &in.NextToken, next) {
		if err != nil {
			return locked, err
		}
		for _, l := range out.Snapshots {
			if l.LockState != types.LockStateExpired {
				locked[fleet.SnapshotID(aws.ToString(l.SnapshotId))] = timeOf(l.LockExpiresOn)
			}
		}
	}
	return locked, nil
}

// Fast are the snapshots that have fast snapshot restore on, in any zone.
func (h holds) Fast(ctx context.Context) (map[fleet.SnapshotID]bool, error) {
	in := &ec2.DescribeFastSnapshotRestoresInput{MaxResults: aws.Int32(restoresPerPage)}
	next := func(out *ec2.DescribeFastSnapshotRestoresOutput) *string { return out.NextToken }
	fast := map[fleet.SnapshotID]bool{}
	for out, err := range pages(ctx, h.describeRestores, in, &in.NextToken, next) {
		if err != nil {
			return fast, err
		}
		for _, r := range out.FastSnapshotRestores {
			if r.State != types.FastSnapshotRestoreStateCodeDisabled {
				fast[fleet.SnapshotID(aws.ToString(r.SnapshotId))] = true
			}
		}
	}
	return fast, nil
}

// Templates are the snapshots that launch templates name, in their default and in their
// latest version, each with the first such template by its id.
func (h holds) Templates(ctx context.Context) (map[fleet.SnapshotID]string, error) {
	in := &ec2.DescribeLaunchTemplateVersionsInput{Versions: []string{"$Latest", "$Default"}, MaxResults: aws.Int32(templatesPerPage)}
	next := func(out *ec2.DescribeLaunchTemplateVersionsOutput) *string { return out.NextToken }
	named := map[fleet.SnapshotID]string{}
	for out, err := range pages(ctx, h.describeTemplates, in, &in.NextToken, next) {
		if err != nil {
			return named, err
		}
		for _, v := range out.LaunchTemplateVersions {
			for _, id := range launched(v) {
				if template := aws.ToString(v.LaunchTemplateId); named[id] == "" || template < named[id] {
					named[id] = template
				}
			}
		}
	}
	return named, nil
}

// launched are the snapshots that a version of a launch template makes volumes of.
func launched(v types.LaunchTemplateVersion) []fleet.SnapshotID {
	var ids []fleet.SnapshotID
	if v.LaunchTemplateData == nil {
		return ids
	}
	for _, m := range v.LaunchTemplateData.BlockDeviceMappings {
		if m.Ebs != nil && aws.ToString(m.Ebs.SnapshotId) != "" {
			ids = append(ids, fleet.SnapshotID(aws.ToString(m.Ebs.SnapshotId)))
		}
	}
	return ids
}

// Public are the account's snapshots that everybody may make volumes of.
func (c *Copies) Public(ctx context.Context) (map[fleet.SnapshotID]bool, error) {
	public := map[fleet.SnapshotID]bool{}
	list, err := c.list(ctx, &ec2.DescribeSnapshotsInput{RestorableByUserIds: []string{"all"}})
	for n := range list {
		public[list[n].ID] = true
	}
	return public, err
}
