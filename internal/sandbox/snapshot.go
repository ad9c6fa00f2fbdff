package sandbox

import (
	"slices"
	"time"
)

// Instance is an instance of the account as it is now.
type Instance struct {
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
func (s *Sandbox) Instance(id string) (Instance, bool) {
	for _, r := range s.regions {
		if i, ok := s.instanceIn(r, id); ok {
			return i, true
		}
	}
	return Instance{}, false
}

func (s *Sandbox) instanceIn(r *region, id string) (Instance, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settleGroups(s.Now())
	i := r.instances[id]
	if i == nil {
		return Instance{}, false
	}
	return i.snapshot(r, s.Now())
}

func (i *instance) snapshot(r *region, now time.Time) (Instance, bool) {
	i.settle(now)
	if i.gone {
		return Instance{}, false
	}
	return Instance{
		ID: i.id, Region: r.name, Zone: i.zone, Type: i.kind.Name, State: i.state.String(),
		LaunchTime: i.launch, FirstLaunch: i.first, Transition: i.transition, StateReason: i.reason,
		Operation: i.system.operation, Lifecycle: i.lifecycle(), Tags: i.tags.asMap(),
	}, true
}

// Instances lists the instances of a region in the order of their launch.
func (s *Sandbox) Instances(region string) []Instance {
	r := s.regions[region]
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := s.Now()
	r.settleGroups(now)
	var list []Instance
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
func (s *Sandbox) Named(region, name string) (Instance, bool) {
	list := s.Instances(region)
	n := slices.IndexFunc(list, func(i Instance) bool { return i.Tags["Name"] == name })
	if n < 0 {
		return Instance{}, false
	}
	return list[n], true
}
