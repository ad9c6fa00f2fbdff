package app

import (
	"context"
	"errors"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/blob"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
)

const (
	// gapsSince is how far back copies are looked for in the journal: what every run of that
	// time has copied is read.
	gapsSince = 90 * 24 * time.Hour
	// pastLate is how long after a run its record may come into the journal.
	pastLate = 24 * time.Hour
)

// PastCopies are the copies that the journal knows of. Whoever says again and again which
// volumes have a copy keeps one, so that each record is read once. The zero value knows
// nothing yet; it is for one status at a time.
type PastCopies struct {
	journal string // the place that is known
	runs    map[string]pastRun
	whole   bool // all of the time was read without an error
}

// pastRun is what a run of backups has copied.
type pastRun struct {
	started time.Time
	dry     bool
	copies  []backup.PastCopy
}

// pastCopies are the copies that the journal knows of, and since when it has runs; zero
// where nobody can rely on it.
func (s *Session) pastCopies(ctx context.Context, known *PastCopies) ([]backup.PastCopy, time.Time, error) {
	store := s.journal(ctx)
	if store == nil {
		return nil, time.Time{}, nil
	}
	if known == nil {
		known = &PastCopies{}
	}
	if known.runs == nil || known.journal != s.Config.Journal {
		*known = PastCopies{journal: s.Config.Journal, runs: map[string]pastRun{}}
	}
	err := known.read(ctx, store, s.clock(time.Time{})())
	var past []backup.PastCopy
	var since time.Time
	for _, r := range known.runs {
		if r.dry {
			continue
		}
		past = append(past, r.copies...)
		if since.IsZero() || r.started.Before(since) {
			since = r.started
		}
	}
	if err != nil {
		since = time.Time{} // what is lost may have been a copy
	}
	return past, since, err
}

// read takes in the records that are new, and forgets those that are too old.
func (p *PastCopies) read(ctx context.Context, store blob.Store, now time.Time) error {
	since := now.Add(-gapsSince)
	var newest time.Time
	for name, r := range p.runs {
		if r.started.Before(since) {
			delete(p.runs, name)
		} else if r.started.After(newest) && !r.started.After(now) {
			newest = r.started
		}
	}
	if from := newest.Add(-pastLate); p.whole && from.After(since) {
		since = from
	}
	records, errs := journal.Read(ctx, store, journal.Query{Job: jobBackup, Since: since, Acts: true, Known: func(run string) bool {
		_, ok := p.runs[run]
		return ok
	}})
	for n := range records {
		p.runs[records[n].Run] = pastOf(&records[n])
	}
	p.whole = len(errs) == 0
	return errors.Join(errs...)
}

func pastOf(r *journal.Record) pastRun {
	run := pastRun{started: r.Started, dry: r.DryRun}
	for _, o := range r.Outcomes {
		if !r.DryRun && o.Action == string(backup.ActionCopy) && o.Result == fleet.Done {
			run.copies = append(run.copies, backup.PastCopy{Resource: o.ID, At: o.At})
		}
	}
	return run
}
