package backup

import (
	"time"

	"nightshift/internal/fleet"
)

// PolicyStatus is how one policy is doing: with the volumes that it copies, and with the
// sets that carry its id.
type PolicyStatus struct {
	// Policy is empty for all that belongs to no policy of the configuration: volumes that
	// none selects, and copies of policies that are gone.
	Policy PolicyID `json:"policy"`
	// Volumes are those that are to have a copy by now, Missed those of them whose newest
	// good copy is older than the RPO, or that have none. Without a policy the RPO is that
	// of the configuration. What is new, excluded or unknown is not among them, nor what is
	// just copied for the first time.
	Volumes int `json:"volumes"`
	Missed  int `json:"missed"`
	// Oldest is the newest good copy of the volume that has the oldest one. It is nil
	// where there are no volumes, and zero where one of them has no good copy.
	Oldest *time.Time `json:"oldest,omitempty"`
	// Complete, Pending and Failed count the sets; a set fails with one of its members.
	// Those that are being deleted are not among them.
	Complete int `json:"complete"`
	Pending  int `json:"pending"`
	Failed   int `json:"failed"`
	// PendingSince is the time of the data of the oldest pending set.
	PendingSince *time.Time `json:"pending_since,omitempty"`
	// Waiting counts the sets that no rule keeps any more, nor a guard: their deletion waits
	// for a person, or for a run that may delete them. It is nil where nobody asked, see
	// StatusOptions.
	Waiting *int `json:"waiting,omitempty"`
}

// policyStatuses are how the policies are doing, in their order, and then what belongs to
// none. There are none without policies.
func (c *coverer) policyStatuses(volumes []VolumeStatus) []PolicyStatus {
	if len(c.settings.Policies) == 0 {
		return []PolicyStatus{}
	}
	list := make([]PolicyStatus, 0, len(c.settings.Policies)+1)
	at := map[PolicyID]int{}
	for n := range c.settings.Policies {
		id := c.settings.Policies[n].ID
		if _, twice := at[id]; !twice {
			at[id] = len(list)
			list = append(list, PolicyStatus{Policy: id})
		}
	}
	none := len(list)
	list = append(list, PolicyStatus{})
	of := func(id PolicyID) *PolicyStatus {
		if n, ok := at[id]; ok {
			return &list[n]
		}
		return &list[none]
	}
	begun := map[fleet.VolumeID]bool{}
	for n := range c.estate.Snapshots {
		if s := &c.estate.Snapshots[n]; s.State == statePending {
			begun[s.Volume] = true
		}
	}
	for n := range volumes {
		if v := &volumes[n]; v.Coverage != Unprotected || !begun[v.Volume] {
			of(v.Policy).addVolume(v)
		}
	}
	for n := range c.copies.sets {
		of(c.copies.sets[n].Chain.Policy).addSet(&c.copies.sets[n])
	}
	if c.options.Waiting {
		c.countWaiting(list, of)
	}
	return list
}

// countWaiting makes a plan, of which only the deletions are of use.
func (c *coverer) countWaiting(list []PolicyStatus, of func(PolicyID) *PolicyStatus) {
	for n := range list {
		list[n].Waiting = new(0)
	}
	plan := MakePlan(c.estate.Inventory, c.settings, Options{})
	for n := range plan.Deletes {
		if v := &plan.Deletes[n]; !v.Keep {
			*of(v.Set.Chain.Policy).Waiting++
		}
	}
}

func (p *PolicyStatus) addVolume(v *VolumeStatus) {
	switch v.Coverage {
	case Stale, Unprotected:
		p.Missed++
	case Protected:
	case New, NotCopied, Unknown:
		return
	}
	p.Volumes++
	var last time.Time
	if v.Last != nil {
		last = v.Last.Data
	}
	if p.Oldest == nil || last.Before(*p.Oldest) {
		p.Oldest = &last
	}
}

func (p *PolicyStatus) addSet(s *Set) {
	switch s.State {
	case SetComplete:
		p.Complete++
	case SetError, SetIncomplete:
		p.Failed++
	case SetPending:
		p.Pending++
		if p.PendingSince == nil || s.Data.Before(*p.PendingSince) {
			p.PendingSince = new(s.Data)
		}
	case SetDeleting:
	}
}
