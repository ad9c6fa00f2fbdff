package backup

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/text"
)

const (
	gib = 1 << 30
	// archivedFor is for how long an archived snapshot is billed at least.
	archivedFor = 90 * 24 * time.Hour
)

// free says what the deletions of a plan give back, over all snapshots of each volume,
// whoever made them.
func (p *planner) free(plan *Plan) {
	f := freeing{p: p, deletes: map[fleet.SnapshotID]*Verdict{}, byVolume: map[fleet.VolumeID][]*fleet.Snapshot{}}
	for n := range p.chains {
		for m := range p.chains[n].verdicts {
			v := &p.chains[n].verdicts[m]
			if v.Keep {
				continue
			}
			v.Frees = Freed{Measured: true, Priced: true}
			for k := range v.Set.Members {
				f.deletes[v.Set.Members[k].ID] = v
			}
		}
	}
	plan.Frees = Freed{Measured: true, Priced: true}
	if len(f.deletes) == 0 {
		return
	}
	f.collect()
	for _, list := range f.byVolume {
		f.volume(list)
	}
	for n := range p.chains {
		for m := range p.chains[n].verdicts {
			if v := &p.chains[n].verdicts[m]; !v.Keep {
				plan.Frees.Add(v.Frees)
			}
		}
	}
}

// Add sums up. A sum is measured, or priced, where all its parts are.
func (f *Freed) Add(other Freed) {
	f.Bytes += other.Bytes
	f.USD = f.USD.Add(other.USD)
	f.Measured = f.Measured && other.Measured
	f.Priced = f.Priced && other.Priced
	f.Later = max(f.Later, other.Later)
}

// String is what deletions give back, with the price of a month; "≤" is an upper bound.
func (f Freed) String() string {
	bound := "≤ "
	if f.Measured {
		bound = ""
	}
	storage := bound + text.Commas(fmt.Sprintf("%.1f", float64(f.Bytes)/gib)) + " GiB"
	switch {
	case f.Later > 0:
		const day = 24 * time.Hour
		return fmt.Sprintf("%s in %s", storage, text.Count(int((f.Later+day-1)/day), "day", "days"))
	case f.Priced:
		return storage + ", " + bound + text.Commas("$"+f.USD.Cents().String())
	default:
		return storage
	}
}

// Monthly is String for a sentence that does not say that the price is that of a month.
func (f Freed) Monthly() string {
	if f.Priced && f.Later == 0 {
		return f.String() + " a month"
	}
	return f.String()
}

type freeing struct {
	p       *planner
	deletes map[fleet.SnapshotID]*Verdict // what is deleted
	// byVolume has the snapshots of each volume that loses one, oldest first.
	byVolume map[fleet.VolumeID][]*fleet.Snapshot
	// branched are volumes of whose snapshots other volumes were made: these may refer
	// to the same blocks.
	branched map[fleet.VolumeID]bool
}

func (f *freeing) collect() {
	sources := map[fleet.SnapshotID]bool{} // of volumes
	for n := range f.p.estate.Volumes {
		sources[f.p.estate.Volumes[n].Snapshot] = true
	}
	f.branched = map[fleet.VolumeID]bool{}
	for n := range f.p.estate.Snapshots {
		if s := &f.p.estate.Snapshots[n]; f.deletes[s.ID] != nil {
			f.byVolume[s.Volume] = nil
		}
	}
	for n := range f.p.estate.Snapshots {
		s := &f.p.estate.Snapshots[n]
		if _, ok := f.byVolume[s.Volume]; ok && s.State != stateError {
			f.byVolume[s.Volume] = append(f.byVolume[s.Volume], s)
			if sources[s.ID] {
				f.branched[s.Volume] = true
			}
		}
	}
	for _, list := range f.byVolume {
		slices.SortFunc(list, func(a, b *fleet.Snapshot) int {
			return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.ID, b.ID))
		})
	}
}

// volume goes through the snapshots of one volume, run by run. Archived ones are whole
// and no part of any run.
func (f *freeing) volume(list []*fleet.Snapshot) {
	var run []*fleet.Snapshot
	var before *fleet.Snapshot
	for _, s := range list {
		switch v := f.deletes[s.ID]; {
		case s.Archived && v != nil:
			f.archived(s)
		case s.Archived:
		case v != nil:
			run = append(run, s)
		default:
			f.run(before, run, s)
			run, before = nil, s
		}
	}
	f.run(before, run, nil)
}

// run says what a run of deletions gives back that lies between two snapshots that stay,
// either of which may be missing. The members have equal shares of what was measured;
// else each has all that it refers to, which is the most that can be.
func (f *freeing) run(before *fleet.Snapshot, run []*fleet.Snapshot, after *fleet.Snapshot) {
	if len(run) == 0 {
		return
	}
	total, measured := f.measure(before, run, after)
	for n, s := range run {
		bytes := price.SnapshotBytes(s)
		if measured {
			bytes = total / int64(len(run))
			if n == 0 {
				bytes += total % int64(len(run))
			}
		}
		f.give(s, bytes, measured && !f.branched[s.Volume], price.SnapshotStorage, f.p.binned(s))
	}
}

// measure is what the members of a run store and neither neighbour refers to: all changes
// from one to the next, without those that there are between the neighbours.
func (f *freeing) measure(before *fleet.Snapshot, run []*fleet.Snapshot, after *fleet.Snapshot) (bytes int64, ok bool) {
	if f.p.options.Changed == nil {
		return 0, false
	}
	id := func(s *fleet.Snapshot) fleet.SnapshotID {
		if s == nil {
			return ""
		}
		return s.ID
	}
	steps := append([]*fleet.Snapshot{before}, run...)
	if after != nil {
		steps = append(steps, after)
		stays, ok := f.p.options.Changed(id(before), after.ID)
		if !ok {
			return 0, false
		}
		bytes -= stays
	}
	for n := range steps[1:] {
		step, ok := f.p.options.Changed(id(steps[n]), steps[n+1].ID)
		if !ok {
			return 0, false
		}
		bytes += step
	}
	return max(bytes, 0), true
}

// archived says what an archived snapshot gives back, which is stored whole. When it was
// archived is not known, but not before it was made.
func (f *freeing) archived(s *fleet.Snapshot) {
	later := max(s.Started.Add(archivedFor).Sub(f.p.estate.At), f.p.binned(s))
	f.give(s, price.SnapshotBytes(s), false, price.SnapshotArchive, later)
}

// give adds what one snapshot gives back to the verdict of its set.
func (f *freeing) give(s *fleet.Snapshot, bytes int64, measured bool, dimension string, later time.Duration) {
	freed := Freed{Bytes: bytes, Measured: measured && f.p.estate.Unread[PartBin] == nil, Later: max(later, 0)}
	if quote := f.p.options.Rates.Quote(dimension); quote.Status.Usable() {
		freed.Priced = true
		if freed.Later == 0 {
			freed.USD = quote.Rate.USD.Times(bytes, gib)
		}
	}
	f.deletes[s.ID].Frees.Add(freed)
}

// binned is how long a snapshot stays in the Recycle Bin, where it is billed as before.
func (p *planner) binned(s *fleet.Snapshot) time.Duration {
	var longest time.Duration
	on := func(t fleet.Tag) bool { return t.On(s.Tags) }
	for _, rule := range p.estate.Bin {
		if (len(rule.Tags) == 0 || slices.ContainsFunc(rule.Tags, on)) && !slices.ContainsFunc(rule.Except, on) {
			longest = max(longest, rule.For)
		}
	}
	return longest
}
