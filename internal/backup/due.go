package backup

import (
	"fmt"
	"slices"
	"time"

	"nightshift/internal/fleet"
)

const (
	// mostMissed is how many missed slots are listed.
	mostMissed = 100
	// mostPending is how many copies of ours may be pending on a volume when another is
	// made; EC2 makes no more than five for anybody, and one on volumes of st1 and sc1
	// ("Quotas for Amazon EBS", Amazon EBS User Guide).
	mostPending, mostPlaces = 3, 5
)

// The consistency of a copy.
const (
	Stopped = "stopped" // nothing was running: consistent for the applications, too
	Crash   = "crash"   // as after a loss of power
)

// clock is what is known of the slots of a policy at one moment.
type clock struct {
	policy *Policy
	// last is the latest slot that has passed, before the one before it; ok is false
	// where there is none.
	last, before time.Time
	ok           bool
	interval     time.Duration
}

func newClock(p *Policy, at time.Time) clock {
	c := clock{policy: p, interval: p.Interval(at)}
	if c.last, c.ok = p.When.Last(at); c.ok {
		c.last = c.last.UTC()
		c.before, _ = p.When.Last(c.last.Add(-time.Nanosecond))
	}
	return c
}

// due decides about a resource of a policy. sets are those of its chain, newest first.
func (p *planner) due(c *Create, sets []*Set) {
	clock := p.clocks[c.Policy]
	switch {
	case clock.policy.Err != nil:
		c.Reason = reason("invalid-policy", "policy %s has an error: %v", c.Policy, clock.policy.Err)
		return
	case len(c.Volumes) == 0:
		return
	}
	c.Consistency = p.consistency(c)
	c.Warnings = p.warnings(c)
	if part, unread := p.unreadFor(c); unread {
		c.Reason = reason("unread", "the %s could not be read, so that nobody knows what is due", part)
		return
	}
	slot, why, ok := p.slot(c, clock, sets)
	c.Slot = slot
	if !ok {
		c.Reason = why
		return
	}
	if id, unclear := p.unclear[SetPrefix(Chain{c.Policy, c.Resource}, slot)]; unclear {
		c.Reason = reason("unclear", "%s has the tags of this slot and was started at another time: until the clocks agree it is not copied again", id)
		return
	}
	c.Missed = missed(clock.policy, sets, slot)
	c.Failed = failedOf(sets)
	if wait := p.waits(c); wait != (fleet.Reason{}) {
		c.Reason, c.Failed = wait, nil
		return
	}
	if clock.policy.SkipUnchanged && p.unchanged(c, sets) {
		c.Reason, c.Failed = reason("unchanged", "has not been written to since its last copy, which stays its newest"), nil
		return
	}
	c.Action, c.Reason = ActionCopy, why
	if len(c.Failed) > 0 {
		c.Action = ActionRetry
		c.Reason = reason("retry", "%s; the last try is in error and is deleted first", why.Text)
	}
}

// unreadFor names a listing without which nobody knows what is due.
func (p *planner) unreadFor(c *Create) (Part, bool) {
	parts := []Part{PartSnapshots}
	if p.clocks[c.Policy].policy.Resource == Instances {
		parts = append(parts, PartVolumes) // some of its volumes may be missing
	}
	for _, part := range parts {
		if p.estate.Unread[part] != nil {
			return part, true
		}
	}
	return "", false
}

// findUnclear finds, by the names of their sets without the number, strangers that were
// started after their slot, but not when their tags say so. A wrong clock of ours makes
// such copies: they are not ours by their tags, and without this the next run would make
// another one, and so on.
func (p *planner) findUnclear(strangers []Stranger) {
	p.unclear = map[string]fleet.SnapshotID{}
	apart := map[fleet.SnapshotID]bool{}
	for _, s := range strangers {
		if s.Reason.Code == otherTime {
			apart[s.Snapshot] = true
		}
	}
	if len(apart) == 0 {
		return
	}
	for n := range p.estate.Snapshots {
		s := &p.estate.Snapshots[n]
		if !apart[s.ID] {
			continue
		}
		if c, slot, _, _, ok := SetID(s.Tags[TagSet]).Read(); ok && !s.Started.Before(slot) {
			prefix := SetPrefix(c, slot)
			p.unclear[prefix] = max(p.unclear[prefix], s.ID)
		}
	}
}

// slot is the latest due time of a resource, and whether it has no copy yet.
func (p *planner) slot(c *Create, clock clock, sets []*Set) (slot time.Time, why fleet.Reason, due bool) {
	if !clock.ok {
		return time.Time{}, reason("not-due", "its first time is yet to come"), false
	}
	newest := newestServing(sets)
	if newest == nil {
		return clock.last, reason("first-copy", "has no copy yet"), true
	}
	if clock.policy.AfterStop {
		if stop := p.stopOf(c); stop.After(clock.last) {
			if !newest.Data.Before(stop) {
				return stop, served(newest), false
			}
			return stop, reason("after-stop", "was stopped at %s", stop.Format(time.RFC3339)), true
		}
		if newest.Data.After(clock.before) {
			return clock.last, served(newest), false
		}
		return clock.last, reason("due", "was due at %s, without a stop since the time before", clock.last.Format(time.RFC3339)), true
	}
	if newest.serves(clock.last) {
		return clock.last, served(newest), false
	}
	return clock.last, reason("due", "was due at %s", clock.last.Format(time.RFC3339)), true
}

// serves says whether a set has the data of a slot or later data. A clock of ours that is
// behind that of AWS makes it seem older; a slot that is only in the tags of old data is
// not believed.
func (s *Set) serves(slot time.Time) bool {
	return !s.Data.Before(slot) || s.Slot.Equal(slot) && s.Data.After(slot.Add(-clocksApart))
}

func served(s *Set) fleet.Reason {
	if s.State == SetPending {
		return reason("pending", "the copy of %s is being made", s.Data.Format(time.RFC3339))
	}
	return reason("not-due", "was copied at %s", s.Data.Format(time.RFC3339))
}

// newestServing is the newest set that serves its slot: one in error or with missing
// members serves none. One that is being deleted does, so that it is not made again.
func newestServing(sets []*Set) *Set {
	for _, s := range sets {
		if s.State != SetError && s.State != SetIncomplete {
			return s
		}
	}
	return nil
}

// stopOf is when nightshift stopped the machine of a resource, zero where it did not or
// the machine is not stopped yet.
func (p *planner) stopOf(c *Create) time.Time {
	i := p.estate.machine(c)
	if i == nil || i.State != fleet.Stopped {
		return time.Time{}
	}
	mark := fleet.ParseMark(i.Tags[fleet.TagLast])
	if mark.Action != fleet.MarkStop || mark.At.After(p.estate.At) {
		return time.Time{} // a stop to come would be due again in each run
	}
	return mark.At
}

// machine is the instance of a Create, or the only one that its volume is attached to.
func (e *estate) machine(c *Create) *fleet.Instance {
	if _, volume := (Chain{Resource: c.Resource}).Volume(); !volume {
		return e.instances[c.Resource]
	}
	if on := attachedTo(e.volumes[c.Volumes[0]]); len(on) == 1 {
		return e.instances[on[0]]
	}
	return nil
}

// missed are the slots since the newest copy that nobody can copy any more: they would
// hold the same data as the due one. Oldest first.
func missed(p *Policy, sets []*Set, slot time.Time) []time.Time {
	newest := newestServing(sets)
	if newest == nil {
		return nil
	}
	var list []time.Time
	for len(list) < mostMissed {
		before, ok := p.When.Last(slot.Add(-time.Nanosecond))
		if !ok || !before.After(newest.Slot) || !before.After(newest.Data) {
			break
		}
		slot = before
		list = append(list, before.UTC())
	}
	slices.Reverse(list)
	return list
}

// failedOf are the members in error of a chain.
func failedOf(sets []*Set) []fleet.SnapshotID {
	var ids []fleet.SnapshotID
	for _, s := range sets {
		if s.State != SetError {
			continue
		}
		for n := range s.Members {
			if s.Members[n].State == stateError {
				ids = append(ids, s.Members[n].ID)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// waits says why another copy of one of the volumes has to wait for those that are
// being made.
func (p *planner) waits(c *Create) fleet.Reason {
	for _, id := range c.Volumes {
		places := p.places[id]
		ours, all := places.ours, places.all
		for _, failed := range c.Failed { // what is deleted first makes room
			if p.failedOn[failed] == id {
				all--
			}
		}
		v := p.estate.volumes[id]
		slow := v.Type == fleet.ST1 || v.Type == fleet.SC1
		switch {
		case slow && all > 0:
			return reason("pending", "a copy of %s is being made, and a volume of %s has one at a time", id, v.Type)
		case ours >= mostPending || all >= mostPlaces:
			return reason("pending", "%d copies of %s are being made", max(ours, all), id)
		}
	}
	return fleet.Reason{}
}

// places counts the snapshots of a volume that occupy one of the places that EC2 has for
// each: pending ones of ours, and all that are pending or in error.
type places struct{ ours, all int }

func (p *planner) count() {
	p.places, p.failedOn = map[fleet.VolumeID]places{}, map[fleet.SnapshotID]fleet.VolumeID{}
	for n := range p.estate.Snapshots {
		s := &p.estate.Snapshots[n]
		if s.State != statePending && s.State != stateError {
			continue
		}
		of := p.places[s.Volume]
		of.all++
		if s.State == stateError {
			p.failedOn[s.ID] = s.Volume
		} else if _, ours, _ := Identify(*s, p.estate.At); ours {
			of.ours++
		}
		p.places[s.Volume] = of
	}
}

// consistency is "stopped" where nothing that the volumes are attached to runs. Memory
// that was written to a volume for hibernation is that of running programs.
func (p *planner) consistency(c *Create) string {
	for _, id := range c.Volumes {
		for _, on := range attachedTo(p.estate.volumes[id]) {
			if i := p.estate.instances[on]; i == nil || i.State != fleet.Stopped || i.Hibernates {
				return Crash
			}
		}
	}
	return Stopped
}

func (p *planner) warnings(c *Create) []string {
	var list []string
	for _, id := range c.Volumes {
		for _, on := range attachedTo(p.estate.volumes[id]) {
			if i := p.estate.instances[on]; i != nil && i.Hibernates {
				list = append(list, fmt.Sprintf("%s can hibernate: AWS advises against snapshots of it, and what is restored from one may not start", on))
			}
		}
	}
	slices.Sort(list)
	list = append(slices.Compact(list), p.keyWarnings(c.Volumes)...)
	if c.Single {
		list = append(list, fmt.Sprintf("more than %d volumes are excluded: the others are copied one by one and are not consistent with each other", mostExcluded))
	}
	return list
}
