package power

import (
	"fmt"
	"slices"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
)

const (
	defaultTick = 5 * time.Minute
	// longestRetry is the longest pause between two tries of a start that AWS
	// could not carry out.
	longestRetry = time.Hour
	// soon is the time before a scheduled start in which a machine that nightshift
	// has started itself is no longer stopped.
	soon = 30 * time.Minute
)

// facts are what a decision under a rule rests on.
type facts struct {
	machine  fleet.Machine
	rule     Rule
	desired  Desired
	timeline timeline
	now      time.Time
	tick     time.Duration
	mark     fleet.Mark
}

// decide is the decision table. T is when the desired state changed last, L the
// machine's last start, P its last stop. An act of a person after T is
// respected until the desired state changes again.
func (f facts) decide() Step {
	m := f.machine
	switch {
	case m.State == fleet.Terminated, m.State == fleet.ShuttingDown:
		return skip(m, string(m.State), "is %s and will not come back", m.State)
	case f.desired.State == schedule.Unmanaged:
		return skip(m, "unmanaged", "is nobody's business now")
	case m.Cause == fleet.CauseSpot && (m.State == fleet.Stopped || m.State == fleet.Stopping):
		return skip(m, "spot-interrupted", "was interrupted by Spot, which starts it again by itself")
	case f.desired.State == schedule.Running && m.State == fleet.Running && m.Unfinished && m.Eligible():
		return Step{Machine: m, Action: Start, Reason: fleet.Reason{Code: "unfinished", Text: "runs, but not as before it was stopped: " + m.Why}}
	case f.desired.State == schedule.Running && (m.State == fleet.Running || m.State == fleet.Pending),
		f.desired.State == schedule.Stopped && (m.State == fleet.Stopped || m.State == fleet.Stopping):
		return skip(m, "as-wanted", "is %s, as wanted", m.State)
	case f.desired.State == schedule.Stopped:
		return f.stop()
	default:
		return f.start()
	}
}

// stop decides about a machine that runs and should not.
func (f facts) stop() Step {
	m, t := f.machine, f.desired.Since
	own := explains(f.mark, Start, m.Kind, m.Started) || m.StartedByAWS
	why := func(code, format string, args ...any) Step {
		step := act(Stop, m)
		step.Hibernate = f.rule.Hibernate && m.Hibernates
		if step.Reason == (fleet.Reason{}) {
			step.Reason = fleet.Reason{Code: code, Text: fmt.Sprintf(format, args...)}
		}
		return step
	}
	switch {
	case !m.Eligible():
		return act(Stop, m)
	case f.mark.Action == fleet.MarkRefused && !f.mark.At.Before(t) && f.now.Before(f.mark.At.Add(longestRetry)):
		return skip(m, "stop-protected", "has stop protection on (disableApiStop); the next try is at %s", f.clock(f.mark.At.Add(longestRetry)))
	case f.enforced():
		return why("enforced", "runs against its schedule, which is enforced")
	case own && !m.Started.Before(t) && !f.nextStart().IsZero() && f.nextStart().Sub(f.now) <= max(soon, f.timeline.lead):
		return skip(m, "started-early", "was started early; it is wanted from %s on", f.clock(f.nextStart()))
	case !own && f.now.Before(m.Started.Add(f.rule.MinUptime)):
		return skip(m, "min-uptime", "was started manually at %s and runs for at least %s", f.clock(m.Started), short(f.rule.MinUptime))
	case !own && !m.Started.Before(t) && f.rule.StopNew && firstStart(m):
		return why("new", "was launched outside its windows")
	case !own && !m.Started.Before(t) && !f.unfinished(m.Started, fleet.MarkStop, fleet.MarkRefused):
		return skip(m, "started-by-hand", "was started manually at %s; it is left alone until %s", f.clock(m.Started), f.until())
	case f.rule.RetainRunning && !own && f.beforeWindow():
		return skip(m, "retained", "was running before its window began and is retained")
	}
	return why("stop", "should not run since %s", f.since())
}

// start decides about a machine that does not run and should.
func (f facts) start() Step {
	m, t := f.machine, f.desired.Since
	why := func(code, format string, args ...any) Step {
		step := act(Start, m)
		if step.Reason == (fleet.Reason{}) {
			step.Reason = fleet.Reason{Code: code, Text: fmt.Sprintf(format, args...)}
		}
		return step
	}
	called := m.Cause == fleet.CauseCall && !m.Stopped.IsZero()
	switch {
	case !m.Eligible():
		return act(Start, m)
	case m.Cause == fleet.CauseAWS, m.Cause == fleet.CauseCapacity:
		if pause := min(max(m.Started.Sub(t), f.tick), longestRetry); !m.Started.Before(t) && f.now.Before(m.Started.Add(pause)) {
			return skip(m, RetryLater, "was stopped by AWS (%s); the next try is at %s", m.Why, f.clock(m.Started.Add(pause)))
		}
		return why(StoppedByAWS, "was stopped by AWS: %s", m.Why)
	case f.enforced():
		return why("enforced", "is stopped against its schedule, which is enforced")
	case called && (m.Stopped.Before(t) || explains(f.mark, Stop, m.Kind, m.Stopped) || f.unfinished(m.Stopped, fleet.MarkStart)),
		!called && (m.Started.Before(t) || f.unfinished(m.Started, fleet.MarkStart)):
		return why("start", "should run since %s", f.since())
	case called:
		return skip(m, "stopped-by-hand", "was stopped manually at %s; it is left alone until %s", f.clock(m.Stopped), f.until())
	case m.Cause == fleet.CauseItself:
		return skip(m, "shut-down", "was shut down from inside; it is left alone until %s", f.until())
	}
	return skip(m, "stopped-by-hand", "was stopped after its last start at %s; it is left alone until %s", f.clock(m.Started), f.until())
}

// unfinished reports whether the mark announces one of the actions, and the
// machine has not changed its state since: AWS refused the act, or the run ended
// before it. What was found then still holds: the state in which the machine is
// was not to be respected. Without this the mark of an act that failed would
// hide the one that explains how the machine came into its state.
func (f facts) unfinished(changed time.Time, actions ...string) bool {
	return slices.Contains(actions, f.mark.Action) && f.mark.At.After(changed.Add(early))
}

// enforced reports whether people's acts do not count. A schedule that only
// starts or only stops asks for its state at one instant, not all the time.
func (f facts) enforced() bool {
	return f.rule.Enforce && !f.timeline.schedule.OneSided()
}

// nextStart is when the desired state next becomes running, if that is its next
// change.
func (f facts) nextStart() time.Time {
	if next := f.timeline.next(f.now); !next.IsZero() && f.timeline.at(next) == schedule.Running {
		return next
	}
	return time.Time{}
}

// beforeWindow reports whether the machine was started, by a person and not by
// an act of ours that a later mark has replaced, before the window that ended
// at T began.
func (f facts) beforeWindow() bool {
	end := f.desired.Since
	if end.IsZero() || f.timeline.schedule.OneSided() || f.timeline.at(end.Add(-1)) != schedule.Running {
		return false
	}
	began := f.timeline.last(end.Add(-1))
	return !began.IsZero() && f.machine.Started.Before(began) && !f.mark.At.After(f.machine.Started)
}

// firstStart reports whether the machine has been started only once.
func firstStart(m fleet.Machine) bool {
	return !m.Created.IsZero() && m.Started.Sub(m.Created).Abs() < time.Minute
}

func (f facts) since() string {
	if f.desired.Since.IsZero() {
		return "ever"
	}
	return f.clock(f.desired.Since)
}

func (f facts) until() string {
	if f.desired.Until.IsZero() {
		return "its schedule changes"
	}
	return f.clock(f.desired.Until)
}

// clock writes an instant as people in the schedule's zone read it.
func (f facts) clock(t time.Time) string {
	return t.In(f.timeline.schedule.Zone()).Format("Mon 2006-01-02 15:04 MST")
}

// short is a duration without its zero parts: "90m" becomes "1h30m".
func short(d time.Duration) string {
	text := d.Round(time.Second).String()
	for _, zero := range []string{"m0s", "h0m"} {
		if len(text) > len(zero) && text[len(text)-len(zero):] == zero {
			text = text[:len(text)-2]
		}
	}
	return text
}

// invalid is the step of a machine whose tags cannot be followed. It is left
// alone, and that is a failure: silence would look like success.
func invalid(m fleet.Machine, code string, err error) Step {
	return Step{Machine: m, Invalid: true, Reason: fleet.Reason{Code: code, Text: said(err)}}
}
