package amazon

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"

	"nightshift/internal/fleet"
)

const (
	// BlocksPerPage is the largest page of blocks that the EBS direct APIs allow.
	BlocksPerPage = 10_000
	// blockBytes is the size of a block where an answer does not say it.
	blockBytes = 512 << 10
)

// Blocks lists blocks of the snapshots of one account and region. Lists are paid by the
// request, which is what the budget counts.
type Blocks struct {
	budget      *Budget
	listAll     operation[ebs.ListSnapshotBlocksInput, ebs.ListSnapshotBlocksOutput]
	listChanged operation[ebs.ListChangedBlocksInput, ebs.ListChangedBlocksOutput]
}

// Blocks gives access to the blocks of snapshots in a region.
func (s *Session) Blocks(region fleet.Region, budget *Budget) *Blocks {
	client := ebs.NewFromConfig(s.in(region))
	return &Blocks{
		budget:      budget,
		listAll:     capture(s, "ebs:ListSnapshotBlocks", client.ListSnapshotBlocks),
		listChanged: capture(s, "ebs:ListChangedBlocks", client.ListChangedBlocks),
	}
}

// Changes counts what differs between two snapshots of a volume; without a first, all
// that the second has. It reads at most so many pages, of which some may be empty.
func (b *Blocks) Changes(ctx context.Context, first, second fleet.SnapshotID, most int) (fleet.BlockChanges, error) {
	ctx = b.budget.charge(ctx, 1)
	if first == "" {
		return b.all(ctx, second, most)
	}
	in := &ebs.ListChangedBlocksInput{
		FirstSnapshotId: aws.String(string(first)), SecondSnapshotId: aws.String(string(second)), MaxResults: aws.Int32(BlocksPerPage),
	}
	next := func(out *ebs.ListChangedBlocksOutput) *string { return out.NextToken }
	var changes fleet.BlockChanges
	read := 0
	for out, err := range pages(ctx, b.listChanged, in, &in.NextToken, next) {
		if err != nil {
			return fleet.BlockChanges{}, err
		}
		size := sizeOf(out.BlockSize)
		for n := range out.ChangedBlocks {
			if aws.ToString(out.ChangedBlocks[n].FirstBlockToken) != "" {
				changes.Gone += size
			}
			if aws.ToString(out.ChangedBlocks[n].SecondBlockToken) != "" {
				changes.New += size
			}
		}
		if read++; read >= most {
			changes.AtLeast = aws.ToString(out.NextToken) != ""
			break
		}
	}
	return changes, nil
}

// all counts the blocks of one snapshot. One without any is refused as invalid.
func (b *Blocks) all(ctx context.Context, id fleet.SnapshotID, most int) (fleet.BlockChanges, error) {
	in := &ebs.ListSnapshotBlocksInput{SnapshotId: aws.String(string(id)), MaxResults: aws.Int32(BlocksPerPage)}
	next := func(out *ebs.ListSnapshotBlocksOutput) *string { return out.NextToken }
	var changes fleet.BlockChanges
	read := 0
	for out, err := range pages(ctx, b.listAll, in, &in.NextToken, next) {
		if errors.Is(err, fleet.ErrInvalid) && read == 0 {
			return fleet.BlockChanges{}, nil
		}
		if err != nil {
			return fleet.BlockChanges{}, err
		}
		changes.New += int64(len(out.Blocks)) * sizeOf(out.BlockSize)
		if read++; read >= most {
			changes.AtLeast = aws.ToString(out.NextToken) != ""
			break
		}
	}
	return changes, nil
}

func sizeOf(stated *int32) int64 {
	if size := aws.ToInt32(stated); size > 0 {
		return int64(size)
	}
	return blockBytes
}
