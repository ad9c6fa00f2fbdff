package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

// powerJob is what a stop, start or run by schedules does in every target.
// Requests that change something get the context calls, which outlives that of the
// run a little.
type powerJob struct {
	session   *Session
	in        PowerInput
	info      Run
	calls     context.Context //nolint:containedctx // the other context of the same run
	evaluator power.Evaluator
	kinds     []fleet.Kind
	// planned are the plans that are made already.
	planned map[fleet.Target]power.Plan
}

func (s *Session) powerJob(in PowerInput, run Run, calls context.Context) *powerJob { //nolint:revive // the context is kept
	j := &powerJob{session: s, in: in, info: run, calls: calls, kinds: s.powerKinds(in)}
	if in.Action == power.None {
		j.evaluator = power.NewRuleSet(s.rules())
	} else {
		j.evaluator = power.ByTag{Action: in.Action, Tags: in.Tags}
	}
	return j
}

// run plans and applies in each target. Where the run is narrowed, all plans are made
// first, and what is selected is left in them.
func (j *powerJob) run(ctx context.Context) ([]Result[PowerTarget], error) {
	if j.in.Only.IsZero() {
		return ForEachTarget(ctx, j.session, j.target), nil
	}
	read := ForEachTarget(ctx, j.session, j.plan)
	errs := j.session.unreachableErrors()
	plans := make([]power.Plan, len(read))
	for n, r := range read {
		plans[n] = r.Value
		if r.Err != nil {
			errs = append(errs, r.Err)
		}
	}
	var err error
	if j.evaluator, err = j.in.Only.Narrow(plans, j.evaluator, j.session.rules(), j.searched(), len(errs) == 0); err != nil {
		return nil, errors.Join(append(errs, err)...)
	}
	j.planned = make(map[fleet.Target]power.Plan, len(plans))
	for _, p := range plans {
		j.planned[p.Target] = p
	}
	results := ForEachTarget(ctx, j.session, j.target)
	for n := range results {
		results[n].Err = read[n].Err
	}
	return results, nil
}

// searched says where the machines of a narrowed run are looked for.
func (j *powerJob) searched() string {
	tags := "a tag of some rule"
	if j.in.Action != power.None {
		tags = power.Selection{Tags: j.in.Tags}.String()
	}
	return fmt.Sprintf("with %s in %s", tags, j.session.where())
}

func (j *powerJob) plan(ctx context.Context, t Target) (power.Plan, error) {
	plan, err := power.MakePlan(ctx, t.clients(j.kinds), j.evaluator, j.session.clock(j.in.At))
	j.session.app.log.DebugContext(ctx, "planned", "account", t.Account, "region", t.Region, "machines", len(plan.Steps), "actionable", plan.Actionable())
	return plan, err
}

// target carries out the plan of a target, which is made where there is none yet,
// unless this is a dry run.
func (j *powerJob) target(ctx context.Context, t Target) (PowerTarget, error) {
	var err error
	plan, planned := j.planned[t.Target]
	if !planned {
		plan, err = j.plan(ctx, t)
	}
	observer := j.session.app.observer
	observer.Planned(j.info, plan)
	if j.in.DryRun {
		return PowerTarget{Plan: plan}, err
	}
	return PowerTarget{Plan: plan, Outcomes: power.Apply(j.calls, t.clients(j.kinds), j.evaluator, plan, power.Options{
		Now: j.session.clock(j.in.At), Mark: j.in.Action == power.None, Wait: j.in.Wait, Settle: j.in.Settle, Closing: j.in.Closing,
		Settled: func(o fleet.Outcome) { observer.Acted(j.info, o) },
	})}, err
}

// clients are the clients for the machines of some kinds.
func (t Target) clients(kinds []fleet.Kind) power.Clients {
	instances := t.session.Fleet(t.Region)
	c := power.Clients{Target: t.Target, Machines: map[fleet.Kind]power.Machines{}, Resizer: instances}
	for _, kind := range kinds {
		switch kind {
		case fleet.KindInstance:
			c.Machines[kind] = instances
		case fleet.KindDatabase:
			c.Machines[kind] = t.session.Databases(t.Region)
		case fleet.KindCluster:
			c.Machines[kind] = t.session.Clusters(t.Region)
		case fleet.KindGroup:
			c.Machines[kind] = t.session.Groups(t.Region)
		case fleet.KindVolume: // is copied, and neither stopped nor started
		}
	}
	return c
}

// AskTime asks AWS for the time.
func (s *Session) AskTime(ctx context.Context) (time.Time, error) {
	_, err := s.aws.Account(ctx)
	return s.clock(time.Time{})(), err
}

// clock is a given time, or else the clock of AWS: what AWS remembers is in its
// time.
func (s *Session) clock(at time.Time) func() time.Time {
	if !at.IsZero() {
		return func() time.Time { return at }
	}
	return func() time.Time { return s.app.options.Now().Add(s.aws.Ahead()) }
}
