package state

import (
	"slices"
	"time"
)

// InBin is the tag of what is in the Recycle Bin.
const InBin = "aws:recycle-bin:resource-in-bin"

// BinRule is a retention rule of the Recycle Bin for snapshots.
type BinRule struct {
	ID          string // 11 letters and digits
	Description string
	// Tags are those of which a snapshot needs one; a tag without a value stands for
	// all values. None means all snapshots of the region.
	Tags   Tags
	Days   int64
	Locked bool
}

// Binned is a snapshot in the Recycle Bin.
type Binned struct {
	*Snapshot
	Place          uint64 // in the order in which they came
	Entered, Exits time.Time
}

// keeps says whether a rule is for a snapshot with tags.
func (b BinRule) keeps(ts Tags) bool {
	return len(b.Tags) == 0 || slices.ContainsFunc(b.Tags, func(x Tag) bool {
		v, has := ts.Get(x.Key)
		return has && (x.Value == "" || x.Value == v)
	})
}

// binDays is how many days the bin keeps a snapshot with tags: of the rules with tags
// the longest, else of those without.
func (h *OtherResources) binDays(ts Tags) int64 {
	var tagged, all int64
	for _, b := range h.BinRules {
		switch {
		case !b.keeps(ts):
		case len(b.Tags) > 0:
			tagged = max(tagged, b.Days)
		default:
			all = max(all, b.Days)
		}
	}
	if tagged > 0 {
		return tagged
	}
	return all
}

// DeleteSnapshot takes a snapshot out of the region, and puts it into the Recycle Bin
// where a rule is for it and it is complete.
func (r *Region) DeleteSnapshot(s *Snapshot, now time.Time) {
	days := r.Other.binDays(s.Tags)
	complete := s.Status(now) == "completed"
	r.RemoveSnapshot(s, now)
	if days > 0 && complete {
		s.Tags = s.Tags.With(InBin, "true")
		r.Other.Bin = append(r.Other.Bin, Binned{s, r.NextSeq(), now, now.AddDate(0, 0, int(days))})
	}
}

// InRecycleBin lists the snapshots in the Recycle Bin. What is older than its rule said
// is gone.
func (r *Region) InRecycleBin(now time.Time) []Binned {
	r.Other.Bin = slices.DeleteFunc(r.Other.Bin, func(b Binned) bool { return !now.Before(b.Exits) })
	return r.Other.Bin
}

// RestoreSnapshot takes a snapshot out of the Recycle Bin.
func (r *Region) RestoreSnapshot(s *Snapshot) {
	r.Other.Bin = slices.DeleteFunc(r.Other.Bin, func(b Binned) bool { return b.Snapshot == s })
	s.Tags = s.Tags.Without(InBin, nil)
	r.putSnapshot(s)
}
