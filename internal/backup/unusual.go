package backup

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/fleet"
)

const (
	// unusualTimes is how many times the median of the earlier copies is unusual.
	unusualTimes = 10
	// leastEarlier is how many earlier copies make a median that says something.
	leastEarlier = 3
	// leastUnusual is below what nothing is unusual: of a volume on which little happens
	// ten times that is little, too.
	leastUnusual = 1 << 30
	// changedUnit is the unit of the tag: a block of a snapshot.
	changedUnit = 512 << 10
)

// UnusualChange is a volume of which the last copy changed more than ten times the median
// of those before it: something may be encrypting it.
type UnusualChange struct {
	Volume   fleet.VolumeID   `json:"volume"`
	Name     string           `json:"name"`
	Policy   PolicyID         `json:"policy"` // that copies it; empty where none does
	Snapshot fleet.SnapshotID `json:"snapshot"`
	Data     time.Time        `json:"data"`
	// Bytes were written since the copy before, at least where AtLeast is true; Median is
	// that of the earlier copies.
	Bytes   int64 `json:"bytes"`
	AtLeast bool  `json:"at_least,omitempty"`
	Median  int64 `json:"median_bytes"`
}

// ChangedTag writes how much of a copy is new since the one before: a number of blocks,
// with "+" where there are more.
func ChangedTag(c fleet.BlockChanges) string {
	text := strconv.FormatInt(c.New/changedUnit, 10)
	if c.AtLeast {
		text += "+"
	}
	return text
}

// changedOf reads the tag; false where a copy has none that can be read.
func changedOf(tags fleet.Tags) (c fleet.BlockChanges, ok bool) {
	number, more := strings.CutSuffix(tags[TagChanged], "+")
	blocks, err := strconv.ParseInt(number, 10, 32)
	if err != nil || blocks < 0 || strconv.FormatInt(blocks, 10) != number {
		return fleet.BlockChanges{}, false
	}
	return fleet.BlockChanges{New: blocks * changedUnit, AtLeast: more}, true
}

// Unmeasured are the newest good copies of what the policies select, each with the one
// before it, of which no tag says how much changed between them. They are in the order of
// the chains. A copy that has no room for a tag is left out.
func (p *Plan) Unmeasured() []Comparison {
	var list []Comparison
	selected := map[Chain]bool{}
	for n := range p.Creates {
		if c := &p.Creates[n]; len(c.Volumes) > 0 {
			selected[Chain{c.Policy, c.Resource}] = true
		}
	}
	for begin := 0; begin < len(p.Deletes); {
		chain, end := p.Deletes[begin].Set.Chain, begin
		var good []*Set
		for ; end < len(p.Deletes) && p.Deletes[end].Set.Chain == chain; end++ {
			if s := &p.Deletes[end].Set; s.Good() && len(good) < 2 {
				good = append(good, s)
			}
		}
		if begin = end; selected[chain] && len(good) == 2 {
			list = append(list, unmeasured(good[1], good[0])...)
		}
	}
	return list
}

// unmeasured are the members of a set whose tags do not say how much changed since another.
func unmeasured(before, set *Set) []Comparison {
	var list []Comparison
	for n := range set.Members {
		m := &set.Members[n]
		_, measured := m.Tags[TagChanged]
		at := slices.IndexFunc(before.Members, func(s fleet.Snapshot) bool { return s.Volume == m.Volume })
		if measured || len(m.Tags) >= mostTags || at < 0 || m.Archived || before.Members[at].Archived {
			continue
		}
		list = append(list, Comparison{before.Members[at].ID, m.ID})
	}
	return list
}

// unusual are the volumes of which the last copy changed unusually much, in the order of
// their ids, as far as that was measured.
func (c *coverer) unusual(volumes []VolumeStatus) []UnusualChange {
	list := []UnusualChange{}
	for n := range volumes {
		v := &volumes[n]
		var earlier []int64
		var last *UnusualChange
		first := true
		for _, g := range c.copies.of[v.Volume] {
			if g.By != ByNightshift {
				continue
			}
			changes, measured := changedOf(g.tags)
			switch {
			case first && measured:
				last = &UnusualChange{v.Volume, v.Name, v.Policy, g.Snapshot, g.Data, changes.New, changes.AtLeast, 0}
			case measured:
				earlier = append(earlier, changes.New)
			}
			first = false
		}
		if last == nil || len(earlier) < leastEarlier {
			continue
		}
		slices.Sort(earlier)
		if last.Median = earlier[len(earlier)/2]; last.Bytes >= leastUnusual && last.Bytes > unusualTimes*last.Median {
			list = append(list, *last)
		}
	}
	slices.SortFunc(list, func(a, b UnusualChange) int { return cmp.Compare(a.Volume, b.Volume) })
	return list
}

// Text says what is unusual.
func (u UnusualChange) Text() string {
	atLeast := ""
	if u.AtLeast {
		atLeast = "at least "
	}
	return fmt.Sprintf("%s%.1f GiB changed before the copy of %s, and %.1f GiB is the median of the earlier ones: is something encrypting it?",
		atLeast, float64(u.Bytes)/gib, u.Data.UTC().Format("2006-01-02 15:04"), float64(u.Median)/gib)
}
