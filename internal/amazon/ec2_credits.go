package amazon

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"nightshift/internal/fleet"
)

const (
	// creditsPerCall is the largest number of instances whose credit option EC2
	// gives at once.
	creditsPerCall = 1000
	// creditRefusals bounds the requests that are refused before it is taken
	// that all would be.
	creditRefusals = 100
)

// Unlimited reports for burstable instances whether they run in unlimited mode,
// in which surplus CPU credits are paid for. EC2 refuses a request with an
// instance that is gone, or of a type without credits: such ones are taken out,
// by name where the refusal names them and else by halving, and are absent from
// the answer. After an error the answer holds what was read.
func (f instances) Unlimited(ctx context.Context, ids []fleet.ResourceID) (map[fleet.ResourceID]bool, error) {
	known := make(map[fleet.ResourceID]bool, len(ids))
	left := creditRefusals
	open := slices.Collect(slices.Chunk(ids, creditsPerCall))
	for len(open) > 0 {
		batch := open[len(open)-1]
		open = open[:len(open)-1]
		out, err := f.describeCredits(ctx, &ec2.DescribeInstanceCreditSpecificationsInput{InstanceIds: toStrings(batch)})
		if err == nil {
			for _, c := range out.InstanceCreditSpecifications {
				known[fleet.ResourceID(aws.ToString(c.InstanceId))] = aws.ToString(c.CpuCredits) == "unlimited"
			}
			continue
		}
		refusal, ok := errors.AsType[*fleet.Refusal](err)
		if left--; !ok || left < 0 || !aboutInstances(refusal) {
			return known, err
		}
		rest := slices.DeleteFunc(slices.Clone(batch), func(id fleet.ResourceID) bool { return slices.Contains(refusal.IDs, id) })
		switch {
		case len(rest) == 0, len(batch) == 1:
		case len(rest) < len(batch):
			open = append(open, rest)
		default:
			open = append(open, batch[:len(batch)/2], batch[len(batch)/2:])
		}
	}
	return known, nil
}

// aboutInstances is true where a refusal is for what was asked about, not for
// who asked or how often.
func aboutInstances(r *fleet.Refusal) bool {
	return slices.ContainsFunc(
		[]error{fleet.ErrNotFound, fleet.ErrInvalid, fleet.ErrUnsupported, fleet.ErrConflict},
		func(kind error) bool { return errors.Is(r, kind) },
	)
}
