package backup

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"nightshift/internal/fleet"
)

// AdoptInput says which snapshots, that nightshift has not made, it is to manage.
type AdoptInput struct {
	// Snapshots are named; Tags choose among all, and all must match. One of both is
	// given.
	Snapshots []fleet.SnapshotID
	Tags      []fleet.Tag
	// Policy is the one whose copies they become; empty is that which selects the volume.
	Policy PolicyID
	// Undo gives up what was adopted, and leaves the snapshots as they are.
	Undo bool
}

// Adoption is what becomes of one snapshot.
type Adoption struct {
	Snapshot fleet.SnapshotID `json:"snapshot"`
	Volume   fleet.VolumeID   `json:"volume"`
	Data     time.Time        `json:"data"`
	// Set is what it becomes, or was; empty where it is refused.
	Set SetID `json:"set,omitempty"`
	// Reason says why it is refused, or what is done.
	fleet.Reason
	// Tags are written.
	Tags fleet.Tags `json:"-"`
}

// Refused says whether nothing is done about the snapshot.
func (a Adoption) Refused() bool { return a.Set == "" }

// PlanAdoption says of each snapshot that is chosen whether it can be adopted, or given
// up, in the order of the ids. Inventory.Shared has to be there for those that
// AdoptionCandidates names.
func PlanAdoption(inv Inventory, settings Settings, in AdoptInput) []Adoption {
	p := &planner{estate: newEstate(inv), settings: settings, clocks: map[PolicyID]clock{}}
	p.hold()
	owner := choose(p.estate, settings.Policies)
	var list []Adoption
	for n := range inv.Snapshots {
		s := &inv.Snapshots[n]
		if !in.chooses(s) {
			continue
		}
		a := Adoption{Snapshot: s.ID, Volume: s.Volume, Data: s.Started}
		if in.Undo {
			p.giveUp(s, &a)
		} else {
			p.adopt(s, &a, owner.policyOf(in.Policy, s.Volume))
		}
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b Adoption) int { return cmp.Compare(a.Snapshot, b.Snapshot) })
	return list
}

// AdoptionCandidates are the snapshots that would be adopted if they are shared with
// nobody.
func AdoptionCandidates(inv Inventory, settings Settings, in AdoptInput) []fleet.SnapshotID {
	inv.Shared = nil
	var ids []fleet.SnapshotID
	for _, a := range PlanAdoption(inv, settings, in) {
		if !a.Refused() && !in.Undo {
			ids = append(ids, a.Snapshot)
		}
	}
	return ids
}

func (in AdoptInput) chooses(s *fleet.Snapshot) bool {
	if len(in.Snapshots) > 0 {
		return slices.Contains(in.Snapshots, s.ID)
	}
	return len(in.Tags) > 0 && fleet.AllOn(in.Tags, s.Tags)
}

// policyOf is the policy that copies a volume by itself, or the one that is named.
func (c *choice) policyOf(named PolicyID, volume fleet.VolumeID) *Policy {
	id := named
	if id == "" {
		id = c.owner[fleet.ResourceID(volume)]
	}
	for n := range c.policies {
		if p := &c.policies[n]; p.ID == id && p.Resource == Volumes && p.Err == nil {
			return p
		}
	}
	return nil
}

// adopt decides about one snapshot.
func (p *planner) adopt(s *fleet.Snapshot, a *Adoption, policy *Policy) {
	_, ours, stranger := Identify(*s, p.estate.At)
	owner := Owner(s.Tags)
	guard, held := p.askUses(s)
	switch {
	case ours:
		a.Reason = reason("ours", "is managed by nightshift already")
	case owner != "":
		a.Reason = reason("other-owner", "belongs to %s, which deletes it", owner)
	case stranger != (fleet.Reason{}):
		a.Reason = reason("stranger", "has tags of ours, and %s: remove them first", stranger.Text)
	case s.State != stateCompleted:
		a.Reason = reason("not-ready", "is %s", s.State)
	case copiedVolume(s.Volume):
		a.Reason = reason("copy", "is the result of a copy: nobody knows of which volume, and at what time, its data is")
	case policy == nil:
		a.Reason = reason("no-policy", "no policy copies %s by itself; name one of volumes with --policy", s.Volume)
	case p.held.unread != "":
		a.Reason = reason(string(GuardUnread), "the %s could not be read", p.held.unread)
	case guard != "":
		a.Reason = reason(string(guard), "%s", held)
	case len(s.Tags) > mostTags-adoptTags-laterTags:
		a.Reason = reason("too-many-tags", "has %d tags, and %d more are needed of %d", len(s.Tags), adoptTags+laterTags, mostTags)
	default:
		a.Set = NewSetID(Chain{policy.ID, fleet.ResourceID(s.Volume)}, s.Started, 1, false)
		a.Tags, _ = TagsFor(*policy, a.Set, s.Started, nil)
		a.Tags[TagAdopted] = p.estate.At.UTC().Format(time.RFC3339)
		a.Reason = reason("adopt", "becomes a copy of policy %s; it is first deletable after 14 days", policy.ID)
	}
}

// giveUp decides about one snapshot that was adopted.
func (p *planner) giveUp(s *fleet.Snapshot, a *Adoption) {
	c, ours, _ := Identify(*s, p.estate.At)
	if _, adopted := s.Tags[TagAdopted]; !ours || !adopted {
		a.Reason = reason("not-adopted", "was not adopted")
		return
	}
	a.Set = c.Set
	a.Reason = reason("release", "is given up; nothing of it is deleted")
}

// Adopt carries out what PlanAdoption says. There is an outcome for each snapshot.
func Adopt(ctx context.Context, copies Copies, list []Adoption, undo bool, now func() time.Time) []Outcome {
	outcomes := make([]Outcome, 0, len(list))
	for _, a := range list {
		o := Outcome{Set: a.Set, Action: DidAdopt, Result: fleet.Skipped, Reason: a.Reason, Snapshots: []fleet.SnapshotID{a.Snapshot}}
		if undo {
			o.Action = DidRelease
		}
		if a.Refused() {
			outcomes = append(outcomes, o)
			continue
		}
		o.Chain, _, _, _, _ = a.Set.Read()
		var err error
		if undo {
			err = copies.UntagCopies(ctx, o.Snapshots, ownTags()) // with one left it would be a stranger, and cover nothing
		} else {
			err = copies.TagCopies(ctx, o.Snapshots, a.Tags)
		}
		if err != nil {
			o.Result, o.Reason = failure(err)
		} else {
			o.Result, o.At = fleet.Done, now()
		}
		outcomes = append(outcomes, o)
	}
	return outcomes
}

// Bin gives deleted snapshots back.
type Bin interface {
	Copies
	// Undelete takes a snapshot out of the Recycle Bin; one that is not there is an error
	// of kind fleet.ErrNotFound.
	Undelete(ctx context.Context, id fleet.SnapshotID) error
}

// Undelete takes a snapshot out of the Recycle Bin. One of ours loses its mark and is held
// by a tag, for retention would delete it again.
func Undelete(ctx context.Context, bin Bin, id fleet.SnapshotID, now time.Time) error {
	if err := bin.Undelete(ctx, id); err != nil {
		return err
	}
	found, err := bin.ReadCopies(ctx, []fleet.SnapshotID{id})
	if err == nil && len(found) == 1 && hasOwn(found[0].Tags) {
		err = bin.TagCopies(ctx, []fleet.SnapshotID{id}, fleet.Tags{TagHold: "undeleted at " + now.UTC().Format(time.RFC3339)})
		if err == nil {
			err = bin.UntagCopies(ctx, []fleet.SnapshotID{id}, []string{TagDeleting})
		}
	}
	if err != nil {
		return fmt.Errorf("%s is out of the bin, but keeps its mark, so that it may be deleted again: %w", id, err)
	}
	return nil
}
