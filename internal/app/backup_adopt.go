package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
)

// AdoptInput says which snapshots are adopted, or given up.
type AdoptInput struct {
	backup.AdoptInput
	// DryRun says what would be done, and does nothing.
	DryRun bool
}

// AdoptTarget is what came of one account and region.
type AdoptTarget struct {
	Target fleet.Target
	Plan   []backup.Adoption
	// Outcomes has one for each snapshot of the plan; nil after a dry run.
	Outcomes []backup.Outcome
}

// BackupAdopt has nightshift manage snapshots that it has not made, or gives them up. A
// snapshot that is named and not found is an error of kind fleet.ErrNotFound; then nothing
// is done.
func (s *Session) BackupAdopt(ctx context.Context, in AdoptInput) ([]AdoptTarget, error) {
	switch {
	case s.Config == nil || len(s.Config.Backup.Policies) == 0:
		return nil, fleet.Errorf(fleet.ErrInvalid, "there are no policies (backup: policies:) whose copies they could become")
	case in.Policy != "" && !s.hasPolicy(in.Policy, backup.Volumes):
		return nil, fleet.Errorf(fleet.ErrInvalid, "--policy %s: the configuration has no policy with this id and `resource: volume`, and only such a policy can adopt snapshots", in.Policy)
	case (len(in.Snapshots) > 0) == (len(in.Tags) > 0):
		return nil, fleet.Errorf(fleet.ErrInvalid, "name snapshots by their ids, or choose them by a tag")
	}
	var targets []AdoptTarget
	var errs []error
	left := slices.Clone(in.Snapshots)
	for _, r := range ForEachTarget(ctx, s, func(ctx context.Context, t Target) (AdoptTarget, error) { return s.planAdoption(ctx, t, in) }) {
		errs = append(errs, r.Err)
		targets = append(targets, r.Value)
		for _, a := range r.Value.Plan {
			left = slices.DeleteFunc(left, func(id fleet.SnapshotID) bool { return id == a.Snapshot })
		}
	}
	if len(left) > 0 {
		errs = append(errs, fleet.Errorf(fleet.ErrNotFound, "there is no snapshot %s", left[0]))
	}
	if err := errors.Join(errs...); err != nil || in.DryRun {
		return targets, err
	}
	for n, t := range s.Targets {
		targets[n].Outcomes = backup.Adopt(ctx, t.session.Copies(t.Region), targets[n].Plan, in.Undo, s.clock(time.Time{}))
	}
	return targets, nil
}

// hasPolicy says whether the configuration has a policy of such resources.
func (s *Session) hasPolicy(id backup.PolicyID, of backup.Resource) bool {
	return slices.ContainsFunc(s.Config.Backup.Policies, func(p backup.Policy) bool { return p.ID == id && p.Resource == of })
}

func (s *Session) planAdoption(ctx context.Context, t Target, in AdoptInput) (AdoptTarget, error) {
	inv, err := s.inventory(ctx, t)
	if err == nil {
		err = inv.Unread[backup.PartSnapshots]
	}
	if err != nil {
		return AdoptTarget{Target: t.Target}, err
	}
	copies := t.session.Copies(t.Region)
	inv.Shared = map[fleet.SnapshotID][]string{}
	for _, id := range backup.AdoptionCandidates(inv, s.Config.Backup, in.AdoptInput) {
		with, err := copies.SharedWith(ctx, id)
		if err != nil {
			return AdoptTarget{Target: inv.Target}, err
		}
		inv.Shared[id] = with
	}
	return AdoptTarget{Target: inv.Target, Plan: backup.PlanAdoption(inv, s.Config.Backup, in.AdoptInput)}, nil
}

// BackupUndelete takes snapshots out of the Recycle Bin, in whichever target they are.
// There is an error for each that is in none.
func (s *Session) BackupUndelete(ctx context.Context, ids []fleet.SnapshotID) (restored []fleet.SnapshotID, err error) {
	var errs []error
	for _, id := range ids {
		failed := fleet.Errorf(fleet.ErrNotFound, "%s is not in the Recycle Bin", id)
		for _, t := range s.Targets {
			failed = backup.Undelete(ctx, t.session.Copies(t.Region), id, s.clock(time.Time{})())
			if !errors.Is(failed, fleet.ErrNotFound) {
				break
			}
		}
		if failed != nil {
			errs = append(errs, fmt.Errorf("undelete %s: %w", id, failed))
			continue
		}
		restored = append(restored, id)
	}
	return restored, errors.Join(errs...)
}
