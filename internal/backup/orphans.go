package backup

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

const (
	// pendingLong is for how long a snapshot may be pending before it is worth a look.
	pendingLong = 24 * time.Hour
	// dlmLate is how long after its time Data Lifecycle Manager still deletes a snapshot.
	dlmLate = 48 * time.Hour
	// dlmExpiration is when Data Lifecycle Manager deletes a snapshot of a policy that
	// keeps by age.
	dlmExpiration = "aws:dlm:expirationTime"
)

// OrphanKind is the verdict on snapshots that nobody deletes, or that are no use.
type OrphanKind string

// The kinds, in the order in which they are asked.
const (
	OrphanPlanted   OrphanKind = "planted-tags" // tags of ours that are not ours
	OrphanError     OrphanKind = "error"
	OrphanPending   OrphanKind = "pending" // for more than a day
	OrphanExpired   OrphanKind = "expired" // AWS Backup could not delete it
	OrphanPartial   OrphanKind = "partial" // AWS Backup could not make it whole
	OrphanFast      OrphanKind = "fast-restore"
	OrphanImageOff  OrphanKind = "image-disabled"
	OrphanImageGone OrphanKind = "image-gone"
	OrphanInstance  OrphanKind = "instance-gone"
	OrphanVolume    OrphanKind = "volume-gone"
	OrphanDLM       OrphanKind = "dlm-late" // its policy is gone or off
	OrphanPolicy    OrphanKind = "policy-gone"
)

// Orphan are snapshots of one volume with the same verdict.
type Orphan struct {
	Kind OrphanKind `json:"verdict"`
	Text string     `json:"reason"`
	// Volume is empty where AWS names none.
	Volume    fleet.VolumeID     `json:"volume"`
	Name      string             `json:"name"`
	Snapshots []fleet.SnapshotID `json:"snapshots"`
	Oldest    time.Time          `json:"oldest"`
	Newest    time.Time          `json:"newest"`
	// Monthly is what they cost. Of a volume that others were copied of, too, it may be
	// nothing: they have blocks in common.
	Monthly price.StorageBound `json:"monthly"`
}

// orphans finds them, in the order of the verdicts and then of what they cost at most.
func (c *coverer) orphans() []Orphan {
	type key struct {
		kind   OrphanKind
		text   string
		volume fleet.VolumeID
	}
	found := map[key][]*fleet.Snapshot{}
	chains := map[fleet.SnapshotID]Chain{} // of ours
	for n := range c.copies.sets {
		for m := range c.copies.sets[n].Members {
			chains[c.copies.sets[n].Members[m].ID] = c.copies.sets[n].Chain
		}
	}
	for n := range c.estate.Snapshots {
		s := &c.estate.Snapshots[n]
		chain, ours := chains[s.ID]
		if kind, text := c.orphan(s, chain, ours); kind != "" {
			k := key{kind, text, s.Volume}
			found[k] = append(found[k], s)
		}
	}
	list := make([]Orphan, 0, len(found))
	for k, snapshots := range found {
		slices.SortFunc(snapshots, func(a, b *fleet.Snapshot) int {
			return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.ID, b.ID))
		})
		o := Orphan{
			Kind: k.kind, Text: k.text, Volume: k.volume, Name: snapshots[len(snapshots)-1].Tags["Name"],
			Oldest: snapshots[0].Started, Newest: snapshots[len(snapshots)-1].Started, Monthly: price.SnapshotBound(snapshots, c.options.Rates),
		}
		for _, s := range snapshots {
			o.Snapshots = append(o.Snapshots, s.ID)
		}
		if len(c.copies.all[k.volume]) > len(snapshots) {
			o.Monthly.Low = 0
		}
		list = append(list, o)
	}
	slices.SortFunc(list, func(a, b Orphan) int {
		return cmp.Or(cmp.Compare(rank(a.Kind), rank(b.Kind)), cmp.Compare(b.Monthly.High, a.Monthly.High),
			cmp.Compare(a.Volume, b.Volume), cmp.Compare(a.Snapshots[0], b.Snapshots[0]))
	})
	return list
}

func rank(k OrphanKind) int {
	return slices.Index([]OrphanKind{
		OrphanPlanted, OrphanError, OrphanPending, OrphanExpired, OrphanPartial, OrphanFast, OrphanImageOff, OrphanImageGone,
		OrphanInstance, OrphanVolume, OrphanDLM, OrphanPolicy,
	}, k)
}

// orphan is the verdict on one snapshot, empty where nothing is wrong with it.
func (c *coverer) orphan(s *fleet.Snapshot, chain Chain, ours bool) (OrphanKind, string) {
	inv := &c.estate.Inventory
	status := c.copies.points[s.ID]
	stranger := c.copies.strangers[s.ID]
	switch {
	case stranger != fleet.Reason{} && stranger.Code != "copy-of":
		return OrphanPlanted, stranger.Text
	case s.State == stateError:
		return OrphanError, cmp.Or(s.Why, "the copy has failed")
	case s.State == statePending && inv.At.Sub(s.Started) > pendingLong:
		return OrphanPending, "has been pending for more than a day"
	case status == "EXPIRED":
		return OrphanExpired, "AWS Backup could not delete it"
	case status == "PARTIAL":
		return OrphanPartial, "AWS Backup could not finish it"
	case inv.Fast[s.ID]:
		return OrphanFast, "fast restore is on, which is billed by the hour and zone on top: " + c.fastRestore()
	}
	if kind, text := c.unusedImage(s); kind != "" {
		return kind, text
	}
	if image := c.copies.images[s.ID]; image != nil || inv.Templates[s.ID] != "" {
		return "", "" // in use, whatever has become of its source
	}
	if kind, text := c.withoutSource(s, chain, ours); kind != "" {
		return kind, text
	}
	return c.withoutPolicy(s, chain, ours)
}

// fastRestore is what fast snapshot restore costs.
func (c *coverer) fastRestore() string {
	q := c.options.Rates.Quote(price.FastRestore)
	if !q.Status.Usable() {
		return "price unknown"
	}
	return fmt.Sprintf("$%s each", q.Rate.USD.Cents())
}

// unusedImage says whether a snapshot belongs to an image that nobody can launch.
func (c *coverer) unusedImage(s *fleet.Snapshot) (OrphanKind, string) {
	if image := c.copies.images[s.ID]; image != nil {
		if image.State == imageDisabled {
			return OrphanImageOff, fmt.Sprintf("%s is disabled", image.ID)
		}
		return "", ""
	}
	if id := imageOf(s); id != "" && Owner(s.Tags) == "" && c.estate.Unread[PartImages] == nil {
		return OrphanImageGone, id + " is not there any more"
	}
	return "", ""
}

// withoutSource says whether what a snapshot is of is known to be gone. What a denied or
// failed listing does not have may exist.
func (c *coverer) withoutSource(s *fleet.Snapshot, chain Chain, ours bool) (OrphanKind, string) {
	if ours && strings.HasPrefix(string(chain.Resource), "i-") {
		if exists, known := c.estate.has(chain.Resource); known && !exists {
			return OrphanInstance, fmt.Sprintf("%s is not there any more", chain.Resource)
		}
	}
	id := s.Volume
	if one, ok := chain.Volume(); ours && ok {
		id = one
	}
	if copiedVolume(id) {
		return "", "" // a result of CopySnapshot: nobody knows of which
	}
	if exists, known := c.estate.has(fleet.ResourceID(id)); known && !exists {
		return OrphanVolume, "its volume is not there any more"
	}
	return "", ""
}

// withoutPolicy says whether what would delete a snapshot is gone: our policy, or that of
// Data Lifecycle Manager, which has not deleted it in time.
func (c *coverer) withoutPolicy(s *fleet.Snapshot, chain Chain, ours bool) (OrphanKind, string) {
	if ours && len(c.settings.Policies) > 0 && !c.settings.Broken && c.policies[chain.Policy] == nil {
		return OrphanPolicy, fmt.Sprintf("the configuration has no policy %s any more", chain.Policy)
	}
	if until, err := time.Parse(time.RFC3339, s.Tags[dlmExpiration]); err == nil && c.estate.At.Sub(until) > dlmLate {
		return OrphanDLM, "Data Lifecycle Manager should have deleted it: its policy is gone or off"
	}
	return "", ""
}
