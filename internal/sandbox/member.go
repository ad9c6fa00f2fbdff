package sandbox

import (
	"fmt"
	"time"

	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/rds"
	"nightshift/internal/sandbox/state"
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
		{name: "build", kind: "m5.xlarge", zone: "a", first: days(18), last: days(1.1), tags: "auto;Env=dev", disks: "gp3:100"},
		{name: "report", kind: "c5.large", zone: "a", first: days(95), last: days(12), stopped: days(9), tags: "Env=dev", disks: "gp2:60"},
	}
}

// buildSmallAccount fills a member account: four to six instances, a database,
// and a volume, an address and a snapshot that nothing uses in DefaultRegion, and
// an instance in Virginia.
// Which they are depends on the seed and the account's number; names end with
// its last four digits.
func buildSmallAccount(a *state.Account) error {
	rng := random.New(a.Seed, 3)
	all := memberServers(a.Clock.Start)
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	most := 4 + rng.IntN(3)
	if err := addServers(a, "us-east-1", all[most:most+1]); err != nil {
		return err
	}
	r := a.Regions[state.DefaultRegion]
	if r == nil {
		return nil // not enabled in this account
	}
	if err := addServers(a, state.DefaultRegion, all[:most]); err != nil {
		return err
	}
	spec, err := diskSpec(pick(rng, "gp2:200", "gp3:300", "sc1:500"))
	if err != nil {
		return err
	}
	r.AddVolume(spec, r.Zones()[0], a.Clock.Start.AddDate(0, -2, 0), state.Tags{{Key: "Name", Value: memberName(a, "unused")}})
	h := holder{region: r, rng: rng, start: a.Clock.Start}
	h.snapshots([]takenSnapshot{{gib: 200, filled: 0.4, days: 300, name: memberName(a, "old"), about: "before the move"}})
	h.address("", "Name="+memberName(a, "spare"))
	return rds.AddDatabase(a, state.DefaultRegion, rds.Database{
		ID: memberName(a, "dev-mysql"), Tags: map[string]string{"AutoStopStart": "Yes", "Env": "dev"}, Created: a.Clock.Start.AddDate(0, -5, 0),
	})
}

// addServers puts servers into a region of the account, where it is enabled.
func addServers(a *state.Account, region string, list []server) error {
	r := a.Regions[region]
	if r == nil {
		return nil
	}
	for _, one := range list {
		one.name = memberName(a, one.name)
		if err := addServer(a, r, one); err != nil {
			return fmt.Errorf("build account %s: %s: %w", a.ID(), one.name, err)
		}
	}
	return nil
}

// memberName tells a thing of the account from those of others.
func memberName(a *state.Account, name string) string { return name + "-" + a.ID()[len(a.ID())-4:] }
