package backup

import (
	"cmp"
	"slices"
	"time"

	"nightshift/internal/fleet"
)

func compareIDs[T ~string](a, b T) int { return cmp.Compare(a, b) }

// recall finds of which volumes the copies were that the journal knows. Those of an
// instance were of the volumes that were attached at that time. What is in error now was
// no copy, and what is pending is none yet.
func (c *coverer) recall() {
	none := map[fleet.VolumeID][]time.Time{}
	for id, list := range c.copies.all {
		for _, s := range list {
			if s.State == stateError || s.State == statePending {
				none[id] = append(none[id], s.Started)
			}
		}
	}
	add := func(id fleet.VolumeID, at time.Time) {
		near := func(t time.Time) bool { return t.Sub(at).Abs() <= clocksApart }
		if !slices.ContainsFunc(none[id], near) {
			c.past[id] = append(c.past[id], at)
		}
	}
	for _, p := range c.options.Past {
		if id, ok := (Chain{Resource: p.Resource}).Volume(); ok {
			add(id, p.At)
			continue
		}
		for _, id := range c.estate.disks[p.Resource] {
			for _, a := range c.estate.volumes[id].Attachments {
				if a.Instance == p.Resource && !a.At.After(p.At) {
					add(id, p.At)
				}
			}
		}
	}
}

// worst is the longest time that a volume was without a new copy: as far back as the
// journal knows, for deleted copies are not in AWS any more, or without a journal as far
// as the oldest copy that is kept.
func (c *coverer) worst(v *fleet.Volume) *Gap {
	var times []time.Time
	for _, copied := range c.copies.of[v.ID] {
		times = append(times, copied.Data)
	}
	known := c.options.PastSince
	if !known.IsZero() {
		times = append(times, c.past[v.ID]...)
	}
	if len(times) == 0 {
		return nil
	}
	slices.SortFunc(times, time.Time.Compare)
	worst := Gap{Since: times[0], AtMost: known.IsZero()}
	if !known.IsZero() {
		worst.Since = known
		if v.Created.After(known) {
			worst.Since = v.Created
		}
	}
	from := worst.Since
	for _, to := range append(times, c.estate.At) {
		if to.After(from) {
			if length := Hours(to.Sub(from)); length > worst.Hours {
				worst.From, worst.To, worst.Hours = from, to, length
			}
			from = to
		}
	}
	return &worst
}
