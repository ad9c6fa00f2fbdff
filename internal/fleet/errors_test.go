package fleet_test

import (
	"errors"
	"fmt"
	"testing"

	"nightshift/internal/fleet"
)

// All refusals are found, however often they are wrapped and joined.
func TestRefusals(t *testing.T) {
	stop, list := &fleet.Refusal{Action: "ec2:StopInstances", Kind: fleet.ErrDenied}, &fleet.Refusal{Action: "s3:ListBucket", Kind: fleet.ErrDenied}
	err := errors.Join(fmt.Errorf("stop: %w", stop), errors.New("something else"), fmt.Errorf("read: %w", errors.Join(list, fmt.Errorf("once more: %w", stop))))
	found := fleet.Refusals(err)
	if len(found) != 3 || found[0] != stop || found[1] != list || found[2] != stop {
		t.Errorf("%v", found)
	}
	if found := fleet.Refusals(errors.New("no refusal")); len(found) != 0 || len(fleet.Refusals(nil)) != 0 {
		t.Errorf("%v", found)
	}
}
