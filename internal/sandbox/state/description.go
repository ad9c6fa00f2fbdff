package state

import (
	"maps"
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
func (a *Account) Instance(id string) (InstanceDescription, bool) {
	for _, r := range a.Regions {
		if i, ok := a.instanceIn(r, id); ok {
			return i, true
		}
	}
	return InstanceDescription{}, false
}

func (a *Account) instanceIn(r *Region, id string) (InstanceDescription, bool) {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	r.Settle(a.Now())
	i := r.Instances[id]
	if i == nil {
		return InstanceDescription{}, false
	}
	return i.snapshot(r, a.Now())
}

// SetTags sets tags of an instance of any region, as somebody else does. False
// where there is no such instance.
func (a *Account) SetTags(id string, tags map[string]string) bool {
	return a.alter(id, func(i *Instance) {
		for _, key := range slices.Sorted(maps.Keys(tags)) {
			i.Tags = i.Tags.With(key, tags[key])
		}
	})
}

// SetLicenses gives an instance of any region its license configurations of AWS
// License Manager, by ARN: who starts it must be permitted to use them. False
// where there is no such instance.
func (a *Account) SetLicenses(id string, arns ...string) bool {
	return a.alter(id, func(i *Instance) { i.Licenses = arns })
}

// SetVolumeKey encrypts the volumes of an instance with a customer managed KMS key:
// who starts it must be permitted to grant EC2 the use of it. False where there is
// no such instance.
func (a *Account) SetVolumeKey(id, key string) bool {
	return a.alter(id, func(i *Instance) {
		for _, one := range i.Attachments {
			one.Volume.Encrypted, one.Volume.KMSKey = true, key
		}
	})
}

func (a *Account) alter(id string, change func(*Instance)) bool {
	for _, r := range a.Regions {
		r.Mu.Lock()
		i := r.Instances[id]
		if i != nil {
			change(i)
		}
		r.Mu.Unlock()
		if i != nil {
			return true
		}
	}
	return false
}

func (i *Instance) snapshot(r *Region, now time.Time) (InstanceDescription, bool) {
	i.Settle(now)
	if i.Gone {
		return InstanceDescription{}, false
	}
	return InstanceDescription{
		ID: i.ID, Region: r.Name, Zone: i.Zone, Type: i.Type.Name, State: i.State.String(),
		LaunchTime: i.LaunchTime, FirstLaunch: i.FirstLaunch, Transition: i.Transition, StateReason: i.Reason,
		Operation: i.System.UsageOperation, Lifecycle: i.Lifecycle(), Tags: i.Tags.Map(),
	}, true
}

// Instances lists the instances of a region in the order of their launch.
func (a *Account) Instances(region string) []InstanceDescription {
	r := a.Regions[region]
	if r == nil {
		return nil
	}
	r.Mu.Lock()
	defer r.Mu.Unlock()
	now := a.Now()
	r.Settle(now)
	var list []InstanceDescription
	for _, res := range r.Reservations {
		for _, i := range res.Instances {
			if snap, ok := i.snapshot(r, now); ok {
				list = append(list, snap)
			}
		}
	}
	return list
}

// Named finds the first instance of a region with a Name tag.
func (a *Account) Named(region, name string) (InstanceDescription, bool) {
	list := a.Instances(region)
	n := slices.IndexFunc(list, func(i InstanceDescription) bool { return i.Tags["Name"] == name })
	if n < 0 {
		return InstanceDescription{}, false
	}
	return list[n], true
}
