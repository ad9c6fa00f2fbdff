package watch

import (
	"cmp"
	"context"
	"slices"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/fleet"
)

// BackupsEvery is how old at most the status of the backups is, where the machines are not
// read more seldom than that.
const BackupsEvery = 15 * time.Minute

// HasBackups reports whether the configuration has backup policies.
func (c Config) HasBackups() bool { return c.Value != nil && len(c.Value.Backup.Policies) > 0 }

// SweepBackups reads of all targets which volumes have a copy, where the configuration has
// backup policies. Nothing is stored but prices, where it does not only observe. A target
// that cannot be read keeps what was read of it before. The error is why nothing at all
// could be read.
func (w *Watcher) SweepBackups(ctx context.Context) error {
	w.copying.Lock()
	defer w.copying.Unlock()
	if !w.State().Config.HasBackups() {
		return nil
	}
	began := time.Now()
	list, failed, err := w.backups(ctx)
	if err == nil && !slices.ContainsFunc(list, func(t BackupTarget) bool { return t.Up }) {
		err = failed
	}
	w.change(func(s *State) {
		if !s.Config.HasBackups() {
			return // not any more
		}
		if list != nil {
			s.Backups.Targets = list
		} else {
			s.Backups.Targets = slices.Clone(s.Backups.Targets)
			for n := range s.Backups.Targets {
				s.Backups.Targets[n].Up, s.Backups.Targets[n].Err = false, err.Error()
			}
		}
		s.Backups.Part = s.Backups.tried(w.o.Now(), time.Since(began), cmp.Or(err, failed))
		if err == nil {
			s.Backups.At = s.Backups.Tried
		}
	})
	return err
}

// backups are the targets as they are now, and what went wrong with some of them.
func (w *Watcher) backups(ctx context.Context) (list []BackupTarget, failed, err error) {
	s, err := w.o.App.Open(ctx, w.Selection())
	if err != nil {
		return nil, nil, err
	}
	result, err := s.BackupStatus(ctx, app.BackupStatusInput{
		CostInput: app.CostInput{DefaultTimezone: w.o.Timezone, ReadPrices: w.o.Observe}, Waiting: true, Past: &w.past,
	})
	if err != nil {
		return nil, nil, err
	}
	before := w.State().Backups.Targets
	own := w.knownAccount()
	list = []BackupTarget{}
	for _, read := range result.Targets {
		list = append(list, backupTarget(before, read, s.Names))
	}
	for n, e := range result.Errors {
		if e.Target == (fleet.Target{}) && (own == "" || n >= len(s.Unreachable)) {
			continue // an account that nobody knows, or the journal
		}
		e.Account = cmp.Or(e.Account, own)
		n = slices.IndexFunc(list, func(t BackupTarget) bool { return t.Target == e.Target })
		if n >= 0 {
			list[n].Err = e.Err.Error()
		} else {
			list = append(list, notRead(before, list, s.Names, e)...)
		}
	}
	return list, errorsOf(result.Errors), nil
}

// backupTarget is a target with what was read of it, or with what was read before where
// that says nothing about its volumes.
func backupTarget(before []BackupTarget, read backup.Status, names app.Names) BackupTarget {
	t := BackupTarget{Status: read, AccountName: names.Of(read.Account), Up: true}
	for _, part := range []backup.Part{backup.PartVolumes, backup.PartInstances, backup.PartSnapshots} {
		t.Up = t.Up && !slices.Contains(read.Unread, part)
	}
	if n := slices.IndexFunc(before, func(b BackupTarget) bool { return b.Target == read.Target }); n >= 0 && !t.Up {
		t.Status = before[n].Status
	} else if !t.Up {
		t.Status = backup.Status{Target: read.Target}
	}
	return t
}

// notRead are the targets that an error is about: those that were read before, else one
// without anything that is known of it.
func notRead(before, list []BackupTarget, names app.Names, e app.TargetError) []BackupTarget {
	var found []BackupTarget
	for _, b := range before {
		if isOf(b.Target, e.Target) && !slices.ContainsFunc(list, func(t BackupTarget) bool { return t.Target == b.Target }) {
			b.Up, b.Err = false, e.Err.Error()
			found = append(found, b)
		}
	}
	if len(found) == 0 {
		found = append(found, BackupTarget{Status: backup.Status{Target: e.Target}, AccountName: names.Of(e.Account), Err: e.Err.Error()})
	}
	return found
}

// knownAccount is that of our own credentials, empty where it is not known yet.
func (w *Watcher) knownAccount() fleet.Account {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.runs.own
}
