package power

import (
	"time"

	"nightshift/internal/schedule"
)

// Ahead is what is asked of a machine from a time on until another: each span begins
// where the desired state changes, under the schedule by whose name d was decided. It
// knows no later tags. Spans of the same state follow each other where a schedule
// that only starts or only stops asks for its state again.
func (d Desired) Ahead(s *schedule.Schedule, from, to time.Time) []schedule.Span {
	tl := timeline{schedule: s, override: d.Override, lead: d.Lead}
	var spans []schedule.Span
	for from.Before(to) {
		end := tl.next(from)
		if end.IsZero() || end.After(to) {
			end = to
		}
		spans = append(spans, schedule.Span{From: from, To: end, State: tl.at(from)})
		from = end
	}
	return spans
}
