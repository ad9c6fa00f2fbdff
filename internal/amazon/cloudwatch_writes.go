package amazon

import (
	"context"
	"maps"
	"slices"
	"time"

	"nightshift/internal/fleet"
)

const (
	// writesPeriod is the period in which writes are counted. CloudWatch keeps those for
	// writesKept ("GetMetricData", CloudWatch API Reference).
	writesPeriod = 15 * time.Minute
	writesKept   = 63 * 24 * time.Hour
	// writesLate is how late a sample may be.
	writesLate = 15 * time.Minute
)

// Unwritten are the volumes of which CloudWatch proves that nothing has been written to
// them since a time, each with its own: every period up to a quarter of an hour ago has a
// sample of each minute, and all of them are zero. Only volumes of Nitro instances have a
// sample where nothing was written; others are never proven, and neither are those that
// were not attached all the time, or whose instance did not run.
func (m *Metrics) Unwritten(ctx context.Context, since map[fleet.VolumeID]time.Time, now time.Time) (map[fleet.VolumeID]bool, error) {
	unwritten := map[fleet.VolumeID]bool{}
	from := map[time.Time][]fleet.ResourceID{}
	for _, id := range slices.Sorted(maps.Keys(since)) {
		if begin := since[id].UTC().Truncate(writesPeriod); now.Sub(begin) < writesKept {
			from[begin] = append(from[begin], fleet.ResourceID(id))
		}
	}
	for _, begin := range slices.SortedFunc(maps.Keys(from), time.Time.Compare) {
		span := fleet.Span{From: begin, To: now.UTC().Add(-writesLate).Truncate(writesPeriod)}
		if !span.From.Before(span.To) {
			continue
		}
		q := question{name: "VolumeWriteOps", statistic: "SampleCount", span: span, volumes: true, period: writesPeriod}
		var full []fleet.ResourceID
		err := m.ask(ctx, q, from[begin], func(id fleet.ResourceID, points []point, _ time.Duration) {
			if every(span, points, func(count float64) bool { return count >= float64(writesPeriod/time.Minute) }) {
				full = append(full, id)
			}
		})
		if err != nil || len(full) == 0 {
			if err != nil {
				return unwritten, err
			}
			continue
		}
		slices.Sort(full)
		q.statistic = "Sum"
		err = m.ask(ctx, q, full, func(id fleet.ResourceID, points []point, _ time.Duration) {
			unwritten[fleet.VolumeID(id)] = every(span, points, func(sum float64) bool { return sum == 0 })
		})
		if err != nil {
			return unwritten, err
		}
	}
	return unwritten, nil
}

// every says whether each period of a span has a point that passes.
func every(span fleet.Span, points []point, passes func(float64) bool) bool {
	there := map[int64]bool{}
	for _, p := range points {
		there[p.at.Unix()] = passes(p.value)
	}
	for at := span.From; at.Before(span.To); at = at.Add(writesPeriod) {
		if !there[at.Unix()] {
			return false
		}
	}
	return true
}
