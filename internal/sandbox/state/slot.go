package state

import "time"

// slotKey distinguishes the slots of a region by their type.
type slotKey[T any] struct{}

// Slot is what one service keeps in a region: a T of its own, under the
// region's lock, which the caller holds. It begins as the zero value.
func Slot[T any](r *Region) *T {
	if kept, ok := r.slots[slotKey[T]{}].(*T); ok {
		return kept
	}
	made := new(T)
	r.slots[slotKey[T]{}] = made
	return made
}

// OnSettle has a service bring what it keeps in the region up to the time of
// each call. The caller holds the region's lock.
func (r *Region) OnSettle(settle func(now time.Time)) { r.clockwork = append(r.clockwork, settle) }

// Settle brings what services keep in the region to where it is by now.
func (r *Region) Settle(now time.Time) {
	for _, settle := range r.clockwork {
		settle(now)
	}
}
