package sandbox

import (
	"slices"
	"time"
)

// capacityReservation is an On-Demand Capacity Reservation that takes only
// instances which name it.
type capacityReservation struct {
	seq       uint64
	id        string
	kind      typeSpec
	platform  string // in the words of the API: "Linux/UNIX"
	zone      string
	total     int64
	created   time.Time
	ended     time.Time // when it was cancelled; zero: it is active
	instances []*instance
	tags      tags
}

func (r *capacityReservation) state() string {
	if r.ended.IsZero() {
		return "active"
	}
	return "cancelled"
}

// capacity is how many instances it is for: none once it has ended.
func (r *capacityReservation) capacity() int64 {
	if r.ended.IsZero() {
		return r.total
	}
	return 0
}

// available is the capacity that no instance uses.
func (r *capacityReservation) available() int64 {
	left := r.capacity()
	for _, i := range r.instances {
		if i.uses() {
			left--
		}
	}
	return max(left, 0)
}

// take lets an instance use the reservation.
func (r *capacityReservation) take(i *instance) {
	i.capacity = r
	r.instances = append(r.instances, i)
}

// usedReservation is the id of the reservation that an instance runs in; empty
// for none.
func (i *instance) usedReservation() string {
	if i.capacity == nil || !i.uses() {
		return ""
	}
	return i.capacity.id
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
