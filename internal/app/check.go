package app

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/schedule"
)

// ConfigCheck is what a configuration says, in short.
type ConfigCheck struct {
	Configuration string          `json:"configuration"`
	Mistakes      []ConfigProblem `json:"mistakes"`
	Warnings      []ConfigProblem `json:"warnings"`
	Schedules     []ScheduleCheck `json:"schedules"`
	Jobs          []JobCheck      `json:"jobs"`
	Rules         int             `json:"rules"`
	Policies      []PolicyCheck   `json:"policies,omitempty"`
	Accounts      int             `json:"accounts,omitempty"`
}

// ConfigProblem is what is wrong or suspicious in a file, and where: line and
// column count from 1, 0 is the file as a whole.
type ConfigProblem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

// ScheduleCheck is a schedule with its state now and its next transition.
type ScheduleCheck struct {
	Schedule   string               `json:"schedule"`
	Definition string               `json:"definition,omitempty"`
	Zone       string               `json:"timezone,omitempty"`
	State      schedule.State       `json:"state,omitempty"`
	Next       *schedule.Transition `json:"next"`
	Error      string               `json:"error,omitempty"`
}

// PolicyCheck is a policy of backups with its next slot.
type PolicyCheck struct {
	Policy   backup.PolicyID `json:"policy"`
	Resource backup.Resource `json:"resource"`
	Tags     []string        `json:"tags"`
	When     string          `json:"when"`
	Keep     string          `json:"keep"`
	RPO      backup.Hours    `json:"rpo_hours"`
	// Next is null for a policy with an error.
	Next  *time.Time `json:"next"`
	Error string     `json:"error,omitempty"`
}

// JobCheck is a job that runs at times of its own, where nightshift is deployed.
// There is no next time for an interval, which begins when it is deployed.
type JobCheck struct {
	Job  string     `json:"job"`
	When string     `json:"when"`
	Next *time.Time `json:"next"`
}

// CheckConfig sums up the configuration of the session. Nothing is asked of AWS.
func (s *Session) CheckConfig() ConfigCheck {
	list := func(all []config.Problem) []ConfigProblem {
		out := []ConfigProblem{}
		for _, m := range all {
			out = append(out, ConfigProblem{m.File, m.Line, m.Col, m.Message})
		}
		return out
	}
	c := ConfigCheck{Configuration: s.ref.String(), Mistakes: list(s.Errors), Warnings: []ConfigProblem{}, Schedules: []ScheduleCheck{}, Jobs: []JobCheck{}}
	if s.Config == nil {
		return c
	}
	c.Warnings, c.Rules, c.Accounts = list(s.Config.Warnings), len(s.Config.Rules().Rules), len(s.Config.Accounts)
	now := s.app.options.Now()
	for _, named := range s.Config.Schedules {
		one := ScheduleCheck{Schedule: named.Name}
		if named.Err != nil {
			one.Error = named.Err.Error()
		} else {
			one.Definition, one.Zone, one.State = named.Schedule.Definition().String(), named.Schedule.Zone().String(), named.Schedule.At(now)
			if next, ok := named.Schedule.Next(now); ok {
				one.Next = &next
			}
		}
		c.Schedules = append(c.Schedules, one)
	}
	for _, p := range s.Config.Backup.Policies {
		c.Policies = append(c.Policies, policyCheck(p, now))
	}
	for _, job := range s.Config.Jobs {
		one := JobCheck{Job: job.Name, When: job.When.String()}
		if next, ok := job.When.Next(now); ok && job.When.Interval() == 0 {
			one.Next = &next
		}
		c.Jobs = append(c.Jobs, one)
	}
	return c
}

func policyCheck(p backup.Policy, now time.Time) PolicyCheck {
	one := PolicyCheck{Policy: p.ID, Resource: p.Resource, Tags: []string{}, RPO: backup.Hours(p.RPO)}
	for _, tag := range p.Tags {
		one.Tags = append(one.Tags, tag.String())
	}
	if p.Err != nil {
		one.Error = p.Err.Error()
		return one
	}
	one.When, one.Keep = p.When.String(), p.Keep.String()
	if p.AfterStop {
		one.When = "after a stop, else " + one.When
	}
	if next, ok := p.When.Next(now); ok {
		one.Next = &next
	}
	return one
}

// CheckResult is what was found out about the accounts.
type CheckResult struct {
	// Account is that of the credentials.
	Account     fleet.Account     `json:"account"`
	Regions     []fleet.Region    `json:"regions"`
	Permissions []PermissionCheck `json:"permissions"`
	// Tags are to be fixed, Notes are suspicious.
	Tags  []power.Problem `json:"tags"`
	Notes []power.Problem `json:"notes"`
	// Recommendations are what would make the account safer, with the command for it.
	Recommendations []CheckRecommendation `json:"recommendations,omitempty"`
	// Followed counts the machines that follow a schedule, LeftAlone those that
	// a rule or a tag leaves alone, WithoutRule those that no rule is for.
	Followed    int `json:"followed"`
	LeftAlone   int `json:"left_alone"`
	WithoutRule int `json:"without_rule"`
}

// CheckRecommendation is what would make an account safer in a region.
type CheckRecommendation struct {
	Account fleet.Account `json:"account,omitempty"`
	Region  fleet.Region  `json:"region"`
	fleet.Reason
	Command string `json:"command"`
}

// PermissionCheck is one thing that nightshift needs, and whether it has it.
type PermissionCheck struct {
	What    string        `json:"what"`
	Account fleet.Account `json:"account,omitempty"`
	Region  fleet.Region  `json:"region,omitempty"`
	Result  CheckStatus   `json:"result"`
	Detail  string        `json:"detail,omitempty"`
}

// CheckStatus is the result of one check.
type CheckStatus string

// The results of checks.
const (
	CheckAllowed CheckStatus = "allowed"
	CheckDenied  CheckStatus = "denied"
	CheckFailed  CheckStatus = "failed"
	CheckSkipped CheckStatus = "not checked"
)

// permission is the result of a check that ended with an error, or without one.
func permission(what string, region fleet.Region, err error, detail string) PermissionCheck {
	p := PermissionCheck{What: what, Region: region, Result: CheckAllowed, Detail: detail}
	if err != nil {
		p.Result, p.Detail = CheckFailed, strings.ReplaceAll(err.Error(), "\n", "; ")
		switch {
		case errors.Is(err, fleet.ErrDenied):
			p.Result = CheckDenied
		case errors.Is(err, fleet.ErrProtected), errors.Is(err, fleet.ErrConflict), errors.Is(err, fleet.ErrUnsupported):
			p.Result = CheckSkipped // this one cannot be acted on now, which says nothing of the others
		}
	}
	return p
}

// Check looks at the accounts: whose the credentials are, what they may do, whether
// the journal can be written and which tags look wrong. A small object named check
// is written to the journal's place; nothing else is changed.
func (s *Session) Check(ctx context.Context) (CheckResult, error) {
	ctx, run := s.app.begin(ctx, "check")
	account, err := s.aws.Account(ctx)
	if errors.Is(err, fleet.ErrCredentials) {
		run.end(fleet.StatusDenied)
		return CheckResult{}, err
	}
	result := CheckResult{Account: account, Regions: s.Regions, Tags: []power.Problem{}, Notes: []power.Problem{}}
	result.Permissions = append([]PermissionCheck{permission("sts:GetCallerIdentity", "", err, "account "+string(account))}, s.opened()...)
	now := s.clock(time.Time{})()
	for _, r := range ForEachTarget(ctx, s, func(ctx context.Context, t Target) (CheckResult, error) {
		c := targetCheck{Target: t, config: s.Config, now: now, samples: map[int]fleet.Machine{}}
		c.check(ctx)
		return c.result, nil
	}) {
		for n := range r.Value.Permissions {
			r.Value.Permissions[n].Account = r.Target.Account
		}
		for n := range r.Value.Recommendations {
			r.Value.Recommendations[n].Account = r.Target.Account
		}
		result.add(r.Value)
	}
	result.Permissions = append(result.Permissions, s.checkJournal(ctx)...)
	run.end(result.Status())
	return result, nil
}

// opened says which roles were assumed, and what was unreachable.
func (s *Session) opened() []PermissionCheck {
	var list []PermissionCheck
	for n, t := range s.Targets {
		if t.session != s.aws && (n == 0 || s.Targets[n-1].session != t.session) {
			assumed := permission("sts:AssumeRole", "", nil, s.Names.Of(t.Account))
			assumed.Account = t.Account
			list = append(list, assumed)
		}
	}
	for _, u := range s.Unreachable {
		failed := permission("work in the account", "", u.Err, "")
		failed.Account = u.Account
		list = append(list, failed)
	}
	return list
}

func (c *CheckResult) add(part CheckResult) {
	c.Permissions = append(c.Permissions, part.Permissions...)
	c.Recommendations = append(c.Recommendations, part.Recommendations...)
	for _, lists := range []struct {
		to   *[]power.Problem
		from []power.Problem
	}{{&c.Tags, part.Tags}, {&c.Notes, part.Notes}} {
		for _, m := range lists.from {
			for _, id := range m.Machines {
				note(lists.to, m.Reason, id)
			}
		}
	}
	c.Followed += part.Followed
	c.LeftAlone += part.LeftAlone
	c.WithoutRule += part.WithoutRule
}

// note keeps a reason once, with all machines that it is about.
func note(list *[]power.Problem, r fleet.Reason, id fleet.ResourceID) {
	n := slices.IndexFunc(*list, func(m power.Problem) bool { return m.Reason == r })
	if n < 0 {
		*list = append(*list, power.Problem{Reason: r})
		n = len(*list) - 1
	}
	(*list)[n].Machines = append((*list)[n].Machines, id)
}

// checkJournal writes, reads and lists in the journal's place.
func (s *Session) checkJournal(ctx context.Context) []PermissionCheck {
	place := s.Config.Journal
	if place == "" {
		return []PermissionCheck{{What: "journal", Result: CheckSkipped, Detail: "none is configured"}}
	}
	store, err := s.store(ctx, place)
	if err != nil {
		return []PermissionCheck{permission("journal", "", err, "")}
	}
	const key = "check"
	list := []PermissionCheck{permission("write the journal", "", store.Put(ctx, key, []byte("nightshift check\n")), place)}
	if list[0].Result == CheckAllowed {
		_, err = store.Get(ctx, key)
		list = append(list, permission("read the journal", "", err, place))
	}
	_, err = store.List(ctx, "runs/")
	return append(list, permission("list the journal", "", err, place))
}

// Count counts the permissions with a result.
func (c CheckResult) Count(result CheckStatus) int {
	n := 0
	for _, p := range c.Permissions {
		if p.Result == result {
			n++
		}
	}
	return n
}

// Status is how the check went as a whole: denied comes before partial.
func (c CheckResult) Status() fleet.Status {
	switch {
	case c.Count(CheckDenied) > 0:
		return fleet.StatusDenied
	case c.Count(CheckFailed)+len(c.Tags) > 0:
		return fleet.StatusPartial
	default:
		return fleet.StatusDone
	}
}
