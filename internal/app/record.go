package app

import (
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/power"
)

// record is a stop, start or run by schedules as the journal keeps it. Machines
// with no change are counted, not listed, where schedules were followed.
func (r PowerResult) record() journal.Record {
	rec := journal.Record{Errors: r.Summary.Errors, Narrowed: r.Input.Only.String()}
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
