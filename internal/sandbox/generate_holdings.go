package sandbox

import (
	"time"

	"nightshift/internal/sandbox/catalog"
	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/state"
)

// MostAddresses is how many Elastic IP addresses a generated fleet has at most.
const MostAddresses = 200

// holdings gives a generated fleet what comes with one: snapshots of one volume
// in ten and of some that are gone, public addresses and detailed monitoring
// for some instances, Elastic IP addresses and, if it is large, Dedicated Hosts and
// reservations. What is drawn depends on the place of a thing in the fleet
// alone, so that the fleet itself is the same as it would be without.
func (g *generator) holdings(seed uint64, kinds map[string]catalog.HostKind) {
	h := holder{region: g.region, rng: random.New(random.HashText(seed, g.region.Name), 4), start: g.now}
	for _, i := range g.all {
		i.Public = h.rng.Float64() < 0.1
		i.Monitored = h.rng.Float64() < 0.05
	}
	for n := 0; n < min(len(g.all)/20, MostAddresses); n++ {
		a := g.region.AddAddress(h.rng, nil)
		if i := g.all[n*20]; n%4 != 0 {
			a.Associate(i)
		}
	}
	for n, v := range g.region.VolumeOrder {
		if n%10 == 0 {
			g.snapshot(h, v)
		}
	}
	g.placements(h, kinds)
}

// snapshot adds one of a volume or, one time in ten, of a volume that is gone.
// The oldest is from the volume's first day.
func (g *generator) snapshot(h holder, v *state.Volume) {
	age := max(g.now.Sub(v.Created), time.Hour)
	s := state.Snapshot{
		ID: random.ID(h.rng, "snap"), Owner: g.region.Owner, Volume: v.ID, SizeGiB: v.SizeGiB,
		Full:     int64(h.rng.Float64()*float64(v.SizeGiB)*(1<<11)) << 19,
		Archived: h.rng.Float64() < 0.02,
	}
	s.Started = g.now.Add(-time.Duration(h.rng.Float64() * float64(age))).Truncate(time.Second)
	s.Finished = s.Started.Add(time.Minute)
	if h.rng.Float64() < 0.1 {
		s.Volume = random.ID(h.rng, "vol")
	}
	g.region.AddSnapshot(s)
}

// placements puts one of each ten thousand instances, of a family that has
// hosts, on a host of its own, and reserves capacity for as many. Smaller fleets
// have neither.
func (g *generator) placements(h holder, kinds map[string]catalog.HostKind) {
	const each = 10_000
	for n := 0; n+each <= len(g.all); n += each {
		for _, i := range g.all[n : n+each] {
			kind, ok := kinds[i.Type.Family]
			if !ok || i.Spot != nil {
				continue
			}
			host := &state.DedicatedHost{Seq: g.region.NextSeq(), ID: random.ID(h.rng, "h"), Kind: kind, Zone: i.Zone, Allocated: i.FirstLaunch}
			host.Put(i)
			g.region.Other.Hosts = append(g.region.Other.Hosts, host)
			break
		}
		if i := g.all[n]; i.Spot == nil && i.Tenancy == "default" {
			h.reserve(i, 3, 30, nil).Take(i)
		}
	}
}
