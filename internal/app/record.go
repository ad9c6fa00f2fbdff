package app

import (
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/power"
)

// Record is a stop, start or run by schedules as the journal keeps it, but for its
// name. Machines with no change are counted, not listed, where schedules were followed.
func (r PowerResult) Record() journal.Record {
	rec := r.record()
	rec.Errors, rec.Narrowed = r.Summary.Errors, r.Input.Only.String()
	for _, t := range r.Targets {
		rec.Targets = append(rec.Targets, t.Plan.Target)
		rec.Seen += len(t.Plan.Steps)
		rec.Decided += t.Plan.Actionable()
		for n, o := range t.Outcomes {
			if r.Input.Action == power.None && o.Result == fleet.Skipped && power.Quiet(o.Reason.Code) {
				rec.Skipped++
				continue
			}
			rec.Add(journal.OutcomeOf(o, t.Plan.Steps[n].Desired.Schedule))
		}
	}
	return rec
}

// Record is a run of backups as the journal keeps it, but for its name. There is an outcome
// for each copy and each set, with the id of the policy where machines have their schedule.
func (r BackupResult) Record() journal.Record {
	rec := r.record()
	for _, err := range r.failures() {
		rec.Errors = append(rec.Errors, err.Error())
	}
	for _, t := range r.Targets {
		rec.Targets = append(rec.Targets, t.Plan.Target)
		rec.Seen += len(t.Plan.Creates)
		rec.Decided += len(t.Outcomes)
		for _, o := range t.Outcomes {
			kind := fleet.KindInstance
			if _, volume := o.Chain.Volume(); volume {
				kind = fleet.KindVolume
			}
			rec.Add(journal.OutcomeOf(fleet.Outcome{
				Target: t.Plan.Target, Kind: kind, ID: o.Chain.Resource, Name: string(o.Set), Action: string(o.Action),
				Result: o.Result, Reason: o.Reason, At: o.At,
			}, string(o.Chain.Policy)))
		}
	}
	return rec
}

// Record is the report as the journal keeps it, but for its name.
func (r ReportResult) Record() journal.Record {
	rec := r.record()
	rec.Job, rec.Targets, rec.Seen = "report", r.Targets, len(r.Instances)+len(r.Volumes)
	for _, p := range r.Problems {
		rec.Errors = append(rec.Errors, p.Error())
	}
	return rec
}

// record is what the journal keeps of the run itself.
func (r Run) record() journal.Record {
	return journal.Record{Run: r.Name, Job: r.Job, Started: r.Started.UTC(), Duration: r.Duration, Calls: r.Calls, DryRun: r.DryRun}
}
