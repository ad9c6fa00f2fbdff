package sandbox

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"nightshift/internal/sandbox/catalog"
	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/state"
)

// defaultTypes is the number of distinct instance types in a generated fleet.
const defaultTypes = 40

// generate fills DefaultRegion with n instances and 2n volumes, and what comes
// with them.
func generate(a *state.Account, n, types int) error {
	r := a.Regions[state.DefaultRegion]
	if r == nil {
		return errors.New("a generated fleet lives in " + state.DefaultRegion + ", which is not among the regions")
	}
	if types == 0 {
		types = defaultTypes
	}
	r.Rand = random.New(random.HashText(a.Seed, r.Name), 2)
	kinds, err := pickTypes(a, r, types)
	if err != nil {
		return err
	}
	g := generator{rng: r.Rand, region: r, now: a.Clock.Start, kinds: kinds}
	for g.made < n {
		g.reservation(min(1+g.rng.IntN(4), n-g.made))
	}
	g.volumes(2 * n)
	hosts, err := catalog.LoadHosts()
	if err != nil {
		return err
	}
	g.holdings(a.Seed, hosts)
	return nil
}

// pickTypes chooses distinct types that have a price in the region.
func pickTypes(a *state.Account, r *state.Region, n int) ([]catalog.Type, error) {
	var all []catalog.Type
	for _, name := range a.Catalog.Priced(r.Name) {
		if t, ok := a.Types.Spec(name); ok && !t.BareMetal {
			all = append(all, t)
		}
	}
	if n > len(all) {
		return nil, fmt.Errorf("%d instance types asked for; the price list has %d in %s", n, len(all), r.Name)
	}
	r.Rand.Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
	return all[:n], nil
}

// generator makes a fleet of mixed systems, states and tags.
type generator struct {
	rng    *rand.Rand
	region *state.Region
	now    time.Time
	kinds  []catalog.Type
	made   int
	all    []*state.Instance
}

// reservation launches a few instances of one kind, which then differ in
// name, state and age.
func (g *generator) reservation(n int) {
	kind := g.kinds[g.rng.IntN(len(g.kinds))]
	if g.made < len(g.kinds) { // each type at least once in a large fleet
		kind, n = g.kinds[g.made], 1
	}
	role := pick(g.rng, "web", "was", "batch", "api", "db", "웹서버", "배치", "개발", "cache", "build")
	env := pick(g.rng, "dev", "dev", "dev", "stg", "qa", "prod")
	l := state.Launch{Type: kind, System: g.system(kind), Zone: pick(g.rng, g.region.Zones()...), KeyName: "practice", Price: "0.5000"}
	l.Tags = state.Tags{{Key: "Name", Value: ""}, {Key: "Env", Value: env}}
	if l.System.Windows {
		platform := map[string]string{"windows": "Windows", "windows-sql-std": "Windows+SQLStd", "windows-byol": "Windows"}[l.System.Name]
		l.Tags = append(l.Tags, state.Tag{Key: "Platform", Value: platform})
	}
	if env != "prod" && g.chance(0.8) {
		l.Tags = append(l.Tags, state.Tag{Key: "AutoStopStart", Value: "Yes"})
	}
	switch x := g.rng.Float64(); { // what cannot or must not be stopped is rare
	case x < 0.010:
		l.Spot = true
	case x < 0.020:
		l.Spot, l.Persistent = true, true
	case x < 0.035:
		l.Tags = append(l.Tags, state.Tag{Key: "aws:autoscaling:groupName", Value: role + "-asg"})
	case x < 0.040:
		l.StopProtection = true
	case x < 0.042:
		l.InstanceStore = true
	case x < 0.050:
		l.Tags = append(l.Tags, state.Tag{Key: "Platform", Value: "RDS"})
	}
	if !l.InstanceStore {
		root := state.VolumeSpec{Type: pick(g.rng, "gp3", "gp3", "gp2"), SizeGiB: max(l.System.RootGiB, int64(10*(1+g.rng.IntN(10))))}
		if err := root.Complete(); err != nil {
			panic("sandbox: a root volume out of its own limits: " + err.Message)
		}
		l.Disks = []state.Disk{{Device: l.System.RootDevice, Spec: root, DeleteOnTermination: true}}
	}
	first := g.ago(720 * 24 * time.Hour)
	for _, i := range g.region.AddReservation(l, n, first).Instances {
		g.made++
		i.Tags = i.Tags.With("Name", fmt.Sprintf("%s-%s-%05d", env, role, g.made))
		g.history(i)
		g.all = append(g.all, i)
	}
}

// history gives an instance a last start and, to a quarter, a stop.
func (g *generator) history(i *state.Instance) {
	age := g.now.Sub(i.FirstLaunch)
	if g.chance(0.6) {
		i.LaunchTime = g.now.Add(-g.within(age)).Truncate(time.Second)
	}
	mayStop := !i.InstanceStore && (i.Spot == nil || i.Spot.Persistent) && !i.StopProtection
	if mayStop && g.chance(0.25) {
		at := g.now.Add(-g.within(g.now.Sub(i.LaunchTime)))
		i.Stop(at, 0, false)
		i.Settle(at)
		i.Changed = time.Time{}
	}
}

// system draws the software; Windows needs an x86 processor and SQL Server a
// machine of some size.
func (g *generator) system(kind catalog.Type) state.System {
	name := "linux"
	switch x := g.rng.Float64(); {
	case x < 0.12:
		name = "windows"
	case x < 0.16:
		name = "windows-sql-std"
	case x < 0.22:
		name = "rhel"
	case x < 0.25:
		name = "suse"
	case x < 0.30:
		name = "ubuntu-pro"
	}
	sys, ok := state.SystemNamed(name)
	small := kind.VCPU < 4 || kind.MemoryMiB < 4<<10
	if !ok || sys.Windows && kind.Architecture != "x86_64" || name == "windows-sql-std" && small {
		sys, _ = state.SystemNamed("linux")
	}
	return sys
}

// volumes adds volumes until there are n, one in fifty of them attached to
// nothing.
func (g *generator) volumes(n int) {
	r := g.region
	for len(r.VolumeOrder) < n {
		text := pick(g.rng, "gp3:100", "gp3:200", "gp3:500:6000:250", "gp2:100", "gp2:300", "io1:100:2000", "io2:200:4000", "st1:500", "sc1:1000", "standard:50", "gp3:64")
		spec, err := diskSpec(text)
		if err != nil {
			panic("sandbox: " + err.Error()) // the list above is wrong
		}
		i := g.all[g.rng.IntN(len(g.all))]
		loose := g.chance(0.04)
		if len(i.Attachments) > 8 {
			loose = true
		}
		if loose {
			r.AddVolume(spec, i.Zone, g.ago(400*24*time.Hour), state.Tags{{Key: "Name", Value: "unused"}})
			continue
		}
		v := r.AddVolume(spec, i.Zone, i.FirstLaunch, nil)
		r.AttachVolume(v, i, "/dev/sd"+string(rune('f'+len(i.Attachments))), i.FirstLaunch, i.FirstLaunch, false)
	}
}

// within is a random time up to d. It draws exactly one number, whatever d is:
// ages depend on the time of day, and the fleet must not.
func (g *generator) within(d time.Duration) time.Duration {
	return time.Duration(g.rng.Float64() * float64(d))
}

func (g *generator) chance(p float64) bool { return g.rng.Float64() < p }

// ago is a moment up to d before now.
func (g *generator) ago(d time.Duration) time.Time {
	return g.now.Add(-time.Hour - g.within(d)).Truncate(time.Second)
}

func pick(rng *rand.Rand, from ...string) string { return from[rng.IntN(len(from))] }
