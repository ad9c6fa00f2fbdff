package watch

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/power"
)

const (
	// runsKept is how many runs are shown, and outcomesKept how many outcomes of all of
	// them, the newest first. Of each older one a few are left.
	runsKept      = 500
	outcomesKept  = 20_000
	outcomesOfOld = 20
	// callsKept is of how many runs, the newest, the calls to AWS are shown.
	callsKept = 100
	// actsKept is how much is remembered of each machine, and actsFor for how long.
	actsKept = 10
	actsFor  = 7 * 24 * time.Hour
	// jobsFor is how far back the last run of each job is looked for: further than the
	// longest time between two.
	jobsFor = 35 * 24 * time.Hour
	// late is how long after its start a run's record may appear in the journal.
	late = time.Hour
)

// Ahead is by how much the start of a run may lie after now. One that lies later was
// written by a clock that is wrong, or was, and no job waits for it.
const Ahead = time.Minute

// runs are what is known of runs, from the journal and from this process.
type runs struct {
	list []journal.Record // the newest first
	acts map[MachineKey][]Act
	jobs map[string]jobRuns
	// began is when the journal was read for the first time.
	began time.Time
	// own is the account of our own credentials, of which records may say nothing.
	own fleet.Account
}

// jobRuns are the newest runs of a job.
type jobRuns struct {
	last    *journal.Record
	success time.Time
}

func newRuns() runs {
	return runs{acts: map[MachineKey][]Act{}, jobs: map[string]jobRuns{}}
}

// ReadJournal reads the records that are new.
func (w *Watcher) ReadJournal(ctx context.Context, s *app.Session) {
	if s.Config.Journal == "" {
		return
	}
	began, now := time.Now(), w.o.Now()
	w.mu.Lock()
	first := w.runs.began.IsZero()
	since := now.Add(-late)
	if n := len(w.runs.list); n > 0 && w.runs.list[0].Started.Before(now) {
		since = w.runs.list[0].Started.Add(-late)
	}
	known := make(map[string]bool, len(w.runs.list))
	for _, r := range w.runs.list {
		known[r.Run] = true
	}
	w.mu.Unlock()
	read := func(q journal.Query) ([]journal.Record, error) {
		q.Known = func(run string) bool { return known[run] }
		result, err := s.History(ctx, app.HistoryInput{Query: q})
		if err == nil {
			err = errorsOf(result.Errors)
		}
		return result.Runs, err
	}
	var list []journal.Record
	var err error
	if first {
		list, err = firstRuns(read, now)
	} else {
		list, err = read(journal.Query{Since: since})
	}
	w.change(func(s *State) {
		if first && (err == nil || len(list) > 0) {
			w.runs.began = now
		}
		w.runs.add(now, list)
		w.runs.show(s, now)
		s.Journal = s.Journal.tried(now, time.Since(began), err)
	})
}

// firstRuns are what is read when a process begins: the newest run of each job, those
// of the last days that did something, and the newest of all.
func firstRuns(read func(journal.Query) ([]journal.Record, error), now time.Time) ([]journal.Record, error) {
	list, err := read(journal.Query{Last: 50, Since: now.Add(-jobsFor)})
	if err != nil && len(list) == 0 {
		return nil, err
	}
	acted, err2 := read(journal.Query{Acts: true, Since: now.Add(-actsFor)})
	for _, r := range acted {
		if len(r.Outcomes) > 0 { // of the others only the key was read
			list = append(list, r)
		}
	}
	for _, job := range []string{config.JobPower, config.JobReport, config.JobStop, config.JobStart, config.JobBackup} {
		if slices.ContainsFunc(list, func(r journal.Record) bool { return r.Job == job }) {
			continue
		}
		last, err3 := read(journal.Query{Last: 1, Job: job, Since: now.Add(-jobsFor)})
		list, err = append(list, last...), cmp.Or(err, err3)
	}
	return list, cmp.Or(err, err2)
}

// add takes records in that are not there yet.
func (r *runs) add(now time.Time, records []journal.Record) {
	for _, rec := range records {
		if slices.ContainsFunc(r.list, func(k journal.Record) bool { return k.Job == rec.Job && k.Started.Equal(rec.Started) }) {
			continue
		}
		r.addActs(rec)
		rec.Outcomes = shown(rec.Outcomes)
		r.list = append(r.list, rec)
	}
	slices.SortStableFunc(r.list, func(a, b journal.Record) int { return b.Started.Compare(a.Started) })
	r.followJobs(now) // the last run of a rare job leaves the list
	if len(r.list) > runsKept {
		r.list = slices.Delete(r.list, runsKept, len(r.list))
	}
	left := outcomesKept
	for n := range r.list {
		if list := r.list[n].Outcomes; len(list) > left {
			r.list[n].Outcomes = slices.Clip(slices.Clone(list[:min(len(list), outcomesOfOld)]))
		}
		left = max(0, left-len(r.list[n].Outcomes))
		if n >= callsKept {
			r.list[n].Calls = nil
		}
	}
}

// shown are the outcomes of a run that are kept: what was done or tried, the failures
// first. Machines that were skipped are the same in every run.
func shown(outcomes []journal.Outcome) []journal.Outcome {
	var list []journal.Outcome
	for _, result := range []fleet.Result{fleet.Failed, fleet.Deferred, fleet.Done} {
		for _, o := range outcomes {
			if o.Result == result {
				list = append(list, o)
			}
		}
	}
	return list
}

// followJobs finds the newest run of each job. A record that lies in the future does
// not count: nothing waits until a wrong clock is right.
func (r *runs) followJobs(now time.Time) {
	jobs := map[string]jobRuns{}
	for name, known := range r.jobs {
		if known.last != nil && !known.last.Started.After(now.Add(Ahead)) {
			jobs[name] = known
		}
	}
	for _, rec := range r.list {
		if rec.DryRun || rec.Narrowed != "" || rec.Started.After(now.Add(Ahead)) {
			continue
		}
		known := jobs[rec.Job]
		if known.last == nil || known.last.Started.Before(rec.Started) {
			known.last = &rec
		}
		if !FailedRun(rec) && known.success.Before(rec.Started) {
			known.success = rec.Started
		}
		jobs[rec.Job] = known
	}
	r.jobs = jobs
}

// addActs notes what a run did with each machine. A copy of its volumes is nothing that is
// done with a machine. The lists that are in a State are not changed.
func (r *runs) addActs(rec journal.Record) {
	if rec.DryRun || rec.Job == config.JobBackup {
		return
	}
	for _, o := range rec.Outcomes {
		if o.Action == "" || o.Result == fleet.Skipped {
			continue
		}
		at := o.At
		if at.IsZero() {
			at = rec.Started
		}
		act := Act{At: at, Run: rec.Run, Job: rec.Job, Action: power.Action(o.Action), Result: o.Result, Reason: o.Reason, Schedule: o.Schedule}
		r.addAct(r.keyOf(o), act)
	}
}

func (r *runs) keyOf(o journal.Outcome) MachineKey {
	return MachineKey{fleet.Target{Account: cmp.Or(o.Target.Account, r.own), Region: o.Target.Region}, o.Kind, o.ID}
}

func (r *runs) addAct(key MachineKey, acts ...Act) {
	list := slices.Concat(acts, r.acts[key])
	slices.SortStableFunc(list, func(a, b Act) int { return b.At.Compare(a.At) })
	r.acts[key] = list[:min(len(list), actsKept)]
}

// belongTo says of which account the records are that name none.
func (r *runs) belongTo(own fleet.Account) {
	if own == r.own {
		return
	}
	r.own = own
	for key, list := range r.acts {
		if key.Account == "" {
			delete(r.acts, key)
			key.Account = own
			r.addAct(key, list...)
		}
	}
}

// show puts what is known into a state.
func (r *runs) show(s *State, now time.Time) {
	for id, list := range r.acts {
		if list[0].At.Before(now.Add(-actsFor)) {
			delete(r.acts, id)
		}
	}
	s.Runs, s.Acts = slices.Clone(r.list), maps.Clone(r.acts)
}
