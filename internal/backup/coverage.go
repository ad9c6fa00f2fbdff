package backup

import (
	"fmt"
	"slices"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// coverer is what the verdicts of one status share.
type coverer struct {
	estate    *estate
	settings  Settings
	options   StatusOptions
	copies    *goodCopies
	choice    *choice
	excluded  map[fleet.VolumeID]fleet.Reason // by a policy
	policies  map[PolicyID]*Policy
	objective map[PolicyID]time.Duration
	past      map[fleet.VolumeID][]time.Time
	// ofInstances is true where a policy selects instances: the RPO of a volume is then
	// not known before they are.
	ofInstances bool
}

func newCoverer(inv Inventory, settings Settings, o StatusOptions) *coverer {
	c := &coverer{
		estate: newEstate(inv), settings: settings, options: o, copies: findGoodCopies(&inv),
		excluded: map[fleet.VolumeID]fleet.Reason{}, policies: map[PolicyID]*Policy{}, objective: map[PolicyID]time.Duration{},
		past: map[fleet.VolumeID][]time.Time{},
	}
	for n := range settings.Policies {
		p := &settings.Policies[n]
		c.policies[p.ID], c.objective[p.ID] = p, p.Objective(inv.At)
		c.ofInstances = c.ofInstances || p.Resource == Instances
	}
	c.choice = choose(c.estate, settings.Policies)
	for n := range c.choice.creates {
		c.exclude(&c.choice.creates[n])
	}
	c.recall()
	return c
}

// exclude remembers which volumes of a resource are not copied on purpose.
func (c *coverer) exclude(create *Create) {
	meant := func(why fleet.Reason) bool { return why.Code == "excluded" || why.Code == "ephemeral" }
	for _, e := range create.Excluded {
		if meant(e.Reason) {
			c.excluded[e.Volume] = e.Reason
		}
	}
	if create.Reason.Code == "ephemeral" && len(create.Excluded) == 0 {
		for _, id := range c.estate.disks[create.Resource] {
			c.excluded[id] = create.Reason
		}
	}
}

// volumes are the verdicts on all volumes. Where the listing of the volumes is not whole,
// those that snapshots are of may exist: they are unknown, never gone.
func (c *coverer) volumes() []VolumeStatus {
	list := make([]VolumeStatus, 0, len(c.estate.volumeIDs))
	for _, id := range c.estate.volumeIDs {
		list = append(list, c.volume(c.estate.volumes[id]))
	}
	if c.estate.Unread[PartVolumes] == nil {
		return list
	}
	for id, snapshots := range c.copies.all {
		if c.estate.volumes[id] != nil || copiedVolume(id) {
			continue
		}
		v := VolumeStatus{Volume: id, Name: string(id), Instances: []fleet.ResourceID{}, Tags: fleet.Tags{}, Coverage: Unknown, Reason: unreadReason(PartVolumes), RPO: Hours(c.rpo(""))}
		c.count(&v)
		v.Monthly = c.cost(snapshots)
		list = append(list, v)
	}
	slices.SortFunc(list, func(a, b VolumeStatus) int { return compareIDs(a.Volume, b.Volume) })
	return list
}

func (c *coverer) volume(v *fleet.Volume) VolumeStatus {
	out := VolumeStatus{Volume: v.ID, Name: v.Name(), Instances: append([]fleet.ResourceID{}, attachedTo(v)...), SizeGiB: v.SizeGiB, Tags: v.Tags, State: "detached"}
	if len(out.Instances) > 0 {
		out.State = ""
		if i := c.estate.instances[out.Instances[0]]; i != nil {
			out.State, out.InstanceName, out.InstanceTags = string(i.State), i.Name(), i.Tags
			if _, named := v.Tags["Name"]; !named {
				out.Name = i.Name()
			}
		}
	}
	if chain, ok := c.choice.claimed[v.ID]; ok {
		out.Policy = chain.Policy
	}
	out.RPO = Hours(c.rpo(out.Policy))
	c.count(&out)
	if out.Last == nil && !v.Created.IsZero() {
		out.Gap = Hours(max(c.estate.At.Sub(v.Created), 0))
	}
	out.Worst = c.worst(v)
	out.Monthly = c.cost(c.copies.all[v.ID])
	out.Coverage, out.Reason = c.verdict(v, &out)
	return out
}

// count adds the good copies that there are.
func (c *coverer) count(v *VolumeStatus) {
	copies := c.copies.of[v.Volume]
	if v.Copies = len(copies); v.Copies == 0 {
		return
	}
	v.Last = &copies[0]
	v.Gap = Hours(max(c.estate.At.Sub(v.Last.Data), 0))
}

// cost is what snapshots cost, which is not known where others may be missing.
func (c *coverer) cost(snapshots []*fleet.Snapshot) price.StorageBound {
	if c.estate.Unread[PartSnapshots] != nil {
		return price.StorageBound{}
	}
	return price.SnapshotBound(snapshots, c.options.Rates)
}

// rpo is how old the newest good copy of a volume may be.
func (c *coverer) rpo(id PolicyID) time.Duration {
	if objective, ok := c.objective[id]; ok {
		return objective
	}
	if c.settings.RPO > 0 {
		return c.settings.RPO
	}
	return DefaultRPO
}

// verdict is the coverage of a volume. A copy that is young enough protects it, whatever
// else could not be read.
func (c *coverer) verdict(v *fleet.Volume, s *VolumeStatus) (Coverage, fleet.Reason) {
	part, unread := c.unreadFor(v)
	covered := s.Last != nil && s.Gap <= s.RPO
	switch {
	case covered && (part != PartInstances || !c.ofInstances):
		return Protected, fleet.Reason{}
	case s.Last != nil && Unchanged(v, func(i fleet.ResourceID) *fleet.Instance { return c.estate.instances[i] }, s.Last.Data, s.Last.sizeGiB):
		return Protected, reason("unchanged", "has not been written to since its last copy")
	case part == PartInstances:
		return Unknown, unreadReason(part)
	case c.excluded[v.ID] != fleet.Reason{} && s.Policy == "":
		return NotCopied, c.excluded[v.ID]
	case s.Policy == "" && c.estate.ephemeralVolume(v) != "":
		return NotCopied, reason("ephemeral", "%s", c.estate.ephemeralVolume(v))
	case unread:
		return Unknown, unreadReason(part)
	case s.Last != nil:
		return Stale, c.why(v, s)
	case !v.Created.IsZero() && s.Gap < s.RPO:
		return New, reason("new", "its first copy may still come")
	default:
		return Unprotected, c.why(v, s)
	}
}

// unreadFor names a listing without which the coverage of a volume is not known.
func (c *coverer) unreadFor(v *fleet.Volume) (Part, bool) {
	if c.estate.Unread[PartInstances] != nil {
		for _, id := range attachedTo(v) {
			if c.estate.instances[id] == nil { // its policy, and with it its RPO
				return PartInstances, true
			}
		}
	}
	if c.estate.Unread[PartSnapshots] != nil {
		return PartSnapshots, true
	}
	if at, ok := c.copies.doubtful[v.ID]; ok && c.estate.At.Sub(at) <= c.rpo(c.choice.claimed[v.ID].Policy) {
		return recoveryPart(&c.estate.Inventory), true
	}
	return "", false
}

func unreadReason(part Part) fleet.Reason {
	return reason("unread", "the %s could not be read", part)
}

// why says why a volume has no copy that is young enough.
func (c *coverer) why(v *fleet.Volume, s *VolumeStatus) fleet.Reason {
	out := reason("no-policy", "no policy copies it")
	if s.Policy != "" {
		out = reason("not-copied", "no good copy by %s", s.Policy)
		if s.Last != nil && s.Last.By == ByNightshift {
			out = reason("late", "no newer copy by %s", s.Policy)
		}
		if p := c.policies[s.Policy]; p.Err != nil {
			out = reason("invalid-policy", "policy %s has an error", s.Policy)
		}
	}
	var newest *fleet.Snapshot
	for _, copied := range c.copies.all[v.ID] {
		if (s.Last == nil || copied.Started.After(s.Last.Data)) && (newest == nil || copied.Started.After(newest.Started)) {
			newest = copied
		}
	}
	if newest != nil {
		if why := c.bad(newest); why != "" {
			out.Text += "; " + why
		}
	}
	return out
}

// bad says why a snapshot is not a good copy.
func (c *coverer) bad(s *fleet.Snapshot) string {
	switch status, point := c.copies.points[s.ID]; {
	case s.State == statePending:
		return fmt.Sprintf("%s is being made", s.ID)
	case s.State == stateError && s.Why != "":
		return fmt.Sprintf("%s is in error: %s", s.ID, s.Why)
	case s.State == stateError:
		return fmt.Sprintf("%s is in error", s.ID)
	case s.Archived:
		return fmt.Sprintf("%s is archived", s.ID)
	case point:
		return fmt.Sprintf("AWS Backup calls %s %s", s.ID, status)
	case Owner(s.Tags) == ownerBackup && recoveryPart(&c.estate.Inventory) != "":
		return fmt.Sprintf("whether AWS Backup has a recovery point of %s is not known", s.ID)
	case Owner(s.Tags) == ownerBackup:
		return fmt.Sprintf("AWS Backup has no recovery point of %s", s.ID)
	case c.copies.strangers[s.ID] != fleet.Reason{}:
		return fmt.Sprintf("%s %s", s.ID, c.copies.strangers[s.ID].Text)
	default:
		return fmt.Sprintf("the set of %s is not whole", s.ID)
	}
}

// public are the snapshots that everybody may make volumes of.
func (c *coverer) public() []PublicSnapshot {
	list := []PublicSnapshot{}
	for n := range c.estate.Snapshots {
		if s := &c.estate.Snapshots[n]; c.estate.Public[s.ID] {
			list = append(list, PublicSnapshot{s.ID, s.Name(), s.Volume, s.Started})
		}
	}
	slices.SortFunc(list, func(a, b PublicSnapshot) int { return compareIDs(a.Snapshot, b.Snapshot) })
	return list
}
