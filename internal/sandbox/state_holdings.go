package sandbox

// holdings are what a region has, and is charged for, beside instances and
// volumes. Each list is in the order of seq.
type holdings struct {
	snapshots []*ebsSnapshot
	addresses []*address
	hosts     []*dedicatedHost
	capacity  []*capacityReservation
}

// taggable is a resource that carries tags.
type taggable struct {
	seq  uint64
	id   string
	kind string // as in DescribeTags
	tags *tags
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
