package app_test

import (
	"errors"
	"testing"

	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
)

// "a volume missing from a denied, partial or failed listing is unknown, never gone": the
// inventory names each listing that is not whole.
func TestInventories(t *testing.T) {
	w := newWorld(t)
	s, err := w.app.Open(t.Context(), app.Selection{Config: w.config, NeedConfig: true})
	if err != nil {
		t.Fatal(err)
	}
	read := func() backup.Inventory {
		t.Helper()
		results := s.Inventories(t.Context())
		if len(results) != 1 || results[0].Err != nil {
			t.Fatalf("%+v", results)
		}
		return results[0].Value
	}
	i := read()
	if i.Target != (fleet.Target{Account: sandbox.AccountID, Region: sandbox.DefaultRegion}) || i.At.IsZero() {
		t.Errorf("of %v at %v", i.Target, i.At)
	}
	if len(i.Volumes) == 0 || len(i.Instances) == 0 || len(i.Snapshots) == 0 {
		t.Errorf("%d volumes, %d instances, %d snapshots", len(i.Volumes), len(i.Instances), len(i.Snapshots))
	}
	if len(i.Unread) > 0 {
		t.Errorf("unread: %v", i.Unread)
	}
	if err := w.sandbox.SetFaults([]sandbox.Fault{{Action: "ec2:DescribeVolumes", Kind: sandbox.Deny}}); err != nil {
		t.Fatal(err)
	}
	if i = read(); !errors.Is(i.Unread[backup.PartVolumes], fleet.ErrDenied) || i.Unread[backup.PartInstances] != nil {
		t.Errorf("unread: %v", i.Unread)
	}
}
