package service

import (
	"strings"
	"unicode/utf8"

	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// maxTags is the number of tags that a resource may carry, without those of
// AWS itself.
const maxTags = 50

// CheckTags refuses what EC2 does not take as tags.
func CheckTags(ts state.Tags) *wire.Error {
	seen := map[string]bool{}
	for _, x := range ts {
		switch {
		case x.Key == "":
			return wire.Invalid("InvalidParameterValue", "Tag keys must not be empty")
		case strings.HasPrefix(strings.ToLower(x.Key), "aws:"):
			return wire.Invalid("InvalidParameterValue", "Value ( "+x.Key+" ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved for internal use")
		case utf8.RuneCountInString(x.Key) > 128:
			return wire.Invalid("InvalidParameterValue", "Tag key exceeds the maximum length of 128 characters")
		case utf8.RuneCountInString(x.Value) > 256:
			return wire.Invalid("InvalidParameterValue", "Tag value exceeds the maximum length of 256 characters")
		case strings.ContainsFunc(x.Key+x.Value, unprintable):
			// EC2 says only that it takes any character; XML 1.0, in which it
			// would have to answer, cannot carry these.
			return wire.Invalid("InvalidParameterValue", "Tags with control characters other than tab and line break cannot be carried in XML")
		case seen[x.Key]:
			return wire.Invalid("InvalidParameterValue", "Duplicate tag key '"+x.Key+"' specified.")
		}
		seen[x.Key] = true
	}
	return nil
}

// unprintable says whether XML 1.0 cannot carry a character.
func unprintable(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
}

// CheckCount refuses more tags than a resource may carry.
func CheckCount(ts state.Tags) *wire.Error {
	n := 0
	for _, x := range ts {
		if !strings.HasPrefix(x.Key, "aws:") {
			n++
		}
	}
	if n > maxTags {
		return wire.Invalid("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
	}
	return nil
}

// TagChange is a tag to set or to remove; for a removal, no value means any.
type TagChange struct {
	Key   string
	Value *string
}
