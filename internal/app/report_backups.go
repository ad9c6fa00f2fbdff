package app

import (
	"context"

	"nightshift/internal/cost"
	"nightshift/internal/cost/sheet"
	"nightshift/internal/fleet"
)

// backupsOf says in a report which volumes have a copy, as [Session.BackupStatus] does.
// What could not be read is a problem of the report.
func (s *Session) backupsOf(ctx context.Context, list prices, own fleet.Account, r *sheet.Workbook) {
	statuses, unread := s.statuses(ctx, list, BackupStatusInput{})
	r.Backups = &sheet.Backups{Targets: statuses}
	for _, u := range s.Unreachable {
		r.Backups.Unread = append(r.Backups.Unread, cost.Problem{Target: u.Target, What: "left out", Err: u.Err})
	}
	for _, u := range unread {
		p := cost.Problem{Target: u.Target, What: "backups", Err: u.Err}
		if u.Region != "" { // else it is the journal, without which the worst gaps are bounds
			p.Target = ofAccount(u.Target, own)
			r.Backups.Unread = append(r.Backups.Unread, p)
		}
		r.Problems = append(r.Problems, p)
	}
}
