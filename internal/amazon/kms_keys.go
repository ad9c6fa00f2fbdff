package amazon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"golang.org/x/sync/errgroup"

	"nightshift/internal/fleet"
)

const keysAtOnce = 8 // that are asked about at the same time

// Keys are the keys of KMS in one region, those of other accounts among them.
type Keys struct {
	describe operation[kms.DescribeKeyInput, kms.DescribeKeyOutput]
}

// Keys gives access to the keys of a region.
func (s *Session) Keys(region fleet.Region) *Keys {
	client := kms.NewFromConfig(s.in(region))
	return &Keys{describe: capture(s, "kms:DescribeKey", client.DescribeKey)}
}

// States says of each of the keys, which are ARNs, whether it can be used. One that does
// not exist any more is no error. A key that could not be read is not in the answer, and
// the error says why.
func (k *Keys) States(ctx context.Context, arns []string) (map[string]fleet.Key, error) {
	var mu sync.Mutex
	states, errs := map[string]fleet.Key{}, make([]error, len(arns))
	var group errgroup.Group
	group.SetLimit(keysAtOnce)
	for n, arn := range arns {
		group.Go(func() error {
			key, err := k.state(ctx, arn)
			if err != nil {
				errs[n] = err
				return nil // the others are still of use
			}
			mu.Lock()
			defer mu.Unlock()
			states[arn] = key
			return nil
		})
	}
	_ = group.Wait() // errs has them
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	switch len(errs) {
	case 0:
		return states, nil
	case 1:
		return states, errs[0]
	default:
		return states, fmt.Errorf("%w; so it is with %d more", errs[0], len(errs)-1)
	}
}

func (k *Keys) state(ctx context.Context, arn string) (fleet.Key, error) {
	out, err := k.describe(ctx, &kms.DescribeKeyInput{KeyId: aws.String(arn)})
	switch {
	case errors.Is(err, fleet.ErrNotFound):
		return fleet.Key{State: fleet.KeyDeleted}, nil
	case err != nil:
		return fleet.Key{}, err
	case out.KeyMetadata == nil:
		return fleet.Key{}, fleet.Errorf(fleet.ErrUnavailable, "kms:DescribeKey: the answer for %s has no key", arn)
	}
	return fleet.Key{State: keyState(out.KeyMetadata.KeyState), Deletion: timeOf(out.KeyMetadata.DeletionDate)}, nil
}

// keyState converts a state of KMS. In the states that are not named here a key cannot be
// used, as in "Key states of AWS KMS keys" in the KMS Developer Guide.
func keyState(s types.KeyState) fleet.KeyState {
	switch s {
	case types.KeyStateEnabled, types.KeyStateUpdating:
		return fleet.KeyEnabled
	case types.KeyStateDisabled:
		return fleet.KeyDisabled
	case types.KeyStatePendingDeletion, types.KeyStatePendingReplicaDeletion:
		return fleet.KeyPendingDeletion
	default:
		return fleet.KeyUnavailable
	}
}
