package cli

import (
	"context"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/blob"
	"nightshift/internal/cost"
	"nightshift/internal/journal"
)

// stopwatch measures a run for the journal: from when on, and with how many
// calls made before.
type stopwatch struct {
	began  time.Time
	before []amazon.CallCount
}

func (c *crew) begin(now time.Time) stopwatch { return stopwatch{now, c.session.Calls()} }

// lastWord is how long a record may take where the run's own time is over. The
// function keeps a second for its answer.
const lastWord = 500 * time.Millisecond

// note puts a record of a run into the journal, also of one that ran out of
// time. Without a journal, or where it cannot be written, the run has been no
// less.
func (c *crew) note(ctx context.Context, store blob.Store, watch stopwatch, now time.Time, r journal.Record) {
	if store == nil {
		return
	}
	r.Started, r.Duration, r.Calls = watch.began, now.Sub(watch.began), c.callsSince(watch.before)
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), lastWord)
		defer cancel()
	}
	if _, err := journal.Write(ctx, store, r); err != nil {
		c.log.WarnContext(ctx, "the run is not in the journal", "error", err)
	}
}

// journalFor is the journal of the configuration, for a job that needs no
// configuration otherwise: none where there is none, or none that can be read.
func (a *app) journalFor(ctx context.Context, c *crew) blob.Store {
	if c.config == nil {
		return nil
	}
	store, err := a.journal(c.config.Journal, c.session)
	if err != nil {
		c.log.WarnContext(ctx, "the run is not in the journal", "error", err)
	}
	return store
}

// record is a stop or start as the journal keeps it.
func (p powered) record() journal.Record {
	outcomes := p.all()
	r := journal.Record{Job: string(p.job.action), Seen: len(outcomes)}
	for _, plan := range p.plans {
		r.Targets = append(r.Targets, plan.Target)
		r.Decided += plan.Actionable()
	}
	for _, o := range outcomes {
		r.Add(journal.OutcomeOf(o, ""))
	}
	for _, err := range p.errs {
		r.Errors = append(r.Errors, err.Error())
	}
	return r
}

// reported is a cost report as the journal keeps it.
func reported(report cost.Report) journal.Record {
	r := journal.Record{Job: "report", Targets: report.Targets, Seen: len(report.Instances) + len(report.Volumes)}
	for _, p := range report.Problems {
		r.Errors = append(r.Errors, p.Error())
	}
	return r
}
