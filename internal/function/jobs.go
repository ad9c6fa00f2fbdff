package function

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/blob"
	"nightshift/internal/fleet"
	"nightshift/internal/notify"
	"nightshift/internal/power"
	"nightshift/internal/text"
)

// defaultTag is the tag of the first Lambda scripts.
const defaultTag = "AutoStopStart=Yes"

// settleTime is how long the function waits for instances that are on their way to
// the other state. It does not wait for the desired state, for it would be paid for
// waiting: the next run looks again.
const settleTime = 5 * time.Minute

// open opens what an event is about: its regions come before those of the
// configuration, which come before those of the environment.
func (h Handler) open(ctx context.Context, r Request, needConfig bool) (*app.Session, error) {
	ref, err := blob.ParseRef(h.Env("NIGHTSHIFT_CONFIG"))
	if err != nil {
		return nil, err
	}
	if needConfig && ref.IsZero() {
		return nil, fleet.Errorf(fleet.ErrInvalid, "no configuration: set NIGHTSHIFT_CONFIG")
	}
	sel := app.Selection{
		Config: ref, NeedConfig: needConfig, Regions: words(r.Region), DefaultRegions: words(h.Env("NIGHTSHIFT_REGIONS")),
	}
	s, err := h.App.Open(ctx, sel)
	if err != nil {
		h.notOpened(ctx, sel, r, err)
		return nil, err
	}
	for _, e := range s.Errors {
		h.Log.ErrorContext(ctx, "error in the configuration", "at", fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Col), "error", e.Message)
	}
	if s.Config != nil {
		for _, w := range s.Config.Warnings {
			h.Log.WarnContext(ctx, "warning in the configuration", "at", fmt.Sprintf("%s:%d:%d", w.File, w.Line, w.Col), "warning", w.Message)
		}
	}
	return s, nil
}

// notOpened tells people that a run could not begin, where the configuration alone can be
// read. A check has no notices.
func (h Handler) notOpened(ctx context.Context, sel app.Selection, r Request, failure error) {
	if r.Action == actionCheck {
		return
	}
	sel.NoTargets = true
	s, err := h.App.Open(ctx, sel)
	if err != nil {
		h.Log.DebugContext(ctx, "nobody is told", "error", err)
		return
	}
	h.tell(ctx, s, r, notify.Result{Err: failure})
}

func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(", \t\n", r) })
}

// stopOrStart stops or starts all instances that carry a tag.
func (h Handler) stopOrStart(ctx context.Context, r Request, closing <-chan struct{}) (result, error) {
	tag, err := fleet.ParseTag(cmp.Or(r.Tag, h.Env("NIGHTSHIFT_TAG"), defaultTag))
	if err != nil {
		return result{}, err
	}
	s, err := h.open(ctx, r, false)
	if err != nil {
		return result{}, err
	}
	done, err := s.Power(ctx, app.PowerInput{
		Action: power.Action(r.Action), Tags: []fleet.Tag{tag}, DryRun: r.DryRun, Settle: settleTime, Closing: closing,
	})
	h.tell(ctx, s, r, notify.Result{Power: &done, Err: err})
	if err != nil {
		return result{config: s.Config}, err
	}
	answer := done.Answer()
	partly := done.Status() != fleet.StatusDone
	if partly {
		h.Log.ErrorContext(ctx, "not all is done", "action", r.Action, "failed", answer.Failed, "deferred", answer.Deferred, "errors", answer.Errors)
	}
	out := result{answer: answer, partly: partly, config: s.Config, power: &done}
	if len(answer.Instances) > 0 {
		return out, nil // it says the rest; trying again could not know it from a person's doing
	}
	return out, done.Err()
}

// followRules stops and starts what the rules of the configuration want.
func (h Handler) followRules(ctx context.Context, r Request, closing <-chan struct{}) (result, error) {
	s, err := h.open(ctx, r, true)
	if err != nil {
		return result{}, err
	}
	done, err := s.Power(ctx, app.PowerInput{DryRun: r.DryRun, Settle: settleTime, Closing: closing})
	h.tell(ctx, s, r, notify.Result{Power: &done, Err: err})
	if err != nil {
		return result{config: s.Config}, err
	}
	partly := done.Status() != fleet.StatusDone
	if partly {
		sum := done.Summary
		h.Log.ErrorContext(ctx, "not all is in its desired state", "failed", sum.Failed, "deferred", sum.Deferred, "invalid_tags", sum.Invalid, "errors", sum.Errors, "configuration_errors", len(s.Errors))
	}
	out := result{
		answer: envelope{Version: 1, Kind: actionPower, Data: done.Summary}, partly: partly || len(s.Errors) > 0,
		config: s.Config, power: &done,
	}
	if to := h.reports(); h.Env("NIGHTSHIFT_STACK") != "" && to.Bucket != "" {
		if out.newest, err = s.NewestReport(ctx, to, h.Env("NIGHTSHIFT_TIMEZONE")); err != nil {
			h.Log.WarnContext(ctx, "how old the newest report is cannot be said", "error", err)
		}
	}
	return out, failedRun(done)
}

// tell tells people what became of a run, where it was not a dry run.
func (h Handler) tell(ctx context.Context, s *app.Session, r Request, result notify.Result) {
	if h.Notices == nil || r.DryRun {
		return
	}
	result.Job = r.Action
	if result.Err != nil {
		result.Power, result.Report, result.Backup = nil, nil, nil
	}
	h.Notices.Run(ctx, s, result)
}

// reports is where reports are stored; its bucket is empty where nothing is said.
func (h Handler) reports() blob.Ref {
	return blob.Ref{Scheme: blob.S3, Bucket: h.Env("NIGHTSHIFT_BUCKET"), Path: cmp.Or(h.Env("NIGHTSHIFT_PREFIX"), "ec2/")}
}

// failedRun is the error of the function's invocation: what went wrong, where nothing
// at all was done. Where a part was, the answer counts the rest, and the next run tries
// again; it does that, too, for what waits for another machine and for a tag that
// somebody has to fix.
func failedRun(r app.PowerResult) error {
	failed := len(r.Summary.Errors) > 0 // to read
	late := slices.ContainsFunc(r.Summary.Deferred, func(a power.Act) bool { return a.Code == power.NotTried })
	if r.Summary.Changes() > 0 || r.Invalid == 0 && !failed && len(r.Summary.Failed) == 0 && !late {
		return nil
	}
	err := r.Err()
	if r.Invalid > 0 {
		err = errors.Join(err, fleet.Errorf(fleet.ErrInvalid, "the configuration has %s; what they are about was skipped", text.Count(r.Invalid, "error", "errors")))
	}
	outOfTime := func(a power.Act) bool { return a.Code == power.NotTried || a.Code == power.NoTime }
	if undone := slices.Concat(r.Summary.Failed, r.Summary.Deferred); !failed && slices.ContainsFunc(undone, outOfTime) {
		err = fleet.Errorf(fleet.ErrNoTime, "%w", err)
	}
	return fmt.Errorf("%s: %w", r.Summary.Status, err)
}

// report makes the cost report and stores it in the bucket.
func (h Handler) report(ctx context.Context, r Request, _ <-chan struct{}) (result, error) {
	to := h.reports()
	if to.Bucket == "" {
		return result{}, fleet.Errorf(fleet.ErrInvalid, "no destination: set NIGHTSHIFT_BUCKET")
	}
	s, err := h.open(ctx, r, false)
	if err != nil {
		return result{}, err
	}
	input := app.ReportInput{CostInput: app.CostInput{DefaultTimezone: h.Env("NIGHTSHIFT_TIMEZONE")}, Past: true, Keep: !r.DryRun, Backups: true}
	if r.DryRun { // nothing is paid for a look
		input.CostExplorer, input.CloudWatch = new(int), new(int)
	}
	made, err := s.Report(ctx, input)
	if err != nil {
		h.tell(ctx, s, r, notify.Result{Err: err})
		return result{config: s.Config}, err
	}
	targets := []blob.Ref{to}
	if r.DryRun {
		targets = nil
	}
	stored, err := s.Publish(ctx, made, app.Formats()[0], targets...)
	h.tell(ctx, s, r, notify.Result{Report: &made, Err: err})
	if err != nil {
		return result{config: s.Config}, err
	}
	if !made.Complete() {
		h.Log.WarnContext(ctx, "the report is not complete", "missing_prices", made.Missing(), "problems", stored.Answer.Problems)
	}
	if made.Status() == fleet.StatusFailed {
		err = made.Err() // it is stored all the same
	}
	return result{answer: stored.Answer, partly: !made.Complete(), config: s.Config, report: &made}, err
}

// check looks at credentials, permissions, journal and tags.
func (h Handler) check(ctx context.Context, r Request, _ <-chan struct{}) (result, error) {
	s, err := h.open(ctx, r, true)
	if err != nil {
		return result{}, err
	}
	found, err := s.Check(ctx)
	if err == nil && found.Status() == fleet.StatusDenied {
		err = fleet.Errorf(fleet.ErrDenied, "%d permissions are missing; `nightshift check --live` lists them", found.Count(app.CheckDenied))
	}
	return result{answer: envelope{Version: 1, Kind: actionCheck, Data: found}, partly: found.Status() != fleet.StatusDone, config: s.Config}, err
}
