package retention

import (
	"fmt"
	"time"
)

// ReasonKind is what a Reason says.
type ReasonKind string

// The reasons to keep an item, and those of a rule not to.
const (
	Kept   ReasonKind = "kept"
	Oldest ReasonKind = "oldest" // kept because the rule has counts left
	Future ReasonKind = "future" // later than now
	NoRule ReasonKind = "no-rule"

	Taken  ReasonKind = "taken"   // the rule keeps a newer item of the same period
	UsedUp ReasonKind = "used-up" // newer periods have used up the count
	TooOld ReasonKind = "too-old" // not within the rule's length of time
)

// Reason is why one rule keeps an item, or does not.
type Reason struct {
	Kind ReasonKind
	Rule Name
	// N is the number of the period, from the newest, that the item is kept for; Of
	// is the count of the rule.
	N  int
	Of Count
	// Period is the item's, such as "2026-W18", "2026-05-03" or "2026-05-03 02h".
	Period string
	// By is the time of the newer item that is kept for the same period.
	By time.Time
	// Within is the length of time of the rule before Newest; Since is where that
	// begins.
	Within        Duration
	Newest, Since time.Time
}

// minutes is how times are written in reasons, in the zone of the policy.
const minutes = "2006-01-02 15:04 MST"

// String is the reason as people read it, such as "weekly 3 of 4: 2026-W18".
func (r Reason) String() string {
	switch r.Kind {
	case Future:
		return "later than now: kept, and not counted"
	case NoRule:
		return "the policy has no rule: everything is kept"
	case Taken:
		return fmt.Sprintf("%s: %s keeps %s", r.Rule, r.Period, r.By.Format(minutes))
	case UsedUp:
		if r.Of == 1 {
			return fmt.Sprintf("%s: only the newest is kept", r.Rule)
		}
		return fmt.Sprintf("%s: the newest %s are kept", r.Rule, r.Of)
	case TooOld:
		return fmt.Sprintf("%s %s: not after %s", r.Rule, r.Within, r.Since.Format(minutes))
	case Oldest:
		return "oldest " + r.place()
	default:
		return r.place()
	}
}

// place is which one of the rule's items it is.
func (r Reason) place() string {
	of := ""
	switch {
	case r.Rule == Within:
		return fmt.Sprintf("%s %s of %s", r.Rule, r.Within, r.Newest.Format(minutes))
	case r.Rule.Windowed():
		return fmt.Sprintf("%s %s: %s", r.Rule, r.Within, r.Period)
	case r.Of != Unlimited:
		of = fmt.Sprintf(" of %s", r.Of)
	}
	if r.Period == "" {
		return fmt.Sprintf("%s %d%s", r.Rule, r.N, of)
	}
	return fmt.Sprintf("%s %d%s: %s", r.Rule, r.N, of, r.Period)
}

// MarshalText writes the form of String.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
