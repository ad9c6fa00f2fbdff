package power

import (
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/fleet"
)

// Summary is what a run that follows schedules answers: what was done with
// whom, and what needs somebody's attention. Machines with no change are
// counted, not listed.
type Summary struct {
	// Status is a sentence such as "stopped 3, started 2, failed 1".
	Status  string `json:"status"`
	Stopped []Act  `json:"stopped"`
	Started []Act  `json:"started"`
	Failed  []Act  `json:"failed,omitempty"`
	// Deferred are those that there was no time for, or that wait for others.
	Deferred []Act `json:"left,omitempty"`
	// Skipped are those that were skipped on purpose.
	Skipped []Act `json:"skipped,omitempty"`
	// Invalid lists the errors that somebody has to fix, each once.
	Invalid []Problem `json:"mistakes,omitempty"`
	// Warnings lists what may surprise somebody, each once.
	Warnings []Problem `json:"warnings,omitempty"`
	// NoChange counts the machines that were in their desired state, NoRule those
	// that no rule is for.
	NoChange int `json:"as_wanted"`
	NoRule   int `json:"no_rule"`
	// NotSelected counts the machines that a Selection left out.
	NotSelected int  `json:"not_selected,omitempty"`
	DryRun      bool `json:"dry_run,omitempty"`
	// Errors are what could not be read, one sentence for each account
	// and region.
	Errors []string `json:"errors,omitempty"`
	// ConfigurationErrors counts what is wrong in the configuration. What it
	// concerns was skipped.
	ConfigurationErrors int `json:"configuration_errors,omitempty"`
}

// The codes of machines that AWS stopped: StoppedByAWS is started again now, RetryLater
// later.
const (
	StoppedByAWS = "stopped-by-aws"
	RetryLater   = "retry-later"
)

// The codes of machines that the run had no time for, or not enough.
const (
	NotTried = "not-tried"
	NoTime   = "no-time"
)

// Misconfigured notes how many errors the configuration has.
func (s *Summary) Misconfigured(count int) {
	s.ConfigurationErrors = count
	s.Status = s.status()
}

// Act is one machine in a summary.
type Act struct {
	Kind     fleet.Kind       `json:"kind"`
	ID       fleet.ResourceID `json:"id"`
	Name     string           `json:"name"`
	Account  fleet.Account    `json:"account,omitempty"`
	Region   fleet.Region     `json:"region"`
	Schedule string           `json:"schedule,omitempty"`
	fleet.Reason
}

// Problem is an error or a warning, with the machines that have it.
type Problem struct {
	fleet.Reason
	Machines []fleet.ResourceID `json:"machines"`
}

// Quiet reports whether a reason is one of a machine that needs no attention.
func Quiet(code string) bool {
	return slices.Contains([]string{"as-wanted", noRule, "unmanaged", Ignored}, code)
}

// Manual reports whether a reason is one of a machine that a person started or
// stopped, or that was shut down from inside, which is respected.
func Manual(code string) bool {
	return slices.Contains([]string{"started-by-hand", "stopped-by-hand", "shut-down", "retained", "min-uptime"}, code)
}

// Summarize sums up the plans of all targets and, unless it was a dry run, what
// came of them: outcomes has one list for each plan, or is nil.
func Summarize(plans []Plan, outcomes [][]fleet.Outcome, errs []error) Summary {
	s := Summary{Stopped: []Act{}, Started: []Act{}, DryRun: outcomes == nil}
	for _, err := range errs {
		s.Errors = append(s.Errors, strings.Split(err.Error(), "\n")...)
	}
	for n, p := range plans {
		s.NotSelected += len(p.Others)
		for k, step := range p.Steps {
			for _, w := range step.Desired.Warnings {
				s.Warnings = noted(s.Warnings, fleet.Reason{Code: "warning", Text: w}, step.Machine.ID)
			}
			if step.Invalid {
				s.Invalid = noted(s.Invalid, step.Reason, step.Machine.ID)
				continue
			}
			result, action, reason := fleet.Skipped, step.Action, step.Reason
			if outcomes != nil {
				o := outcomes[n][k]
				result, action, reason = o.Result, Action(o.Action), o.Reason
			} else if step.Do() {
				result = fleet.Done
			}
			s.add(result, action, Act{
				Kind: step.Machine.Kind, ID: step.Machine.ID, Name: step.Machine.Name(),
				Account: p.Target.Account, Region: p.Target.Region, Schedule: step.Desired.Schedule, Reason: reason,
			})
		}
	}
	s.Status = s.status()
	return s
}

func (s *Summary) add(result fleet.Result, action Action, a Act) {
	switch {
	case result == fleet.Done && action == Start:
		s.Started = append(s.Started, a)
	case result == fleet.Done:
		s.Stopped = append(s.Stopped, a)
	case result == fleet.Failed:
		s.Failed = append(s.Failed, a)
	case result == fleet.Deferred:
		s.Deferred = append(s.Deferred, a)
	case a.Code == noRule:
		s.NoRule++
	case Quiet(a.Code):
		s.NoChange++
	default:
		s.Skipped = append(s.Skipped, a)
	}
}

// noted adds a machine to the problem that it shares with others.
func noted(list []Problem, r fleet.Reason, id fleet.ResourceID) []Problem {
	for n := range list {
		if list[n].Reason == r {
			list[n].Machines = append(list[n].Machines, id)
			return list
		}
	}
	return append(list, Problem{r, []fleet.ResourceID{id}})
}

func (s *Summary) status() string {
	parts := []string{fmt.Sprintf("stopped %d", len(s.Stopped)), fmt.Sprintf("started %d", len(s.Started))}
	if s.DryRun {
		parts = []string{fmt.Sprintf("would stop %d", len(s.Stopped)), fmt.Sprintf("would start %d", len(s.Started))}
	}
	for _, p := range []struct {
		n    int
		what string
	}{
		{len(s.Skipped), "skipped"},
		{len(s.Failed), "failed"},
		{len(s.Deferred), "left"},
		{len(s.Invalid), "to put right"},
		{s.ConfigurationErrors, "wrong in the configuration"},
		{s.NotSelected, "not selected"},
	} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return strings.Join(parts, ", ")
}

// Changes is the number of machines that were, or would be, acted on.
func (s *Summary) Changes() int { return len(s.Stopped) + len(s.Started) }
