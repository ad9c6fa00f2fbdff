package function

import (
	"context"
	"errors"
	"fmt"

	"nightshift/internal/app"
	"nightshift/internal/fleet"
	"nightshift/internal/notify"
)

// makeBackups makes the copies that are due, and deletes those that no policy keeps where
// the configuration lets scheduled runs do that. Only a person approves the others.
func (h Handler) makeBackups(ctx context.Context, r Request, closing <-chan struct{}) (result, error) {
	s, err := h.open(ctx, r, true)
	if err != nil {
		return result{}, err
	}
	done, err := s.Backup(ctx, app.BackupInput{DryRun: r.DryRun, Closing: closing})
	if errors.Is(err, fleet.ErrConflict) { // another run, which does it
		h.Log.WarnContext(ctx, "not run here", "reason", err)
		summary := app.BackupSummary{Status: err.Error(), Copied: []app.BackupAct{}, Deleted: []app.BackupAct{}}
		return result{answer: envelope{Version: 1, Kind: actionBackup, Data: summary}, config: s.Config}, nil
	}
	h.tell(ctx, s, r, notify.Result{Backup: &done, Err: err})
	if err != nil {
		return result{config: s.Config}, err
	}
	summary := done.Summary()
	partly := done.Status() != fleet.StatusDone
	if partly {
		h.Log.ErrorContext(ctx, "not all copies are made", "failed", summary.Failed, "deferred", summary.Deferred, "errors", summary.Errors,
			"configuration_errors", summary.ConfigurationErrors)
	}
	out := result{answer: envelope{Version: 1, Kind: actionBackup, Data: summary}, partly: partly || len(s.Errors) > 0, config: s.Config, backup: &done}
	return out, failedBackups(done, summary)
}

// failedBackups is the error of the function's invocation: what went wrong, where nothing
// at all was done. Where a part was, the answer has the rest, and the next run tries again.
func failedBackups(r app.BackupResult, s app.BackupSummary) error {
	done := len(s.Copied)+len(s.Marked)+len(s.Deleted) > 0
	if done || len(s.Failed)+len(s.Errors)+s.ConfigurationErrors == 0 {
		return nil
	}
	return fmt.Errorf("%s: %w", s.Status, r.Err())
}
