package sandbox

import (
	"math/rand/v2"
	"strings"
	"time"
)

// holder gives a region holdings. Its random numbers are its own, so that the
// ids of instances and volumes do not depend on what else there is.
type holder struct {
	region *region
	rng    *rand.Rand
	start  time.Time
}

func (h holder) ago(days float64) time.Time {
	return h.start.Add(-time.Duration(days * 24 * float64(time.Hour))).Truncate(time.Second)
}

// named finds an instance by its name. There is no other than those of the
// hand-made account, so that a wrong one is a mistake of this package.
func (h holder) named(name string) *instance {
	for _, res := range h.region.reservations {
		for _, i := range res.instances {
			if v, _ := i.tags.get("Name"); v == name {
				return i
			}
		}
	}
	panic("sandbox: no instance named " + name)
}

// snapshots adds snapshots of volumes.
func (h holder) snapshots(list []takenSnapshot) {
	for _, t := range list {
		s := ebsSnapshot{
			id: longID(h.rng, "snap"), owner: h.region.owner, volume: longID(h.rng, "vol"), description: t.about,
			gib: t.gib, started: h.ago(t.days), archived: t.archived,
		}
		if t.of != "" {
			v := h.named(t.of).attached[t.device].volume
			s.volume, s.gib, s.encrypted = v.id, v.gib, v.encrypted
		}
		if t.copied {
			s.volume = copiedVolume
		}
		s.full = int64(t.filled*float64(s.gib)*(1<<11)) << 19 // whole blocks of 512 KiB
		s.finished = s.started.Add(time.Duration(s.gib) * 2 * time.Second)
		if t.pending {
			s.finished = h.start.Add(25 * time.Minute)
		}
		if t.name != "" {
			s.tags = tags{{"Name", t.name}}
		}
		s.tags = append(s.tags, readPairs(t.tags)...)
		h.region.addSnapshot(s)
	}
}

// shared adds a snapshot of another account that it shares with this one.
func (h holder) shared(gib int64, filled, days float64) {
	at := h.ago(days)
	h.region.addSnapshot(ebsSnapshot{
		id: longID(h.rng, "snap"), owner: "210987654321", volume: longID(h.rng, "vol"), shared: true,
		description: "vendor data", gib: gib, full: int64(filled*float64(gib)) << 30, started: at, finished: at.Add(20 * time.Minute),
	})
}

// address adds an Elastic IP address of the instance with a name, or of none.
func (h holder) address(of, pairs string) *address {
	a := h.region.addAddress(h.rng, readPairs(pairs))
	if of != "" {
		a.associate(h.named(of))
	}
	return a
}

// reserve adds a capacity reservation for instances such as one that is there.
func (h holder) reserve(like *instance, total int64, days float64, ts tags) *capacityReservation {
	r := &capacityReservation{
		seq: h.region.next(), id: longID(h.rng, "cr"), kind: like.kind, platform: like.system.details,
		zone: like.zone, total: total, created: h.ago(days), tags: ts,
	}
	h.region.holdings.capacity = append(h.region.holdings.capacity, r)
	return r
}

// readPairs reads "key=value;key=value".
func readPairs(text string) tags {
	var ts tags
	for pair := range strings.SplitSeq(text, ";") {
		if k, v, ok := strings.Cut(pair, "="); ok {
			ts = append(ts, tag{k, v})
		}
	}
	return ts
}
