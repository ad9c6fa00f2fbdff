package daemon

import (
	"context"
	"errors"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/notify"
	"nightshift/internal/power"
	"nightshift/internal/watch"
)

const (
	// settleTime is how long a run waits for machines that are on their way to the other
	// state. It does not wait for the desired state: the next run looks again.
	settleTime = 5 * time.Minute
	// tooLate is how long after its time a stop or start is not made any more: what it
	// is for may be over, and somebody may have started a machine since.
	tooLate = 10 * time.Minute
	// firstRetry and lastRetry are after how long a job that could not begin is tried
	// again.
	firstRetry = time.Minute
	lastRetry  = 30 * time.Minute
	// keepReport is how long a report is kept that could not be stored.
	keepReport = 24 * time.Hour
)

// begin begins a job where it is due.
func (d *Daemon) begin(ctx context.Context, job watch.Job) {
	now := d.o.Now()
	d.clearProblem(job)
	slot, due := d.due(job, now)
	if !due {
		return
	}
	if d.late(ctx, job, slot, now) {
		return
	}
	d.once(ctx, job.Name, func(ctx context.Context) { d.run(ctx, job, slot, now) })
}

// due is the time for which a job is due: the last one that has passed since it was
// done. What has been missed is made up for once.
func (d *Daemon) due(job watch.Job, now time.Time) (slot time.Time, ok bool) {
	var last time.Time
	if job.Last != nil {
		last = job.Last.Started
	}
	d.mu.Lock()
	tried := d.attempts[job.Name]
	if d.began.After(now.Add(watch.Ahead)) {
		d.began = now
	}
	began := d.began
	d.mu.Unlock()
	wrong := tried.at.After(now.Add(watch.Ahead)) // the clock was set back since
	switch {
	case wrong:
	case tried.failed > 0:
		if now.Before(tried.at.Add(retryAfter(job, tried.failed))) {
			return slot, false
		}
	case tried.at.After(last):
		last = tried.at
	}
	if last.IsZero() {
		if job.Name == config.JobPower || job.Name == config.JobBackup {
			return now, true // it does what is to be done now, however long nobody looked
		}
		last = began
	}
	for next, more := job.When.Next(last); more && !next.After(now); next, more = job.When.Next(next) {
		slot, ok = next, true
		if job.When.Interval() > 0 {
			break // which of them does not matter
		}
	}
	return slot, ok
}

// retryAfter is how long after a try that did not begin the next one is: never longer
// than until its next time.
func retryAfter(job watch.Job, failed int) time.Duration {
	wait := min(firstRetry<<min(failed-1, 10), lastRetry)
	if every := job.When.Interval(); every > 0 {
		wait = min(wait, every)
	}
	return wait
}

// late notes that a stop or start is not made any more.
func (d *Daemon) late(ctx context.Context, job watch.Job, slot, now time.Time) bool {
	if job.Name != config.JobStop && job.Name != config.JobStart || now.Sub(slot) <= tooLate {
		return false
	}
	d.log.WarnContext(ctx, "a job was missed and is not made up for", "job", job.Name, "due", slot)
	d.problem(job.Name, slot, "missed at "+slot.Format(time.RFC3339)+": it is not made up for when more than 10 minutes have passed")
	d.attempted(job.Name, now, nil)
	return true
}

// attempted notes a try at a job, and whether it could begin.
func (d *Daemon) attempted(job string, at time.Time, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := attempt{at: at}
	if err != nil {
		a.failed = d.attempts[job].failed + 1
	}
	d.attempts[job] = a
}

// problem shows why a job was not done at its time.
func (d *Daemon) problem(job string, slot time.Time, text string) {
	d.mu.Lock()
	d.problems[job] = slot
	d.mu.Unlock()
	d.o.Watcher.Problem(job, text)
}

// clearProblem ends a problem where the job has been done since, perhaps by another
// process.
func (d *Daemon) clearProblem(job watch.Job) {
	d.mu.Lock()
	slot, shown := d.problems[job.Name]
	over := shown && job.Last != nil && !job.Last.Started.Before(slot)
	d.mu.Unlock()
	if over {
		d.noProblem(job.Name)
	}
}

func (d *Daemon) noProblem(job string) {
	d.mu.Lock()
	delete(d.problems, job)
	d.mu.Unlock()
	d.o.Watcher.Problem(job, "")
}

// run does a job, and reads again what it may have changed.
func (d *Daemon) run(ctx context.Context, job watch.Job, slot, at time.Time) {
	d.o.Watcher.Running(job.Name, true)
	err := d.do(ctx, job)
	d.o.Watcher.Running(job.Name, false)
	switch {
	case errors.Is(err, errElsewhere):
		d.notHere(job.Name, slot, at, err)
		return
	case errors.Is(err, errDone):
		d.attempted(job.Name, at, nil)
		d.noProblem(job.Name)
		return
	}
	d.attempted(job.Name, at, err)
	if err != nil {
		d.log.ErrorContext(ctx, "job failed", "job", job.Name, "error", err)
		d.problem(job.Name, slot, err.Error())
	} else {
		d.noProblem(job.Name)
	}
	d.sweepSoon(ctx)
	if job.Name == config.JobBackup {
		d.soon(ctx, copies, d.copies)
	}
}

// notHere notes that another process has the lease of a job. That is a problem only
// where the job is late. Without a journal nobody sees what the other one does, and this
// time of the job is left to it.
func (d *Daemon) notHere(job string, slot, at time.Time, err error) {
	if value := d.o.Watcher.State().Config.Value; value != nil && value.Journal == "" {
		d.attempted(job, at, nil)
	} else if at.Sub(slot) <= ttl {
		return
	}
	d.problem(job, slot, err.Error())
}

func (d *Daemon) closed() bool {
	select {
	case <-d.closing:
		return true
	default:
		return false
	}
}

// do does a job that nobody else does. The error is why it could not begin; what went
// wrong later is in the record of the run.
func (d *Daemon) do(ctx context.Context, job watch.Job) error {
	if d.closed() {
		return errors.New("the process ends")
	}
	s, err := d.o.App.Open(ctx, d.o.Watcher.Selection())
	if err != nil {
		d.o.Ended(ctx, d.configured(ctx), notify.Result{Job: job.Name, Err: err})
		return err
	}
	hold, err := d.hold(ctx, s, job)
	defer hold.release()
	switch {
	case errors.Is(err, errElsewhere):
		return err
	case err == nil && hold.fresh && !d.stillDue(ctx, s, job.Name):
		return errDone
	case err != nil:
		d.o.Ended(ctx, s, notify.Result{Job: job.Name, Err: err})
		return err
	}
	d.log.DebugContext(ctx, "job begins", "job", job.Name)
	ended := d.o.JobStarted(job.Name)
	result := d.carryOut(ctx, s, job.Name, hold.lost)
	ended(failedRun(result))
	d.o.Ended(ctx, s, result)
	return result.Err
}

// configured is a session without targets, for what is to be told where nothing could be
// opened; nil where there is not even that.
func (d *Daemon) configured(ctx context.Context) *app.Session {
	sel := d.o.Watcher.Selection()
	sel.NoTargets = true
	s, err := d.o.App.Open(ctx, sel)
	if err != nil {
		d.log.DebugContext(ctx, "nobody is told", "error", err)
		return nil
	}
	return s
}

// stillDue looks in the journal whether another process, which had the lease before,
// has done the job.
func (d *Daemon) stillDue(ctx context.Context, s *app.Session, name string) bool {
	reading, cancel := context.WithTimeout(ctx, d.o.StoreTime)
	defer cancel()
	d.o.Watcher.ReadJournal(reading, s)
	for _, job := range d.o.Watcher.State().Jobs {
		if job.Name == name {
			_, due := d.due(job, d.o.Now())
			return due
		}
	}
	return false
}

// failedRun reports whether a run is one that failed, as whoever reads its record would
// say.
func failedRun(r notify.Result) bool {
	switch {
	case r.Power != nil:
		return watch.FailedRun(r.Power.Record())
	case r.Report != nil:
		return watch.FailedRun(r.Report.Record())
	case r.Backup != nil:
		return watch.FailedRun(r.Backup.Record())
	default:
		return true
	}
}

// carryOut does a job. What must not be done twice ends when the lease is lost.
func (d *Daemon) carryOut(ctx context.Context, s *app.Session, job string, lost <-chan struct{}) notify.Result {
	switch job {
	case config.JobReport:
		return d.report(ctx, s)
	case config.JobBackup:
		return d.backup(ctx, s, lost)
	}
	in := app.PowerInput{Settle: settleTime, Closing: d.closing}
	if job != config.JobPower {
		if err := d.checkClock(ctx, s); err != nil {
			return notify.Result{Job: job, Err: err}
		}
		in.Action, in.Tags = power.Action(job), []fleet.Tag{d.o.Tag}
	}
	result, err := s.Power(ctx, in)
	if err != nil {
		return notify.Result{Job: job, Err: err}
	}
	d.o.Watcher.Ran(result.Record())
	status := result.Status()
	level := d.log.InfoContext
	if status != fleet.StatusDone {
		level = d.log.ErrorContext
	}
	about := []any{"job", job, "status", string(status), "result", result.Summary.Status}
	if len(result.Summary.Errors) > 0 {
		about = append(about, "errors", result.Summary.Errors)
	}
	level(ctx, "job ended", about...)
	return notify.Result{Job: job, Power: &result}
}

// checkClock refuses a clock by which a stop would be made at another time of the day.
// Schedules need no such check, for they follow the clock of AWS.
func (d *Daemon) checkClock(ctx context.Context, s *app.Session) error {
	theirs, err := s.AskTime(ctx)
	if err != nil {
		return err
	}
	if off := d.o.Now().Sub(theirs); off.Abs() > tooLate {
		return fleet.Errorf(fleet.ErrConflict, "the clock of this machine is %s off that of AWS; set it right, and the job is done", off.Round(time.Second))
	}
	return nil
}

// report makes the cost report and stores it. One that could not be stored is not made
// again for a day, for it may have been paid for: the next try stores it.
func (d *Daemon) report(ctx context.Context, s *app.Session) notify.Result {
	failed := func(err error) notify.Result { return notify.Result{Job: config.JobReport, Err: err} }
	if d.o.Reports.IsZero() {
		return failed(fleet.Errorf(fleet.ErrInvalid, "no destination: pass --bucket, or set NIGHTSHIFT_BUCKET"))
	}
	made := d.unstored
	if made == nil || d.o.Now().Sub(made.Started).Abs() > keepReport {
		fresh, err := s.Report(ctx, app.ReportInput{CostInput: d.o.CostInput, Past: true, Keep: true, Backups: true})
		if err != nil {
			return failed(err)
		}
		made = &fresh
	}
	stored, err := s.Publish(ctx, *made, app.Formats()[0], d.o.Reports)
	if err != nil {
		d.unstored = made
		return failed(err)
	}
	d.unstored = nil
	record := made.Record()
	record.Run = stored.Run
	d.o.Watcher.Ran(record)
	d.log.InfoContext(ctx, "job ended", "job", config.JobReport, "status", string(made.Status()), "result", stored.Answer.Body, "problems", stored.Answer.Problems)
	return notify.Result{Job: config.JobReport, Report: made}
}
