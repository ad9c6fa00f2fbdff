// Package backup decides which volumes are copied when, which copies stay and which
// are deleted, and carries that out: plan, then apply, as package power does. A copy
// is an EBS snapshot; all copies of one resource at one time are a [Set].
//
// AWS is the state: what there is, whose it is and what it is for is in the tags of the
// snapshots, so that no database can be lost. [Identify] says which snapshots are
// ours. The plan is pure; [Apply] reads again what it acts on.
//
// It may import fleet, text, blob, price, schedule and retention.
package backup

import (
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/retention"
	"nightshift/internal/schedule"
)

// Resource is what a policy copies.
type Resource string

// The resources.
const (
	// Instances have all their volumes copied at one moment, as one set.
	Instances Resource = "instance"
	// Volumes are copied one by one, attached or not.
	Volumes Resource = "volume"
)

// PolicyID names a policy for ever: the copies carry it. Lower-case letters, digits and
// hyphens, 40 characters at most.
type PolicyID string

// Policy says what is copied when, and how long the copies stay.
type Policy struct {
	ID       PolicyID
	Resource Resource
	// Tags select the instances or volumes; all must match.
	Tags []fleet.Tag
	// When has the times of the slots. With AfterStop a set is taken once nightshift's
	// own stop of the instance has completed, and at the time of When only where there
	// was none since the time before.
	When      schedule.Recurrence
	AfterStop bool
	// Zone is where the days, weeks and months of Keep begin.
	Zone *time.Location
	Keep retention.Keep
	// RPO is how old the data of the newest good copy may be; see [Policy.Objective].
	RPO time.Duration
	// Exclude are volumes that are not copied: any of the tags.
	Exclude []fleet.Tag
	// IncludeManaged copies machines of Auto Scaling groups, ECS and EKS, and Spot
	// Instances, too.
	IncludeManaged bool
	// SkipUnchanged spares the copy of a volume that provably has not been written to
	// since the last one.
	SkipUnchanged bool
	// AfterSourceDeleted is for how long the copies of a resource that is gone stay;
	// zero is for ever.
	AfterSourceDeleted retention.Duration
	// Err says what is wrong with the policy in the configuration. Such a policy copies
	// nothing and deletes nothing, and what it selects falls to no later one.
	Err error
}

// Settings are what the configuration says about backups.
type Settings struct {
	// Policies are in the order of the file: the first one that selects a resource has
	// it.
	Policies []Policy
	// Unattended is true where scheduled runs may delete (backup: delete: unattended).
	Unattended bool
	// RPO is for volumes that no policy selects.
	RPO time.Duration
	// Broken is true where the section has an error somewhere: a policy that is not
	// found may be one that could not be read, so that nothing of it is deleted.
	Broken bool
}

// Interval is the longest time between two slots of the policy, of the year from at on.
// With AfterStop it is twice that: a stop soon after one slot serves the next one, too.
func (p Policy) Interval(at time.Time) time.Duration {
	if every := p.When.Interval(); every > 0 {
		return p.doubled(every)
	}
	slot, ok := p.When.Last(at)
	if !ok {
		if slot, ok = p.When.Next(at); !ok {
			return 0
		}
	}
	var longest time.Duration
	for end := at.AddDate(1, 0, 0); slot.Before(end); {
		next, ok := p.When.Next(slot)
		if !ok {
			break
		}
		longest, slot = max(longest, next.Sub(slot)), next
	}
	return p.doubled(longest)
}

// Deletes says whether anything that the policy has copied is ever deleted while its
// source is there.
func (p Policy) Deletes() bool { return p.Keep.Count(retention.Last) != retention.Unlimited }

func (p Policy) doubled(interval time.Duration) time.Duration {
	if p.AfterStop {
		return 2 * interval
	}
	return interval
}

// slack is how much later than its slot a copy may come without missing the objective of
// a policy that states none.
const slack = 2 * time.Hour

// Objective is how old the data of the newest good copy may be: the RPO of the policy, or
// its interval and two hours.
func (p Policy) Objective(at time.Time) time.Duration {
	if p.RPO > 0 {
		return p.RPO
	}
	return p.Interval(at) + slack
}
