package metrics

import (
	"time"

	"nightshift/internal/schedule"
	"nightshift/internal/watch"
)

// jobs says how the jobs are doing.
func (s *series) jobs(st *watch.State) {
	for _, j := range st.Jobs {
		var started time.Time
		var took time.Duration
		if j.Last != nil {
			started, took = j.Last.Started, j.Last.Duration
		}
		s.add(jobLastSuccess, seconds(j.LastSuccess), j.Name)
		s.add(jobLastRun, seconds(started), j.Name)
		s.add(jobNextRun, seconds(j.Next), j.Name)
		s.add(jobDuration, took.Seconds(), j.Name)
		s.add(jobInterval, interval(j.When, st.Made).Seconds(), j.Name)
	}
	if st.Config.Value != nil && st.Config.Value.Journal != "" {
		s.add(journalLastRead, seconds(st.Journal.At))
	}
}

// plannedRuns is how many runs are looked at for the longest time between two.
const plannedRuns = 60

// interval is the longest time between two of the next runs; 0 where there are none.
func interval(r schedule.Recurrence, now time.Time) time.Duration {
	if every := r.Interval(); every > 0 {
		return every
	}
	var longest time.Duration
	last, ok := r.Next(now)
	for n := 0; ok && n < plannedRuns; n++ {
		var next time.Time
		if next, ok = r.Next(last); ok {
			longest, last = max(longest, next.Sub(last)), next
		}
	}
	return longest
}
