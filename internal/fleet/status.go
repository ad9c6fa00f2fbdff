package fleet

import "errors"

// Status says how a run ended as a whole. Exit codes, errors of the function and
// metrics are made from it.
type Status string

// The statuses.
const (
	StatusDone    Status = "done"    // all of it
	StatusPartial Status = "partial" // a part of it
	StatusFailed  Status = "failed"  // nothing of it
	StatusDenied  Status = "denied"  // no credentials, or not permitted
	StatusInvalid Status = "invalid" // the request or the configuration is wrong
)

// StatusOf is the status of a run that an error has ended.
func StatusOf(err error) Status {
	switch {
	case err == nil:
		return StatusDone
	case errors.Is(err, ErrCredentials), errors.Is(err, ErrDenied):
		return StatusDenied
	case errors.Is(err, ErrInvalid):
		return StatusInvalid
	default:
		return StatusFailed
	}
}

// Kind is an error whose status this is; nil where there is none.
func (s Status) Kind() error {
	switch s {
	case StatusDone:
		return nil
	case StatusDenied:
		return ErrDenied
	case StatusInvalid:
		return ErrInvalid
	default:
		return errors.New(string(s))
	}
}
