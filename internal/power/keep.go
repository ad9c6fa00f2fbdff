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
	// KeepTag overrides the schedule of one machine for a time.
	KeepTag = "nightshift:keep"
	// LastTag holds nightshift's own last act on a machine.
	LastTag = "nightshift:last"
	// TypesTag lists the instance types in which a machine may be started,
	// the preferred one first, separated by commas, spaces or slashes.
	TypesTag = "nightshift:types"
)

// defaultKeep is how long an override may last where nothing is configured.
const defaultKeep = 24 * time.Hour

// Keep is an override: from Since to Until, Until excluded, the machine is to
// be in State whatever its schedule says. Times have whole seconds.
type Keep struct {
	State        schedule.State
	Since, Until time.Time
}

// ParseKeep reads the value of the tag nightshift:keep:
//
//	on|off since <RFC 3339> until <RFC 3339>
//
// "since" may be missing, as in a tag that a person writes by hand; Since is
// then zero.
func ParseKeep(value string) (Keep, error) {
	bad := func(why string) (Keep, error) {
		return Keep{}, fleet.Errorf(fleet.ErrInvalid,
			"tag %s=%q: %s; write it as \"on until 2026-11-22T22:00:00Z\", or use `nightshift power keep`", KeepTag, value, why)
	}
	words := strings.Fields(value)
	if len(words) != 3 && len(words) != 5 {
		return bad("it has not the form of an override")
	}
	var k Keep
	switch words[0] {
	case "on":
		k.State = schedule.Running
	case "off":
		k.State = schedule.Stopped
	default:
		return bad(fmt.Sprintf("%q is neither on nor off", words[0]))
	}
	for n := 1; n < len(words); n += 2 {
		at, err := time.Parse(time.RFC3339, words[n+1])
		switch {
		case err != nil:
			return bad(fmt.Sprintf("%q is not a time", words[n+1]))
		case words[n] == "since" && n == 1 && len(words) == 5:
			k.Since = at.UTC()
		case words[n] == "until" && n == len(words)-2:
			k.Until = at.UTC()
		default:
			return bad(fmt.Sprintf("%q where since or until is expected", words[n]))
		}
	}
	if k.Until.Before(k.Since) {
		return bad("it ends before it begins")
	}
	return k, nil
}

// String is the form that ParseKeep reads.
func (k Keep) String() string {
	word := "on"
	if k.State == schedule.Stopped {
		word = "off"
	}
	if k.Since.IsZero() {
		return fmt.Sprintf("%s until %s", word, k.Until.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("%s since %s until %s", word, k.Since.UTC().Format(time.RFC3339), k.Until.UTC().Format(time.RFC3339))
}

// Released ends the override at now, or where it already had.
func (k Keep) Released(now time.Time) Keep {
	now = now.UTC().Truncate(time.Second)
	if now.Before(k.Until) {
		k.Until = now
	}
	if k.Since.After(k.Until) {
		k.Since = k.Until
	}
	return k
}

// Clip holds the override to the longest time that is allowed, and reports
// whether it was longer. One that does not say since when it is set counts
// back from its end.
func (l KeepLimits) Clip(k Keep) (Keep, bool) {
	longest := cmp.Or(l.Max, defaultKeep)
	if k.Since.IsZero() {
		k.Since = k.Until.Add(-longest)
		return k, false
	}
	if k.Until.Sub(k.Since) > longest {
		k.Until = k.Since.Add(longest)
		return k, true
	}
	return k, false
}

// at reports whether the override holds at t.
func (k Keep) at(t time.Time) bool {
	return !t.Before(k.Since) && t.Before(k.Until)
}
