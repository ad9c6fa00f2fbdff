package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/function"
	"nightshift/internal/power"
)

// function serves AWS Lambda until the process is ended. What differs from one
// deployment to the next is in environment variables: NIGHTSHIFT_ACTION,
// _TAG, _REGIONS, _BUCKET, _PREFIX, _TIMEZONE and _CONFIG.
func (a *app) function(ctx context.Context) {
	function.Handler{
		Power:         a.powerEvent,
		Schedules:     a.schedulesEvent,
		Report:        a.reportEvent,
		DefaultAction: a.Env("NIGHTSHIFT_ACTION"),
		Log:           a.logger(),
	}.Lambda(ctx)
}

// settleTime is how long the function waits for instances that are on their way
// to the other state.
const settleTime = 5 * time.Minute

// powerEvent stops or starts for an event. It does not wait for the wanted
// state: the function would be paid for waiting.
func (a *app) powerEvent(ctx context.Context, r function.Request, closing <-chan struct{}) (power.Answer, error) {
	tag, err := fleet.ParseTag(cmp.Or(r.Tag, a.Env("NIGHTSHIFT_TAG"), defaultTag))
	if err != nil {
		return power.Answer{}, err
	}
	c, err := a.crew(ctx, fields(r.Region), nil)
	if err != nil {
		return power.Answer{}, err
	}
	watch := c.begin(a.Now())
	done := c.power(ctx, powerJob{
		action: power.Action(r.Action), tags: []fleet.Tag{tag},
		running: running{dryRun: r.DryRun, Options: power.Options{Now: a.awsTime(c), Closing: closing, Settle: settleTime}},
	})
	if !r.DryRun {
		c.note(ctx, a.journalFor(ctx, c), watch, a.Now(), done.record())
	}
	answer, err := done.answer(), done.err()
	if err != nil {
		c.log.ErrorContext(ctx, "not all is done", "action", r.Action, "failed", answer.Failed, "left", answer.Deferred, "errors", answer.Errors)
	}
	if errors.Is(err, errPartly) && len(answer.Instances) > 0 {
		err = nil // the answer tells; trying again could not tell it from a person's doing
	}
	return answer, err
}

// schedulesEvent follows the schedules for an event of the function. It does
// not wait for the wanted states: the next tick looks again.
func (a *app) schedulesEvent(ctx context.Context, r function.Request, closing <-chan struct{}) (power.Summary, error) {
	s, err := a.schedules(ctx, fields(r.Region), nil)
	if err != nil {
		return power.Summary{}, err
	}
	s.job.dryRun, s.job.Closing = r.DryRun, closing
	done := s.follow(ctx, s.job)
	done.Misconfigured(s.wrong)
	if err := done.err(); err != nil || s.mistakes != nil {
		s.log.ErrorContext(ctx, "not all is as wanted", "failed", done.Failed, "left", done.Deferred, "mistakes", done.Mistakes, "errors", done.Errors, "configuration", s.mistakes)
	}
	return done.Summary, done.invocation(s.mistakes)
}

// invocation is the error of the function's invocation: what went wrong, where
// nothing at all was done. Where a part was, the answer counts the rest, and the
// next tick tries again; it does that, too, for what waits for another machine
// and for a tag that somebody has to put right.
func (f followed) invocation(mistakes error) error {
	late := slices.ContainsFunc(f.Deferred, func(a power.Act) bool { return a.Code == power.NotTried })
	if f.Changes() > 0 || mistakes == nil && len(f.errs) == 0 && len(f.Failed) == 0 && !late {
		return nil
	}
	err := f.err()
	if mistakes != nil {
		err = errors.Join(err, fleet.Errorf(fleet.ErrInvalid, "%w", mistakes))
	}
	outOfTime := func(a power.Act) bool { return a.Code == power.NotTried || a.Code == power.NoTime }
	if undone := slices.Concat(f.Failed, f.Deferred); len(f.errs) == 0 && slices.ContainsFunc(undone, outOfTime) {
		err = fleet.Errorf(fleet.ErrNoTime, "%w", err)
	}
	return fmt.Errorf("%s: %w", f.Status, err)
}

// reportEvent writes the report to the bucket for an event.
func (a *app) reportEvent(ctx context.Context, r function.Request) (cost.Answer, error) {
	job := reportJob{
		now: a.Now(), hours: cost.BestHours, format: formats()[0], keep: !r.DryRun,
		bucket: a.Env("NIGHTSHIFT_BUCKET"), prefix: cmp.Or(a.Env("NIGHTSHIFT_PREFIX"), "ec2/"),
	}
	if job.bucket == "" {
		return cost.Answer{}, fleet.Errorf(fleet.ErrInvalid, "no destination: set NIGHTSHIFT_BUCKET")
	}
	if r.DryRun {
		job.bucket = ""
	}
	var err error
	a.regions = fields(r.Region)
	c, err := a.costCrew(ctx, &job, a.Env("NIGHTSHIFT_TIMEZONE"))
	if err != nil {
		return cost.Answer{}, err
	}
	watch := c.begin(a.Now())
	report, answer, err := a.report(ctx, c, job)
	if err == nil && !r.DryRun {
		c.note(ctx, job.journal, watch, a.Now(), reported(report.Report))
	}
	if err == nil {
		err = enough(report.Report, job.costs.MinCoverage) // it is stored all the same
	}
	if err == nil && !report.Complete() {
		c.log.WarnContext(ctx, "the report is not complete", "missing_prices", report.Missing(), "problems", answer.Problems)
	}
	return answer, err
}
