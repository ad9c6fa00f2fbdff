package price

import "nightshift/internal/fleet"

const gib = 1 << 30

// SnapshotBytes is the most that a snapshot can store: all blocks that it refers to, or
// the size of the volume where EC2 does not say.
func SnapshotBytes(s *fleet.Snapshot) int64 {
	if s.FullBytes > 0 {
		return s.FullBytes
	}
	return s.SizeGiB * gib
}

// SnapshotChain are the snapshots of one volume in the standard tier of which EC2 says to
// how many blocks they refer. They have blocks in common, so that nobody but the bill
// knows what each of them adds. At any time all of them cost at least as much as the
// largest, and at most as much as each alone.
type SnapshotChain struct {
	Snapshots []*fleet.Snapshot // in the order in which they were given
	Largest   *fleet.Snapshot
}

// SnapshotChains are the chains of the snapshots, by their volumes. Archived ones are
// stored whole and are part of none, and so are those of no volume.
func SnapshotChains(snapshots []*fleet.Snapshot) map[fleet.VolumeID]SnapshotChain {
	chains := map[fleet.VolumeID]SnapshotChain{}
	for _, s := range snapshots {
		if s.Archived || s.Volume == "" || s.FullBytes == 0 {
			continue
		}
		c := chains[s.Volume]
		c.Snapshots = append(c.Snapshots, s)
		if c.Largest == nil || s.FullBytes > c.Largest.FullBytes {
			c.Largest = s
		}
		chains[s.Volume] = c
	}
	return chains
}

// StorageBound is between what storage costs a month. It is known where Priced is true.
type StorageBound struct {
	Low    USD  `json:"low"`
	High   USD  `json:"high"`
	Priced bool `json:"priced"`
}

// Add sums two up. A sum is known where both are.
func (b StorageBound) Add(c StorageBound) StorageBound {
	return StorageBound{b.Low.Add(c.Low), b.High.Add(c.High), b.Priced && c.Priced}
}

// SnapshotBound is between what some snapshots cost in a full month. Archived ones are
// stored whole; the others of one volume cost together at least as much as the largest of
// them, and at most as much as each alone. One in error stores nothing.
func SnapshotBound(snapshots []*fleet.Snapshot, rates Rates) StorageBound {
	var least, most, archived int64
	var stored []*fleet.Snapshot
	for _, s := range snapshots {
		switch {
		case s.State == "error":
		case s.Archived:
			archived += SnapshotBytes(s)
		default:
			most += SnapshotBytes(s)
			stored = append(stored, s)
		}
	}
	for _, c := range SnapshotChains(stored) {
		least += c.Largest.FullBytes
	}
	bound := StorageBound{Priced: true}
	for _, part := range []struct {
		dimension string
		low, high int64
	}{{SnapshotStorage, least, most}, {SnapshotArchive, archived, archived}} {
		if part.high > 0 {
			q := rates.Quote(part.dimension)
			bound = bound.Add(StorageBound{q.Rate.USD.Times(part.low, gib), q.Rate.USD.Times(part.high, gib), q.Status.Usable()})
		}
	}
	return bound
}
