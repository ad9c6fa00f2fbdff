package backup

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/retention"
	"nightshift/internal/schedule"
)

// visibleWithin is how long a new snapshot, or its tags, may be missing from a listing.
const visibleWithin = 5 * time.Minute

// Sets groups the snapshots of ours, by chain and newest first, and lists the strangers
// in the order of their ids. Two tries of one slot are two sets: what was copied at
// different moments is never mixed, except for single copies.
func Sets(snapshots []fleet.Snapshot, at time.Time) ([]Set, []Stranger) {
	var sets []Set
	strangers := group(snapshots, at, func(most int) { sets = make([]Set, 0, most) }, func(s Set) { sets = append(sets, s) })
	order := func(a, b Set) int { return byChain(&a, &b) }
	if !slices.IsSortedFunc(sets, order) {
		slices.SortFunc(sets, order)
	}
	return sets, strangers
}

// group gives each set to add, nearly in order, after expect with how many there are at
// most.
func group(snapshots []fleet.Snapshot, at time.Time, expect func(most int), add func(Set)) []Stranger {
	var strangers []Stranger
	found := make([]member, 0, len(snapshots))
	for n := range snapshots {
		c, ours, reason := Identify(snapshots[n], at)
		switch {
		case ours:
			found = append(found, member{c, &snapshots[n], n})
		case reason != (fleet.Reason{}):
			strangers = append(strangers, Stranger{snapshots[n].ID, reason})
		}
	}
	slices.SortFunc(strangers, func(a, b Stranger) int { return cmp.Compare(a.Snapshot, b.Snapshot) })
	slices.SortFunc(found, func(a, b member) int {
		if c := a.Chain.compare(b.Chain); c != 0 {
			return c
		}
		if c := b.Slot.Compare(a.Slot); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(a.Set, b.Set), a.Data.Compare(b.Data),
			cmp.Compare(a.snapshot.Volume, b.snapshot.Volume), cmp.Compare(a.snapshot.ID, b.snapshot.ID))
	})
	expect(len(found))
	g := grouping{at: at, all: snapshots, kept: map[string]*Stored{}, add: add}
	for len(found) > 0 {
		end := 1
		for end < len(found) && found[end].Set == found[0].Set && (found[0].Single || found[end].Data.Equal(found[0].Data)) {
			end++
		}
		g.tries(found[:end])
		found = found[end:]
	}
	return strangers
}

// byChain orders sets by chain and each chain newest first.
func byChain(a, b *Set) int {
	if c := a.Chain.compare(b.Chain); c != 0 {
		return c
	}
	return newestFirst(a, b)
}

// member is a snapshot of ours with what its tags say.
type member struct {
	Copy
	snapshot *fleet.Snapshot
	place    int // among all snapshots
}

// worth orders the copies of one volume that were made at the same moment.
func (m member) worth() int {
	_, marked := m.snapshot.Tags[TagDeleting]
	switch {
	case m.snapshot.State == stateError:
		return 2
	case marked:
		return 1
	}
	return 0
}

type grouping struct {
	at   time.Time
	all  []fleet.Snapshot
	kept map[string]*Stored // tags of keep that were read already
	add  func(Set)
}

// tries makes sets of members with one name. Where two runs have copied at the same
// moment there are several copies of a volume, and as many sets.
func (g *grouping) tries(list []member) {
	if len(list) == 1 {
		g.add(g.set(list))
		return
	}
	// What is marked or in error never takes the place of a member of a good set.
	slices.SortStableFunc(list, func(a, b member) int { return cmp.Compare(a.worth(), b.worth()) })
	seen := map[fleet.VolumeID]int{}
	var groups [][]member
	for _, m := range list {
		volume := m.snapshot.Volume
		if copiedVolume(volume) {
			volume = fleet.VolumeID(m.snapshot.ID) // an adopted result of CopySnapshot: nobody knows of which
		}
		n := seen[volume]
		seen[volume]++
		if n == len(groups) {
			groups = append(groups, nil)
		}
		groups[n] = append(groups[n], m)
	}
	for _, group := range groups {
		g.add(g.set(group))
	}
}

func (g *grouping) set(list []member) Set {
	first := list[0]
	s := Set{
		ID: first.Set, Chain: first.Chain, Slot: first.Slot, Data: first.Data,
		Expected: first.Expected, Single: first.Single,
		Members: g.all[first.place : first.place+1 : first.place+1], // most sets have one, which is not copied then
	}
	if len(list) > 1 {
		s.Members = make([]fleet.Snapshot, len(list))
	}
	keep := first.snapshot.Tags[TagKeep]
	for n, m := range list {
		if len(list) > 1 {
			s.Members[n] = *m.snapshot
		}
		if m.Data.Before(s.Data) {
			s.Data = m.Data
		}
		if m.snapshot.Tags[TagKeep] != keep {
			keep = "" // a member without the tag, or with another one: neither is believed
		}
		s.Marked = earliest(s.Marked, m.snapshot.Tags[TagDeleting])
		s.Adopted = latest(s.Adopted, m.snapshot.Tags[TagAdopted])
	}
	slices.SortFunc(s.Members, func(a, b fleet.Snapshot) int { return cmp.Compare(a.ID, b.ID) })
	s.Stored = g.stored(keep)
	s.State = g.state(&s)
	return s
}

// state is the worst of what is true of the members.
func (g *grouping) state(s *Set) SetState {
	pending, failed, marked, newest := false, false, false, time.Time{}
	for n := range s.Members {
		m := &s.Members[n]
		if _, deleting := m.Tags[TagDeleting]; deleting {
			marked = true
		}
		failed = failed || m.State == stateError
		pending = pending || m.State != stateCompleted
		if m.Started.After(newest) {
			newest = m.Started
		}
	}
	missing := len(s.Members) < s.Expected
	switch {
	case failed:
		return SetError // also a marked one: it holds no data that could be kept
	case marked:
		return SetDeleting
	case missing && g.at.Sub(newest) < visibleWithin:
		return SetPending // the others may only not be visible yet
	case missing:
		return SetIncomplete
	case pending:
		return SetPending
	}
	return SetComplete
}

// stored reads a tag of keep, nil where it cannot be read.
func (g *grouping) stored(tag string) *Stored {
	if s, ok := g.kept[tag]; ok {
		return s
	}
	s := parseStored(tag)
	g.kept[tag] = s
	return s
}

// zoneWord separates the keep and its zone in the tag.
const zoneWord = ";zone="

func parseStored(tag string) *Stored {
	text, name, ok := strings.Cut(tag, zoneWord)
	if !ok {
		return nil
	}
	keep, err := retention.ParseKeep(text)
	if err != nil || keep.Empty() {
		return nil
	}
	zone, err := schedule.LoadZone(name)
	if err != nil {
		return nil
	}
	return &Stored{keep, zone}
}

// String is the value of the tag.
func (s Stored) String() string { return s.Keep.String() + zoneWord + s.Zone.String() }

func earliest(t time.Time, text string) time.Time {
	if text == "" {
		return t
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || !t.IsZero() && t.Before(at) {
		return t
	}
	return at.UTC()
}

func latest(t time.Time, text string) time.Time {
	if text == "" {
		return t
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.Before(t) {
		return t
	}
	return at.UTC()
}
