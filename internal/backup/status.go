package backup

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// DefaultRPO is the RPO of volumes that no policy selects, where the configuration states
// none: a copy a day, and two hours.
const DefaultRPO = 26 * time.Hour

// Coverage says whether a volume has a copy that is young enough, whoever made it.
type Coverage string

// The coverages, in the order in which they matter.
const (
	Unprotected Coverage = "unprotected" // no good copy
	Stale       Coverage = "stale"       // the newest good copy is older than the RPO
	Unknown     Coverage = "unknown"     // what says so could not be read
	New         Coverage = "new"         // no good copy, and younger than the RPO
	NotCopied   Coverage = "excluded"    // on purpose
	Protected   Coverage = "protected"
)

// Coverages are all of them, in their order.
func Coverages() []Coverage {
	return []Coverage{Unprotected, Stale, Unknown, New, NotCopied, Protected}
}

// Maker is who made a copy.
type Maker string

// The makers.
const (
	ByNightshift Maker = "nightshift"
	ByDLM        Maker = "dlm"
	ByBackup     Maker = "aws-backup"
	ByImage      Maker = "image"
	ByHand       Maker = "manual"
)

// Status is which volumes of one account and region have a copy, whoever made it, and
// what lies around beside.
type Status struct {
	fleet.Target
	At time.Time `json:"at"`
	// Volumes are in the order of their ids.
	Volumes []VolumeStatus `json:"volumes"`
	// Policies are those of the configuration, in its order, and then what belongs to none;
	// there are none without policies.
	Policies []PolicyStatus `json:"policies"`
	// Orphans are snapshots that nobody deletes, by verdict.
	Orphans []Orphan `json:"orphans"`
	// Unusual are volumes of which the last copy changed far more than the earlier ones.
	Unusual []UnusualChange `json:"unusual_changes"`
	// Public are snapshots that everybody may make volumes of.
	Public []PublicSnapshot `json:"public"`
	// Keys are the keys of KMS of what policies select and have copied.
	Keys []KeyStatus `json:"keys"`
	// Quota is how many snapshots there are of how many; nil where they could not be read.
	Quota *SnapshotQuota `json:"snapshot_quota,omitempty"`
	// Databases are those whose automated backups are off. Nothing else is said of RDS.
	Databases []fleet.ResourceID `json:"databases_without_backups"`
	// Unread are the listings that failed: what they would have said is unknown.
	Unread []Part `json:"unread"`
	// Monthly is what all snapshots of the account in the region cost.
	Monthly price.StorageBound `json:"monthly"`
}

// VolumeStatus is what is known of the copies of one volume.
type VolumeStatus struct {
	Volume fleet.VolumeID `json:"volume"`
	Name   string         `json:"name"`
	// Instances are those that it is attached to, State is that of the first of them, or
	// "detached". It is empty where that is not known.
	Instances []fleet.ResourceID `json:"instances"`
	State     string             `json:"state"`
	SizeGiB   int64              `json:"size_gib"`
	Tags      fleet.Tags         `json:"tags"`
	// InstanceName and InstanceTags are those of the first instance.
	InstanceName string     `json:"instance_name"`
	InstanceTags fleet.Tags `json:"-"`
	// Policy is the one that copies it; empty where none does.
	Policy   PolicyID `json:"policy"`
	Coverage Coverage `json:"coverage"`
	// Reason is empty where the rest says all.
	fleet.Reason
	// Last is the newest good copy, nil where there is none. Copies counts all good ones.
	Last   *GoodCopy `json:"last,omitempty"`
	Copies int       `json:"copies"`
	RPO    Hours     `json:"rpo_hours"`
	// Gap is how old the data of the newest good copy is, without one how long the volume
	// exists.
	Gap Hours `json:"gap_hours"`
	// Worst is the longest time without a copy; nil where there has been none.
	Worst *Gap `json:"worst,omitempty"`
	// Monthly is what its snapshots cost.
	Monthly price.StorageBound `json:"monthly"`
}

// GoodCopy is a snapshot that a volume can be made of.
type GoodCopy struct {
	Snapshot fleet.SnapshotID `json:"snapshot"`
	Data     time.Time        `json:"data"`
	By       Maker            `json:"by"`

	sizeGiB int64
	tags    fleet.Tags // of ours
}

// Gap is a time between two copies, or from the last one to now.
type Gap struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Hours Hours     `json:"hours"`
	// Since is how far back the copies are known: as far as the journal has runs, or
	// without one to the oldest copy that there is. AtMost is true without a journal:
	// copies in between may have been deleted since.
	Since  time.Time `json:"since"`
	AtMost bool      `json:"at_most,omitempty"`
}

// PublicSnapshot is a snapshot that everybody may make volumes of.
type PublicSnapshot struct {
	Snapshot fleet.SnapshotID `json:"snapshot"`
	Name     string           `json:"name"`
	Volume   fleet.VolumeID   `json:"volume"`
	Started  time.Time        `json:"started"`
}

// Hours is a length of time, in JSON a number of hours with up to two decimals.
type Hours time.Duration

// MarshalJSON writes hours.
func (h Hours) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, math.Round(time.Duration(h).Hours()*100)/100, 'f', -1, 64), nil
}

// UnmarshalJSON reads hours.
func (h *Hours) UnmarshalJSON(data []byte) error {
	var hours float64
	if err := json.Unmarshal(data, &hours); err != nil {
		return err
	}
	*h = Hours(math.Round(hours * float64(time.Hour)))
	return nil
}

// Databases are database instances with what matters of them here.
type Databases struct {
	// Unbacked are those whose automated backups are off.
	Unbacked []fleet.ResourceID
	Err      error // the listing is not whole
}

// PastCopy is a copy that the journal knows of.
type PastCopy struct {
	Resource fleet.ResourceID // an instance or a volume
	At       time.Time
}

// StatusOptions are what one status is made with besides the inventory.
type StatusOptions struct {
	// Rates are the prices of the region.
	Rates price.Rates
	// Past are copies of nightshift that the journal knows of, since PastSince; that is
	// zero without a journal.
	Past      []PastCopy
	PastSince time.Time
	Databases Databases
	// Waiting counts the deletions that wait, which takes as long as a plan.
	Waiting bool
}

// MakeStatus says of every volume whether it has a copy. It is made from values alone,
// and without policies it says what others have copied.
func MakeStatus(inv Inventory, settings Settings, o StatusOptions) Status {
	inv.At = inv.At.UTC().Truncate(time.Second)
	inv.Unread = maps.Clone(inv.Unread)
	if o.Databases.Err != nil {
		if inv.Unread == nil {
			inv.Unread = map[Part]error{}
		}
		inv.Unread[PartDatabases] = o.Databases.Err
	}
	c := newCoverer(inv, settings, o)
	status := Status{
		Target: inv.Target, At: inv.At, Volumes: c.volumes(), Orphans: c.orphans(), Public: c.public(),
		Keys: c.keys(), Quota: c.quota(),
		Databases: slices.AppendSeq([]fleet.ResourceID{}, slices.Values(o.Databases.Unbacked)), Unread: slices.AppendSeq([]Part{}, maps.Keys(inv.Unread)),
	}
	status.Policies = c.policyStatuses(status.Volumes)
	status.Unusual = c.unusual(status.Volumes)
	slices.Sort(status.Databases)
	slices.Sort(status.Unread)
	all := make([]*fleet.Snapshot, len(inv.Snapshots))
	for n := range inv.Snapshots {
		all[n] = &inv.Snapshots[n]
	}
	status.Monthly = c.cost(all)
	return status
}

// Count says how many volumes have each coverage.
func (s Status) Count() map[Coverage]int {
	counts := map[Coverage]int{}
	for n := range s.Volumes {
		counts[s.Volumes[n].Coverage]++
	}
	return counts
}

// WorstFirst orders the volumes of a status: by coverage in the order in which these
// matter, those with the longest gap first.
func WorstFirst(a, b *VolumeStatus) int {
	rank := func(v *VolumeStatus) int { return slices.Index(Coverages(), v.Coverage) }
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.Gap, a.Gap))
}

// Uncovered says whether a volume is without a copy that is young enough, as far as is
// known. New and excluded ones are not meant to have one.
func (s Status) Uncovered() bool {
	return slices.ContainsFunc(s.Volumes, func(v VolumeStatus) bool { return v.Coverage == Unprotected || v.Coverage == Stale })
}

// Partial says whether something could not be read, so that something is unknown.
func (s Status) Partial() bool { return len(s.Unread) > 0 }

// Only leaves the volumes that pass, and what the rest says about them. What is about no
// volume is left out, and so are the policies, the keys and the quota, which are about
// other volumes, too.
func (s Status) Only(pass func(VolumeStatus) bool) Status {
	left := map[fleet.VolumeID]bool{}
	volumes := []VolumeStatus{}
	for _, v := range s.Volumes {
		if pass(v) {
			volumes, left[v.Volume] = append(volumes, v), true
		}
	}
	s.Volumes, s.Policies, s.Databases = volumes, []PolicyStatus{}, []fleet.ResourceID{}
	s.Keys, s.Quota = []KeyStatus{}, nil
	s.Orphans = slices.DeleteFunc(slices.Clone(s.Orphans), func(o Orphan) bool { return !left[o.Volume] })
	s.Unusual = slices.DeleteFunc(slices.Clone(s.Unusual), func(u UnusualChange) bool { return !left[u.Volume] })
	s.Public = slices.DeleteFunc(slices.Clone(s.Public), func(p PublicSnapshot) bool { return !left[p.Volume] })
	s.Monthly = price.StorageBound{Priced: true}
	for _, v := range volumes {
		s.Monthly = s.Monthly.Add(v.Monthly)
	}
	return s
}
