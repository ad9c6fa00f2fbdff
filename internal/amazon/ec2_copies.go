package amazon

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/fleet"
)

// Copies makes, marks and deletes the snapshots of one account and region.
type Copies struct {
	holds
	region        fleet.Region
	createOne     operation[ec2.CreateSnapshotInput, ec2.CreateSnapshotOutput]
	createSet     operation[ec2.CreateSnapshotsInput, ec2.CreateSnapshotsOutput]
	describe      operation[ec2.DescribeSnapshotsInput, ec2.DescribeSnapshotsOutput]
	sharing       operation[ec2.DescribeSnapshotAttributeInput, ec2.DescribeSnapshotAttributeOutput]
	remove        operation[ec2.DeleteSnapshotInput, ec2.DeleteSnapshotOutput]
	createTags    operation[ec2.CreateTagsInput, ec2.CreateTagsOutput]
	deleteTags    operation[ec2.DeleteTagsInput, ec2.DeleteTagsOutput]
	binned        operation[ec2.ListSnapshotsInRecycleBinInput, ec2.ListSnapshotsInRecycleBinOutput]
	restoreBinned operation[ec2.RestoreSnapshotFromRecycleBinInput, ec2.RestoreSnapshotFromRecycleBinOutput]
}

// Copies gives access to the snapshots of a region.
func (s *Session) Copies(region fleet.Region) *Copies {
	client := ec2.NewFromConfig(s.in(region))
	return &Copies{
		holds:  newHolds(s, client),
		region: region,
		createOne: capture(s, "ec2:CreateSnapshot", func(ctx context.Context, in *ec2.CreateSnapshotInput, _ ...func(*ec2.Options)) (*ec2.CreateSnapshotOutput, error) {
			return client.CreateSnapshot(ctx, in, onlyThrottled)
		}),
		createSet: capture(s, "ec2:CreateSnapshots", func(ctx context.Context, in *ec2.CreateSnapshotsInput, _ ...func(*ec2.Options)) (*ec2.CreateSnapshotsOutput, error) {
			return client.CreateSnapshots(ctx, in, onlyThrottled)
		}),
		describe:      captureSnapshots(s, client),
		sharing:       capture(s, "ec2:DescribeSnapshotAttribute", client.DescribeSnapshotAttribute),
		remove:        capture(s, "ec2:DeleteSnapshot", client.DeleteSnapshot),
		createTags:    capture(s, "ec2:CreateTags", client.CreateTags),
		deleteTags:    capture(s, "ec2:DeleteTags", client.DeleteTags),
		binned:        capture(s, "ec2:ListSnapshotsInRecycleBin", client.ListSnapshotsInRecycleBin),
		restoreBinned: capture(s, "ec2:RestoreSnapshotFromRecycleBin", client.RestoreSnapshotFromRecycleBin),
	}
}

// onlyThrottled has a request sent again only where EC2 has refused it for its rate:
// CreateSnapshot and CreateSnapshots have no client token, so that a second request
// after an unclear answer makes a second snapshot.
func onlyThrottled(o *ec2.Options) { o.Retryer = throttledRetryer{o.Retryer} }

type throttledRetryer struct{ aws.Retryer }

// IsErrorRetryable is true for throttling alone.
func (r throttledRetryer) IsErrorRetryable(err error) bool {
	throttled := retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}.IsErrorThrottle(err)
	return throttled.Bool() && r.Retryer.IsErrorRetryable(err)
}

// CopyVolume makes a snapshot of one volume. It does not ask twice after an unclear
// answer, which is an error of kind fleet.ErrUnavailable.
func (c *Copies) CopyVolume(ctx context.Context, id fleet.VolumeID, description string, tags fleet.Tags) (fleet.Snapshot, error) {
	out, err := c.createOne(ctx, &ec2.CreateSnapshotInput{
		VolumeId: aws.String(string(id)), Description: aws.String(description), TagSpecifications: onSnapshots(tags),
	})
	if err != nil {
		return fleet.Snapshot{}, err
	}
	return snapshot(c.region, types.Snapshot{
		SnapshotId: out.SnapshotId, VolumeId: out.VolumeId, State: out.State, StartTime: out.StartTime, VolumeSize: out.VolumeSize,
		OwnerId: out.OwnerId, Encrypted: out.Encrypted, KmsKeyId: out.KmsKeyId, Description: out.Description, Tags: out.Tags,
	}), nil
}

// CopyInstance makes snapshots of the volumes of an instance at one moment, without those
// excluded, which are 40 data volumes at most. It does not ask twice after an unclear
// answer, which is an error of kind fleet.ErrUnavailable.
func (c *Copies) CopyInstance(ctx context.Context, id fleet.ResourceID, noRoot bool, exclude []fleet.VolumeID, description string, tags fleet.Tags) ([]fleet.Snapshot, error) {
	spec := &types.InstanceSpecification{InstanceId: aws.String(string(id)), ExcludeBootVolume: aws.Bool(noRoot)}
	if len(exclude) > 0 {
		spec.ExcludeDataVolumeIds = toStrings(exclude)
	}
	out, err := c.createSet(ctx, &ec2.CreateSnapshotsInput{
		InstanceSpecification: spec, Description: aws.String(description), TagSpecifications: onSnapshots(tags),
	})
	if err != nil {
		return nil, err
	}
	all := make([]fleet.Snapshot, len(out.Snapshots))
	for n, i := range out.Snapshots {
		all[n] = snapshot(c.region, types.Snapshot{
			SnapshotId: i.SnapshotId, VolumeId: i.VolumeId, State: i.State, StartTime: i.StartTime, VolumeSize: i.VolumeSize,
			OwnerId: i.OwnerId, Encrypted: i.Encrypted, Description: i.Description, Tags: i.Tags,
		})
	}
	return all, nil
}

func onSnapshots(tags fleet.Tags) []types.TagSpecification {
	return []types.TagSpecification{{ResourceType: types.ResourceTypeSnapshot, Tags: toTags(tags)}}
}

// FindCopies lists own snapshots whose tag of this key begins with the prefix.
func (c *Copies) FindCopies(ctx context.Context, key, prefix string) ([]fleet.Snapshot, error) {
	return c.list(ctx, filteredBy("tag:"+key, escaped(prefix)+"*"))
}

// escaped takes the meaning of wildcards from a text that is compared.
func escaped(s string) string { return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`).Replace(s) }

// snapshotsPerFilter is how many values a filter may have.
const snapshotsPerFilter = 200

// ReadCopies reads snapshots again by their ids, in no particular order. Those that are
// gone, or not ours, are not in the answer.
func (c *Copies) ReadCopies(ctx context.Context, ids []fleet.SnapshotID) ([]fleet.Snapshot, error) {
	var all []fleet.Snapshot
	for some := range slices.Chunk(ids, snapshotsPerFilter) {
		page, err := c.list(ctx, filteredBy("snapshot-id", toStrings(some)...))
		if all = append(all, page...); err != nil {
			return all, err
		}
	}
	return all, nil
}

func filteredBy(name string, values ...string) *ec2.DescribeSnapshotsInput {
	return &ec2.DescribeSnapshotsInput{Filters: []types.Filter{{Name: aws.String(name), Values: values}}}
}

// list lists those of the account's own snapshots that a request is for.
func (c *Copies) list(ctx context.Context, in *ec2.DescribeSnapshotsInput) ([]fleet.Snapshot, error) {
	in.OwnerIds, in.MaxResults = []string{"self"}, aws.Int32(snapshotsPerPage)
	next := func(out *ec2.DescribeSnapshotsOutput) *string { return out.NextToken }
	list := func(out *ec2.DescribeSnapshotsOutput) []types.Snapshot { return out.Snapshots }
	return collect(each(pages(ctx, c.describe, in, &in.NextToken, next), list, func(i types.Snapshot) fleet.Snapshot { return snapshot(c.region, i) }))
}

// SharedWith are the accounts that may make volumes of a snapshot, in the order of EC2;
// "all" is everybody.
func (c *Copies) SharedWith(ctx context.Context, id fleet.SnapshotID) ([]string, error) {
	out, err := c.sharing(ctx, &ec2.DescribeSnapshotAttributeInput{
		SnapshotId: aws.String(string(id)), Attribute: types.SnapshotAttributeNameCreateVolumePermission,
	})
	if err != nil {
		return nil, err
	}
	var who []string
	for _, p := range out.CreateVolumePermissions {
		if p.Group != "" {
			who = append(who, string(p.Group))
		} else {
			who = append(who, aws.ToString(p.UserId))
		}
	}
	return who, nil
}

// DeleteCopy deletes a snapshot. One that is gone is no error.
func (c *Copies) DeleteCopy(ctx context.Context, id fleet.SnapshotID) error {
	_, err := c.remove(ctx, &ec2.DeleteSnapshotInput{SnapshotId: aws.String(string(id))})
	if errors.Is(err, fleet.ErrNotFound) {
		return nil
	}
	return err
}

// resourcesPerTag is how many resources one call can tag.
const resourcesPerTag = 1000

// TagCopies writes tags on snapshots.
func (c *Copies) TagCopies(ctx context.Context, ids []fleet.SnapshotID, tags fleet.Tags) error {
	for some := range slices.Chunk(ids, resourcesPerTag) {
		if _, err := c.createTags(ctx, &ec2.CreateTagsInput{Resources: toStrings(some), Tags: toTags(tags)}); err != nil {
			return err
		}
	}
	return nil
}

// UntagCopies removes tags from snapshots, whatever their values.
func (c *Copies) UntagCopies(ctx context.Context, ids []fleet.SnapshotID, keys []string) error {
	tags := make([]types.Tag, len(keys))
	for n, key := range keys {
		tags[n] = types.Tag{Key: aws.String(key)}
	}
	for some := range slices.Chunk(ids, resourcesPerTag) {
		if _, err := c.deleteTags(ctx, &ec2.DeleteTagsInput{Resources: toStrings(some), Tags: tags}); err != nil {
			return err
		}
	}
	return nil
}

// Undelete takes a snapshot out of the Recycle Bin. An error of kind fleet.ErrNotFound
// says that it is not there.
func (c *Copies) Undelete(ctx context.Context, id fleet.SnapshotID) error {
	_, err := c.restoreBinned(ctx, &ec2.RestoreSnapshotFromRecycleBinInput{SnapshotId: aws.String(string(id))})
	return err
}

// Deleted are the ids of the snapshots in the Recycle Bin.
func (c *Copies) Deleted(ctx context.Context) ([]fleet.SnapshotID, error) {
	in := &ec2.ListSnapshotsInRecycleBinInput{MaxResults: aws.Int32(snapshotsPerPage)}
	next := func(out *ec2.ListSnapshotsInRecycleBinOutput) *string { return out.NextToken }
	list := func(out *ec2.ListSnapshotsInRecycleBinOutput) []types.SnapshotRecycleBinInfo { return out.Snapshots }
	id := func(i types.SnapshotRecycleBinInfo) fleet.SnapshotID {
		return fleet.SnapshotID(aws.ToString(i.SnapshotId))
	}
	return collect(each(pages(ctx, c.binned, in, &in.NextToken, next), list, id))
}
