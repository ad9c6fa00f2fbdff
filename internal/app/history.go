package app

import (
	"context"
	"encoding/json"

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
	Errors []error
}

// MarshalJSON writes runs and errors as lists.
func (h HistoryResult) MarshalJSON() ([]byte, error) {
	out := historyJSON{Runs: h.Runs}
	if out.Runs == nil {
		out.Runs = []journal.Record{}
	}
	for _, err := range h.Errors {
		out.Errors = append(out.Errors, err.Error())
	}
	return json.Marshal(out)
}

type historyJSON struct {
	Runs   []journal.Record `json:"runs"`
	Errors []string         `json:"errors,omitempty"`
}

// UnmarshalJSON reads what MarshalJSON writes.
func (h *HistoryResult) UnmarshalJSON(data []byte) error {
	var in historyJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	*h = HistoryResult{Runs: in.Runs}
	for _, text := range in.Errors {
		h.Errors = append(h.Errors, fleet.Errorf(fleet.ErrInvalid, "%s", text))
	}
	return nil
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
	return HistoryResult{Runs: runs, Errors: errs}, nil
}
