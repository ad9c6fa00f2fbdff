package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"nightshift/internal/sandbox"
)

// The fleet whose copies are planned: two volumes for each instance, a copy of each volume
// for each of some days. One day's copy is due of every volume, and some volumes have a
// copy that is not kept any more: EC2 is asked with whom it is shared, which takes a call
// for each.
const (
	copiesFleet   = 5000
	copiesVolumes = 2 * copiesFleet
	copiesDays    = 50
	copiesOld     = 100
	copiesTime    = 40 * time.Second
	copiesPeak    = 700e6
)

const copiesPolicy = `backup:
  policies:
    - {id: nightly, tag: Backup=nightly, resource: volume, schedule: {every: 24h}, include_managed: true, keep: {daily: 50}}
`

// backup measures a plan over the copies of a large fleet, on a sandbox without latency.
// The sandbox is this process, so that only its time counts in the plan's wall time.
func (b *bench) backup(ctx context.Context) error {
	b.say("a sandbox of %s volumes and %s snapshots", count(copiesVolumes), count(copiesVolumes*copiesDays))
	var seen callTimes
	account, err := b.serve(sandbox.Options{Fleet: copiesFleet, Latency: time.Nanosecond, MostSnapshots: 2 * copiesVolumes * copiesDays, Tap: seen.add})
	if err != nil {
		return err
	}
	defer account.Close()
	if err := copied(account.Sandbox(), b.start); err != nil {
		return err
	}
	file := filepath.Join(b.dir, "backup.yaml")
	if err := os.WriteFile(file, []byte(copiesPolicy), 0o600); err != nil {
		return err
	}
	b.say("nightshift backup plan")
	before, begin := ownCPU(), now()
	u, err := b.usageOf(ctx, account, []int{0}, b.binary, "backup", "plan", "--config", file)
	if err != nil {
		return err
	}
	theirs := ownCPU() - before
	b.print("\nA plan over %s volumes and %s snapshots: %s\n", count(copiesVolumes), count(copiesVolumes*copiesDays), lastLine(strings.Split(u.Stdout, "\nto delete:")[0]))
	t := newTable(b.out)
	t.row("wall time", "listing", "planning", "permissions", "planning and printing", "CPU of nightshift", "of the sandbox", "peak memory", "API calls")
	listed, asked, answered := seen.last["DescribeSnapshots"], seen.first["DescribeSnapshotAttribute"], seen.last["DescribeSnapshotAttribute"]
	t.row(duration(u.Wall), duration(listed.Sub(begin)), duration(asked.Sub(listed)), duration(answered.Sub(asked)), duration(begin.Add(u.Wall).Sub(answered)),
		duration(u.CPU), duration(theirs), megabytes(u.Peak), count(u.total()))
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		b.print("processes that wanted a CPU in the last minute, these two among them: %s\n", strings.Fields(string(load))[0])
	}
	b.goal("backup plan of 500,000 snapshots, time", "at most "+duration(copiesTime), duration(u.Wall), u.Wall <= copiesTime)
	b.goal("backup plan of 500,000 snapshots, peak memory", "at most "+megabytes(copiesPeak), megabytes(u.Peak), u.Peak <= copiesPeak)
	return t.Flush()
}

// copied tags the volumes of an account, and gives each its copies of the days before.
func copied(account *sandbox.Sandbox, at time.Time) error {
	today := at.UTC().Truncate(24 * time.Hour)
	for n, id := range account.Volumes(sandbox.DefaultRegion) {
		name := fmt.Sprintf("db-%d", n)
		account.SetVolumeTags(sandbox.DefaultRegion, id, sandbox.Tags{{Key: "Backup", Value: "nightly"}, {Key: "Name", Value: name}})
		days := copiesDays
		if n < copiesOld {
			days++
		}
		for day := days; day >= 1; day-- {
			slot := today.AddDate(0, 0, -day)
			data := slot.Add(time.Duration(n%900) * time.Second)
			_, err := account.AddSnapshot(sandbox.DefaultRegion, sandbox.Snapshot{
				Volume: id, Started: data, Finished: data.Add(time.Minute), Description: "nightly of " + id,
				Tags: sandbox.Tags{
					{Key: "nightshift:policy", Value: "nightly"},
					{Key: "nightshift:set", Value: fmt.Sprintf("nightly/%s/%s/1", id, slot.Format("20060102T150405Z"))},
					{Key: "nightshift:slot", Value: slot.Format(time.RFC3339)},
					{Key: "nightshift:data-time", Value: data.Format(time.RFC3339)},
					{Key: "nightshift:keep", Value: "daily=50;zone=UTC"},
					{Key: "Name", Value: name},
					{Key: "Backup", Value: "nightly"},
				},
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// callTimes are when each operation was first and last answered.
type callTimes struct {
	mu          sync.Mutex
	first, last map[string]time.Time
}

func (c *callTimes) add(x sandbox.Exchange) {
	at := now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first == nil {
		c.first, c.last = map[string]time.Time{}, map[string]time.Time{}
	}
	if _, ok := c.first[x.Action]; !ok {
		c.first[x.Action] = at
	}
	c.last[x.Action] = at
}
