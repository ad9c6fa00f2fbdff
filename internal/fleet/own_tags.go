package fleet

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// OwnTagPrefix begins the keys of the tags in which nightshift remembers.
const OwnTagPrefix = "nightshift:"

// The tags of our own. They are all that nightshift needs to know in addition to
// what AWS reports of a machine.
const (
	// TagLast holds nightshift's own last act on a machine: a Mark.
	TagLast = OwnTagPrefix + "last"
	// TagOverride replaces the schedule of one machine for a time: an Override.
	TagOverride = OwnTagPrefix + "override"
	// TagTypes lists the instance types in which a machine may be started, the
	// preferred one first: see ParseTypes.
	TagTypes = OwnTagPrefix + "types"
	// TagSizes holds the sizes that an Auto Scaling group had before it was
	// stopped.
	TagSizes = OwnTagPrefix + "sizes"
	// TagPolicy, on a snapshot, names the backup policy that it was made or adopted for.
	TagPolicy = OwnTagPrefix + "policy"
)

// OwnTagKeys are the keys of all tags of our own.
func OwnTagKeys() []string { return []string{TagOverride, TagLast, TagTypes, TagSizes} }

// The acts that a Mark can name.
const (
	MarkStop  = "stop"
	MarkStart = "start"
	// MarkRefused is not an act: a stop was refused, because stop protection is
	// on. The machine is as it was before.
	MarkRefused = "refused"
)

// Mark is the value of the tag TagLast: what nightshift did last, and when.
type Mark struct {
	Action string
	At     time.Time
}

// ParseMark reads the value of TagLast, such as "stop 2026-11-22T10:00:00Z". One
// that cannot be read is the zero Mark: it only means that our act is taken for
// that of a person.
func ParseMark(value string) Mark {
	action, at, _ := strings.Cut(value, " ")
	t, err := time.Parse(time.RFC3339, at)
	if err != nil || !slices.Contains([]string{MarkStop, MarkStart, MarkRefused}, action) {
		return Mark{}
	}
	return Mark{action, t.UTC()}
}

// String is the form that ParseMark reads.
func (m Mark) String() string { return m.Action + " " + m.At.UTC().Format(time.RFC3339) }

// Act is the mark of a stop or a start, or the zero Mark: a refusal changed
// nothing, so that its time is not that of any change of state.
func (m Mark) Act() Mark {
	if m.Action == MarkRefused {
		return Mark{}
	}
	return m
}

// ParseTypes reads the value of TagTypes: instance types separated by commas,
// spaces, slashes or semicolons. A type that is named twice counts once.
func ParseTypes(value string) []InstanceType {
	var types []InstanceType
	for _, t := range strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' || r == '/' || r == ';' }) {
		if !slices.Contains(types, InstanceType(t)) {
			types = append(types, InstanceType(t))
		}
	}
	return types
}

// Override is the value of the tag TagOverride: from Since to Until, Until
// excluded, the machine is to be Running or Stopped whatever its schedule says.
// Times have whole seconds.
type Override struct {
	State        State
	Since, Until time.Time
}

// ParseOverride reads the value of TagOverride:
//
//	on|off since <RFC 3339> until <RFC 3339>
//
// "since" may be missing, as in a tag that a person writes; Since is then zero.
func ParseOverride(value string) (Override, error) {
	bad := func(why string) (Override, error) {
		return Override{}, Errorf(ErrInvalid,
			"tag %s=%q: %s; write it as \"on until 2026-11-22T22:00:00Z\", or use `nightshift power override set`", TagOverride, value, why)
	}
	words := strings.Fields(value)
	if len(words) != 3 && len(words) != 5 {
		return bad("it has not the form of an override")
	}
	var o Override
	switch words[0] {
	case "on":
		o.State = Running
	case "off":
		o.State = Stopped
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
	if o.State == Stopped {
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

// Holds reports whether the override is in force at t.
func (o Override) Holds(t time.Time) bool {
	return !t.Before(o.Since) && t.Before(o.Until)
}
