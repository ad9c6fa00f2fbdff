package ec2

import (
	"net/http"
	"slices"
	"time"

	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// refused answers a batch that names an instance which a fault refuses.
func (c *ec2Call) refused(batch []*state.Instance) *wire.Error {
	for _, h := range c.Faults {
		for _, i := range batch {
			if h.Kind != service.Refuse || !strikes(h, i) {
				continue
			}
			e := wire.Invalid(h.Code, "The instance '"+i.ID+"' was refused: "+h.Code)
			if h.Code == "InsufficientInstanceCapacity" {
				e = wire.Fail(http.StatusInternalServerError, h.Code, "Insufficient capacity.")
			}
			return h.Reworded(e)
		}
	}
	return nil
}

// slowed is how long a change of an instance takes.
func (c *ec2Call) slowed(i *state.Instance, usual time.Duration) time.Duration {
	for _, h := range c.Faults {
		if h.Kind == service.Slow && strikes(h, i) {
			return h.For
		}
	}
	return usual
}

// failure is the reason with which a start will fail, if it will.
func (c *ec2Call) failure(i *state.Instance) string {
	for _, h := range c.Faults {
		if h.Kind == service.FailStart && strikes(h, i) {
			if h.Code != "" {
				return h.Code
			}
			return "Server.InternalError"
		}
	}
	return ""
}

// shown is an instance's condition as this call sees it.
func (c *ec2Call) shown(i *state.Instance) state.Condition {
	if c.stale(i) && !i.Before.LaunchTime.IsZero() {
		return i.Before
	}
	return i.Condition
}

// hidden says whether this call does not see a new instance yet.
func (c *ec2Call) hidden(i *state.Instance) bool {
	return c.stale(i) && i.Before.LaunchTime.IsZero()
}

func (c *ec2Call) stale(i *state.Instance) bool {
	for _, h := range c.Faults {
		if h.Kind == service.Stale && !i.Changed.IsZero() && c.Now.Sub(i.Changed) < h.For && strikes(h, i) {
			return true
		}
	}
	return false
}

// strikes says whether an instance is among those that a fault selects.
func strikes(h service.Hit, i *state.Instance) bool { return h.Strikes(i.ID, i.Type.Name, i.Zone) }

// namesInstance says whether a call names an instance that a fault selects. A
// launch names a type only; a Describe of everything names all.
func namesInstance(r *service.Call, hit service.Hit) bool {
	if r.Action == "RunInstances" {
		kind, _ := r.Organization.Types.Spec(r.Params.Text("InstanceType"))
		return hit.Strikes("", kind.Name, r.Params.Text("Placement.AvailabilityZone"))
	}
	ids := r.Params.Texts("InstanceId")
	if id := r.Params.Text("InstanceId"); id != "" {
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return hit.Kind == service.Stale || hit.Kind == service.Impair
	}
	reg := r.InRegion()
	reg.Mu.Lock()
	defer reg.Mu.Unlock()
	return slices.ContainsFunc(ids, func(id string) bool {
		i := reg.Instances[id]
		return i != nil && strikes(hit, i)
	})
}
