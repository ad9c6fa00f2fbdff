package amazon_test

import (
	"errors"
	"testing"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
)

const block = 512 << 10

// blocks is a sandbox with two snapshots of a volume, and what lists their blocks.
func blocks(t *testing.T, before, after map[int64]uint64) (server *sandbox.Server, first, second fleet.SnapshotID) {
	t.Helper()
	server, a, _ := held(t)
	var ids []fleet.SnapshotID
	for n, written := range []map[int64]uint64{before, after} {
		id, err := a.AddSnapshot(sandbox.DefaultRegion, sandbox.Snapshot{Volume: "vol-0000000000000000a", SizeGiB: 100, Started: a.Now().Add(time.Duration(n-2) * time.Hour)})
		if err == nil {
			err = a.SetBlocks(sandbox.DefaultRegion, id, written)
		}
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, fleet.SnapshotID(id))
	}
	return server, ids[0], ids[1]
}

// A block that is written to is gone and new; one that is trimmed is gone only.
func TestBlockChanges(t *testing.T) {
	server, first, second := blocks(t, map[int64]uint64{0: 1, 1: 1, 2: 1}, map[int64]uint64{0: 1, 2: 2, 7: 1, 100_000: 3})
	budget := amazon.NewBudget(10)
	b := newPeer(server.URL()).session(t).Blocks(region, budget)
	for name, tt := range map[string]struct {
		first, second fleet.SnapshotID
		want          fleet.BlockChanges
	}{
		"between two":  {first, second, fleet.BlockChanges{Gone: 2 * block, New: 3 * block}},
		"back":         {second, first, fleet.BlockChanges{Gone: 3 * block, New: 2 * block}},
		"all of it":    {"", second, fleet.BlockChanges{New: 4 * block}},
		"with nothing": {first, first, fleet.BlockChanges{}},
	} {
		got, err := b.Changes(t.Context(), tt.first, tt.second, 10)
		if err != nil || got != tt.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if budget.Used() != 4 {
		t.Errorf("%d requests count", budget.Used())
	}
}

// Pages go on until there is no token, and at most so many are read.
func TestBlockPages(t *testing.T) {
	before, after := map[int64]uint64{}, map[int64]uint64{}
	for n := range int64(2*amazon.BlocksPerPage + 500) {
		before[n], after[n] = 1, 2
	}
	server, first, second := blocks(t, before, after)
	b := newPeer(server.URL()).session(t).Blocks(region, amazon.NewBudget(10))
	for most, want := range map[int]fleet.BlockChanges{
		3: {Gone: 20_500 * block, New: 20_500 * block}, 2: {Gone: 20_000 * block, New: 20_000 * block, AtLeast: true},
	} {
		if got, err := b.Changes(t.Context(), first, second, most); err != nil || got != want {
			t.Errorf("%d pages: %+v, %v", most, got, err)
		}
		want.Gone = 0
		if got, err := b.Changes(t.Context(), "", second, most); most == 2 && (err != nil || got != want) {
			t.Errorf("%d pages of all: %+v, %v", most, got, err)
		}
	}
	if _, err := b.Changes(t.Context(), first, second, 3); !errors.Is(err, fleet.ErrCapped) {
		t.Errorf("the budget is used up: %v", err)
	}
}

// What cannot be listed: other volumes, what is not complete, archived or gone. A
// snapshot without blocks is refused, too, and has none.
func TestBlocksRefused(t *testing.T) {
	server, first, second := blocks(t, map[int64]uint64{}, map[int64]uint64{0: 1})
	a := server.Sandbox().Account(sandbox.AccountID)
	add := func(s sandbox.Snapshot) fleet.SnapshotID {
		id, err := a.AddSnapshot(sandbox.DefaultRegion, s)
		if err != nil {
			t.Fatal(err)
		}
		return fleet.SnapshotID(id)
	}
	const volume = "vol-0000000000000000a"
	other := add(sandbox.Snapshot{Volume: "vol-0000000000000000b", SizeGiB: 8})
	pending := add(sandbox.Snapshot{Volume: volume, SizeGiB: 8, Finished: a.Now().Add(time.Hour)})
	archived := add(sandbox.Snapshot{Volume: volume, SizeGiB: 8, Archived: true})
	b := newPeer(server.URL()).session(t).Blocks(region, amazon.NewBudget(100))
	for name, tt := range map[string]struct {
		first, second fleet.SnapshotID
		want          error
	}{
		"empty": {"", first, nil}, "other volume": {first, other, fleet.ErrInvalid}, "pending": {second, pending, fleet.ErrInvalid},
		"archived": {archived, second, fleet.ErrInvalid}, "gone": {first, "snap-00000000000000000", fleet.ErrNotFound},
	} {
		got, err := b.Changes(t.Context(), tt.first, tt.second, 10)
		if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) || got != (fleet.BlockChanges{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	fault := func(f sandbox.Fault) {
		if err := server.Sandbox().SetFaults([]sandbox.Fault{f}); err != nil {
			t.Fatal(err)
		}
	}
	fault(sandbox.Fault{Action: "ebs:ListChangedBlocks", Kind: sandbox.Throttle, Count: 1})
	if got, err := b.Changes(t.Context(), first, second, 10); err != nil || got.New != block {
		t.Errorf("throttled once: %+v, %v", got, err)
	}
	fault(sandbox.Fault{Action: "ebs:*", Kind: sandbox.Deny, ID: string(second)})
	if _, err := b.Changes(t.Context(), first, second, 10); !errors.Is(err, fleet.ErrDenied) {
		t.Errorf("denied: %v", err)
	}
}
