package sandbox

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/state"
)

// server is one instance of the hand-made account, in short words.
type server struct {
	name    string
	kind    string
	zone    string // the last letter
	system  string // "" for linux
	first   time.Time
	last    time.Time // the last start, if it was not the first launch
	stopped time.Time // zero: it is running
	tags    string    // "key=value;key=value"; "auto" for AutoStopStart=Yes
	disks   string    // "gp3:100:6000:500 st1:500": type, GiB, IOPS, MiB/s; the first is the root
	tenancy string
	spot    string // "one-time" or "persistent"
	store   bool
	guarded bool
}

// buildDefaultAccount makes the account that stands behind a first look: two
// dozen instances in Seoul, a few in Virginia, each there for a reason.
func buildDefaultAccount(a *state.Account) error {
	regions := map[string][]server{
		state.DefaultRegion: seoul(a.Clock.Start),
		"us-east-1":         virginia(a.Clock.Start),
	}
	for name, servers := range regions {
		r := a.Regions[name]
		if r == nil {
			continue // not enabled in this account
		}
		r.Rand = random.New(random.HashText(a.Seed, name), 1)
		for _, one := range servers {
			if err := addServer(a, r, one); err != nil {
				return fmt.Errorf("build the default account: %s: %w", one.name, err)
			}
		}
	}
	if r := a.Regions[state.DefaultRegion]; r != nil {
		if err := addLooseVolumes(r, a.Clock.Start); err != nil {
			return err
		}
	}
	return errors.Join(addDefaultHoldings(a), addDefaultDatabases(a))
}

// seoul lists the instances of DefaultRegion. Times are told from start.
//
// In one thing the account is not like AWS: scratch-render has its root on the
// instance store of an i3, whereas only older families (C1, C3, D2, I2, M1, M2,
// M3, R3, X1) can. None of these has a price for Seoul among the facts that the
// account is built from.
func seoul(start time.Time) []server {
	month := time.Date(start.Year(), start.Month(), 1, 0, 0, 0, 0, time.UTC)
	soFar := start.Sub(month)
	days := func(n float64) time.Time { return start.Add(-time.Duration(n * 24 * float64(time.Hour))) }
	part := func(f float64) time.Time { return month.Add(time.Duration(f * float64(soFar))) }
	before := func(n float64) time.Time { return month.Add(-time.Duration(n * 24 * float64(time.Hour))) }
	return []server{
		{name: "개발-웹서버-1", kind: "t3.medium", zone: "a", first: before(210), last: days(0.4), tags: "auto;Env=dev;Team=플랫폼", disks: "gp3:30"},
		{name: "개발-웹서버-2", kind: "t3.medium", zone: "c", first: before(210), last: days(0.4), tags: "auto;Env=dev;Team=플랫폼", disks: "gp3:30"},
		{name: "개발-WAS-1", kind: "m5.large", zone: "a", first: before(180), last: before(12), tags: "auto;Env=dev", disks: "gp3:50 gp3:100:4000:250"},
		{name: "배치서버", kind: "c5.2xlarge", zone: "b", first: before(400), last: part(0.3), tags: "auto;Env=dev;Team=데이터", disks: "gp2:50 st1:500"},
		{name: "스테이징-API", kind: "t4g.small", zone: "c", first: before(95), last: before(3), tags: "auto;Env=stg", disks: "gp3:20"},
		{name: "qa-windows-01", kind: "m5.xlarge", zone: "a", system: "windows", first: before(60), last: before(5), tags: "auto;Env=qa;Platform=Windows", disks: "gp3:100"},
		{name: "회계-SQL서버", kind: "r8i.xlarge", zone: "d", system: "windows-sql-std", first: before(30), last: before(2), tags: "auto;Env=dev;Platform=Windows+SQLStd", disks: "gp3:100 gp3:400:6000:500 io1:100:2000"},
		{name: "analytics-rhel", kind: "m8i.large", zone: "b", system: "rhel", first: before(45), last: days(1.4), tags: "auto;Env=dev", disks: "gp2:100"},
		{name: "spot-batch", kind: "c8g.large", zone: "a", first: part(0.2), tags: "auto;Env=dev", disks: "gp3:40", spot: "persistent"},
		{name: "spot-runner", kind: "c5.xlarge", zone: "c", first: days(0.3), tags: "auto;Env=dev", disks: "gp3:40", spot: "one-time"},
		{name: "web-asg", kind: "t3.small", zone: "a", first: days(2), tags: "auto;Env=stg;aws:autoscaling:groupName=web-asg", disks: "gp3:16"},
		{name: "web-asg", kind: "t3.small", zone: "c", first: days(1), tags: "auto;Env=stg;aws:autoscaling:groupName=web-asg", disks: "gp3:16"},
		{name: "scratch-render", kind: "i3.large", zone: "c", first: before(20), tags: "auto;Env=dev", store: true},
		{name: "vpn-gateway", kind: "t3.small", zone: "a", first: before(300), tags: "auto;Env=prod", disks: "gp3:8", guarded: true},
		{name: "야간-리포트", kind: "m5.large", zone: "b", first: before(80), last: days(1.5), stopped: days(0.6), tags: "auto;Env=dev", disks: "gp3:80"},

		{name: "운영-웹-1", kind: "m5.2xlarge", zone: "a", first: before(500), last: before(40), tags: "Env=prod", disks: "gp3:100"},
		{name: "운영-웹-2", kind: "m5.2xlarge", zone: "c", first: before(500), last: before(40), tags: "Env=prod;AutoStopStart=No", disks: "gp3:100"},
		{name: "운영-DB-1", kind: "r7i.large", zone: "a", first: before(150), tags: "Env=prod", disks: "gp3:50 io2:200:5000:multi"},
		{name: "운영-DB-2", kind: "r7i.large", zone: "a", first: before(150), tags: "Env=prod", disks: "gp3:50"},
		{name: "rds-standby", kind: "t3.medium", zone: "b", first: before(100), tags: "Env=prod;Platform=RDS", disks: "gp2:100"},
		{name: "old-archive", kind: "t2.xlarge", zone: "a", first: before(700), last: before(90), stopped: part(0.5), tags: "Env=prod", disks: "standard:40 sc1:1000"},
		{name: "forgotten-poc", kind: "m5.xlarge", zone: "c", first: before(260), stopped: before(75), tags: "Env=dev", disks: "gp2:200"},
		{name: "new-service", kind: "m8i.xlarge", zone: "d", system: "ubuntu-pro", first: part(0.6), tags: "Env=prod", disks: "gp3:60"},
		{name: "=cmd|'/c calc'!A1", kind: "t3a.small", zone: "a", first: before(10), tags: "Env=dev;Note=+1 @home", disks: "gp3:8"},
		{name: "sap-suse", kind: "r8i.2xlarge", zone: "b", system: "suse", first: before(130), tags: "Env=prod", disks: "gp3:100 gp3:1024:12000:500"},
		{name: "erp-byol", kind: "m5.xlarge", zone: "d", system: "windows-byol", first: before(65), tags: "Env=prod;Platform=Windows", disks: "gp3:120"},
		{name: "hsm-dedicated", kind: "m5.large", zone: "a", first: before(55), tags: "Env=prod", disks: "gp3:30", tenancy: "dedicated"},
	}
}

// virginia lists the instances of us-east-1.
func virginia(start time.Time) []server {
	days := func(n float64) time.Time { return start.Add(-time.Duration(n * 24 * float64(time.Hour))) }
	return []server{
		{name: "us-web-1", kind: "t3.medium", zone: "a", first: days(90), tags: "auto;Env=dev", disks: "gp3:30"},
		{name: "us-build", kind: "c5.xlarge", zone: "b", first: days(45), last: days(1.3), stopped: days(0.5), tags: "auto;Env=dev", disks: "gp3:100"},
		{name: "us-windows", kind: "m5.large", zone: "a", system: "windows", first: days(200), tags: "Env=prod;Platform=Windows", disks: "gp3:80"},
	}
}

func addServer(a *state.Account, r *state.Region, one server) error {
	kind, ok := a.Types.Spec(one.kind)
	if !ok {
		return fmt.Errorf("no instance type %s", one.kind)
	}
	if one.system == "" {
		one.system = "linux"
	}
	sys, ok := state.SystemNamed(one.system)
	if !ok {
		return fmt.Errorf("no system %s", one.system)
	}
	l := state.Launch{
		Type: kind, System: sys, Zone: r.Name + one.zone, Tenancy: one.tenancy, KeyName: "practice",
		StopProtection: one.guarded, InstanceStore: one.store, Spot: one.spot != "", Persistent: one.spot == "persistent",
		Price: "0.2000", Tags: serverTags(one.name, one.tags),
	}
	if strings.Contains(one.tags, "aws:autoscaling") {
		l.Requester = "940372691376" // the Auto Scaling service launched it
	}
	for n, text := range strings.Fields(one.disks) {
		spec, err := diskSpec(text)
		if err != nil {
			return err
		}
		device := sys.RootDevice
		if n > 0 {
			device = "/dev/sd" + string(rune('e'+n))
		}
		l.Disks = append(l.Disks, state.Disk{Device: device, Spec: spec, DeleteOnTermination: n == 0, Tags: state.Tags{{Key: "Name", Value: one.name}}})
	}
	i := r.AddReservation(l, 1, one.first).Instances[0]
	if !one.last.IsZero() {
		i.LaunchTime = one.last.Truncate(time.Second)
	}
	if !one.stopped.IsZero() {
		i.Stop(one.stopped, time.Second, false)
		i.Settle(one.stopped.Add(time.Second))
		i.Changed = time.Time{}
	}
	return nil
}

// serverTags reads "key=value;key=value" after the name.
func serverTags(name, text string) state.Tags {
	ts := state.Tags{{Key: "Name", Value: name}}
	for pair := range strings.SplitSeq(text, ";") {
		if pair == "auto" {
			pair = "AutoStopStart=Yes"
		}
		k, v, _ := strings.Cut(pair, "=")
		ts = append(ts, state.Tag{Key: k, Value: v})
	}
	return ts
}

// diskSpec reads "type:GiB:IOPS:MiB/s"; "multi" at the end means Multi-Attach.
func diskSpec(text string) (state.VolumeSpec, error) {
	words := strings.Split(text, ":")
	s := state.VolumeSpec{Type: words[0]}
	if words[len(words)-1] == "multi" {
		s.MultiAttach = true
		words = words[:len(words)-1]
	}
	for n, into := range []*int64{&s.SizeGiB, &s.IOPS, &s.Throughput} {
		if len(words) <= n+1 {
			break
		}
		v, err := strconv.ParseInt(words[n+1], 10, 64)
		if err != nil {
			return s, fmt.Errorf("disk %q: %w", text, err)
		}
		*into = v
	}
	if err := s.Complete(); err != nil {
		return s, fmt.Errorf("disk %q: %s", text, err.Message)
	}
	return s, nil
}

// addLooseVolumes adds the volumes that nothing uses and attaches the shared
// one to the second database server.
func addLooseVolumes(r *state.Region, start time.Time) error {
	for n, one := range []struct{ name, disk string }{
		{"backup-old", "gp2:200"}, {"migration", "gp3:500"}, {"db-test", "io1:100:1000"}, {"", "standard:50"}, {"로그-보관", "sc1:1000"},
	} {
		spec, err := diskSpec(one.disk)
		if err != nil {
			return err
		}
		var ts state.Tags
		if one.name != "" {
			ts = state.Tags{{Key: "Name", Value: one.name}}
		}
		r.AddVolume(spec, r.Zones()[n%4], start.AddDate(0, -n-1, 0), ts)
	}
	for _, v := range r.VolumeOrder {
		if !v.MultiAttach {
			continue
		}
		for _, res := range r.Reservations {
			if i := res.Instances[0]; i.Tags.Map()["Name"] == "운영-DB-2" {
				r.AttachVolume(v, i, "/dev/sdf", i.FirstLaunch, i.FirstLaunch, false)
			}
		}
	}
	return nil
}
