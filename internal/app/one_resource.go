package app

import (
	"context"
	"iter"
	"sync"

	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// called is true where a name or an id is meant.
func called(what, id, name string) bool { return what == id || what == name }

// oneResource is an inventory of which only one resource is wanted, by its id
// or name: an instance with its volumes, or a volume with its instances.
type oneResource struct {
	cost.Inventory
	id string

	once    sync.Once
	volumes []fleet.Volume
	err     error
	holders map[fleet.ResourceID]bool
	wanted  map[fleet.ResourceID]bool
	mu      sync.Mutex
	read    chan struct{}
}

func newOneResource(inventory cost.Inventory, id string) *oneResource {
	return &oneResource{Inventory: inventory, id: id, holders: map[fleet.ResourceID]bool{}, wanted: map[fleet.ResourceID]bool{}, read: make(chan struct{})}
}

// list reads all volumes, once: which instances are wanted may hang on them.
func (o *oneResource) list(ctx context.Context) {
	o.once.Do(func() {
		for v, err := range o.Inventory.Volumes(ctx) {
			if err != nil {
				o.err = err
				return
			}
			o.volumes = append(o.volumes, v)
			if called(o.id, string(v.ID), v.Name()) {
				for _, id := range v.AttachedTo {
					o.holders[id] = true
				}
			}
		}
	})
}

// Instances yields those that are meant, and those that a volume hangs on.
func (o *oneResource) Instances(ctx context.Context) iter.Seq2[fleet.Instance, error] {
	return func(yield func(fleet.Instance, error) bool) {
		o.list(ctx)
		defer close(o.read)
		for i, err := range o.Inventory.Instances(ctx) {
			meant := called(o.id, string(i.ID), i.Name())
			if err == nil && !meant && !o.holders[i.ID] {
				continue
			}
			if meant {
				o.mu.Lock()
				o.wanted[i.ID] = true
				o.mu.Unlock()
			}
			if !yield(i, err) {
				return
			}
		}
	}
}

// Volumes yields those that are meant, and those of the instances that are.
func (o *oneResource) Volumes(ctx context.Context) iter.Seq2[fleet.Volume, error] {
	return func(yield func(fleet.Volume, error) bool) {
		o.list(ctx)
		<-o.read
		for _, v := range o.volumes {
			meant := called(o.id, string(v.ID), v.Name())
			for _, id := range v.AttachedTo {
				meant = meant || o.wanted[id]
			}
			if meant && !yield(v, nil) {
				return
			}
		}
		if o.err != nil {
			yield(fleet.Volume{}, o.err)
		}
	}
}

// candidates are the rows of the price list that answered for instances.
type candidates struct {
	prices
	rows []price.Product
}

// Instances remembers the rows.
func (s *candidates) Instances(ctx context.Context, keys []price.InstanceKey) ([]price.Product, error) {
	rows, err := s.prices.Instances(ctx, keys)
	s.rows = rows
	return rows, err
}
