package sandbox

import "slices"

// holdings are what a region has, and is charged for, beside instances and
// volumes. Each list is in the order of seq.
type holdings struct {
	snapshots []*ebsSnapshot
	addresses []*address
	hosts     []*dedicatedHost
	capacity  []*capacityReservation
}

// taggable finds what an id names.
func (h *holdings) taggable(id string) (taggable, bool) {
	for _, s := range h.snapshots {
		if s.id == id {
			return taggable{s.seq, id, "snapshot", &s.tags}, true
		}
	}
	for _, a := range h.addresses {
		if a.id == id {
			return taggable{a.seq, id, "elastic-ip", &a.tags}, true
		}
	}
	for _, x := range h.hosts {
		if x.id == id {
			return taggable{x.seq, id, "dedicated-host", &x.tags}, true
		}
	}
	for _, r := range h.capacity {
		if r.id == id {
			return taggable{r.seq, id, "capacity-reservation", &r.tags}, true
		}
	}
	return taggable{}, false
}

// all lists everything that carries tags.
func (h *holdings) all() []taggable {
	var list []taggable
	for _, s := range h.snapshots {
		list = append(list, taggable{s.seq, s.id, "snapshot", &s.tags})
	}
	for _, a := range h.addresses {
		list = append(list, taggable{a.seq, a.id, "elastic-ip", &a.tags})
	}
	for _, x := range h.hosts {
		list = append(list, taggable{x.seq, x.id, "dedicated-host", &x.tags})
	}
	for _, r := range h.capacity {
		list = append(list, taggable{r.seq, r.id, "capacity-reservation", &r.tags})
	}
	return list
}

// unknownHolding is the refusal of an id that names none of them, by the
// prefix of the id; false where no id of a holding begins so.
func unknownHolding(prefix, id string) (*apiError, bool) {
	switch prefix {
	case "snap":
		return noSnapshot(id), true
	case "eipalloc":
		return noAllocation(id), true
	case "h":
		return noHost(id), true
	case "cr":
		return noReservation(id), true
	}
	return nil, false
}

// named finds the things that ids name, each once and in their order. missing
// makes the refusal of an id that names nothing.
func named[T comparable](list []T, idOf func(T) string, ids []string, missing func(id string) *apiError) ([]T, *apiError) {
	if len(ids) == 0 {
		return list, nil
	}
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	var found []T
	for _, x := range list {
		if wanted[idOf(x)] {
			found = append(found, x)
			delete(wanted, idOf(x))
		}
	}
	for _, id := range ids {
		if wanted[id] {
			return nil, missing(id)
		}
	}
	return found, nil
}

// rest keeps of a list what a page has left to show and its filters pass, as
// much as fits on it and one more.
func rest[T any](p page, list []T, seq func(T) uint64, fs []filter[T]) []T {
	var rows []T
	for _, x := range list {
		if p.after(seq(x), 0) && matchAll(fs, x) {
			rows = append(rows, x)
			if p.size > 0 && len(rows) > p.size {
				break
			}
		}
	}
	return rows
}

// uses says whether an instance takes up the capacity that it is placed on.
func (i *instance) uses() bool {
	return i.state == pending || i.state == running || i.state == stopping || i.state == shuttingDown
}

// letGo frees what a terminated instance held.
func (i *instance) letGo() {
	if a := i.elastic; a != nil {
		a.instance, a.association = nil, ""
		i.elastic = nil
	}
	if h := i.host; h != nil {
		h.instances = slices.DeleteFunc(h.instances, func(x *instance) bool { return x == i })
	}
	if r := i.capacity; r != nil {
		r.instances = slices.DeleteFunc(r.instances, func(x *instance) bool { return x == i })
	}
}
