package sandbox

import (
	"slices"
	"time"
)

// InstanceDescription is an instance of the account as it is now.
type InstanceDescription struct {
	ID          string
	Region      string
	Zone        string
	Type        string
	State       string
	LaunchTime  time.Time // the last start
	FirstLaunch time.Time
	Transition  string // StateTransitionReason
	StateReason string // the code
	Operation   string // UsageOperation
	Lifecycle   string // "spot", or empty
	Tags        map[string]string
}

// Instance finds an instance in any region.
func (a *account) Instance(id string) (InstanceDescription, bool) {
	for _, r := range a.regions {
		if i, ok := a.instanceIn(r, id); ok {
			return i, true
		}
	}
	return InstanceDescription{}, false
}

func (a *account) instanceIn(r *region, id string) (InstanceDescription, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settle(a.Now())
	i := r.instances[id]
	if i == nil {
		return InstanceDescription{}, false
	}
	return i.snapshot(r, a.Now())
}

func (i *instance) snapshot(r *region, now time.Time) (InstanceDescription, bool) {
	i.settle(now)
	if i.gone {
		return InstanceDescription{}, false
	}
	return InstanceDescription{
		ID: i.id, Region: r.name, Zone: i.zone, Type: i.kind.Name, State: i.state.String(),
		LaunchTime: i.launch, FirstLaunch: i.first, Transition: i.transition, StateReason: i.reason,
		Operation: i.system.operation, Lifecycle: i.lifecycle(), Tags: i.tags.asMap(),
	}, true
}

// Instances lists the instances of a region in the order of their launch.
func (a *account) Instances(region string) []InstanceDescription {
	r := a.regions[region]
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := a.Now()
	r.settle(now)
	var list []InstanceDescription
	for _, res := range r.reservations {
		for _, i := range res.instances {
			if snap, ok := i.snapshot(r, now); ok {
				list = append(list, snap)
			}
		}
	}
	return list
}

// Named finds the first instance of a region with a Name tag.
func (a *account) Named(region, name string) (InstanceDescription, bool) {
	list := a.Instances(region)
	n := slices.IndexFunc(list, func(i InstanceDescription) bool { return i.Tags["Name"] == name })
	if n < 0 {
		return InstanceDescription{}, false
	}
	return list[n], true
}
