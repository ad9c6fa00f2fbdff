package app

import (
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/text"
)

// BackupSummary is what a run of backups answers: what was copied and deleted, and what
// needs somebody's attention. Resources with nothing to do are counted, not listed.
type BackupSummary struct {
	// Status is a sentence such as "copied 3, failed 1".
	Status  string      `json:"status"`
	Copied  []BackupAct `json:"copied"`
	Marked  []BackupAct `json:"marked,omitempty"` // for deletion, a day before it
	Deleted []BackupAct `json:"deleted"`
	Failed  []BackupAct `json:"failed,omitempty"`
	// Deferred are left to the next run.
	Deferred []BackupAct `json:"deferred,omitempty"`
	// Waiting counts the deletions that wait for a person.
	Waiting int `json:"waiting,omitempty"`
	// NoChange counts the resources of which no copy was due.
	NoChange int  `json:"no_change"`
	DryRun   bool `json:"dry_run,omitempty"`
	// Notes say what was missing in the run itself, Errors what could not be read.
	Notes  []string `json:"notes,omitempty"`
	Errors []string `json:"errors,omitempty"`
	// ConfigurationErrors counts the policies with an error, which do nothing.
	ConfigurationErrors int `json:"configuration_errors,omitempty"`
}

// BackupAct is one resource or set in a summary.
type BackupAct struct {
	Policy   backup.PolicyID  `json:"policy"`
	Resource fleet.ResourceID `json:"resource"`
	Set      backup.SetID     `json:"set,omitempty"`
	Account  fleet.Account    `json:"account,omitempty"`
	Region   fleet.Region     `json:"region"`
	fleet.Reason
}

// Summary sums the run up. After a dry run it has what would be done.
func (r BackupResult) Summary() BackupSummary {
	s := BackupSummary{Copied: []BackupAct{}, Deleted: []BackupAct{}, DryRun: r.DryRun, ConfigurationErrors: r.Invalid}
	for _, err := range r.failures() {
		s.Errors = append(s.Errors, strings.Split(err.Error(), "\n")...)
	}
	for _, t := range r.Targets {
		s.Waiting += t.Waiting
		for _, note := range t.Notes {
			if !slices.Contains(s.Notes, note) {
				s.Notes = append(s.Notes, note)
			}
		}
		for n := range t.Plan.Creates {
			if t.Plan.Creates[n].Action == backup.ActionNone {
				s.NoChange++
			}
		}
		if r.DryRun {
			s.planned(t.Plan)
		}
		for _, o := range t.Outcomes {
			s.add(o, t.Plan.Target)
		}
	}
	s.Status = s.status()
	return s
}

// planned adds the copies of a plan that is not carried out. Its deletions wait.
func (s *BackupSummary) planned(p backup.Plan) {
	for n := range p.Creates {
		if c := &p.Creates[n]; c.Action != backup.ActionNone {
			s.Copied = append(s.Copied, BackupAct{c.Policy, c.Resource, "", p.Target.Account, p.Target.Region, c.Reason})
		}
	}
}

func (s *BackupSummary) add(o backup.Outcome, t fleet.Target) {
	act := BackupAct{o.Chain.Policy, o.Chain.Resource, o.Set, t.Account, t.Region, o.Reason}
	switch {
	case o.Result == fleet.Failed:
		s.Failed = append(s.Failed, act)
	case o.Result == fleet.Deferred:
		s.Deferred = append(s.Deferred, act)
	case o.Result == fleet.Skipped:
		s.NoChange++
	case o.Action == backup.DidCopy:
		s.Copied = append(s.Copied, act)
	case o.Action == backup.DidMark:
		s.Marked = append(s.Marked, act)
	case o.Action == backup.DidDelete:
		s.Deleted = append(s.Deleted, act)
	}
}

func (s *BackupSummary) status() string {
	var parts []string
	count := func(word string, n int, always bool) {
		if n > 0 || always {
			parts = append(parts, word+" "+text.Number(int64(n)))
		}
	}
	copied := "copied"
	if s.DryRun {
		copied = "would copy"
	}
	count(copied, len(s.Copied), true)
	count("marked", len(s.Marked), false)
	count("deleted", len(s.Deleted), false)
	count("failed", len(s.Failed), false)
	count("deferred", len(s.Deferred), false)
	if s.Waiting > 0 {
		parts = append(parts, fmt.Sprintf("%s for approval", text.Count(s.Waiting, "deletion waits", "deletions wait")))
	}
	if n := len(s.Errors); n > 0 {
		parts = append(parts, text.Count(n, "error", "errors"))
	}
	return strings.Join(parts, ", ")
}
