package power

import (
	"time"

	"nightshift/internal/fleet"
)

// ours is how long after its mark a change of state counts as nightshift's
// own. EC2 reports when it took a request, RDS when it had carried it out.
func ours(kind fleet.Kind) time.Duration {
	if kind == fleet.KindDatabase || kind == fleet.KindCluster {
		return time.Hour
	}
	return 5 * time.Minute
}

// early is how long before its mark a change of state counts as nightshift's
// own, too: the mark of a second run at the same time may come after the act of
// the first, and the clocks of AWS and of nightshift need not agree to the
// second. Nobody else's act can be meant: a mark is only written where the
// machine was seen just before in the other state.
const early = time.Minute

// explains reports whether a machine's change of state is the one that the mark
// announced.
func explains(m fleet.Mark, action Action, kind fleet.Kind, changed time.Time) bool {
	return m.Action == string(action) && !changed.IsZero() && !changed.Before(m.At.Add(-early)) && !changed.After(m.At.Add(ours(kind)))
}
