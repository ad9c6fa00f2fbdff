package app_test

import (
	"errors"
	"os"
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

// A quota that may not be read is
// AWS's default; a key that may not be read is unknown.
func TestStatusOfKeysAndQuota(t *testing.T) {
	t.Parallel()
	const key = "arn:aws:kms:" + sandbox.DefaultRegion + ":" + sandbox.AccountID + ":key/1"
	w := newWorld(t)
	if err := os.WriteFile(w.config.Path, []byte("timezone: UTC\nbackup: { policies: [{ id: daily, tag: Backup=daily, schedule: { at: \"02:00\" }, keep: { daily: 7 } }] }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	machine, _ := w.sandbox.Named(sandbox.DefaultRegion, "운영-DB-1")
	a := w.sandbox.Account(sandbox.AccountID)
	a.SetVolumeKey(machine.ID, key)
	if err := a.SetKey(sandbox.DefaultRegion, key, sandbox.Key{State: "Disabled"}); err != nil {
		t.Fatal(err)
	}
	w.sandbox.SetTags(machine.ID, map[string]string{"Backup": "daily"})
	for _, tt := range []struct {
		deny    string
		state   fleet.KeyState
		assumed bool
		partial bool
	}{
		{"", fleet.KeyDisabled, false, false},
		{"servicequotas:GetServiceQuota", fleet.KeyDisabled, true, false},
		{"kms:DescribeKey", fleet.KeyUnknown, false, true},
	} {
		var faults []sandbox.Fault
		if tt.deny != "" {
			faults = []sandbox.Fault{{Action: tt.deny, Kind: sandbox.Deny}}
		}
		if err := w.sandbox.SetFaults(faults); err != nil {
			t.Fatal(err)
		}
		s, err := w.app.Open(t.Context(), app.Selection{Config: w.config, NeedConfig: true, Regions: []string{sandbox.DefaultRegion}})
		if err != nil {
			t.Fatal(err)
		}
		status := job[app.BackupStatusResult](t)(s.BackupStatus(t.Context(), app.BackupStatusInput{})).Targets[0]
		if len(status.Keys) != 1 || status.Keys[0].State != tt.state || status.Keys[0].Key != key || status.Keys[0].Volumes == 0 {
			t.Errorf("%q denied: keys %+v", tt.deny, status.Keys)
		}
		if q := status.Quota; q == nil || q.Assumed != tt.assumed || q.Limit != backup.DefaultSnapshotQuota || q.Used == 0 {
			t.Errorf("%q denied: quota %+v", tt.deny, q)
		}
		if status.Partial() != tt.partial || tt.partial && status.Unread[0] != backup.PartKeys {
			t.Errorf("%q denied: unread %v", tt.deny, status.Unread)
		}
	}
}
