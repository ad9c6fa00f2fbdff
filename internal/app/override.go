package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

// OverrideInput says which machine to override, or of which to end the override.
type OverrideInput struct {
	Name string // an id, an ARN or a name
	// State is fleet.Running or fleet.Stopped; empty ends the override that
	// is there.
	State fleet.State
	Until time.Time // when it ends
}

// Override is an override on a machine.
type Override struct {
	ID      fleet.ResourceID `json:"id"`
	Name    string           `json:"name"`
	Account fleet.Account    `json:"account,omitempty"`
	Region  fleet.Region     `json:"region"`
	Tag     string           `json:"tag"`
	State   fleet.State      `json:"state"`
	Since   time.Time        `json:"since"`
	Until   time.Time        `json:"until"`
	// Clipped is true where it was to last longer than the configuration allows.
	Clipped bool `json:"clipped,omitempty"`
}

// SetOverride writes an override into the tag of the one machine that is meant, or
// ends the one that is there.
func (s *Session) SetOverride(ctx context.Context, in OverrideInput) (Override, error) {
	if err := s.needRules(); err != nil {
		return Override{}, err
	}
	now := s.clock(time.Time{})().UTC().Truncate(time.Second)
	wish, clipped, err := s.wishedOverride(in, now)
	if err != nil {
		return Override{}, err
	}
	ctx, run := s.app.begin(ctx, "override")
	made, err := s.writeOverride(ctx, in, wish, now)
	made.Clipped = clipped
	run.end(fleet.StatusOf(err))
	return made, err
}

// wishedOverride is what a new override would be, within what the configuration
// allows.
func (s *Session) wishedOverride(in OverrideInput, now time.Time) (o fleet.Override, clipped bool, err error) {
	limits := s.Config.Rules().Override
	o = fleet.Override{State: in.State, Since: now, Until: in.Until.UTC().Truncate(time.Second)}
	switch {
	case in.State == "":
		return o, false, nil
	case in.State == fleet.Stopped && !limits.Off:
		return o, false, fleet.Errorf(fleet.ErrInvalid, "an override to off is not allowed; power.override.off: true in the configuration allows it")
	case !o.Until.After(now):
		return o, false, fleet.Errorf(fleet.ErrInvalid, "%s is not in the future; an override needs a time to end at", in.Until.In(s.Config.Zone).Format("Mon 2006-01-02 15:04 MST"))
	}
	o, clipped = limits.Clip(o)
	return o, clipped, nil
}

func (s *Session) writeOverride(ctx context.Context, in OverrideInput, o fleet.Override, now time.Time) (Override, error) {
	f, err := s.findOne(ctx, in.Name)
	if err != nil {
		return Override{}, err
	}
	m := f.Machine
	if in.State == "" {
		if o, err = s.cleared(m, now); err != nil {
			return Override{}, err
		}
	}
	tag := fleet.Tags{fleet.TagOverride: o.String()}
	if err := f.target.clients([]fleet.Kind{m.Kind}).Machines[m.Kind].Mark(ctx, []fleet.Machine{m}, tag); err != nil {
		return Override{}, err
	}
	return Override{
		ID: m.ID, Name: m.Name(), Account: f.target.Account, Region: m.Target.Region, Tag: o.String(), State: o.State, Since: o.Since, Until: o.Until,
	}, nil
}

// findOne finds the one machine that is meant and that a rule is for. Where
// something could not be read another one might be meant.
func (s *Session) findOne(ctx context.Context, name string) (foundMachine, error) {
	found, errs := s.find(ctx, name, s.clock(time.Time{}))
	switch {
	case len(found) == 0:
		return foundMachine{}, errors.Join(errs...)
	case len(errs) > 0 && !found[0].identified(name):
		return foundMachine{}, errors.Join(append(errs, fmt.Errorf("another machine may have the name %q, since not all could be read; give the id, such as %s", name, found[0].Machine.ID))...)
	case len(found) > 1 && found[0].identified(name):
		return foundMachine{}, fleet.Errorf(fleet.ErrInvalid, "%d machines have the id %q; choose one with --region and --account", len(found), name)
	case len(found) > 1:
		return foundMachine{}, fleet.Errorf(fleet.ErrInvalid, "%d machines have the name %q; give the id of one, such as %s", len(found), name, found[0].Machine.ID)
	}
	f := found[0]
	switch {
	case f.Desired.Rule == 0:
		return f, fleet.Errorf(fleet.ErrInvalid, "no rule is for %s (%s), so that there is nothing to override", f.Machine.ID, f.Machine.Name())
	case f.Reason.Code == power.Ignored:
		return f, fleet.Errorf(fleet.ErrInvalid, "%s (%s): %s, so that there is nothing to override", f.Machine.ID, f.Machine.Name(), f.Reason.Text)
	}
	return f, nil
}

// cleared is the override of a machine, ended now.
func (s *Session) cleared(m fleet.Machine, now time.Time) (fleet.Override, error) {
	value, ok := m.Tags[fleet.TagOverride]
	if !ok {
		return fleet.Override{}, fleet.Errorf(fleet.ErrInvalid, "%s has no override: it has no tag %s", m.ID, fleet.TagOverride)
	}
	o, err := fleet.ParseOverride(value)
	if err != nil { // whatever it was meant to be, it is over
		return fleet.Override{State: fleet.Running, Since: now, Until: now}, nil
	}
	o, _ = s.Config.Rules().Override.Clip(o)
	if !o.Until.After(now) {
		return o, fleet.Errorf(fleet.ErrInvalid, "%s has no override: the last one ended at %s", m.ID, o.Until.In(s.Config.Zone).Format("Mon 2006-01-02 15:04 MST"))
	}
	return o.Cleared(now), nil
}

// OverridesResult are the overrides that have not ended, with what the limits leave of
// them.
type OverridesResult struct {
	Overrides []Override
	// Errors say what could not be read, Status how the reading went.
	Errors []TargetError
	Status fleet.Status
}

// Overrides reads the overrides of all machines that rules are for.
func (s *Session) Overrides(ctx context.Context) (OverridesResult, error) {
	plan, err := s.Power(ctx, PowerInput{DryRun: true})
	if err != nil {
		return OverridesResult{}, err
	}
	result := OverridesResult{Overrides: []Override{}, Status: fleet.StatusDone}
	for _, t := range plan.Targets {
		if t.Failure != nil {
			result.Errors = append(result.Errors, *t.Failure)
		}
		for _, step := range t.Plan.Steps {
			if o := step.Desired.Override; o.Until.After(t.Plan.At) {
				m := step.Machine
				result.Overrides = append(result.Overrides, Override{
					ID: m.ID, Name: m.Name(), Account: t.Plan.Target.Account, Region: t.Plan.Target.Region,
					Tag: m.Tags[fleet.TagOverride], State: o.State, Since: o.Since, Until: o.Until,
				})
			}
		}
	}
	result.Errors = append(result.Errors, plan.Unreachable...)
	switch {
	case plan.Unread:
		result.Status = fleet.StatusOf(joinAlike(errorsOf(result.Errors)))
	case len(result.Errors) > 0:
		result.Status = fleet.StatusPartial
	}
	return result, nil
}
