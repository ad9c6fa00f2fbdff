package web_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/config"
	"nightshift/internal/cost"
	"nightshift/internal/cost/recommend"
	"nightshift/internal/cost/trend"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/power"
	"nightshift/internal/price"
	"nightshift/internal/watch"
)

// The fixture is an evening in December: office hours end in eight minutes.
const file = `
timezone: Asia/Seoul
schedules:
  office-hours: Mon-Fri 08:00-19:00
  seoul-desk:
    running: ["Mon-Thu 08:00-19:00", "Fri 08:00-17:30"]
    unmanaged: ["Sat 10:00-16:00"]
    off: ["2026-12-25"]
  batch-nights: Mon-Fri 22:00-06:00
  berlin: Mon-Fri 08:00-18:00 Europe/Berlin
  stop-in-the-evening: { stop: ["Mon-Fri 19:00", "Sat,Sun 15:00"] }
  always-on: always
power:
  rules:
    - { tag: "Environment=production", kinds: [instance, db-instance, db-cluster, auto-scaling-group], ignore: true }
    - { tag: Schedule, kinds: [instance, db-instance, db-cluster, auto-scaling-group] }
  override: { max: 24h, off: true }
backup:
  policies:
    - { id: daily, resource: instance, tag: "Backup=daily", schedule: { at: "02:00" }, keep: { daily: 7, weekly: 4 } }
    - { id: hourly, resource: volume, tag: "Backup=hourly", schedule: { every: 4h }, keep: { hourly: 12 } }
jobs:
  power: { every: 5m }
  report: { at: Mon 07:00 }
cost: { tags: [Team] }
`

// hostile is what somebody writes into a tag to harm whoever looks at it.
const hostile = `"><script>alert(1)</script>'{{.}}` + "\u202e\x1b[31m"

var (
	seoul = time.FixedZone("KST", 9*3600)
	now   = time.Date(2026, 12, 1, 18, 52, 0, 0, seoul)
	dev   = fleet.Target{Account: "111111111111", Region: "ap-northeast-2"}
	stage = fleet.Target{Account: "222222222222", Region: "ap-northeast-2"}
	eu    = fleet.Target{Account: "333333333333", Region: "eu-central-1"}
)

func load(t testing.TB) *config.Config {
	t.Helper()
	c, err := config.Load("nightshift.yaml", func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(file)), nil })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// at is a wall time in Seoul on a day counted from that of now.
func at(day, hour, minute int) time.Time {
	return time.Date(2026, 12, 1+day, hour, minute, 0, 0, seoul)
}

func dollars(d float64) price.USD { return price.USD(d * float64(price.Dollar)) }

// world makes a State by hand; decisions are those of the real rules.
type world struct {
	state *watch.State
	rules *power.RuleSet
	count int
}

func (w *world) add(target int, name, scheduleName string, state fleet.State, change func(*fleet.Machine)) watch.MachineKey {
	w.count++
	t := &w.state.Targets[target]
	m := fleet.Machine{
		Target: t.Target, Kind: fleet.KindInstance, ID: fleet.ResourceID(fmt.Sprintf("i-0a1b2c3d4e5f%05x", w.count)), Type: "m6i.large", Zone: fleet.Zone(t.Region + "a"),
		State: state, Tags: fleet.Tags{"Name": name, "Schedule": scheduleName, "Team": []string{"platform", "search", "research"}[w.count%3]},
		Started: at(0, 8, 0), Created: at(-90, 9, 0),
	}
	m.ARN = fmt.Sprintf("arn:aws:ec2:%s:%s:instance/%s", t.Region, t.Account, m.ID)
	if state == fleet.Stopped {
		m.Started, m.Stopped, m.Cause = at(-1, 8, 0), at(-1, 19, 1), fleet.CauseCall
	}
	action := fleet.MarkStart
	when := m.Started
	if state == fleet.Stopped {
		action, when = fleet.MarkStop, m.Stopped
	}
	m.Tags[fleet.TagLast] = fleet.Mark{Action: action, At: when.Add(-time.Second)}.String()
	if change != nil {
		change(&m)
	}
	t.Steps = append(t.Steps, w.rules.Evaluate(m, nil, now))
	return t.Key(m)
}

func (w *world) act(key watch.MachineKey, when time.Time, action power.Action, result fleet.Result, reason fleet.Reason) {
	w.state.Acts[key] = append(w.state.Acts[key], watch.Act{
		At: when, Run: runName(when), Job: "power", Action: action, Result: result, Reason: reason, Schedule: "office-hours",
	})
}

func runName(t time.Time) string { return t.UTC().Format("20060102T150405Z") + "-power-3f2a90c1d4e8" }

func newWorld(t testing.TB) *world {
	c := load(t)
	return &world{rules: power.NewRuleSet(c.Rules()), state: &watch.State{
		Made:       now,
		Config:     watch.Config{Ref: "s3://example-nightshift/nightshift.yaml", Hash: "9f2c", Loaded: at(-3, 9, 0), Value: c, Checked: now},
		Machines:   watch.Part{At: now.Add(-2 * time.Minute), Tried: now.Add(-2 * time.Minute), Duration: 1400 * time.Millisecond},
		Journal:    watch.Part{At: now.Add(-2 * time.Minute), Tried: now.Add(-2 * time.Minute)},
		Backups:    watch.Backups{Part: watch.Part{At: now.Add(-7 * time.Minute), Tried: now.Add(-7 * time.Minute)}},
		SweepEvery: 5 * time.Minute,
		Acts:       map[watch.MachineKey][]watch.Act{},
		Targets: []watch.Target{
			{Target: dev, AccountName: "dev", Up: true, At: now.Add(-2 * time.Minute)},
			{Target: stage, AccountName: "staging", Up: true, At: now.Add(-2 * time.Minute)},
			{Target: eu, AccountName: "research-eu", At: now.Add(-47 * time.Minute), Err: "sts:AssumeRole: AccessDenied: not authorized to assume arn:aws:iam::333333333333:role/nightshift"},
		},
	}}
}

// evening is the whole estate: 40 machines in three accounts, some of which failed.
func evening(t testing.TB) *watch.State {
	t.Helper()
	w := newWorld(t)
	for n := range 12 {
		w.add(0, fmt.Sprintf("web-%d", n+1), "office-hours", fleet.Running, nil)
	}
	for n := range 4 {
		w.add(0, fmt.Sprintf("batch-%d", n+1), "batch-nights", fleet.Stopped, nil)
	}
	failure := w.add(0, "search-index", "seoul-desk", fleet.Stopped, func(m *fleet.Machine) { m.Type = "r6i.4xlarge" })
	for n := range 3 {
		w.act(failure, at(0, 18, 47-5*n), power.Start, fleet.Failed, fleet.Reason{Code: "no-capacity", Text: "InsufficientInstanceCapacity: no capacity for r6i.4xlarge in ap-northeast-2a"})
	}
	w.act(failure, at(-1, 19, 1), power.Stop, fleet.Done, fleet.Reason{Code: "stop", Text: "should not run since Mon 2026-11-30 19:00 KST"})
	w.add(0, "report-builder", "Mon-Fri 09:00-18:00", fleet.Running, func(m *fleet.Machine) { m.Started = at(0, 8, 59) })
	w.add(0, "notebook-jiwoo", "office-hours", fleet.Stopped, func(m *fleet.Machine) { m.Stopped = at(0, 12, 31) })
	w.add(0, "gpu-lab", "batch-nights", fleet.Running, func(m *fleet.Machine) { m.Started, m.Type = at(0, 15, 12), "g5.2xlarge" })
	w.add(0, hostile, "office-hours", fleet.Running, nil)
	w.add(0, strings.Repeat("a-very-long-name-without-any-space-", 6), "office-hours", fleet.Running, nil)
	w.add(0, "misspelt", "ofice-hours", fleet.Running, nil)
	for n := range 5 {
		w.add(1, fmt.Sprintf("stage-api-%d", n+1), "seoul-desk", fleet.Running, nil)
	}
	w.add(1, "stage-db", "seoul-desk", fleet.Running, func(m *fleet.Machine) {
		m.Kind, m.ID, m.Type, m.ARN = fleet.KindDatabase, "stage-db", "db.r6g.large", "arn:aws:rds:ap-northeast-2:222222222222:db:stage-db"
	})
	w.add(1, "release-test", "office-hours", fleet.Running, func(m *fleet.Machine) {
		m.Tags[fleet.TagOverride] = fleet.Override{State: fleet.Running, Since: at(0, 17, 30), Until: at(0, 22, 0)}.String()
	})
	w.add(1, "workers", "office-hours", fleet.Running, func(m *fleet.Machine) {
		m.Kind, m.ID, m.Type, m.ARN = fleet.KindGroup, "workers", "2/4/8", "arn:aws:autoscaling:ap-northeast-2:222222222222:autoScalingGroup:1:autoScalingGroupName/workers"
	})
	w.add(1, "shop", "office-hours", fleet.Running, func(m *fleet.Machine) { m.Tags["Environment"] = "production" })
	w.add(1, "eks-node", "office-hours", fleet.Running, func(m *fleet.Machine) {
		m.Tags["aws:eks:cluster-name"] = "shop"
		m.Ineligible.Managed = fleet.ManagedBy(fleet.KindInstance, m.Tags)
	})
	for n := range 4 {
		w.add(2, fmt.Sprintf("berlin-%d", n+1), "berlin", fleet.Running, nil)
	}
	w.add(2, "sandbox-old", "stop-in-the-evening", fleet.Stopped, nil)
	w.add(2, "mirror", "always-on", fleet.Running, nil)
	w.add(2, "stage-db", "berlin", fleet.Running, func(m *fleet.Machine) {
		m.Kind, m.ID, m.Type, m.ARN = fleet.KindDatabase, "stage-db", "db.t4g.medium", "arn:aws:rds:eu-central-1:333333333333:db:stage-db"
	})
	w.costs()
	w.runs(failure)
	w.backups(14)
	return w.state
}

// backups are copies of n volumes of each target: most are protected, and of every other
// kind there is one.
func (w *world) backups(n int) {
	for k, t := range []fleet.Target{dev, stage, eu} {
		target := watch.BackupTarget{AccountName: w.state.Targets[k].AccountName, Up: true}
		s := &target.Status
		s.Target, s.At, s.Monthly = t, now.Add(-7*time.Minute), price.StorageBound{Low: dollars(31.2), High: dollars(96.4), Priced: true}
		for v := range n {
			s.Volumes = append(s.Volumes, w.volume(k, v))
		}
		last := at(0, 2, 0)
		s.Policies = []backup.PolicyStatus{
			{Policy: "daily", Volumes: n - 5, Complete: 77, Oldest: &last, Waiting: new(0)}, {Policy: "hourly"}, {Volumes: 1, Missed: 1, Oldest: new(time.Time{}), Waiting: new(0)},
		}
		w.state.Backups.Targets = append(w.state.Backups.Targets, target)
	}
	first := &w.state.Backups.Targets[0]
	first.Policies[0].Missed, first.Policies[0].Failed, first.Policies[0].Pending, first.Policies[0].Oldest = 2, 1, 1, new(at(-2, 2, 0))
	first.Policies[0].PendingSince, first.Policies[0].Waiting = new(at(-2, 2, 0)), new(6)
	first.Public = []backup.PublicSnapshot{{Snapshot: "snap-0f00000000000000f", Name: hostile, Volume: "vol-0a0000000000000a0", Started: at(-3, 2, 0)}}
	first.Unusual = []backup.UnusualChange{{Volume: "vol-0a0000000000000a3", Name: "data-3", Policy: "daily", Snapshot: "snap-0e00000000000000e", Data: at(0, 2, 0), Bytes: 61 << 30, Median: 2 << 30}}
	first.Databases = []fleet.ResourceID{"stage-db"}
	kinds := []backup.OrphanKind{backup.OrphanVolume, backup.OrphanImageGone, backup.OrphanDLM}
	for o := range 25 {
		first.Orphans = append(first.Orphans, backup.Orphan{
			Kind: kinds[o%len(kinds)], Text: "its volume is not there any more", Volume: fleet.VolumeID(fmt.Sprintf("vol-0b%015x", o)), Name: []string{hostile, "old", ""}[o%3],
			Snapshots: make([]fleet.SnapshotID, 1+o%3), Newest: at(-40-o, 3, 0), Oldest: at(-90, 3, 0), Monthly: price.StorageBound{Low: 0, High: dollars(4.2 + float64(o)), Priced: true},
		})
		for n := range first.Orphans[o].Snapshots {
			first.Orphans[o].Snapshots[n] = fleet.SnapshotID(fmt.Sprintf("snap-0c%013x%02x", o, n))
		}
	}
}

func (w *world) volume(target, n int) backup.VolumeStatus {
	v := backup.VolumeStatus{
		Volume: fleet.VolumeID(fmt.Sprintf("vol-0%x%015x", 10+target, 16*10+n)), Name: fmt.Sprintf("data-%d", n), State: "running", SizeGiB: 100, Tags: fleet.Tags{"Backup": "daily", "Team": "search"},
		Instances: []fleet.ResourceID{fleet.ResourceID(fmt.Sprintf("i-0a1b2c3d4e5f%05x", n+1))}, InstanceName: fmt.Sprintf("web-%d", n+1),
		Policy: "daily", Coverage: backup.Protected, RPO: backup.Hours(26 * time.Hour), Gap: backup.Hours(17 * time.Hour), Copies: 11,
		Last:    &backup.GoodCopy{Snapshot: "snap-1", Data: at(0, 2, 0), By: backup.ByNightshift},
		Worst:   &backup.Gap{From: at(-2, 2, 0), To: at(-1, 3, 0), Hours: backup.Hours(25 * time.Hour), Since: at(-30, 0, 0), AtMost: target == 2},
		Monthly: price.StorageBound{Low: dollars(2.1), High: dollars(6.8), Priced: true},
	}
	switch n {
	case 3:
		v.Coverage, v.Gap, v.Last.Data = backup.Stale, backup.Hours(65*time.Hour), at(-2, 2, 0)
		v.Reason = fleet.Reason{Code: "late", Text: "the newest good copy is older than the RPO"}
	case 4:
		v.Coverage, v.Policy, v.Last, v.Worst, v.Copies, v.Name, v.Gap = backup.Unprotected, "", nil, nil, 0, hostile, backup.Hours(400*24*time.Hour)
		v.Monthly = price.StorageBound{Priced: true}
	case 5:
		v.Coverage, v.Policy, v.Last.By = backup.Unknown, "", backup.ByBackup
		v.Monthly.Priced = false
	case 6:
		v.Coverage, v.Last, v.Worst, v.Gap = backup.New, nil, nil, backup.Hours(40*time.Minute)
	case 7:
		v.Coverage, v.Policy, v.Last, v.Worst, v.Name, v.InstanceName = backup.NotCopied, "", nil, nil, "", ""
		v.Reason = fleet.Reason{Code: "ephemeral", Text: "belongs to an Auto Scaling group"}
	}
	return v
}

func (w *world) costs() {
	month := cost.MonthOf(now)
	amounts := func(mtd, rate, forecast float64) watch.Amounts {
		return watch.Amounts{MonthToDate: dollars(mtd), RunRate: dollars(rate), Forecast: dollars(forecast)}
	}
	c := &w.state.Cost
	c.Part = watch.Part{At: now.Add(-3 * time.Hour), Tried: now.Add(-3 * time.Hour), Duration: 9 * time.Second}
	c.Month, c.Priced, c.Rows = month, 118, 121
	c.Total = amounts(168.42, 5312.77, 4986.10)
	c.Targets = []watch.TargetCost{{Target: dev, Amounts: amounts(98.10, 3120.50, 2900.00)}, {Target: stage, Amounts: amounts(52.02, 1610.07, 1530.90)}, {Target: eu, Amounts: amounts(18.30, 582.20, 555.20)}}
	c.Services = []watch.NamedAmounts{{Name: "EC2", Amounts: amounts(121.30, 3900.12, 3610.40)}, {Name: "EBS", Amounts: amounts(31.02, 930.60, 930.60)}, {Name: "RDS", Amounts: amounts(12.00, 372.05, 345.10)}, {Name: "Other", Amounts: amounts(4.10, 110, 100)}}
	c.Tags = map[string][]watch.NamedAmounts{
		"Team": {
			{Name: "search", Amounts: amounts(88.40, 2800, 2600)},
			{Name: "platform", Amounts: amounts(60.02, 1900, 1800)},
			{Name: hostile, Amounts: amounts(10, 312.77, 286.10)},
			{Name: "", Amounts: amounts(10, 300, 300)},
		},
	}
	sum := func(name string, n int, off time.Duration, gross, ebs, net float64) cost.SavedSum {
		return cost.SavedSum{Schedule: name, Instances: n, Off: off, Gross: dollars(gross), EBS: dollars(ebs), Net: dollars(net)}
	}
	c.Savings = &cost.Savings{From: at(0, 0, 0), To: now, Schedules: []cost.SavedSum{
		sum("office-hours", 14, 112*time.Hour, 13.44, 1.02, 12.42), sum("berlin", 5, 80*time.Hour, 9.60, 0.73, 8.87), sum("seoul-desk", 7, 56*time.Hour, 6.72, 0.50, 6.22),
	}, Total: sum("", 26, 248*time.Hour, 29.76, 2.25, 27.51)}
	c.Notes = []string{"prices are those of the AWS price list of 2026-11-28", "the hours of 3 instances are estimates"}
	c.Trend = trendOf(14)
	c.Recommendations = recommendations(32)
	before, after := dollars(61.2), dollars(140.1)
	c.Changes = &trend.Changes{
		From: trend.DateOf(at(-8, 0, 0)), To: trend.DateOf(at(-1, 0, 0)),
		Top: []trend.ResourceChange{
			{Account: dev.Account, Region: dev.Region, Kind: trend.InstanceRow, ID: "i-0a1b2c3d4e5f00011", Name: "search-index", Type: "r6i.2xlarge → r6i.4xlarge", Before: &before, After: &after, Change: trend.Change{Type: dollars(78.9)}},
			{Account: stage.Account, Region: stage.Region, Kind: trend.InstanceRow, ID: "i-0a1b2c3d4e5f00021", Name: hostile, Type: "m6i.large", Before: &before, Change: trend.Change{Gone: dollars(-61.2)}},
		},
		Total: trend.ChangeSum{Count: 2, Change: trend.Change{Type: dollars(78.9), Gone: dollars(-61.2)}},
	}
}

// trendOf are some weeks, of which the schedules make the later ones cheaper, one is
// missing and the last is not over.
func trendOf(weeks int) *trend.Trend {
	t := &trend.Trend{From: trend.DateOf(at(-7*weeks, 0, 0)), To: trend.DateOf(now)}
	for n := range weeks {
		start := trend.DateOf(at(-1-7*(weeks-1-n), 0, 0))
		p := trend.Period{Start: start, Last: start + 6, Days: 7}
		if n != weeks-5 {
			ec2, ebs, other := dollars(1900-80*float64(n)), dollars(230+float64(n)), dollars(60)
			if n == weeks-1 {
				ec2, ebs, other, p.Days, p.Incomplete = dollars(240), dollars(62), dollars(14), 2, true
			}
			total := ec2.Add(ebs).Add(other)
			p.EC2, p.EBS, p.Other, p.Total = &ec2, &ebs, &other, &total
		} else {
			p.Days = 0
		}
		t.Weeks = append(t.Weeks, p)
	}
	return t
}

func recommendations(n int) []recommend.Listed {
	var all []recommend.Listed
	codes := []string{recommend.GP2ToGP3, recommend.UnattachedVolume, recommend.RunsAllNight, recommend.IdleAddress}
	for k := range n {
		id := fmt.Sprintf("vol-0%016x", k)
		all = append(all, recommend.Listed{
			Code: codes[k%len(codes)], Account: dev.Account, Region: dev.Region, Resource: id, Name: fmt.Sprintf("data-%d", k),
			Saving: cost.Known(dollars(120.5 / float64(k+1))), Certain: k%3 != 0,
			Reason: "gp3 costs less than gp2 for the same size and at least the same speed",
			Fix:    "aws ec2 modify-volume --volume-id " + id + " --volume-type gp3 --iops 3000 --throughput 250 --region ap-northeast-2",
		})
	}
	all[1].Fix, all[1].Advice, all[1].Name = "", "look into it first: "+hostile, hostile
	all[2].Advice = "it is down meanwhile"
	return all
}

func (w *world) runs(failure watch.MachineKey) {
	for n := range 30 {
		started := at(0, 18, 47).Add(-5 * time.Minute * time.Duration(n))
		r := journal.Record{
			Version: 1, Run: runName(started), Job: "power", Started: started, Duration: 1300*time.Millisecond + time.Duration(n)*time.Millisecond,
			Targets: []fleet.Target{dev, stage}, Seen: 40, Skipped: 39, Decided: 1, Calls: map[string]int{"ec2:DescribeInstances": 3, "ec2:StartInstances": 1},
		}
		if n < 3 {
			r.Skipped = 39
			r.Add(journal.Outcome{
				Target: dev, Kind: fleet.KindInstance, ID: failure.ID, Name: "search-index", Action: "start", Result: fleet.Failed, State: fleet.Stopped,
				Reason: fleet.Reason{Code: "no-capacity", Text: "InsufficientInstanceCapacity: no capacity for r6i.4xlarge in ap-northeast-2a"}, Schedule: "seoul-desk",
			})
			r.Errors = []string{"research-eu: sts:AssumeRole: AccessDenied"}
		}
		w.state.Runs = append(w.state.Runs, r)
	}
	evening := journal.Record{Version: 1, Run: runName(at(-1, 19, 0)), Job: "power", Started: at(-1, 19, 0), Duration: 42 * time.Second, Targets: []fleet.Target{dev, stage, eu}, Seen: 40}
	for n := range 12 {
		evening.Add(journal.Outcome{
			Target: dev, Kind: fleet.KindInstance, ID: fleet.ResourceID(fmt.Sprintf("i-0a1b2c3d4e5f%05x", n+1)), Name: fmt.Sprintf("web-%d", n+1), Action: "stop", Result: fleet.Done,
			Reason: fleet.Reason{Code: "stop", Text: "should not run since Mon 2026-11-30 19:00 KST"}, State: fleet.Stopping, At: at(-1, 19, 1), Schedule: "office-hours",
		})
	}
	w.state.Runs = append(w.state.Runs, evening)
	w.state.Runs = append(w.state.Runs, journal.Record{Version: 1, Run: at(-1, 7, 0).UTC().Format("20060102T150405Z") + "-report-81c07be44101", Job: "report", Started: at(-1, 7, 0), Duration: 61 * time.Second, Targets: []fleet.Target{dev, stage, eu}, Seen: 121})
	c := w.state.Config.Value
	w.state.Jobs = []watch.Job{
		{Name: "power", When: c.Job("power"), Next: at(0, 18, 55), Last: &w.state.Runs[0], LastSuccess: at(0, 18, 32)},
		{Name: "report", When: c.Job("report"), Next: at(6, 7, 0), Last: &w.state.Runs[len(w.state.Runs)-1], LastSuccess: at(-1, 7, 0)},
	}
}

// many is an estate of n machines, of which some failed.
func many(t testing.TB, n int) *watch.State {
	t.Helper()
	w := newWorld(t)
	schedules := []string{"office-hours", "seoul-desk", "batch-nights", "berlin", "always-on"}
	for k := range n {
		id := w.add(k%3, fmt.Sprintf("machine-%05d-of-the-large-estate", k), schedules[k%len(schedules)], []fleet.State{fleet.Running, fleet.Stopped}[k%2], nil)
		if k%50 == 0 {
			w.act(id, now.Add(-time.Minute), power.Start, fleet.Failed, fleet.Reason{Code: "x", Text: "InsufficientInstanceCapacity"})
		}
	}
	w.costs()
	w.backups(n / 3)
	w.state.Cost.Recommendations = recommendations(3000)
	return w.state
}
