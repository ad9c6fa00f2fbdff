package state

import (
	"cmp"
	"slices"
)

// OtherResources are what a region has, and is charged for, besides instances and
// volumes, with what holds snapshots. Each list is in the order of seq.
type OtherResources struct {
	Snapshots       []*Snapshot
	Addresses       []*Address
	Hosts           []*DedicatedHost
	Capacity        []*CapacityReservation
	Images          []*Image
	LaunchTemplates []*LaunchTemplate
	Locked          []*Snapshot
	Fast            []FastRestore
	BinRules        []BinRule
	Bin             []Binned
	index           snapshotIndex
}

// Taggable is a resource that carries tags.
type Taggable struct {
	Seq          uint64
	ID           string
	ResourceType string // as in DescribeTags
	Tags         *Tags
}

// Taggable finds what an id names.
func (h *OtherResources) Taggable(id string) (Taggable, bool) {
	if s := h.index.byID[id]; s != nil {
		return Taggable{s.Seq, id, "snapshot", &s.Tags}, true
	}
	for _, a := range h.Addresses {
		if a.ID == id {
			return Taggable{a.seq, id, "elastic-ip", &a.Tags}, true
		}
	}
	for _, x := range h.Hosts {
		if x.ID == id {
			return Taggable{x.Seq, id, "dedicated-host", &x.Tags}, true
		}
	}
	for _, r := range h.Capacity {
		if r.ID == id {
			return Taggable{r.Seq, id, "capacity-reservation", &r.Tags}, true
		}
	}
	for _, i := range h.Images {
		if i.ID == id {
			return Taggable{i.Seq, id, "image", &i.Tags}, true
		}
	}
	for _, t := range h.LaunchTemplates {
		if t.ID == id {
			return Taggable{t.Seq, id, "launch-template", &t.Tags}, true
		}
	}
	return Taggable{}, false
}

// All lists everything that carries tags, in the order of seq.
func (h *OtherResources) All() []Taggable {
	var list []Taggable
	for _, s := range h.Snapshots {
		list = append(list, Taggable{s.Seq, s.ID, "snapshot", &s.Tags})
	}
	for _, a := range h.Addresses {
		list = append(list, Taggable{a.seq, a.ID, "elastic-ip", &a.Tags})
	}
	for _, x := range h.Hosts {
		list = append(list, Taggable{x.Seq, x.ID, "dedicated-host", &x.Tags})
	}
	for _, r := range h.Capacity {
		list = append(list, Taggable{r.Seq, r.ID, "capacity-reservation", &r.Tags})
	}
	for _, i := range h.Images {
		list = append(list, Taggable{i.Seq, i.ID, "image", &i.Tags})
	}
	for _, t := range h.LaunchTemplates {
		list = append(list, Taggable{t.Seq, t.ID, "launch-template", &t.Tags})
	}
	slices.SortFunc(list, func(a, b Taggable) int { return cmp.Compare(a.Seq, b.Seq) })
	return list
}
