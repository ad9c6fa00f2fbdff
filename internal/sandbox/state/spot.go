package state

import "time"

// SpotRequest is the request that a Spot instance fulfils.
type SpotRequest struct {
	Seq        uint64
	ID         string
	Persistent bool
	Price      string
	State      string
	Status     string
	Message    string
	Created    time.Time
	Updated    time.Time
	Instance   *Instance
	Tags       Tags
}

// Type is the type of the request in the words of EC2.
func (r *SpotRequest) Type() string {
	if r.Persistent {
		return "persistent"
	}
	return "one-time"
}

func (r *SpotRequest) set(now time.Time, state, status, message string) {
	if r != nil {
		r.Updated, r.State, r.Status, r.Message = now, state, status, message
	}
}

func (r *SpotRequest) started(now time.Time) {
	r.set(now, "active", "fulfilled", "Your Spot request is fulfilled.")
}

func (r *SpotRequest) stopped(now time.Time) {
	r.set(now, "disabled", "instance-stopped-by-user", "You stopped the instance.")
}

func (r *SpotRequest) closed(now time.Time) {
	r.set(now, "closed", "instance-terminated-by-user", "Spot Instance terminated due to user-initiated termination.")
}
