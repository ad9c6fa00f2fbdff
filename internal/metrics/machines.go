package metrics

import (
	"slices"
	"time"

	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/schedule"
	"nightshift/internal/watch"
)

// scheduleLabel gives the label of a schedule's name in a step: only names of the
// configuration are told apart.
type scheduleLabel map[string]bool

func scheduleLabels(c *config.Config) scheduleLabel {
	known := scheduleLabel{}
	if c != nil {
		for _, name := range c.Names() {
			known[name] = true
		}
	}
	return known
}

func (known scheduleLabel) of(name string, invalid bool) string {
	switch {
	case known[name]:
		return name
	case name == "" || invalid:
		return Unknown
	default:
		return Inline
	}
}

// all are the labels that there always are.
func (known scheduleLabel) all(c *config.Config) []string {
	var names []string
	if c != nil {
		names = c.Names()
	}
	return append(slices.Clone(names), Inline, Unknown)
}

// unmanaged is the desired state of a machine that no schedule asks anything of.
const unmanaged = string(schedule.Unmanaged)

// ofState makes what follows from a State alone.
func (t table) ofState(st *watch.State, top topTags) *series {
	s := t.series()
	s.machines(st)
	s.jobs(st)
	s.costs(st, top)
	s.backups(st)
	s.add(configValid, one(st.Config.Value != nil && len(st.Config.Rejected) == 0))
	s.add(configReload, seconds(st.Config.Loaded))
	return s
}

// seconds is an instant as Prometheus has it; 0 for the zero time.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// machines counts the machines of all targets.
func (s *series) machines(st *watch.State) {
	known := scheduleLabels(st.Config.Value)
	for _, name := range known.all(st.Config.Value) {
		for _, state := range []schedule.State{schedule.Running, schedule.Stopped} {
			desired, actual := string(state), string(fleet.Running)
			if state == schedule.Running {
				actual = string(fleet.Stopped)
			}
			s.add(outOfSchedule, 0, name, desired, actual)
			s.add(manual, 0, name, actual)
		}
		s.add(outOldest, 0, name)
	}
	for _, state := range []fleet.State{fleet.Running, fleet.Stopped} {
		s.add(overrides, 0, string(state))
	}
	s.add(invalidTags, 0)
	s.add(sweepInterval, st.SweepEvery.Seconds())
	for _, t := range st.Targets {
		s.add(targetUp, one(t.Up), string(t.Account), string(t.Region))
		s.add(targetLastRead, seconds(t.At), string(t.Account), string(t.Region))
		for _, step := range t.Steps {
			s.machine(t, step, known)
		}
	}
}

// machine counts one machine.
func (s *series) machine(t watch.Target, step power.Step, known scheduleLabel) {
	name := known.of(step.Desired.Schedule, step.Invalid)
	desired, actual := string(step.Desired.State), string(step.Machine.State)
	if desired == "" {
		desired = unmanaged
	}
	s.add(machines, 1, string(t.Account), string(t.Region), name, string(step.Machine.Kind), desired, actual)
	if step.Invalid {
		s.add(invalidTags, 1)
	}
	if o := step.Desired.Override; o != (fleet.Override{}) && !t.At.Before(o.Since) && t.At.Before(o.Until) {
		s.add(overrides, 1, string(o.State))
	}
	switch {
	case watch.OutOfSchedule(step):
		s.add(outOfSchedule, 1, name, desired, actual)
		since := watch.OutSince(step)
		if since.IsZero() {
			since = t.At
		}
		s.add(outOldest, seconds(since), name)
	case watch.Manual(step):
		s.add(manual, 1, name, actual)
	}
}

// transitions are when each schedule next asks for each state. A schedule that never
// does has no series for it.
func (s *series) transitions(c *config.Config, now time.Time) {
	if c == nil {
		return
	}
	for _, named := range c.Schedules {
		if named.Schedule == nil {
			continue
		}
		for _, desired := range nextStates(named.Schedule, now) {
			s.add(nextTransition, seconds(desired.At), named.Name, string(desired.State))
		}
	}
}

// lookAhead is how many transitions are looked at for the next one to each state.
const lookAhead = 8

// nextStates are the next transitions to each state.
func nextStates(of *schedule.Schedule, now time.Time) []schedule.Transition {
	var found []schedule.Transition
	next, ok := of.Next(now)
	for n := 0; ok && n < lookAhead && len(found) < 2; n++ {
		had := slices.ContainsFunc(found, func(t schedule.Transition) bool { return t.State == next.State })
		if !had && next.State != schedule.Unmanaged {
			found = append(found, next)
		}
		next, ok = of.Next(next.At)
	}
	return found
}
