package amazon_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

const keyARN = "arn:aws:kms:ap-northeast-2:" + sandbox.AccountID + ":key/"

// Every state of KMS, and a key that is not there any more.
func TestKeyStates(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{Speed: -1})
	a := server.Sandbox().Account(sandbox.AccountID)
	gone := time.Date(2026, 12, 8, 9, 0, 0, 0, time.UTC)
	want := map[string]fleet.Key{keyARN + "gone": {State: fleet.KeyDeleted}}
	for state, expected := range map[string]fleet.KeyState{
		"Enabled": fleet.KeyEnabled, "Updating": fleet.KeyEnabled, "Disabled": fleet.KeyDisabled, "PendingDeletion": fleet.KeyPendingDeletion,
		"PendingReplicaDeletion": fleet.KeyPendingDeletion, "PendingImport": fleet.KeyUnavailable, "Creating": fleet.KeyUnavailable, "Unavailable": fleet.KeyUnavailable,
	} {
		key := sandbox.Key{State: state}
		if state == "PendingDeletion" {
			key.Deletion = gone
		}
		if err := a.SetKey(sandbox.DefaultRegion, keyARN+state, key); err != nil {
			t.Fatal(err)
		}
		want[keyARN+state] = fleet.Key{State: expected, Deletion: key.Deletion}
	}
	if _, err := a.AddSnapshot(sandbox.DefaultRegion, sandbox.Snapshot{SizeGiB: 8, Encrypted: true, KMSKey: keyARN + "of-a-snapshot"}); err != nil {
		t.Fatal(err)
	}
	want[keyARN+"of-a-snapshot"] = fleet.Key{State: fleet.KeyEnabled}
	var arns []string
	for arn := range want {
		arns = append(arns, arn)
	}
	got, err := newPeer(server.URL()).session(t).Keys(region).States(t.Context(), arns)
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}

// Of a key that may not be read nothing is known, and the others are in the answer.
func TestKeyDenied(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{Speed: -1})
	a := server.Sandbox().Account(sandbox.AccountID)
	for _, name := range []string{"1", "2", "3"} {
		if err := a.SetKey(sandbox.DefaultRegion, keyARN+name, sandbox.Key{State: "Enabled"}); err != nil {
			t.Fatal(err)
		}
	}
	const statement = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:DescribeKey", "Resource": "` + keyARN + `2"}]}`
	if err := server.Sandbox().SetPolicy([]byte(statement)); err != nil {
		t.Fatal(err)
	}
	got, err := newPeer(server.URL()).session(t).Keys(region).States(t.Context(), []string{keyARN + "1", keyARN + "2", keyARN + "3"})
	if !errors.Is(err, fleet.ErrDenied) || !strings.HasSuffix(err.Error(), "; so it is with 1 more") {
		t.Errorf("%v", err)
	}
	if !maps.Equal(got, map[string]fleet.Key{keyARN + "2": {State: fleet.KeyEnabled}}) {
		t.Errorf("%v", got)
	}
}

func TestSnapshotQuota(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{Speed: -1, MostSnapshots: 1234})
	q := newPeer(server.URL()).session(t).Quotas(region)
	if most, err := q.Snapshots(t.Context()); err != nil || most != 1234 {
		t.Errorf("%d, %v", most, err)
	}
	if err := server.Sandbox().SetFaults([]sandbox.Fault{{Action: "servicequotas:GetServiceQuota", Kind: sandbox.Deny}}); err != nil {
		t.Fatal(err)
	}
	if most, err := q.Snapshots(t.Context()); !errors.Is(err, fleet.ErrDenied) || most != 0 {
		t.Errorf("denied: %d, %v", most, err)
	}
}
