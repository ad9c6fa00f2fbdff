package schedule

import (
	"sync/atomic"
)

// The time line is cut into blocks of 2^22 s, about 49 days, that are computed
// when they are first needed.
const (
	blockShift   = 22
	blockSeconds = 1 << blockShift
	firstBlock   = 0
	// horizon is 2101-01-01 00:00 UTC.
	horizon   = 4133980800
	lastBlock = (horizon - 1) >> blockShift
	// cacheBlocks bounds the memory of a schedule: a bit more than a year.
	cacheBlocks = 8
)

func blockOf(at int64) int64 { return min(max(at, 0), horizon-1) >> blockShift }

// mark is a transition: Unix seconds * 4 + state. Marks sort by time.
type mark int64

func markOf(at int64, s State) mark {
	switch s {
	case Running:
		return mark(at << 2)
	case Stopped:
		return mark(at<<2 | 1)
	default:
		return mark(at<<2 | 2)
	}
}

func (m mark) at() int64 { return int64(m >> 2) }

func (m mark) state() State {
	switch m & 3 {
	case 0:
		return Running
	case 1:
		return Stopped
	}
	return Unmanaged
}

// block is a computed part of the time line. It does not change.
type block struct {
	number int64
	before State // the state just before the block's first instant
	marks  []mark
}

// after is the index of the first mark after an instant.
func (b *block) after(at int64) int {
	low, high := 0, len(b.marks)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if b.marks[middle].at() <= at {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

func (b *block) at(at int64) State {
	if i := b.after(at); i > 0 {
		return b.marks[i-1].state()
	}
	return b.before
}

// cache keeps the latest blocks. Two goroutines may compute the same block at
// the same time: they come to the same result.
type cache struct {
	blocks [cacheBlocks]atomic.Pointer[block]
	// quiet are blocks without transitions that a search has passed, so that
	// the next search need not look at them again.
	quiet atomic.Pointer[quiet]
}

// quiet is a range of block numbers, inclusive.
type quiet struct{ from, to int64 }

func (q *quiet) has(k int64) bool { return q.from <= k && k <= q.to }

// note remembers a block that has no transitions.
func (c *cache) note(b *block) {
	if len(b.marks) > 0 {
		return
	}
	q := quiet{b.number, b.number}
	if old := c.quiet.Load(); old != nil {
		switch b.number {
		case old.to + 1:
			q.from = old.from
		case old.from - 1:
			q.to = old.to
		}
	}
	c.quiet.Store(&q)
}

// block is a part of the time line, from the cache where it is there.
func (s *Schedule) block(k int64) *block {
	slot := &s.cache.blocks[k%cacheBlocks]
	if b := slot.Load(); b != nil && b.number == k {
		return b
	}
	b := s.build(k)
	if s.dayTimes {
		b.before = s.stateBefore(k)
	}
	slot.Store(b)
	return b
}

// stateBefore is what the last start or stop before a block has decided.
func (s *Schedule) stateBefore(k int64) State {
	if k > firstBlock {
		if m, ok := s.lastMark(k*blockSeconds-1, s.build); ok {
			return m.state()
		}
	}
	return Unmanaged
}
