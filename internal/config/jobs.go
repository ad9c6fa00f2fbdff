package config

import (
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"nightshift/internal/schedule"
)

// The jobs that run at times of their own.
const (
	JobPower  = "power"
	JobReport = "report"
	JobStop   = "stop"
	JobStart  = "start"
	JobBackup = "backup"
)

// jobNames are all jobs of the section, in the order in which they are shown.
func jobNames() []string { return []string{JobPower, JobReport, JobStop, JobStart, JobBackup} }

func jobKeys() []string { return []string{"every", "at", "timezone"} }

// defaultBackups is how often backups look for what is due where the file does not say.
const defaultBackups = 15 * time.Minute

// neverWord keeps a job from running at times of its own.
const neverWord = "never"

// Job is a job with the times at which it runs.
type Job struct {
	Name string
	When schedule.Recurrence
}

// Job is when the job of a name runs; the zero value where it does not run at
// times of its own.
func (c *Config) Job(name string) schedule.Recurrence {
	n := slices.IndexFunc(c.Jobs, func(j Job) bool { return j.Name == name })
	if n < 0 {
		return schedule.Recurrence{}
	}
	return c.Jobs[n].When
}

// jobs reads when each job runs. What the file does not say has defaults: with
// rules power runs as often as the tick says, without them the machines with the
// tag are stopped and started on working days. Backups run where there are policies. The
// defaults at wall times need the file's time zone, since another would stop machines in
// the middle of the day.
func (l *loader) jobs(section field) {
	fields := map[string]field{}
	if section.value != nil {
		fields = l.fields(section.value, "jobs", jobNames())
	}
	for _, name := range jobNames() {
		before := l.wrong
		entry, given := fields[name]
		when := l.defaultTime(name)
		if given {
			when = l.jobTimes(name, entry.value)
		}
		switch {
		case !given || l.wrong > before:
		case name == JobPower:
			l.settleTick(entry, when)
		case name == JobBackup && !when.IsZero() && len(l.out.Backup.Policies) == 0 && !l.out.Backup.Broken:
			l.at(entry.key, "jobs.backup has nothing to copy; give policies under backup, or leave it out")
		}
		if !when.IsZero() {
			l.out.Jobs = append(l.out.Jobs, Job{Name: name, When: when})
		}
	}
}

// defaultTime is when a job runs where the file does not say.
func (l *loader) defaultTime(name string) schedule.Recurrence {
	rules := len(l.rules) > 0
	var when string
	switch {
	case name == JobPower && rules:
		return interval(l.out.rules.Tick)
	case name == JobBackup && len(l.out.Backup.Policies) > 0:
		return interval(defaultBackups)
	case name == JobReport:
		when = "Mon 07:00"
	case name == JobStop && !rules:
		when = "Mon-Fri 19:00"
	case name == JobStart && !rules:
		when = "Mon-Fri 08:00"
	}
	if when == "" || !l.out.ZoneGiven {
		return schedule.Recurrence{}
	}
	times, err := schedule.ParseRecurrence(when, l.out.Zone)
	if err != nil {
		return schedule.Recurrence{}
	}
	return times
}

// interval is a recurrence of an interval; the zero value where that is none, which has an
// error of its own.
func interval(every time.Duration) schedule.Recurrence {
	when, err := schedule.Every(every)
	if err != nil {
		return schedule.Recurrence{}
	}
	return when
}

// jobTimes reads one job: never, or a mapping with every or at.
func (l *loader) jobTimes(name string, n *yaml.Node) (when schedule.Recurrence) {
	value, ok := l.follow(n)
	if !ok {
		return when
	}
	if value.Kind == yaml.ScalarNode && strings.EqualFold(value.Value, neverWord) {
		return when
	}
	if value.Kind != yaml.MappingNode {
		l.at(n, "jobs.%s is %s; write { every: 5m }, { at: Mon 07:00 } or never", name, form(value))
		return when
	}
	fields := l.fields(value, "a job", jobKeys())
	every, hasEvery := fields["every"]
	at, hasAt := fields["at"]
	zone, hasZone := fields["timezone"]
	switch {
	case hasEvery && hasAt:
		l.at(at.key, "jobs.%s has every and at; a job has one of them", name)
	case hasEvery && hasZone:
		l.at(zone.key, "jobs.%s has a timezone, which means nothing for every; leave it out", name)
	case hasEvery && (name == JobStop || name == JobStart):
		l.at(every.key, "jobs.%s runs at a time; write at: Mon-Fri 19:00", name)
	case hasAt && name == JobPower:
		l.at(at.key, "jobs.power looks at the schedules every so often; write every: 5m")
	case hasAt && name == JobBackup:
		l.at(at.key, "jobs.backup looks every so often for what is due; the times of copies are those of each policy; write every: 15m")
	case hasEvery:
		return l.every(every.value, name)
	case hasAt:
		return l.timeOfDay(at.value, zone)
	case len(fields) > 0 || len(value.Content) == 0:
		l.at(n, "jobs.%s does not say when; write every: 5m or at: Mon 07:00", name)
	}
	return when
}

// every reads an interval of whole minutes. Power and backups look for what is due: a day
// is the longest for them.
func (l *loader) every(n *yaml.Node, name string) schedule.Recurrence {
	most := 31 * 24 * time.Hour
	if name == JobPower || name == JobBackup {
		most = longestTick
	}
	before := l.wrong
	interval := l.duration(n, "every", time.Minute, most)
	if l.wrong > before {
		return schedule.Recurrence{}
	}
	when, err := schedule.Every(interval)
	if err != nil {
		l.at(n, "%v", err)
	}
	return when
}

// timeOfDay reads days and a wall time, in the job's time zone or the file's.
func (l *loader) timeOfDay(n *yaml.Node, own field) (when schedule.Recurrence) {
	text, ok := l.text(n, "at")
	if !ok {
		return when
	}
	zone := l.out.Zone
	switch {
	case own.value != nil:
		if zone, ok = l.zone(own.value); !ok {
			return when
		}
	case l.zoneErr != nil:
		return when // the file's time zone has an error of its own
	case !l.out.ZoneGiven:
		zone = nil
	}
	day, err := schedule.ParseDayTime(text)
	switch {
	case err != nil:
		l.at(n, "%v", err)
	case zone == nil:
		l.at(n, "%q has no time zone; give it or the file a timezone", text)
	default:
		if when, err = schedule.At(day, zone); err != nil {
			l.at(n, "%v", err)
		}
	}
	return when
}

// settleTick makes power.tick and jobs.power.every one: what only one of them
// says holds for both.
func (l *loader) settleTick(power field, when schedule.Recurrence) {
	every := when.Interval()
	switch {
	case every == 0:
	case l.tick.value == nil:
		l.out.rules.Tick = every
	case every != l.out.rules.Tick:
		l.at(power.value, "jobs.power runs every %s, and power.tick in line %d is %s; leave the tick out",
			printDuration(every), l.tick.key.Line, printDuration(l.out.rules.Tick))
	}
}
