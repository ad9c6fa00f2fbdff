package backup

import (
	"cmp"
	"fmt"
	"maps"
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

// Free says what the deletions of a plan give back, over all snapshots of each volume,
// whoever made them. The inventory is the one that the plan was made from.
func (p *Plan) Free(inv Inventory, options Options) {
	p.Frees = Freed{Measured: true, Priced: true}
	f := newFreeing(p, inv, options)
	for _, v := range f.deletes {
		v.Frees = Freed{Measured: true, Priced: true}
	}
	for _, r := range f.runs() {
		f.run(r)
	}
	for n := range p.Deletes {
		if v := &p.Deletes[n]; !v.Keep {
			p.Frees.Add(v.Frees)
		}
	}
}

// Comparisons are the pairs of snapshots of which Options.Changed says what the deletions
// of a plan really give back. Those of one run of deletions are together: all of them are
// needed, or none.
func (p *Plan) Comparisons(inv Inventory) [][]Comparison {
	var all [][]Comparison
	for _, r := range newFreeing(p, inv, Options{}).runs() {
		if !r.archived {
			all = append(all, r.comparisons())
		}
	}
	return all
}

// Comparison is a pair of snapshots of one volume; without a first one it is about all
// that the second has.
type Comparison struct{ First, Second fleet.SnapshotID }

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
	plan    *Plan
	inv     *Inventory
	options Options
	deletes map[fleet.SnapshotID]*Verdict // what is deleted
	// byVolume has the snapshots of each volume that loses one, oldest first.
	byVolume map[fleet.VolumeID][]*fleet.Snapshot
	// branched are volumes of whose snapshots other volumes were made: these may refer
	// to the same blocks.
	branched map[fleet.VolumeID]bool
}

func newFreeing(p *Plan, inv Inventory, options Options) *freeing {
	f := &freeing{
		plan: p, inv: &inv, options: options,
		deletes: map[fleet.SnapshotID]*Verdict{}, byVolume: map[fleet.VolumeID][]*fleet.Snapshot{}, branched: map[fleet.VolumeID]bool{},
	}
	for n := range p.Deletes {
		v := &p.Deletes[n]
		if v.Keep {
			continue
		}
		for k := range v.Set.Members {
			f.deletes[v.Set.Members[k].ID] = v
		}
	}
	if len(f.deletes) > 0 {
		f.collect()
	}
	return f
}

func (f *freeing) collect() {
	sources := map[fleet.SnapshotID]bool{} // of volumes
	for n := range f.inv.Volumes {
		sources[f.inv.Volumes[n].Snapshot] = true
	}
	for n := range f.inv.Snapshots {
		if s := &f.inv.Snapshots[n]; f.deletes[s.ID] != nil {
			f.byVolume[s.Volume] = nil
		}
	}
	for n := range f.inv.Snapshots {
		s := &f.inv.Snapshots[n]
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

// deletions are deletions in a row, between two snapshots that stay, either of which may
// be missing. An archived snapshot is whole and by itself.
type deletions struct {
	before, after *fleet.Snapshot
	members       []*fleet.Snapshot
	archived      bool
}

// runs are all deletions, in the order of the volumes and oldest first.
func (f *freeing) runs() []deletions {
	var all []deletions
	for _, id := range slices.Sorted(maps.Keys(f.byVolume)) {
		var run deletions
		for _, s := range f.byVolume[id] {
			switch v := f.deletes[s.ID]; {
			case s.Archived && v != nil:
				all = append(all, deletions{members: []*fleet.Snapshot{s}, archived: true})
			case s.Archived:
			case v != nil:
				run.members = append(run.members, s)
			default:
				if run.after = s; len(run.members) > 0 {
					all = append(all, run)
				}
				run = deletions{before: s}
			}
		}
		if len(run.members) > 0 {
			all = append(all, run)
		}
	}
	return all
}

// comparisons are what is to be known of a run: what changes from one snapshot to the
// next, and then, between two that stay, from one of these to the other.
func (d deletions) comparisons() []Comparison {
	var list []Comparison
	steps := d.members
	if d.before != nil {
		steps = append([]*fleet.Snapshot{d.before}, steps...)
	} else if d.after == nil {
		list = append(list, Comparison{Second: steps[0].ID})
	}
	if d.after != nil {
		steps = append(slices.Clone(steps), d.after)
	}
	for n := range steps[1:] {
		list = append(list, Comparison{steps[n].ID, steps[n+1].ID})
	}
	if d.before != nil && d.after != nil {
		list = append(list, Comparison{d.before.ID, d.after.ID})
	}
	return list
}

// run says what a run of deletions gives back. The members have equal shares of what was
// measured; else each has all that it refers to, which is the most that can be.
func (f *freeing) run(d deletions) {
	if d.archived {
		f.archived(d.members[0])
		return
	}
	total, measured := f.measure(d)
	for n, s := range d.members {
		bytes := price.SnapshotBytes(s)
		if measured {
			bytes = total / int64(len(d.members))
			if n == 0 {
				bytes += total % int64(len(d.members))
			}
		}
		f.give(s, bytes, measured && !f.branched[s.Volume], price.SnapshotStorage, f.binned(s))
	}
}

// measure is what the members of a run store and neither neighbour refers to. Before a
// snapshot that stays, these are the blocks that are gone in one of the steps up to it,
// without those of the neighbour before; else the blocks that are new in one of them.
func (f *freeing) measure(d deletions) (bytes int64, ok bool) {
	if f.options.Changed == nil {
		return 0, false
	}
	list := d.comparisons()
	for n, pair := range list {
		changes, ok := f.options.Changed(pair.First, pair.Second)
		switch {
		case !ok:
			return 0, false
		case d.after == nil:
			bytes += changes.New
		case d.before != nil && n == len(list)-1:
			bytes -= changes.Gone
		default:
			bytes += changes.Gone
		}
	}
	return max(bytes, 0), true
}

// archived says what an archived snapshot gives back, which is stored whole. When it was
// archived is not known, but not before it was made.
func (f *freeing) archived(s *fleet.Snapshot) {
	later := max(s.Started.Add(archivedFor).Sub(f.plan.At), f.binned(s))
	f.give(s, price.SnapshotBytes(s), false, price.SnapshotArchive, later)
}

// give adds what one snapshot gives back to the verdict of its set.
func (f *freeing) give(s *fleet.Snapshot, bytes int64, measured bool, dimension string, later time.Duration) {
	freed := Freed{Bytes: bytes, Measured: measured && f.inv.Unread[PartBin] == nil, Later: max(later, 0)}
	if quote := f.options.Rates.Quote(dimension); quote.Status.Usable() {
		freed.Priced = true
		if freed.Later == 0 {
			freed.USD = quote.Rate.USD.Times(bytes, gib)
		}
	}
	f.deletes[s.ID].Frees.Add(freed)
}

// binned is how long a snapshot stays in the Recycle Bin, where it is billed as before.
func (f *freeing) binned(s *fleet.Snapshot) time.Duration {
	return Binned(f.inv.Bin, s.Tags)
}

// Binned is how long the rules of the Recycle Bin hold a snapshot with tags, once it is
// deleted.
func Binned(rules []fleet.BinRule, tags fleet.Tags) time.Duration {
	var longest time.Duration
	on := func(t fleet.Tag) bool { return t.On(tags) }
	for _, rule := range rules {
		if (len(rule.Tags) == 0 || slices.ContainsFunc(rule.Tags, on)) && !slices.ContainsFunc(rule.Except, on) {
			longest = max(longest, rule.For)
		}
	}
	return longest
}
