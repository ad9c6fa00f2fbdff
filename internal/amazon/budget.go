package amazon

import (
	"context"
	"sync/atomic"

	"nightshift/internal/fleet"
)

// Budget is how much may be asked of a service that is paid by the request or
// by the metric. Every try counts before it is sent, also one that repeats
// another: what AWS charges for a try that failed is not documented. It may be
// shared by any number of accounts and regions and is safe for concurrent use.
type Budget struct {
	most int64
	used atomic.Int64
}

// NewBudget is a budget of that many requests or metrics; none if it is not
// above 0.
func NewBudget(most int) *Budget { return &Budget{most: max(int64(most), 0)} }

// Most is how much may be asked for in all.
func (b *Budget) Most() int { return int(b.most) }

// Used is how much has been asked for.
func (b *Budget) Used() int { return int(b.used.Load()) }

// left is how much may still be asked for.
func (b *Budget) left() int { return int(b.most - b.used.Load()) }

// spend takes n out of the budget, or, where less is left, nothing.
func (b *Budget) spend(n int) error {
	for {
		used := b.used.Load()
		if used+int64(n) > b.most {
			return fleet.Errorf(fleet.ErrCapped, "%d of at most %d are asked for, and this would take %d more; nothing was sent", used, b.most, n)
		}
		if b.used.CompareAndSwap(used, used+int64(n)) {
			return nil
		}
	}
}

// bill is what a request costs, and who pays for it.
type bill struct {
	budget *Budget
	n      int
}

type billKey struct{}

// charge makes requests cost n each.
func (b *Budget) charge(ctx context.Context, n int) context.Context {
	return context.WithValue(ctx, billKey{}, bill{b, n})
}

// pay pays for a request, if it costs anything.
func pay(ctx context.Context) error {
	if due, ok := ctx.Value(billKey{}).(bill); ok {
		return due.budget.spend(due.n)
	}
	return nil
}
