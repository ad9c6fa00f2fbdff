package sandbox

import "time"

// dedicatedHost is a Dedicated Host for all sizes of one family.
type dedicatedHost struct {
	seq       uint64
	id        string
	kind      hostKind
	zone      string
	allocated time.Time
	instances []*instance // placed on it, whatever their state
	tags      tags
}

// free is how many vCPUs no instance uses.
func (h *dedicatedHost) free() int64 {
	left := h.kind.cpus
	for _, i := range h.instances {
		if i.uses() {
			left -= int64(i.kind.VCPU)
		}
	}
	return left
}

// put places an instance on a host.
func (h *dedicatedHost) put(i *instance) {
	i.tenancy, i.host = "host", h
	h.instances = append(h.instances, i)
}
