package state

import (
	"time"

	"nightshift/internal/sandbox/catalog"
)

// DedicatedHost is a Dedicated Host for all sizes of one family.
type DedicatedHost struct {
	Seq       uint64
	ID        string
	Kind      catalog.HostKind
	Zone      string
	Allocated time.Time
	Instances []*Instance // placed on it, whatever their state
	Tags      Tags
}

// Free is how many vCPUs no instance uses.
func (h *DedicatedHost) Free() int64 {
	left := h.Kind.CPUs
	for _, i := range h.Instances {
		if i.UsesCapacity() {
			left -= int64(i.Type.VCPU)
		}
	}
	return left
}

// Put places an instance on a host.
func (h *DedicatedHost) Put(i *Instance) {
	i.Tenancy, i.Host = "host", h
	h.Instances = append(h.Instances, i)
}
