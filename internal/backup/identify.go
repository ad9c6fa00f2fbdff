package backup

import (
	"fmt"
	"strings"
	"time"

	"nightshift/internal/fleet"
)

// The states of a snapshot that matter here.
const (
	statePending   = "pending"
	stateCompleted = "completed"
	stateError     = "error"
)

// clocksApart is how far the start of a snapshot, by AWS's clock, may be from the moment
// of the data that its tag says, by ours.
const clocksApart = 10 * time.Minute

// otherTime is the code of a stranger whose start is not the moment that its tags say.
const otherTime = "other-time"

// Copy is what the tags of a snapshot of ours say.
type Copy struct {
	Set      SetID
	Chain    Chain
	Slot     time.Time
	Data     time.Time
	Expected int
	Single   bool
}

// Identify says whether a snapshot is ours. Where it is not, and has tags of ours all the
// same, it is a stranger, and the reason says why: whoever may write tags can plant ours,
// and a tool that copies the tags of a volume to its snapshots copies planted ones, too.
// Tags are believed only where they agree with each other and with what AWS itself says:
// of which volume the snapshot is, when it was started and who made it.
func Identify(s fleet.Snapshot, at time.Time) (c Copy, ours bool, stranger fleet.Reason) {
	no := func(code, format string, args ...any) (Copy, bool, fleet.Reason) {
		return Copy{}, false, fleet.Reason{Code: code, Text: fmt.Sprintf(format, args...)}
	}
	if !hasOwn(s.Tags) {
		return Copy{}, false, fleet.Reason{}
	}
	if owner := Owner(s.Tags); owner != "" {
		return no("other-owner", "was made by %s, which has copied the tags", owner)
	}
	for _, key := range []string{TagPolicy, TagSet, TagSlot, TagDataTime} {
		if s.Tags[key] == "" {
			return no("tag-missing", "has tags of ours, but no %s", key)
		}
	}
	c.Set = SetID(s.Tags[TagSet])
	var ok bool
	if c.Chain, c.Slot, c.Expected, c.Single, ok = c.Set.Read(); !ok {
		return no("tag-unreadable", "tag %s names no set", TagSet)
	}
	slot, slotErr := time.Parse(time.RFC3339, s.Tags[TagSlot])
	data, dataErr := time.Parse(time.RFC3339, s.Tags[TagDataTime])
	switch {
	case slotErr != nil:
		return no("tag-unreadable", "tag %s is not a time", TagSlot)
	case dataErr != nil:
		return no("tag-unreadable", "tag %s is not a time", TagDataTime)
	case string(c.Chain.Policy) != s.Tags[TagPolicy] || !slot.Equal(c.Slot):
		return no("tags-differ", "its tags name different policies or slots")
	}
	c.Data = data.UTC()
	if _, copied := s.Tags[TagCopyOf]; copied {
		return no("copy-of", "is a copy of a copy, which no chain of this region counts")
	}
	if reason := c.contradicts(s, at); reason != (fleet.Reason{}) {
		return Copy{}, false, reason
	}
	return c, true, fleet.Reason{}
}

// contradicts says what AWS reports of the snapshot that cannot be true of the copy that
// the tags describe.
func (c Copy) contradicts(s fleet.Snapshot, at time.Time) fleet.Reason {
	no := func(code, format string, args ...any) fleet.Reason {
		return fleet.Reason{Code: code, Text: fmt.Sprintf(format, args...)}
	}
	elsewhere := copiedVolume(s.Volume)
	if text, ok := s.Tags[TagAdopted]; ok {
		adopted, err := time.Parse(time.RFC3339, text)
		switch {
		case err != nil:
			return no("tag-unreadable", "tag %s is not a time", TagAdopted)
		case adopted.Before(s.Started) || adopted.After(at.Add(clocksApart)):
			return no("adopted-when", "tag %s says %s, when it did not exist or which is to come: the tag was copied to it", TagAdopted, text)
		}
	} else {
		elsewhere = false
	}
	volume, one := c.Chain.Volume()
	switch {
	case one && c.Expected != 1:
		return no("tag-unreadable", "tag %s has %d members for one volume", TagSet, c.Expected)
	case one && s.Volume != volume && !elsewhere:
		return no("other-volume", "is of %s, its tags say %s", s.Volume, volume)
	case elsewhere && c.Data.After(s.Started.Add(clocksApart)):
		return no("data-when", "was made at %s, its tags say that its data is of %s", s.Started.Format(time.RFC3339), s.Tags[TagDataTime])
	case !elsewhere && s.Started.Sub(c.Data).Abs() > clocksApart:
		return no(otherTime, "was started at %s, its tags say %s: they were copied to it", s.Started.Format(time.RFC3339), s.Tags[TagDataTime])
	}
	return fleet.Reason{}
}

// copiedVolume says whether a snapshot names the volume that results of CopySnapshot
// name, which is arbitrary ("Copy an Amazon EBS snapshot", Amazon EBS User Guide).
func copiedVolume(id fleet.VolumeID) bool {
	number, ok := strings.CutPrefix(string(id), "vol-")
	return id == "" || ok && strings.Trim(number, "f") == ""
}

func hasOwn(tags fleet.Tags) bool {
	for key := range tags {
		if isOwn(key) {
			return true
		}
	}
	return false
}

// The services of AWS that make snapshots of their own.
const (
	ownerDLM    = "Data Lifecycle Manager"
	ownerBackup = "AWS Backup"
)

// Owner is the service of AWS that made a snapshot and deletes it, by its tags; empty
// where none has.
func Owner(tags fleet.Tags) string {
	for key := range tags {
		switch {
		case strings.HasPrefix(key, "aws:dlm:"):
			return ownerDLM
		case strings.HasPrefix(key, "aws:backup:"):
			return ownerBackup
		}
	}
	return ""
}
