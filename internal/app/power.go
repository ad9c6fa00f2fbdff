package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/text"
)

// PowerInput says what to stop and start.
type PowerInput struct {
	// Action is power.Stop or power.Start for all instances that carry Tags.
	// Without it machines follow the rules of the configuration.
	Action power.Action
	Tags   []fleet.Tag
	// Only narrows the run to some of these machines.
	Only power.Selection
	// At is the time to decide for; zero is the clock of AWS. Any other time is
	// for a dry run only.
	At time.Time
	// DryRun makes plans and does nothing.
	DryRun bool
	// Wait is how long to wait for the desired state, Settle for machines that
	// are on their way to the other one; 0 is not at all.
	Wait, Settle time.Duration
	// Closing is closed when nothing new may be started. When the context ends,
	// nothing new is started either, and requests under way have a few seconds.
	Closing <-chan struct{} `json:"-"`
}

func (in PowerInput) job() string {
	if in.Action == power.None {
		return "power"
	}
	return string(in.Action)
}

// PowerResult is what came of it.
type PowerResult struct {
	Run
	Input       PowerInput
	Targets     []PowerTarget
	Unreachable []TargetError
	Summary     power.Summary
	// Unread is true where no target could be read: then there is nothing to show.
	Unread bool
	// Invalid counts the errors of the configuration; what they are about was
	// skipped.
	Invalid int
}

// PowerTarget is what came of one account and region.
type PowerTarget struct {
	Plan power.Plan
	// Outcomes has one for each step of the plan; nil after a dry run.
	Outcomes []fleet.Outcome
	// Failure, if not nil, is why not all machines could be read.
	Failure *TargetError
}

// Power stops and starts machines: in each target it makes a plan and, unless it
// is a dry run, applies it. No target waits for another, but where the run is
// narrowed: nothing is done before all that is named has been found.
func (s *Session) Power(ctx context.Context, in PowerInput) (PowerResult, error) {
	if err := s.checkPower(in); err != nil {
		return PowerResult{}, err
	}
	ctx, run := s.app.beginRun(ctx, Run{Job: in.job(), DryRun: in.DryRun})
	calls, cancel := outlive(ctx)
	defer cancel()
	if in.Closing == nil {
		in.Closing = ctx.Done()
	}
	result := PowerResult{Input: in, Unreachable: s.Unreachable}
	result.Input.Closing = nil // results are plain data
	if in.Action == power.None {
		result.Invalid = len(s.Errors)
	}
	results, err := s.powerJob(in, run.Run, calls).run(ctx)
	if err != nil {
		run.end(fleet.StatusOf(err))
		return PowerResult{}, err
	}
	for _, r := range results {
		if r.Err != nil {
			r.Value.Failure = &TargetError{r.Target, r.Err}
			s.app.observer.Failed(run.Run, *r.Value.Failure)
		}
		result.Targets = append(result.Targets, r.Value)
	}
	result.Unread = result.unread()
	result.Summary = power.Summarize(result.plans(), result.outcomes(), result.failures())
	if result.Invalid > 0 {
		result.Summary.Misconfigured(result.Invalid)
	}
	if !in.DryRun {
		s.record(calls, run, result.Record())
	}
	result.Run = run.end(result.Status())
	return result, nil
}

// checkPower says why the job cannot begin.
func (s *Session) checkPower(in PowerInput) error {
	switch {
	case !in.At.IsZero() && !in.DryRun:
		return fleet.Errorf(fleet.ErrInvalid, "machines are stopped and started now; another time can only be asked about")
	case in.Action != power.None && len(in.Tags) == 0:
		return fleet.Errorf(fleet.ErrInvalid, "no tag says which instances to %s", in.Action)
	case in.Action != power.None && s.Config == nil && in.Only.Rule != 0:
		return fleet.Errorf(fleet.ErrInvalid, "no configuration, so that there is no rule %d", in.Only.Rule)
	case in.Action == power.None && s.Config == nil:
		return fleet.Errorf(fleet.ErrInvalid, "no configuration")
	case in.Action == power.None && len(s.Config.Rules().Rules) == 0:
		return fleet.Errorf(fleet.ErrInvalid, "%s has no rules (power: rules:), so that no machine follows a schedule", s.ref)
	}
	return in.Only.Check(s.rules(), s.powerKinds(in))
}

// rules are those of the configuration, if there is one.
func (s *Session) rules() power.Rules {
	if s.Config == nil {
		return power.Rules{}
	}
	return s.Config.Rules()
}

// powerKinds are the kinds of machines that are acted on.
func (s *Session) powerKinds(in PowerInput) []fleet.Kind {
	if in.Action == power.None {
		return s.rules().Kinds()
	}
	return []fleet.Kind{fleet.KindInstance}
}

func (r PowerResult) plans() []power.Plan {
	plans := make([]power.Plan, len(r.Targets))
	for n, t := range r.Targets {
		plans[n] = t.Plan
	}
	return plans
}

// outcomes are those of each target; nil after a dry run.
func (r PowerResult) outcomes() [][]fleet.Outcome {
	if r.Input.DryRun {
		return nil
	}
	lists := make([][]fleet.Outcome, len(r.Targets))
	for n, t := range r.Targets {
		lists[n] = t.Outcomes
	}
	return lists
}

// failures say what could not be read or opened.
func (r PowerResult) failures() []error {
	var errs []error
	for _, t := range r.Targets {
		if t.Failure != nil {
			errs = append(errs, t.Failure.Err)
		}
	}
	return append(errs, errorsOf(r.Unreachable)...)
}

// Answer is what the first Lambda scripts answered for a stop or start, with more
// keys beside theirs.
func (r PowerResult) Answer() power.Answer {
	answer := power.NewAnswer(r.Input.Action, slices.Concat(r.outcomes()...), r.failures())
	if r.Input.DryRun {
		answer = power.Preview(r.Input.Action, r.plans(), r.failures())
	}
	answer.NotSelected = r.Summary.NotSelected
	return answer
}

// unread is true where no target could be read.
func (r PowerResult) unread() bool {
	errs := len(r.failures())
	return errs > 0 && errs == len(r.Targets)+len(r.Unreachable) && r.checked() == 0
}

// checked counts the machines that were looked at.
func (r PowerResult) checked() int {
	n := 0
	for _, t := range r.Targets {
		n += len(t.Plan.Steps)
	}
	return n
}

// Status is how the run went as a whole.
func (r PowerResult) Status() fleet.Status {
	var failed, denied int
	for _, a := range r.Summary.Failed {
		failed++
		if a.Code == "denied" {
			denied++
		}
	}
	causes := r.failures()
	rest := len(causes) + len(r.Summary.Deferred) + len(r.Summary.Invalid)
	switch {
	case r.Invalid > 0:
		return fleet.StatusInvalid
	case r.Unread:
		return fleet.StatusOf(joinAlike(causes))
	case failed+rest == 0:
		return fleet.StatusDone
	case r.Summary.Changes() > 0:
		return fleet.StatusPartial
	case rest == 0 && denied == failed:
		return fleet.StatusDenied
	case failed > 0 && len(r.Summary.Invalid) == 0, r.Input.Action != power.None && len(r.Summary.Deferred) > 0:
		return fleet.StatusFailed
	default:
		return fleet.StatusPartial
	}
}

// Err is what did not work, a line for each cause; nil where all is done.
func (r PowerResult) Err() error {
	causes := r.failures()
	switch {
	case r.Unread:
		return joinAlike(causes)
	case r.Status() == fleet.StatusDenied && r.Input.Action != power.None:
		return fleet.Errorf(fleet.ErrDenied, "not permitted to %s any of the instances; `nightshift policy` prints the permissions that are needed", r.Input.Action)
	case r.Status() == fleet.StatusDenied:
		return fleet.Errorf(fleet.ErrDenied, "not permitted to act on any of the machines; `nightshift policy` prints the permissions that are needed")
	}
	return errors.Join(append(causes, r.causes()...)...)
}

// causes say of each kind of trouble how many machines it concerns, and which is
// the first.
func (r PowerResult) causes() []error {
	var causes []error
	all := len(r.Summary.Failed) + len(r.Summary.Deferred) + r.Summary.Changes()
	for _, items := range [][]power.Act{r.Summary.Failed, r.Summary.Deferred} {
		if len(items) == 0 {
			continue
		}
		first := items[0]
		what := fmt.Sprintf("%d of %d instances could not be %s", len(items), all, r.Input.Action.Past())
		if r.Input.Action == power.None {
			what = fmt.Sprintf("%s not in the desired state", text.Count(len(items), "machine is", "machines are"))
		}
		causes = append(causes, fmt.Errorf("%s; the first, %s (%s): %s", what, first.ID, first.Name, first.Text))
	}
	for _, m := range r.Summary.Invalid {
		causes = append(causes, fmt.Errorf("%s (%s skipped, the first is %s)", m.Text, text.Count(len(m.Machines), "machine", "machines"), m.Machines[0]))
	}
	return causes
}
