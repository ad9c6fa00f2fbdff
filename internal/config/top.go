package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/schedule"
)

func topKeys() []string {
	return []string{"timezone", "schedules", "power", "accounts", "regions", "journal", "cost", "jobs", "deploy", "metrics", "notify", "backup"}
}

func powerKeys() []string {
	return []string{"rules", "override", "tick", "allow_untagged"}
}

func overrideKeys() []string { return []string{"max", "off"} }

// The defaults of DESIGN: overrides last a day at most, a tick comes every
// five minutes.
const (
	defaultOverride = 24 * time.Hour
	defaultTick     = 5 * time.Minute
	longestTick     = 24 * time.Hour
)

// config reads the whole file.
func (l *loader) config(root *yaml.Node) {
	l.out = &Config{
		Zone: time.UTC, Cost: Cost{CloudWatch: DefaultMetrics},
		rules: power.Rules{Override: power.OverrideLimits{Max: defaultOverride}, Tick: defaultTick},
	}
	top := l.fields(root, "the file", topKeys())
	l.missAccounts(root)
	if entry, given := top["timezone"]; given {
		if zone, ok := l.zone(entry.value); ok {
			l.out.Zone, l.out.ZoneGiven = zone, true
		} else {
			l.zoneErr = fleet.Errorf(fleet.ErrInvalid, "%s:%d: the time zone is wrong", l.name, entry.key.Line)
		}
	}
	if entry, given := top["schedules"]; given {
		l.schedules(entry.value)
	}
	if entry, given := top["power"]; given {
		l.power(entry.value)
	}
	if entry, given := top["accounts"]; given {
		l.accounts(entry.value)
	}
	if entry, given := top["regions"]; given {
		l.out.Regions = l.regions(entry.value)
	}
	if entry, given := top["journal"]; given {
		l.out.Journal = l.location(entry.value, "journal")
	}
	if entry, given := top["cost"]; given {
		l.cost(entry.value)
	}
	l.backup(top["backup"])
	l.jobs(top["jobs"])
	l.deploy(top["deploy"])
	l.metrics(top["metrics"])
	l.notify(top["notify"])
	_, zoned := top["timezone"]
	l.check(root, zoned)
}

func (l *loader) power(n *yaml.Node) {
	fields := l.fields(n, "power", powerKeys())
	untagged := false
	if entry, given := fields["allow_untagged"]; given {
		untagged = l.boolean(entry.value, "allow_untagged")
	}
	if entry, given := fields["tick"]; given {
		l.tick = entry
		if l.out.rules.Tick = l.duration(entry.value, "tick", time.Minute, longestTick); l.out.rules.Tick%time.Minute != 0 {
			l.at(entry.value, "tick has whole minutes, as in 5m")
			l.out.rules.Tick = defaultTick
		}
	}
	if entry, given := fields["override"]; given {
		override := l.fields(entry.value, "override", overrideKeys())
		if entry, given := override["max"]; given {
			l.out.rules.Override.Max = l.duration(entry.value, "max", time.Minute, 366*24*time.Hour)
		}
		if entry, given := override["off"]; given {
			l.out.rules.Override.Off = l.boolean(entry.value, "off")
		}
	}
	if entry, given := fields["rules"]; given {
		l.readRules(entry.value, untagged)
	}
}

func (l *loader) zone(n *yaml.Node) (*time.Location, bool) {
	name, ok := l.text(n, "timezone")
	if !ok {
		return nil, false
	}
	zone, err := schedule.LoadZone(name)
	if err != nil {
		l.at(n, "%v", err)
	}
	return zone, err == nil
}

// duration reads a length of time such as 90m, 12h or 2d12h within bounds; a
// day has 24 hours.
func (l *loader) duration(n *yaml.Node, what string, least, most time.Duration) time.Duration {
	text, ok := l.text(n, what)
	if !ok {
		return least
	}
	d, err := parseDuration(text)
	switch {
	case err != nil:
		l.at(n, "%s is %q; write a length of time such as 90m, 12h or 2d", what, text)
	case d < least || d > most:
		l.at(n, "%s is %s; it must lie between %s and %s", what, text, printDuration(least), printDuration(most))
	default:
		return d
	}
	return least
}

func parseDuration(text string) (time.Duration, error) {
	days, rest, found := strings.Cut(text, "d")
	if !found {
		return time.ParseDuration(text)
	}
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil {
		return 0, err
	}
	total := time.Duration(n) * 24 * time.Hour
	if rest == "" {
		return total, nil
	}
	if rest[0] < '0' || rest[0] > '9' {
		return 0, strconv.ErrSyntax
	}
	d, err := time.ParseDuration(rest)
	return total + d, err
}

// printDuration writes whole days, hours, minutes and seconds as
// parseDuration reads them, and no zeros.
func printDuration(d time.Duration) string {
	var text strings.Builder
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}} {
		if n := d / unit.size; n > 0 {
			text.WriteString(strconv.FormatInt(int64(n), 10) + unit.name)
			d %= unit.size
		}
	}
	if d > 0 || text.Len() == 0 {
		text.WriteString(d.String())
	}
	return text.String()
}

// regions reads region codes, or "all".
func (l *loader) regions(n *yaml.Node) []string {
	var regions []string
	for _, item := range l.items(n, "regions") {
		name, ok := l.text(item, "a region")
		_, err := fleet.ParseRegion(name)
		switch {
		case !ok:
		case name != "all" && err != nil:
			l.at(item, "%q is not a region code such as ap-northeast-2, nor all", name)
		case slices.Contains(regions, name):
			l.at(item, "the region %s is given twice", name)
		default:
			regions = append(regions, name)
		}
	}
	if len(regions) > 1 && slices.Contains(regions, "all") {
		l.at(n, "all stands for every region; name regions or all, not both")
	}
	return regions
}

// location reads where something is kept: a directory or "s3://bucket/prefix".
func (l *loader) location(n *yaml.Node, what string) string {
	location, ok := l.text(n, what)
	bucket, inS3 := strings.CutPrefix(location, "s3://")
	switch {
	case !ok:
		return ""
	case inS3 && !regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/|$)`).MatchString(bucket):
		l.at(n, "%s names no bucket; write s3://bucket/prefix", what)
	case !inS3 && strings.Contains(location, "://"):
		l.at(n, "%s is %q; it must be a directory or s3://bucket/prefix", what, location)
	default:
		return location
	}
	return ""
}
