package sandbox

import "time"

// mostAddresses is how many Elastic IP addresses a generated fleet has at most.
const mostAddresses = 200

// holdings gives a generated fleet what comes with one: snapshots of one volume
// in ten and of some that are gone, public addresses and detailed monitoring
// for some instances, Elastic IP addresses and, if it is large, Dedicated Hosts and
// reservations. What is drawn depends on the place of a thing in the fleet
// alone, so that the fleet itself is the same as it would be without.
func (g *generator) holdings(seed uint64, kinds map[string]hostKind) {
	h := holder{region: g.region, rng: newRand(mixText(seed, g.region.name), 4), start: g.now}
	for _, i := range g.all {
		i.public = h.rng.Float64() < 0.1
		i.monitored = h.rng.Float64() < 0.05
	}
	for n := 0; n < min(len(g.all)/20, mostAddresses); n++ {
		a := g.region.addAddress(h.rng, nil)
		if i := g.all[n*20]; n%4 != 0 {
			a.associate(i)
		}
	}
	for n, v := range g.region.volumeOrder {
		if n%10 == 0 {
			g.snapshot(h, v)
		}
	}
	g.placements(h, kinds)
}

// snapshot adds one of a volume or, one time in ten, of a volume that is gone.
// The oldest is from the volume's first day.
func (g *generator) snapshot(h holder, v *volume) {
	age := max(g.now.Sub(v.created), time.Hour)
	s := ebsSnapshot{
		id: longID(h.rng, "snap"), owner: g.region.owner, volume: v.id, gib: v.gib,
		full:     int64(h.rng.Float64()*float64(v.gib)*(1<<11)) << 19,
		archived: h.rng.Float64() < 0.02,
	}
	s.started = g.now.Add(-time.Duration(h.rng.Float64() * float64(age))).Truncate(time.Second)
	s.finished = s.started.Add(time.Minute)
	if h.rng.Float64() < 0.1 {
		s.volume = longID(h.rng, "vol")
	}
	g.region.addSnapshot(s)
}

// placements puts one of each ten thousand instances, of a family that has
// hosts, on a host of its own, and reserves capacity for as many. Smaller fleets
// have neither.
func (g *generator) placements(h holder, kinds map[string]hostKind) {
	const each = 10_000
	for n := 0; n+each <= len(g.all); n += each {
		for _, i := range g.all[n : n+each] {
			kind, ok := kinds[i.kind.Family]
			if !ok || i.spot != nil {
				continue
			}
			host := &dedicatedHost{seq: g.region.next(), id: longID(h.rng, "h"), kind: kind, zone: i.zone, allocated: i.first}
			host.put(i)
			g.region.holdings.hosts = append(g.region.holdings.hosts, host)
			break
		}
		if i := g.all[n]; i.spot == nil && i.tenancy == "default" {
			h.reserve(i, 3, 30, nil).take(i)
		}
	}
}
