package metrics

import (
	"maps"
	"slices"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/app"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/power"
	"nightshift/internal/watch"
)

// Observer counts what this process does: requests to AWS, stops and starts.
func (m *Metrics) Observer() app.Observer { return observer{metrics: m} }

type observer struct {
	app.NopObserver
	metrics *Metrics
}

// Called counts a request to AWS.
func (o observer) Called(_ string, c amazon.Call) {
	m := o.metrics
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counters.add(awsRequests, 1, c.Service, c.Action)
	for _, name := range []string{awsThrottles, awsRetries} { // both begin with a service's first request
		m.counters.add(name, 0, c.Service)
	}
	switch {
	case c.Code != "":
		m.counters.add(awsFailures, 1, c.Service, c.Action, c.Code)
	case c.Status == 0:
		m.counters.add(awsFailures, 1, c.Service, c.Action, "NoAnswer")
	}
	if c.Throttled() {
		m.counters.add(awsThrottles, 1, c.Service)
	}
	if c.Attempt > 1 {
		m.counters.add(awsRetries, 1, c.Service)
	}
}

// Acted counts a stop or a start.
func (o observer) Acted(_ app.Run, outcome fleet.Outcome) {
	o.metrics.mu.Lock()
	defer o.metrics.mu.Unlock()
	o.metrics.counters.acted(outcome.Action, outcome.Result)
}

// acted counts the outcome of a machine. What becomes of copies is no stop and no start.
func (c counters) acted(action string, result fleet.Result) {
	if action != string(power.Stop) && action != string(power.Start) {
		return
	}
	switch result {
	case fleet.Done:
		c.add(transitions, 1, action)
	case fleet.Failed:
		c.add(transitionFailures, 1, action)
	case fleet.Deferred:
		c.add(transitionDeferred, 1, action)
	default: // nothing was tried
	}
}

// ownRun is a run of a job by this process. Its record in the journal is not counted
// again.
type ownRun struct {
	job          string
	began, ended time.Time // ended is zero while it runs
}

// JobStarted says that this process runs a job. The function that it gives says that
// the run has ended and whether it failed; it is to be called once.
func (m *Metrics) JobStarted(job string) (ended func(failed bool)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	began := m.options.Now()
	m.own = append(m.own, ownRun{job: job, began: began})
	return func(failed bool) {
		m.mu.Lock()
		defer m.mu.Unlock()
		n := slices.IndexFunc(m.own, func(r ownRun) bool { return r.job == job && r.began.Equal(began) && r.ended.IsZero() })
		if n >= 0 {
			m.own[n].ended = m.options.Now()
		}
		m.counters.ran(job, failed)
	}
}

// ran counts a run.
func (c counters) ran(job string, failed bool) {
	c.add(jobRuns, 1, job)
	c.add(jobFailures, one(failed), job)
}

// LeaseHeld says whether this process holds the lease of a job.
func (m *Metrics) LeaseHeld(job string, held bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held[job] = held
}

// Noticed counts a message to a recipient: sent, or failed.
func (m *Metrics) Noticed(recipient string, sent bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counters.add(notices, one(sent), recipient)
	m.counters.add(noticeFailures, one(!sent), recipient)
}

// NoticesPending says how many messages wait to be sent again.
func (m *Metrics) NoticesPending(count int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pending = count
}

// recordKey names a record of the journal.
type recordKey struct {
	job     string
	started int64
}

// keep is how long runs are remembered that are not in the State: longer than a record
// can come there after its run.
const keep = 24 * time.Hour

// count counts the runs that other processes have put into the journal since this one
// began, each record once. Records are told apart by job and start.
func (m *Metrics) count(st *watch.State) {
	there := make(map[recordKey]bool, len(st.Runs))
	for _, r := range st.Runs {
		key := recordKey{r.Job, r.Started.UnixNano()}
		there[key] = true
		if m.seen[key] {
			continue
		}
		m.seen[key] = true
		if r.DryRun || r.Started.Add(r.Duration).Before(m.began) || m.isOwn(r) {
			continue
		}
		for _, o := range r.Outcomes {
			m.counters.acted(o.Action, o.Result)
		}
		if r.Narrowed == "" { // else it was not the job
			m.counters.ran(r.Job, watch.FailedRun(r))
		}
	}
	forgotten := m.options.Now().Add(-keep)
	maps.DeleteFunc(m.seen, func(key recordKey, _ bool) bool { return !there[key] && key.started < forgotten.UnixNano() })
	m.own = slices.DeleteFunc(m.own, func(r ownRun) bool {
		return !r.ended.IsZero() && r.ended.Before(forgotten)
	})
}

// isOwn reports whether a record is that of a run of this process.
func (m *Metrics) isOwn(r journal.Record) bool {
	return slices.ContainsFunc(m.own, func(own ownRun) bool {
		return own.job == r.Job && !r.Started.Before(own.began) && (own.ended.IsZero() || !r.Started.After(own.ended))
	})
}
