// Package watch knows how the estate is doing from moment to moment: it reads the
// machines, the journal and the costs again and again and keeps what it read last.
// The daemon's metrics, its page and the notices are made from that, so that none
// of them ever asks AWS anything.
//
// It changes nothing. It may import fleet, blob, price, schedule, power, backup, config,
// journal, cost with its trend, changes and recommendations, and app.
package watch

import (
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
	"nightshift/internal/schedule"
)

// State is what is known at one moment. It is never changed once it is made, so
// that any number of readers may share it. Every part says how old it is.
type State struct {
	// Made is when this State was put together.
	Made   time.Time
	Config Config
	// SweepEvery is how often the machines are read where no job has done so.
	SweepEvery time.Duration
	// Targets are the accounts and regions with their machines, in the order of the
	// session; those that could not be reached keep what was last read of them.
	Targets []Target
	// Machines says when those of any target were read last, and what could not be
	// read; each target says when its own were.
	Machines Part
	Cost     Cost
	// Backups is empty where the configuration has no backup policies.
	Backups Backups
	Jobs    []Job
	// Runs are the newest records of the journal, the newest first. Those of other
	// processes are among them, such as of the deployed function. Of their outcomes
	// only what was done or tried is there, and of many old ones a few.
	Runs    []journal.Record
	Journal Part
	// Acts are what runs did with each machine in the last days, the newest first.
	Acts map[MachineKey][]Act
}

// MachineKey names a machine: accounts, regions and kinds may have one with the same id.
type MachineKey struct {
	fleet.Target
	Kind fleet.Kind
	ID   fleet.ResourceID
}

// Part is how old a part of the State is.
type Part struct {
	// At is when it was read last, Tried when that was last tried; zero is never.
	At, Tried time.Time
	// Duration is how long the last try took.
	Duration time.Duration
	// Err is why the last try failed, empty where it did not. What was read before
	// is still there then.
	Err string
}

// Config is the configuration in force.
type Config struct {
	// Ref is where it is from, Hash that of the file and its calendars in hex, Loaded
	// when it came into force.
	Ref    string
	Hash   string
	Loaded time.Time
	// Value is nil where there is none.
	Value *config.Config
	// Rejected are the errors of the newest configuration. Where one without errors was
	// read before, that stays in force; otherwise what they are about is skipped.
	Rejected []string
	// RejectedSince is when the configuration was found to have errors; zero while it has
	// none.
	RejectedSince time.Time
	// Checked is when it was last compared.
	Checked time.Time
}

// Target is an account in a region.
type Target struct {
	fleet.Target
	// AccountName is what people call the account.
	AccountName string
	// Up is true where the last sweep read all of its machines, At when the sweep that
	// read them last began, and Err why not now.
	Up  bool
	At  time.Time
	Err string
	// Steps are its machines, each with what the rules decide about it. None is ever
	// carried out.
	Steps []power.Step
}

// Cost is what the estate costs. It has no paid data but what a report paid for.
type Cost struct {
	Part
	Month cost.Month
	// Total is of all targets, Targets of each.
	Total   Amounts
	Targets []TargetCost
	// Services splits the total up by service, Tags by the values of each key that
	// the configuration names, the largest first. Each sums to the total.
	Services []NamedAmounts
	Tags     map[string][]NamedAmounts
	// Priced counts the rows with a price, Rows all.
	Priced, Rows int
	// Savings are what was not spent, by schedule; nil without a journal.
	Savings         *cost.Savings
	Recommendations []recommend.Listed
	// Trend and Changes are nil without a history.
	Trend   *trend.Trend
	Changes *trend.Changes
	// Notes are sentences about where the data come from.
	Notes []string
}

// Amounts are the three amounts in USD.
type Amounts struct {
	MonthToDate, RunRate, Forecast price.USD
}

// NamedAmounts are those of a service or of a tag's value.
type NamedAmounts struct {
	Name string
	Amounts
}

// TargetCost are the amounts of a target.
type TargetCost struct {
	fleet.Target
	Amounts
}

// Backups are which volumes have a copy, whoever made it, and how the policies are doing.
type Backups struct {
	Part
	// Targets are the accounts and regions in the order of the session, and then those that
	// could not be opened.
	Targets []BackupTarget
}

// BackupTarget is the status of the backups of an account in a region. Its date is in the
// status, and zero where it has never been read.
type BackupTarget struct {
	backup.Status
	// AccountName is what people call the account.
	AccountName string
	// Up is true where the last sweep read its volumes, instances and snapshots; otherwise
	// the status is what was read before. Err says what could not be read.
	Up  bool
	Err string
}

// Job is a job of the configuration, and how it is doing.
type Job struct {
	Name string
	When schedule.Recurrence
	// Next is when it is due; zero where it is not run at times of its own.
	Next time.Time
	// Last is the newest run, whoever made it; nil where there is none.
	Last *journal.Record
	// LastSuccess is the start of the newest run without a failure.
	LastSuccess time.Time
	// Running is true while this process does it.
	Running bool
	// Problem is why a run is late or was not made by this process, such as a lease
	// that another holds.
	Problem string
}

// Key names a machine of a target.
func (t *Target) Key(m fleet.Machine) MachineKey { return MachineKey{t.Target, m.Kind, m.ID} }

// Act is something that a run did, or failed to do, with a machine.
type Act struct {
	At       time.Time
	Run      string // its name in the journal
	Job      string
	Action   power.Action
	Result   fleet.Result
	Reason   fleet.Reason
	Schedule string
}
