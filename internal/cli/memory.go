package cli

import (
	"context"
	"iter"
	"runtime/debug"
	"sync/atomic"

	"nightshift/internal/cost"
	"nightshift/internal/fleet"
)

// A report lets the heap grow to three times what is alive between collections,
// which is fastest, until it has read largeFleet instances. From then on the
// heap is kept below a limit for as long as what is alive leaves room: a large
// fleet's memory is what a function would run out of.
const (
	roomyPercent   = 200
	thriftyPercent = 100
	largeFleet     = 10_000
	heapLimit      = 340 << 20
)

// thrift watches over the memory of one report. Where GOGC is set it leaves the
// garbage collector alone.
type thrift struct {
	off  bool
	read atomic.Int64
}

func newThrift(off bool) *thrift {
	if !off {
		debug.SetGCPercent(roomyPercent)
	}
	return &thrift{off: off}
}

// watch counts the instances that an inventory yields.
func (t *thrift) watch(inventory cost.Inventory) cost.Inventory { return watched{inventory, t} }

type watched struct {
	cost.Inventory
	thrift *thrift
}

func (w watched) Instances(ctx context.Context) iter.Seq2[fleet.Instance, error] {
	return func(yield func(fleet.Instance, error) bool) {
		for i, err := range w.Inventory.Instances(ctx) {
			if w.thrift.read.Add(1) == largeFleet && !w.thrift.off {
				debug.SetGCPercent(thriftyPercent)
				debug.SetMemoryLimit(heapLimit)
			}
			if !yield(i, err) {
				return
			}
		}
	}
}
