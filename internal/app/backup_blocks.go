package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"nightshift/internal/amazon"
	"nightshift/internal/backup"
	"nightshift/internal/fleet"
)

// How much a run asks the EBS direct APIs for in one account and region.
const (
	mostBlockLists   = 500 // requests: ten seconds at their rate, and $0.0003
	mostBlockPages   = 25  // of one pair of snapshots: 122 GiB of changes
	blockListsAtOnce = 8
)

// comparer compares snapshots, and remembers what it has learned.
type comparer struct {
	blocks *amazon.Blocks

	mu    sync.Mutex
	known map[backup.Comparison]fleet.BlockChanges
	over  error // why nothing more is asked
}

func newComparer(t Target) *comparer {
	return &comparer{
		blocks: t.session.Blocks(t.Region, amazon.NewBudget(mostBlockLists)), known: map[backup.Comparison]fleet.BlockChanges{},
	}
}

// measure compares what says how much the deletions of a plan free, and works that out
// again. The note, if there is one, says why something was not measured.
func (c *comparer) measure(ctx context.Context, plan *backup.Plan, inv backup.Inventory, options *backup.Options) (note string) {
	var group errgroup.Group
	group.SetLimit(blockListsAtOnce)
	for _, run := range plan.Comparisons(inv) {
		group.Go(func() error {
			for _, pair := range run {
				if changes, ok := c.compare(ctx, pair); !ok || changes.AtLeast {
					break // the others say nothing without it
				}
			}
			return nil
		})
	}
	_ = group.Wait() // none returns an error
	options.Changed = func(first, second fleet.SnapshotID) (fleet.BlockChanges, bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		changes, ok := c.known[backup.Comparison{First: first, Second: second}]
		return changes, ok && !changes.AtLeast
	}
	plan.Free(inv, *options)
	if c.over == nil {
		return ""
	}
	return fmt.Sprintf("not all that deletions free was measured, and the rest is an upper bound: %v", c.over)
}

// compare is what differs between two snapshots; false where that cannot be found out:
// one of them is pending, archived or gone, or nothing more is asked.
func (c *comparer) compare(ctx context.Context, pair backup.Comparison) (fleet.BlockChanges, bool) {
	c.mu.Lock()
	changes, ok := c.known[pair]
	over := c.over
	c.mu.Unlock()
	if ok || over != nil {
		return changes, ok
	}
	changes, err := c.blocks.Changes(ctx, pair.First, pair.Second, mostBlockPages)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil:
		c.known[pair] = changes
	case errors.Is(err, fleet.ErrInvalid), errors.Is(err, fleet.ErrNotFound):
	case errors.Is(err, fleet.ErrDenied) && len(c.known) > 0: // that of snapshots of others
	case c.over == nil:
		c.over = err
	}
	return changes, err == nil
}

// tagChanges measures how much the newest copies changed since those before them, and
// writes that on them, each once. What a run has no time or budget for is left to the
// next one, which begins elsewhere in the list: what cannot be measured holds up nothing.
func (c *comparer) tagChanges(ctx context.Context, copies *amazon.Copies, plan *backup.Plan, closing <-chan struct{}) (note string) {
	list := plan.Unmeasured()
	if len(list) == 0 {
		return ""
	}
	from := int(plan.At.Unix()/60) % len(list)
	var mu sync.Mutex
	byTag := map[string][]fleet.SnapshotID{}
	var group errgroup.Group
	group.SetLimit(blockListsAtOnce)
	for _, pair := range slices.Concat(list[from:], list[:from]) {
		group.Go(func() error {
			select {
			case <-closing:
				return nil
			default:
			}
			if changes, ok := c.compare(ctx, pair); ok {
				mu.Lock()
				defer mu.Unlock()
				tag := backup.ChangedTag(changes)
				byTag[tag] = append(byTag[tag], pair.Second)
			}
			return nil
		})
	}
	_ = group.Wait() // none returns an error
	err := c.over
	for _, tag := range slices.Sorted(maps.Keys(byTag)) {
		err = cmp.Or(err, copies.TagCopies(ctx, byTag[tag], fleet.Tags{backup.TagChanged: tag}))
	}
	if err == nil || errors.Is(err, fleet.ErrCapped) || errors.Is(err, fleet.ErrNoTime) || errors.Is(err, context.Canceled) {
		return ""
	}
	return fmt.Sprintf("how much the newest copies changed was not measured for all: %v", err)
}
