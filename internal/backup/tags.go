package backup

import (
	"slices"
	"strings"

	"nightshift/internal/fleet"
)

// The tags of a copy, at most five of them at its creation. Their keys begin with
// fleet.OwnTagPrefix.
//
//	nightshift:policy     the id of the policy
//	nightshift:set        the set: policy/resource/slot/number of members, see SetID
//	nightshift:slot       the time that the copy was due, RFC 3339 in UTC
//	nightshift:data-time  the moment of the data, RFC 3339 in UTC
//	nightshift:keep       the policy's keep when the copy was made, as retention.ParseKeep reads it
//	                      (at most 256 characters), with ";zone=Europe/Berlin" behind it
//
// Later ones are written on snapshots that have our tags already:
//
//	nightshift:deleting   since when a set is marked for deletion, RFC 3339
//	nightshift:hold       a person holds the copy; the value is the reason
//	nightshift:adopted    since when nightshift manages a snapshot that it has not made
//	nightshift:changed    how many blocks of 512 KiB are new since the copy before
const (
	TagPolicy   = fleet.TagPolicy
	TagSet      = "nightshift:set"
	TagSlot     = "nightshift:slot"
	TagDataTime = "nightshift:data-time"
	TagKeep     = "nightshift:keep"
	TagDeleting = "nightshift:deleting"
	TagHold     = "nightshift:hold"
	TagAdopted  = "nightshift:adopted"
	TagCopyOf   = "nightshift:copy-of"
	TagProven   = "nightshift:proven"
	TagChanged  = "nightshift:changed"
)

// ownTags are the keys of those above.
func ownTags() []string {
	return []string{TagPolicy, TagSet, TagSlot, TagDataTime, TagKeep, TagDeleting, TagHold, TagAdopted, TagCopyOf, TagProven, TagChanged}
}

// isOwn says whether a key is one of those above.
func isOwn(key string) bool {
	return strings.HasPrefix(key, fleet.OwnTagPrefix) && slices.Contains(ownTags(), key)
}
