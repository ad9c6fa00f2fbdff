package amazon

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/sync/errgroup"

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
	return snapshots{region, captureSnapshots(s, client)}
}

// Snapshots yields the snapshots of the region that the account owns, in no particular
// order. Where there are more than a page, the others are asked for by how their ids
// begin, several pages at the same time: what takes longest is to decode them. An error
// ends it.
func (s snapshots) Snapshots(ctx context.Context) iter.Seq2[fleet.Snapshot, error] {
	return func(yield func(fleet.Snapshot, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		first, more, err := s.first(ctx)
		if err != nil {
			yield(fleet.Snapshot{}, err)
			return
		}
		seen := make(map[fleet.SnapshotID]bool, len(first))
		for _, x := range first {
			if seen[x.ID] = true; !yield(x, nil) {
				return
			}
		}
		if !more {
			return
		}
		rest := s.shards(ctx)
		for page := range rest.pages {
			for n := range page {
				if !seen[page[n].ID] && !yield(page[n], nil) {
					return
				}
			}
		}
		if rest.err != nil {
			yield(fleet.Snapshot{}, rest.err)
		}
	}
}

// first is the first page, and whether there are more.
func (s snapshots) first(ctx context.Context) (page []fleet.Snapshot, more bool, err error) {
	out, err := s.describe(ctx, &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, MaxResults: aws.Int32(snapshotsPerPage)})
	if err != nil {
		return nil, false, err
	}
	return s.convert(out, &texts{}), aws.ToString(out.NextToken) != "", nil
}

// snapshotPrefixes are how ids of snapshots begin, each id in one of the lists: 17 digits
// of which the first is 0, and until 2016 any eight.
func snapshotPrefixes() [][]string {
	var lists [][]string
	var old []string
	for _, digit := range "0123456789abcdef" {
		lists = append(lists, []string{"snap-0" + string(digit) + "*"})
		if digit != '0' {
			old = append(old, "snap-"+string(digit)+"*")
		}
	}
	return append(lists, old)
}

// shardsAtOnce is how many lists of prefixes are asked for at the same time.
const shardsAtOnce = 4

// sharded are the pages of a listing in parts. Its error is set once pages is closed.
type sharded struct {
	pages chan []fleet.Snapshot
	err   error
}

// shards reads all snapshots in parts until the context ends.
func (s snapshots) shards(ctx context.Context) *sharded {
	rest := &sharded{pages: make(chan []fleet.Snapshot)}
	go func() {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(shardsAtOnce)
		for _, prefixes := range snapshotPrefixes() {
			group.Go(func() error { return s.shard(ctx, prefixes, rest.pages) })
		}
		rest.err = group.Wait()
		close(rest.pages)
	}()
	return rest
}

// shard reads the snapshots whose ids begin with one of the prefixes.
func (s snapshots) shard(ctx context.Context, prefixes []string, into chan<- []fleet.Snapshot) error {
	in := filteredBy("snapshot-id", prefixes...)
	in.OwnerIds, in.MaxResults = []string{"self"}, aws.Int32(snapshotsPerPage)
	next := func(out *ec2.DescribeSnapshotsOutput) *string { return out.NextToken }
	var same texts
	for out, err := range pages(ctx, s.describe, in, &in.NextToken, next) {
		if err != nil {
			return err
		}
		select {
		case into <- s.convert(out, &same):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// convert converts a page. Its snapshots have texts in common with those before.
func (s snapshots) convert(out *ec2.DescribeSnapshotsOutput, same *texts) []fleet.Snapshot {
	page := make([]fleet.Snapshot, len(out.Snapshots))
	for n := range out.Snapshots {
		page[n] = snapshot(s.region, out.Snapshots[n])
		for key, value := range page[n].Tags {
			page[n].Tags[key] = same.of(value)
		}
	}
	return page
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
