package sandbox

import "time"

// spotRequest is the request that a Spot instance fulfils.
type spotRequest struct {
	seq        uint64
	id         string
	persistent bool
	price      string
	state      string
	status     string
	message    string
	created    time.Time
	updated    time.Time
	instance   *instance
	tags       tags
}

func (r *spotRequest) kind() string {
	if r.persistent {
		return "persistent"
	}
	return "one-time"
}

func (r *spotRequest) set(now time.Time, state, status, message string) {
	if r != nil {
		r.updated, r.state, r.status, r.message = now, state, status, message
	}
}

func (r *spotRequest) started(now time.Time) {
	r.set(now, "active", "fulfilled", "Your Spot request is fulfilled.")
}

func (r *spotRequest) stopped(now time.Time) {
	r.set(now, "disabled", "instance-stopped-by-user", "You stopped the instance.")
}

func (r *spotRequest) closed(now time.Time) {
	r.set(now, "closed", "instance-terminated-by-user", "Spot Instance terminated due to user-initiated termination.")
}
