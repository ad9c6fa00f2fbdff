package fleet

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Tag chooses resources by a tag. An empty Value chooses every resource that
// has the key, whatever its value.
type Tag struct {
	Key, Value string
}

// ParseTag reads "Key=Value" or "Key". The first "=" separates; keys of 1 to
// 128 and values of at most 256 characters are what AWS allows.
func ParseTag(s string) (Tag, error) {
	key, value, separated := strings.Cut(s, "=")
	bad := func(why string) (Tag, error) {
		return Tag{}, Errorf(ErrInvalid, "tag %q: %s; write it as Key=Value, for example AutoStopStart=Yes", s, why)
	}
	switch {
	case key == "":
		return bad("the key is missing")
	case separated && value == "":
		return bad("the value is missing")
	case key != strings.TrimSpace(key) || value != strings.TrimSpace(value):
		return bad("there are spaces around the key or the value")
	case !utf8.ValidString(s):
		return bad("it is not UTF-8 text")
	case utf8.RuneCountInString(key) > 128:
		return bad("the key is longer than 128 characters")
	case utf8.RuneCountInString(value) > 256:
		return bad("the value is longer than 256 characters")
	}
	return Tag{Key: key, Value: value}, nil
}

// String is the form that ParseTag reads.
func (t Tag) String() string {
	if t.Value == "" {
		return t.Key
	}
	return t.Key + "=" + t.Value
}

// On reports whether tags carry this tag. Keys and values are case-sensitive,
// as in EC2.
func (t Tag) On(tags Tags) bool {
	value, ok := tags[t.Key]
	return ok && (t.Value == "" || value == t.Value)
}

// ParseTags reads tags that a resource has to carry all of. Two values of one key
// are refused: nothing carries both.
func ParseTags(list []string) ([]Tag, error) {
	var all []Tag
	for _, s := range list {
		tag, err := ParseTag(s)
		if err != nil {
			return nil, err
		}
		for _, other := range all {
			if other.Key == tag.Key && other.Value != "" && tag.Value != "" && other.Value != tag.Value {
				return nil, Errorf(ErrInvalid, "tags %s and %s: all of them have to match, and a key has one value", other, tag)
			}
		}
		if !slices.Contains(all, tag) {
			all = append(all, tag)
		}
	}
	return all, nil
}

// AllOn reports whether tags carry all of the given ones, which they do where
// none is given.
func AllOn(all []Tag, tags Tags) bool {
	return !slices.ContainsFunc(all, func(t Tag) bool { return !t.On(tags) })
}

// Selector chooses machines: those that carry all of Tags, where Keys is not
// empty carry at least one of these tag keys, and where IDs is not empty are
// among them. The zero Selector chooses every machine.
type Selector struct {
	Tags []Tag
	Keys []string
	IDs  []ResourceID
	// Readiness asks for Machine.Ready, which takes calls of its own.
	Readiness bool
	// Brief leaves out what takes calls of its own and is not needed to see in
	// which state a machine is: the past of databases, and whether a Spot
	// request is persistent.
	Brief bool
}
