package watch

import (
	"cmp"
	"context"
	"slices"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

// Sweep reads the machines of all targets, with what the rules decide about each, and
// what is new in the journal. Nothing is carried out. What cannot be read keeps what
// was read of it before. The error is why nothing at all could be read.
func (w *Watcher) Sweep(ctx context.Context) error {
	w.sweeping.Lock()
	defer w.sweeping.Unlock()
	began := time.Now()
	s, err := w.o.App.Open(ctx, w.Selection())
	if err != nil {
		w.notRead(began, err)
		return err
	}
	own := w.account(ctx, s)
	w.ReadJournal(ctx, s) // it says of machines what AWS does not
	list, err := w.machines(ctx, s, own, began)
	if err == nil {
		w.log.DebugContext(ctx, "swept", "targets", len(list), "took", time.Since(began))
	}
	return err
}

// notRead notes why no target could be opened.
func (w *Watcher) notRead(began time.Time, err error) {
	w.change(func(s *State) {
		s.Machines = s.Machines.tried(w.o.Now(), time.Since(began), err)
		s.Targets = slices.Clone(s.Targets)
		for n := range s.Targets {
			s.Targets[n].Up, s.Targets[n].Err = false, err.Error()
		}
	})
}

// machines reads the machines of the targets of a session.
func (w *Watcher) machines(ctx context.Context, s *app.Session, own fleet.Account, began time.Time) ([]Target, error) {
	start := w.o.Now()
	var result app.PowerResult
	if len(s.Config.Rules().Rules) > 0 {
		var err error
		if result, err = s.Power(ctx, app.PowerInput{DryRun: true}); err != nil {
			w.notRead(began, err)
			return nil, err
		}
	} else {
		// Without rules no machine follows a schedule, and there is nothing to decide.
		for _, t := range s.Targets {
			result.Targets = append(result.Targets, app.PowerTarget{Plan: power.Plan{Target: t.Target}})
		}
		result.Unreachable = s.Unreachable
	}
	now := w.o.Now()
	var failed []app.TargetError
	var list []Target
	before := w.State().Targets
	for _, read := range result.Targets {
		t := Target{Target: read.Plan.Target, AccountName: s.Names.Of(read.Plan.Target.Account)}
		t.Account = cmp.Or(t.Account, own)
		if read.Failure == nil {
			t.Up, t.At, t.Steps = true, start, read.Plan.Steps
		} else {
			failed = append(failed, *read.Failure)
			t.Err = read.Failure.Err.Error()
			t.keep(before, read.Plan)
		}
		acts := w.State().Acts
		for n, step := range t.Steps {
			t.Steps[n] = startedAgain(step, acts[t.Key(step.Machine)])
		}
		list = append(list, t)
	}
	for _, u := range result.Unreachable {
		failed = append(failed, u)
		list = append(list, unreachable(before, list, s.Names, u)...)
	}
	err := errorsOf(failed)
	up := slices.ContainsFunc(list, func(t Target) bool { return t.Up })
	w.change(func(s *State) {
		s.Targets = list
		s.Machines = s.Machines.tried(now, time.Since(began), err)
		if up {
			s.Machines.At = now
		}
	})
	if !up {
		return list, err
	}
	return list, nil
}

// account is that of our own credentials, which is asked for once; empty where it is not
// known yet.
func (w *Watcher) account(ctx context.Context, s *app.Session) fleet.Account {
	if w.own == "" {
		account, err := s.Account(ctx)
		if err != nil {
			w.log.DebugContext(ctx, "the account is not known", "error", err)
		}
		w.own = account
		w.change(func(s *State) {
			w.runs.belongTo(account)
			w.runs.show(s, w.o.Now())
		})
	}
	return w.own
}

// keep leaves in a target what was read of it before, but for the kinds that were read
// now.
func (t *Target) keep(before []Target, plan power.Plan) {
	t.Steps = plan.Steps
	n := slices.IndexFunc(before, func(b Target) bool { return b.Target == t.Target })
	if n < 0 {
		return
	}
	t.At = before[n].At
	t.Steps = slices.DeleteFunc(slices.Clone(plan.Steps), func(s power.Step) bool { return slices.Contains(plan.Unread, s.Machine.Kind) })
	for _, s := range before[n].Steps {
		if slices.Contains(plan.Unread, s.Machine.Kind) {
			t.Steps = append(t.Steps, s)
		}
	}
}

// unreachable are the targets that could not be opened: those that were read before,
// else one for the account.
func unreachable(before, list []Target, names app.Names, u app.TargetError) []Target {
	var found []Target
	for _, b := range before {
		known := func(t Target) bool { return t.Target == b.Target }
		if isOf(b.Target, u.Target) && !slices.ContainsFunc(list, known) {
			b.Up, b.Err = false, u.Err.Error()
			found = append(found, b)
		}
	}
	if len(found) == 0 && u.Target != (fleet.Target{}) {
		found = append(found, Target{Target: u.Target, AccountName: names.Of(u.Account), Err: u.Err.Error()})
	}
	return found
}
