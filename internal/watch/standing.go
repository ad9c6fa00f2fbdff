package watch

import (
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/power"
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
	changed := s.Machine.Started
	if s.Machine.State == fleet.Stopped && s.Machine.Stopped.After(changed) {
		changed = s.Machine.Stopped
	}
	if s.Desired.Since.After(changed) {
		return s.Desired.Since
	}
	return changed
}

// Manual reports whether a machine is not in its desired state because a person
// started or stopped it, which is respected until its schedule changes again.
func Manual(s power.Step) bool {
	return power.Manual(s.Reason.Code)
}

// FailedRun reports whether a run failed as a whole or in part. What it had no time
// for is not a failure: the next run does it.
func FailedRun(r journal.Record) bool { return r.Failed > 0 || len(r.Errors) > 0 }
