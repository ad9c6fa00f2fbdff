package sandbox

import "time"

// slotKey tells the slots of a region from each other by their type.
type slotKey[T any] struct{}

// slot is what one service keeps in a region: a T of its own, under the
// region's lock, which the caller holds. It begins as the zero value.
func slot[T any](r *region) *T {
	if kept, ok := r.slots[slotKey[T]{}].(*T); ok {
		return kept
	}
	made := new(T)
	r.slots[slotKey[T]{}] = made
	return made
}

// onSettle has a service bring what it keeps in the region up to the time of
// each call. The caller holds the region's lock.
func (r *region) onSettle(settle func(now time.Time)) { r.clockwork = append(r.clockwork, settle) }

// settle brings what services keep in the region to where it is by now.
func (r *region) settle(now time.Time) {
	for _, settle := range r.clockwork {
		settle(now)
	}
}
