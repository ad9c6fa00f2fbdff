// Package config reads nightshift.yaml into values, strictly: every
// error of a file is found in one reading and reported with its line, its column
// and the nearest right spelling.
//
// An error affects only what it is in. A schedule, a rule or an account with an
// error is kept as one that answers with it, so that what it is about is
// skipped and does not fall to a later rule; everything else works.
//
// Import writes such a file from the definitions of Instance Scheduler on AWS.
//
// It may import fleet, schedule, schedule/foreign, power, retention and backup, and is
// the only importer of a YAML library.
package config

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/schedule"
	"nightshift/internal/text"
)

// Config is what nightshift.yaml says.
type Config struct {
	// Zone is the time zone of schedules that name none, UTC if none is given.
	// ZoneGiven is true where the file gives it.
	Zone      *time.Location
	ZoneGiven bool
	// Schedules are in the order of the file.
	Schedules []Schedule
	// Accounts are the accounts to work in, in the order of the file; empty
	// means that of the credentials alone.
	Accounts []Account
	// Regions are the regions to work in, or "all" alone; empty means that the
	// file does not say.
	Regions []string
	// Journal is where records of runs are kept: a directory or
	// "s3://bucket/prefix"; empty means nowhere.
	Journal string
	Cost    Cost
	// Jobs are those that run at times of their own, in a fixed order.
	Jobs []Job
	// Deploy is how nightshift is installed in AWS.
	Deploy  Deploy
	Metrics Metrics
	Notify  Notify
	// Backup is what is copied, and how long the copies stay.
	Backup backup.Settings
	// Warnings are what is unusual, but possible.
	Warnings []Problem

	rules power.Rules
}

// Schedule is a schedule with its name.
type Schedule struct {
	Name, Description string
	// Schedule is nil where Err is not.
	Schedule *schedule.Schedule
	// Err says where the file defines it wrongly.
	Err error
}

// Rules bind machines to schedules. They are in the order of the file.
func (c *Config) Rules() power.Rules { return c.rules }

// Names are the names of the schedules, in the order of the file.
func (c *Config) Names() []string {
	names := make([]string, len(c.Schedules))
	for i, s := range c.Schedules {
		names[i] = s.Name
	}
	return names
}

// ignoreWord as a tag's value has a machine skipped.
const ignoreWord = "ignore"

// Find gives the schedule that a text names or is: a name of the file, an
// inline form such as "Mon-Fri 08:00-19:00 Asia/Seoul", or "ignore". zone is
// for inline forms that name none; nil means the file's. An unknown name is an
// error of kind fleet.ErrInvalid that names the nearest known one.
func (c *Config) Find(value string, zone *time.Location) (power.Named, error) {
	if zone == nil {
		zone = c.Zone
	}
	i := slices.IndexFunc(c.Schedules, func(s Schedule) bool { return s.Name == value })
	if i >= 0 {
		return power.Named{Name: value, Schedule: c.Schedules[i].Schedule}, c.Schedules[i].Err
	}
	if value == ignoreWord {
		return power.Named{Name: value, Ignore: true}, nil
	}
	inline, err := schedule.Parse(value, zone)
	if err == nil {
		return power.Named{Name: value, Schedule: inline}, nil
	}
	known := append(c.Names(), ignoreWord)
	if text.Nearest(value, known) != "" || !strings.ContainsAny(value, " :0123456789") {
		return power.Named{}, fleet.Errorf(fleet.ErrInvalid, "there is no schedule %q%s", value, meant(value, known))
	}
	return power.Named{}, fleet.Errorf(fleet.ErrInvalid, "there is no schedule %q, and as an inline schedule it is wrong: %w", value, err)
}

// Load reads the configuration and the calendars that it names, which lie
// next to it unless their names are absolute. open opens a file by its name.
//
// What is wrong in the file comes back as Errors, an error of kind
// fleet.ErrInvalid. The Config that comes with it is nil where the file is not
// readable as YAML; otherwise what has no error in it works, and what has
// answers with an error. A file that cannot be opened or read is the error of
// open.
func Load(name string, open func(name string) (io.ReadCloser, error)) (*Config, error) {
	data, err := slurp(name, open)
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", name, err)
	}
	l := loader{source: &source{name: name}, open: open, calendars: make(map[string]calendar), used: make(map[string]bool)}
	root := l.parse(data)
	if root == nil {
		return nil, l.all()
	}
	l.config(root)
	sortProblems(l.warnings)
	l.out.Warnings = l.warnings
	if len(l.errors) > 0 {
		return l.out, l.all()
	}
	return l.out, nil
}

// loader builds a Config from a source.
type loader struct {
	*source
	open      func(name string) (io.ReadCloser, error)
	calendars map[string]calendar // by file name, each read once
	out       *Config
	zoneErr   error // why there is no default zone
	rules     []rule
	tick      field           // power.tick
	names     []*yaml.Node    // of the schedules, in the order of out.Schedules
	used      map[string]bool // schedules that a rule names
}

// Keys are the keys of schedules, rules and the top level, sorted.
func Keys() []string {
	return sorted(without(topKeys(), "accounts", "cost", "jobs", "deploy", "metrics", "notify", "backup"), scheduleKeys(), powerKeys(), overrideKeys(), ruleKeys())
}

// AccountKeys are the key "accounts" and those of an account, sorted.
func AccountKeys() []string { return sorted([]string{"accounts"}, accountKeys()) }

// CostKeys are the key "cost" and those below it, sorted.
func CostKeys() []string {
	return sorted([]string{"cost", requestsKey, metricsKey}, costKeys())
}

// DeployKeys are the keys "jobs" and "deploy" and those below them, sorted.
func DeployKeys() []string {
	return sorted([]string{"jobs", "deploy"}, jobNames(), jobKeys(), deployKeys())
}

// NotifyKeys are the key "notify" and those below it, sorted.
func NotifyKeys() []string {
	return sorted([]string{"notify"}, notifyKeys(), recipientKeys(), routeKeys())
}

// BackupKeys are the key "backup" and those below it, sorted.
func BackupKeys() []string {
	return sorted([]string{"backup"}, backupKeys(), policyKeys(), slotKeys(), keepKeys())
}

// MetricsKeys are the key "metrics" and those below it, sorted.
func MetricsKeys() []string { return sorted([]string{"metrics"}, measuringKeys()) }

func sorted(lists ...[]string) []string {
	keys := slices.Concat(lists...)
	slices.Sort(keys)
	return slices.Compact(keys)
}

func without(list []string, words ...string) []string {
	return slices.DeleteFunc(list, func(s string) bool { return slices.Contains(words, s) })
}
