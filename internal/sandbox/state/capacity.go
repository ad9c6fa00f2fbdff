package state

import (
	"slices"
	"time"

	"nightshift/internal/sandbox/catalog"
)

// CapacityReservation is an On-Demand Capacity Reservation that takes only
// instances which name it.
type CapacityReservation struct {
	Seq       uint64
	ID        string
	Type      catalog.Type
	Platform  string // in the words of the API: "Linux/UNIX"
	Zone      string
	Total     int64
	Created   time.Time
	Ended     time.Time // when it was cancelled; zero: it is active
	Instances []*Instance
	Tags      Tags
}

// State is the state in the words of EC2.
func (r *CapacityReservation) State() string {
	if r.Ended.IsZero() {
		return "active"
	}
	return "cancelled"
}

// Capacity is how many instances it is for: none once it has ended.
func (r *CapacityReservation) Capacity() int64 {
	if r.Ended.IsZero() {
		return r.Total
	}
	return 0
}

// Available is the capacity that no instance uses.
func (r *CapacityReservation) Available() int64 {
	left := r.Capacity()
	for _, i := range r.Instances {
		if i.UsesCapacity() {
			left--
		}
	}
	return max(left, 0)
}

// Take lets an instance use the reservation.
func (r *CapacityReservation) Take(i *Instance) {
	i.Capacity = r
	r.Instances = append(r.Instances, i)
}

// UsedReservation is the id of the reservation that an instance runs in; empty
// for none.
func (i *Instance) UsedReservation() string {
	if i.Capacity == nil || !i.UsesCapacity() {
		return ""
	}
	return i.Capacity.ID
}

// UsesCapacity says whether an instance takes up the capacity that it is placed on.
func (i *Instance) UsesCapacity() bool {
	return i.State == Pending || i.State == Running || i.State == Stopping || i.State == ShuttingDown
}

// letGo frees what a terminated instance held.
func (i *Instance) letGo() {
	if a := i.ElasticIP; a != nil {
		a.instance, a.Association = nil, ""
		i.ElasticIP = nil
	}
	if h := i.Host; h != nil {
		h.Instances = slices.DeleteFunc(h.Instances, func(x *Instance) bool { return x == i })
	}
	if r := i.Capacity; r != nil {
		r.Instances = slices.DeleteFunc(r.Instances, func(x *Instance) bool { return x == i })
	}
}
