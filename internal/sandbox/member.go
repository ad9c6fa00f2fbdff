package sandbox

import (
	"fmt"
	"time"
)

// memberServers are what the small fleet of a member account is drawn from.
// Times are told from start.
func memberServers(start time.Time) []server {
	days := func(n float64) time.Time { return start.Add(-time.Duration(n * 24 * float64(time.Hour))) }
	return []server{
		{name: "web", kind: "t3.medium", zone: "a", first: days(120), last: days(3.2), tags: "auto;Env=dev", disks: "gp3:30"},
		{name: "api", kind: "t3.large", zone: "b", first: days(75), tags: "auto;Env=dev", disks: "gp3:50"},
		{name: "batch", kind: "c5.xlarge", zone: "c", first: days(210), last: days(2.3), stopped: days(0.5), tags: "auto;Env=stg", disks: "gp3:80 gp2:100"},
		{name: "db", kind: "r5.large", zone: "a", first: days(300), last: days(40), tags: "Env=prod", disks: "gp3:50 gp3:500:6000:250"},
		{name: "office", kind: "m5.large", zone: "b", system: "windows", first: days(160), last: days(6.4), tags: "auto;Env=dev;Platform=Windows", disks: "gp3:80"},
		{name: "cache", kind: "r5.xlarge", zone: "c", first: days(33), tags: "Env=prod", disks: "gp3:20"},
		{name: "build", kind: "m5.xlarge", zone: "d", first: days(18), last: days(1.1), tags: "auto;Env=dev", disks: "gp3:100"},
		{name: "report", kind: "c5.large", zone: "a", first: days(95), last: days(12), stopped: days(9), tags: "Env=dev", disks: "gp2:60"},
	}
}

// buildSmallAccount fills a member account: four to six instances in
// DefaultRegion, one in Virginia, a volume that nothing uses, a parameter and a
// database. Which they are depends on the account's number.
func (a *Account) buildSmallAccount() error {
	start := a.clock.start
	rng := newRand(a.seed, 3)
	if r := a.regions[DefaultRegion]; r != nil {
		all := memberServers(start)
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for n, one := range all[:4+rng.IntN(3)] {
			one.name = fmt.Sprintf("%s-%s-%d", a.id[len(a.id)-4:], one.name, n+1)
			if err := a.addServer(r, one); err != nil {
				return fmt.Errorf("build account %s: %s: %w", a.id, one.name, err)
			}
		}
	}
	return nil
}
