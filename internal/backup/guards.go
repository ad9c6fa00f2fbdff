package backup

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"nightshift/internal/fleet"
)

const (
	// adoptedFor is how long an adopted copy stays at least, graceFor how long a set is
	// marked before an unattended run deletes it.
	adoptedFor = 14 * 24 * time.Hour
	graceFor   = 24 * time.Hour
	// An unattended run, or a person who states no number, deletes at most so many sets
	// of a policy.
	capSets, capPercent = 20, 5
)

// holds is what holds snapshots back.
type holds struct {
	unread   Part // a listing that a guard needs and that is not whole
	images   map[fleet.SnapshotID]string
	recovery map[fleet.SnapshotID]string // the vault
	copying  map[fleet.SnapshotID]fleet.SnapshotID
	base     map[fleet.SnapshotID]fleet.SnapshotID
	proven   map[fleet.SnapshotID]bool
	lastGood map[*Verdict]string
	failing  map[*chain]map[fleet.VolumeID]string
}

// guarding are the listings that guards need.
func guarding() []Part {
	return []Part{PartSnapshots, PartVolumes, PartInstances, PartImages, PartLocks, PartFast, PartTemplates, PartShared}
}

// guard asks all guards about each set that the retention would delete. The first that
// holds it is named.
func (p *planner) guard() {
	p.hold()
	p.findLastGood()
	quotas := map[PolicyID]*quota{}
	for n := range p.chains {
		c := &p.chains[n]
		q := quotas[c.Policy]
		if q == nil {
			q = &quota{}
			quotas[c.Policy] = q
		}
		q.sets += len(c.sets)
		for m := range c.verdicts {
			v := &c.verdicts[m]
			if v.Keep {
				continue
			}
			v.Guard, v.Why = p.ask(c, v)
			v.Keep = v.Guard != ""
			switch {
			case v.Set.begun():
			case v.Mark():
				q.marks = append(q.marks, v)
			case !v.Keep:
				q.deletes = append(q.deletes, v)
			}
		}
	}
	for _, q := range quotas {
		q.limit(p.options.MaxDeletions)
	}
	p.guardShared()
}

// guardShared comes last: with whom a snapshot is shared is asked of what nothing else
// holds, and what is over the most that one run deletes is held by that.
func (p *planner) guardShared() {
	for n := range p.chains {
		for m := range p.chains[n].verdicts {
			if v := &p.chains[n].verdicts[m]; !v.Keep {
				v.Guard, v.Why = p.askShared(v)
				v.Keep = v.Guard != ""
			}
		}
	}
}

// quota is how much of a policy's sets one run deletes, and marks.
type quota struct {
	sets           int
	deletes, marks []*Verdict
}

// limit keeps the newest of what is too much.
func (q *quota) limit(most int) {
	if most <= 0 {
		most = max(capSets, q.sets*capPercent/100)
	}
	for _, list := range [][]*Verdict{q.deletes, q.marks} {
		if len(list) <= most {
			continue
		}
		slices.SortFunc(list, func(a, b *Verdict) int { return newestFirst(&b.Set, &a.Set) })
		for n := most; n < len(list); n++ {
			list[n].Keep, list[n].Guard = true, GuardCap
			list[n].Why = fmt.Sprintf("one run deletes %d of the policy's %d sets at most; the oldest go first", most, q.sets)
		}
	}
}

// ask gives the first guard that holds a set, with the reason in words.
func (p *planner) ask(c *chain, v *Verdict) (Guard, string) {
	if p.held.unread != "" {
		return GuardUnread, fmt.Sprintf("the %s could not be read", p.held.unread)
	}
	if why := p.held.lastGood[v]; why != "" {
		return GuardLastGood, why
	}
	for n := range v.Set.Members {
		if guard, why := p.askCopies(&v.Set.Members[n]); guard != "" {
			return guard, why
		}
	}
	for n := range v.Set.Members {
		if why := p.held.failing[c][v.Set.Members[n].Volume]; why != "" && !v.Orphan {
			return GuardFailing, why
		}
	}
	for n := range v.Set.Members {
		if guard, why := p.askUses(&v.Set.Members[n]); guard != "" {
			return guard, why
		}
	}
	return p.askPeople(c, v)
}

// askShared holds what nobody has asked about, with whom it is shared.
func (p *planner) askShared(v *Verdict) (Guard, string) {
	if shared := p.estate.Shared; shared != nil {
		for n := range v.Set.Members {
			if _, asked := shared[v.Set.Members[n].ID]; !asked {
				return GuardUnread, fmt.Sprintf("the %s of %s were not read", PartShared, v.Set.Members[n].ID)
			}
		}
	}
	return "", ""
}

func (p *planner) askCopies(s *fleet.Snapshot) (Guard, string) {
	if id, ok := p.held.copying[s.ID]; ok {
		return GuardPending, fmt.Sprintf("%s is being copied to %s", s.ID, id)
	}
	if id, ok := p.held.base[s.ID]; ok {
		return GuardBase, fmt.Sprintf("%s is what the newest copy, %s, was made from; without it the next one is full", s.ID, id)
	}
	if p.held.proven[s.ID] {
		return GuardProven, fmt.Sprintf("%s is the newest that was proven to restore", s.ID)
	}
	return "", ""
}

// askUses asks about what AWS knows of one snapshot.
func (p *planner) askUses(s *fleet.Snapshot) (Guard, string) {
	inv := p.estate.Inventory
	if id, ok := p.held.images[s.ID]; ok {
		return GuardImage, fmt.Sprintf("%s is in use by the image %s", s.ID, id)
	}
	if id, ok := inv.Templates[s.ID]; ok {
		return GuardTemplate, fmt.Sprintf("%s is in use by the launch template %s", s.ID, id)
	}
	if until, ok := inv.Locked[s.ID]; ok && (until.IsZero() || until.After(inv.At)) {
		return GuardLocked, fmt.Sprintf("%s is locked until %s", s.ID, until.Format(time.RFC3339))
	}
	if inv.Fast[s.ID] {
		return GuardFast, fmt.Sprintf("%s has fast snapshot restore on", s.ID)
	}
	if with := inv.Shared[s.ID]; len(with) > 0 {
		return GuardShared, fmt.Sprintf("%s is shared with %s", s.ID, strings.Join(with, ", "))
	}
	if inv.Public[s.ID] {
		return GuardShared, fmt.Sprintf("%s is public", s.ID)
	}
	if vault, ok := p.held.recovery[s.ID]; ok {
		return GuardForeign, fmt.Sprintf("%s is a recovery point of AWS Backup in %s", s.ID, vault)
	}
	if why, ok := s.Tags[TagHold]; ok {
		return GuardHold, fmt.Sprintf("%s is held: %q", s.ID, why)
	}
	return "", ""
}

// askPeople asks about what only time or a person decides.
func (p *planner) askPeople(c *chain, v *Verdict) (Guard, string) {
	at, s := p.estate.At, &v.Set
	switch {
	case s.begun() && !p.options.Unattended:
		return "", ""
	case c.gone && !v.Orphan:
		return GuardSourceGone, fmt.Sprintf("%s does not exist any more: its copies are frozen", c.Resource)
	case !c.gone && c.policy != nil && c.create == nil:
		return GuardUnselected, fmt.Sprintf("policy %s does not copy %s any more: what it has copied stays", c.Policy, c.Resource)
	case v.wanted:
		return GuardApproval, "is half deleted, and its policy would keep it: a person has to approve it"
	case !s.Adopted.IsZero() && at.Sub(s.Adopted) < adoptedFor:
		return GuardAdopted, fmt.Sprintf("adopted at %s, less than 14 days ago", s.Adopted.Format(time.RFC3339))
	case !p.options.Unattended:
		return "", ""
	case v.Changed:
		return GuardApproval, "only because the policy changed: a person has to approve it"
	case v.Orphan:
		return GuardApproval, "its source is gone: a person has to approve it"
	case s.begun():
		return "", ""
	case s.Marked.IsZero():
		return GuardGrace, "is marked, and deleted a day later"
	case at.Sub(s.Marked) < graceFor:
		return GuardGrace, fmt.Sprintf("marked at %s, less than a day ago", s.Marked.Format(time.RFC3339))
	}
	return "", ""
}

// hold reads from the inventory what holds which snapshot.
func (p *planner) hold() {
	h := &p.held
	inv := &p.estate.Inventory
	for _, part := range guarding() {
		if inv.Unread[part] != nil {
			h.unread = part
			break
		}
	}
	h.images, h.recovery = map[fleet.SnapshotID]string{}, map[fleet.SnapshotID]string{}
	for _, image := range inv.Images {
		if image.State == "deregistered" {
			continue
		}
		for _, id := range image.Snapshots {
			if other := h.images[id]; other == "" || image.ID < other {
				h.images[id] = image.ID
			}
		}
	}
	for _, r := range inv.Recovery {
		if _, id, ok := strings.Cut(r.ARN, "snapshot/"); ok {
			h.recovery[fleet.SnapshotID(id)] = r.Vault
		}
	}
	p.holdCopies()
	p.holdProven()
	h.failing = map[*chain]map[fleet.VolumeID]string{}
	for n := range p.chains {
		c := &p.chains[n]
		if failing := p.failing(c); len(failing) > 0 {
			h.failing[c] = failing
		}
	}
}

// holdCopies finds the sources of copies that are being made, and of each source volume
// the newest that was copied. Whoever made the copies: a guard only keeps.
func (p *planner) holdCopies() {
	h := &p.held
	h.copying, h.base = map[fleet.SnapshotID]fleet.SnapshotID{}, map[fleet.SnapshotID]fleet.SnapshotID{}
	copies := map[fleet.SnapshotID]fleet.SnapshotID{}
	for n := range p.estate.Snapshots {
		s := &p.estate.Snapshots[n]
		value, ok := s.Tags[TagCopyOf]
		if !ok {
			continue
		}
		source, _, _ := strings.Cut(value, " ")
		id := fleet.SnapshotID(source)
		switch s.State {
		case statePending:
			h.copying[id] = max(h.copying[id], s.ID)
		case stateCompleted:
			copies[id] = max(copies[id], s.ID)
		}
	}
	if len(copies) == 0 {
		return
	}
	newest := map[fleet.VolumeID]*fleet.Snapshot{}
	for n := range p.estate.Snapshots {
		s := &p.estate.Snapshots[n]
		if copies[s.ID] == "" {
			continue
		}
		if other := newest[s.Volume]; other == nil || cmp.Or(s.Started.Compare(other.Started), cmp.Compare(s.ID, other.ID)) > 0 {
			newest[s.Volume] = s
		}
	}
	for _, s := range newest {
		h.base[s.ID] = copies[s.ID]
	}
}

// holdProven finds the newest set of each chain that was proven to restore.
func (p *planner) holdProven() {
	p.held.proven = map[fleet.SnapshotID]bool{}
	for n := range p.chains {
		for _, s := range p.chains[n].sets {
			proven := false
			for m := range s.Members {
				if _, ok := s.Members[m].Tags[TagProven]; ok {
					p.held.proven[s.Members[m].ID], proven = true, true
				}
			}
			if proven {
				break
			}
		}
	}
}

// failing are the volumes of a chain whose copies do not come any more, with the reason:
// the last try failed, or the newest good copy is older than two intervals.
func (p *planner) failing(c *chain) map[fleet.VolumeID]string {
	failing := map[fleet.VolumeID]string{}
	if c.gone {
		return failing
	}
	if failed := lastFailed(c.sets); failed != nil {
		for _, s := range c.sets {
			for n := range s.Members {
				failing[s.Members[n].Volume] = fmt.Sprintf("the last copy, of %s, failed", failed.Data.Format(time.RFC3339))
			}
		}
	}
	if c.create == nil || c.create.Reason.Code == "unchanged" {
		return failing
	}
	interval := p.clocks[c.Policy].interval
	newest := map[fleet.VolumeID]time.Time{}
	for _, s := range c.sets {
		if !s.Good() {
			continue
		}
		for n := range s.Members {
			if v := s.Members[n].Volume; newest[v].IsZero() {
				newest[v] = s.Data
			}
		}
	}
	for _, v := range c.create.Volumes {
		if data := newest[v]; failing[v] == "" && interval > 0 && p.estate.At.Sub(data) > 2*interval {
			failing[v] = fmt.Sprintf("the newest good copy of %s is of %s, more than two intervals ago", v, data.Format(time.RFC3339))
		}
	}
	return failing
}

// lastFailed is the newest set of a chain where it is no good copy, and no other one of
// its slot is; nil where creating does not fail.
func lastFailed(sets []*Set) *Set {
	for _, s := range sets {
		switch s.State {
		case SetPending, SetDeleting:
		case SetComplete:
			return nil
		default:
			good := func(other *Set) bool { return other.Good() && other.Slot.Equal(s.Slot) }
			if !slices.ContainsFunc(sets, good) {
				return s
			}
		}
	}
	return nil
}
