package app

import (
	"context"
	"errors"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/schedule"
)

// Explanation is why a machine is, or is not, acted on.
type Explanation struct {
	Kind     fleet.Kind       `json:"kind"`
	ID       fleet.ResourceID `json:"id"`
	Name     string           `json:"name"`
	Account  fleet.Account    `json:"account,omitempty"`
	Region   fleet.Region     `json:"region"`
	State    fleet.State      `json:"state"`
	Started  *time.Time       `json:"started,omitempty"`
	Stopped  *time.Time       `json:"stopped,omitempty"`
	Rule     int              `json:"rule,omitempty"`
	Tag      string           `json:"tag,omitempty"`
	Schedule string           `json:"schedule,omitempty"`
	Windows  string           `json:"windows,omitempty"`
	Zone     string           `json:"timezone,omitempty"`
	Window   string           `json:"window,omitempty"`
	Desired  schedule.State   `json:"wanted,omitempty"`
	Last     *time.Time       `json:"last,omitempty"`
	Next     *time.Time       `json:"next,omitempty"`
	Override string           `json:"override,omitempty"`
	LastAct  string           `json:"last_act,omitempty"`
	Action   power.Action     `json:"action"`
	fleet.Reason
	Warnings []string `json:"warnings,omitempty"`

	// OverrideEnded is true where the override counts no longer.
	OverrideEnded bool `json:"override_ended,omitempty"`
}

// Explain says for each machine that has the id, the ARN or the name why it is, or
// is not, acted on at a time; the zero time is now. It is an error where none is
// found; what could not be read comes as an error beside those that were.
func (s *Session) Explain(ctx context.Context, name string, at time.Time) ([]Explanation, error) {
	if err := s.needRules(); err != nil {
		return nil, err
	}
	ctx, run := s.app.begin(ctx, "explain")
	now := s.clock(at)
	found, errs := s.find(ctx, name, now)
	var list []Explanation
	for _, f := range found {
		list = append(list, s.explain(f, now()))
	}
	if len(found) > 0 && found[0].identified(name) {
		errs = nil // what could not be read has other ids
	}
	err := errors.Join(errs...)
	run.end(fleet.StatusOf(err))
	return list, err
}

func (s *Session) explain(f foundMachine, now time.Time) Explanation {
	m, d := f.Machine, f.Desired
	e := Explanation{
		Kind: m.Kind, ID: m.ID, Name: m.Name(), Account: f.target.Account, Region: m.Target.Region, State: m.State,
		Started: known(m.Started), Stopped: known(m.Stopped),
		Rule: d.Rule, Schedule: d.Schedule, Window: d.By, Desired: d.State, Last: known(d.Since), Next: known(d.Until),
		Override: m.Tags[fleet.TagOverride], LastAct: m.Tags[fleet.TagLast], Action: f.Action, Reason: f.Reason, Warnings: d.Warnings,
	}
	if o, err := fleet.ParseOverride(e.Override); err == nil && !now.Before(o.Until) {
		e.OverrideEnded = true
	}
	if d.Rule == 0 {
		return e
	}
	rule := s.Config.Rules().Rules[d.Rule-1]
	e.Tag = rule.Tag.String()
	if rule.Ignore {
		return e
	}
	if named, err := rule.Read(m.Tags[rule.Tag.Key]); err == nil && named.Schedule != nil {
		e.Zone = named.Schedule.Zone().String()
		e.Windows = named.Schedule.Definition().String()
	}
	return e
}

// known is a time that may not be known.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
