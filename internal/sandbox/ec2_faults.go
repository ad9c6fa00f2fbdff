package sandbox

import (
	"net/http"
	"slices"
	"time"
)

// refused answers a batch that names an instance which a fault refuses.
func (c *ec2Call) refused(batch []*instance) *apiError {
	for _, h := range c.faults {
		for _, i := range batch {
			if h.Kind != Refuse || !strikes(h, i) {
				continue
			}
			e := invalid(h.Code, "The instance '"+i.id+"' was refused: "+h.Code)
			if h.Code == "InsufficientInstanceCapacity" {
				e = fail(http.StatusInternalServerError, h.Code, "Insufficient capacity.")
			}
			return h.reworded(e)
		}
	}
	return nil
}

// slowed is how long a change of an instance takes.
func (c *ec2Call) slowed(i *instance, usual time.Duration) time.Duration {
	for _, h := range c.faults {
		if h.Kind == Slow && strikes(h, i) {
			return h.For
		}
	}
	return usual
}

// failure is the reason with which a start will fail, if it will.
func (c *ec2Call) failure(i *instance) string {
	for _, h := range c.faults {
		if h.Kind == FailStart && strikes(h, i) {
			if h.Code != "" {
				return h.Code
			}
			return "Server.InternalError"
		}
	}
	return ""
}

// shown is an instance's condition as this call sees it.
func (c *ec2Call) shown(i *instance) condition {
	if c.stale(i) && !i.before.launch.IsZero() {
		return i.before
	}
	return i.condition
}

// hidden says whether this call does not see a new instance yet.
func (c *ec2Call) hidden(i *instance) bool {
	return c.stale(i) && i.before.launch.IsZero()
}

func (c *ec2Call) stale(i *instance) bool {
	for _, h := range c.faults {
		if h.Kind == Stale && !i.changed.IsZero() && c.now.Sub(i.changed) < h.For && strikes(h, i) {
			return true
		}
	}
	return false
}

// strikes says whether an instance is among those that a fault selects.
func strikes(h faultHit, i *instance) bool { return h.strikes(i.id, i.kind.Name, i.zone) }

// namesInstance says whether a call names an instance that a fault selects. A
// launch names a type only; a Describe of everything names all.
func namesInstance(r *call, hit faultHit) bool {
	if r.action == "RunInstances" {
		kind, _ := r.org.types.spec(r.form.text("InstanceType"))
		return hit.strikes("", kind.Name, r.form.text("Placement.AvailabilityZone"))
	}
	ids := r.form.texts("InstanceId")
	if id := r.form.text("InstanceId"); id != "" {
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return hit.Kind == Stale || hit.Kind == Impair
	}
	reg := r.here()
	reg.mu.Lock()
	defer reg.mu.Unlock()
	return slices.ContainsFunc(ids, func(id string) bool {
		i := reg.instances[id]
		return i != nil && strikes(hit, i)
	})
}
