package sandbox

import (
	"math/rand/v2"
	"strings"
	"time"

	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/state"
)

// holder gives a region holdings. Its random numbers are its own, so that the
// ids of instances and volumes do not depend on what else there is.
type holder struct {
	region *state.Region
	rng    *rand.Rand
	start  time.Time
}

func (h holder) ago(days float64) time.Time {
	return h.start.Add(-time.Duration(days * 24 * float64(time.Hour))).Truncate(time.Second)
}

// named finds an instance by its name. There is no other than those of the
// hand-made account, so that a wrong one is a mistake of this package.
func (h holder) named(name string) *state.Instance {
	for _, res := range h.region.Reservations {
		for _, i := range res.Instances {
			if v, _ := i.Tags.Get("Name"); v == name {
				return i
			}
		}
	}
	panic("sandbox: no instance named " + name)
}

// snapshots adds snapshots of volumes.
func (h holder) snapshots(list []takenSnapshot) {
	for _, t := range list {
		s := state.Snapshot{
			ID: random.ID(h.rng, "snap"), Owner: h.region.Owner, Volume: random.ID(h.rng, "vol"), Description: t.about,
			SizeGiB: t.gib, Started: h.ago(t.days), Archived: t.archived,
		}
		if t.of != "" {
			v := h.named(t.of).Attachments[t.device].Volume
			s.Volume, s.SizeGiB, s.Encrypted = v.ID, v.SizeGiB, v.Encrypted
		}
		if t.copied {
			s.Volume = state.CopiedVolume
		}
		s.Full = int64(t.filled*float64(s.SizeGiB)*(1<<11)) << 19 // whole blocks of 512 KiB
		s.Finished = s.Started.Add(time.Duration(s.SizeGiB) * 2 * time.Second)
		if t.pending {
			s.Finished = h.start.Add(25 * time.Minute)
		}
		if t.name != "" {
			s.Tags = state.Tags{{Key: "Name", Value: t.name}}
		}
		s.Tags = append(s.Tags, readPairs(t.tags)...)
		h.region.AddSnapshot(s)
	}
}

// shared adds a snapshot of another account that it shares with this one.
func (h holder) shared(gib int64, filled, days float64) {
	at := h.ago(days)
	h.region.AddSnapshot(state.Snapshot{
		ID: random.ID(h.rng, "snap"), Owner: "210987654321", Volume: random.ID(h.rng, "vol"), Shared: true,
		Description: "vendor data", SizeGiB: gib, Full: int64(filled*float64(gib)) << 30, Started: at, Finished: at.Add(20 * time.Minute),
	})
}

// address adds an Elastic IP address of the instance with a name, or of none.
func (h holder) address(of, pairs string) *state.Address {
	a := h.region.AddAddress(h.rng, readPairs(pairs))
	if of != "" {
		a.Associate(h.named(of))
	}
	return a
}

// reserve adds a capacity reservation for instances such as one that is there.
func (h holder) reserve(like *state.Instance, total int64, days float64, ts state.Tags) *state.CapacityReservation {
	r := &state.CapacityReservation{
		Seq: h.region.NextSeq(), ID: random.ID(h.rng, "cr"), Type: like.Type, Platform: like.System.PlatformDetails,
		Zone: like.Zone, Total: total, Created: h.ago(days), Tags: ts,
	}
	h.region.Other.Capacity = append(h.region.Other.Capacity, r)
	return r
}

// readPairs reads "key=value;key=value".
func readPairs(text string) state.Tags {
	var ts state.Tags
	for pair := range strings.SplitSeq(text, ";") {
		if k, v, ok := strings.Cut(pair, "="); ok {
			ts = append(ts, state.Tag{Key: k, Value: v})
		}
	}
	return ts
}
