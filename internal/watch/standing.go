package watch

import (
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/power"
	"nightshift/internal/schedule"
)

// OutOfSchedule reports whether a machine is not in its desired state and nightshift
// would change that: now, once the machine has arrived where it is going, or at the
// next try. One that a person started or stopped is not, see [Manual], nor is one
// that cannot or must not be acted on.
func OutOfSchedule(s power.Step) bool {
	return s.Do() || s.Settling || s.Reason.Code == power.RetryLater
}

// OutSince is since when such a machine is not in its desired state: since the
// schedule or the machine changed, whichever came later. It is zero where neither
// is known.
func OutSince(s power.Step) time.Time {
	if m := s.Machine; FellBack(s) && m.Stopped.Before(m.Started.Add(lasting)) {
		return s.Desired.Since
	}
	changed := s.Machine.Started
	if s.Machine.State == fleet.Stopped && s.Machine.Stopped.After(changed) {
		changed = s.Machine.Stopped
	}
	if s.Desired.Since.After(changed) {
		return s.Desired.Since
	}
	return changed
}

// lasting is for how long a machine has run at least that was started with success.
const lasting = 10 * time.Minute

// FellBack reports whether a machine was started when it was due and does not run all the
// same: AWS accepted the start, and it did not last. It is started again and again, so
// that it may be on its way just now.
func FellBack(s power.Step) bool {
	return s.Desired.State == schedule.Running && !s.Desired.Since.IsZero() && !s.Machine.Started.Before(s.Desired.Since) &&
		(s.Reason.Code == power.RetryLater || s.Reason.Code == power.StoppedByAWS)
}

// startedAgain is the step of a machine that is on its way for the second time since it was
// due: until it arrives it counts as one that does not start. AWS itself does not say so.
func startedAgain(s power.Step, acts []Act) power.Step {
	if s.Machine.State != fleet.Pending || s.Desired.State != schedule.Running || s.Desired.Since.IsZero() {
		return s
	}
	starts := 0
	for _, a := range acts {
		if a.Action == power.Start && a.Result == fleet.Done && !a.At.Before(s.Desired.Since) {
			starts++
		}
	}
	if starts > 1 {
		s.Reason = fleet.Reason{Code: power.RetryLater, Text: "is started again, for the last start did not last"}
	}
	return s
}

// Manual reports whether a machine is not in its desired state because a person
// started or stopped it, which is respected until its schedule changes again.
func Manual(s power.Step) bool {
	return power.Manual(s.Reason.Code)
}

// FailedRun reports whether a run failed as a whole or in part. What it had no time
// for is not a failure: the next run does it.
func FailedRun(r journal.Record) bool { return r.Failed > 0 || len(r.Errors) > 0 }
