package app

import (
	"context"

	"nightshift/internal/blob"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
)

// HistoryInput says which runs to read.
type HistoryInput struct {
	// Journal is where the records are; the zero Ref is the configuration's
	// journal.
	Journal blob.Ref
	// Name, if not empty, is the one run to read: its name or the end of it.
	Name string
	// Query chooses among all runs.
	Query journal.Query
}

// HistoryResult is what runs have done, the newest first.
type HistoryResult struct {
	Runs []journal.Record
	// Errors say which records could not be read.
	Errors []TargetError
}

// History reads records of runs from the journal.
func (s *Session) History(ctx context.Context, in HistoryInput) (HistoryResult, error) {
	ref := in.Journal
	if ref.IsZero() && s.Config != nil {
		var err error
		if ref, err = blob.ParseRef(s.Config.Journal); err != nil {
			return HistoryResult{}, err
		}
	}
	if ref.IsZero() {
		return HistoryResult{}, fleet.Errorf(fleet.ErrInvalid, "%s names no journal, so that no records are kept; add the line journal: s3://bucket/prefix, or pass --journal", s.ref)
	}
	store, err := s.storeAt(ctx, ref)
	if err != nil {
		return HistoryResult{}, err
	}
	if in.Name != "" {
		run, err := journal.Find(ctx, store, in.Name)
		return HistoryResult{Runs: []journal.Record{run}}, err
	}
	runs, errs := journal.Read(ctx, store, in.Query)
	return HistoryResult{Runs: runs, Errors: targetErrors(errs)}, nil
}
