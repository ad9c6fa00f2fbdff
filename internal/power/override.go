package power

import (
	"cmp"
	"time"

	"nightshift/internal/fleet"
)

// defaultOverride is how long an override may last where nothing is configured.
const defaultOverride = 24 * time.Hour

// OverrideLimits bound overrides: who may set tags may override a schedule.
type OverrideLimits struct {
	// Max is how long an override may last from when it was set; 0 means 24
	// hours. A longer one is clipped, and that is reported.
	Max time.Duration
	// Off allows overrides that stop machines, too.
	Off bool
}

// Clip holds the override to the longest time that is allowed, and reports
// whether it was longer. One that does not say since when it is set counts
// back from its end.
func (l OverrideLimits) Clip(o fleet.Override) (fleet.Override, bool) {
	longest := cmp.Or(l.Max, defaultOverride)
	if o.Since.IsZero() {
		o.Since = o.Until.Add(-longest)
		return o, false
	}
	if o.Until.Sub(o.Since) > longest {
		o.Until = o.Since.Add(longest)
		return o, true
	}
	return o, false
}
