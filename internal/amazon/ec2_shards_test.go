package amazon_test

import (
	"errors"
	"fmt"
	"testing"

	"nightshift/internal/amazon"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// many is an account with more snapshots than a page has, whose ids are old and new ones
// with every first digit; some pages come back empty.
func many(t *testing.T, n int, empty float64) (*sandbox.Server, *amazon.Fleet, map[fleet.SnapshotID]bool) {
	t.Helper()
	server := sandboxtest.Start(t, sandbox.Options{Speed: 1000, EmptyPages: empty})
	s := server.Sandbox()
	for k := range n {
		id := fmt.Sprintf("snap-0%016x", uint64(k)*0x9e3779b97f4a7c15)
		if k%5 == 0 {
			id = fmt.Sprintf("snap-%08x", uint32(k)*0x9e3779b9)
		}
		if _, err := s.Account(sandbox.AccountID).AddSnapshot(sandbox.DefaultRegion, sandbox.Snapshot{ID: id, SizeGiB: 8}); err != nil {
			t.Fatal(err)
		}
	}
	all := map[fleet.SnapshotID]bool{}
	for _, x := range s.Account(sandbox.AccountID).Snapshots(sandbox.DefaultRegion) {
		if x.Owner == sandbox.AccountID {
			all[fleet.SnapshotID(x.ID)] = true
		}
	}
	s.ResetCalls()
	return server, newPeer(server.URL()).session(t).Fleet(region), all
}

// More snapshots than a page has are listed in shards, each of them once.
func TestSnapshotsInShards(t *testing.T) {
	server, f, all := many(t, 2500, 0.2)
	seen := map[fleet.SnapshotID]int{}
	for _, x := range snapshots(t, f) {
		seen[x.ID]++
		if seen[x.ID] > 1 || !all[x.ID] {
			t.Errorf("%s is listed %d times", x.ID, seen[x.ID])
		}
	}
	if len(seen) != len(all) {
		t.Errorf("%d snapshots of %d", len(seen), len(all))
	}
	if n := len(server.Sandbox().Calls()); n < 1+17 || n > 100 {
		t.Errorf("%d calls", n)
	}
}

// A shard that fails fails the listing: what it would have had is unknown, never gone. Who
// has seen enough stops it.
func TestShardsThatFailOrAreNotWanted(t *testing.T) {
	server, f, all := many(t, 2500, 0.2)
	if err := server.Sandbox().SetFaults([]sandbox.Fault{{Action: "ec2:DescribeSnapshots", Kind: sandbox.Deny, Nth: 9}}); err != nil {
		t.Fatal(err)
	}
	n, failed := 0, error(nil)
	for _, err := range f.Snapshots(t.Context()) {
		if failed = err; err == nil {
			n++
		}
	}
	if !errors.Is(failed, fleet.ErrDenied) || n >= len(all) {
		t.Errorf("%v after %d of %d", failed, n, len(all))
	}
	n = 0
	for _, err := range f.Snapshots(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n > 1200 {
			break
		}
	}
}

// A page is all that is asked for where there are no more.
func TestOnePageOfSnapshots(t *testing.T) {
	server, f, all := many(t, 100, 0)
	if list := snapshots(t, f); len(list) != len(all) {
		t.Errorf("%d snapshots of %d", len(list), len(all))
	}
	if n := len(server.Sandbox().Calls()); n != 1 {
		t.Errorf("%d calls for %d snapshots", n, len(all))
	}
}
