// Package journal keeps a record of every run: what was seen, decided, done
// and failed, how long it took and how many calls it made. Each run is one
// JSON object under a key that begins with its time, so that the keys sort by
// time and a job's records are found without reading the others:
//
//	runs/2026/11/22/20261122T190003Z-power-3f2a90c1d4e8.json
//	runs/2026/11/22/20261122T190503Z-power-a81c07be4410-idle.json
//
// The name of a run is its start, its job and a hash. "-idle" in the key says
// that the run changed nothing: who looks for stops and starts need not read it.
// Of a month of five-minute ticks a report reads the few runs that acted.
//
// The journal explains the past; nothing decides from it. A record that is
// missing or damaged costs history and nothing else.
//
// It may import fleet and blob.
package journal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"nightshift/internal/blob"
	"nightshift/internal/fleet"
)

// Version is the version of the records that Write writes.
const Version = 1

// Record is one run.
type Record struct {
	Version int `json:"version"`
	// Run names the run. Write derives it from the record where it is empty.
	Run string `json:"run"`
	// Job is what ran: lower-case letters, digits and hyphens, such as "power".
	Job      string         `json:"job"`
	Started  time.Time      `json:"started"` // kept in UTC
	Duration time.Duration  `json:"duration_ns"`
	Targets  []fleet.Target `json:"targets,omitempty"`
	DryRun   bool           `json:"dry_run,omitempty"`
	// Narrowed names the machines that the run was narrowed to; empty where it was
	// for all. Such a run says nothing about the others.
	Narrowed string `json:"narrowed,omitempty"`

	Seen     int `json:"seen"`    // resources that were looked at
	Decided  int `json:"decided"` // of these, how many were to be acted on
	Done     int `json:"done"`
	Failed   int `json:"failed"`
	Skipped  int `json:"skipped"` // left out on purpose
	Deferred int `json:"left"`    // for which no time was left

	Outcomes []Outcome `json:"outcomes,omitempty"`
	// Calls counts the API calls by IAM action, tries included.
	Calls  map[string]int `json:"calls,omitempty"`
	Errors []string       `json:"errors,omitempty"`
}

// Outcome is what happened to one resource in a run.
type Outcome struct {
	Target fleet.Target     `json:"target"`
	Kind   fleet.Kind       `json:"kind"`
	ID     fleet.ResourceID `json:"id"`
	Name   string           `json:"name,omitempty"`
	Action string           `json:"action,omitempty"`
	Result fleet.Result     `json:"result"`
	// Reason is flat in JSON: "code" and "reason".
	fleet.Reason
	State fleet.State `json:"state,omitempty"` // the last one seen
	// At is when AWS accepted the call; zero where none was accepted, and in
	// records that are older than this field.
	At       time.Time `json:"at,omitzero"`
	Schedule string    `json:"schedule,omitempty"` // its name, or the inline form
}

// OutcomeOf is an outcome as the journal keeps it, with the name of the schedule
// that asked for it.
func OutcomeOf(o fleet.Outcome, schedule string) Outcome {
	return Outcome{
		Target: o.Target, Kind: o.Kind, ID: o.ID, Name: o.Name, Action: o.Action, Result: o.Result,
		Reason: o.Reason, State: o.State, At: o.At.UTC().Truncate(time.Millisecond), Schedule: schedule,
	}
}

// acted reports whether the outcome is that of a call which AWS accepted. Records
// that are older than its time only say what was reached.
func (o Outcome) acted() bool {
	return !o.At.IsZero() || o.Result == fleet.Done && o.Action != ""
}

// idle reports whether a run for all machines changed nothing. The key of a narrowed
// run never says so: it does not say either that the run was narrowed, so that the
// record is to be read.
func (r Record) idle() bool {
	return r.Narrowed == "" && !slices.ContainsFunc(r.Outcomes, Outcome.acted)
}

// Add appends an outcome and counts its result.
func (r *Record) Add(o Outcome) {
	r.Outcomes = append(r.Outcomes, o)
	switch o.Result {
	case fleet.Done:
		r.Done++
	case fleet.Failed:
		r.Failed++
	case fleet.Skipped:
		r.Skipped++
	case fleet.Deferred:
		r.Deferred++
	}
}

const (
	root  = "runs/"
	stamp = "20060102T150405Z"
	// idleMark ends the names of the objects of idle runs.
	idleMark = "-idle"
)

// Write stores the record and gives its key, for example
// "runs/2026/11/22/20261122T190003Z-power-3f2a90c1d4e8.json". The name of the
// run ends in a hash of the record: writing the same record again, as a retry
// does, replaces it; two runs at the same second are side by side.
func Write(ctx context.Context, store blob.Store, r Record) (key string, err error) {
	if !regexp.MustCompile(`^[a-z0-9](-?[a-z0-9]){0,63}$`).MatchString(r.Job) {
		return "", fleet.Errorf(fleet.ErrInvalid, "journal: the job %q is not made of lower-case letters, digits and hyphens", r.Job)
	}
	if year := r.Started.UTC().Year(); year < 1970 || year > 9999 {
		return "", fleet.Errorf(fleet.ErrInvalid, "journal: a run that started at %s cannot be kept", r.Started)
	}
	r.Version, r.Started = Version, r.Started.UTC()
	body, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("journal: %w", err)
	}
	sum := sha256.Sum256(body)
	name := r.Started.Format(stamp) + "-" + r.Job + "-" + hex.EncodeToString(sum[:6])
	if r.Run == "" {
		r.Run = name
		if body, err = json.Marshal(r); err != nil {
			return "", fmt.Errorf("journal: %w", err)
		}
	}
	key = keyOf(r.Started, name, r.idle())
	if err := store.Put(ctx, key, append(body, '\n')); err != nil {
		return "", fmt.Errorf("journal: write the record of the run: %w", err)
	}
	return key, nil
}

// keyOf is the key of a run's record.
func keyOf(started time.Time, name string, idle bool) string {
	if idle {
		name += idleMark
	}
	return root + started.Format("2006/01/02/") + name + ".json"
}

// keyParts are what the key of a record says about the run.
type keyParts struct {
	name    string // that of the run
	started time.Time
	job     string
	hash    string
	idle    bool
}

// parseKey reads the last part of a key; ok is false where the key is not one of
// ours.
func parseKey(key string) (k keyParts, ok bool) {
	name, ours := strings.CutSuffix(key, ".json")
	k.name, k.idle = strings.CutSuffix(path.Base(name), idleMark)
	at, rest, dashed := strings.Cut(k.name, "-")
	cut := strings.LastIndexByte(rest, '-')
	if !ours || !dashed || cut < 1 {
		return keyParts{}, false
	}
	started, err := time.Parse(stamp, at)
	k.started, k.job, k.hash = started, rest[:cut], rest[cut+1:]
	return k, err == nil
}

// NameOf is the name of the run whose record has the key; empty where the key is not
// one of ours.
func NameOf(key string) string {
	k, _ := parseKey(key)
	return k.name
}

// decode reads a record and refuses what is not one. Fields that it does not
// know are left out.
func decode(key string, body []byte) (Record, error) {
	var r Record
	if err := json.Unmarshal(body, &r); err != nil {
		return Record{}, fleet.Errorf(fleet.ErrInvalid, "journal: %s is damaged: %w", key, err)
	}
	switch {
	case r.Version > Version:
		return Record{}, fleet.Errorf(fleet.ErrInvalid, "journal: %s was written by a newer nightshift (version %d)", key, r.Version)
	case r.Version < 1 || r.Job == "" || r.Started.IsZero():
		return Record{}, fleet.Errorf(fleet.ErrInvalid, "journal: %s is not the record of a run", key)
	}
	return r, nil
}
