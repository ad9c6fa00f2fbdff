package backup

import (
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
	// Strangers are snapshots with tags of ours that are not ours, with the reason.
	Strangers []Stranger
	// Unread are the listings that failed; with one that a guard needs nothing is
	// deleted.
	Unread []Part
	// Hash names the deletions of the plan: the ordered (snapshot, verdict, rule), the
	// text of the policies and the target. Empty where nothing would be deleted.
	Hash string
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
	// Consistency is "stopped" or "crash".
	Consistency string
	// Failed are the members of a try in error, which are deleted first.
	Failed   []fleet.SnapshotID
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
	GuardAdopted    Guard = "adopted" // for less than 14 days
	GuardGrace      Guard = "grace"   // marked for less than 24 hours, in an unattended run
	GuardCap        Guard = "cap"     // over the most that one run deletes
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
	// keep it. Such a set is never deleted unattended.
	Changed bool
	// Frees is what deleting it really gives back: an upper bound, 0 where a Recycle Bin
	// rule holds it. Bytes is 0 where that is not known.
	FreesBytes int64
	Frees      price.USD
	// Oldest is the oldest restore point of the chain afterwards.
	Oldest time.Time
}

// Stranger is a snapshot with tags of ours that is not ours: a tag was planted, or
// another tool copied it from a volume.
type Stranger struct {
	Snapshot fleet.SnapshotID
	Reason   fleet.Reason
}
