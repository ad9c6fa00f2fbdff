package fleet

import (
	"errors"
	"fmt"
)

// The kinds of errors that packages outside the AWS adapter distinguish with
// errors.Is. The adapter maps AWS error codes to them in one table.
var (
	// ErrCredentials: there are none, or AWS does not accept them.
	ErrCredentials = errors.New("credentials")
	// ErrDenied: the credentials are good but do not permit this.
	ErrDenied = errors.New("access denied")
	// ErrNotFound: the named resource does not exist.
	ErrNotFound = errors.New("not found")
	// ErrInvalid: the request or the configuration is wrong; trying again
	// cannot help.
	ErrInvalid = errors.New("invalid")
	// ErrConflict: the resource is not in a state in which this can be done.
	ErrConflict = errors.New("conflict")
	// ErrProtected: stop protection is on.
	ErrProtected = errors.New("stop protection")
	// ErrUnsupported: this resource can never do this.
	ErrUnsupported = errors.New("unsupported")
	// ErrCapacity: AWS has no capacity for this just now.
	ErrCapacity = errors.New("no capacity")
	// ErrThrottled: too many requests, also after all retries.
	ErrThrottled = errors.New("throttled")
	// ErrNoTime: nothing was asked, because no time is left for it.
	ErrNoTime = errors.New("no time left")
	// ErrCapped: the cap on paid requests is reached; nothing was sent.
	ErrCapped = errors.New("the cap on paid requests is reached")
	// ErrUnavailable: the endpoint does not answer or answers 5xx, also after
	// all retries.
	ErrUnavailable = errors.New("unavailable")
)

// Refusal is an error answer of AWS. EC2 refuses a batch as a whole, so a
// Refusal names the instances that it blames where the answer does; Kind is
// one of the errors above.
type Refusal struct {
	Kind    error
	Action  string // the IAM action that was refused: "ec2:StopInstances"
	Code    string // as AWS wrote it, for example "IncorrectInstanceState"
	Message string // as AWS wrote it
	IDs     []ResourceID
	// BucketRegion is the region that S3 points to when it refuses a request
	// because the bucket lies there.
	BucketRegion Region
}

// Error is the action, the AWS code and the AWS message.
func (r *Refusal) Error() string { return r.Action + ": " + r.Code + ": " + r.Message }

// Unwrap gives the kind, so that errors.Is(err, ErrDenied) works.
func (r *Refusal) Unwrap() error { return r.Kind }

// Errorf makes an error of a kind with a message of its own: the message does
// not mention the kind, errors.Is finds it. %w works as in fmt.Errorf.
func Errorf(kind error, format string, args ...any) error {
	return &kindError{kind: kind, error: fmt.Errorf(format, args...)}
}

type kindError struct {
	kind error
	error
}

func (e *kindError) Unwrap() []error { return []error{e.kind, e.error} }

// Refusals are all refusals in an error that may join several.
func Refusals(err error) []*Refusal {
	switch err := err.(type) { //nolint:errorlint // it goes down the tree itself
	case *Refusal:
		return []*Refusal{err}
	case interface{ Unwrap() error }:
		return Refusals(err.Unwrap())
	case interface{ Unwrap() []error }:
		var all []*Refusal
		for _, one := range err.Unwrap() {
			all = append(all, Refusals(one)...)
		}
		return all
	default:
		return nil
	}
}
