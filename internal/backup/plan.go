package backup

import (
	"slices"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// Plan is what would be copied and deleted in one account and region, with a reason for
// everything, also for what is left as it is.
type Plan struct {
	Target fleet.Target
	At     time.Time
	// Creates has one entry for each resource that a policy selects, in the order of the
	// policies and then of the ids.
	Creates []Create
	// Deletes has one entry for each set of ours, in the order of the chains and newest
	// first, kept ones among them.
	Deletes []Verdict
	// Oldest has one entry for each chain, in the order of the chains.
	Oldest []Oldest
	// Frees is what all deletions of the plan give back.
	Frees Freed
	// Strangers are snapshots with tags of ours that are not ours, with the reason.
	Strangers []Stranger
	// Unread are the listings that failed; with one that a guard needs nothing is
	// deleted.
	Unread []Part
	// Hash names the deletions of the plan: its time, and a hash of the ordered
	// (snapshot, verdict, rule), the text of the policies and the target. Empty where
	// nothing would be deleted. See [Inventory.AsOf] for how a later run checks it.
	Hash string
}

// Deletions are the sets that the plan deletes.
func (p Plan) Deletions() []Verdict {
	var list []Verdict
	for n := range p.Deletes {
		if !p.Deletes[n].Keep {
			list = append(list, p.Deletes[n])
		}
	}
	return list
}

// Candidates are the snapshots that the plan deletes, in order. With whom they are shared
// is asked for these alone, and put into Inventory.Shared for another plan.
func (p Plan) Candidates() []fleet.SnapshotID {
	var ids []fleet.SnapshotID
	for n := range p.Deletes {
		if p.Deletes[n].Keep {
			continue
		}
		for m := range p.Deletes[n].Set.Members {
			ids = append(ids, p.Deletes[n].Set.Members[m].ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// Options are what one plan is made for.
type Options struct {
	// Unattended is true where no person has seen the plan: what it deletes is marked a
	// day before, and what a person has to approve stays.
	Unattended bool
	// MaxDeletions is how many sets of a policy are deleted at most; 0 is the larger of
	// 20 and 5 % of its sets.
	MaxDeletions int
	// Rates are the prices of the region.
	Rates price.Rates
	// Unwritten says whether it is proven that nothing was written to a volume since a
	// time, where that was asked. It may be nil; see [Plan.Unproven].
	Unwritten func(id fleet.VolumeID, since time.Time) bool
	// Changed is what differs between two snapshots, where all of that was measured;
	// without a first, all that the second has is new. It may be nil.
	Changed func(first, second fleet.SnapshotID) (fleet.BlockChanges, bool)
}

// CreateAction is what a plan does about one resource.
type CreateAction string

// The actions.
const (
	ActionCopy  CreateAction = "copy"
	ActionRetry CreateAction = "retry" // the try for this slot is in error: it is deleted first
	ActionNone  CreateAction = "none"
)

// Create is the decision about one resource of a policy.
type Create struct {
	Policy   PolicyID
	Resource fleet.ResourceID
	Name     string
	Action   CreateAction
	Reason   fleet.Reason
	// Slot is the latest due time; Missed are older ones since the last copy, which will
	// never be taken.
	Slot   time.Time
	Missed []time.Time
	// Volumes are copied, Excluded not. Together they are all of the resource.
	Volumes  []fleet.VolumeID
	Excluded []Exclusion
	// Single is true where the volumes are copied one by one, because more than 40 are
	// excluded: they are not consistent with each other.
	Single bool
	// NoRoot is true where the root volume is among the excluded ones.
	NoRoot bool
	// Consistency is "stopped" or "crash".
	Consistency string
	// Failed are the members of tries in error, which are deleted first: they occupy
	// places, and no hash is needed, only our tags and their state, read again.
	Failed []fleet.SnapshotID
	// unproven are volumes of which writes since the last copy would say whether this one
	// may be skipped.
	unproven map[fleet.VolumeID]time.Time
	Warnings []string
}

// Exclusion is a volume that is not copied, with the reason.
type Exclusion struct {
	Volume fleet.VolumeID
	Reason fleet.Reason
}

// Guard keeps a set that retention would delete. See docs/backup.md.
type Guard string

// The guards, in the order in which they are asked.
const (
	GuardUnread     Guard = "unread"         // a listing that a guard needs failed
	GuardLastGood   Guard = "last-good-copy" // of a volume or instance
	GuardPending    Guard = "copy-pending"   // the source of a copy that is being made
	GuardBase       Guard = "copy-base"      // the newest of a pair; the next copy would be full
	GuardProven     Guard = "last-proven"    // the newest one that was proven to restore
	GuardFailing    Guard = "creation-failing"
	GuardImage      Guard = "in-use-by-image"
	GuardTemplate   Guard = "in-use-by-template"
	GuardLocked     Guard = "locked"
	GuardFast       Guard = "fast-restore"
	GuardShared     Guard = "shared"
	GuardForeign    Guard = "other-owner" // DLM or AWS Backup
	GuardHold       Guard = "hold"
	GuardSourceGone Guard = "source-gone"
	GuardUnselected Guard = "not-selected" // the policy is there and does not select it any more
	GuardAdopted    Guard = "adopted"      // for less than 14 days
	GuardApproval   Guard = "approval"     // in an unattended run: only a person may delete it
	GuardGrace      Guard = "grace"        // marked for less than 24 hours, in an unattended run
	GuardCap        Guard = "cap"          // over the most that one run deletes
)

// Verdict is what becomes of one set.
type Verdict struct {
	Set  Set
	Keep bool
	// Rules are the reasons of the retention, such as "weekly 3 of 4: 2026-W18".
	Rules []string
	// Guard keeps what the rules would delete, Why says it in words.
	Guard Guard
	Why   string
	// Changed is true where only the policy's change deletes it: its stored keep would
	// keep it. Orphan is true where its source is gone for longer than the policy keeps
	// it. Such sets are never deleted unattended.
	Changed, Orphan bool
	// Unmark is true of a kept set that is marked for deletion, whole, and would be kept
	// today: the mark is taken back.
	Unmark bool
	// Frees is what deleting it really gives back.
	Frees Freed

	// wanted is true of a half-deleted set that the policy would keep if it were whole.
	wanted bool
}

// Mark says whether an unattended run marks the set, to delete it a day later.
func (v Verdict) Mark() bool { return v.Guard == GuardGrace && v.Set.Marked.IsZero() }

// Freed is what deletions give back.
type Freed struct {
	// Bytes of storage; at most so many where Measured is false.
	Bytes    int64
	Measured bool
	// USD a month, at most; it is known where Priced is true. It is 0 where nothing is
	// saved yet: a rule of the Recycle Bin holds what is deleted for a time, and an
	// archived copy is billed for 90 days.
	USD    price.USD
	Priced bool
	Later  time.Duration // after which the storage is not billed any more
}

// Oldest is the oldest restore point of a chain after the deletions of a plan.
type Oldest struct {
	Chain Chain
	Data  time.Time // zero where there is none
}

// Stranger is a snapshot with tags of ours that is not ours: a tag was planted, or
// another tool copied it from a volume.
type Stranger struct {
	Snapshot fleet.SnapshotID
	Reason   fleet.Reason
}
