package sandbox

import (
	"net/http"
	"time"
)

// refused answers a batch that names an instance which a fault refuses.
func (c *ec2Call) refused(batch []*instance) *apiError {
	for _, h := range c.request.faults {
		for _, i := range batch {
			if h.Kind != Refuse || !h.strikes(i) {
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
	for _, h := range c.request.faults {
		if h.Kind == Slow && h.strikes(i) {
			return h.For
		}
	}
	return usual
}

// failure is the reason with which a start will fail, if it will.
func (c *ec2Call) failure(i *instance) string {
	for _, h := range c.request.faults {
		if h.Kind == FailStart && h.strikes(i) {
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
	for _, h := range c.request.faults {
		if h.Kind == Stale && !i.changed.IsZero() && c.now.Sub(i.changed) < h.For && h.strikes(i) {
			return true
		}
	}
	return false
}
