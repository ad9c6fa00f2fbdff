package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/blob"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/text"
)

// jobBackup is the name of the job in the journal, in leases and in the configuration.
const jobBackup = "backup"

// BackupInput says what a run of backups may do.
type BackupInput struct {
	// DryRun makes plans and does nothing.
	DryRun bool
	// Approved is true where a person has agreed to the deletions of the plan that this
	// run makes. Hashes name plans that a person has seen before: only what these delete
	// is deleted. Without either it is a scheduled run, which deletes where the
	// configuration says so (backup: delete: unattended).
	Approved bool
	Hashes   []string
	// MaxDeletions is how many sets of a policy are deleted at most; 0 is the larger of
	// 20 and 5 % of its sets.
	MaxDeletions int
	// Prices asks for prices, so that the plan has what deletions free, and what policies
	// cost that have no copies yet.
	Prices bool
	// HasLease is true where the caller has taken the lease of the job.
	HasLease bool
	// Closing is closed when nothing new may be started. When the context ends, nothing
	// new is started either, and requests under way have a few seconds.
	Closing <-chan struct{} `json:"-"`
}

// attended says whether a person has agreed to something.
func (in BackupInput) attended() bool { return in.Approved || len(in.Hashes) > 0 }

// BackupResult is what came of it.
type BackupResult struct {
	Run
	Input       BackupInput
	Targets     []BackupTarget
	Unreachable []TargetError
	// Invalid counts the errors in the backup section of the configuration; what they are
	// about was skipped.
	Invalid int
	// Unmatched are the hashes of the input that no plan has any more: nothing was deleted
	// for them.
	Unmatched []string
	// Unread is true where no target could be read: then there is nothing to show.
	Unread bool
}

// BackupTarget is what came of one account and region.
type BackupTarget struct {
	Plan backup.Plan
	// Inventory is what the plan was made from.
	Inventory backup.Inventory `json:"-"`
	// Outcomes has one for each copy that was to be made, and one for each set that was to
	// be marked or deleted; nil after a dry run.
	Outcomes []backup.Outcome
	// Notes say what was missing in the run itself.
	Notes []string
	// Waiting counts the deletions that wait for a person, WaitingFrees is what they would
	// give back.
	Waiting      int
	WaitingFrees backup.Freed
	// Costs are those of policies that have no copies yet, where prices were asked for.
	Costs []PolicyCost
	// Failure, if not nil, is why not all could be read.
	Failure *TargetError
}

// BackupPlan makes the plans of all targets as Backup would, and does nothing.
func (s *Session) BackupPlan(ctx context.Context, in BackupInput) (BackupResult, error) {
	in.DryRun = true
	return s.Backup(ctx, in)
}

// Backup makes the copies that are due and, where that is approved, deletes those that no
// policy keeps. No target waits for another.
func (s *Session) Backup(ctx context.Context, in BackupInput) (BackupResult, error) {
	if err := s.checkBackup(in); err != nil {
		return BackupResult{}, err
	}
	ctx, run := s.app.beginRun(ctx, Run{Job: jobBackup, DryRun: in.DryRun})
	calls, cancel := outlive(ctx)
	defer cancel()
	result := BackupResult{Input: in, Unreachable: s.Unreachable, Invalid: s.invalidPolicies()}
	result.Input.Closing = nil // results are plain data
	job := &backupJob{session: s, in: in, calls: calls}
	if job.in.Closing == nil {
		job.in.Closing = ctx.Done()
	}
	err := job.begin(ctx)
	defer job.end()
	if err != nil {
		run.end(fleet.StatusOf(err))
		return BackupResult{}, err
	}
	for _, r := range ForEachTarget(ctx, s, job.target) {
		if r.Err != nil {
			r.Value.Failure = &TargetError{r.Target, r.Err}
			s.app.observer.Failed(run.Run, *r.Value.Failure)
		}
		result.Targets = append(result.Targets, r.Value)
	}
	result.Unmatched = unmatched(result)
	result.Unread = len(result.failures()) > 0 && len(result.failures()) == len(result.Targets)+len(result.Unreachable)
	if !in.DryRun {
		s.record(calls, run, result.Record())
	}
	result.Run = run.end(result.Status())
	return result, nil
}

// checkBackup says why the job cannot begin.
func (s *Session) checkBackup(in BackupInput) error {
	switch {
	case s.Config == nil:
		return fleet.Errorf(fleet.ErrInvalid, "no configuration")
	case len(s.Config.Backup.Policies) == 0:
		return fleet.Errorf(fleet.ErrInvalid, "%s has no policies (backup: policies:), so that nothing is copied", s.ref)
	case in.MaxDeletions < 0:
		return fleet.Errorf(fleet.ErrInvalid, "--max-deletions %d: must not be negative", in.MaxDeletions)
	}
	for _, hash := range in.Hashes {
		if _, ok := backup.HashTime(hash); !ok {
			return fleet.Errorf(fleet.ErrInvalid, "%q is not the hash of a plan; `nightshift backup plan` prints it", hash)
		}
	}
	return nil
}

func (s *Session) invalidPolicies() int {
	n := 0
	for _, p := range s.Config.Backup.Policies {
		if p.Err != nil {
			n++
		}
	}
	return n
}

// backupJob is what a run of backups does in every target. Requests that change something
// get the context calls, which outlives that of the run a little.
type backupJob struct {
	session *Session
	in      BackupInput
	calls   context.Context //nolint:containedctx // the other context of the same run
	store   blob.Versioned
	lease   *jobLease
}

// begin opens the store of manifests and intents, and takes the lease of the job, unless
// the caller has it.
func (j *backupJob) begin(ctx context.Context) (err error) {
	if j.in.DryRun {
		return nil
	}
	if j.store, err = j.session.Versions(ctx); err != nil || j.store == nil || j.in.HasLease {
		return err
	}
	if j.lease, err = j.session.takeLease(ctx, j.store, jobBackup, j.in.Closing); err == nil {
		j.in.Closing = j.lease.lost
	}
	return err
}

func (j *backupJob) end() {
	if j.lease != nil {
		j.lease.release(j.calls)
	}
}

func (j *backupJob) options() backup.Options {
	return backup.Options{Unattended: !j.in.attended(), MaxDeletions: j.in.MaxDeletions}
}

// target plans and, unless this is a dry run, carries the plan out.
func (j *backupJob) target(ctx context.Context, t Target) (BackupTarget, error) {
	s := j.session
	ports := backup.Ports{
		Copies: t.session.Copies(t.Region),
		Read:   func(ctx context.Context) (backup.Inventory, error) { return s.inventory(ctx, t) },
	}
	options := j.options()
	var priceErr error
	if j.in.Prices {
		options.Rates, priceErr = s.backupRates(ctx, t.Region)
	}
	if j.in.DryRun {
		options.Unattended = false // what waits for a person is in the plan
	}
	plan, inv, err := backup.Prepare(ctx, ports, s.Config.Backup, options)
	result := BackupTarget{Plan: plan, Inventory: inv}
	if err != nil {
		return result, err
	}
	if asked := plan.Unproven(); len(asked) > 0 {
		if note := askWrites(ctx, t, asked, inv.At, &options); note != "" {
			result.Notes = append(result.Notes, note)
		}
		plan = backup.MakePlan(inv, s.Config.Backup, options)
		result.Plan = plan
	}
	if j.in.Prices && j.in.DryRun { // a person reads it
		if note := newComparer(t).measure(ctx, &plan, inv, &options); note != "" {
			result.Notes = append(result.Notes, note)
		}
		result.Plan = plan
	}
	if j.in.Prices {
		result.Costs = newPolicyCosts(s.Config.Backup, plan, inv, options.Rates)
	}
	if priceErr != nil {
		result.Notes = append(result.Notes, fmt.Sprintf("the prices could not be read: %v", priceErr))
	}
	err = unreadOf(inv)
	s.app.log.DebugContext(ctx, "planned copies", "account", inv.Target.Account, "region", inv.Target.Region, "resources", len(plan.Creates), "deletions", len(plan.Candidates()))
	if j.in.DryRun {
		result.Waiting, result.WaitingFrees = len(plan.Deletions()), plan.Frees
		return result, err
	}
	deletes := j.in.Approved || s.Config.Backup.Unattended && !j.in.attended()
	if len(j.in.Hashes) > 0 {
		plan, deletes = j.approved(ctx, ports, plan, inv, options.Unwritten)
	}
	applied := backup.Apply(j.calls, ports, j.store, plan, backup.ApplyOptions{
		Inventory: inv, Settings: s.Config.Backup, Options: options, Delete: deletes, Now: s.clock(time.Time{}), Closing: j.in.Closing,
	})
	result.Plan, result.Outcomes, result.Notes = plan, applied.Outcomes, append(result.Notes, applied.Notes...)
	for _, part := range plan.Unread {
		if !slices.Contains(neededParts(), part) { // those are the failure
			result.Notes = append(result.Notes, fmt.Sprintf("the %s could not be read: %v", part, inv.Unread[part]))
		}
	}
	if why := j.lease.why(); why != nil {
		result.Notes = append(result.Notes, fmt.Sprintf("the lease of the job was lost while it ran (%v): what had begun was ended, and nothing new was begun", why))
	}
	if inv.Unread[backup.PartSnapshots] == nil {
		if note := newComparer(t).tagChanges(j.calls, t.session.Copies(t.Region), &plan, j.in.Closing); note != "" {
			result.Notes = append(result.Notes, note)
		}
	}
	approval := func(v backup.Verdict) bool { return v.Guard == backup.GuardApproval }
	if !deletes || slices.ContainsFunc(plan.Deletes, approval) {
		result.Waiting, result.WaitingFrees = j.waiting(ctx, inv, options.Rates, deletes)
	}
	return result, err
}

// waiting counts the deletions that wait for a person, and what they would give back:
// all, or where scheduled runs delete those that they must not. The price is only asked
// for where there are some; what they free is then told without it where it is not known.
func (j *backupJob) waiting(ctx context.Context, inv backup.Inventory, rates price.Rates, unattended bool) (waiting int, frees backup.Freed) {
	inv.Shared = nil // nobody was asked about these; who approves them asks
	count := func() {
		waiting, frees = 0, backup.Freed{Measured: true, Priced: true}
		plan := backup.MakePlan(inv, j.session.Config.Backup, backup.Options{MaxDeletions: j.in.MaxDeletions, Rates: rates})
		for _, v := range plan.Deletions() {
			if !unattended || v.Changed || v.Orphan {
				waiting++
				frees.Add(v.Frees)
			}
		}
	}
	if count(); waiting == 0 || j.in.Prices {
		return waiting, frees
	}
	var err error
	if rates, err = j.session.backupRates(ctx, inv.Target.Region); err != nil {
		j.session.app.log.WarnContext(ctx, "what waiting deletions free is not priced", "region", inv.Target.Region, "error", err)
		return waiting, frees
	}
	count()
	return waiting, frees
}

// approved is the plan with the deletions of one that a person has seen: it is made again
// as of its time, and has the same hash where nothing else has changed.
func (j *backupJob) approved(ctx context.Context, ports backup.Ports, plan backup.Plan, inv backup.Inventory, unwritten func(fleet.VolumeID, time.Time) bool) (backup.Plan, bool) {
	options := j.options()
	options.Unwritten = unwritten
	for _, hash := range j.in.Hashes {
		at, _ := backup.HashTime(hash)
		seen := inv.AsOf(at)
		then := backup.ShareAsked(ctx, ports, &seen, func(inv backup.Inventory) backup.Plan {
			return backup.MakePlan(inv, j.session.Config.Backup, options)
		})
		if then.Hash == hash {
			plan.Deletes, plan.Hash = then.Deletes, hash
			return plan, true
		}
	}
	return plan, false
}

// unmatched are the hashes that no target's plan has any more. Where a target could not
// be read it may be that one's.
func unmatched(result BackupResult) []string {
	if len(result.failures()) > 0 {
		return nil
	}
	var left []string
	for _, hash := range result.Input.Hashes {
		if !slices.ContainsFunc(result.Targets, func(t BackupTarget) bool { return t.Plan.Hash == hash }) {
			left = append(left, hash)
		}
	}
	return left
}

// neededParts are the listings without which nobody knows what is due.
func neededParts() []backup.Part {
	return []backup.Part{backup.PartVolumes, backup.PartInstances, backup.PartSnapshots}
}

// unreadOf is why copies could not be planned, where a needed listing is not whole.
func unreadOf(inv backup.Inventory) error {
	var errs []error
	for _, part := range neededParts() {
		if err := inv.Unread[part]; err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", part, err))
		}
	}
	return errors.Join(errs...)
}

// failures say what could not be read or opened.
func (r BackupResult) failures() []error {
	var errs []error
	for _, t := range r.Targets {
		if t.Failure != nil {
			errs = append(errs, t.Failure.Err)
		}
	}
	return append(errs, errorsOf(r.Unreachable)...)
}

// outcomes are those of all targets with a result.
func (r BackupResult) outcomes(results ...fleet.Result) []backup.Outcome {
	var list []backup.Outcome
	for _, t := range r.Targets {
		for _, o := range t.Outcomes {
			if slices.Contains(results, o.Result) {
				list = append(list, o)
			}
		}
	}
	return list
}

// Status is how the run went as a whole. What waits for a person is no trouble.
func (r BackupResult) Status() fleet.Status {
	failed, deferred := r.outcomes(fleet.Failed), r.outcomes(fleet.Deferred)
	denied := 0
	for _, o := range failed {
		if o.Code == "denied" {
			denied++
		}
	}
	causes := r.failures()
	rest := len(causes) + len(deferred)
	switch {
	case r.Invalid > 0:
		return fleet.StatusInvalid
	case r.Unread:
		return fleet.StatusOf(joinAlike(causes))
	case len(failed)+rest+len(r.Unmatched) == 0:
		return fleet.StatusDone
	case len(r.outcomes(fleet.Done)) > 0:
		return fleet.StatusPartial
	case rest+len(r.Unmatched) == 0 && denied == len(failed):
		return fleet.StatusDenied
	case len(failed)+len(r.Unmatched) > 0:
		return fleet.StatusFailed
	default:
		return fleet.StatusPartial
	}
}

// Err is what did not work, a line for each cause; nil where all is done.
func (r BackupResult) Err() error {
	causes := r.failures()
	if r.Unread {
		return joinAlike(causes)
	}
	if r.Invalid > 0 {
		causes = append(causes, fleet.Errorf(fleet.ErrInvalid, "%s wrong: nothing is copied or deleted for it", text.Count(r.Invalid, "policy is", "policies are")))
	}
	if len(r.Unmatched) > 0 {
		causes = append(causes, fleet.Errorf(fleet.ErrConflict, "no plan has the hash %s any more, so that nothing was deleted for it; look at `nightshift backup plan` again", strings.Join(r.Unmatched, ", ")))
	}
	for _, ended := range []struct {
		result fleet.Result
		as     string
	}{{fleet.Failed, "failed"}, {fleet.Deferred, "deferred"}} {
		if list := r.outcomes(ended.result); len(list) > 0 {
			o := list[0]
			causes = append(causes, fmt.Errorf("%s %s; the first, to %s %s: %s", text.Count(len(list), "action", "actions"), ended.as,
				o.Action, cmp.Or(string(o.Set), string(o.Chain.Resource)), o.Text))
		}
	}
	return errors.Join(causes...)
}
