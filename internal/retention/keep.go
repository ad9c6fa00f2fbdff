package retention

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/text"
)

// Count is how many periods a rule keeps.
type Count int

// Unlimited is the count of a rule that keeps every period.
const Unlimited Count = -1

// mostCount bounds a count: an account has 100,000 snapshots in a region by default.
const mostCount = 1_000_000

// ParseCount reads a number of periods, or "unlimited". Errors are of kind
// fleet.ErrInvalid.
func ParseCount(s string) (Count, error) {
	if s == unlimited {
		return Unlimited, nil
	}
	n, err := strconv.Atoi(s)
	switch {
	case err == nil && n < 0:
		return 0, fleet.Errorf(fleet.ErrInvalid, "%d is negative; write %s to keep all", n, unlimited)
	case err != nil || n > mostCount:
		return 0, fleet.Errorf(fleet.ErrInvalid, "%q is no count; write a number up to %d, or %s", s, mostCount, unlimited)
	}
	return Count(n), nil
}

const unlimited = "unlimited"

// String is the form that ParseCount reads.
func (c Count) String() string {
	if c == Unlimited {
		return unlimited
	}
	return strconv.Itoa(int(c))
}

// Name is the name of a rule, as a policy and the command line write it.
type Name string

// The rules. A count keeps the newest item of each of so many periods that have one;
// within keeps all items of a length of time before the newest, and the others with
// within the newest item of each period of that length of time.
const (
	Last          Name = "last"
	Hourly        Name = "hourly"
	Daily         Name = "daily"
	Weekly        Name = "weekly"
	Monthly       Name = "monthly"
	Yearly        Name = "yearly"
	Within        Name = "within"
	WithinHourly  Name = "within-hourly"
	WithinDaily   Name = "within-daily"
	WithinWeekly  Name = "within-weekly"
	WithinMonthly Name = "within-monthly"
	WithinYearly  Name = "within-yearly"
)

// Names are the names of all rules, in the order in which they are applied and
// printed.
func Names() []Name {
	return []Name{
		Last, Hourly, Daily, Weekly, Monthly, Yearly,
		Within, WithinHourly, WithinDaily, WithinWeekly, WithinMonthly, WithinYearly,
	}
}

// Windowed is true for the rules whose value is a length of time, not a count.
func (n Name) Windowed() bool { return strings.HasPrefix(string(n), string(Within)) }

func (n Name) period() period {
	switch n {
	case Hourly, WithinHourly:
		return hour
	case Daily, WithinDaily:
		return day
	case Weekly, WithinWeekly:
		return week
	case Monthly, WithinMonthly:
		return month
	case Yearly, WithinYearly:
		return year
	default: // last, within
		return nil
	}
}

// Keep is what a policy keeps. The zero value has no rules and keeps everything.
type Keep struct {
	counts  [rules]Count // by the place of the rule in Names
	windows [rules]Duration
}

// rules is the number of Names.
const rules = 12

// at is the place of a rule; -1 where there is none of this name.
func at(n Name) int { return slices.Index(Names(), n) }

// ParseKeep reads a list such as "daily=7,weekly=4,within-monthly=1y". Each rule is
// named once at most. Errors are of kind fleet.ErrInvalid.
func ParseKeep(s string) (Keep, error) {
	var k Keep
	for part := range strings.SplitSeq(s, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return Keep{}, fleet.Errorf(fleet.ErrInvalid, "%q is no rule; write a list such as daily=7,weekly=4,monthly=6", strings.TrimSpace(part))
		}
		if k.Has(Name(name)) {
			return Keep{}, fleet.Errorf(fleet.ErrInvalid, "%s is there twice", name)
		}
		if err := k.Set(name, value); err != nil {
			return Keep{}, err
		}
	}
	return k, nil
}

// Set adds a rule by its name and its value, a count or a length of time. A count of
// 0 is no rule. Errors are of kind fleet.ErrInvalid.
func (k *Keep) Set(name, value string) error {
	n := Name(name)
	if at(n) < 0 {
		names := text.Strings(Names())
		if near := text.Nearest(name, names); near != "" {
			return fleet.Errorf(fleet.ErrInvalid, "%q is no rule; did you mean %s?", name, near)
		}
		return fleet.Errorf(fleet.ErrInvalid, "%q is no rule; there are %s", name, strings.Join(names, ", "))
	}
	if n.Windowed() {
		d, err := ParseDuration(value)
		if err != nil {
			return fleet.Errorf(fleet.ErrInvalid, "%s: %w", name, err)
		}
		k.windows[at(n)] = d
		return nil
	}
	c, err := ParseCount(value)
	if err != nil {
		return fleet.Errorf(fleet.ErrInvalid, "%s: %w", name, err)
	}
	k.counts[at(n)] = c
	return nil
}

// Has says whether the policy has the rule.
func (k Keep) Has(n Name) bool { return k.Count(n) != 0 || k.Within(n) != Duration{} }

// Empty is true where there is no rule.
func (k Keep) Empty() bool { return k == Keep{} }

// Count is the value of a rule that counts; 0 where the policy does not have it.
func (k Keep) Count(n Name) Count {
	if at(n) < 0 {
		return 0
	}
	return k.counts[at(n)]
}

// Within is the value of a rule that has a length of time; zero where the policy
// does not have it.
func (k Keep) Within(n Name) Duration {
	if at(n) < 0 {
		return Duration{}
	}
	return k.windows[at(n)]
}

// Most is how many items the policy keeps at most at any time; ok is false where
// there is no such bound, because a rule is unlimited or a length of time.
func (k Keep) Most() (most int, ok bool) {
	for _, c := range k.counts {
		if c == Unlimited {
			return 0, false
		}
		most += int(c)
	}
	return most, k.windows == [rules]Duration{} && !k.Empty()
}

// String is the form that ParseKeep reads, with the rules in the order of Names.
func (k Keep) String() string {
	var parts []string
	for _, n := range Names() {
		switch {
		case !k.Has(n):
		case n.Windowed():
			parts = append(parts, string(n)+"="+k.Within(n).String())
		default:
			parts = append(parts, string(n)+"="+k.Count(n).String())
		}
	}
	return strings.Join(parts, ",")
}

// MarshalText writes the form of String.
func (k Keep) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads it; an empty text has no rules.
func (k *Keep) UnmarshalText(b []byte) error {
	*k = Keep{}
	if len(b) == 0 {
		return nil
	}
	parsed, err := ParseKeep(string(b))
	if err != nil {
		return err
	}
	*k = parsed
	return nil
}

// rules are those of the policy, ready to be applied to a chain with this newest
// item.
func (k Keep) rules(newest time.Time) []rule {
	var list []rule
	for _, n := range Names() {
		switch {
		case !k.Has(n):
		case n.Windowed():
			d := k.Within(n)
			list = append(list, rule{name: n, period: n.period(), windowed: true, within: d, since: d.Before(newest), newest: newest})
		default:
			list = append(list, rule{name: n, period: n.period(), count: k.Count(n)})
		}
	}
	return list
}
