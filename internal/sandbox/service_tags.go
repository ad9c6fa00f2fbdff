package sandbox

import (
	"strings"
	"unicode/utf8"
)

// maxTags is the number of tags that a resource may carry, without those of
// AWS itself.
const maxTags = 50

// checkTags refuses what EC2 does not take as tags.
func checkTags(ts tags) *apiError {
	seen := map[string]bool{}
	for _, x := range ts {
		switch {
		case x.key == "":
			return invalid("InvalidParameterValue", "Tag keys must not be empty")
		case strings.HasPrefix(strings.ToLower(x.key), "aws:"):
			return invalid("InvalidParameterValue", "Value ( "+x.key+" ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved for internal use")
		case utf8.RuneCountInString(x.key) > 128:
			return invalid("InvalidParameterValue", "Tag key exceeds the maximum length of 128 characters")
		case utf8.RuneCountInString(x.value) > 256:
			return invalid("InvalidParameterValue", "Tag value exceeds the maximum length of 256 characters")
		case strings.ContainsFunc(x.key+x.value, unprintable):
			// EC2 says only that it takes any character; XML 1.0, in which it
			// would have to answer, cannot carry these.
			return invalid("InvalidParameterValue", "Tags with control characters other than tab and line break cannot be carried in XML")
		case seen[x.key]:
			return invalid("InvalidParameterValue", "Duplicate tag key '"+x.key+"' specified.")
		}
		seen[x.key] = true
	}
	return nil
}

// unprintable says whether XML 1.0 cannot carry a character.
func unprintable(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
}

// checkCount refuses more tags than a resource may carry.
func checkCount(ts tags) *apiError {
	n := 0
	for _, x := range ts {
		if !strings.HasPrefix(x.key, "aws:") {
			n++
		}
	}
	if n > maxTags {
		return invalid("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
	}
	return nil
}

// tagChange is a tag to set or to remove; for a removal, no value means any.
type tagChange struct {
	key   string
	value *string
}
