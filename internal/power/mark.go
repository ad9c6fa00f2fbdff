package power

import (
	"slices"
	"strings"
	"time"

	"nightshift/internal/fleet"
)

// ours is how long after its mark a change of state counts as nightshift's
// own. EC2 tells when it took a request, RDS when it had carried it out.
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

// refused is the mark of a machine that has stop protection on. It is asked
// again once in an hour, not at every tick.
const refused Action = "refused"

// mark is nightshift's last act on a machine, as its tag LastTag says.
type mark struct {
	action Action
	at     time.Time
}

// markOf reads the mark. One that cannot be read is none: it only means that
// our act is taken for a person's.
func markOf(tags fleet.Tags) mark {
	action, at, _ := strings.Cut(tags[LastTag], " ")
	t, err := time.Parse(time.RFC3339, at)
	if err != nil || !slices.Contains([]Action{Stop, Start, refused}, Action(action)) {
		return mark{}
	}
	return mark{Action(action), t}
}

func (m mark) String() string { return string(m.action) + " " + m.at.UTC().Format(time.RFC3339) }

// explains reports whether a machine's change of state is the one that the mark
// announced.
func (m mark) explains(action Action, kind fleet.Kind, changed time.Time) bool {
	return m.action == action && !changed.IsZero() && !changed.Before(m.at.Add(-early)) && !changed.After(m.at.Add(ours(kind)))
}
