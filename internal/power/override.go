package power

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
)

// The tags in which nightshift remembers. They are all that it needs to know
// beside what AWS tells of a machine.
const (
	// OverrideTag overrides the schedule of one machine for a time.
	OverrideTag = "nightshift:override"
	// LastTag holds nightshift's own last act on a machine.
	LastTag = "nightshift:last"
	// TypesTag lists the instance types in which a machine may be started,
	// the preferred one first, separated by commas, spaces or slashes.
	TypesTag = "nightshift:types"
)

// defaultOverride is how long an override may last where nothing is configured.
const defaultOverride = 24 * time.Hour

// Override is an override: from Since to Until, Until excluded, the machine is to
// be in State whatever its schedule says. Times have whole seconds.
type Override struct {
	State        schedule.State
	Since, Until time.Time
}

// ParseOverride reads the value of the tag nightshift:override:
//
//	on|off since <RFC 3339> until <RFC 3339>
//
// "since" may be missing, as in a tag that a person writes by hand; Since is
// then zero.
func ParseOverride(value string) (Override, error) {
	bad := func(why string) (Override, error) {
		return Override{}, fleet.Errorf(fleet.ErrInvalid,
			"tag %s=%q: %s; write it as \"on until 2026-11-22T22:00:00Z\", or use `nightshift power override set`", OverrideTag, value, why)
	}
	words := strings.Fields(value)
	if len(words) != 3 && len(words) != 5 {
		return bad("it has not the form of an override")
	}
	var o Override
	switch words[0] {
	case "on":
		o.State = schedule.Running
	case "off":
		o.State = schedule.Stopped
	default:
		return bad(fmt.Sprintf("%q is neither on nor off", words[0]))
	}
	for n := 1; n < len(words); n += 2 {
		at, err := time.Parse(time.RFC3339, words[n+1])
		switch {
		case err != nil:
			return bad(fmt.Sprintf("%q is not a time", words[n+1]))
		case words[n] == "since" && n == 1 && len(words) == 5:
			o.Since = at.UTC()
		case words[n] == "until" && n == len(words)-2:
			o.Until = at.UTC()
		default:
			return bad(fmt.Sprintf("%q where since or until is expected", words[n]))
		}
	}
	if o.Until.Before(o.Since) {
		return bad("it ends before it begins")
	}
	return o, nil
}

// String is the form that ParseOverride reads.
func (o Override) String() string {
	word := "on"
	if o.State == schedule.Stopped {
		word = "off"
	}
	if o.Since.IsZero() {
		return fmt.Sprintf("%s until %s", word, o.Until.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("%s since %s until %s", word, o.Since.UTC().Format(time.RFC3339), o.Until.UTC().Format(time.RFC3339))
}

// Cleared ends the override at now, or where it already had.
func (o Override) Cleared(now time.Time) Override {
	now = now.UTC().Truncate(time.Second)
	if now.Before(o.Until) {
		o.Until = now
	}
	if o.Since.After(o.Until) {
		o.Since = o.Until
	}
	return o
}

// Clip holds the override to the longest time that is allowed, and reports
// whether it was longer. One that does not say since when it is set counts
// back from its end.
func (l OverrideLimits) Clip(o Override) (Override, bool) {
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

// at reports whether the override holds at t.
func (o Override) at(t time.Time) bool {
	return !t.Before(o.Since) && t.Before(o.Until)
}
