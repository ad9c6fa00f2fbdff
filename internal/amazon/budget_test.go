package amazon

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"nightshift/internal/fleet"
)

// Whoever asks at the same time, no more is spent than there is, and what is
// too much takes nothing.
func TestBudget(t *testing.T) {
	b := NewBudget(1000)
	var group sync.WaitGroup
	var granted atomic.Int64
	for n := range 50 {
		group.Go(func() {
			for range 20 {
				switch err := pay(b.charge(t.Context(), n)); {
				case err == nil:
					granted.Add(int64(n))
				case !errors.Is(err, fleet.ErrCapped):
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if b.Used() != int(granted.Load()) || b.Used() > b.Most() || b.Used() < 951 {
		t.Errorf("%d used of %d, %d granted", b.Used(), b.Most(), granted.Load())
	}
	if err := pay(t.Context()); err != nil {
		t.Errorf("what costs nothing: %v", err)
	}
	for _, most := range []int{0, -1} {
		none := NewBudget(most)
		if err := pay(none.charge(t.Context(), 1)); !errors.Is(err, fleet.ErrCapped) || none.Used() != 0 || none.Most() != 0 {
			t.Errorf("a budget of %d: %v", most, err)
		}
	}
}
