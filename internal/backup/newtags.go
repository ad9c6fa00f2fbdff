package backup

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"nightshift/internal/fleet"
)

const (
	mostTags  = 50  // of a resource ("Tag your Amazon EC2 resources", Amazon EC2 User Guide)
	adoptTags = 6   // that adopting writes
	laterTags = 5   // of ours that are written later: without room for a mark nothing can be deleted
	mostValue = 256 // characters of a value
)

// TagsFor are the tags of a new copy: ours first, five at most, then those of its source
// as far as they fit, with Name before the others and these in the order of their keys.
// Left are the keys that did not fit or are not copied: those of nightshift, which could
// only be planted, and those of AWS, which nobody else may write. The manifest has them.
//
// A keep that is longer than a tag may be is left out: the copies of the policy are then
// judged by its current keep only, and stay where it is gone.
func TagsFor(p Policy, set SetID, data time.Time, source fleet.Tags) (tags fleet.Tags, left []string) {
	_, slot, _, _, _ := set.Read()
	tags = fleet.Tags{
		TagPolicy: string(p.ID), TagSet: string(set),
		TagSlot: slot.UTC().Format(time.RFC3339), TagDataTime: data.UTC().Format(time.RFC3339),
	}
	if keep := (Stored{p.Keep, p.zone()}).String(); !p.Keep.Empty() && utf8.RuneCountInString(keep) <= mostValue {
		tags[TagKeep] = keep
	}
	keys := make([]string, 0, len(source))
	for key := range source {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int {
		switch {
		case a == "Name" && b != "Name":
			return -1
		case b == "Name" && a != "Name":
			return 1
		}
		return strings.Compare(a, b)
	})
	for _, key := range keys {
		if len(tags) >= mostTags-laterTags || strings.HasPrefix(key, fleet.OwnTagPrefix) || reserved(key) {
			left = append(left, key)
			continue
		}
		tags[key] = source[key]
	}
	return tags, left
}

// reserved says whether AWS alone may write a tag with this key.
func reserved(key string) bool { return len(key) >= 4 && strings.EqualFold(key[:4], "aws:") }
