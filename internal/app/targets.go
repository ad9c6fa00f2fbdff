package app

import (
	"context"
	"encoding/json"

	"golang.org/x/sync/errgroup"

	"nightshift/internal/amazon"
	"nightshift/internal/fleet"
)

// concurrency bounds the accounts and regions that are worked in at the same
// time.
const concurrency = 8

// Target is one account in one region, with the clients for it. The account is
// empty where the configuration names none: then it is that of our own
// credentials, which is not asked for.
type Target struct {
	fleet.Target
	session *amazon.Session
}

// Result is what came of one target.
type Result[T any] struct {
	Target fleet.Target
	Value  T
	// Err says which account it is about where there are several.
	Err error
}

// ForEachTarget calls do for every target of the session, several at the same
// time, and gives the results in the order of the targets. A target that fails
// does not hold up the others.
func ForEachTarget[T any](ctx context.Context, s *Session, do func(context.Context, Target) (T, error)) []Result[T] {
	results := make([]Result[T], len(s.Targets))
	var group errgroup.Group
	group.SetLimit(concurrency)
	for n, target := range s.Targets {
		group.Go(func() error {
			value, err := do(ctx, target)
			results[n] = Result[T]{target.Target, value, s.Names.wrap(target.Account, err)}
			return nil
		})
	}
	_ = group.Wait() // each result has an error of its own
	return results
}

// concurrently calls do with the numbers below n.
func concurrently(n int, do func(int)) {
	var group errgroup.Group
	group.SetLimit(concurrency)
	for i := range n {
		group.Go(func() error {
			do(i)
			return nil
		})
	}
	_ = group.Wait() // do keeps its errors
}

// TargetError is what went wrong with an account or a region. The account is
// empty where not even that is known.
type TargetError struct {
	fleet.Target
	Err error
}

// targetErrors are errors of no target in particular.
func targetErrors(errs []error) []TargetError {
	var all []TargetError
	for _, err := range errs {
		all = append(all, TargetError{Err: err})
	}
	return all
}

// errorsOf are the errors alone.
func errorsOf(errs []TargetError) []error {
	var all []error
	for _, e := range errs {
		all = append(all, e.Err)
	}
	return all
}

// targetErrorJSON is a TargetError as JSON: of the error only its text and its
// status are kept.
type targetErrorJSON struct {
	fleet.Target
	Error  string       `json:"error"`
	Status fleet.Status `json:"status"`
}

// MarshalJSON writes target, text and status.
func (e TargetError) MarshalJSON() ([]byte, error) {
	return json.Marshal(targetErrorJSON{e.Target, e.Err.Error(), fleet.StatusOf(e.Err)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (e *TargetError) UnmarshalJSON(data []byte) error {
	var read targetErrorJSON
	if err := json.Unmarshal(data, &read); err != nil {
		return err
	}
	*e = TargetError{read.Target, fleet.Errorf(read.Status.Kind(), "%s", read.Error)}
	return nil
}
