package daemon

import (
	"context"

	"nightshift/internal/app"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/notify"
)

// backup makes the copies that are due. It begins nothing new once another process has the
// lease: that one would copy the same.
func (d *Daemon) backup(ctx context.Context, s *app.Session, lost <-chan struct{}) notify.Result {
	ended := make(chan struct{})
	defer close(ended)
	closing := make(chan struct{})
	go func() {
		select {
		case <-d.closing:
		case <-lost:
		case <-ended:
		}
		close(closing)
	}()
	result, err := s.Backup(ctx, app.BackupInput{HasLease: true, Closing: closing})
	if err != nil {
		return notify.Result{Job: config.JobBackup, Err: err}
	}
	d.o.Watcher.Ran(result.Record())
	summary, status := result.Summary(), result.Status()
	level := d.log.InfoContext
	if status != fleet.StatusDone {
		level = d.log.ErrorContext
	}
	about := []any{"job", config.JobBackup, "status", string(status), "result", summary.Status}
	if err := result.Err(); err != nil {
		about = append(about, "error", err)
	}
	level(ctx, "job ended", about...)
	return notify.Result{Job: config.JobBackup, Backup: &result}
}
